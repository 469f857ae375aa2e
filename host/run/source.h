// Where records come from: one ops struct for the Linux collectors, the sampler, the rings of
// instrumented programs, and later firmware streams, boards and probes.
//
// The owner calls open once, start once, poll whenever `fd` is readable or `due_ns` has come, stop
// once (which drains), close once. All calls come from one thread; none blocks for long.
#ifndef TACHO_RUN_SOURCE_H
#define TACHO_RUN_SOURCE_H

#include "run/record.h"

struct tacho_source;

struct tacho_source_ops {
    const char *name;
    // Begins to observe and pushes the descriptions. After a failure only close is called.
    int (*start)(struct tacho_source *source, struct tacho_sink *sink, struct tacho_fail *fail);
    // Pushes what is there; called when fds are readable, when due, and once before stop.
    int (*poll)(struct tacho_source *source, int64_t now_ns, struct tacho_fail *fail);
    // Drains, pushes the closing records (losses, rates reached, overhead).
    int (*stop)(struct tacho_source *source, struct tacho_fail *fail);
    void (*close)(struct tacho_source *source);
};

// The first member of every source's own struct.
struct tacho_source {
    const struct tacho_source_ops *ops;
    int fd;         // readable (may be an epoll fd) when there is something to poll; -1: none
    int64_t due_ns; // when poll wants to be called next, host clock; 0: only by fd
};

#endif
