// The collectors as a source: when each is read, and what they cost.
//
// Each sample reads what is cheap of every process. The expensive readings go round robin, a
// process at a time, each kind from its own allowance of time (adaptive.h), so that a thousand
// processes or a process with a huge address space make them rarer and not dearer.
#include "proc_state.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

#define DETAIL_SHARE  0.001  // of wall time: status, limits, open files
#define ROLLUP_SHARE  0.0005 // PSS
#define THREADS_SHARE 0.001
#define SOCKETS_SHARE 0.0005
#define SCAN_SHARE    0.0005

#define SLOW_PERIOD_NS         TACHO_NS_PER_S // at most this often per process, when it is allowed
#define FIRST_NS               (5 * TACHO_NS_PER_MS)  // of each allowance at the start
#define LAST_NS                (20 * TACHO_NS_PER_MS) // of some at the end
#define EARLY_PERIOD_NS        (5 * TACHO_NS_PER_MS)  // the first samples of a command
#define EARLY_PART             4                      // later ones after a quarter of its age
#define OPEN_FILES_MAX         65536
#define SURROUNDINGS_PERIOD_NS (200 * TACHO_NS_PER_MS)

static struct tacho_proc_source *self_of(struct tacho_source *source)
{
    return (struct tacho_proc_source *)source; // its first member
}

int tacho_proc_say(struct tacho_proc_source *self, enum tacho_proc_note note,
                   struct tacho_fail *fail, const char *format, ...)
{
    char text[512];
    va_list arguments;
    if (self->said & 1u << note)
        return 0;
    self->said |= 1u << note;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return tacho_sink_note(self->sink, TACHO_NOTE_NOT_AVAILABLE, "collector", NAN, fail, "%s",
                           text);
}

static int64_t own_thread_cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * TACHO_NS_PER_S + time.tv_nsec;
}

// A file per process stays open: as many as the hard limit permits. A launched command gets the
// limits back that this process was started with (launch.h).
static void make_room_for_files(struct tacho_proc_source *self)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    rlim_t wanted = limit.rlim_max < OPEN_FILES_MAX ? limit.rlim_max : OPEN_FILES_MAX;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    self->fds_max = (size_t)limit.rlim_cur / 2;
}

static bool host_has_swap(void)
{
    char text[4096];
    uint64_t kib;
    ssize_t size = tacho_proc_read("/proc/meminfo", text, sizeof text);
    return size <= 0 || !tacho_proc_field(text, (size_t)size, "SwapTotal:", &kib, NULL) || kib > 0;
}

static bool host_counts_io_wait(void)
{
    char text[16];
    ssize_t size = tacho_proc_read("/proc/sys/kernel/task_delayacct", text, sizeof text);
    // Kernels before 5.14 have no such switch; they count when started with delayacct, which most
    // of their distributions did not forbid.
    return size == -ENOENT || (size > 0 && text[0] == '1');
}

static int start_notes(struct tacho_proc_source *self, struct tacho_fail *fail)
{
    if (self->io_wait_counted || (!self->config.launch && self->config.pid_count == 0))
        return 0;
    return tacho_proc_say(self, TACHO_PROC_NOTE_IO_WAIT, fail,
                          "time waiting for block I/O is n/a: the kernel does not count it "
                          "(sysctl kernel.task_delayacct=1 switches it on)");
}

