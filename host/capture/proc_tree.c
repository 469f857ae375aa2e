// Which processes are observed: the given ones and everything they start.
//
// /proc/loadavg names the pid that was handed out last: while that stays the same nothing was
// started, and a look costs one read, however many processes there are. Else the list of children
// of each process that has run since is read. Where one of these has several threads, each of which
// has such a list, or where the kernel keeps none, the numbers themselves are tried: pids are
// handed out in sequence, so what is new is a range. Most of it are threads or gone again; the CPU
// clock of a number tells both with one system call, and only real processes are asked for their
// parent. The list of /proc is read at the start, and now and then for what a look may have missed.
#include "proc_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/time.h"

#define FIRST_PID       300   // where the kernel goes on after the largest pid
#define PROBES_MAX      20000 // a longer range is slower than listing /proc
#define LOOK_AGAIN      32    // pids that may be on their way at once
#define SCAN_PERIOD_NS  (10 * TACHO_NS_PER_S)
#define PID_MAX_DEFAULT 32768

static struct tacho_process *find(const struct tacho_proc_source *self, pid_t pid)
{
    const uint64_t *place = tacho_map_get(&self->by_pid, (uint64_t)pid);
    return place ? (struct tacho_process *)(uintptr_t)*place : NULL;
}

static struct tacho_process *add(struct tacho_proc_source *self, pid_t pid,
                                 const struct tacho_proc_stat *stat)
{
    struct tacho_process *process = calloc(1, sizeof *process);
    if (!process)
        return NULL;
    process->pid = pid;
    process->ppid = stat->ppid;
    process->start = stat->start;
    process->stat = *stat;
    process->is_new = true;
    process->stat_fd = process->io_fd = process->children_fd = -1;
    double start_seconds = (double)(self->start_ns + self->boot_offset_ns) * 1e-9;
    process->old = !self->config.launch && (double)stat->start / self->hz < start_seconds;
    if (process->old)
        process->first = *stat;
    process->faults_before = stat->faults_minor_children;
    for (int i = 0; i < TACHO_AT_COUNT; i++)
        process->value[i] = process->base[i] = NAN;
    tacho_array_push(&self->processes, process);
    *tacho_map_put(&self->by_pid, (uint64_t)pid, NULL) = (uint64_t)(uintptr_t)process;
    self->processes_seen++;
    return process;
}

static bool read_stat(struct tacho_proc_source *self, pid_t pid, struct tacho_proc_stat *stat)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    ssize_t size = tacho_proc_read(path, self->text, sizeof self->text);
    return size > 0 && tacho_proc_stat_parse(self->text, (size_t)size, stat) == 0;
}

// Orphans of a launched command come to this process, which is their reaper.
static bool belongs(const struct tacho_proc_source *self, const struct tacho_proc_stat *stat)
{
    return find(self, stat->ppid) != NULL ||
           (self->config.launch && stat->ppid == (int32_t)getpid());
}

static bool is_foreign(const struct tacho_proc_source *self, int64_t pid)
{
    for (size_t i = 0; i < TACHO_PROC_FOREIGN_MAX; i++)
        if (self->foreign[i] == pid)
            return true;
    return false;
}

static size_t probe(struct tacho_proc_source *self, int64_t from, int64_t to)
{
    size_t added = 0;
    for (int64_t pid = from; pid <= to; pid++) {
        struct tacho_proc_stat stat;
        if (tacho_proc_cpu_clock_ns((pid_t)pid) < 0 || find(self, (pid_t)pid) ||
            is_foreign(self, pid) || !read_stat(self, (pid_t)pid, &stat))
            continue;
        if (belongs(self, &stat))
            added += add(self, (pid_t)pid, &stat) != NULL;
        else
            self->foreign[self->foreign_at++ % TACHO_PROC_FOREIGN_MAX] = pid;
    }
    return added;
}

struct candidate {
    pid_t pid;
    struct tacho_proc_stat stat;
};

