/** One training step of all ranks as a Chrome trace (Perfetto, chrome://tracing): layers, buckets, waiting. */
#ifndef CHIRP_SUITES_SCALING_TIMELINE_H
#define CHIRP_SUITES_SCALING_TIMELINE_H

#include "model/parallel/exchange.h"

/** What the exchange doesn't see of its rank's step [s]. */
typedef struct chirp_timeline_step {
    double input_s; /**< of all passes, as the next two */
    double forward_s;
    double backward_s;
    double control_s;     /**< behind the exchange: sums over ranks */
    double optimizer_s;   /**< shown with one rank; else the exchange's updates are that */
    double offset_s;      /**< what to add to this rank's clock to read rank 0's */
    double uncertainty_s; /**< of that */
} chirp_timeline_step;

/**
 * Collective over the group; rank 0 writes. A process is a rank; its first track is what its cores do, the others are
 * buckets under way, of which a rank notices the end when it next asks.
 * @param exchange  holds the last step's events
 */
chirp_status chirp_timeline_write(const char *path, const chirp_exchange *exchange,
                                  const chirp_timeline_step *step);

#endif
