// Runs a command (or watches a process) under the sampler and prints what it got, as lines of
// "name value", for tests and benchmarks.
//
//   sampler_probe [option...] -- COMMAND...
//   --rate HZ  --unwind auto|fp|table  --kind auto|perf|agent  --pid PID  --for SECONDS
//   --no-kernel  --off-cpu  --stack-bytes N  --agent PATH
//   --dump         also every stack and map
//   --out PATH     writes its own lines there, so that the command keeps the output
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/map.h"
#include "base/time.h"
#include "capture/sampler.h"

struct probe {
    struct tacho_sink sink;
    uint64_t records[32];
    uint64_t weight, off_cpu_weight, frames, depth_max, bytes;
    uint32_t cpu_profile;
    double rate_hz;
    bool dumps;
};

static void print_stack(const struct tacho_record *record)
{
    const struct tacho_stack *stack = &record->stack;
    printf("stack %u %" PRId64 " %u", stack->pid, stack->weight, stack->flags);
    for (unsigned i = 0; i < stack->count; i++)
        printf(" %" PRIx64, stack->addresses[i]);
    printf("\n");
    if (stack->named_count)
        printf("python");
    for (unsigned i = 0; i < stack->named_count; i++)
        printf(" %s:%u@%u", stack->named[i].function, stack->named[i].line, stack->named[i].at);
    if (stack->named_count)
        printf("\n");
}

static int put(struct tacho_sink *sink, const struct tacho_record *record, struct tacho_fail *fail)
{
    struct probe *probe = (struct probe *)sink;
    (void)fail;
    if (record->kind < 32)
        probe->records[record->kind]++;
    switch (record->kind) {
    case TACHO_RECORD_PROFILE:
        if (strcmp(record->profile.name, "cpu") == 0) {
            probe->cpu_profile = record->profile.id;
            probe->rate_hz = record->profile.rate_hz;
        }
        printf("profile %s unit %s sampler %s rate %.3f\n", record->profile.name,
               record->profile.unit, record->profile.sampler, record->profile.rate_hz);
        break;
    case TACHO_RECORD_STACK:
        if (record->stack.profile == probe->cpu_profile)
            probe->weight += (uint64_t)record->stack.weight;
        else
            probe->off_cpu_weight += (uint64_t)record->stack.weight;
        probe->frames += record->stack.count;
        if (record->stack.count > probe->depth_max)
            probe->depth_max = record->stack.count;
        if (probe->dumps)
            print_stack(record);
        break;
    case TACHO_RECORD_MAP:
        if (probe->dumps)
            printf("map %u %" PRIx64 " %" PRIx64 " %" PRIx64 " %s\n", record->map.pid,
                   record->map.start, record->map.end, record->map.offset,
                   record->map.path ? record->map.path : "-");
        break;
    case TACHO_RECORD_NOTE:
        printf("note %u %s: %s\n", record->note.kind, record->note.subject, record->note.text);
        break;
    default:
        break;
    }
    return 0;
}

static pid_t fork_child(char **command, const char *const *environment, int *gate)
{
    int pipes[2];
    char byte;
    if (pipe2(pipes, O_CLOEXEC) < 0)
        return -1;
    pid_t pid = fork();
    if (pid != 0) {
        close(pipes[0]);
        *gate = pipes[1];
        return pid;
    }
    close(pipes[1]);
    if (read(pipes[0], &byte, 1) != 1)
        _exit(126);
    for (; *environment; environment++)
        putenv((char *)(uintptr_t)*environment);
    execvp(command[0], command);
    fprintf(stderr, "%s: %s\n", command[0], strerror(errno));
    _exit(127);
}

// Polls until the child ends or the time is over.
static int watch(struct tacho_source *source, pid_t child, int64_t until_ns,
                 struct tacho_fail *fail)
{
    int pidfd = child ? (int)syscall(SYS_pidfd_open, child, 0) : -1;
    int result = 0;
    while (result == 0) {
        struct pollfd waiting[2] = {{.fd = source->fd, .events = POLLIN},
                                    {.fd = pidfd, .events = POLLIN}};
        int64_t due_ns = source->due_ns;
        if (until_ns && (!due_ns || until_ns < due_ns))
            due_ns = until_ns;
        (void)poll(waiting, 2, tacho_deadline_poll_ms((struct tacho_deadline){due_ns}));
        int64_t now_ns = tacho_time_monotonic_ns();
        if (waiting[1].revents || (until_ns && now_ns >= until_ns))
            break;
        if (waiting[0].revents || (source->due_ns && now_ns >= source->due_ns))
            result = source->ops->poll(source, now_ns, fail);
    }
    if (pidfd >= 0) {
        (void)waitpid(child, NULL, 0);
        close(pidfd);
    }
    return result;
}

static const char *out_path;