// Lists /proc and adds what belongs, parents before children in however many rounds that takes.
static void scan(struct tacho_proc_source *self, int64_t now_ns)
{
    TACHO_ARRAY(struct candidate) candidates = {0};
    DIR *folder = opendir("/proc");
    if (!folder)
        return;
    int64_t begin_ns = tacho_time_monotonic_ns();
    for (struct dirent *entry; (entry = readdir(folder));) {
        const char *at = entry->d_name, *end = at + strlen(at);
        uint64_t pid;
        struct candidate candidate;
        if (!tacho_proc_number(&at, end, &pid) || at != end || find(self, (pid_t)pid))
            continue;
        candidate.pid = (pid_t)pid;
        if (read_stat(self, candidate.pid, &candidate.stat))
            tacho_array_push(&candidates, candidate);
    }
    closedir(folder);
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < candidates.count; i++) {
            struct candidate *candidate = &candidates.items[i];
            if (candidate->pid && belongs(self, &candidate->stat) &&
                add(self, candidate->pid, &candidate->stat)) {
                candidate->pid = 0;
                more = true;
            }
        }
    }
    tacho_array_release(&candidates);
    self->scan_ns = now_ns;
    tacho_allowance_spend(&self->scan, tacho_time_monotonic_ns() - begin_ns);
}

static void add_listed(struct tacho_proc_source *self, const char *text, size_t size)
{
    const char *at = text, *end = text + size;
    uint64_t pid;
    while (tacho_proc_number(&at, end, &pid)) {
        struct tacho_proc_stat stat;
        if (!find(self, (pid_t)pid) && read_stat(self, (pid_t)pid, &stat) && belongs(self, &stat))
            add(self, (pid_t)pid, &stat);
    }
}

static void list_children(struct tacho_proc_source *self, struct tacho_process *process)
{
    char path[64], text[4096]; // what does not fit is found by the next list of /proc
    ssize_t size;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)process->pid, (int)process->pid);
    if (process->children_fd < 0 && self->fds_open < self->fds_max) {
        process->children_fd = open(path, O_RDONLY | O_CLOEXEC);
        self->fds_open += process->children_fd >= 0;
    }
    size = process->children_fd >= 0 ? tacho_proc_reread(process->children_fd, text, sizeof text)
                                     : tacho_proc_read(path, text, sizeof text);
    if (size > 0)
        add_listed(self, text, (size_t)size);
}

// Adds the children of everything that has run. False when a process with several threads has, or
// the kernel keeps no lists.
static bool look_at_lists(struct tacho_proc_source *self)
{
    char text[4096];
    for (size_t i = 0; i < self->processes.count; i++)
        if (self->processes.items[i]->active && self->processes.items[i]->stat.threads > 1)
            return false;
    if (self->own_children_fd < 0)
        return false;
    if (self->config.launch) { // orphans come to this process
        ssize_t size = tacho_proc_reread(self->own_children_fd, text, sizeof text);
        if (size > 0)
            add_listed(self, text, (size_t)size);
    }
    // The list grows while it is walked, by children that may have children.
    for (size_t i = 0; i < self->processes.count; i++) {
        struct tacho_process *process = self->processes.items[i];
        if (!process->ended && (process->active || process->is_new))
            list_children(self, process);
    }
    return true;
}

// Adds what was started since the last look. False when /proc has to be listed instead.
static bool look_at_new(struct tacho_proc_source *self)
{
    int64_t before = self->last_pid;
    int64_t last = self->loadavg_fd < 0 ? -1 : tacho_proc_last_pid(self->loadavg_fd);
    if (before < 0 || last < 0)
        return false;
    if (last == before && !self->look_again)
        return true;
    int64_t from = before - LOOK_AGAIN > 1 ? before - LOOK_AGAIN : 1;
    self->last_pid = last;
    self->look_again = last != before; // one may have been on its way
    if (look_at_lists(self))
        return true;
    if (last >= before) {
        if (last - from > PROBES_MAX)
            return false;
        probe(self, from, last);
        return true;
    }
    if (self->pid_max - from + last - FIRST_PID > PROBES_MAX)
        return false;
    // The numbers started again from below, where a parent may have a larger number than its child.
    while (probe(self, FIRST_PID, last) + probe(self, from, self->pid_max) > 0)
        ;
    return true;
}

int tacho_tree_look(struct tacho_proc_source *self, int64_t now_ns, struct tacho_fail *fail)
{
    (void)fail;
    if (self->config.without_children || (!self->config.launch && self->config.pid_count == 0))
        return 0;
    bool looked = look_at_new(self);
    bool is_due = now_ns - self->scan_ns >= SCAN_PERIOD_NS;
    if ((!looked || is_due) && tacho_allowance_ready(&self->scan, now_ns))
        scan(self, now_ns);
    return 0;
}

