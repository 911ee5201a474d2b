#include "model/signal/parameters.h"

#define AT(member) .offset = offsetof(chirp_signal_config, member), .group = "Signals"
/* stored under the field's name; a resumed training must have the same */
#define STORED(member) AT(member), .key = #member, .resume = CHIRP_RESUME_SAME

const chirp_option chirp_signal_option[CHIRP_SIGNAL_OPTIONS] = {
    {"mass-min", CHIRP_OPTION_REAL, .metavar = "M", .min = 1, .max = 500,
     .help = "least component mass, detector frame [solar masses]", STORED(mass_min_msun)},
    {"mass-max", CHIRP_OPTION_REAL, .metavar = "M", .min = 1, .max = 500,
     .help = "largest component mass [solar masses]", STORED(mass_max_msun)},
    {"ratio-max", CHIRP_OPTION_REAL, .metavar = "Q", .min = 1, .max = 100,
     .help = "largest mass ratio", STORED(mass_ratio_max), .later = true},
    {"spin-max", CHIRP_OPTION_REAL, .metavar = "CHI", .min = 0, .max = 0.99,
     .help = "largest |aligned spin|", STORED(spin_max)},
    {"snr-min", CHIRP_OPTION_REAL, .metavar = "RHO", .min = 1e-3, .max = 1e6,
     .help = "least optimal SNR in the window", STORED(snr_min)},
    {"snr-max", CHIRP_OPTION_REAL, .metavar = "RHO", .min = 1e-3, .max = 1e6,
     .help = "largest optimal SNR in the window", STORED(snr_max)},
    {"snr-law", CHIRP_OPTION_ENUM, .names = chirp_snr_law_name, .n_names = CHIRP_SNR_LAWS,
     .max = CHIRP_SNR_LAWS - 1,
     .help = "density of the SNR in its range: uniform, log-uniform (1/rho), volumetric (1/rho^4)",
     STORED(snr_law), .later = true},
    {"merger-min", CHIRP_OPTION_REAL, .metavar = "S", .min = 0, .max = 4096,
     .help = "earliest merger in the window [s]", STORED(merger_min_s)},
    {"merger-max", CHIRP_OPTION_REAL, .metavar = "S", .min = 0, .max = 4096,
     .help = "latest merger in the window [s]", STORED(merger_max_s)},
    {"length", CHIRP_OPTION_INT, .metavar = "N", .min = 64, .max = 16777216,
     .help = "samples of a window", STORED(length)},
    {"sample-rate", CHIRP_OPTION_REAL, .metavar = "R", .min = 64, .max = 1e6,
     .help = "samples per second [Hz]", STORED(sample_rate_hz)},
    {"f-low", CHIRP_OPTION_REAL, .metavar = "F", .min = 1, .max = 1e5,
     .help = "lower end of the frequency band [Hz]", STORED(f_low_hz)},
    {"f-high", CHIRP_OPTION_REAL, .metavar = "F", .min = 2, .max = 5e5,
     .help = "upper end of the frequency band [Hz]", STORED(f_high_hz), .later = true},
    {"psd", CHIRP_OPTION_STRING, .metavar = "FILE[,FILE]", .file = CHIRP_FILE_READ,
     .help =
         "noise curve: a table or a strain file; of several each signal draws one; without this "
         "option the analytic aLIGO design",
     AT(psd_path), .key = "psd", .none = "analytic aLIGO design", .resume = CHIRP_RESUME_SAME},
    {"curve-segments", CHIRP_OPTION_INT, .metavar = "N", .min = 0, .max = 4096,
     .help =
         "each signal's noise differs from the curve as if it were a Welch median of N segments "
         "of 4 s (15: 32 s of data); 0: the curve is exact",
     STORED(curve_segments), .later = true},
    {"curve-tilt", CHIRP_OPTION_REAL, .metavar = "S", .min = 0, .max = 1,
     .help = "smooth error of the curve: standard deviation of ln(amplitude), an octave apart",
     STORED(curve_tilt), .later = true},
    {"noise", CHIRP_OPTION_STRING, .metavar = "FILE[,FILE]", .file = CHIRP_FILE_READ,
     .help = "real noise from strain files, one for each detector", AT(noise_path)},
    {"avoid-gps", CHIRP_OPTION_REAL, .metavar = "T", .min = 0, .max = 1e10,
     .help = "an event in --noise to keep away from", AT(noise_avoid_gps)},
    {"no-noise", CHIRP_OPTION_UNFLAG, .help = "noiseless signals", STORED(noise)},
    {"detectors", CHIRP_OPTION_INT32, .metavar = "N", .min = 1, .max = 2,
     .help = "number of detectors; with 2 the strain of a data set is [n][2][length]",
     STORED(n_detectors), .later = true},
};

const char *chirp_signal_attribute(const chirp_option *row)
{
    if (!row->key || row->kind == CHIRP_OPTION_STRING)
        return NULL;
    /* a data set's "noise" is the text that says what noise it is */
    return row->kind == CHIRP_OPTION_UNFLAG ? "has_noise" : row->key;
}
