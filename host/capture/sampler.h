// The CPU sampler: stacks of a process tree at a given rate, as PROFILE, STACK, MAP, THREAD and
// NOTE records.
//
// It samples with perf_event_open where the kernel permits that; the kernel copies registers and
// the top of the stack, and this side walks them (host/unwind), so that the sampled program needs
// no frame pointers and executes nothing of ours. Where perf_event_open is refused and the target
// is a child that is still to be started, an agent (host/agent) is loaded into it, which takes the
// same copies from CPU-time timers.
//
// The order of calls for a command:
//   tacho_sampler_open(config)            decides which sampler; config.expects_child is true
//   fork; the child waits on a pipe before exec, with tacho_sampler_environment() set
//   tacho_sampler_child_set(source, pid)
//   source->ops->start(source, sink)      attaches; sampling begins by itself at exec
//   let the child go on
// and for processes that run already: open with config.pids, then start.
#ifndef TACHO_CAPTURE_SAMPLER_H
#define TACHO_CAPTURE_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "run/source.h"

enum tacho_sampler_unwind {
    TACHO_SAMPLER_UNWIND_AUTO = 0, // by table, by frame pointer where code has no table
    TACHO_SAMPLER_UNWIND_FP,       // by frame pointer only
    TACHO_SAMPLER_UNWIND_TABLE,    // by table only
};

enum tacho_sampler_kind {
    TACHO_SAMPLER_KIND_AUTO = 0,
    TACHO_SAMPLER_KIND_PERF,  // perf_event_open or nothing
    TACHO_SAMPLER_KIND_AGENT, // the agent or nothing
};

#define TACHO_SAMPLER_RATE_HZ_DEFAULT 99.0 // off the beat of things that happen every 10 ms
#define TACHO_SAMPLER_RATE_HZ_MAX     10000.0

// Zero means default throughout.
struct tacho_sampler_config {
    bool expects_child; // a child will be handed over by tacho_sampler_child_set
    const pid_t *pids;  // processes that run already; copied
    size_t pid_count;
    double rate_hz;
    enum tacho_sampler_unwind unwind;
    enum tacho_sampler_kind kind;
    bool no_kernel;         // leave kernel stacks out even where they are permitted
    bool off_cpu;           // also the profile "off-cpu": where threads wait, and how long
    size_t stack_bytes;     // how much of each stack is copied; 0: by itself, grows when needed
    const char *agent_path; // of libtacho-agent.so; NULL: looked for beside the running program
};

// Decides which sampler can be used. Succeeds also when none can: then the source only pushes a
// NOTE that says why and what to change. Fails only on a wrong config. Context: before the child is
// forked. The source is freed by its close.
int tacho_sampler_open(const struct tacho_sampler_config *config, struct tacho_source **source,
                       struct tacho_fail *fail);

// What the child must have in its environment before exec: "NAME=value" strings, NULL at the end;
// an empty list when nothing is needed. Valid until close. LD_PRELOAD has the value of this
// process' own LD_PRELOAD appended, so that putenv of each string is right.
const char *const *tacho_sampler_environment(const struct tacho_source *source);

// The child that waits before its exec. Context: between open and start.
void tacho_sampler_child_set(struct tacho_source *source, pid_t pid);

// Figures for reports and tests; valid until close.
struct tacho_sampler_counts {
    uint64_t samples, complete, truncated; // stacks pushed; those that reached the outermost frame
    uint64_t kernel_only;                  // samples without a user part
    uint64_t lost;                         // records the kernel or the agent had no room for
    uint64_t stack_end;                    // truncated because the copied stack ended
    uint64_t no_table, bad_frame; // truncated for want of a table; by a frame that made no sense
    uint64_t off_cpu_samples;
    size_t stack_bytes; // copied now
    double rate_hz;     // asked for
    bool uses_perf, uses_agent;
};
void tacho_sampler_counts(const struct tacho_source *source, struct tacho_sampler_counts *counts);

#endif
