/**
 * Aligned memory. Blocks start on a cache line (64 bytes), large ones ask for huge pages, and every
 * block has 64 readable bytes behind its end: JIT kernels may load (never store) a whole vector there.
 */
#ifndef CHIRP_HARNESS_BASE_MEMORY_H
#define CHIRP_HARNESS_BASE_MEMORY_H

#include <stddef.h>

/**
 * @param bytes  0 gives a valid block of size 0
 * @return an uninitialised block, or NULL (chirp_fail has been called); free with chirp_free()
 */
void *chirp_alloc(size_t bytes);

/** Like chirp_alloc() for `count * size` bytes set to zero; NULL also when the product overflows. */
void *chirp_calloc(size_t count, size_t size);

/** A copy of a string; NULL when out of memory or `text` is NULL. Free with chirp_free(). */
char *chirp_strdup(const char *text);

/**
 * Makes room for one more element of an array that grows.
 * @param items  NULL, or the array of `count` elements of `size` bytes, from this function
 * @param room   elements that fit into it; 0 for NULL. Receives the new number
 * @return the array, perhaps moved; NULL when out of memory, and `items` is as before. Free with chirp_free()
 */
void *chirp_grow(void *items, size_t *room, size_t count, size_t size);

/**
 * How many blocks were refused to this process so far. Who asks many small questions whose answer without memory looks like a
 * no compares the number before and after.
 */
size_t chirp_memory_refusals(void);

/** Accepts NULL. */
void chirp_free(void *block);

#endif
