// The host: CPU, memory, pressure (PSI), temperature, frequency.
#ifndef TACHO_CAPTURE_PROC_HOST_H
#define TACHO_CAPTURE_PROC_HOST_H

#include "proc_series.h"

#define TACHO_PRESSURE_COUNT 3 // cpu, memory, io

struct tacho_pressure {
    int fd[TACHO_PRESSURE_COUNT]; // -1: not there
    double total_us[TACHO_PRESSURE_COUNT];
    int64_t time_ns;
};

#define TACHO_HOST_TEXT_MAX 65536u // /proc/stat of many cores; its first lines would be enough

struct tacho_host {
    struct tacho_series_set series;
    int stat_fd, memory_fd, uptime_fd, loadavg_fd;
    int *zone_fds, *frequency_fds; // thermal zones, cores
    size_t zone_count, frequency_count;
    struct tacho_pressure pressure;
    double total, idle, io_wait, steal; // of the last reading, clock ticks
    double interrupts_base, switches_base;
    bool is_open, has_last;
    double cpu_ratio, temperature_celsius; // of the last reading, NaN: not known
    char text[TACHO_HOST_TEXT_MAX];
};

// Opens what there is and says in notes what there is not.
int tacho_host_open(struct tacho_host *host, struct tacho_sink *sink, struct tacho_fail *fail);
int tacho_host_read(struct tacho_host *host, int64_t now_ns, struct tacho_fail *fail);
void tacho_host_close(struct tacho_host *host);

// Pressure files in `folder` named cpu, memory, io followed by `suffix`. Returns how many there
// are.
int tacho_pressure_open(struct tacho_pressure *pressure, const char *folder, const char *suffix);
// Pushes the share of the time since the last reading.
int tacho_pressure_read(struct tacho_pressure *pressure, struct tacho_series_set *series,
                        int64_t now_ns, struct tacho_fail *fail);
void tacho_pressure_close(struct tacho_pressure *pressure);

#endif
