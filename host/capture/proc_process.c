// One process: its cheap figures at every sample, the others as often as they may cost.
#include "proc_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"

// A process that has not run is read anyway after this time: its memory may have been swapped out.
#define REFRESH_NS           (2 * TACHO_NS_PER_S)
#define LIMITS_PERIOD_NS     (30 * TACHO_NS_PER_S)
#define SERIES_PROCESSES_MAX 512
#define ROLLUP_RSS_BYTES_MAX 8589934592.0 // 22 ms for each GiB of small pages

static void set(struct tacho_process *process, enum tacho_metric_at metric, double value)
{
    process->value[metric] = value;
}

// A counter: what an old process had before the observation is taken off.
static void count(struct tacho_process *process, enum tacho_metric_at metric, double raw)
{
    if (isnan(process->base[metric]))
        process->base[metric] = process->old ? raw : 0;
    process->value[metric] = raw - process->base[metric];
}

// Files that are read at every sample stay open, as far as there is room for open files.
static ssize_t read_kept(struct tacho_proc_source *self, const struct tacho_process *process,
                         const char *name, int *fd)
{
    if (*fd >= 0)
        return tacho_proc_reread(*fd, self->text, sizeof self->text);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)process->pid, name);
    if (self->fds_open >= self->fds_max)
        return tacho_proc_read(path, self->text, sizeof self->text);
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return -errno;
    self->fds_open++;
    return tacho_proc_reread(*fd, self->text, sizeof self->text);
}

static double per_hz(const struct tacho_proc_source *self, uint64_t ticks, uint64_t first)
{
    return (double)(ticks - first) / self->hz;
}

static void take_stat(struct tacho_proc_source *self, struct tacho_process *process)
{
    const struct tacho_proc_stat *stat = &process->stat, *first = &process->first;
    process->ppid = stat->ppid;
    count(process, TACHO_AT_cpu_user_seconds, (double)stat->user / self->hz);
    count(process, TACHO_AT_cpu_system_seconds, (double)stat->system / self->hz);
    count(process, TACHO_AT_page_faults_minor, (double)stat->faults_minor);
    count(process, TACHO_AT_page_faults_major, (double)stat->faults_major);
    if (self->io_wait_counted)
        count(process, TACHO_AT_io_wait_seconds, (double)stat->io_wait / self->hz);
    process->children_user = per_hz(self, stat->user_children, first->user_children);
    process->children_system = per_hz(self, stat->system_children, first->system_children);
    process->children_faults_minor =
        (double)(stat->faults_minor_children - first->faults_minor_children);
    process->children_faults_major =
        (double)(stat->faults_major_children - first->faults_major_children);
    // One that ends has no memory and no threads any more, which is no news about the program. It
    // loses its memory before it is a zombie.
    if (stat->state == 'Z' || stat->vms_bytes == 0)
        return;
    double rss_bytes = (double)stat->rss_pages * self->page_bytes;
    set(process, TACHO_AT_threads, (double)stat->threads);
    set(process, TACHO_AT_vms_bytes, (double)stat->vms_bytes);
    set(process, TACHO_AT_rss_bytes, rss_bytes);
    set(process, TACHO_AT_rss_peak_bytes, fmax(rss_bytes, process->value[TACHO_AT_rss_peak_bytes]));
    if (!self->host_swaps)
        set(process, TACHO_AT_swap_bytes, 0);
}

bool tacho_process_stat(struct tacho_proc_source *self, struct tacho_process *process)
{
    struct tacho_proc_stat stat;
    ssize_t size = read_kept(self, process, "stat", &process->stat_fd);
    if (size <= 0 || tacho_proc_stat_parse(self->text, (size_t)size, &stat) < 0 ||
        stat.start != process->start) {
        process->ended = true;
        return false;
    }
    bool renamed = strcmp(stat.comm, process->stat.comm) != 0;
    process->stat = stat;
    process->renamed = process->renamed || renamed;
    take_stat(self, process);
    return true;
}

