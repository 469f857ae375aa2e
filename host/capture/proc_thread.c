// The threads of a process: CPU, waiting and switches of each, the busy ones as series of their
// own.
#include "proc_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERIES_THREADS_MAX 64
#define SHOWN_RATIO        0.005 // of one core, in one sample: what a thread is shown from

struct reading {
    uint32_t tid;
    bool is_first; // the first look at this process' threads
    int folder;    // /proc/PID/task
    int64_t now_ns;
};

// The part of a thread's total that belongs to the observation, when the thread is first seen. Of a
// process that ran before, threads found at the first look had their totals before, except when the
// process had only its first thread at an earlier sample, whose total then is known.
static double own_part(const struct tacho_process *process, const struct reading *reading,
                       enum tacho_metric_at metric, double total)
{
    if (!process->old || !reading->is_first)
        return total;
    double base = process->base[metric];
    if (isnan(base))
        return 0;
    return reading->tid == (uint32_t)process->pid ? fmax(total - base, 0) : total;
}

static void add(struct tacho_process *process, enum tacho_metric_at metric, double value)
{
    process->value[metric] = (isnan(process->value[metric]) ? 0 : process->value[metric]) + value;
}

static bool read_status(struct tacho_proc_source *self, const struct reading *reading,
                        struct tacho_proc_status *status)
{
    char path[32];
    snprintf(path, sizeof path, "%u/status", reading->tid);
    ssize_t size = tacho_proc_read_at(reading->folder, path, self->text, sizeof self->text);
    return size > 0 && tacho_proc_status_parse(self->text, (size_t)size, status) == 0;
}

static void take_first(struct tacho_proc_source *self, struct tacho_process *process,
                       const struct reading *reading, struct tacho_thread *thread)
{
    struct tacho_proc_status status = {0};
    read_status(self, reading, &status);
    thread->switches_voluntary = status.switches_voluntary;
    thread->switches_involuntary = status.switches_involuntary;
    // The base of a process' CPU time is of all its threads, so it tells nothing about one of them.
    if (!process->old || !reading->is_first)
        thread->run_seconds = (double)thread->sched.run_ns * 1e-9;
    add(process, TACHO_AT_cpu_wait_seconds,
        own_part(process, reading, TACHO_AT_cpu_wait_seconds,
                 (double)thread->sched.wait_ns * 1e-9));
    add(process, TACHO_AT_context_switches_voluntary,
        own_part(process, reading, TACHO_AT_context_switches_voluntary,
                 (double)status.switches_voluntary));
    add(process, TACHO_AT_context_switches_involuntary,
        own_part(process, reading, TACHO_AT_context_switches_involuntary,
                 (double)status.switches_involuntary));
}

static void take_next(struct tacho_proc_source *self, struct tacho_process *process,
                      const struct reading *reading, struct tacho_thread *thread,
                      const struct tacho_proc_schedstat *sched)
{
    struct tacho_proc_status status;
    thread->run_seconds += (double)(sched->run_ns - thread->sched.run_ns) * 1e-9;
    add(process, TACHO_AT_cpu_wait_seconds,
        (double)(sched->wait_ns - thread->sched.wait_ns) * 1e-9);
    thread->sched = *sched;
    if (!read_status(self, reading, &status))
        return;
    add(process, TACHO_AT_context_switches_voluntary,
        (double)(status.switches_voluntary - thread->switches_voluntary));
    add(process, TACHO_AT_context_switches_involuntary,
        (double)(status.switches_involuntary - thread->switches_involuntary));
    thread->switches_voluntary = status.switches_voluntary;
    thread->switches_involuntary = status.switches_involuntary;
}

static int describe(struct tacho_proc_source *self, const struct tacho_process *process,
                    struct tacho_thread *thread, const char *name, int64_t now_ns, int64_t end_ns,
                    struct tacho_fail *fail)
{
    if (!thread->record)
        thread->record = tacho_record_id_new();
    struct tacho_record record = {.kind = TACHO_RECORD_THREAD, .time = now_ns};
    record.thread = (struct tacho_thread_info){.id = thread->record,
                                               .pid = (uint32_t)process->pid,
                                               .tid = thread->tid,
                                               .parent_pid = (uint32_t)process->ppid,
                                               .name = name,
                                               .end_ns = end_ns};
    return tacho_sink_put(self->sink, &record, fail);
}

// Makes a busy thread a series of its own.
static int show(struct tacho_proc_source *self, const struct tacho_process *process,
                const struct reading *reading, struct tacho_thread *thread, struct tacho_fail *fail)
{
    char path[32], name[TACHO_PROC_COMM_MAX], subject[TACHO_SERIES_SUBJECT_MAX];
    if (self->thread_series >= SERIES_THREADS_MAX)
        return tacho_proc_say(self, TACHO_PROC_NOTE_MANY_THREADS, fail,
                              "more than %d busy threads: the others are in the totals of their "
                              "process but have no series of their own",
                              SERIES_THREADS_MAX);
    snprintf(path, sizeof path, "%u/comm", thread->tid);
    ssize_t size = tacho_proc_read_at(reading->folder, path, name, sizeof name);
    if (size <= 0)
        return 0; // gone in this moment
    name[strcspn(name, "\n")] = 0;
    thread->series = malloc(sizeof *thread->series);
    if (!thread->series)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    self->thread_series++;
    snprintf(subject, sizeof subject, "thread %u %s", thread->tid, name);
    tacho_series_set_init(thread->series, self->sink, subject, true);
    return describe(self, process, thread, name, reading->now_ns, 0, fail);
}

