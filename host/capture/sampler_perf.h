// The sampler by perf_event_open: events on the threads, records of the rings into records of the
// run.
#ifndef TACHO_CAPTURE_SAMPLER_PERF_H
#define TACHO_CAPTURE_SAMPLER_PERF_H

#include "capture/perf_event.h"
#include "capture/sampler.h"
#include "capture/sampler_table.h"

#define TACHO_SAMPLER_SIZES 8 // of the copies, see sampler_perf.c

struct tacho_sampler_perf {
    struct tacho_perf_support support;
    struct tacho_perf_rings rings;
    struct tacho_perf_events events, off_cpu; // what samples now
    struct tacho_map marks;                   // event id: generation, and 0 for off-CPU events
    uint64_t generation;
    // Fitting the copies: samples of a generation count up to the next one's switch.
    int64_t switch_ns;    // from when the newest generation counts
    uint64_t cpu_samples; // taken in all
    uint64_t window_samples, window_stack_end;
    uint64_t window_used[TACHO_SAMPLER_SIZES]; // complete stacks by the smallest size that holds
    bool has_grown, cannot_change;
    uint64_t running_ns; // CPU time of the threads under events that are closed
};

struct tacho_sampler; // sampler_state.h

int tacho_sampler_perf_start(struct tacho_sampler *sampler, struct tacho_fail *fail);
// Hands over what is older than `until_ns`.
int tacho_sampler_perf_drain(struct tacho_sampler *sampler, uint64_t until_ns,
                             struct tacho_fail *fail);
// Between drains: copies grow where too many stacks were cut off, and shrink, at high rates, to
// what the stacks need.
int tacho_sampler_perf_adapt(struct tacho_sampler *sampler, struct tacho_fail *fail);
// Ends the waits that go on, and tells the rate that was reached.
int tacho_sampler_perf_finish(struct tacho_sampler *sampler, struct tacho_fail *fail);
void tacho_sampler_perf_close(struct tacho_sampler *sampler);

#endif