static int read_io(struct tacho_proc_source *self, struct tacho_process *process,
                   struct tacho_fail *fail)
{
    struct tacho_proc_io io;
    if (process->io_refused)
        return 0;
    ssize_t size = read_kept(self, process, "io", &process->io_fd);
    if (size > 0 && tacho_proc_io_parse(self->text, (size_t)size, &io) == 0) {
        count(process, TACHO_AT_io_read_bytes, io.read);
        count(process, TACHO_AT_io_write_bytes, io.write);
        count(process, TACHO_AT_io_read_calls_bytes, io.read_calls);
        count(process, TACHO_AT_io_write_calls_bytes, io.write_calls);
        return 0;
    }
    if (size == -ESRCH)
        return 0;
    process->io_refused = true;
    return tacho_proc_say(self, TACHO_PROC_NOTE_IO, fail,
                          "I/O bytes of some processes are n/a: cannot read /proc/%d/io (%s); run "
                          "as their user or as root",
                          (int)process->pid, size < 0 ? strerror((int)-size) : "empty");
}

// What has run may have changed everything; of the others only memory can change under them.
static void mark_dirty(struct tacho_process *process, double rss_before_bytes)
{
    if (!process->active) {
        double rss_bytes = process->value[TACHO_AT_rss_bytes];
        process->dirty_rollup =
            process->dirty_rollup || rss_bytes < rss_before_bytes || rss_bytes > rss_before_bytes;
        return;
    }
    process->dirty_detail = process->dirty_rollup = true;
    process->dirty_threads = process->dirty_sockets = true;
}

int tacho_process_read(struct tacho_proc_source *self, struct tacho_process *process,
                       int64_t now_ns, struct tacho_fail *fail)
{
    int64_t clock_ns = tacho_proc_cpu_clock_ns(process->pid);
    double span = (double)(now_ns - process->time_ns) * 1e-9;
    double rss_before_bytes = process->value[TACHO_AT_rss_bytes];
    bool is_first = process->is_new;
    process->was_active = process->active;
    process->active = is_first || clock_ns < 0 || clock_ns != process->clock_ns;
    process->clock_ns = clock_ns;
    process->time_ns = now_ns;
    if (!process->active && now_ns - process->read_ns < REFRESH_NS) {
        process->value[TACHO_AT_cpu_ratio_core] = process->value[TACHO_AT_cpu_ratio_machine] = 0;
        return 0;
    }
    process->read_ns = now_ns;
    process->is_new = false;
    if (!tacho_process_stat(self, process) || read_io(self, process, fail) < 0)
        return process->ended ? 0 : fail->code;
    if (process->given && !process->over && process->stat.state == 'Z' &&
        process->stat.threads <= 1) {
        process->over = true;
        self->given_alive--;
    }
    double raw = clock_ns >= 0 ? (double)clock_ns * 1e-9
                               : (double)(process->stat.user + process->stat.system) / self->hz;
    count(process, TACHO_AT_cpu_seconds, raw);
    if (!is_first && span > 0) {
        double used = fmax(process->value[TACHO_AT_cpu_seconds] - process->cpu_seconds, 0);
        process->value[TACHO_AT_cpu_ratio_core] = used / span;
        process->value[TACHO_AT_cpu_ratio_machine] = used / span / self->cores;
    }
    process->cpu_seconds = process->value[TACHO_AT_cpu_seconds];
    mark_dirty(process, rss_before_bytes);
    return 0;
}

