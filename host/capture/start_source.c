// The start of a command as a source: see start_source.h.
#include "start_source.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "proc_read.h"
#include "proc_series.h"
#include "proc_source.h"
#include "start_perf.h"

#define FIRST_LOOK_NS TACHO_NS_PER_MS
#define AGE_PART      16 // later looks come after this part of the program's age
#define PROCESSES_MAX 16 // of the tree, whose output is looked at

struct tacho_start {
    struct tacho_source source; // first
    struct tacho_launch *launch;
    const struct tacho_source *collectors;
    struct tacho_sink *sink;
    struct tacho_series_set series;
    struct tacho_start_perf perf;
    int64_t look_ns;                      // the last look at the written bytes
    int64_t output_ns, output_late_ns;    // seen; by how much it may be late. 0: not yet
    int io_error;                         // errno of a count that cannot be read
    bool has_exec, has_entry, has_output; // pushed
};

static struct tacho_start *self_of(struct tacho_source *source)
{
    return (struct tacho_start *)source; // its first member
}

static int64_t exec_ns(const struct tacho_start *self)
{
    return self->perf.exec_ns ? self->perf.exec_ns : self->launch->executed_ns;
}

// The loader's first instruction comes after exec, and after the time the child was held there.
static int64_t loading_ns(const struct tacho_start *self)
{
    int64_t resumed_ns = self->launch->resumed_ns;
    return resumed_ns && resumed_ns < self->perf.entry_ns ? resumed_ns : exec_ns(self);
}

static void executed(struct tacho_launch *launch, void *context)
{
    struct tacho_start *self = context;
    tacho_start_perf_executed(&self->perf, launch->pid);
    self->look_ns = launch->executed_ns;
    self->source.due_ns = launch->executed_ns + FIRST_LOOK_NS;
}

static int start(struct tacho_source *source, struct tacho_sink *sink, struct tacho_fail *fail)
{
    struct tacho_start *self = self_of(source);
    (void)fail;
    self->sink = sink;
    tacho_series_set_init(&self->series, sink, "run", false);
    tacho_start_perf_open(&self->perf, self->launch->pid);
    return 0;
}

static int push(struct tacho_start *self, enum tacho_metric_at metric, const char *name,
                int64_t time_ns, double seconds, struct tacho_fail *fail)
{
    struct tacho_record record = {.kind = TACHO_RECORD_EVENT, .time = time_ns};
    record.event = (struct tacho_event_info){.name = name, .value = seconds};
    if (tacho_series_push(&self->series, metric, time_ns, seconds, fail) < 0)
        return fail->code;
    return tacho_sink_put(self->sink, &record, fail);
}

static bool has_written(struct tacho_start *self, pid_t pid)
{
    char path[64], text[512];
    struct tacho_proc_io io;
    snprintf(path, sizeof path, "/proc/%d/io", (int)pid);
    ssize_t size = tacho_proc_read(path, text, sizeof text);
    if (size == -EACCES || size == -EPERM)
        self->io_error = (int)-size;
    return size > 0 && tacho_proc_io_parse(text, (size_t)size, &io) == 0 && io.write_calls > 0;
}

static void look_for_output(struct tacho_start *self, int64_t now_ns)
{
    pid_t pid;
    size_t next = 0;
    bool found = has_written(self, self->launch->pid);
    while (!found && self->collectors && next < PROCESSES_MAX &&
           tacho_proc_source_next(self->collectors, &next, &pid))
        found = has_written(self, pid);
    if (found) {
        self->output_ns = now_ns;
        self->output_late_ns = now_ns - self->look_ns;
    }
    self->look_ns = now_ns;
}

static int push_known(struct tacho_start *self, struct tacho_fail *fail)
{
    const struct tacho_launch *launch = self->launch;
    int64_t begin_ns = exec_ns(self);
    if (!self->has_exec && self->perf.exec_ns) {
        double seconds = (double)(launch->forked_ns - launch->fork_ns + self->perf.exec_ns -
                                  launch->release_ns) *
                         1e-9;
        self->has_exec = true;
        if (push(self, TACHO_AT_start_exec_seconds, "exec", begin_ns, seconds, fail) < 0)
            return fail->code;
    }
    if (!self->has_entry && self->perf.entry_ns) {
        self->has_entry = true;
        if (push(self, TACHO_AT_start_loading_seconds, "entry point", self->perf.entry_ns,
                 (double)(self->perf.entry_ns - loading_ns(self)) * 1e-9, fail) < 0)
            return fail->code;
    }
    if (self->has_output || !self->output_ns)
        return 0;
    self->has_output = true;
    double seconds = (double)(self->output_ns - begin_ns) * 1e-9;
    if (push(self, TACHO_AT_start_first_output_seconds, "first output", self->output_ns, seconds,
             fail) < 0)
        return fail->code;
    return tacho_sink_note(self->sink, TACHO_NOTE_INFO, "start", seconds, fail,
                           "the first output was seen %.1f ms after exec; it may have been up to "
                           "%.1f ms earlier",
                           seconds * 1e3, (double)self->output_late_ns * 1e-6);
}

