#include "harness/base/signals.h"

#include <stddef.h>

static const int from_outside[CHIRP_SIGNALS] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
                                                SIGUSR2, SIGXCPU, SIGXFSZ, SIGALRM};

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

static volatile sig_atomic_t stop_signal;
static void (*tell_of_stop)(int);

static void on_stop(int number)
{
    stop_signal = number;
    if (tell_of_stop)
        tell_of_stop(number);
}

/* SIGQUIT asks for a core file of the process as it is. */
static bool stops(int i)
{
    const int number = from_outside[i];
    return number != SIGQUIT && (number == SIGINT || !ignored[i]);
}

void chirp_stop_begin(chirp_signals *before, void (*tell)(int number))
{
    struct sigaction action = {0};
    action.sa_handler = on_stop;
    action.sa_flags = tell ? (int)SA_RESETHAND : SA_RESTART;
    (void)sigemptyset(&action.sa_mask);
    stop_signal = 0;
    tell_of_stop = tell;
    chirp_signals_read(before);
    for (int i = 0; i < CHIRP_SIGNALS; ++i)
        if (stops(i))
            (void)sigaction(from_outside[i], &action, NULL);
}

int chirp_stop_signal(void) { return stop_signal; }

void chirp_stop_end(const chirp_signals *before) { chirp_signals_restore(before); }

void chirp_stop_add(sigset_t *set)
{
    for (int i = 0; i < CHIRP_SIGNALS; ++i)
        if (stops(i))
            (void)sigaddset(set, from_outside[i]);
}
