// Observes a command or processes with the collectors alone and prints what they saw, for tests by
// script and by eye: collector_probe [--every MS] [--pid PID]... [--for MS] [--] [COMMAND...]
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "capture/launch.h"
#include "capture/proc_source.h"
#include "capture/start_source.h"
#include "run/model.h"

struct probe {
    struct tacho_launch launch;
    struct tacho_source *sources[2];
    size_t source_count;
    struct tacho_run run;
    int64_t end_ns;
};

static void fail_out(const struct tacho_fail *fail)
{
    fprintf(stderr, "collector_probe: %s\n", fail->text);
    exit(tacho_launch_exit_code(fail->code));
}

static int wait_ms(const struct probe *probe, int64_t now_ns)
{
    int64_t due_ns = probe->end_ns ? probe->end_ns : INT64_MAX;
    for (size_t i = 0; i < probe->source_count; i++)
        if (probe->sources[i]->due_ns && probe->sources[i]->due_ns < due_ns)
            due_ns = probe->sources[i]->due_ns;
    int64_t span_ms = (due_ns - now_ns + TACHO_NS_PER_MS - 1) / TACHO_NS_PER_MS;
    return span_ms < 0 ? 0 : span_ms > 60000 ? 60000 : (int)span_ms;
}

static void observe(struct probe *probe, bool launched)
{
    struct tacho_fail fail = {0};
    for (;;) {
        int64_t now_ns = tacho_time_monotonic_ns();
        struct pollfd fds[3] = {{.fd = launched ? probe->launch.pidfd : -1, .events = POLLIN}};
        for (size_t i = 0; i < probe->source_count; i++)
            fds[i + 1] = (struct pollfd){.fd = probe->sources[i]->fd, .events = POLLIN};
        poll(fds, 1 + probe->source_count, wait_ms(probe, now_ns));
        now_ns = tacho_time_monotonic_ns();
        for (size_t i = 0; i < probe->source_count; i++)
            if (probe->sources[i]->ops->poll(probe->sources[i], now_ns, &fail) < 0)
                fail_out(&fail);
        if (launched) {
            tacho_launch_reap(&probe->launch);
            if (probe->launch.exited)
                return;
        } else if (tacho_proc_source_ended(probe->sources[0])) {
            return;
        }
        if (probe->end_ns && now_ns >= probe->end_ns)
            return;
    }
}

static void print_run(const struct tacho_run *run)
{
    for (size_t i = 0; i < run->series.count; i++) {
        const struct tacho_run_series *series = &run->series.items[i];
        if (series->count)
            printf("series\t%s\t%s\t%zu\t%.9g\t%.9g\t%s\n", series->subject, series->name,
                   series->count, series->value[0], series->value[series->count - 1], series->unit);
    }
    for (size_t i = 0; i < run->threads.count; i++) {
        const struct tacho_run_thread *thread = &run->threads.items[i];
        printf("thread\t%u\t%u\t%u\t%s\t%s\n", thread->pid, thread->tid, thread->parent_pid,
               thread->name, thread->command);
    }
    for (size_t i = 0; i < run->notes.count; i++)
        printf("note\t%s\t%s\n", run->notes.items[i].subject, run->notes.items[i].text);
}

int main(int argc, char **argv)
{
    static struct probe probe;
    struct tacho_inherited inherited;
    struct tacho_fail fail = {0};
    struct tacho_proc_config config = {0};
    pid_t pids[64];
    int at = 1;
    tacho_inherited_save(&inherited);
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0 && argv[at][2]; at += 2) {
        int64_t value = atoll(argv[at + 1]);
        if (strcmp(argv[at], "--every") == 0)
            config.period_ns = value * TACHO_NS_PER_MS;
        else if (strcmp(argv[at], "--for") == 0)
            probe.end_ns = tacho_time_monotonic_ns() + value * TACHO_NS_PER_MS;
        else if (strcmp(argv[at], "--pid") == 0 && config.pid_count < 64)
            pids[config.pid_count++] = (pid_t)value;
    }
    if (at < argc && strcmp(argv[at], "--") == 0)
        at++;
    struct tacho_launch_config command = {.arguments = argv + at, .inherited = &inherited};
    bool launched = at < argc;
    config.pids = pids;
    tacho_run_init(&probe.run);
    probe.run.info.start_host_ns = tacho_time_monotonic_ns();
    if (launched) {
        config.launch = &probe.launch;
        if (tacho_launch_open(&probe.launch, &command, &fail) < 0)
            fail_out(&fail);
    }
    if (tacho_proc_source_open(&config, &probe.sources[probe.source_count++], &fail) < 0)
        fail_out(&fail);
    if (launched && tacho_start_source_open(&probe.launch, probe.sources[0],
                                            &probe.sources[probe.source_count++], &fail) < 0)
        fail_out(&fail);
    for (size_t i = 0; i < probe.source_count; i++)
        if (probe.sources[i]->ops->start(probe.sources[i], &probe.run.sink, &fail) < 0)
            fail_out(&fail);
    if (launched && tacho_launch_release(&probe.launch, &fail) < 0)
        fail_out(&fail);
    observe(&probe, launched);
    for (size_t i = 0; i < probe.source_count; i++)
        if (probe.sources[i]->ops->stop(probe.sources[i], &fail) < 0)
            fail_out(&fail);
    print_run(&probe.run);
    int code = launched ? tacho_launch_status_code(probe.launch.exit_status) : 0;
    for (size_t i = 0; i < probe.source_count; i++)
        probe.sources[i]->ops->close(probe.sources[i]);
    if (launched)
        tacho_launch_close(&probe.launch);
    tacho_run_release(&probe.run);
    return code;
}
