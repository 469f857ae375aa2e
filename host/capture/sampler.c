// The sampler as a source: chooses how to sample, walks the stacks, reports how it went.
#include "capture/sampler.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "capture/sampler_state.h"

#define POLL_NS                 (500 * TACHO_NS_PER_MS)
#define FIRST_POLL_NS           (10 * TACHO_NS_PER_MS)
#define PYTHON_POLL_NS          (100 * TACHO_NS_PER_MS)
#define PYTHON_POLL_NS_FAST     (50 * TACHO_NS_PER_MS) // at rates above FAST_HZ
#define PYTHON_POLL_NS_LEARNING (20 * TACHO_NS_PER_MS)
#define FAST_HZ                 250.0
#define SETTLE_NS               (2 * TACHO_NS_PER_MS) // by then a record of any CPU is in its ring

static struct tacho_sampler *sampler_of(struct tacho_source *source)
{
    return (struct tacho_sampler *)source;
}

int tacho_sampler_describe(struct tacho_sampler *sampler, const struct tacho_profile_info *profile,
                           struct tacho_fail *fail)
{
    struct tacho_record record = {.kind = TACHO_RECORD_PROFILE,
                                  .clock = TACHO_CLOCK_HOST,
                                  .time = tacho_time_monotonic_ns(),
                                  .profile = *profile};
    return tacho_sink_put(sampler->sink, &record, fail);
}

int tacho_sampler_push(struct tacho_sampler *sampler, struct tacho_sampled_thread *thread,
                       const struct tacho_stack *stack, int64_t time_ns, struct tacho_fail *fail)
{
    struct tacho_record record = {
        .kind = TACHO_RECORD_STACK, .clock = TACHO_CLOCK_HOST, .time = time_ns, .stack = *stack};
    if (thread->process->has_unpushed_maps &&
        tacho_sampler_table_push_maps(&sampler->table, thread->process, fail) < 0)
        return fail->code;
    record.stack.thread = thread->record_id;
    record.stack.pid = (uint32_t)thread->pid;
    return tacho_sink_put(sampler->sink, &record, fail);
}

static void count_end(struct tacho_sampler_counts *counts, enum tacho_unwind_end end)
{
    counts->samples++;
    switch (end) {
    case TACHO_UNWIND_COMPLETE:
        counts->complete++;
        return;
    case TACHO_UNWIND_STACK_END:
        counts->stack_end++;
        break;
    case TACHO_UNWIND_NO_TABLE:
        counts->no_table++;
        break;
    default:
        counts->bad_frame++;
        break;
    }
    counts->truncated++;
}

static void name_python(struct tacho_sampler *sampler, const struct tacho_sampler_taken *taken,
                        struct tacho_stack *stack)
{
    struct tacho_sampled_process *process = taken->thread->process;
    struct tacho_sampler_table *table = &sampler->table;
    if (!process->python || !sampler->unwinder.watched_count)
        return;
    if (process->round != table->round)
        table->is_learning_python = tacho_python_begin(process->python);
    process->round = table->round;
    stack->named = sampler->names;
    stack->named_count = (uint16_t)tacho_python_names(
        process->python, &sampler->unwinder, &taken->stack, taken->thread->tid,
        tacho_time_monotonic_ns() - taken->time_ns, taken->kernel_count, sampler->names);
}

enum tacho_unwind_end tacho_sampler_walk(struct tacho_sampler *sampler,
                                         const struct tacho_sampler_taken *taken,
                                         struct tacho_stack *stack)
{
    enum tacho_unwind_end end = TACHO_UNWIND_COMPLETE;
    uint64_t *addresses = sampler->addresses + taken->kernel_count;
    size_t count = 0;
    if (taken->registers) {
        count = tacho_unwinder_walk(&sampler->unwinder, &taken->thread->process->space,
                                    taken->registers, &taken->stack, addresses, &end);
    } else if (taken->kernel_count == 0) {
        addresses[count++] = taken->interrupted;
        end = TACHO_UNWIND_NO_TABLE;
    } else {
        sampler->counts.kernel_only++;
    }
    count_end(&sampler->counts, end);
    *stack = (struct tacho_stack){.count = (uint16_t)(taken->kernel_count + count),
                                  .kernel_count = (uint16_t)taken->kernel_count,
                                  .flags = end == TACHO_UNWIND_COMPLETE ? 0 : TACHO_STACK_TRUNCATED,
                                  .addresses = sampler->addresses};
    if (taken->registers)
        name_python(sampler, taken, stack);
    return end;
}

// --- the notes ---

