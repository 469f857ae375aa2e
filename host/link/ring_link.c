// Ring files on this machine.
#include "link/ring_link.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/time.h"

#define SUFFIX      ".tacho"
#define CLOCK_TRIES 9
#define START_FIELD 22

const char *tacho_ring_folder(char *text, size_t size)
{
    const char *set = getenv("TACHO_DIR");
    if (set && set[0])
        snprintf(text, size, "%s", set);
    else
        snprintf(text, size, "/dev/shm/tacho-%u", (unsigned)geteuid());
    return text;
}

// The pid of "PID.tacho" or "PID.N.tacho"; 0: another file.
static uint32_t pid_of_name(const char *name)
{
    size_t length = strlen(name);
    char *end;
    if (length <= strlen(SUFFIX) || strcmp(name + length - strlen(SUFFIX), SUFFIX) != 0)
        return 0;
    unsigned long pid = strtoul(name, &end, 10);
    return *end == '.' && pid <= INT32_MAX ? (uint32_t)pid : 0;
}

int tacho_ring_files_each(const char *folder,
                          int (*take)(void *context, const char *path, uint32_t pid), void *context,
                          struct tacho_fail *fail)
{
    char text[512];
    if (!folder)
        folder = tacho_ring_folder(text, sizeof text);
    DIR *dir = opendir(folder);
    if (!dir && errno == ENOENT)
        return 0;
    if (!dir)
        return tacho_fail_errno(fail, "cannot look for ring files in %s", folder);
    int code = 0;
    for (struct dirent *entry; code >= 0 && (entry = readdir(dir)) != NULL;) {
        char path[1024];
        uint32_t pid = pid_of_name(entry->d_name);
        if (pid == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        code = take(context, path, pid);
    }
    closedir(dir);
    return code < 0 ? code : 0;
}

static int read_at(struct tacho_ring_input *input, uint64_t offset, void *to, size_t size)
{
    const struct tacho_ring_link *link = (const void *)input;
    char *at = to;
    if (offset > INT64_MAX / 2)
        return TACHO_ERR_FORMAT;
    while (size > 0) {
        ssize_t got = pread(link->fd, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return TACHO_ERR_FORMAT;
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return 0;
}

int tacho_ring_link_open(struct tacho_ring_link *link, const char *path, struct tacho_fail *fail)
{
    struct stat status;
    memset(link, 0, sizeof *link);
    link->input.read = read_at;
    link->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    link->writable = link->fd >= 0;
    if (link->fd < 0)
        link->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (link->fd < 0)
        return tacho_fail_errno(fail, "cannot open the ring file %s", path);
    if (fstat(link->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        tacho_ring_link_close(link);
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "%s is not a regular file", path);
    }
    snprintf(link->path, sizeof link->path, "%s", path);
    return 0;
}

void tacho_ring_link_close(struct tacho_ring_link *link)
{
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
}

static int write_word(struct tacho_ring_link *link, uint64_t offset, uint32_t value,
                      struct tacho_fail *fail)
{
    if (!link->writable)
        return tacho_fail_set(fail, TACHO_ERR_PERMISSION,
                              "the ring file %s may only be read by this user", link->path);
    if (pwrite(link->fd, &value, sizeof value, (off_t)offset) != (ssize_t)sizeof value)
        return tacho_fail_errno(fail, "cannot write to the ring file %s", link->path);
    return 0;
}

int tacho_ring_link_mode_set(struct tacho_ring_link *link, uint32_t mode, uint32_t sample_one_in,
                             struct tacho_fail *fail)
{
    int code = 0;
    if (sample_one_in != 0)
        code = write_word(link, TACHO_RING_OFFSET_SAMPLE, sample_one_in, fail);
    return code < 0 ? code : write_word(link, TACHO_RING_OFFSET_MODE, mode, fail);
}

int tacho_ring_link_keep_set(struct tacho_ring_link *link, bool keep, struct tacho_fail *fail)
{
    return write_word(link, TACHO_RING_OFFSET_KEEP, keep ? TACHO_RING_KEEP : 0, fail);
}

#if defined(__x86_64__) || defined(__aarch64__)
static uint64_t counter(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#endif
}

bool tacho_ring_clock_now(uint64_t *ticks, int64_t *host_ns)
{
    uint64_t narrowest = UINT64_MAX;
    for (int i = 0; i < CLOCK_TRIES; i++) {
        uint64_t before = counter();
        int64_t now = tacho_time_monotonic_ns();
        uint64_t after = counter();
        if (after - before >= narrowest)
            continue;
        narrowest = after - before;
        *ticks = before + narrowest / 2;
        *host_ns = now;
    }
    return true;
}
#else
bool tacho_ring_clock_now(uint64_t *ticks, int64_t *host_ns)
{
    *host_ns = tacho_time_monotonic_ns();
    *ticks = (uint64_t)*host_ns;
    return false;
}
#endif

static uint64_t process_start(uint32_t pid)
{
    char path[64];
    struct tacho_buffer text = {0};
    struct tacho_fail fail = {0};
    uint64_t start = 0;
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    if (tacho_file_read(path, &text, 4096, &fail) == 0 && text.size > 0) {
        char *at = strrchr(text.data, ')');
        for (int field = 2; at && field < START_FIELD; field++) {
            at = strchr(at, ' ');
            at = at ? at + 1 : NULL;
        }
        start = at ? strtoull(at, NULL, 10) : 0;
    }
    tacho_buffer_release(&text);
    return start;
}

bool tacho_ring_is_alive(const struct tacho_ring_identity *identity)
{
    return identity->process_start != 0 && process_start(identity->pid) == identity->process_start;
}

bool tacho_ring_is_this_boot(const struct tacho_ring_identity *identity)
{
    struct tacho_buffer text = {0};
    struct tacho_fail fail = {0};
    bool same = tacho_file_read("/proc/sys/kernel/random/boot_id", &text, 128, &fail) == 0 &&
                text.size >= 36 && strncmp(text.data, identity->boot_id, 36) == 0;
    tacho_buffer_release(&text);
    return same;
}