static int start(struct tacho_source *source, struct tacho_sink *sink, struct tacho_fail *fail)
{
    struct tacho_proc_source *self = self_of(source);
    int64_t begin_ns = own_thread_cpu_ns();
    struct timespec boot;
    self->sink = sink;
    self->start_ns = tacho_time_monotonic_ns();
    clock_gettime(CLOCK_BOOTTIME, &boot);
    self->boot_offset_ns = (int64_t)boot.tv_sec * TACHO_NS_PER_S + boot.tv_nsec - self->start_ns;
    make_room_for_files(self);
    tacho_series_set_init(&self->run_series, sink, "run", false);
    tacho_allowance_init(&self->detail, DETAIL_SHARE, FIRST_NS);
    tacho_allowance_init(&self->rollup, ROLLUP_SHARE, FIRST_NS);
    tacho_allowance_init(&self->threads, THREADS_SHARE, FIRST_NS);
    tacho_allowance_init(&self->sockets, SOCKETS_SHARE, FIRST_NS);
    tacho_allowance_init(&self->scan, SCAN_SHARE, FIRST_NS);
    if (start_notes(self, fail) < 0 || tacho_tree_start(self, fail) < 0)
        return fail->code;
    if (!self->config.without_host && tacho_host_open(&self->host, sink, fail) < 0)
        return fail->code;
    if (self->processes.count)
        tacho_cgroup_open(&self->cgroup, self->processes.items[0]->pid);
    self->has_run = self->processes.count > 0;
    self->source.due_ns = self->start_ns;
    self->spent_ns += own_thread_cpu_ns() - begin_ns;
    return 0;
}

// One kind of expensive reading: which processes are due, and how to read one.
struct slow_kind {
    struct tacho_allowance *allowance;
    size_t *at;
    bool (*is_due)(const struct tacho_proc_source *self, const struct tacho_process *process,
                   int64_t now_ns);
    int (*read)(struct tacho_proc_source *self, struct tacho_process *process, int64_t now_ns,
                struct tacho_fail *fail);
};

static bool detail_is_due(const struct tacho_proc_source *self, const struct tacho_process *process,
                          int64_t now_ns)
{
    return process->dirty_detail &&
           (self->is_last || now_ns - process->detail_ns >= SLOW_PERIOD_NS);
}

static bool rollup_is_due(const struct tacho_proc_source *self, const struct tacho_process *process,
                          int64_t now_ns)
{
    (void)self;
    return process->dirty_rollup && now_ns - process->rollup_ns >= SLOW_PERIOD_NS;
}

static bool threads_are_due(const struct tacho_proc_source *self,
                            const struct tacho_process *process, int64_t now_ns)
{
    return process->dirty_threads &&
           (self->is_last || now_ns - process->threads_ns >= self->config.period_ns) &&
           (process->stat.threads > 1 || process->threads.count > 0);
}

static int read_slow(struct tacho_proc_source *self, const struct slow_kind *kind, int64_t now_ns,
                     struct tacho_fail *fail)
{
    size_t count = self->processes.count;
    if (!tacho_allowance_ready(kind->allowance, now_ns))
        return 0;
    for (size_t i = 0; i < count && kind->allowance->balance_ns > 0; i++) {
        struct tacho_process *process = self->processes.items[*kind->at % count];
        *kind->at = (*kind->at + 1) % count;
        if (process->ended || !kind->is_due(self, process, now_ns))
            continue;
        int64_t begin_ns = own_thread_cpu_ns();
        if (kind->read(self, process, now_ns, fail) < 0)
            return fail->code;
        tacho_allowance_spend(kind->allowance, own_thread_cpu_ns() - begin_ns);
    }
    return 0;
}

static void sockets_set(struct tacho_proc_source *self, struct tacho_process *process,
                        struct tacho_map *seen, double run[TACHO_SOCKET_CLASS_COUNT])
{
    static const enum tacho_metric_at metrics[TACHO_SOCKET_CLASS_COUNT] = {
        TACHO_AT_sockets_established, TACHO_AT_sockets_listen, TACHO_AT_sockets_close_wait,
        TACHO_AT_sockets_other,       TACHO_AT_sockets_udp,    TACHO_AT_sockets_unix,
    };
    double counts[TACHO_SOCKET_CLASS_COUNT] = {0};
    tacho_socket_table_count(&self->socket_table, &process->sockets, NULL, counts);
    tacho_socket_table_count(&self->socket_table, &process->sockets, seen, run);
    for (int i = 0; i < TACHO_SOCKET_CLASS_COUNT; i++) {
        process->touched = process->touched || !(process->value[metrics[i]] >= counts[i] &&
                                                 process->value[metrics[i]] <= counts[i]);
        process->value[metrics[i]] = counts[i];
        self->run[metrics[i]] = run[i];
    }
}

