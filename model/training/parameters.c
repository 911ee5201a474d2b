#include "model/training/parameters.h"

#include "harness/base/text.h"
#include "model/signal/parameters.h"

#include <stdint.h>
#include <string.h>

/* A new training parameter is a field of chirp_train_config (trainer.h), its default and its row here. */

const char *const chirp_optimizer_name[CHIRP_OPTIMIZERS] = {"adam", "sgd"};
const char *const chirp_rate_name[CHIRP_RATES] = {"constant", "cosine", "cosine-iterations"};

chirp_train_config chirp_train_config_default(void)
{
    return (chirp_train_config){
        .network = "spin",
        .variant = CHIRP_VARIANT_LAST2,
        .estimator = CHIRP_VARIATIONAL_LOCAL,
        .batch = 64,
        .accumulate = 1,
        .shares = "equal",
        .iterations = 120000,
        .optimizer = CHIRP_OPTIMIZER_ADAM,
        .learning_rate = 0.0008,
        .momentum = 0.9,
        .schedule = CHIRP_RATE_COSINE,
        .warmup_steps = 200,
        .rate_hold = 0.3,
        .final_rate = 1e-5,
        .clip = 5,
        .average = 0.02,
        .labels = {.standardised = true},
        .learned_scale = true,
        .noise_scale = 0.25,
        .kl_warmup = 0.25,
        .prior_sigma = 1,
        .initial_rho = -7,
        .independent_noise = true,
        .signal = chirp_signal_config_default(),
        .curriculum = "start",
        .validation_signals = 256,
        .exchange = {.engine = chirp_exchange_kind_at(0)->name},
        .algorithm = CHIRP_CONV1D_AUTO,
    };
}

/* Options and their values; "default" lists nothing. */
enum { PRESET_OPTIONS = 16 };
static const struct {
    const char *name;
    struct {
        const char *option, *value;
    } set[PRESET_OPTIONS];
} presets[] = {
    {"default", {{NULL, NULL}}},
    /* some minutes on two cores: small batches cost the same per signal, and early on steps count */
    {"quick", {{"batch", "16"}, {"iterations", "4000"}}},
    /* about two hours on two cores, as long as the rate falls with the iterations */
    {"best", {{"batch", "32"}, {"iterations", "40000"}, {"validation-signals", "1024"}}},
    {"study",
     {{"estimator", "reparameterization"},
      {"dropout", "0.1"},
      {"initial-rho", "-5"},
      {"labels", "study"},
      {"noise-scale", "0.2"},
      {"schedule", "constant"},
      {"warmup-steps", "100"},
      {"clip", "0"},
      {"average", "0"},
      {"curriculum", "study"},
      {"snr-law", "uniform"},
      {"snr-min", "10"},
      {"snr-max", "30"},
      {"kl-warmup", "0"}}},
};

#define NETWORK .group = "Network"
#define OPTIMIZER .group = "Optimizer"
#define LOSS .group = "Likelihood and prior"
#define CHECKS .group = "Held-out signals"
#define EXCHANGE .group = "Ranks and exchange"
#define AT(member) .offset = offsetof(chirp_train_config, member)
/* Stored under the field's name. A resumed training must have the same (SAME), or may have another (CHANGE). */
#define SAME(member) AT(member), .key = #member, .resume = CHIRP_RESUME_SAME
#define CHANGE(member) AT(member), .key = #member, .resume = CHIRP_RESUME_CHANGE
#define NAMES(list, n) .names = (list), .n_names = (n)

static const char *const likelihoods[] = {"fixed", "learned"};
static const char *const label_maps[] = {"study", "standardised"};
static const char *const weight_noises[] = {"shared", "independent"};
static const char *const deadlines[] = {"none", "measured"};
static const char *const compressions[] = {"none", "bf16"}; /* chirp_exchange_compress */