static int run(struct tacho_sampler_config *config, char **command, double seconds, bool dumps)
{
    struct tacho_fail fail = {0};
    struct tacho_source *source;
    struct probe probe = {.sink = {put}, .dumps = dumps};
    struct tacho_sampler_counts counts;
    pid_t child = 0;
    int gate = -1;
    config->expects_child = *command != NULL;
    if (tacho_sampler_open(config, &source, &fail) < 0) {
        fprintf(stderr, "%s\n", fail.text);
        return 3;
    }
    if (*command) {
        child = fork_child(command, tacho_sampler_environment(source), &gate);
        tacho_sampler_child_set(source, child);
    }
    if (out_path && !freopen(out_path, "w", stdout))
        return 3;
    int64_t cpu_ns = tacho_time_own_cpu_ns();
    if (source->ops->start(source, &probe.sink, &fail) == 0) {
        if (gate >= 0 && write(gate, "x", 1) != 1)
            return 3;
        int64_t until_ns = seconds > 0 ? tacho_time_monotonic_ns() + (int64_t)(seconds * 1e9) : 0;
        if (watch(source, child, until_ns, &fail) == 0)
            (void)source->ops->stop(source, &fail);
    }
    if (fail.code)
        fprintf(stderr, "%s\n", fail.text);
    tacho_sampler_counts(source, &counts);
    cpu_ns = tacho_time_own_cpu_ns() - cpu_ns;
    printf("samples %" PRIu64 "\ncomplete %" PRIu64 "\ntruncated %" PRIu64 "\nstack_end %" PRIu64
           "\nno_table %" PRIu64 "\nbad_frame %" PRIu64 "\nlost %" PRIu64 "\nkernel_only %" PRIu64
           "\noff_cpu_samples %" PRIu64 "\nstack_bytes %zu\n",
           counts.samples, counts.complete, counts.truncated, counts.stack_end, counts.no_table,
           counts.bad_frame, counts.lost, counts.kernel_only, counts.off_cpu_samples,
           counts.stack_bytes);
    printf("uses_perf %d\nuses_agent %d\n", counts.uses_perf, counts.uses_agent);
    printf("threads %" PRIu64 "\nmaps %" PRIu64 "\nstacks %" PRIu64 "\n",
           probe.records[TACHO_RECORD_THREAD], probe.records[TACHO_RECORD_MAP],
           probe.records[TACHO_RECORD_STACK]);
    printf("cpu_s %.6f\noff_cpu_s %.6f\nrate_hz %.3f\n", (double)probe.weight / 1e9,
           (double)probe.off_cpu_weight / 1e9, probe.rate_hz);
    printf("frames_mean %.1f\ndepth_max %" PRIu64 "\n",
           counts.samples ? (double)probe.frames / (double)counts.samples : 0.0, probe.depth_max);
    printf("own_cpu_ms %.3f\nown_us_per_sample %.3f\n", (double)cpu_ns / 1e6,
           counts.samples ? (double)cpu_ns / 1e3 / (double)counts.samples : 0.0);
    source->ops->close(source);
    return fail.code ? 3 : 0;
}

static int word(const char *text, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    fprintf(stderr, "what is %s?\n", text);
    exit(2);
}

int main(int count, char **arguments)
{
    static const char *const unwinds[] = {"auto", "fp", "table", NULL};
    static const char *const kinds[] = {"auto", "perf", "agent", NULL};
    static pid_t pids[16];
    struct tacho_sampler_config config = {.pids = pids};
    double seconds = 0;
    bool dumps = false;
    int i = 1;
    for (; i < count && strcmp(arguments[i], "--") != 0; i++) {
        const char *option = arguments[i];
        if (strcmp(option, "--no-kernel") == 0) {
            config.no_kernel = true;
        } else if (strcmp(option, "--off-cpu") == 0) {
            config.off_cpu = true;
        } else if (strcmp(option, "--dump") == 0) {
            dumps = true;
        } else if (++i == count) {
            fprintf(stderr, "%s needs a value\n", option);
            return 2;
        } else if (strcmp(option, "--rate") == 0) {
            config.rate_hz = strtod(arguments[i], NULL);
        } else if (strcmp(option, "--unwind") == 0) {
            config.unwind = (enum tacho_sampler_unwind)word(arguments[i], unwinds);
        } else if (strcmp(option, "--kind") == 0) {
            config.kind = (enum tacho_sampler_kind)word(arguments[i], kinds);
        } else if (strcmp(option, "--pid") == 0 && config.pid_count < 16) {
            pids[config.pid_count++] = (pid_t)strtol(arguments[i], NULL, 10);
        } else if (strcmp(option, "--for") == 0) {
            seconds = strtod(arguments[i], NULL);
        } else if (strcmp(option, "--stack-bytes") == 0) {
            config.stack_bytes = strtoul(arguments[i], NULL, 10);
        } else if (strcmp(option, "--out") == 0) {
            out_path = arguments[i];
        } else if (strcmp(option, "--agent") == 0) {
            config.agent_path = arguments[i];
        } else {
            fprintf(stderr, "what is %s?\n", option);
            return 2;
        }
    }
    char *none[] = {NULL};
    return run(&config, i < count ? arguments + i + 1 : none, seconds, dumps);
}
