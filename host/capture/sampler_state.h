// The inside of a sampler, shared by its parts.
#ifndef TACHO_CAPTURE_SAMPLER_STATE_H
#define TACHO_CAPTURE_SAMPLER_STATE_H

#include "capture/sampler.h"
#include "capture/sampler_agent.h"
#include "capture/sampler_perf.h"
#include "capture/sampler_table.h"

struct tacho_sampler {
    struct tacho_source source;
    struct tacho_sampler_config config; // its pids are the array below
    pid_t *pids;
    pid_t child;
    struct tacho_sink *sink;
    struct tacho_unwinder unwinder;
    struct tacho_sampler_table table;
    struct tacho_sampler_perf perf;
    struct tacho_sampler_agent agent;
    struct tacho_sampler_counts counts;
    struct tacho_profile_info profile, off_cpu_profile; // id 0: not described yet
    uint64_t addresses[TACHO_UNWIND_DEPTH_MAX + 256];   // kernel part, then user part
    struct tacho_stack_name names[TACHO_PYTHON_NAMES_MAX];
    bool uses_agent, is_started;
    bool is_refused;       // only notes come from this one
    struct tacho_fail why; // the agent cannot be used
};

// One stack as a sampler took it; kernel addresses are at the front of sampler->addresses.
struct tacho_sampler_taken {
    struct tacho_sampled_thread *thread;
    const struct tacho_registers *registers; // NULL: no user part is known
    struct tacho_stack_copy stack;
    size_t kernel_count;
    int64_t time_ns;
    uint64_t interrupted; // the program counter, where there is no user part
};

// Walks the user part behind the kernel part, counts how it went, fills `stack` but for profile and
// weight. Returns why the walk ended.
enum tacho_unwind_end tacho_sampler_walk(struct tacho_sampler *sampler,
                                         const struct tacho_sampler_taken *taken,
                                         struct tacho_stack *stack);
int tacho_sampler_push(struct tacho_sampler *sampler, struct tacho_sampled_thread *thread,
                       const struct tacho_stack *stack, int64_t time_ns, struct tacho_fail *fail);
int tacho_sampler_describe(struct tacho_sampler *sampler, const struct tacho_profile_info *profile,
                           struct tacho_fail *fail);

#endif
