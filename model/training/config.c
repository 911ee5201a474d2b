#include "model/training/config.h"

#include "harness/base/memory.h"
#include "harness/json/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

const char *const chirp_optimizer_name[CHIRP_OPTIMIZERS] = {"adam", "sgd"};

chirp_train_config chirp_train_config_default(void)
{
    return (chirp_train_config){
        .network = "spin",
        .variant = CHIRP_VARIANT_LAST2,
        .estimator = CHIRP_VARIATIONAL_REPARAMETERIZATION,
        .batch = 64,
        .accumulate = 1,
        .shares = "equal",
        .iterations = 120000,
        .optimizer = CHIRP_OPTIMIZER_ADAM,
        .learning_rate = 0.0008,
        .momentum = 0.9,
        .warmup_steps = 100,
        .dropout = 0.1,
        .learned_scale = true,
        .noise_scale = 0.2,
        .prior_sigma = 1,
        .initial_rho = -5,
        .independent_noise = true,
        .signal = chirp_signal_config_default(),
        .curriculum = "study",
        .validation_signals = 256,
        .exchange = {.engine = chirp_exchange_kind_at(0)->name},
        .algorithm = CHIRP_CONV1D_AUTO,
    };
}

typedef struct number_field {
    const char *name;
    size_t offset;
    enum { FIELD_DOUBLE, FIELD_INT64, FIELD_BOOL } type;
    bool later; /* checkpoints of earlier versions lack it: then it has its default */
} number_field;

#define FIELD(member, type)                                                                        \
    {                                                                                              \
#member, offsetof(chirp_train_config, member), type, false                                 \
    }
#define LATER_FIELD(member, type)                                                                  \
    {                                                                                              \
#member, offsetof(chirp_train_config, member), type, true                                  \
    }
#define SIGNAL_FIELD(member, type)                                                                 \
    {                                                                                              \
#member, offsetof(chirp_train_config, signal.member), type, false                          \
    }

static const number_field train_fields[] = {
    FIELD(batch, FIELD_INT64),
    FIELD(iterations, FIELD_INT64),
    FIELD(learning_rate, FIELD_DOUBLE),
    FIELD(momentum, FIELD_DOUBLE),
    FIELD(warmup_steps, FIELD_INT64),
    FIELD(dropout, FIELD_DOUBLE),
    FIELD(learned_scale, FIELD_BOOL),
    FIELD(noise_scale, FIELD_DOUBLE),
    FIELD(kl_weight, FIELD_DOUBLE),
    FIELD(kl_warmup, FIELD_INT64),
    FIELD(prior_sigma, FIELD_DOUBLE),
    FIELD(initial_rho, FIELD_DOUBLE),
    FIELD(independent_noise, FIELD_BOOL),
    FIELD(dense2_relu, FIELD_BOOL),
    FIELD(validation_signals, FIELD_INT64),
    LATER_FIELD(accumulate, FIELD_INT64),
    LATER_FIELD(rate_ranks, FIELD_INT64),
};

static const number_field signal_fields[] = {
    SIGNAL_FIELD(length, FIELD_INT64),         SIGNAL_FIELD(sample_rate_hz, FIELD_DOUBLE),
    SIGNAL_FIELD(mass_min_msun, FIELD_DOUBLE), SIGNAL_FIELD(mass_max_msun, FIELD_DOUBLE),
    SIGNAL_FIELD(spin_max, FIELD_DOUBLE),      SIGNAL_FIELD(snr_min, FIELD_DOUBLE),
    SIGNAL_FIELD(snr_max, FIELD_DOUBLE),       SIGNAL_FIELD(merger_min_s, FIELD_DOUBLE),
    SIGNAL_FIELD(merger_max_s, FIELD_DOUBLE),  SIGNAL_FIELD(f_low_hz, FIELD_DOUBLE),
    SIGNAL_FIELD(noise, FIELD_BOOL),
};

enum {
    N_TRAIN_FIELDS = sizeof train_fields / sizeof train_fields[0],
    N_SIGNAL_FIELDS = sizeof signal_fields / sizeof signal_fields[0]
};

