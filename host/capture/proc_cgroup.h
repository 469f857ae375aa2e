// The control group of a process, version 1 or 2: memory, CPU quota, time held back, pressure.
#ifndef TACHO_CAPTURE_PROC_CGROUP_H
#define TACHO_CAPTURE_PROC_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

#include "proc_host.h"

struct tacho_cgroup {
    int memory_fd, cpu_stat_fd; // -1: not there
    bool version2_cpu;          // throttled time is in microseconds, else nanoseconds
    double memory_limit_bytes;  // the tightest from the group up to the root; NaN: none
    double cpu_limit_cores;     // likewise
    double throttled_base;
    bool has_base;
    struct tacho_pressure pressure; // version 2 only
};

// Finds the groups of `pid`; what is not there stays n/a without a word, since most processes live
// in a group without limits.
void tacho_cgroup_open(struct tacho_cgroup *cgroup, pid_t pid);
int tacho_cgroup_read(struct tacho_cgroup *cgroup, struct tacho_series_set *series, int64_t now_ns,
                      struct tacho_fail *fail);
void tacho_cgroup_close(struct tacho_cgroup *cgroup);

// The path of the group of a controller ("memory", "cpu", "" for version 2) in the text of
// /proc/PID/cgroup, and where that hierarchy is mounted according to the text of
// /proc/self/mountinfo. Each writes at most `size` bytes; false when it is not there.
bool tacho_cgroup_path(const char *text, const char *controller, char *path, size_t size);
bool tacho_cgroup_mount(const char *text, const char *controller, const char *group, char *folder,
                        size_t size);

#endif
