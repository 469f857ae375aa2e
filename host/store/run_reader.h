// Reads stored and exported runs back into memory.
//
// Every chunk's checksum and every index is verified: a run that reads back is whole, what is
// damaged is a story that names the place. Memory is bounded by half of the machine's: a larger run
// is TACHO_ERR_MEMORY, and can be read with points_max.
#ifndef TACHO_STORE_RUN_READER_H
#define TACHO_STORE_RUN_READER_H

#include "run/model.h"
#include "store/store.h"

struct tacho_run_read_options {
    // A series with more samples is reduced to at most so many, each the mean (low, high: the
    // extremes) of neighbours; a very long one by the sums of its chunks alone. 0: every sample.
    size_t points_max;
    size_t reduce_above; // a series is reduced when it has more samples than this, too
    // A profile with more samples is reduced: neighbours in time with the same thread and stack
    // become one of their weight, at the time of the first; sums stay exact. 0: every sample.
    size_t stacks_max;
    size_t spans_max;           // only so many, the latest (a chunk more or less). 0: every span
    bool no_profiles, no_spans; // leave these out (they are empty then)
};

// Reads the run `number` into `run`, which is initialised by this and released by the caller, also
// after a failure.
int tacho_run_read(struct tacho_store *store, int64_t number,
                   const struct tacho_run_read_options *options, struct tacho_run *run,
                   struct tacho_fail *fail);
// The run that `text` names, see tacho_store_find; or, where `text` has a / in it, ends in
// ".tacho", or names no run but a file, the run of that exported file. `store_path` as in
// tacho_store_open.
int tacho_run_read_named(const char *store_path, const char *text,
                         const struct tacho_run_read_options *options, struct tacho_run *run,
                         struct tacho_fail *fail);
// Only the samples with from_ns <= time < to_ns of one series of a stored run, not reduced; what
// describes it is filled too. Release with tacho_run_release.
int tacho_run_read_series(struct tacho_store *store, int64_t number, const char *name,
                          const char *subject, int64_t from_ns, int64_t to_ns,
                          struct tacho_run *run, struct tacho_fail *fail);

#endif
