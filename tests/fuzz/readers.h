/** Readers of text from outside: files that people or other programs write, and arguments of commands. */
#ifndef CHIRP_TESTS_FUZZ_READERS_H
#define CHIRP_TESTS_FUZZ_READERS_H

#include <stddef.h>
#include <stdint.h>

typedef struct fuzz_reader {
    const char *name; /**< of its folder below corpus/, too */
    const char *file; /**< the bytes are in a file of this name; NULL: they are a text */
    /** Reads, and aborts where what was read can't be. @param text  the text, or the path of the file */
    void (*read)(const char *text);
} fuzz_reader;

/** Ends with a row without a name. */
extern const fuzz_reader fuzz_readers[];

/** The row of that name; ends the process when there is none. */
const fuzz_reader *fuzz_reader_named(const char *name);

/** Hands bytes to a reader. */
void fuzz_read(const fuzz_reader *reader, const uint8_t *bytes, size_t length);

#endif
