// The tree as a whole: what its processes have now, what ended ones had, and at the end what was
// waited for, which is exact and has also those that no sample saw.
#include "proc_state.h"

#include <math.h>

// Sums over the processes that are there now.
static const enum tacho_metric_at gauges[] = {
    TACHO_AT_rss_bytes, TACHO_AT_pss_bytes, TACHO_AT_swap_bytes,
    TACHO_AT_vms_bytes, TACHO_AT_threads,   TACHO_AT_open_files,
};
static const enum tacho_metric_at counters[] = {
    TACHO_AT_cpu_seconds,
    TACHO_AT_cpu_user_seconds,
    TACHO_AT_cpu_system_seconds,
    TACHO_AT_cpu_wait_seconds,
    TACHO_AT_page_faults_minor,
    TACHO_AT_page_faults_major,
    TACHO_AT_context_switches_voluntary,
    TACHO_AT_context_switches_involuntary,
    TACHO_AT_io_read_bytes,
    TACHO_AT_io_write_bytes,
    TACHO_AT_io_read_calls_bytes,
    TACHO_AT_io_write_calls_bytes,
    TACHO_AT_io_wait_seconds,
};
// What was waited for at the very end lies in a moment after the last sample: a share of so short a
// time says nothing.
#define RATIO_SPAN_S 0.003

#define COUNT(list) (sizeof(list) / sizeof *(list))

// What lives now has together; NaN when nothing lives any more: that is the end of the series, not
// a fall to zero.
static double sum_alive(const struct tacho_proc_source *self, enum tacho_metric_at metric)
{
    double total = NAN;
    for (size_t i = 0; i < self->processes.count; i++) {
        const struct tacho_process *process = self->processes.items[i];
        double value = process->value[metric];
        if (process->stat.state != 'Z' && !isnan(value))
            total = isnan(total) ? value : total + value;
    }
    return total;
}

// The sum of what is known; NaN when nothing is.
static double sum(const struct tacho_proc_source *self, enum tacho_metric_at metric)
{
    double total = 0;
    size_t known = 0;
    for (size_t i = 0; i < self->processes.count; i++) {
        double value = self->processes.items[i]->value[metric];
        if (isnan(value))
            continue;
        total += value;
        known++;
    }
    return known || self->processes.count == 0 ? total : NAN;
}

static double sum_children(const struct tacho_proc_source *self, enum tacho_metric_at metric)
{
    double total = 0;
    for (size_t i = 0; i < self->processes.count; i++) {
        const struct tacho_process *process = self->processes.items[i];
        switch (metric) {
        case TACHO_AT_cpu_seconds:
            total += process->children_user + process->children_system;
            break;
        case TACHO_AT_cpu_user_seconds:
            total += process->children_user;
            break;
        case TACHO_AT_cpu_system_seconds:
            total += process->children_system;
            break;
        case TACHO_AT_page_faults_minor:
            total += process->children_faults_minor;
            break;
        case TACHO_AT_page_faults_major:
            total += process->children_faults_major;
            break;
        default:
            return 0; // in the process' own figures, or not to be had
        }
    }
    return total;
}

// What processes that this process waited for had used, themselves and all they waited for.
static double waited_for(const struct tacho_usage *usage, enum tacho_metric_at metric)
{
    switch (metric) {
    case TACHO_AT_cpu_seconds:
        return usage->user_seconds + usage->system_seconds;
    case TACHO_AT_cpu_user_seconds:
        return usage->user_seconds;
    case TACHO_AT_cpu_system_seconds:
        return usage->system_seconds;
    case TACHO_AT_page_faults_minor:
        return (double)usage->faults_minor;
    case TACHO_AT_page_faults_major:
        return (double)usage->faults_major;
    case TACHO_AT_io_read_bytes:
        return isnan(usage->read_bytes) ? (double)usage->storage_read_bytes : usage->read_bytes;
    case TACHO_AT_io_write_bytes:
        return isnan(usage->write_bytes) ? (double)usage->storage_write_bytes : usage->write_bytes;
    case TACHO_AT_io_read_calls_bytes:
        return usage->read_calls_bytes;
    case TACHO_AT_io_write_calls_bytes:
        return usage->write_calls_bytes;
    default:
        return 0;
    }
}

// Context switches of children that were never seen are only in what was waited for, which becomes
// complete when everything has ended.
static void make_exact(struct tacho_proc_source *self)
{
    const struct tacho_launch *launch = self->config.launch;
    if (!launch || !launch->exited || self->processes.count > 0)
        return;
    const struct tacho_usage *usage = &launch->usage;
    self->run[TACHO_AT_context_switches_voluntary] = (double)usage->switches_voluntary;
    self->run[TACHO_AT_context_switches_involuntary] = (double)usage->switches_involuntary;
}