// How many files a process has open: the size of its folder fd, where the kernel says it (6.2),
// also of other users' processes; else counted.
static double open_files(int folder)
{
    struct stat status;
    if (fstatat(folder, "fd", &status, 0) == 0 && status.st_size > 0)
        return (double)status.st_size;
    int fd = openat(folder, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    double number = 0;
    if (!list) {
        if (fd >= 0)
            close(fd);
        return NAN;
    }
    for (struct dirent *entry; (entry = readdir(list));)
        number += entry->d_name[0] != '.';
    closedir(list);
    return number;
}

static void read_limits(struct tacho_proc_source *self, struct tacho_process *process, int folder)
{
    uint64_t soft, hard;
    ssize_t size = tacho_proc_read_at(folder, "limits", self->text, sizeof self->text);
    if (size <= 0 || tacho_proc_limits_parse(self->text, (size_t)size, &soft, &hard) < 0)
        return;
    if (soft != UINT64_MAX)
        set(process, TACHO_AT_open_files_limit, (double)soft);
    if (hard != UINT64_MAX)
        set(process, TACHO_AT_open_files_limit_hard, (double)hard);
}

// Of a process with one thread; with more, proc_thread.c adds up what each has.
static void read_only_thread(struct tacho_proc_source *self, struct tacho_process *process,
                             const struct tacho_proc_status *status, int folder)
{
    struct tacho_proc_schedstat sched;
    count(process, TACHO_AT_context_switches_voluntary, (double)status->switches_voluntary);
    count(process, TACHO_AT_context_switches_involuntary, (double)status->switches_involuntary);
    ssize_t size = tacho_proc_read_at(folder, "schedstat", self->text, sizeof self->text);
    if (size > 0 && tacho_proc_schedstat_parse(self->text, (size_t)size, &sched) == 0)
        count(process, TACHO_AT_cpu_wait_seconds, (double)sched.wait_ns * 1e-9);
}

int tacho_process_detail(struct tacho_proc_source *self, struct tacho_process *process,
                         int64_t now_ns, struct tacho_fail *fail)
{
    struct tacho_proc_status status;
    char path[64];
    (void)fail;
    process->detail_ns = now_ns;
    process->touched = true;
    process->dirty_detail = false;
    snprintf(path, sizeof path, "/proc/%d", (int)process->pid);
    int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return 0; // gone
    ssize_t size = tacho_proc_read_at(folder, "status", self->text, sizeof self->text);
    if (size > 0 && tacho_proc_status_parse(self->text, (size_t)size, &status) == 0) {
        if (status.rss_peak_bytes)
            set(process, TACHO_AT_rss_peak_bytes,
                fmax(process->value[TACHO_AT_rss_peak_bytes], (double)status.rss_peak_bytes));
        if (self->host_swaps)
            set(process, TACHO_AT_swap_bytes, (double)status.swap_bytes);
        if (process->stat.threads <= 1 && process->threads.count == 0)
            read_only_thread(self, process, &status, folder);
    }
    if (process->limits_ns == 0 || now_ns - process->limits_ns >= LIMITS_PERIOD_NS) {
        process->limits_ns = now_ns;
        read_limits(self, process, folder);
    }
    if (process->stat.state != 'Z')
        set(process, TACHO_AT_open_files, open_files(folder));
    close(folder);
    return 0;
}

int tacho_process_rollup(struct tacho_proc_source *self, struct tacho_process *process,
                         int64_t now_ns, struct tacho_fail *fail)
{
    struct tacho_proc_rollup rollup;
    char path[64];
    process->rollup_ns = now_ns;
    process->touched = true;
    process->dirty_rollup = false;
    if (process->rollup_refused || process->stat.state == 'Z')
        return 0;
    if (process->value[TACHO_AT_rss_bytes] > ROLLUP_RSS_BYTES_MAX) {
        process->rollup_refused = true;
        return tacho_proc_say(self, TACHO_PROC_NOTE_ROLLUP, fail,
                              "PSS of some processes is n/a: process %d has more than 8 GiB "
                              "resident, and the kernel would walk through all of it",
                              (int)process->pid);
    }
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)process->pid);
    ssize_t size = tacho_proc_read(path, self->text, sizeof self->text);
    if (size > 0 && tacho_proc_rollup_parse(self->text, (size_t)size, &rollup) == 0) {
        set(process, TACHO_AT_pss_bytes, (double)rollup.pss_bytes);
        return 0;
    }
    if (size == -ESRCH || size == -ENOENT || size == 0)
        return 0;
    process->rollup_refused = true;
    return tacho_proc_say(self, TACHO_PROC_NOTE_ROLLUP, fail,
                          "PSS of some processes is n/a: cannot read %s (%s); run as their user "
                          "or as root",
                          path, size < 0 ? strerror((int)-size) : "not understood");
}