static const chirp_option train_options[] = {
    {"network", CHIRP_OPTION_CHOICE, .list = chirp_network_choices,
     .help = "labels to learn; -2048: from 2048 samples a second", SAME(network)},
    {"variational", CHIRP_OPTION_ENUM, NAMES(chirp_variant_name, CHIRP_VARIANTS),
     .help = "which layers are variational", AT(variant), .key = "variant",
     .resume = CHIRP_RESUME_SAME},
    {"batch", CHIRP_OPTION_INT, .metavar = "N", .min = 1, .max = 65536,
     .help = "signals per rank and pass", CHANGE(batch)},
    {"iterations", CHIRP_OPTION_INT, .metavar = "N", .min = 1, .max = 1e9,
     .help = "optimiser steps", CHANGE(iterations)},
    {"seed", CHIRP_OPTION_UINT64, .metavar = "N", .min = 0, .max = 9e15,
     .help = "seed of weights, noise and signals", AT(seed), .resume = CHIRP_RESUME_SAME},
    {"data", CHIRP_OPTION_STRING, .metavar = "FILE", .file = CHIRP_FILE_READ,
     .help = "data set of chirpbench generate in place of new signals; its last rows are held out",
     SAME(data), .none = "made on the fly"},

    {"estimator", CHIRP_OPTION_ENUM, NETWORK,
     NAMES(chirp_variational_estimator_name, CHIRP_VARIATIONAL_ESTIMATORS),
     .help = "gradient estimator of variational weights", SAME(estimator)},
    {"weight-noise", CHIRP_OPTION_EITHER, NETWORK, NAMES(weight_noises, 2),
     .help = "shared: one weight draw a step for all ranks and passes, which halves the bytes of "
             "variational layers (--estimator reparameterization) but is noise that more ranks "
             "don't lower; independent: one draw each",
     SAME(independent_noise)},
    {"initial-rho", CHIRP_OPTION_REAL, NETWORK, .metavar = "R", .min = -20, .max = 20,
     .help = "posterior sigmas start at softplus(R)", SAME(initial_rho)},
    {"dropout", CHIRP_OPTION_REAL, NETWORK, .metavar = "P", .min = 0, .max = 0.99,
     .help = "dropout rate behind dense1, in training only", SAME(dropout)},
    {"dense2-relu", CHIRP_OPTION_FLAG, NETWORK,
     .help = "puts back the activation that the study removed", SAME(dense2_relu)},

    {"optimizer", CHIRP_OPTION_ENUM, OPTIMIZER, NAMES(chirp_optimizer_name, CHIRP_OPTIMIZERS),
     .help = "optimiser: the study's public code uses adam, its paper sgd", SAME(optimizer)},
    {"learning-rate", CHIRP_OPTION_REAL, OPTIMIZER, .metavar = "R", .min = 1e-9, .max = 10,
     .help = "base rate; it is multiplied by the number of ranks", CHANGE(learning_rate)},
    {"warmup-steps", CHIRP_OPTION_INT, OPTIMIZER, .metavar = "N", .min = 0, .max = 1e9,
     .help = "constant: steps at the base rate before it is multiplied by the ranks; cosine: "
             "steps in which the rate grows from 0, at most a tenth of the run",
     CHANGE(warmup_steps)},
    {"schedule", CHIRP_OPTION_ENUM, OPTIMIZER, NAMES(chirp_rate_name, CHIRP_RATES),
     .help = "cosine: the rate is held, then falls over --iterations, or over --max-seconds, which "
             "is not repeated bitwise; cosine-iterations: over --iterations in any number of runs",
     CHANGE(schedule), .later = true},
    {"hold", CHIRP_OPTION_REAL, OPTIMIZER, .metavar = "S", .min = 0, .max = 1,
     .help = "cosine: share of the run before the rate falls", CHANGE(rate_hold), .later = true},
    {"final-rate", CHIRP_OPTION_REAL, OPTIMIZER, .metavar = "R", .min = 0, .max = 10,
     .help = "cosine: where the rate ends", CHANGE(final_rate), .later = true},
    {"clip", CHIRP_OPTION_REAL, OPTIMIZER, .metavar = "C", .min = 0, .max = 1e6,
     .help = "cuts a gradient longer than C times the running median of norms; 0: never",
     CHANGE(clip), .later = true},
    {"average", CHIRP_OPTION_REAL, OPTIMIZER, .metavar = "S", .min = 0, .max = 1,
     .help = "held-out checks, checkpoints and infer use an exponential average of all parameters "
             "over this share of the run; 0: the parameters themselves",
     CHANGE(average), .later = true},
    {"momentum", CHIRP_OPTION_REAL, OPTIMIZER, .metavar = "M", .min = 0, .max = 0.9999,
     .help = "momentum of sgd; beta1 of adam", SAME(momentum)},
    {NULL, CHIRP_OPTION_INT, .max = 1e9, AT(rate_ranks), .key = "rate_ranks", .later = true},

    {"labels", CHIRP_OPTION_EITHER, LOSS, NAMES(label_maps, 2),
     .help =
         "standardised: zero mean and standard deviation 0.25 over the prior, linear mean, scale "
         "softplus(r); study: label / 80 of masses, tanh of others, scale softplus(0.05 r)",
     AT(labels.standardised), .key = "standardised_labels", .resume = CHIRP_RESUME_SAME,
     .later = true},
    {"likelihood", CHIRP_OPTION_EITHER, LOSS, NAMES(likelihoods, 2),
     .help = "the noise scale is fixed, or an output of each leaf", SAME(learned_scale)},
    {"noise-scale", CHIRP_OPTION_REAL, LOSS, .metavar = "S", .min = 0.0011, .max = 10,
     .help = "fixed scale, or where the learned one starts, in units of --labels",
     SAME(noise_scale)},
    {"kl-weight", CHIRP_OPTION_REAL, LOSS, .metavar = "W", .min = 0, .max = 1,
     .help = "weight of the KL divergence per signal; 0: 1/(signals in the whole training)",
     SAME(kl_weight)},
    {"kl-warmup", CHIRP_OPTION_REAL, LOSS, .metavar = "W", .min = 0, .max = 1e9,
     .help = "share of the run over which the KL weight grows from 0; from 1 on: steps",
     SAME(kl_warmup)},
    {"prior-sigma", CHIRP_OPTION_REAL, LOSS, .metavar = "S", .min = 1e-6, .max = 1e6,
     .help = "standard deviation of the weights' prior", SAME(prior_sigma)},

    {"curriculum", CHIRP_OPTION_STRING, .group = "Signals", .metavar = "STAGES",
     .help = "none; start: the first 2 % of the iterations (at least 500, at most a quarter) at "
             "high SNR, "
             "where the network leaves the guess; study: falls in six steps until half of the "
             "iterations; or "
             "0:60-100,9000:40-80",
     SAME(curriculum)},

    {"target-error", CHIRP_OPTION_REAL, CHECKS, .metavar = "E", .min = 0, .max = 1,
     .help = "stop at this held-out relative error; 0: the study's", CHANGE(target_error),
     .later = true},
    {"validation-signals", CHIRP_OPTION_INT, CHECKS, .metavar = "N", .min = 1, .max = 1e6,
     .help = "held-out signals", SAME(validation_signals)},

    {"threads", CHIRP_OPTION_INT32, EXCHANGE, .metavar = "N", .min = 0, .max = 1024,
     .help = "threads per rank; 0: OMP_NUM_THREADS, or the processors of a computer divided by its "
             "ranks",
     AT(n_threads)},
    {"accumulate", CHIRP_OPTION_INT, EXCHANGE, .metavar = "K", .min = 1, .max = 4096,
     .help = "passes of --batch signals per rank between exchanges: one step then takes ranks x "
             "K x batch signals; the rate is not scaled by K",
     CHANGE(accumulate), .later = true},
    {"shares", CHIRP_OPTION_STRING, EXCHANGE, .metavar = "SHARES",
     .help =
         "signals of each rank's passes: equal (--batch each), measured (by speed, adjusted during "
         "training, which is then not repeated bitwise) or a list such as 70,58",
     AT(shares)},
    {"deadline", CHIRP_OPTION_EITHER, EXCHANGE, NAMES(deadlines, 2),
     .help = "measured: a rank that is late is left out of a step where that gains time, at most "
             "1 % of all signals; training is then not repeated bitwise; none: steps wait for all",
     AT(deadline)},
};