// The kernel's peak of a child begins with what this process held at the fork; below that only what
// the samples saw is known.
static double peak(const struct tacho_proc_source *self)
{
    const struct tacho_launch *launch = self->config.launch;
    double seen = self->run[TACHO_AT_rss_peak_bytes];
    for (size_t i = 0; i < self->processes.count; i++)
        seen = fmax(seen, self->processes.items[i]->value[TACHO_AT_rss_peak_bytes]);
    if (launch && launch->usage.rss_peak_bytes > launch->waiting_rss_bytes)
        seen = fmax(seen, (double)launch->usage.rss_peak_bytes);
    return seen;
}

static void add_up(struct tacho_proc_source *self)
{
    for (size_t i = 0; i < COUNT(counters); i++) {
        enum tacho_metric_at metric = counters[i];
        if (metric == TACHO_AT_io_wait_seconds && !self->io_wait_counted)
            continue;
        double total = self->departed[metric] + sum(self, metric) + sum_children(self, metric);
        if (self->config.launch)
            total += waited_for(&self->config.launch->usage, metric);
        // A clock in nanoseconds becomes ticks of 10 ms when a parent takes over: never backwards.
        self->run[metric] = fmax(total, self->run[metric]);
    }
    make_exact(self);
    for (size_t i = 0; i < COUNT(gauges); i++)
        self->run[gauges[i]] = sum_alive(self, gauges[i]);
    self->run[TACHO_AT_rss_peak_bytes] = peak(self);
    size_t alive = 0;
    for (size_t i = 0; i < self->processes.count; i++)
        alive += self->processes.items[i]->stat.state != 'Z';
    self->run[TACHO_AT_processes] = (double)alive;
    if (self->processes.count) { // of the first: the limits are inherited
        const struct tacho_process *first = self->processes.items[0];
        self->run[TACHO_AT_open_files_limit] = first->value[TACHO_AT_open_files_limit];
        self->run[TACHO_AT_open_files_limit_hard] = first->value[TACHO_AT_open_files_limit_hard];
    }
}

static int push(struct tacho_proc_source *self, enum tacho_metric_at metric, int64_t now_ns,
                struct tacho_fail *fail)
{
    // Before the first value is known there is nothing to say; later a NaN says that it went away.
    if (isnan(self->run[metric]) && self->run_series.items[metric].id == 0)
        return 0;
    return tacho_series_push(&self->run_series, metric, now_ns, self->run[metric], fail);
}

// A command begins with nothing used: the first sample of its counters is zero.
static int push_zeros(struct tacho_proc_source *self, struct tacho_fail *fail)
{
    for (size_t i = 0; i < COUNT(counters); i++)
        if (!isnan(self->run[counters[i]]) &&
            tacho_series_push(&self->run_series, counters[i], self->config.launch->release_ns, 0,
                              fail) < 0)
            return fail->code;
    return 0;
}

int tacho_totals_push(struct tacho_proc_source *self, int64_t now_ns, struct tacho_fail *fail)
{
    static const enum tacho_metric_at others[] = {
        TACHO_AT_rss_peak_bytes,        TACHO_AT_processes,           TACHO_AT_open_files_limit,
        TACHO_AT_open_files_limit_hard, TACHO_AT_sockets_established, TACHO_AT_sockets_listen,
        TACHO_AT_sockets_time_wait,     TACHO_AT_sockets_close_wait,  TACHO_AT_sockets_other,
        TACHO_AT_sockets_udp,           TACHO_AT_sockets_unix,
    };
    double span = (double)(now_ns - self->run_ns) * 1e-9;
    add_up(self);
    if (self->run_ns && span >= RATIO_SPAN_S) {
        double ratio = (self->run[TACHO_AT_cpu_seconds] - self->run_cpu_seconds) / span;
        self->run[TACHO_AT_cpu_ratio_core] = ratio;
        self->run[TACHO_AT_cpu_ratio_machine] = ratio / self->cores;
        self->run_ns = now_ns;
        self->run_cpu_seconds = self->run[TACHO_AT_cpu_seconds];
        if (push(self, TACHO_AT_cpu_ratio_core, now_ns, fail) < 0 ||
            push(self, TACHO_AT_cpu_ratio_machine, now_ns, fail) < 0)
            return fail->code;
    }
    if (!self->run_ns) {
        if (self->config.launch && push_zeros(self, fail) < 0)
            return fail->code;
        self->run_ns = now_ns;
        self->run_cpu_seconds = self->run[TACHO_AT_cpu_seconds];
    }
    for (size_t i = 0; i < COUNT(counters); i++)
        if (push(self, counters[i], now_ns, fail) < 0)
            return fail->code;
    for (size_t i = 0; i < COUNT(gauges); i++)
        if (push(self, gauges[i], now_ns, fail) < 0)
            return fail->code;
    for (size_t i = 0; i < COUNT(others); i++)
        if (push(self, others[i], now_ns, fail) < 0)
            return fail->code;
    return 0;
}
