// The instants of exec and of reaching the entry point, from the kernel: see start_source.h.
#ifndef TACHO_CAPTURE_START_PERF_H
#define TACHO_CAPTURE_START_PERF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tacho_start_perf {
    int event_fd, breakpoint_fd; // -1: not open
    void *ring;                  // the page of the event's ring and its data
    size_t ring_size;
    int error;                 // errno of what was refused, 0: nothing
    bool is_static;            // the program has no dynamic loader
    int64_t exec_ns, entry_ns; // host clock, 0: not seen
};

// Before exec. What is refused stays n/a; `error` says why.
void tacho_start_perf_open(struct tacho_start_perf *perf, pid_t pid);
// As soon as exec is over: finds the entry point and sets the breakpoint.
void tacho_start_perf_executed(struct tacho_start_perf *perf, pid_t pid);
// Takes what the kernel has noted. True when there is nothing more to come.
bool tacho_start_perf_take(struct tacho_start_perf *perf);
void tacho_start_perf_close(struct tacho_start_perf *perf);

#endif
