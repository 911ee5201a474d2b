/** Finds texts among many in constant time, where a search through all of them would make a program quadratic. */
#ifndef CHIRP_HARNESS_BASE_INDEX_H
#define CHIRP_HARNESS_BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>

/** Texts with a number each, such as their place in an array; starts as {0}. */
typedef struct chirp_index {
    struct chirp_index_slot *slot;
    size_t count, room;
} chirp_index;

/**
 * Adds a text that is not yet in it.
 * @param text  [length], stays the caller's and must outlive the index
 * @return false when out of memory
 */
bool chirp_index_add(chirp_index *index, const char *text, size_t length, size_t number);

/** @return whether the text is in it; then *number is its number */
bool chirp_index_find(const chirp_index *index, const char *text, size_t length, size_t *number);

void chirp_index_clear(chirp_index *index);

#endif
