// A performance event that notes exec, and a breakpoint on the entry point: see start_perf.h,
// perf_event_open(2).
#include "start_perf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

#define AUXV_MAX          64 // entries; there are about 22
#define RECORD_MAX        4096
#define ENTRY_PATIENCE_NS (2 * TACHO_NS_PER_MS)

struct auxv_entry { // of a program with the word size of this one
    unsigned long type, value;
};

static int open_event(struct perf_event_attr *attributes, pid_t pid)
{
    attributes->size = sizeof *attributes;
    attributes->exclude_kernel = 1;
    attributes->exclude_hv = 1;
    attributes->use_clockid = 1;
    attributes->clockid = CLOCK_MONOTONIC;
    attributes->sample_type = PERF_SAMPLE_TIME;
    attributes->sample_id_all = 1;
    return (int)syscall(SYS_perf_event_open, attributes, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

void tacho_start_perf_open(struct tacho_start_perf *perf, pid_t pid)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_DUMMY, .comm = 1, .comm_exec = 1};
    size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
    *perf = (struct tacho_start_perf){.event_fd = -1, .breakpoint_fd = -1};
    perf->event_fd = open_event(&attributes, pid);
    if (perf->event_fd < 0) {
        perf->error = errno;
        return;
    }
    perf->ring_size = 2 * page_size;
    perf->ring = mmap(NULL, perf->ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, perf->event_fd, 0);
    if (perf->ring == MAP_FAILED) {
        perf->error = errno;
        perf->ring = NULL;
        tacho_start_perf_close(perf);
    }
}

// The entry point from the vector the kernel gave the program; 0: not to be had, or not yet.
static unsigned long read_entry(struct tacho_start_perf *perf, pid_t pid)
{
    struct auxv_entry entries[AUXV_MAX];
    char path[64];
    unsigned long entry = 0, loader = 0;
    snprintf(path, sizeof path, "/proc/%d/auxv", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t size = read(fd, entries, sizeof entries);
    close(fd);
    for (ssize_t i = 0; i < size / (ssize_t)sizeof *entries; i++) {
        if (entries[i].type == AT_ENTRY)
            entry = entries[i].value;
        if (entries[i].type == AT_BASE)
            loader = entries[i].value;
    }
    perf->is_static = entry != 0 && loader == 0;
    return entry;
}

// The end of exec is seen a little before the kernel has made the vector, so this tries for a
// moment.
static unsigned long find_entry(struct tacho_start_perf *perf, pid_t pid)
{
    int64_t end_ns = tacho_time_monotonic_ns() + ENTRY_PATIENCE_NS;
    unsigned long entry;
    while ((entry = read_entry(perf, pid)) == 0 && tacho_time_monotonic_ns() < end_ns)
        sched_yield();
    return entry;
}

void tacho_start_perf_executed(struct tacho_start_perf *perf, pid_t pid)
{
    struct perf_event_attr attributes = {.type = PERF_TYPE_BREAKPOINT,
                                         .bp_type = HW_BREAKPOINT_X,
                                         .bp_len = sizeof(long),
                                         .sample_period = 1};
    if (perf->event_fd < 0)
        return;
    attributes.bp_addr = find_entry(perf, pid);
    if (attributes.bp_addr == 0 || perf->is_static)
        return;
    perf->breakpoint_fd = open_event(&attributes, pid);
    if (perf->breakpoint_fd < 0) {
        perf->error = errno;
        return;
    }
    if (ioctl(perf->breakpoint_fd, PERF_EVENT_IOC_SET_OUTPUT, perf->event_fd) < 0) {
        perf->error = errno;
        close(perf->breakpoint_fd);
        perf->breakpoint_fd = -1;
    }
}

// Copies `size` bytes at `at` out of the ring's data, which is one page.
static void ring_copy(const char *data, size_t data_size, uint64_t at, void *to, size_t size)
{
    size_t start = (size_t)(at % data_size);
    size_t first = size < data_size - start ? size : data_size - start;
    memcpy(to, data + start, first);
    memcpy((char *)to + first, data, size - first);
}

// Every record ends with its time, or is a sample that has nothing else.
static void take_record(struct tacho_start_perf *perf, const struct perf_event_header *header,
                        const char *record)
{
    uint64_t time;
    memcpy(&time, record + header->size - sizeof time, sizeof time);
    if (header->type == PERF_RECORD_COMM && header->misc & PERF_RECORD_MISC_COMM_EXEC &&
        !perf->exec_ns)
        perf->exec_ns = (int64_t)time;
    if (header->type == PERF_RECORD_SAMPLE && !perf->entry_ns)
        perf->entry_ns = (int64_t)time;
}

bool tacho_start_perf_take(struct tacho_start_perf *perf)
{
    struct perf_event_mmap_page *page = perf->ring;
    if (!page)
        return true;
    size_t data_size = perf->ring_size / 2;
    const char *data = (const char *)perf->ring + data_size;
    uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
    uint64_t tail = page->data_tail;
    while (head - tail >= sizeof(struct perf_event_header) && head - tail <= data_size) {
        struct perf_event_header header;
        char record[RECORD_MAX];
        ring_copy(data, data_size, tail, &header, sizeof header);
        if (header.size < sizeof header + sizeof(uint64_t) || header.size > head - tail ||
            header.size > sizeof record)
            break;
        ring_copy(data, data_size, tail, record, header.size);
        take_record(perf, &header, record);
        tail += header.size;
    }
    __atomic_store_n(&page->data_tail, head, __ATOMIC_RELEASE);
    if (perf->entry_ns && perf->breakpoint_fd >= 0) {
        close(perf->breakpoint_fd);
        perf->breakpoint_fd = -1;
    }
    return perf->exec_ns && (perf->entry_ns || perf->breakpoint_fd < 0);
}

void tacho_start_perf_close(struct tacho_start_perf *perf)
{
    if (perf->breakpoint_fd >= 0)
        close(perf->breakpoint_fd);
    if (perf->ring)
        munmap(perf->ring, perf->ring_size);
    if (perf->event_fd >= 0)
        close(perf->event_fd);
    perf->event_fd = perf->breakpoint_fd = -1;
    perf->ring = NULL;
}