// Why perf_event_open cannot be used, and what to change.
static int note_refused(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    const struct tacho_perf_support *support = &sampler->perf.support;
    const char *advice = "permit perf_event_open in the container's seccomp profile";
    char setting[64] = "";
    if (support->error == ENOSYS)
        advice = "this kernel was built without CONFIG_PERF_EVENTS";
    else if (support->paranoid > 2)
        advice = "set it to 2 (sysctl kernel.perf_event_paranoid=2), or give tacho CAP_PERFMON";
    if (support->paranoid != INT_MIN)
        snprintf(setting, sizeof setting, " and kernel.perf_event_paranoid is %d",
                 support->paranoid);
    return tacho_sink_note(sampler->sink, TACHO_NOTE_NOT_AVAILABLE, "sampler", NAN, fail,
                           "perf_event_open is refused (%s)%s: %s", strerror(support->error),
                           setting, advice);
}

// After note_refused: what is done instead.
static int note_instead(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    if (sampler->uses_agent)
        return tacho_sink_note(sampler->sink, TACHO_NOTE_INFO, "sampler", NAN, fail,
                               "an agent in the program samples by timers of each thread's CPU "
                               "time; time inside the kernel counts for the code that called it");
    if (sampler->config.pid_count)
        return tacho_sink_note(sampler->sink, TACHO_NOTE_NOT_AVAILABLE, "sampler", NAN, fail,
                               "a process that runs already cannot be sampled without "
                               "perf_event_open");
    return tacho_sink_note(sampler->sink, TACHO_NOTE_NOT_AVAILABLE, "sampler", NAN, fail,
                           "no agent samples the program instead: %s",
                           sampler->why.code ? sampler->why.text : "it was not asked for");
}

static int note_off_cpu(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    if (!sampler->config.off_cpu || (sampler->perf.support.off_cpu && !sampler->uses_agent))
        return 0;
    return tacho_sink_note(sampler->sink, TACHO_NOTE_NOT_AVAILABLE, "sampler", NAN, fail,
                           "off-CPU time needs samples at context switches: "
                           "kernel.perf_event_paranoid is %d, set it to 1 or give tacho "
                           "CAP_PERFMON",
                           sampler->perf.support.paranoid);
}

static int note_no_kernel(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    const struct tacho_perf_support *support = &sampler->perf.support;
    if (support->kernel)
        return 0;
    return tacho_sink_note(sampler->sink, TACHO_NOTE_NOT_AVAILABLE, "sampler", NAN, fail,
                           "time inside the kernel is not sampled: kernel.perf_event_paranoid is "
                           "%d, set it to 1 or give tacho CAP_PERFMON",
                           support->paranoid);
}

// How the agent fared, which only the end shows.
static int note_agent(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    const struct tacho_sampler_agent *agent = &sampler->agent;
    double asked_hz = sampler->config.rate_hz, reached_hz = sampler->profile.rate_hz;
    if (agent->programs == 0)
        return tacho_sink_note(sampler->sink, TACHO_NOTE_WARNING, "sampler", NAN, fail,
                               "no program loaded the agent: statically linked ones and those "
                               "with raised rights do not");
    if (agent->failed_errno)
        return tacho_sink_note(sampler->sink, TACHO_NOTE_WARNING, "sampler", NAN, fail,
                               "some threads were not sampled: timer_create failed (%s)",
                               strerror(agent->failed_errno));
    if (reached_hz < 0.9 * asked_hz)
        return tacho_sink_note(sampler->sink, TACHO_NOTE_INFO, "sampler", reached_hz, fail,
                               "asked for %.0f Hz, the kernel's timer tick gave %.0f Hz", asked_hz,
                               reached_hz);
    return 0;
}

static int note_truncated(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    const struct tacho_sampler_counts *counts = &sampler->counts;
    if (counts->truncated == 0)
        return 0;
    return tacho_sink_note(
        sampler->sink, TACHO_NOTE_INFO, "sampler",
        (double)counts->truncated / (double)counts->samples, fail,
        "%.2f %% of %llu stacks do not reach the outermost frame (copy of %zu KiB too short: %llu, "
        "no unwind table: %llu, table and stack disagree: %llu)",
        100.0 * (double)counts->truncated / (double)counts->samples,
        (unsigned long long)counts->samples, counts->stack_bytes >> 10,
        (unsigned long long)counts->stack_end, (unsigned long long)counts->no_table,
        (unsigned long long)counts->bad_frame);
}

// --- the source ---

