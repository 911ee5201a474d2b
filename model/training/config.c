#include "model/training/config.h"

#include "harness/base/field.h"
#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "model/signal/settings.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
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

/* What a resume says of a field whose value has changed. */
typedef enum on_resume {
    RESUME_REFUSES, /* the checkpoint would say something else than what was trained on */
    RESUME_SAYS,    /* it may change: said in one line */
    RESUME_IGNORES, /* it is of no matter by itself, or checked with others */
} on_resume;

typedef struct parameter {
    chirp_field field;
    on_resume resume;
    bool later; /* checkpoints of earlier versions lack it: then it had its default */
} parameter;

static const char *const likelihoods[] = {"fixed", "learned"};
static const char *const weight_noises[] = {"shared", "independent"};
static const char *const made_on_the_fly[] = {"made on the fly"};
static const char *const analytic[] = {"analytic aLIGO design"};
static const char *const compressions[] = {"none", "bf16"};

#define AT(member) offsetof(chirp_train_config, member)
#define NUMBER(member, type, title)                                                                \
    {                                                                                              \
#member, CHIRP_FIELD_##type, AT(member), title, NULL, 0                                    \
    }
#define CHOICE(key, member, type, title, names, n)                                                 \
    {                                                                                              \
        key, CHIRP_FIELD_##type, AT(member), title, names, n                                       \
    }

/* Every field that a checkpoint holds, but for the numbers of the signals (model/signal/settings.h). */
static const parameter parameters[] = {
    {CHOICE("network", network, TEXT, "--network", NULL, 0), RESUME_REFUSES, false},
    {CHOICE("variant", variant, ENUM, "--variational", chirp_variant_name, CHIRP_VARIANTS),
     RESUME_REFUSES, false},
    {CHOICE("estimator", estimator, ENUM, "--estimator", chirp_variational_estimator_name,
            CHIRP_VARIATIONAL_ESTIMATORS),
     RESUME_REFUSES, false},
    {CHOICE("optimizer", optimizer, ENUM, "--optimizer", chirp_optimizer_name, CHIRP_OPTIMIZERS),
     RESUME_REFUSES, false},
    {CHOICE("learned_scale", learned_scale, BOOL, "--likelihood", likelihoods, 2), RESUME_REFUSES,
     false},
    {CHOICE("independent_noise", independent_noise, BOOL, "--weight-noise", weight_noises, 2),
     RESUME_REFUSES, false},
    {NUMBER(dense2_relu, BOOL, "--dense2-relu"), RESUME_REFUSES, false},
    {NUMBER(momentum, REAL, "--momentum"), RESUME_REFUSES, false},
    {NUMBER(dropout, REAL, "--dropout"), RESUME_REFUSES, false},
    {NUMBER(noise_scale, REAL, "--noise-scale"), RESUME_REFUSES, false},
    {NUMBER(kl_weight, REAL, "--kl-weight"), RESUME_REFUSES, false},
    {NUMBER(kl_warmup, INT64, "--kl-warmup"), RESUME_REFUSES, false},
    {NUMBER(prior_sigma, REAL, "--prior-sigma"), RESUME_REFUSES, false},
    {NUMBER(initial_rho, REAL, "--initial-rho"), RESUME_REFUSES, false},
    {CHOICE("curriculum", curriculum, TEXT, "--curriculum", NULL, 0), RESUME_REFUSES, false},
    {CHOICE("data", data, TEXT, "--data", made_on_the_fly, 1), RESUME_REFUSES, false},
    {NUMBER(validation_signals, INT64, "--validation-signals"), RESUME_REFUSES, false},
    {NUMBER(iterations, INT64, "--iterations"), RESUME_SAYS, false},
    {NUMBER(learning_rate, REAL, "--learning-rate"), RESUME_SAYS, false},
    {NUMBER(warmup_steps, INT64, "--warmup-steps"), RESUME_SAYS, false},
    {NUMBER(target_error, REAL, "--target-error"), RESUME_SAYS, true},
    {CHOICE("exchange", exchange.engine, TEXT, "--exchange", NULL, 0), RESUME_SAYS, true},
    {CHOICE("compress", exchange.compress, ENUM, "--compress", compressions, 2), RESUME_SAYS, true},
    {NUMBER(batch, INT64, "--batch"), RESUME_IGNORES, false},
    {NUMBER(accumulate, INT64, "--accumulate"), RESUME_IGNORES, true},
    {NUMBER(rate_ranks, INT64, NULL), RESUME_IGNORES, true},
};
static const parameter psd = {CHOICE("psd", signal.psd_path, TEXT, "--psd", analytic, 1),
                              RESUME_REFUSES, false};