chirp_status chirp_train_config_check(const chirp_train_config *config)
{
    const chirp_network_spec *spec = NULL;
    const chirp_status st = chirp_network_spec_find(config->network, &spec);
    if (st != CHIRP_OK)
        return st;
    if (config->signal.length != spec->length)
        return chirp_fail(CHIRP_ERR_ARG, "signals of %lld samples don't fit the network's %lld",
                          (long long)config->signal.length, (long long)spec->length);
    if (config->signal.n_detectors != 1)
        return chirp_fail(CHIRP_ERR_ARG, "the network reads one detector, not %d",
                          config->signal.n_detectors);
    if (config->batch < 1 || config->iterations < 1 || config->validation_signals < 1)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--batch, --iterations and --validation-signals must be at least 1");
    if (config->accumulate < 1 || config->accumulate > 4096)
        return chirp_fail(CHIRP_ERR_ARG, "--accumulate %lld is outside 1 to 4096",
                          (long long)config->accumulate);
    if (!(config->learning_rate > 0 && config->learning_rate <= 10))
        return chirp_fail(CHIRP_ERR_ARG, "--learning-rate %g is outside 0 (exclusive) to 10",
                          config->learning_rate);
    if (!(config->momentum >= 0 && config->momentum < 1))
        return chirp_fail(CHIRP_ERR_ARG, "--momentum %g is outside 0 to below 1", config->momentum);
    if (!(config->noise_scale > 1e-3 && config->noise_scale <= 10))
        return chirp_fail(CHIRP_ERR_ARG, "--noise-scale %g is outside 0.001 (exclusive) to 10",
                          config->noise_scale);
    if (!(config->kl_weight >= 0 && config->kl_weight <= 1) || config->kl_warmup < 0 ||
        config->warmup_steps < 0)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--kl-weight must be within 0 to 1, numbers of steps not negative");
    if (!isfinite(config->target_error) || config->target_error < 0)
        return chirp_fail(CHIRP_ERR_ARG, "--target-error must not be negative");
    chirp_curriculum curriculum;
    return chirp_train_curriculum(config, 1, &curriculum);
}

chirp_status chirp_train_curriculum(const chirp_train_config *config, int ranks,
                                    chirp_curriculum *result)
{
    static const double STUDY_ITERATIONS = 120000;
    const chirp_signal_config *signal = &config->signal;
    chirp_curriculum made = {.n = 1, .stage = {{0, signal->snr_min, signal->snr_max}}};
    if (strcmp(config->curriculum, "none") != 0) {
        const chirp_status st = chirp_curriculum_parse(config->curriculum, &made);
        if (st != CHIRP_OK)
            return chirp_fail(st, "--curriculum: %s", chirp_error_message());
    }
    if (strcmp(config->curriculum, "study") == 0) {
        const double low = signal->snr_min / made.stage[made.n - 1].snr_min;
        const double high = signal->snr_max / made.stage[made.n - 1].snr_max;
        for (int i = 0; i < made.n; ++i) {
            const double share = (double)made.stage[i].first / STUDY_ITERATIONS;
            made.stage[i].first = (uint64_t)ceil(share * (double)config->iterations);
            made.stage[i].snr_min *= low;
            made.stage[i].snr_max *= high;
            if (made.stage[i].snr_max < made.stage[i].snr_min) /* a narrow configured range */
                made.stage[i].snr_max = made.stage[i].snr_min;
        }
    }
    chirp_curriculum_signals(&made, (uint64_t)chirp_train_step_signals(config, ranks));
    *result = made;
    return CHIRP_OK;
}

int64_t chirp_train_step_signals(const chirp_train_config *config, int ranks)
{
    return config->batch * config->accumulate * ranks;
}

static void add_fields(cJSON *object, const number_field *fields, int n,
                       const chirp_train_config *config)
{
    for (int i = 0; i < n; ++i) {
        const void *at = (const char *)config + fields[i].offset;
        if (fields[i].type == FIELD_DOUBLE)
            cJSON_AddNumberToObject(object, fields[i].name, *(const double *)at);
        else if (fields[i].type == FIELD_INT64)
            cJSON_AddNumberToObject(object, fields[i].name, (double)*(const int64_t *)at);
        else
            cJSON_AddBoolToObject(object, fields[i].name, *(const bool *)at);
    }
}

