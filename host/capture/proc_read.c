// Parsers of the files of /proc/PID, and how they are read: see proc_read.h.
#include "proc_read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "tacho/errors.h"

#define KERNEL_THREAD_FLAG 0x00200000u // PF_KTHREAD of the kernel's include/linux/sched.h
#define STAT_FIELDS        42          // up to delayacct_blkio_ticks

bool tacho_proc_number(const char **at, const char *end, uint64_t *value)
{
    const char *p = *at;
    uint64_t number = 0;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    const char *first = p;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
        number = number * 10 + (uint64_t)(*p - '0');
    *at = p;
    *value = number;
    return p > first;
}

bool tacho_proc_field(const char *text, size_t size, const char *key, uint64_t *value, bool *kib)
{
    const char *end = text + size;
    size_t key_size = strlen(key);
    for (const char *line = text; line < end;) {
        if ((size_t)(end - line) > key_size && memcmp(line, key, key_size) == 0) {
            const char *at = line + key_size;
            if (!tacho_proc_number(&at, end, value))
                return false;
            if (kib)
                *kib = end - at >= 3 && memcmp(at, " kB", 3) == 0;
            return true;
        }
        const char *next = memchr(line, '\n', (size_t)(end - line));
        if (!next)
            return false;
        line = next + 1;
    }
    return false;
}

// A field in bytes, whatever unit the file has it in; 0 when it is missing.
static uint64_t field_bytes(const char *text, size_t size, const char *key)
{
    uint64_t value = 0;
    bool kib = false;
    if (!tacho_proc_field(text, size, key, &value, &kib))
        return 0;
    return kib ? value * 1024 : value;
}

static void comm_copy(char *comm, const char *from, const char *to)
{
    size_t size = (size_t)(to - from);
    if (size >= TACHO_PROC_COMM_MAX)
        size = TACHO_PROC_COMM_MAX - 1;
    for (size_t i = 0; i < size; i++)
        comm[i] = (unsigned char)from[i] < 0x20 || from[i] == 0x7f ? '?' : from[i];
    comm[size] = 0;
}

int tacho_proc_stat_parse(const char *text, size_t size, struct tacho_proc_stat *stat)
{
    const char *end = text + size;
    const char *open = memchr(text, '(', size);
    const char *close = memrchr(text, ')', size);
    uint64_t field[STAT_FIELDS + 1] = {0};
    if (!open || !close || close < open || end - close < 4)
        return TACHO_ERR_FORMAT;
    comm_copy(stat->comm, open + 1, close);
    stat->state = close[2];
    const char *at = close + 3;
    int number = 4;
    for (; number <= STAT_FIELDS && at < end; number++) {
        while (at < end && (*at == ' ' || *at == '-')) // tpgid, priority and nice may be negative
            at++;
        if (!tacho_proc_number(&at, end, &field[number]))
            break;
    }
    if (number <= 24)
        return TACHO_ERR_FORMAT;
    stat->ppid = (int32_t)field[4];
    stat->flags = field[9];
    stat->faults_minor = field[10];
    stat->faults_minor_children = field[11];
    stat->faults_major = field[12];
    stat->faults_major_children = field[13];
    stat->user = field[14];
    stat->system = field[15];
    stat->user_children = field[16];
    stat->system_children = field[17];
    stat->threads = field[20];
    stat->start = field[22];
    stat->vms_bytes = field[23];
    stat->rss_pages = field[24];
    stat->io_wait = field[42];
    return 0;
}

int tacho_proc_io_parse(const char *text, size_t size, struct tacho_proc_io *io)
{
    uint64_t value[4];
    const char *const keys[] = {"rchar:", "wchar:", "read_bytes:", "write_bytes:"};
    for (int i = 0; i < 4; i++)
        if (!tacho_proc_field(text, size, keys[i], &value[i], NULL))
            return TACHO_ERR_FORMAT;
    io->read_calls = (double)value[0];
    io->write_calls = (double)value[1];
    io->read = (double)value[2];
    io->write = (double)value[3];
    return 0;
}