static int describe_profiles(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    bool cycles = sampler->perf.support.cycles && !sampler->uses_agent;
    sampler->profile =
        (struct tacho_profile_info){.id = tacho_record_id_new(),
                                    .name = "cpu",
                                    .unit = cycles ? "cycles" : "nanoseconds",
                                    .sampler = cycles                ? "perf cycles"
                                               : sampler->uses_agent ? "agent cpu-timer"
                                                                     : "perf cpu-clock",
                                    .period = cycles ? NAN : 1e9 / sampler->config.rate_hz,
                                    .rate_hz = NAN};
    if (tacho_sampler_describe(sampler, &sampler->profile, fail) < 0)
        return fail->code;
    if (!sampler->config.off_cpu || !sampler->perf.support.off_cpu || sampler->uses_agent)
        return 0;
    sampler->off_cpu_profile = (struct tacho_profile_info){.id = tacho_record_id_new(),
                                                           .name = "off-cpu",
                                                           .unit = "nanoseconds",
                                                           .sampler = "perf context-switches",
                                                           .period = 1,
                                                           .rate_hz = NAN};
    return tacho_sampler_describe(sampler, &sampler->off_cpu_profile, fail);
}

static int start_agent(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    sampler->counts.uses_agent = true;
    sampler->counts.stack_bytes = TACHO_AGENT_STACK_BYTES;
    if (describe_profiles(sampler, fail) < 0 || note_off_cpu(sampler, fail) < 0)
        return fail->code;
    sampler->is_started = true;
    sampler->source.due_ns = tacho_time_monotonic_ns() + FIRST_POLL_NS;
    return 0;
}

static int start_perf(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    struct tacho_fail refused = {0};
    sampler->counts.uses_perf = true;
    if (describe_profiles(sampler, fail) < 0 || note_no_kernel(sampler, fail) < 0 ||
        note_off_cpu(sampler, fail) < 0)
        return fail->code;
    if (tacho_sampler_perf_start(sampler, &refused) < 0) {
        sampler->is_refused = true;
        sampler->source.fd = -1;
        return tacho_sink_note(sampler->sink, TACHO_NOTE_NOT_AVAILABLE, "sampler", NAN, fail,
                               "no CPU profile: %s", refused.text);
    }
    sampler->is_started = true;
    sampler->source.due_ns = tacho_time_monotonic_ns() + FIRST_POLL_NS;
    return 0;
}

static int sampler_start(struct tacho_source *source, struct tacho_sink *sink,
                         struct tacho_fail *fail)
{
    struct tacho_sampler *sampler = sampler_of(source);
    bool wants_agent = sampler->config.kind == TACHO_SAMPLER_KIND_AGENT;
    sampler->sink = sampler->table.sink = sink;
    sampler->table.unwinder = &sampler->unwinder;
    if (!sampler->perf.support.permitted && !wants_agent && note_refused(sampler, fail) < 0)
        return fail->code;
    if (sampler->perf.support.permitted && !wants_agent)
        return start_perf(sampler, fail);
    if (note_instead(sampler, fail) < 0)
        return fail->code;
    if (sampler->uses_agent)
        return start_agent(sampler, fail);
    sampler->is_refused = true;
    return 0;
}

// What runs is found out early, then the intervals double. Python's frames are read from live
// memory, so sooner after the samples than a full ring would ask for; but not too often, because a
// wake-up costs as much as several samples.
static int64_t period_ns(const struct tacho_sampler *sampler)
{
    if (!sampler->table.has_python)
        return sampler->table.round < 6 ? FIRST_POLL_NS << sampler->table.round : POLL_NS;
    if (sampler->table.is_learning_python)
        return PYTHON_POLL_NS_LEARNING;
    return sampler->config.rate_hz > FAST_HZ ? PYTHON_POLL_NS_FAST : PYTHON_POLL_NS;
}

static int sampler_poll(struct tacho_source *source, int64_t now_ns, struct tacho_fail *fail)
{
    struct tacho_sampler *sampler = sampler_of(source);
    (void)now_ns;
    if (sampler->is_refused)
        return 0;
    sampler->table.round++;
    int64_t begin_ns = tacho_time_monotonic_ns();
    source->due_ns = begin_ns + period_ns(sampler);
    if (sampler->uses_agent)
        return tacho_sampler_agent_drain(sampler, fail);
    if (tacho_sampler_perf_drain(sampler, (uint64_t)(begin_ns - SETTLE_NS), fail) < 0)
        return fail->code;
    return tacho_sampler_perf_adapt(sampler, fail);
}