chirp_status chirp_train_config_write(const chirp_train_config *config, int ranks, char **text)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *signal = root ? cJSON_AddObjectToObject(root, "signal") : NULL;
    if (!signal) {
        cJSON_Delete(root);
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the configuration");
    }
    cJSON_AddStringToObject(root, "network", config->network);
    cJSON_AddStringToObject(root, "variant", chirp_variant_name[config->variant]);
    cJSON_AddStringToObject(root, "estimator", chirp_variational_estimator_name[config->estimator]);
    cJSON_AddStringToObject(root, "optimizer", chirp_optimizer_name[config->optimizer]);
    cJSON_AddStringToObject(root, "curriculum", config->curriculum);
    cJSON_AddStringToObject(root, "data", config->data ? config->data : "made on the fly");
    cJSON_AddNumberToObject(root, "ranks", ranks);
    add_fields(root, train_fields, N_TRAIN_FIELDS, config);
    add_fields(signal, signal_fields, N_SIGNAL_FIELDS, config);
    cJSON_AddStringToObject(
        signal, "psd", config->signal.psd_path ? config->signal.psd_path : "analytic aLIGO design");
    char *printed = chirp_json_print_line(root);
    cJSON_Delete(root);
    *text = chirp_strdup(printed);
    cJSON_free(printed);
    return *text ? CHIRP_OK : chirp_fail(CHIRP_ERR_NOMEM, "no memory for the configuration");
}

static chirp_status read_fields(const char *path, const cJSON *object, const number_field *fields,
                                int n, chirp_train_config *config)
{
    for (int i = 0; i < n; ++i) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, fields[i].name);
        void *at = (char *)config + fields[i].offset;
        if (!item && fields[i].later)
            continue;
        if (fields[i].type == FIELD_BOOL ? !cJSON_IsBool(item)
                                         : !(cJSON_IsNumber(item) && isfinite(item->valuedouble)))
            return chirp_fail(CHIRP_ERR_FORMAT, "%s: configuration lacks '%s'", path,
                              fields[i].name);
        if (fields[i].type == FIELD_DOUBLE)
            *(double *)at = item->valuedouble;
        else if (fields[i].type == FIELD_INT64)
            *(int64_t *)at = (int64_t)item->valuedouble;
        else
            *(bool *)at = cJSON_IsTrue(item);
    }
    return CHIRP_OK;
}

static chirp_status read_name(const char *path, const cJSON *root, const char *key,
                              const char *const *names, int n, int *index)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, key);
    *index = cJSON_IsString(item) ? chirp_name_index(names, n, item->valuestring) : -1;
    if (*index < 0)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: configuration has no '%s' that this version knows",
                          path, key);
    return CHIRP_OK;
}

chirp_status chirp_train_config_read(const char *path, const char *text, chirp_train_config *result,
                                     int *ranks)
{
    static const char *const networks[] = {"spin", "mass"};
    chirp_train_config config = chirp_train_config_default();
    int network = 0;
    int variant = 0;
    int estimator = 0;
    int optimizer = 0;
    cJSON *root = cJSON_Parse(text);
    if (!cJSON_IsObject(root)) {
        cJSON_Delete(root);
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: its configuration is no JSON object", path);
    }
    chirp_status st = read_name(path, root, "network", networks, 2, &network);
    if (st == CHIRP_OK)
        st = read_name(path, root, "variant", chirp_variant_name, CHIRP_VARIANTS, &variant);
    if (st == CHIRP_OK)
        st = read_name(path, root, "estimator", chirp_variational_estimator_name,
                       CHIRP_VARIATIONAL_ESTIMATORS, &estimator);
    if (st == CHIRP_OK)
        st = read_name(path, root, "optimizer", chirp_optimizer_name, CHIRP_OPTIMIZERS, &optimizer);
    if (st == CHIRP_OK)
        st = read_fields(path, root, train_fields, N_TRAIN_FIELDS, &config);
    if (st == CHIRP_OK)
        st = read_fields(path, cJSON_GetObjectItemCaseSensitive(root, "signal"), signal_fields,
                         N_SIGNAL_FIELDS, &config);
    const cJSON *count = cJSON_GetObjectItemCaseSensitive(root, "ranks");
    const int n_ranks = cJSON_IsNumber(count) ? count->valueint : 0;
    cJSON_Delete(root);
    if (st != CHIRP_OK)
        return st;
    config.network = networks[network];
    config.variant = (chirp_variant)variant;
    config.estimator = (chirp_variational_estimator)estimator;
    config.optimizer = (chirp_optimizer)optimizer;
    st = chirp_train_config_check(&config);
    if (st != CHIRP_OK || n_ranks < 1) {
        char sentence[400];
        (void)strncpy(sentence, n_ranks < 1 ? "ranks is missing" : chirp_error_message(),
                      sizeof sentence - 1);
        sentence[sizeof sentence - 1] = '\0';
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: impossible configuration: %s", path, sentence);
    }
    *result = config;
    if (ranks)
        *ranks = n_ranks;
    return CHIRP_OK;
}
