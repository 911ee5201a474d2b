#include "harness/base/hash.h"

uint64_t chirp_fnv(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < length; ++i)
        hash = (hash ^ p[i]) * UINT64_C(1099511628211);
    return hash;
}

uint64_t chirp_mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

uint64_t chirp_splitmix64(uint64_t *state)
{
    return chirp_mix64(*state += UINT64_C(0x9E3779B97F4A7C15));
}