enum { PARAMETERS = sizeof parameters / sizeof *parameters };

/* The parameter of a signal setting; a name that files had before is kept. */
static parameter signal_parameter(int i)
{
    parameter p = {chirp_signal_setting[i], RESUME_REFUSES, false};
    const char *name = p.field.name;
    p.field.offset += AT(signal);
    p.later = strcmp(name, "f_high_hz") == 0 || strcmp(name, "mass_ratio_max") == 0 ||
              strcmp(name, "n_detectors") == 0;
    if (strcmp(name, "has_noise") == 0)
        p.field.name = "noise";
    return p;
}

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

static bool add_field(cJSON *object, const chirp_field *field, const chirp_train_config *config)
{
    char text[64];
    switch (field->kind) {
    case CHIRP_FIELD_TEXT: {
        const char *value = chirp_field_text(field, config);
        return chirp_json_add_text(object, field->name, value ? value : field->choices[0]);
    }
    case CHIRP_FIELD_ENUM:
        return chirp_json_add_text(object, field->name,
                                   chirp_field_print(field, config, text, sizeof text));
    case CHIRP_FIELD_BOOL:
        return cJSON_AddBoolToObject(object, field->name, chirp_field_number(field, config) != 0);
    default:
        return cJSON_AddNumberToObject(object, field->name, chirp_field_number(field, config));
    }
}

chirp_status chirp_train_config_write(const chirp_train_config *config, int ranks, char **text)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *signal = root ? cJSON_AddObjectToObject(root, "signal") : NULL;
    bool good = signal && cJSON_AddNumberToObject(root, "ranks", ranks);
    for (int i = 0; good && i < PARAMETERS; ++i)
        good = add_field(root, &parameters[i].field, config);
    for (int i = 0; good && i < CHIRP_SIGNAL_SETTINGS; ++i) {
        const parameter p = signal_parameter(i);
        good = add_field(signal, &p.field, config);
    }
    char *printed =
        good && add_field(signal, &psd.field, config) ? chirp_json_print_line(root) : NULL;
    cJSON_Delete(root);
    *text = chirp_strdup(printed);
    cJSON_free(printed);
    return *text ? CHIRP_OK : chirp_fail(CHIRP_ERR_NOMEM, "no memory for the configuration");
}

static chirp_status lacks(const char *path, const chirp_field *field)
{
    return chirp_fail(CHIRP_ERR_FORMAT,
                      "%s: configuration has no '%s' that this version knows; use a checkpoint of "
                      "chirpbench train",
                      path, field->name);
}

static chirp_status read_text(const char *path, const chirp_field *field, const cJSON *item,
                              chirp_train_config *config)
{
    const char **at = (const char **)(void *)((char *)config + field->offset);
    if (!cJSON_IsString(item))
        return lacks(path, field);
    if (field->choices && strcmp(item->valuestring, field->choices[0]) == 0)
        return CHIRP_OK;
    *at = chirp_strdup(item->valuestring);
    return *at ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

static chirp_status read_parameter(const char *path, const cJSON *object, const parameter *p,
                                   chirp_train_config *config)
{
    static const double exact = 9007199254740992.0; /* 2^53 */
    const chirp_field *field = &p->field;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field->name);
    double value = NAN;
    if (!item && p->later)
        return CHIRP_OK;
    switch (field->kind) {
    case CHIRP_FIELD_TEXT:
        return read_text(path, field, item, config);
    case CHIRP_FIELD_ENUM:
        if (cJSON_IsString(item))
            value = chirp_name_index(field->choices, field->n_choices, item->valuestring);
        if (value < 0)
            value = NAN;
        break;
    case CHIRP_FIELD_BOOL:
        if (cJSON_IsBool(item))
            value = cJSON_IsTrue(item);
        break;
    case CHIRP_FIELD_REAL:
        if (cJSON_IsNumber(item))
            value = item->valuedouble;
        break;
    case CHIRP_FIELD_INT:
    case CHIRP_FIELD_INT64:
        if (cJSON_IsNumber(item) && item->valuedouble == floor(item->valuedouble) &&
            fabs(item->valuedouble) <= (field->kind == CHIRP_FIELD_INT ? INT_MAX : exact))
            value = item->valuedouble;
        break;
    }
    if (!isfinite(value))
        return lacks(path, field);
    chirp_field_set_number(field, config, value);
    return CHIRP_OK;
}

