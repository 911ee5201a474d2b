/** Small hashes and a small generator: to tell things apart and to shuffle. No secrets, no weights, no data. */
#ifndef CHIRP_HARNESS_BASE_HASH_H
#define CHIRP_HARNESS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/** Where an FNV-1a hash of 64 bits begins. */
#define CHIRP_FNV_START UINT64_C(14695981039346656037)

/** The FNV-1a hash of what `hash` holds already and of `length` more bytes. */
uint64_t chirp_fnv(uint64_t hash, const void *bytes, size_t length);

/** splitmix64's mixing: every bit of the result depends on every bit of x. */
uint64_t chirp_mix64(uint64_t x);

/** The next number of the generator splitmix64 (Steele, Lea and Flood 2014). @param state  any seed; moves on */
uint64_t chirp_splitmix64(uint64_t *state);

#endif