// Watches the end of a given process by a pidfd in the source's epoll set.
static int watch(struct tacho_proc_source *self, pid_t pid, struct tacho_fail *fail)
{
    struct epoll_event event = {.events = EPOLLIN};
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return 0; // an old kernel: the end is seen at the next sample
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    tacho_array_push(&self->pidfds, fd);
    event.data.fd = fd;
    if (self->source.fd < 0)
        self->source.fd = epoll_create1(EPOLL_CLOEXEC);
    if (self->source.fd < 0 || epoll_ctl(self->source.fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return tacho_fail_errno(fail, "cannot watch process %d", (int)pid);
    return 0;
}

static int add_given(struct tacho_proc_source *self, pid_t pid, struct tacho_fail *fail)
{
    struct tacho_proc_stat stat;
    if (find(self, pid))
        return 0;
    if (!read_stat(self, pid, &stat))
        return tacho_fail_set(fail, TACHO_ERR_LOST, "process %d has ended already", (int)pid);
    struct tacho_process *process = add(self, pid, &stat);
    if (!process)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    process->given = true;
    self->given_alive++;
    return self->config.launch ? 0 : watch(self, pid, fail);
}

static int64_t read_pid_max(void)
{
    char text[64];
    uint64_t value;
    ssize_t size = tacho_proc_read("/proc/sys/kernel/pid_max", text, sizeof text);
    const char *at = text;
    return size > 0 && tacho_proc_number(&at, text + size, &value) ? (int64_t)value
                                                                   : PID_MAX_DEFAULT;
}

int tacho_tree_start(struct tacho_proc_source *self, struct tacho_fail *fail)
{
    char path[64];
    self->loadavg_fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    self->own_children_fd = open(path, O_RDONLY | O_CLOEXEC);
    self->pid_max = read_pid_max();
    self->last_pid = -1;
    // Where CPU clocks do not tell processes from threads the range of pids is of no use.
    if (self->loadavg_fd >= 0 && tacho_proc_cpu_clock_ns(getpid()) >= 0)
        self->last_pid = tacho_proc_last_pid(self->loadavg_fd);
    if (self->config.launch)
        return add_given(self, self->config.launch->pid, fail);
    for (size_t i = 0; i < self->config.pid_count; i++)
        if (add_given(self, self->config.pids[i], fail) < 0)
            return fail->code;
    if (self->config.pid_count && !self->config.without_children)
        scan(self, self->start_ns);
    return 0;
}

// Metrics of a process that its parent has too, once it has waited for it.
static const enum tacho_metric_at inherited_metrics[] = {
    TACHO_AT_cpu_seconds,       TACHO_AT_cpu_user_seconds,    TACHO_AT_cpu_system_seconds,
    TACHO_AT_page_faults_minor, TACHO_AT_page_faults_major,   TACHO_AT_io_read_bytes,
    TACHO_AT_io_write_bytes,    TACHO_AT_io_read_calls_bytes, TACHO_AT_io_write_calls_bytes,
};
// Those that end with the process as far as /proc goes.
static const enum tacho_metric_at own_metrics[] = {
    TACHO_AT_cpu_wait_seconds,
    TACHO_AT_io_wait_seconds,
    TACHO_AT_context_switches_voluntary,
    TACHO_AT_context_switches_involuntary,
};

static void depart(struct tacho_proc_source *self, const struct tacho_process *process,
                   const enum tacho_metric_at *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isnan(process->value[metrics[i]]))
            self->departed[metrics[i]] += process->value[metrics[i]];
}

// Whether somebody observed has the totals of an ended process: this process, which waited for it,
// or its parent, whose count of children's page faults must have grown by at least what the
// process had (each has some). A parent that ended as well was waited for by somebody else.
static bool is_counted(struct tacho_proc_source *self, struct tacho_process *process);

static bool find_out_counted(struct tacho_proc_source *self, const struct tacho_process *process)
{
    if (tacho_map_get(&self->reaped, (uint64_t)process->pid)) {
        tacho_map_remove(&self->reaped, (uint64_t)process->pid);
        return true;
    }
    struct tacho_process *parent = find(self, process->ppid);
    if (!parent)
        return self->config.launch != NULL;
    if (parent->ended || !tacho_process_stat(self, parent))
        return is_counted(self, parent);
    uint64_t faults = process->stat.faults_minor + process->stat.faults_minor_children;
    uint64_t grown = parent->stat.faults_minor_children - parent->faults_before;
    if (parent->faults_claimed + faults > grown)
        return false;
    parent->faults_claimed += faults;
    return true;
}

static bool is_counted(struct tacho_proc_source *self, struct tacho_process *process)
{
    if (process->counted == TACHO_COUNTED_UNKNOWN)
        process->counted = find_out_counted(self, process) ? TACHO_COUNTED_YES : TACHO_COUNTED_NO;
    return process->counted == TACHO_COUNTED_YES;
}

static void take_reaped(struct tacho_proc_source *self)
{
    const struct tacho_launch *launch = self->config.launch;
    for (; launch && self->reaped_seen < launch->reaped.count; self->reaped_seen++)
        tacho_map_put(&self->reaped, (uint64_t)launch->reaped.items[self->reaped_seen].pid, NULL);
}

// The parent's totals grew by all that the process ever used; what it, and the children it had
// waited for, used before it was observed is taken off again.
static void forget_before(struct tacho_proc_source *self, const struct tacho_process *process)
{
    if (!process->old)
        return;
    for (size_t i = 0; i < sizeof inherited_metrics / sizeof *inherited_metrics; i++)
        if (!isnan(process->base[inherited_metrics[i]]))
            self->departed[inherited_metrics[i]] -= process->base[inherited_metrics[i]];
    double user_s = (double)process->first.user_children / self->hz;
    double system_s = (double)process->first.system_children / self->hz;
    self->departed[TACHO_AT_cpu_seconds] -= user_s + system_s;
    self->departed[TACHO_AT_cpu_user_seconds] -= user_s;
    self->departed[TACHO_AT_cpu_system_seconds] -= system_s;
    self->departed[TACHO_AT_page_faults_minor] -= (double)process->first.faults_minor_children;
    self->departed[TACHO_AT_page_faults_major] -= (double)process->first.faults_major_children;
}

static int end_one(struct tacho_proc_source *self, struct tacho_process *process, int64_t now_ns,
                   struct tacho_fail *fail)
{
    depart(self, process, own_metrics, sizeof own_metrics / sizeof *own_metrics);
    if (!is_counted(self, process)) {
        depart(self, process, inherited_metrics,
               sizeof inherited_metrics / sizeof *inherited_metrics);
        self->departed[TACHO_AT_cpu_seconds] += process->children_user + process->children_system;
        self->departed[TACHO_AT_cpu_user_seconds] += process->children_user;
        self->departed[TACHO_AT_cpu_system_seconds] += process->children_system;
        self->departed[TACHO_AT_page_faults_minor] += process->children_faults_minor;
        self->departed[TACHO_AT_page_faults_major] += process->children_faults_major;
    } else {
        forget_before(self, process);
    }
    if (process->given && !process->over)
        self->given_alive--;
    if (process->record && tacho_process_describe(self, process, now_ns, fail) < 0)
        return fail->code;
    return tacho_process_flush(process, fail);
}

int tacho_tree_end(struct tacho_proc_source *self, int64_t now_ns, struct tacho_fail *fail)
{
    bool any = false;
    take_reaped(self);
    for (size_t i = 0; i < self->processes.count; i++) {
        struct tacho_process *process = self->processes.items[i];
        any = any || process->ended;
        if (process->ended && end_one(self, process, now_ns, fail) < 0)
            return fail->code;
    }
    size_t kept = 0;
    for (size_t i = 0; i < self->processes.count; i++) {
        struct tacho_process *process = self->processes.items[i];
        process->faults_before = process->stat.faults_minor_children;
        process->faults_claimed = 0;
        if (any && process->ended)
            tacho_process_free(self, process);
        else
            self->processes.items[kept++] = process;
    }
    self->processes.count = kept;
    return 0;
}

void tacho_tree_close(struct tacho_proc_source *self)
{
    for (size_t i = 0; i < self->processes.count; i++)
        tacho_process_free(self, self->processes.items[i]);
    for (size_t i = 0; i < self->pidfds.count; i++)
        close(self->pidfds.items[i]);
    if (self->source.fd >= 0)
        close(self->source.fd);
    if (self->loadavg_fd >= 0)
        close(self->loadavg_fd);
    if (self->own_children_fd >= 0)
        close(self->own_children_fd);
    self->source.fd = self->loadavg_fd = self->own_children_fd = -1;
    tacho_array_release(&self->processes);
    tacho_array_release(&self->pidfds);
    tacho_map_release(&self->by_pid);
    tacho_map_release(&self->reaped);
}
