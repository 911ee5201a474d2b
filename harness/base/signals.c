#include "harness/base/signals.h"

#include <stddef.h>

static const int from_outside[CHIRP_SIGNALS] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
                                                SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};

static bool ignored[CHIRP_SIGNALS];

/* Runs before the constructors of shared libraries, and so before sanitizers are ready for instrumented code. */
__attribute__((no_sanitize("address", "undefined"))) static void remember(void)
{
    for (int i = 0; i < CHIRP_SIGNALS; ++i) {
        struct sigaction old;
        ignored[i] = sigaction(from_outside[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN;
    }
}

__attribute__((section(".preinit_array"), used)) static void (*const before_all)(void) = remember;

bool chirp_signal_was_ignored(int number)
{
    for (int i = 0; i < CHIRP_SIGNALS; ++i)
        if (from_outside[i] == number)
            return ignored[i];
    return false;
}

void chirp_signals_put_back(void)
{
    for (int i = 0; i < CHIRP_SIGNALS; ++i) {
        struct sigaction action = {0};
        action.sa_handler = ignored[i] ? SIG_IGN : SIG_DFL;
        (void)sigemptyset(&action.sa_mask);
        (void)sigaction(from_outside[i], &action, NULL);
    }
}

void chirp_signals_read(chirp_signals *signals)
{
    for (int i = 0; i < CHIRP_SIGNALS; ++i)
        (void)sigaction(from_outside[i], NULL, &signals->of[i]);
}

void chirp_signals_restore(const chirp_signals *signals)
{
    for (int i = 0; i < CHIRP_SIGNALS; ++i)
        (void)sigaction(from_outside[i], &signals->of[i], NULL);
}
