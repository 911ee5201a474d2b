/* model/signal: doubts about a window: none for training signals, one for noise alone, clicks and what is too loud. */
#include "harness/base/memory.h"
#include "model/signal/generator.h"
#include "model/signal/likeness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

enum { LENGTH = 8192, N = 60 };
/* Share of white noise that passes the band filter of 20 to 1000 Hz at 8192 Hz. */
#define SHARE 0.2246

static chirp_likeness_bank *bank;
static float *windows;

static void must(chirp_status st)
{
    if (st != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
}

static int setup(void **state)
{
    (void)state;
    const chirp_signal_config config = chirp_signal_config_default();
    windows = chirp_alloc((size_t)N * LENGTH * sizeof *windows);
    return windows && chirp_likeness_create(&config, NULL, NULL, 0, &bank) == CHIRP_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    chirp_likeness_destroy(bank);
    chirp_free(windows);
    return 0;
}

/* Signals of the generator with SNR low to high; a click of `click` standard deviations of noise is added to each. */
static int count_doubts(double low, double high, double click, const char *part)
{
    int found = 0;
    float snr[N];
    chirp_generator *g;
    chirp_signal_config config = chirp_signal_config_default();
    config.snr_min = low;
    config.snr_max = high;
    config.seed = 7;
    must(chirp_generator_create(&config, &g));
    must(chirp_generator_batch(g, 0, N, windows, NULL, snr, NULL));
    chirp_generator_destroy(g);
    for (int i = 0; i < N; ++i) {
        /* the generator's last step made unit variance of noise and signal together */
        const double scale = sqrt(SHARE + (double)snr[i] * (double)snr[i] / LENGTH);
        windows[i * LENGTH + 3000] += (float)(click / scale);
        chirp_likeness l;
        const char *doubt[CHIRP_LIKENESS_DOUBTS];
        must(chirp_likeness_measure(bank, windows + i * LENGTH, scale, &l));
        const int n = chirp_likeness_doubts(&l, chirp_likeness_limits_of(bank), doubt);
        bool is = !part && n > 0;
        for (int k = 0; k < n; ++k)
            is = is || (part && strstr(doubt[k], part));
        found += is;
        if (!part && click == 0) /* a bank of 128 signals loses little of most */
            assert_true(l.snr < (double)snr[i] + 4);
    }
    return found;
}

/* By construction about 2 in 50 by power or peak, and few light binaries by SNR: 10 in 60 has a chance below 1e-4. */
static void test_training_signals_are_not_doubted(void **state)
{
    (void)state;
    const int doubted = count_doubts(10, 30, 0, NULL);
    print_message("training signals doubted: %d of %d\n", doubted, N);
    assert_true(doubted < 10);
}

static void test_noise_alone_is_doubted(void **state)
{
    (void)state;
    const int doubted = count_doubts(1e-3, 1e-3, 0, "no signal");
    print_message("noise alone doubted: %d of %d\n", doubted, N);
    assert_true(doubted > 50);
}

static void test_clicks_are_doubted(void **state)
{
    (void)state;
    assert_int_equal(count_doubts(10, 30, 60, "a spike"), N);
    assert_int_equal(count_doubts(10, 30, 300, "more power"), N);
    assert_int_equal(count_doubts(1e-3, 1e-3, 60, "a spike"), N);
}

static void test_what_is_too_loud_is_doubted(void **state)
{
    (void)state;
    assert_true(count_doubts(150, 200, 0, "louder") > 50);
}

/* Numbers that can't be compared are doubted, never passed. */
static void test_not_a_number_is_doubted(void **state)
{
    (void)state;
    const chirp_likeness l = {(double)NAN, (double)NAN, (double)NAN};
    const char *doubt[CHIRP_LIKENESS_DOUBTS];
    assert_int_equal(chirp_likeness_doubts(&l, chirp_likeness_limits_of(bank), doubt),
                     CHIRP_LIKENESS_DOUBTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_signals_are_not_doubted),
        cmocka_unit_test(test_noise_alone_is_doubted),
        cmocka_unit_test(test_clicks_are_doubted),
        cmocka_unit_test(test_what_is_too_loud_is_doubted),
        cmocka_unit_test(test_not_a_number_is_doubted),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