static int poll_source(struct tacho_source *source, int64_t now_ns, struct tacho_fail *fail)
{
    struct tacho_start *self = self_of(source);
    if (!self->launch->executed_ns || self->source.due_ns == 0 || now_ns < self->source.due_ns)
        return 0;
    bool is_done = tacho_start_perf_take(&self->perf);
    if (!self->output_ns && !self->io_error)
        look_for_output(self, now_ns);
    int64_t wait_ns = (now_ns - self->launch->executed_ns) / AGE_PART;
    self->source.due_ns = now_ns + (wait_ns < FIRST_LOOK_NS ? FIRST_LOOK_NS : wait_ns);
    if (is_done && (self->output_ns || self->io_error))
        self->source.due_ns = 0; // nothing more to see
    return push_known(self, fail);
}

// What was not seen becomes n/a, with the reason.
static int push_unknown(struct tacho_start *self, struct tacho_fail *fail)
{
    int64_t begin_ns = exec_ns(self);
    if (!self->has_exec) { // seen by the end of a pipe that exec closes: an upper bound
        double seconds = (double)(self->launch->forked_ns - self->launch->fork_ns +
                                  self->launch->executed_ns - self->launch->release_ns) *
                         1e-9;
        if (push(self, TACHO_AT_start_exec_seconds, "exec", begin_ns, seconds, fail) < 0)
            return fail->code;
    }
    if (!self->has_entry) {
        const char *reason = self->perf.is_static ? "the program is linked statically"
                             : self->perf.error
                                 ? strerror(self->perf.error)
                                 : "the entry point was passed before it could be watched";
        if (tacho_series_push(&self->series, TACHO_AT_start_loading_seconds, begin_ns, NAN, fail) <
                0 ||
            tacho_sink_note(self->sink, TACHO_NOTE_NOT_AVAILABLE, "start", NAN, fail,
                            "the time of dynamic loading is n/a: %s%s", reason,
                            self->perf.error ? " (perf_event_open; see "
                                               "kernel.perf_event_paranoid)"
                                             : "") < 0)
            return fail->code;
    }
    if (self->has_output)
        return 0;
    if (tacho_series_push(&self->series, TACHO_AT_start_first_output_seconds, begin_ns, NAN, fail) <
        0)
        return fail->code;
    return tacho_sink_note(self->sink, TACHO_NOTE_NOT_AVAILABLE, "start", NAN, fail,
                           "the time of the first output is n/a: %s",
                           self->io_error ? "the program's /proc/PID/io may not be read"
                                          : "nothing was written");
}

static int stop(struct tacho_source *source, struct tacho_fail *fail)
{
    struct tacho_start *self = self_of(source);
    const struct tacho_launch *launch = self->launch;
    if (!launch->executed_ns)
        return 0;
    tacho_start_perf_take(&self->perf);
    // A program that ended between two looks: its count went to this process when it was waited
    // for. What is left of it until then belongs to root, and a look is refused to others.
    if (launch->exited) {
        self->io_error = 0;
        if (!self->output_ns && launch->usage.write_calls_bytes > 0) {
            self->output_ns = launch->exit_ns;
            self->output_late_ns = launch->exit_ns - self->look_ns;
        }
    }
    return push_known(self, fail) < 0 ? fail->code : push_unknown(self, fail);
}

static void close_source(struct tacho_source *source)
{
    struct tacho_start *self = self_of(source);
    self->launch->on_executed = NULL;
    tacho_start_perf_close(&self->perf);
    free(self);
}

static const struct tacho_source_ops ops = {
    .name = "start", .start = start, .poll = poll_source, .stop = stop, .close = close_source};

int tacho_start_source_open(struct tacho_launch *launch, const struct tacho_source *collectors,
                            struct tacho_source **source, struct tacho_fail *fail)
{
    struct tacho_start *self = calloc(1, sizeof *self);
    if (!self)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    self->source = (struct tacho_source){.ops = &ops, .fd = -1};
    self->launch = launch;
    self->collectors = collectors;
    self->perf.event_fd = self->perf.breakpoint_fd = -1;
    launch->on_executed = executed;
    launch->on_executed_context = self;
    *source = &self->source;
    return 0;
}
