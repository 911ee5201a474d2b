#include "suites/commands/exchange_options.h"

#include <string.h>

void chirp_exchange_options_apply(const chirp_exchange_options *options,
                                  chirp_exchange_config *exchange, bool *independent_noise)
{
    static const double mib = 1024 * 1024;
    exchange->engine = options->exchange;
    exchange->compress =
        strcmp(options->compress, "bf16") == 0 ? CHIRP_COMPRESS_BF16 : CHIRP_COMPRESS_NONE;
    exchange->bucket_bytes = (int64_t)(options->bucket_mib * mib);
    *independent_noise = strcmp(options->weight_noise, "independent") == 0;
}