static int push(struct tacho_thread *thread, int64_t now_ns, double ratio, struct tacho_fail *fail)
{
    if (tacho_series_push(thread->series, TACHO_AT_cpu_ratio_core, now_ns, ratio, fail) < 0 ||
        tacho_series_push(thread->series, TACHO_AT_cpu_seconds, now_ns, thread->run_seconds, fail) <
            0 ||
        tacho_series_push(thread->series, TACHO_AT_cpu_wait_seconds, now_ns,
                          (double)thread->sched.wait_ns * 1e-9, fail) < 0 ||
        tacho_series_push(thread->series, TACHO_AT_context_switches_voluntary, now_ns,
                          (double)thread->switches_voluntary, fail) < 0)
        return fail->code;
    return tacho_series_push(thread->series, TACHO_AT_context_switches_involuntary, now_ns,
                             (double)thread->switches_involuntary, fail);
}

// The place of `tid` in the ascending list, made when it was not there.
static struct tacho_thread *place(struct tacho_process *process, uint32_t tid, bool *added)
{
    size_t low = 0, high = process->threads.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (process->threads.items[middle].tid < tid)
            low = middle + 1;
        else
            high = middle;
    }
    *added = low == process->threads.count || process->threads.items[low].tid != tid;
    if (*added) {
        tacho_array_push(&process->threads, (struct tacho_thread){0});
        struct tacho_thread *items = process->threads.items;
        memmove(items + low + 1, items + low, (process->threads.count - 1 - low) * sizeof *items);
        items[low] = (struct tacho_thread){.tid = tid};
    }
    return &process->threads.items[low];
}

static int read_one(struct tacho_proc_source *self, struct tacho_process *process,
                    const struct reading *reading, struct tacho_fail *fail)
{
    struct tacho_proc_schedstat sched;
    char path[32];
    bool added;
    snprintf(path, sizeof path, "%u/schedstat", reading->tid);
    ssize_t size = tacho_proc_read_at(reading->folder, path, self->text, sizeof self->text);
    if (size <= 0 || tacho_proc_schedstat_parse(self->text, (size_t)size, &sched) < 0)
        return 0;
    struct tacho_thread *thread = place(process, reading->tid, &added);
    double before = thread->run_seconds;
    thread->alive = true;
    if (added) {
        thread->sched = sched;
        take_first(self, process, reading, thread);
    } else if (memcmp(&sched, &thread->sched, sizeof sched) != 0) {
        take_next(self, process, reading, thread, &sched);
    }
    double span = (double)(reading->now_ns - process->threads_ns) * 1e-9;
    double ratio = process->threads_ns && span > 0 ? (thread->run_seconds - before) / span : 0;
    if (!thread->series && ratio >= SHOWN_RATIO && !self->config.without_threads &&
        show(self, process, reading, thread, fail) < 0)
        return fail->code;
    return thread->series ? push(thread, reading->now_ns, ratio, fail) : 0;
}

// Takes out the threads that were not there any more.
static int sweep(struct tacho_proc_source *self, struct tacho_process *process, int64_t now_ns,
                 struct tacho_fail *fail)
{
    size_t kept = 0;
    int code = 0;
    for (size_t i = 0; i < process->threads.count; i++) {
        struct tacho_thread *thread = &process->threads.items[i];
        if (thread->alive) {
            thread->alive = false;
            process->threads.items[kept++] = *thread;
            continue;
        }
        if (thread->series && code == 0) {
            code = tacho_series_flush(thread->series, fail);
            if (code == 0)
                code = describe(self, process, thread, NULL, now_ns, now_ns, fail);
        }
        free(thread->series);
    }
    process->threads.count = kept;
    return code;
}

int tacho_threads_read(struct tacho_proc_source *self, struct tacho_process *process,
                       int64_t now_ns, struct tacho_fail *fail)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)process->pid);
    DIR *folder = opendir(path);
    process->dirty_threads = false;
    process->touched = true;
    if (!folder)
        return 0;
    struct reading reading = {
        .is_first = process->threads_ns == 0, .folder = dirfd(folder), .now_ns = now_ns};
    if (reading
            .is_first) { // the sum over all threads takes the place of the first thread's figures
        process->value[TACHO_AT_cpu_wait_seconds] = 0;
        process->value[TACHO_AT_context_switches_voluntary] = 0;
        process->value[TACHO_AT_context_switches_involuntary] = 0;
    }
    int code = 0;
    for (struct dirent *entry; code == 0 && (entry = readdir(folder));) {
        const char *at = entry->d_name, *end = at + strlen(at);
        uint64_t tid;
        if (!tacho_proc_number(&at, end, &tid) || at != end)
            continue;
        reading.tid = (uint32_t)tid;
        code = read_one(self, process, &reading, fail);
    }
    closedir(folder);
    process->threads_ns = now_ns;
    return code < 0 ? code : sweep(self, process, now_ns, fail);
}

int tacho_threads_flush(struct tacho_process *process, struct tacho_fail *fail)
{
    for (size_t i = 0; i < process->threads.count; i++)
        if (process->threads.items[i].series &&
            tacho_series_flush(process->threads.items[i].series, fail) < 0)
            return fail->code;
    return 0;
}

void tacho_threads_free(struct tacho_process *process)
{
    for (size_t i = 0; i < process->threads.count; i++)
        free(process->threads.items[i].series);
    tacho_array_release(&process->threads);
}
