// Runs a command under the collectors inside a test: see observe.h.
#include "observe.h"

#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/time.h"
#include "capture/start_source.h"

#define WAIT_MAX_NS (60 * TACHO_NS_PER_S) // a test that hangs fails here

static void check(int code, const struct tacho_fail *fail)
{
    if (code < 0)
        fail_msg("%s", fail->text);
}

static int wait_ms(struct tacho_source *const *sources, size_t count, int at_most_ms)
{
    int64_t now_ns = tacho_time_monotonic_ns();
    int64_t due_ns = now_ns + at_most_ms * TACHO_NS_PER_MS;
    for (size_t i = 0; i < count; i++)
        if (sources[i]->due_ns && sources[i]->due_ns < due_ns)
            due_ns = sources[i]->due_ns;
    return due_ns <= now_ns ? 0 : (int)((due_ns - now_ns) / TACHO_NS_PER_MS) + 1;
}

static void poll_sources(struct tacho_source *const *sources, size_t count)
{
    struct tacho_fail fail = {0};
    for (size_t i = 0; i < count; i++)
        check(sources[i]->ops->poll(sources[i], tacho_time_monotonic_ns(), &fail), &fail);
}

void observe_command(struct observed *observed, const char *const *arguments, int64_t period_ns)
{
    struct tacho_launch launch;
    struct tacho_inherited inherited;
    struct tacho_fail fail = {0};
    struct tacho_source *sources[2];
    struct tacho_proc_config config = {.launch = &launch, .period_ns = period_ns};
    struct tacho_launch_config command = {.arguments = (char *const *)(uintptr_t)arguments,
                                          .inherited = &inherited};
    tacho_inherited_save(&inherited);
    tacho_run_init(&observed->run);
    observed->run.info.start_host_ns = tacho_time_monotonic_ns();
    check(tacho_launch_open(&launch, &command, &fail), &fail);
    check(tacho_proc_source_open(&config, &sources[0], &fail), &fail);
    check(tacho_start_source_open(&launch, sources[0], &sources[1], &fail), &fail);
    for (int i = 0; i < 2; i++)
        check(sources[i]->ops->start(sources[i], &observed->run.sink, &fail), &fail);
    check(tacho_launch_release(&launch, &fail), &fail);
    int64_t end_ns = tacho_time_monotonic_ns() + WAIT_MAX_NS;
    while (!launch.exited && tacho_time_monotonic_ns() < end_ns) {
        struct pollfd fd = {.fd = launch.pidfd, .events = POLLIN};
        poll(&fd, 1, wait_ms(sources, 2, 1000));
        tacho_launch_reap(&launch);
        if (!launch.exited)
            poll_sources(sources, 2);
    }
    assert_true(launch.exited);
    while (tacho_launch_has_children(&launch)) {
        tacho_launch_reap(&launch);
        poll(NULL, 0, 1);
        assert_true(tacho_time_monotonic_ns() < end_ns);
    }
    for (int i = 0; i < 2; i++)
        check(sources[i]->ops->stop(sources[i], &fail), &fail);
    observed->status = launch.exit_status;
    observed->usage = launch.usage;
    observed->waiting_rss_bytes = launch.waiting_rss_bytes;
    for (int i = 0; i < 2; i++)
        sources[i]->ops->close(sources[i]);
    observed->left = tacho_launch_has_children(&launch);
    tacho_launch_close(&launch);
}

void observe_pids(struct tacho_run *run, const struct tacho_proc_config *config,
                  bool (*until)(struct tacho_run *run, void *context), void *context)
{
    struct tacho_fail fail = {0};
    struct tacho_source *source;
    int64_t end_ns = tacho_time_monotonic_ns() + WAIT_MAX_NS;
    tacho_run_init(run);
    run->info.start_host_ns = tacho_time_monotonic_ns();
    check(tacho_proc_source_open(config, &source, &fail), &fail);
    check(source->ops->start(source, &run->sink, &fail), &fail);
    while (!tacho_proc_source_ended(source) && !until(run, context)) {
        struct pollfd fd = {.fd = source->fd, .events = POLLIN};
        assert_true(tacho_time_monotonic_ns() < end_ns);
        poll(&fd, 1, wait_ms(&source, 1, 1));
        poll_sources(&source, 1);
    }
    check(source->ops->stop(source, &fail), &fail);
    source->ops->close(source);
}

double last_value(const struct tacho_run *run, const char *name, const char *subject)
{
    const struct tacho_run_series *series =
        subject ? tacho_run_series_find(run, name, subject) : NULL;
    return series && series->count ? series->value[series->count - 1] : NAN;
}

const char *subject_of(const struct tacho_run *run, const char *start, const char *name)
{
    for (size_t i = 0; i < run->series.count; i++)
        if (strncmp(run->series.items[i].subject, start, strlen(start)) == 0 &&
            strcmp(run->series.items[i].name, name) == 0)
            return run->series.items[i].subject;
    return NULL;
}

bool has_note(const struct tacho_run *run, const char *part)
{
    for (size_t i = 0; i < run->notes.count; i++)
        if (strstr(run->notes.items[i].text, part))
            return true;
    return false;
}
