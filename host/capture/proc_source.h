// The collectors of this machine as one source: a process tree or given processes, the control
// group they live in, and the host.
//
// It reads files of /proc and /sys and asks the kernel's socket table; it changes nothing and stops
// nobody. Each sample costs a system call for a process that did nothing and a few small reads for
// one that did; what costs more (PSS, sockets, threads) is read as often as it costs less than a
// thousandth of the time each. What may not be read becomes n/a and one note that says which file.
//
// Subjects: "run" (everything observed together), "process PID NAME", "thread TID NAME", "host".
// Counters start at zero with the observation. docs/metrics.md has a row for each metric.
#ifndef TACHO_CAPTURE_PROC_SOURCE_H
#define TACHO_CAPTURE_PROC_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "launch.h"
#include "run/source.h"

#define TACHO_PROC_PERIOD_NS_DEFAULT INT64_C(250000000)
#define TACHO_PROC_PERIOD_NS_MIN     INT64_C(1000000)

// Zero means default throughout.
struct tacho_proc_config {
    struct tacho_launch *launch; // observe this command and all it starts; NULL: the pids below
    const pid_t *pids;           // processes that run already; copied
    size_t pid_count;            // 0 and no launch: only the host
    bool without_children;       // of given pids: only these, not what they start
    bool without_host;
    bool without_threads; // no series of single threads
    bool adaptive;        // the period follows the load (adaptive.h)
    int64_t period_ns;
};

// Checks that the processes are there and may be observed. The source is freed by its close. It is
// due early and often in the first moments, so that a short command is seen more than once.
int tacho_proc_source_open(const struct tacho_proc_config *config, struct tacho_source **source,
                           struct tacho_fail *fail);

// True when every process that was given (or the command and all it started) has ended; the
// source's fd becomes readable when a given process ends.
bool tacho_proc_source_ended(const struct tacho_source *source);

// The processes that are observed now; `next` starts at 0. False when there are no more.
bool tacho_proc_source_next(const struct tacho_source *source, size_t *next, pid_t *pid);

// Checks a pid a user gave: is there such a process, may it be observed, is it not a kernel thread.
int tacho_pid_check(pid_t pid, struct tacho_fail *fail);

// Finds the processes whose name is `comm`: as in /proc/PID/comm (the kernel keeps 15 characters),
// or the last part of the path of the first argument. The caller frees *pids. Fails with
// TACHO_ERR_NOT_FOUND when there is none; this process itself is never found.
int tacho_comm_find(const char *comm, pid_t **pids, size_t *count, struct tacho_fail *fail);

#endif