int tacho_proc_schedstat_parse(const char *text, size_t size, struct tacho_proc_schedstat *sched)
{
    const char *at = text, *end = text + size;
    if (!tacho_proc_number(&at, end, &sched->run_ns) ||
        !tacho_proc_number(&at, end, &sched->wait_ns) ||
        !tacho_proc_number(&at, end, &sched->slices))
        return TACHO_ERR_FORMAT;
    return 0;
}

int tacho_proc_status_parse(const char *text, size_t size, struct tacho_proc_status *status)
{
    if (!tacho_proc_field(text, size, "Tgid:", &status->tgid, NULL) ||
        !tacho_proc_field(text, size, "voluntary_ctxt_switches:", &status->switches_voluntary,
                          NULL) ||
        !tacho_proc_field(text, size, "nonvoluntary_ctxt_switches:", &status->switches_involuntary,
                          NULL))
        return TACHO_ERR_FORMAT;
    status->rss_peak_bytes = field_bytes(text, size, "VmHWM:"); // a zombie has none
    status->swap_bytes = field_bytes(text, size, "VmSwap:");
    return 0;
}

int tacho_proc_rollup_parse(const char *text, size_t size, struct tacho_proc_rollup *rollup)
{
    uint64_t value;
    if (!tacho_proc_field(text, size, "Pss:", &value, NULL))
        return TACHO_ERR_FORMAT;
    rollup->rss_bytes = field_bytes(text, size, "Rss:");
    rollup->pss_bytes = field_bytes(text, size, "Pss:");
    rollup->swap_bytes = field_bytes(text, size, "Swap:");
    return 0;
}

static bool limit_number(const char **at, const char *end, uint64_t *value)
{
    static const char unlimited[] = "unlimited";
    size_t size = sizeof unlimited - 1;
    while (*at < end && **at == ' ')
        ++*at;
    if ((size_t)(end - *at) >= size && memcmp(*at, unlimited, size) == 0) {
        *at += size;
        *value = UINT64_MAX;
        return true;
    }
    return tacho_proc_number(at, end, value);
}

int tacho_proc_limits_parse(const char *text, size_t size, uint64_t *soft, uint64_t *hard)
{
    static const char key[] = "Max open files";
    const char *end = text + size;
    const char *at = memmem(text, size, key, sizeof key - 1);
    if (!at)
        return TACHO_ERR_FORMAT;
    at += sizeof key - 1;
    if (!limit_number(&at, end, soft) || !limit_number(&at, end, hard))
        return TACHO_ERR_FORMAT;
    return 0;
}

bool tacho_proc_is_kernel_thread(const struct tacho_proc_stat *stat)
{
    return (stat->flags & KERNEL_THREAD_FLAG) != 0;
}

ssize_t tacho_proc_reread(int fd, char *text, size_t size)
{
    ssize_t count = pread(fd, text, size - 1, 0);
    if (count < 0)
        return -errno;
    text[count] = 0;
    return count;
}

ssize_t tacho_proc_read_at(int folder, const char *path, char *text, size_t size)
{
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    ssize_t count = tacho_proc_reread(fd, text, size);
    close(fd);
    return count;
}

ssize_t tacho_proc_read(const char *path, char *text, size_t size)
{
    return tacho_proc_read_at(AT_FDCWD, path, text, size);
}

int64_t tacho_proc_cpu_clock_ns(pid_t pid)
{
    // How the kernel codes the CPU clock of a process in a clock id: the complement of the pid
    // above three bits, 2 for "scheduler time" (clock_getcpuclockid(3) makes the same, one call
    // later).
    clockid_t clock = (clockid_t)(~(unsigned)pid << 3 | 2u);
    struct timespec time;
    if (pid <= 0 || clock_gettime(clock, &time) < 0)
        return -1;
    return (int64_t)time.tv_sec * TACHO_NS_PER_S + time.tv_nsec;
}

int64_t tacho_proc_last_pid(int loadavg_fd)
{
    char text[128];
    uint64_t pid;
    ssize_t count = tacho_proc_reread(loadavg_fd, text, sizeof text);
    const char *blank = count > 0 ? memrchr(text, ' ', (size_t)count) : NULL;
    if (!blank || !tacho_proc_number(&blank, text + count, &pid))
        return -1;
    return (int64_t)pid;
}