#undef AT
#define AT(member) .offset = offsetof(chirp_exchange_config, member)
static const chirp_option exchange_options[] = {
    {"exchange", CHIRP_OPTION_CHOICE, EXCHANGE, .list = chirp_exchange_choices,
     .explain = chirp_exchange_help, AT(engine), .key = "exchange", .none = "default",
     .resume = CHIRP_RESUME_CHANGE, .later = true},
    {"compress", CHIRP_OPTION_ENUM, EXCHANGE, NAMES(compressions, 2),
     .help =
         "format of gradients in messages; bf16 (overlap only) has error feedback, which a resume "
         "drops: training goes on, but not bitwise",
     CHANGE(compress), .later = true},
    {"bucket-mib", CHIRP_OPTION_MIB, EXCHANGE, .metavar = "S", .min = 0, .max = 16384,
     .help = "size of a bucket, or of a message where one bucket holds all [MiB]; 0: the "
             "exchange's own",
     CHANGE(bucket_bytes), .later = true},
};

const char *const chirp_train_object[CHIRP_TRAIN_TABLES] = {NULL, "signal", NULL};

/* Of the signal options: the network sets the length, and reads noise that is made for one detector. */
static const char *const signal_options_of_train[] = {
    "mass-min", "mass-max",       "ratio-max",  "spin-max",    "snr-min", "snr-max",
    "snr-law",  "merger-min",     "merger-max", "sample-rate", "f-low",   "f-high",
    "psd",      "curve-segments", "curve-tilt", NULL};

