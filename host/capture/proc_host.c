// Reading the host's counters: see proc_host.h.
#include "proc_host.h"

#include <fcntl.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc_read.h"

static const char *const pressure_names[TACHO_PRESSURE_COUNT] = {"cpu", "memory", "io"};
static const enum tacho_metric_at pressure_metrics[TACHO_PRESSURE_COUNT] = {
    TACHO_AT_pressure_cpu_ratio, TACHO_AT_pressure_memory_ratio, TACHO_AT_pressure_io_ratio};

static int open_file(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void close_file(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

// The total of microseconds in the line "some avg10=... total=N"; negative: not there.
static double pressure_total(int fd)
{
    char text[512];
    uint64_t total;
    ssize_t size = tacho_proc_reread(fd, text, sizeof text);
    const char *at = size > 0 ? strstr(text, "total=") : NULL;
    if (!at)
        return -1;
    at += strlen("total=");
    return tacho_proc_number(&at, text + size, &total) ? (double)total : -1;
}

int tacho_pressure_open(struct tacho_pressure *pressure, const char *folder, const char *suffix)
{
    int count = 0;
    for (int i = 0; i < TACHO_PRESSURE_COUNT; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s%s", folder, pressure_names[i], suffix);
        pressure->fd[i] = open_file(path);
        // Where pressure is switched off the file can be opened but not read.
        if (pressure->fd[i] >= 0 && pressure_total(pressure->fd[i]) < 0)
            close_file(&pressure->fd[i]);
        count += pressure->fd[i] >= 0;
    }
    pressure->time_ns = 0;
    return count;
}

int tacho_pressure_read(struct tacho_pressure *pressure, struct tacho_series_set *series,
                        int64_t now_ns, struct tacho_fail *fail)
{
    double span_us = (double)(now_ns - pressure->time_ns) * 1e-3;
    for (int i = 0; i < TACHO_PRESSURE_COUNT; i++) {
        if (pressure->fd[i] < 0)
            continue;
        double total_us = pressure_total(pressure->fd[i]);
        double ratio = (total_us - pressure->total_us[i]) / span_us;
        pressure->total_us[i] = total_us;
        if (pressure->time_ns != 0 && span_us > 0 && total_us >= 0 &&
            tacho_series_push(series, pressure_metrics[i], now_ns, fmin(fmax(ratio, 0), 1), fail) <
                0)
            return fail->code;
    }
    pressure->time_ns = now_ns;
    return 0;
}

void tacho_pressure_close(struct tacho_pressure *pressure)
{
    for (int i = 0; i < TACHO_PRESSURE_COUNT; i++)
        close_file(&pressure->fd[i]);
}

// Opens every file a pattern matches. Returns how many; *fds is allocated when there are any.
static size_t open_all(const char *pattern, int **fds)
{
    glob_t found;
    size_t count = 0;
    *fds = NULL;
    if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
        return 0;
    *fds = calloc(found.gl_pathc, sizeof **fds);
    for (size_t i = 0; *fds && i < found.gl_pathc; i++) {
        int fd = open_file(found.gl_pathv[i]);
        if (fd >= 0)
            (*fds)[count++] = fd;
    }
    globfree(&found);
    return count;
}

int tacho_host_open(struct tacho_host *host, struct tacho_sink *sink, struct tacho_fail *fail)
{
    memset(host, 0, sizeof *host);
    host->is_open = true;
    tacho_series_set_init(&host->series, sink, "host", false);
    host->cpu_ratio = host->temperature_celsius = NAN;
    host->stat_fd = open_file("/proc/stat");
    host->memory_fd = open_file("/proc/meminfo");
    host->uptime_fd = open_file("/proc/uptime");
    host->loadavg_fd = open_file("/proc/loadavg");
    host->zone_count = open_all("/sys/class/thermal/thermal_zone*/temp", &host->zone_fds);
    host->frequency_count = open_all("/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq",
                                     &host->frequency_fds);
    if (tacho_pressure_open(&host->pressure, "/proc/pressure", "") == 0 &&
        tacho_sink_note(sink, TACHO_NOTE_NOT_AVAILABLE, "collector", NAN, fail,
                        "pressure is n/a: /proc/pressure is not there or not switched on (boot "
                        "with psi=1)") < 0)
        return fail->code;
    if (host->zone_count == 0 &&
        tacho_sink_note(sink, TACHO_NOTE_NOT_AVAILABLE, "collector", NAN, fail,
                        "temperature is n/a: no thermal zone in /sys/class/thermal") < 0)
        return fail->code;
    if (host->frequency_count == 0 &&
        tacho_sink_note(sink, TACHO_NOTE_NOT_AVAILABLE, "collector", NAN, fail,
                        "the cores' frequency is n/a: no cpufreq in /sys/devices/system/cpu") < 0)
        return fail->code;
    return 0;
}

// Pushes the shares since the last reading; `field` is the line "cpu" of /proc/stat.
static int push_shares(struct tacho_host *host, const uint64_t field[8], int64_t now_ns,
                       struct tacho_fail *fail)
{
    double total = 0, idle = (double)field[3] + (double)field[4];
    for (int i = 0; i < 8; i++)
        total += (double)field[i]; // user, nice, system, idle, iowait, irq, softirq, steal
    double span = total - host->total;
    if (host->has_last && span > 0) {
        struct tacho_series_set *set = &host->series;
        double io_wait = fmax(((double)field[4] - host->io_wait) / span, 0);
        double steal = fmax(((double)field[7] - host->steal) / span, 0);
        host->cpu_ratio = fmin(fmax(1 - (idle - host->idle) / span, 0), 1);
        if (tacho_series_push(set, TACHO_AT_host_cpu_ratio_machine, now_ns, host->cpu_ratio, fail) <
                0 ||
            tacho_series_push(set, TACHO_AT_host_io_wait_ratio, now_ns, io_wait, fail) < 0 ||
            tacho_series_push(set, TACHO_AT_host_steal_ratio, now_ns, steal, fail) < 0)
            return fail->code;
    }
    host->total = total;
    host->idle = idle;
    host->io_wait = (double)field[4];
    host->steal = (double)field[7];
    return 0;
}

static int read_cpu(struct tacho_host *host, int64_t now_ns, struct tacho_fail *fail)
{
    uint64_t field[8] = {0}, interrupts, switches;
    char *text = host->text;
    ssize_t size =
        host->stat_fd < 0 ? -1 : tacho_proc_reread(host->stat_fd, text, sizeof host->text);
    if (size < 5)
        return 0;
    const char *at = text + 4; // behind "cpu "
    for (int i = 0; i < 8 && tacho_proc_number(&at, text + size, &field[i]); i++)
        ;
    if (push_shares(host, field, now_ns, fail) < 0)
        return fail->code;
    if (tacho_proc_field(text, (size_t)size, "intr ", &interrupts, NULL) &&
        tacho_proc_field(text, (size_t)size, "ctxt ", &switches, NULL)) {
        if (!host->has_last) {
            host->interrupts_base = (double)interrupts;
            host->switches_base = (double)switches;
        }
        if (tacho_series_push(&host->series, TACHO_AT_host_interrupts, now_ns,
                              (double)interrupts - host->interrupts_base, fail) < 0 ||
            tacho_series_push(&host->series, TACHO_AT_host_context_switches, now_ns,
                              (double)switches - host->switches_base, fail) < 0)
            return fail->code;
    }
    host->has_last = true;
    return 0;
}

static int read_memory(struct tacho_host *host, int64_t now_ns, struct tacho_fail *fail)
{
    char text[4096];
    uint64_t kib;
    ssize_t size = host->memory_fd < 0 ? -1 : tacho_proc_reread(host->memory_fd, text, sizeof text);
    if (size <= 0 || !tacho_proc_field(text, (size_t)size, "MemAvailable:", &kib, NULL))
        return 0;
    return tacho_series_push(&host->series, TACHO_AT_host_memory_available_bytes, now_ns,
                             (double)kib * 1024, fail);
}

static int read_uptime(struct tacho_host *host, int64_t now_ns, struct tacho_fail *fail)
{
    char text[128];
    uint64_t seconds, tasks;
    ssize_t size = host->uptime_fd < 0 ? -1 : tacho_proc_reread(host->uptime_fd, text, sizeof text);
    const char *at = text;
    if (size > 0 && tacho_proc_number(&at, text + size, &seconds) &&
        tacho_series_push(&host->series, TACHO_AT_host_uptime_seconds, now_ns, (double)seconds,
                          fail) < 0)
        return fail->code;
    size = host->loadavg_fd < 0 ? -1 : tacho_proc_reread(host->loadavg_fd, text, sizeof text);
    at = size > 0 ? strchr(text, '/') : NULL; // "0.12 0.15 0.09 1/95 29510": running/all threads
    if (!at)
        return 0;
    at++;
    if (!tacho_proc_number(&at, text + size, &tasks))
        return 0;
    return tacho_series_push(&host->series, TACHO_AT_host_tasks, now_ns, (double)tasks, fail);
}

// A number alone in each of several files: their largest or their mean, NaN where none is readable.
static double read_numbers(const int *fds, size_t count, bool largest)
{
    double sum = 0, high = NAN;
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        char text[64];
        uint64_t value;
        ssize_t size = tacho_proc_reread(fds[i], text, sizeof text);
        const char *at = text;
        if (size <= 0 || !tacho_proc_number(&at, text + size, &value))
            continue; // a zone that is switched off, or below zero degrees
        known++;
        sum += (double)value;
        high = fmax((double)value, high); // fmax takes the number when the other is NaN
    }
    if (known == 0)
        return NAN;
    return largest ? high : sum / (double)known;
}

int tacho_host_read(struct tacho_host *host, int64_t now_ns, struct tacho_fail *fail)
{
    struct tacho_series_set *set = &host->series;
    if (read_cpu(host, now_ns, fail) < 0 || read_memory(host, now_ns, fail) < 0 ||
        read_uptime(host, now_ns, fail) < 0)
        return fail->code;
    if (host->zone_count) {
        host->temperature_celsius = read_numbers(host->zone_fds, host->zone_count, true) * 1e-3;
        if (tacho_series_push(set, TACHO_AT_host_temperature_celsius, now_ns,
                              host->temperature_celsius, fail) < 0)
            return fail->code;
    }
    if (host->frequency_count &&
        tacho_series_push(set, TACHO_AT_host_cpu_hertz, now_ns,
                          read_numbers(host->frequency_fds, host->frequency_count, false) * 1e3,
                          fail) < 0)
        return fail->code;
    return tacho_pressure_read(&host->pressure, set, now_ns, fail);
}

void tacho_host_close(struct tacho_host *host)
{
    if (!host->is_open)
        return;
    host->is_open = false;
    close_file(&host->stat_fd);
    close_file(&host->memory_fd);
    close_file(&host->uptime_fd);
    close_file(&host->loadavg_fd);
    for (size_t i = 0; i < host->zone_count; i++)
        close(host->zone_fds[i]);
    for (size_t i = 0; i < host->frequency_count; i++)
        close(host->frequency_fds[i]);
    free(host->zone_fds);
    free(host->frequency_fds);
    host->zone_count = host->frequency_count = 0;
    host->zone_fds = host->frequency_fds = NULL;
    tacho_pressure_close(&host->pressure);
}
