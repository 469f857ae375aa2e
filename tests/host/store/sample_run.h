// A run with something in every table, and a comparison of every table, for the tests of the store.
#ifndef TACHO_TESTS_SAMPLE_RUN_H
#define TACHO_TESTS_SAMPLE_RUN_H

#include "run/model.h"

// The ids that the sample records use: descriptions once, then any number of rounds.
struct sample_ids {
    uint32_t metrics[4], zones[2], threads[2], profiles[2], clock;
    uint64_t random; // state of the generator
    int64_t start_ns;
    uint64_t rounds;
};

void sample_begin(struct sample_ids *ids, struct tacho_sink *sink, int64_t start_ns);
// Puts one more sample of each metric, some spans, stacks, an event, statistics.
void sample_round(struct sample_ids *ids, struct tacho_sink *sink);
// Gives every frame a name and adds an inlined one, as a symboliser does.
void sample_symbolise(struct tacho_run *run);
// Fails the test at the first difference.
void sample_assert_equal(const struct tacho_run *a, const struct tacho_run *b);
uint64_t sample_random(uint64_t *state);
// A new empty folder below /tmp, and its removal with all that is in it.
void sample_folder_make(char folder[64]);
void sample_folder_remove(const char *folder);

#endif
