/** The options of train, scale and project that say how ranks exchange gradients. */
#ifndef CHIRP_SUITES_COMMANDS_EXCHANGE_OPTIONS_H
#define CHIRP_SUITES_COMMANDS_EXCHANGE_OPTIONS_H

#include "harness/base/options.h"
#include "model/parallel/exchange.h"

typedef struct chirp_exchange_options {
    const char *exchange, *compress, *weight_noise;
    double bucket_mib;
} chirp_exchange_options;

/** What is done without options. */
#define CHIRP_EXCHANGE_OPTIONS_DEFAULT                                                             \
    {                                                                                              \
        chirp_exchange_kind_at(0)->name, "none", "independent", 0                                  \
    }

/** Rows for a command's table. @param o  a chirp_exchange_options, which receives the words and the number */
#define CHIRP_EXCHANGE_OPTIONS(o)                                                                  \
    {"exchange", CHIRP_OPTION_CHOICE, &(o).exchange, .choices = chirp_exchange_choices(),          \
     .help = chirp_exchange_help()},                                                               \
        {"compress", CHIRP_OPTION_CHOICE, &(o).compress, .choices = "none|bf16",                   \
         .help = "numbers on the wire; bf16 (overlap) with error feedback, which a resume drops"}, \
        {"bucket-mib",                                                                             \
         CHIRP_OPTION_REAL,                                                                        \
         &(o).bucket_mib,                                                                          \
         .metavar = "S",                                                                           \
         .min = 0,                                                                                 \
         .max = 16384,                                                                             \
         .help = "size of a bucket, or of a message where one bucket holds all [MiB]; 0: the "     \
                 "exchange's own"},                                                                \
    {                                                                                              \
        "weight-noise", CHIRP_OPTION_CHOICE, &(o).weight_noise,                                    \
            .choices = "shared|independent",                                                       \
            .help =                                                                                \
                "shared: one weight draw a step for all ranks and passes, which halves the bytes " \
                "of variational layers but is noise that more ranks don't lower; independent: "    \
                "one "                                                                             \
                "draw each"                                                                        \
    }

/**
 * @param exchange           receives engine, compression and bucket size; other fields stay
 * @param independent_noise  receives whether ranks draw weight noise of their own
 */
void chirp_exchange_options_apply(const chirp_exchange_options *options,
                                  chirp_exchange_config *exchange, bool *independent_noise);

#endif
