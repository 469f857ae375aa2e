// Runs a command under the collectors inside a test, its records in a run.
#ifndef TACHO_TESTS_CAPTURE_OBSERVE_H
#define TACHO_TESTS_CAPTURE_OBSERVE_H

#include <sys/resource.h>

#include "capture/launch.h"
#include "capture/proc_source.h"
#include "run/model.h"

struct observed {
    struct tacho_run run;
    int status; // of the command, as from waitpid
    int left;   // children of this process that are left
    struct tacho_usage usage;
    uint64_t waiting_rss_bytes;
};

// Observes a command from its start to its end, with the start-up too. The caller releases `run`.
void observe_command(struct observed *observed, const char *const *arguments, int64_t period_ns);
// Observes processes until they end or `until` returns true; looks at least every millisecond.
void observe_pids(struct tacho_run *run, const struct tacho_proc_config *config,
                  bool (*until)(struct tacho_run *run, void *context), void *context);

// The last sample; NaN when there is no such series.
double last_value(const struct tacho_run *run, const char *name, const char *subject);
// The subject that begins with `start` (e.g. "process 12 ") and has a series of that name, or NULL.
const char *subject_of(const struct tacho_run *run, const char *start, const char *name);
bool has_note(const struct tacho_run *run, const char *part);

#endif
