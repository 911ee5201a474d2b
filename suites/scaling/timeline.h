/** One training step of all ranks as a Chrome trace (Perfetto, chrome://tracing): layers, buckets, waiting. */
#ifndef CHIRP_SUITES_SCALING_TIMELINE_H
#define CHIRP_SUITES_SCALING_TIMELINE_H

#include "model/parallel/exchange.h"

/**
 * Collective over the group; rank 0 writes.
 * @param exchange  holds the last step's events
 * @param input_s, forward_s  lengths of the parts that the exchange doesn't see
 * @param offset_s  what to add to this rank's clock to read rank 0's
 */
chirp_status chirp_timeline_write(const char *path, const chirp_exchange *exchange, double input_s,
                                  double forward_s, double offset_s);

#endif
