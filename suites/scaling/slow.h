/** A rank made slow on purpose: is it found, and do ranks that share by speed wait less for it? */
#ifndef CHIRP_SUITES_SCALING_SLOW_H
#define CHIRP_SUITES_SCALING_SLOW_H

/**
 * From now on the calling thread, and whoever waits for it, takes `factor` times as long: after every few milliseconds of
 * processor time it sleeps. Uses SIGALRM; one at a time. Nothing happens for a factor of 1 or when no timer is to be had.
 */
void chirp_slow_begin(double factor);
void chirp_slow_end(void);

#endif