// Takes what is left and works out the rate that was reached, per second of CPU time.
static int finish(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    if (sampler->uses_agent) {
        const struct tacho_sampler_agent *agent = &sampler->agent;
        tacho_sampler_agent_stop(sampler);
        if (tacho_sampler_agent_drain(sampler, fail) < 0)
            return fail->code;
        if (agent->periods)
            sampler->profile.rate_hz = (double)sampler->counts.samples * 1e9 /
                                       ((double)agent->periods * (double)agent->period_ns);
        return note_agent(sampler, fail);
    }
    if (tacho_sampler_perf_drain(sampler, UINT64_MAX, fail) < 0 ||
        tacho_sampler_perf_finish(sampler, fail) < 0)
        return fail->code;
    if (sampler->perf.running_ns && sampler->perf.cpu_samples)
        sampler->profile.rate_hz =
            (double)sampler->perf.cpu_samples * 1e9 / (double)sampler->perf.running_ns;
    return 0;
}

static int sampler_stop(struct tacho_source *source, struct tacho_fail *fail)
{
    struct tacho_sampler *sampler = sampler_of(source);
    const struct tacho_sampler_counts *counts = &sampler->counts;
    if (sampler->is_refused)
        return 0;
    if (finish(sampler, fail) < 0 || tacho_sampler_describe(sampler, &sampler->profile, fail) < 0)
        return fail->code;
    if (counts->lost &&
        tacho_sink_note(sampler->sink, TACHO_NOTE_LOSS, "sampler", (double)counts->lost, fail,
                        "there was no room for %llu records of the sampler",
                        (unsigned long long)counts->lost) < 0)
        return fail->code;
    return note_truncated(sampler, fail);
}

static void sampler_close(struct tacho_source *source)
{
    struct tacho_sampler *sampler = sampler_of(source);
    tacho_sampler_perf_close(sampler);
    tacho_sampler_agent_close(sampler);
    tacho_sampler_table_release(&sampler->table);
    tacho_unwinder_release(&sampler->unwinder);
    free(sampler->pids);
    free(sampler);
}

static const struct tacho_source_ops sampler_ops = {
    .name = "sampler",
    .start = sampler_start,
    .poll = sampler_poll,
    .stop = sampler_stop,
    .close = sampler_close,
};

static int check_config(const struct tacho_sampler_config *config, struct tacho_fail *fail)
{
    if (config->rate_hz != 0 &&
        !(config->rate_hz >= 1 && config->rate_hz <= TACHO_SAMPLER_RATE_HZ_MAX))
        return tacho_fail_set(fail, TACHO_ERR_INVALID, "a sampling rate is from 1 to %.0f Hz",
                              TACHO_SAMPLER_RATE_HZ_MAX);
    return 0;
}

static bool wants_agent(const struct tacho_sampler *sampler)
{
    if (!sampler->config.expects_child || sampler->config.kind == TACHO_SAMPLER_KIND_PERF)
        return false;
    return sampler->config.kind == TACHO_SAMPLER_KIND_AGENT || !sampler->perf.support.permitted;
}

int tacho_sampler_open(const struct tacho_sampler_config *config, struct tacho_source **source,
                       struct tacho_fail *fail)
{
    static const enum tacho_unwind_mode modes[] = {TACHO_UNWIND_AUTO, TACHO_UNWIND_FP,
                                                   TACHO_UNWIND_TABLE};
    struct tacho_sampler *sampler;
    if (check_config(config, fail) < 0)
        return fail->code;
    sampler = calloc(1, sizeof *sampler);
    if (!sampler)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "no memory for the sampler");
    sampler->source = (struct tacho_source){.ops = &sampler_ops, .fd = -1};
    sampler->config = *config;
    if (config->rate_hz == 0)
        sampler->config.rate_hz = TACHO_SAMPLER_RATE_HZ_DEFAULT;
    sampler->counts.rate_hz = sampler->config.rate_hz;
    if (tacho_unwinder_init(&sampler->unwinder, modes[config->unwind], fail) < 0) {
        free(sampler);
        return fail->code;
    }
    if (config->pid_count) {
        TACHO_ARRAY(pid_t) pids = {0};
        for (size_t i = 0; i < config->pid_count; i++)
            tacho_array_push(&pids, config->pids[i]);
        sampler->pids = pids.items;
    }
    sampler->config.pids = sampler->pids;
    tacho_perf_support_probe(&sampler->perf.support);
    sampler->agent.fd = -1;
    if (wants_agent(sampler))
        sampler->uses_agent = tacho_sampler_agent_open(sampler, &sampler->why) == 0;
    *source = &sampler->source;
    return 0;
}

const char *const *tacho_sampler_environment(const struct tacho_source *source)
{
    return ((const struct tacho_sampler *)source)->agent.environment;
}

void tacho_sampler_child_set(struct tacho_source *source, pid_t pid)
{
    sampler_of(source)->child = pid;
}

void tacho_sampler_counts(const struct tacho_source *source, struct tacho_sampler_counts *counts)
{
    *counts = ((const struct tacho_sampler *)source)->counts;
}
