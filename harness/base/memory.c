#include "harness/base/memory.h"

#include "harness/base/status.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CACHE_LINE = 64, HUGE_PAGE = 2 * 1024 * 1024 };

static atomic_size_t refusals;

size_t chirp_memory_refusals(void) { return refusals; }

void *chirp_alloc(size_t bytes)
{
    /* huge pages spare the TLB in blocks of many megabytes; small blocks would only waste memory */
    const size_t align = bytes >= 2 * (size_t)HUGE_PAGE ? HUGE_PAGE : CACHE_LINE;
    const size_t padded =
        bytes > SIZE_MAX - 2 * align ? 0 : (bytes + CACHE_LINE + align - 1) / align * align;
    void *block = padded ? aligned_alloc(align, padded) : NULL;
    if (!block) {
        ++refusals;
        (void)chirp_fail(CHIRP_ERR_NOMEM, "can't allocate %zu bytes", bytes);
        return NULL;
    }
    if (align == HUGE_PAGE)
        (void)madvise(block, padded,
                      MADV_HUGEPAGE); /* advice only: a refusal costs speed, not truth */
    memset((char *)block + bytes, 0, padded - bytes < CACHE_LINE ? padded - bytes : CACHE_LINE);
    return block;
}

void *chirp_calloc(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) {
        ++refusals;
        (void)chirp_fail(CHIRP_ERR_NOMEM, "can't allocate %zu times %zu bytes", count, size);
        return NULL;
    }
    void *block = chirp_alloc(count * size);
    if (block)
        memset(block, 0, count * size);
    return block;
}

char *chirp_strdup(const char *text)
{
    if (!text)
        return NULL;
    const size_t bytes = strlen(text) + 1;
    char *copy = chirp_alloc(bytes);
    if (copy)
        memcpy(copy, text, bytes);
    return copy;
}

void *chirp_grow(void *items, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return items;
    const size_t more = count < 8 ? 16 : 2 * count;
    void *larger = chirp_calloc(more, size);
    if (!larger)
        return NULL;
    if (count)
        memcpy(larger, items, count * size);
    chirp_free(items);
    *room = more;
    return larger;
}

void chirp_free(void *block) { free(block); }