static int64_t start_host_ns(const struct tacho_proc_source *self,
                             const struct tacho_process *process)
{
    const struct tacho_launch *launch = self->config.launch;
    if (launch && launch->pid == process->pid)
        return launch->executed_ns ? launch->executed_ns : launch->fork_ns;
    return (int64_t)((double)process->start / self->hz * 1e9) - self->boot_offset_ns;
}

int tacho_process_describe(struct tacho_proc_source *self, struct tacho_process *process,
                           int64_t end_ns, struct tacho_fail *fail)
{
    const struct tacho_launch *launch = self->config.launch;
    char path[64], command[4096];
    struct tacho_record record = {.kind = TACHO_RECORD_THREAD, .time = process->time_ns};
    ssize_t size = 0;
    if (!process->record)
        process->record = tacho_record_id_new();
    record.thread = (struct tacho_thread_info){
        .id = process->record,
        .pid = (uint32_t)process->pid,
        .tid = (uint32_t)process->pid,
        .parent_pid = (uint32_t)process->ppid,
        .name = process->stat.comm,
        .start_ns = start_host_ns(self, process),
        .end_ns = end_ns,
    };
    if (!end_ns) {
        snprintf(path, sizeof path, "/proc/%d/cmdline", (int)process->pid);
        size = tacho_proc_read(path, command, sizeof command);
    }
    for (ssize_t i = 0; i + 1 < size; i++)
        if ((unsigned char)command[i] < 0x20)
            command[i] = ' ';
    if (size > 0)
        record.thread.command = command;
    if (end_ns && launch && launch->exited && launch->pid == process->pid) {
        record.thread.end_ns = launch->exit_ns;
        record.thread.has_exit = true;
        record.thread.exit_status = launch->exit_status;
    }
    process->renamed = false;
    return tacho_sink_put(self->sink, &record, fail);
}

static int show(struct tacho_proc_source *self, struct tacho_process *process,
                struct tacho_fail *fail)
{
    char subject[TACHO_SERIES_SUBJECT_MAX];
    if (self->process_series >= SERIES_PROCESSES_MAX)
        return tacho_proc_say(self, TACHO_PROC_NOTE_MANY_PROCESSES, fail,
                              "more than %d processes: the others are in the totals but have no "
                              "series of their own",
                              SERIES_PROCESSES_MAX);
    process->series = malloc(sizeof *process->series);
    if (!process->series)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    self->process_series++;
    snprintf(subject, sizeof subject, "process %d %s", (int)process->pid, process->stat.comm);
    tacho_series_set_init(process->series, self->sink, subject, true);
    return 0;
}

// True for what will never be known of this process, which is then said by one NaN.
static bool is_refused(const struct tacho_process *process, enum tacho_metric_at metric)
{
    switch (metric) {
    case TACHO_AT_io_read_bytes:
    case TACHO_AT_io_write_bytes:
    case TACHO_AT_io_read_calls_bytes:
    case TACHO_AT_io_write_calls_bytes:
        return process->io_refused;
    case TACHO_AT_pss_bytes:
        return process->rollup_refused;
    case TACHO_AT_sockets_established:
    case TACHO_AT_sockets_listen:
    case TACHO_AT_sockets_close_wait:
    case TACHO_AT_sockets_other:
    case TACHO_AT_sockets_udp:
    case TACHO_AT_sockets_unix:
        return process->fd_refused;
    default:
        return false;
    }
}