static chirp_status read_parameters(const char *path, const cJSON *root, chirp_train_config *config)
{
    const cJSON *signal = cJSON_GetObjectItemCaseSensitive(root, "signal");
    chirp_status st = CHIRP_OK;
    for (int i = 0; st == CHIRP_OK && i < PARAMETERS; ++i)
        st = read_parameter(path, root, &parameters[i], config);
    for (int i = 0; st == CHIRP_OK && i < CHIRP_SIGNAL_SETTINGS; ++i) {
        const parameter p = signal_parameter(i);
        st = read_parameter(path, signal, &p, config);
    }
    return st == CHIRP_OK ? read_parameter(path, signal, &psd, config) : st;
}

void chirp_train_config_release(chirp_train_config *config)
{
    if (!config->owns_texts)
        return;
    chirp_free((void *)(uintptr_t)config->network);
    chirp_free((void *)(uintptr_t)config->curriculum);
    chirp_free((void *)(uintptr_t)config->data);
    chirp_free((void *)(uintptr_t)config->signal.psd_path);
    chirp_free((void *)(uintptr_t)config->exchange.engine);
    *config = chirp_train_config_default();
}

chirp_status chirp_train_config_read(const char *path, const char *text, chirp_train_config *result,
                                     int *ranks)
{
    chirp_train_config config = chirp_train_config_default();
    config.owns_texts = true;
    config.network = config.curriculum = config.exchange.engine = NULL;
    cJSON *root = cJSON_Parse(text);
    if (!cJSON_IsObject(root)) {
        cJSON_Delete(root);
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: its configuration is no JSON object", path);
    }
    chirp_status st = read_parameters(path, root, &config);
    if (st == CHIRP_OK && !config.exchange.engine) { /* an earlier version's */
        config.exchange.engine = chirp_strdup(chirp_exchange_kind_at(0)->name);
        st = config.exchange.engine ? CHIRP_OK : CHIRP_ERR_NOMEM;
    }
    const cJSON *count = cJSON_GetObjectItemCaseSensitive(root, "ranks");
    const int n_ranks = cJSON_IsNumber(count) ? count->valueint : 0;
    cJSON_Delete(root);
    if (st == CHIRP_OK && n_ranks < 1)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: impossible configuration: ranks is missing", path);
    if (st == CHIRP_OK && (st = chirp_train_config_check(&config)) != CHIRP_OK) {
        char sentence[400];
        (void)snprintf(sentence, sizeof sentence, "%s", chirp_error_message());
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: impossible configuration: %s", path, sentence);
    }
    if (st != CHIRP_OK) {
        chirp_train_config_release(&config);
        return st;
    }
    *result = config;
    if (ranks)
        *ranks = n_ranks;
    return CHIRP_OK;
}

/* One field of a resume: refuses a value that must be the same, adds one that may change to `changes`. */
static chirp_status compare(const char *path, const parameter *p, const chirp_train_config *old,
                            const chirp_train_config *now, chirp_text *changes)
{
    char was[256];
    char is[256];
    if (p->resume == RESUME_IGNORES || chirp_field_same(&p->field, old, now))
        return CHIRP_OK;
    (void)chirp_field_print(&p->field, old, was, sizeof was);
    (void)chirp_field_print(&p->field, now, is, sizeof is);
    const char *title = chirp_field_title(&p->field);
    if (p->resume == RESUME_REFUSES)
        return chirp_fail(CHIRP_ERR_ARG,
                          "%s: was trained with %s %s, not %s: a resume goes on with the same, or "
                          "start a new training with another --checkpoint",
                          path, title, was, is);
    chirp_text_appendf(changes, "%s%s %s instead of %s", changes->used ? ", " : "", title, is, was);
    return CHIRP_OK;
}

chirp_status chirp_train_config_compare(const char *path, const chirp_train_config *old,
                                        const chirp_train_config *now, char **changes)
{
    chirp_text text = {0};
    chirp_status st = CHIRP_OK;
    for (int i = 0; st == CHIRP_OK && i < PARAMETERS; ++i)
        st = compare(path, &parameters[i], old, now, &text);
    for (int i = 0; st == CHIRP_OK && i < CHIRP_SIGNAL_SETTINGS; ++i) {
        const parameter p = signal_parameter(i);
        st = compare(path, &p, old, now, &text);
    }
    if (st == CHIRP_OK)
        st = compare(path, &psd, old, now, &text);
    if (st == CHIRP_OK && text.failed)
        st = chirp_fail(CHIRP_ERR_NOMEM, "no memory to compare configurations");
    *changes = st == CHIRP_OK ? chirp_strdup(text.bytes) : NULL;
    if (st == CHIRP_OK && text.bytes && !*changes)
        st = CHIRP_ERR_NOMEM;
    chirp_text_clear(&text);
    return st;
}
