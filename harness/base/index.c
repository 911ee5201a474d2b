#include "harness/base/index.h"

#include "harness/base/hash.h"
#include "harness/base/memory.h"

#include <string.h>

typedef struct chirp_index_slot {
    const char *text; /* NULL: free */
    size_t length, number;
} chirp_index_slot;

enum { FIRST_ROOM = 64 }; /* a power of two, as all that follow */

/* The slot of the text, or the free one where it belongs: linear probing, and a third of all slots at least is free. */
static chirp_index_slot *slot_of(const chirp_index *index, const char *text, size_t length)
{
    const size_t mask = index->room - 1;
    size_t at = (size_t)chirp_mix64(chirp_fnv(CHIRP_FNV_START, text, length)) & mask;
    for (;; at = (at + 1) & mask) {
        chirp_index_slot *slot = &index->slot[at];
        if (!slot->text || (slot->length == length && memcmp(slot->text, text, length) == 0))
            return slot;
    }
}

static bool grow(chirp_index *index)
{
    chirp_index more = {.room = index->room ? 2 * index->room : FIRST_ROOM};
    more.slot = chirp_calloc(more.room, sizeof *more.slot);
    if (!more.slot)
        return false;
    for (size_t i = 0; i < index->room; ++i)
        if (index->slot[i].text)
            *slot_of(&more, index->slot[i].text, index->slot[i].length) = index->slot[i];
    more.count = index->count;
    chirp_free(index->slot);
    *index = more;
    return true;
}

bool chirp_index_add(chirp_index *index, const char *text, size_t length, size_t number)
{
    if (3 * (index->count + 1) > 2 * index->room && !grow(index))
        return false;
    *slot_of(index, text, length) = (chirp_index_slot){text, length, number};
    ++index->count;
    return true;
}

bool chirp_index_find(const chirp_index *index, const char *text, size_t length, size_t *number)
{
    const chirp_index_slot *slot = index->count ? slot_of(index, text, length) : NULL;
    if (!slot || !slot->text)
        return false;
    *number = slot->number;
    return true;
}

void chirp_index_clear(chirp_index *index)
{
    chirp_free(index->slot);
    *index = (chirp_index){0};
}
