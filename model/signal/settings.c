#include "model/signal/settings.h"

#include "model/signal/generator.h"

#define SETTING(member, type) CHIRP_FIELD_##type, offsetof(chirp_signal_config, member)

const chirp_field chirp_signal_setting[CHIRP_SIGNAL_SETTINGS] = {
    {"sample_rate_hz", SETTING(sample_rate_hz, REAL), .option = NULL},
    {"f_low_hz", SETTING(f_low_hz, REAL), .option = NULL},
    {"f_high_hz", SETTING(f_high_hz, REAL), .option = NULL},
    {"mass_min_msun", SETTING(mass_min_msun, REAL), .option = "--mass-min"},
    {"mass_max_msun", SETTING(mass_max_msun, REAL), .option = "--mass-max"},
    {"mass_ratio_max", SETTING(mass_ratio_max, REAL), .option = NULL},
    {"spin_max", SETTING(spin_max, REAL), .option = "--spin-max"},
    {"snr_min", SETTING(snr_min, REAL), .option = "--snr-min"},
    {"snr_max", SETTING(snr_max, REAL), .option = "--snr-max"},
    {"merger_min_s", SETTING(merger_min_s, REAL), .option = NULL},
    {"merger_max_s", SETTING(merger_max_s, REAL), .option = NULL},
    {"has_noise", SETTING(noise, BOOL), .option = NULL},
    {"n_detectors", SETTING(n_detectors, INT), .option = NULL},
    {"length", SETTING(length, INT64), .option = NULL},
};
