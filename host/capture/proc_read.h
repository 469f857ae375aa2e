// What the files of /proc/PID say: parsers by hand, because they run hundreds of times a second.
//
// The parsers are pure: they take the bytes that were read, believe nothing about them, and return
// 0 or TACHO_ERR_FORMAT. Fields are described in proc(5).
#ifndef TACHO_CAPTURE_PROC_READ_H
#define TACHO_CAPTURE_PROC_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TACHO_PROC_COMM_MAX 64

struct tacho_proc_stat {            // /proc/PID/stat, times in clock ticks
    char comm[TACHO_PROC_COMM_MAX]; // without anything that is not printable
    char state;
    int32_t ppid;
    uint64_t flags; // of the kernel's task; see tacho_proc_is_kernel_thread
    uint64_t faults_minor, faults_minor_children, faults_major, faults_major_children;
    uint64_t user, system, user_children, system_children;
    uint64_t threads, start, vms_bytes, rss_pages, io_wait;
};

struct tacho_proc_io { // /proc/PID/io, bytes; includes children that were waited for
    double read_calls, write_calls, read, write;
};

struct tacho_proc_schedstat { // /proc/PID/schedstat: of one thread
    uint64_t run_ns, wait_ns, slices;
};

struct tacho_proc_status { // /proc/PID/status
    uint64_t tgid, rss_peak_bytes, swap_bytes;
    uint64_t switches_voluntary, switches_involuntary; // of one thread
};

struct tacho_proc_rollup { // /proc/PID/smaps_rollup
    uint64_t rss_bytes, pss_bytes, swap_bytes;
};

int tacho_proc_stat_parse(const char *text, size_t size, struct tacho_proc_stat *stat);
int tacho_proc_io_parse(const char *text, size_t size, struct tacho_proc_io *io);
int tacho_proc_schedstat_parse(const char *text, size_t size, struct tacho_proc_schedstat *sched);
int tacho_proc_status_parse(const char *text, size_t size, struct tacho_proc_status *status);
int tacho_proc_rollup_parse(const char *text, size_t size, struct tacho_proc_rollup *rollup);
// The limits of open files; UINT64_MAX is "unlimited".
int tacho_proc_limits_parse(const char *text, size_t size, uint64_t *soft, uint64_t *hard);

// The number behind `key` at the start of a line ("VmSwap:"); false when there is none. When `kib`
// is given it is told whether the number is followed by "kB".
bool tacho_proc_field(const char *text, size_t size, const char *key, uint64_t *value, bool *kib);
// Reads a decimal number at *at (blanks before it are skipped), moves *at behind it.
bool tacho_proc_number(const char **at, const char *end, uint64_t *value);

bool tacho_proc_is_kernel_thread(const struct tacho_proc_stat *stat);

// Reads at most `size` - 1 bytes of a file from its start and terminates them. Returns the count or
// a negative errno value.
ssize_t tacho_proc_read(const char *path, char *text, size_t size);
ssize_t tacho_proc_read_at(int folder, const char *path, char *text, size_t size);
ssize_t tacho_proc_reread(int fd, char *text, size_t size);

// CPU time of a whole process in nanoseconds, threads that ended included, by its CPU clock: one
// system call of a third of a microsecond, no file. Returns -1 when there is no process (not
// thread) of that number, or when the kernel does not let it be read.
int64_t tacho_proc_cpu_clock_ns(pid_t pid);
// The pid that was handed out last in this pid namespace, -1 when it cannot be told.
int64_t tacho_proc_last_pid(int loadavg_fd);

#endif