static const enum tacho_metric_at shown[] = {
    TACHO_AT_cpu_ratio_core,
    TACHO_AT_cpu_ratio_machine,
    TACHO_AT_cpu_seconds,
    TACHO_AT_cpu_user_seconds,
    TACHO_AT_cpu_system_seconds,
    TACHO_AT_cpu_wait_seconds,
    TACHO_AT_rss_bytes,
    TACHO_AT_rss_peak_bytes,
    TACHO_AT_pss_bytes,
    TACHO_AT_swap_bytes,
    TACHO_AT_vms_bytes,
    TACHO_AT_page_faults_minor,
    TACHO_AT_page_faults_major,
    TACHO_AT_context_switches_voluntary,
    TACHO_AT_context_switches_involuntary,
    TACHO_AT_io_read_bytes,
    TACHO_AT_io_write_bytes,
    TACHO_AT_io_read_calls_bytes,
    TACHO_AT_io_write_calls_bytes,
    TACHO_AT_io_wait_seconds,
    TACHO_AT_threads,
    TACHO_AT_open_files,
    TACHO_AT_open_files_limit,
    TACHO_AT_open_files_limit_hard,
    TACHO_AT_sockets_established,
    TACHO_AT_sockets_listen,
    TACHO_AT_sockets_close_wait,
    TACHO_AT_sockets_other,
    TACHO_AT_sockets_udp,
    TACHO_AT_sockets_unix,
};

int tacho_process_push(struct tacho_proc_source *self, struct tacho_process *process,
                       int64_t now_ns, struct tacho_fail *fail)
{
    process->samples += process->samples < 2;
    // Until it has executed its own program a process has its parent's name: it is shown at its
    // second sample, the launched command as soon as it has executed.
    bool ready = process->given ? !self->config.launch || self->config.launch->executed_ns
                                : process->samples > 1;
    if (!ready || process->ended)
        return 0;
    if ((!process->record || process->renamed) &&
        tacho_process_describe(self, process, 0, fail) < 0)
        return fail->code;
    bool is_new = !process->series;
    if (is_new && show(self, process, fail) < 0)
        return fail->code;
    if (!process->series)
        return 0;
    bool idle = !is_new && !process->active && !process->was_active && !process->touched;
    if (idle) {
        process->held_ns = now_ns;
        return 0;
    }
    process->touched = false;
    if (process->held_ns)
        tacho_series_hold(process->series, process->held_ns);
    process->held_ns = 0;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        double value = process->value[shown[i]];
        if (isnan(value) && !is_refused(process, shown[i]))
            continue; // not read yet
        if (tacho_series_push(process->series, shown[i], now_ns, value, fail) < 0)
            return fail->code;
    }
    return 0;
}

int tacho_process_flush(struct tacho_process *process, struct tacho_fail *fail)
{
    if (process->series) {
        if (process->held_ns)
            tacho_series_hold(process->series, process->held_ns);
        if (tacho_series_flush(process->series, fail) < 0)
            return fail->code;
    }
    return tacho_threads_flush(process, fail);
}

void tacho_process_free(struct tacho_proc_source *self, struct tacho_process *process)
{
    const uint64_t *known = tacho_map_get(&self->by_pid, (uint64_t)process->pid);
    if (known && *known == (uint64_t)(uintptr_t)process)
        tacho_map_remove(&self->by_pid, (uint64_t)process->pid);
    if (process->stat_fd >= 0)
        close(process->stat_fd);
    if (process->io_fd >= 0)
        close(process->io_fd);
    if (process->children_fd >= 0)
        close(process->children_fd);
    self->fds_open -= (size_t)(process->stat_fd >= 0) + (size_t)(process->io_fd >= 0) +
                      (size_t)(process->children_fd >= 0);
    tacho_threads_free(process);
    tacho_socket_holder_release(&process->sockets);
    free(process->series);
    free(process);
}