void chirp_train_tables(const chirp_train_config *config, const char *const *only,
                        chirp_option_table tables[CHIRP_TRAIN_TABLES])
{
    char *base = (char *)(uintptr_t)config;
    tables[CHIRP_TRAIN_OWN] = (chirp_option_table){
        train_options, sizeof train_options / sizeof train_options[0], base, only, NULL};
    tables[CHIRP_TRAIN_SIGNALS] = (chirp_option_table){chirp_signal_option, CHIRP_SIGNAL_OPTIONS,
                                                       base + offsetof(chirp_train_config, signal),
                                                       only ? only : signal_options_of_train, NULL};
    tables[CHIRP_TRAIN_EXCHANGE] =
        (chirp_option_table){exchange_options, sizeof exchange_options / sizeof exchange_options[0],
                             base + offsetof(chirp_train_config, exchange), only, NULL};
}

_Static_assert(sizeof train_options / sizeof train_options[0] <= CHIRP_TRAIN_OWN_OPTIONS,
               "marks of options have no room for all");

const char *chirp_train_preset_choices(void)
{
    static char text[CHIRP_OPTION_TEXT];
    text[0] = '\0';
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; ++i)
        chirp_join(text, sizeof text, "|", presets[i].name);
    return text;
}

static chirp_status set_option(const chirp_option_table tables[CHIRP_TRAIN_TABLES],
                               const char *name, const char *value)
{
    for (int t = 0; t < CHIRP_TRAIN_TABLES; ++t)
        for (size_t i = 0; i < tables[t].n_options; ++i) {
            const chirp_option *row = &tables[t].options[i];
            if (!row->name || strcmp(row->name, name) != 0)
                continue;
            if (tables[t].given && tables[t].given[i])
                return CHIRP_OK;
            return chirp_option_read(row, name, value, chirp_option_value(row, tables[t].base));
        }
    return chirp_fail(CHIRP_ERR_ARG, "a preset sets --%s, which is no option", name);
}

chirp_status chirp_train_preset(const char *name, const bool *const given[CHIRP_TRAIN_TABLES],
                                chirp_train_config *config)
{
    chirp_option_table tables[CHIRP_TRAIN_TABLES];
    chirp_status st = CHIRP_OK;
    chirp_train_tables(config, NULL, tables);
    for (int t = 0; t < CHIRP_TRAIN_TABLES; ++t)
        tables[t].given = given ? (bool *)(uintptr_t)given[t] : NULL;
    for (size_t p = 0; p < sizeof presets / sizeof presets[0]; ++p) {
        if (strcmp(presets[p].name, name) != 0)
            continue;
        for (int i = 0; i < PRESET_OPTIONS && presets[p].set[i].option && st == CHIRP_OK; ++i)
            st = set_option(tables, presets[p].set[i].option, presets[p].set[i].value);
        return st;
    }
    return chirp_fail(CHIRP_ERR_ARG, "preset '%s' is none of %s", name,
                      chirp_train_preset_choices());
}

chirp_train_config chirp_train_config_study(void)
{
    chirp_train_config config = chirp_train_config_default();
    (void)chirp_train_preset("study", NULL, &config); /* the table's own values */
    return config;
}
