// Runs a program under observation in a folder of its own and reads the ring files it leaves.
#ifndef TACHO_TESTS_OBSERVE_H
#define TACHO_TESTS_OBSERVE_H

#include "observe/collect.h"
#include "decode/ring_file.h"

struct observe {
    char folder[64];
    char output[65536]; // what the program wrote to its standard output
    int status;         // as from waitpid
    int pid;
};

// Starts `program` with up to two arguments and TACHO=`words` (NULL: unset) and waits for its end.
void observe_run(struct observe *observe, const char *words, const char *program,
                 const char *argument);
// Paths of the ring files in the folder, in order of their names; returns how many.
int observe_files(const struct observe *observe, char paths[][256], int max);
// Reads everything of the file at `path`; the identity goes to `identity` (may be NULL).
void observe_read(const char *path, struct collect *collect, struct tacho_ring_identity *identity);
// Of the only file there is.
void observe_read_only(const struct observe *observe, struct collect *collect);
// Makes the folder; removes it with what is in it. Setup and teardown of a cmocka test.
int observe_begin(void **state);
int observe_end(void **state);

#endif