static int read_holder(struct tacho_proc_source *self, struct tacho_process *process,
                       struct tacho_fail *fail)
{
    int count = tacho_socket_holder_read(&process->sockets, process->pid);
    process->dirty_sockets = false;
    if (count != -EACCES && count != -EPERM)
        return 0;
    process->fd_refused = true;
    return tacho_proc_say(self, TACHO_PROC_NOTE_FD, fail,
                          "sockets of some processes are n/a: cannot read /proc/%d/fd (%s); run "
                          "as their user or as root",
                          (int)process->pid, strerror(-count));
}

// Sockets of all processes at once, because the kernel's table is read as a whole: which sockets a
// process holds only of those that have run since.
static int read_sockets(struct tacho_proc_source *self, int64_t now_ns, struct tacho_fail *fail)
{
    if (now_ns - self->sockets_ns < SLOW_PERIOD_NS || self->processes.count == 0 ||
        !tacho_allowance_ready(&self->sockets, now_ns))
        return 0;
    int64_t begin_ns = own_thread_cpu_ns();
    double run[TACHO_SOCKET_CLASS_COUNT] = {0};
    struct tacho_map seen = {0};
    self->sockets_ns = now_ns;
    tacho_socket_table_clear(&self->socket_table);
    for (size_t i = 0; i < self->processes.count; i++) {
        struct tacho_process *process = self->processes.items[i];
        if (process->fd_refused)
            continue;
        if (process->dirty_sockets && read_holder(self, process, fail) < 0)
            return fail->code;
        if (process->sockets.inodes.count)
            tacho_socket_table_add(&self->socket_table, process->pid,
                                   process->sockets.net_namespace);
    }
    for (size_t i = 0; i < self->processes.count; i++)
        if (!self->processes.items[i]->fd_refused)
            sockets_set(self, self->processes.items[i], &seen, run);
    self->run[TACHO_AT_sockets_time_wait] = self->socket_table.time_wait;
    tacho_map_release(&seen);
    tacho_allowance_spend(&self->sockets, own_thread_cpu_ns() - begin_ns);
    return 0;
}

