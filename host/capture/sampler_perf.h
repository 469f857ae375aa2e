// The sampler by perf_event_open: events on the threads, records of the rings into records of the
// run.
#ifndef TACHO_CAPTURE_SAMPLER_PERF_H
#define TACHO_CAPTURE_SAMPLER_PERF_H

#include "capture/perf_event.h"
#include "capture/sampler.h"
#include "capture/sampler_table.h"

struct tacho_sampler_perf {
    struct tacho_perf_support support;
    struct tacho_perf_rings rings;
    struct tacho_perf_events events, off_cpu; // what samples now
    struct tacho_map marks;                   // event id: generation, and 0 for off-CPU events
    uint64_t generation;
    // Growing the copies: samples of a generation count up to the next one's switch.
    int64_t switch_ns;    // from when the newest generation counts
    uint64_t cpu_samples; // taken in all
    uint64_t window_samples, window_stack_end;
    bool cannot_grow;
    uint64_t cpu_count; // nanoseconds or cycles that closed events have counted
};

struct tacho_sampler; // sampler_state.h

int tacho_sampler_perf_start(struct tacho_sampler *sampler, struct tacho_fail *fail);
// Hands over what is older than `until_ns`.
int tacho_sampler_perf_drain(struct tacho_sampler *sampler, uint64_t until_ns,
                             struct tacho_fail *fail);
// Between drains: copies grow where too many stacks were cut off.
int tacho_sampler_perf_adapt(struct tacho_sampler *sampler, struct tacho_fail *fail);
// Ends the waits that go on, and tells the rate that was reached.
int tacho_sampler_perf_finish(struct tacho_sampler *sampler, struct tacho_fail *fail);
void tacho_sampler_perf_close(struct tacho_sampler *sampler);

#endif