static int read_slow_kinds(struct tacho_proc_source *self, int64_t now_ns, struct tacho_fail *fail)
{
    const struct slow_kind kinds[] = {
        {&self->detail, &self->detail_at, detail_is_due, tacho_process_detail},
        {&self->threads, &self->threads_at, threads_are_due, tacho_threads_read},
        {&self->rollup, &self->rollup_at, rollup_is_due, tacho_process_rollup},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (self->processes.count && read_slow(self, &kinds[i], now_ns, fail) < 0)
            return fail->code;
    return read_sockets(self, now_ns, fail);
}

// The control group and the host, whose counters are too coarse to be looked at more often.
static int read_surroundings(struct tacho_proc_source *self, int64_t now_ns,
                             struct tacho_fail *fail)
{
    if (self->surroundings_ns && now_ns - self->surroundings_ns < SURROUNDINGS_PERIOD_NS)
        return 0;
    self->surroundings_ns = now_ns;
    if (self->has_run && tacho_cgroup_read(&self->cgroup, &self->run_series, now_ns, fail) < 0)
        return fail->code;
    return self->host.is_open ? tacho_host_read(&self->host, now_ns, fail) : 0;
}

static int sample(struct tacho_proc_source *self, int64_t now_ns, struct tacho_fail *fail)
{
    self->samples++;
    size_t known = self->processes.count;
    for (size_t i = 0; i < known; i++)
        if (tacho_process_read(self, self->processes.items[i], now_ns, fail) < 0)
            return fail->code;
    if (tacho_tree_look(self, now_ns, fail) < 0)
        return fail->code;
    for (size_t i = known; i < self->processes.count; i++)
        if (tacho_process_read(self, self->processes.items[i], now_ns, fail) < 0)
            return fail->code;
    if (tacho_tree_end(self, now_ns, fail) < 0 || read_slow_kinds(self, now_ns, fail) < 0)
        return fail->code;
    for (size_t i = 0; i < self->processes.count; i++)
        if (tacho_process_push(self, self->processes.items[i], now_ns, fail) < 0)
            return fail->code;
    if (self->has_run && tacho_totals_push(self, now_ns, fail) < 0)
        return fail->code;
    return read_surroundings(self, now_ns, fail);
}

// In the first moments of a command samples are closer together.
static int64_t next_period_ns(struct tacho_proc_source *self, int64_t now_ns)
{
    int64_t period_ns = self->config.period_ns;
    const struct tacho_launch *launch = self->config.launch;
    if (self->config.adaptive && self->host.is_open)
        period_ns = tacho_adaptive_period_ns(&self->adaptive, self->host.cpu_ratio,
                                             self->host.temperature_celsius);
    if (!launch)
        return period_ns;
    int64_t early_ns = (now_ns - launch->executed_ns) / EARLY_PART;
    if (early_ns < EARLY_PERIOD_NS)
        early_ns = EARLY_PERIOD_NS;
    return early_ns < period_ns ? early_ns : period_ns;
}

// A pidfd that has become readable stays so: it is taken out of the set.
static bool take_ends(struct tacho_proc_source *self)
{
    struct epoll_event events[16];
    bool any = false;
    int count;
    while (self->source.fd >= 0 && (count = epoll_wait(self->source.fd, events, 16, 0)) > 0) {
        for (int i = 0; i < count; i++)
            epoll_ctl(self->source.fd, EPOLL_CTL_DEL, events[i].data.fd, NULL);
        any = true;
    }
    return any;
}

static int poll_source(struct tacho_source *source, int64_t now_ns, struct tacho_fail *fail)
{
    struct tacho_proc_source *self = self_of(source);
    bool has_end = take_ends(self);
    if (now_ns < self->source.due_ns && !has_end)
        return 0;
    if (now_ns <= self->tick_ns)
        return 0;
    if (self->config.launch && !self->config.launch->executed_ns) {
        self->source.due_ns = now_ns + EARLY_PERIOD_NS; // until exec it is a copy of this process
        return 0;
    }
    int64_t begin_ns = own_thread_cpu_ns();
    self->tick_ns = now_ns;
    int code = sample(self, now_ns, fail);
    self->source.due_ns += next_period_ns(self, now_ns);
    if (self->source.due_ns <= now_ns) // late: go on from here, do not catch up
        self->source.due_ns = now_ns + next_period_ns(self, now_ns);
    self->spent_ns += own_thread_cpu_ns() - begin_ns;
    return code;
}

static int stop_notes(struct tacho_proc_source *self, struct tacho_fail *fail)
{
    size_t left = self->config.launch ? self->processes.count : 0;
    if (left && tacho_sink_note(self->sink, TACHO_NOTE_WARNING, "collector", (double)left, fail,
                                "%zu process%s that the command started %s still running; the "
                                "totals have what they used so far",
                                left, left == 1 ? "" : "es", left == 1 ? "is" : "are") < 0)
        return fail->code;
    if (self->adaptive.changes &&
        tacho_sink_note(self->sink, TACHO_NOTE_INFO, "collector", (double)self->adaptive.changes,
                        fail, "the sampling period followed the load; changes: %u",
                        self->adaptive.changes) < 0)
        return fail->code;
    double seconds = (double)self->spent_ns * 1e-9;
    double wall = (double)(tacho_time_monotonic_ns() - self->start_ns) * 1e-9;
    return tacho_sink_note(self->sink, TACHO_NOTE_OVERHEAD, "collector", seconds, fail,
                           "reading /proc took %.3f ms of CPU time in %llu samples of %llu "
                           "processes, %.2f %% of one core",
                           seconds * 1e3, (unsigned long long)self->samples,
                           (unsigned long long)self->processes_seen, seconds / wall * 100);
}

static int stop(struct tacho_source *source, struct tacho_fail *fail)
{
    struct tacho_proc_source *self = self_of(source);
    const struct tacho_launch *launch = self->config.launch;
    struct tacho_series_set own;
    int64_t begin_ns = own_thread_cpu_ns(), now_ns = tacho_time_monotonic_ns();
    self->tick_ns = now_ns;
    // Counters that are read rarely are to be as new as the others at the end.
    self->is_last = true;
    self->detail.balance_ns = self->threads.balance_ns = LAST_NS;
    self->surroundings_ns = 0;
    if (sample(self, now_ns, fail) < 0)
        return fail->code;
    if (launch && launch->exited &&
        tacho_series_push(&self->run_series, TACHO_AT_wall_seconds, now_ns,
                          (double)(launch->exit_ns - launch->release_ns) * 1e-9, fail) < 0)
        return fail->code;
    for (size_t i = 0; i < self->processes.count; i++)
        if (tacho_process_flush(self->processes.items[i], fail) < 0)
            return fail->code;
    self->spent_ns += own_thread_cpu_ns() - begin_ns;
    tacho_series_set_init(&own, self->sink, "collector", false);
    if (tacho_series_push(&own, TACHO_AT_tacho_cpu_seconds, now_ns, (double)self->spent_ns * 1e-9,
                          fail) < 0)
        return fail->code;
    return stop_notes(self, fail);
}

static void close_source(struct tacho_source *source)
{
    struct tacho_proc_source *self = self_of(source);
    tacho_tree_close(self);
    tacho_host_close(&self->host);
    if (self->has_run)
        tacho_cgroup_close(&self->cgroup);
    tacho_socket_table_release(&self->socket_table);
    free((void *)(uintptr_t)self->config.pids);
    free(self);
}

static const struct tacho_source_ops ops = {
    .name = "collector", .start = start, .poll = poll_source, .stop = stop, .close = close_source};

int tacho_proc_source_open(const struct tacho_proc_config *config, struct tacho_source **source,
                           struct tacho_fail *fail)
{
    if (access("/proc/self/stat", R_OK) < 0)
        return tacho_fail_errno(fail, "cannot observe processes: /proc is not mounted here");
    for (size_t i = 0; i < config->pid_count; i++)
        if (tacho_pid_check(config->pids[i], fail) < 0)
            return fail->code;
    struct tacho_proc_source *self = calloc(1, sizeof *self);
    pid_t *pids = calloc(config->pid_count + 1, sizeof *pids);
    if (!self || !pids) {
        free(self);
        free(pids);
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    }
    if (config->pid_count)
        memcpy(pids, config->pids, config->pid_count * sizeof *pids);
    self->config = *config;
    self->config.pids = pids;
    if (self->config.period_ns == 0)
        self->config.period_ns = TACHO_PROC_PERIOD_NS_DEFAULT;
    if (self->config.period_ns < TACHO_PROC_PERIOD_NS_MIN)
        self->config.period_ns = TACHO_PROC_PERIOD_NS_MIN;
    self->source.ops = &ops;
    self->source.fd = self->loadavg_fd = self->own_children_fd = -1;
    self->hz = (double)sysconf(_SC_CLK_TCK);
    self->page_bytes = (double)sysconf(_SC_PAGESIZE);
    self->cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
    self->io_wait_counted = host_counts_io_wait();
    self->host_swaps = host_has_swap();
    for (int i = 0; i < TACHO_AT_COUNT; i++)
        self->run[i] = NAN;
    tacho_adaptive_init(&self->adaptive, self->config.period_ns);
    *source = &self->source;
    return 0;
}

bool tacho_proc_source_ended(const struct tacho_source *source)
{
    const struct tacho_proc_source *self = (const struct tacho_proc_source *)source;
    if (self->config.launch)
        return self->config.launch->exited && self->processes.count == 0;
    return self->config.pid_count > 0 && self->given_alive == 0;
}

bool tacho_proc_source_next(const struct tacho_source *source, size_t *next, pid_t *pid)
{
    const struct tacho_proc_source *self = (const struct tacho_proc_source *)source;
    if (*next >= self->processes.count)
        return false;
    *pid = self->processes.items[(*next)++]->pid;
    return true;
}
