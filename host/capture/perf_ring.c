// Reads the kernel's performance event rings as one stream.
#include "capture/perf_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RING_BYTES_MIN ((size_t)32 << 10)
#define RECORD_MAX     65536u

static void dummy_attributes(struct perf_event_attr *attributes, size_t bytes)
{
    memset(attributes, 0, sizeof *attributes);
    attributes->size = sizeof *attributes;
    attributes->type = PERF_TYPE_SOFTWARE;
    attributes->config = PERF_COUNT_SW_DUMMY;
    attributes->sample_type = TACHO_PERF_SAMPLE_ID;
    attributes->sample_period = 1;
    attributes->exclude_kernel = 1;
    attributes->use_clockid = 1;
    attributes->clockid = CLOCK_MONOTONIC;
    attributes->watermark = 1;
    attributes->wakeup_watermark = (uint32_t)(bytes / 2);
}

// The limit on locked memory is per user and shared with other tools, so less is asked for each
// time.
static int map_ring(struct tacho_perf_ring *ring, size_t *bytes, struct tacho_fail *fail)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (;; *bytes /= 2) {
        struct perf_event_attr attributes;
        dummy_attributes(&attributes, *bytes);
        ring->fd =
            (int)syscall(SYS_perf_event_open, &attributes, 0, ring->cpu, -1, PERF_FLAG_FD_CLOEXEC);
        if (ring->fd < 0)
            return tacho_fail_errno(fail, "perf_event_open for CPU %d", ring->cpu);
        void *memory = mmap(NULL, page + *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
        if (memory != MAP_FAILED) {
            ring->page = memory;
            ring->size = *bytes;
            return 0;
        }
        int number = errno;
        close(ring->fd);
        ring->fd = -1;
        errno = number;
        if (*bytes / 2 < RING_BYTES_MIN || (number != EPERM && number != ENOMEM))
            return tacho_fail_errno(fail, "no memory for the ring of CPU %d", ring->cpu);
    }
}

static void ring_close(const struct tacho_perf_ring *ring)
{
    munmap(ring->page, (size_t)sysconf(_SC_PAGESIZE) + ring->size);
    close(ring->fd);
}

int tacho_perf_rings_add(struct tacho_perf_rings *rings, size_t bytes, struct tacho_fail *fail)
{
    long count = sysconf(_SC_NPROCESSORS_CONF);
    size_t before = rings->items.count;
    for (int cpu = 0; cpu < count; cpu++) {
        struct tacho_perf_ring ring = {.fd = -1, .cpu = cpu};
        struct epoll_event event = {.events = EPOLLIN};
        if (map_ring(&ring, &bytes, fail) < 0) {
            if (errno == ENODEV || errno == ENXIO) // that CPU is offline
                continue;
            while (rings->items.count > before)
                ring_close(&rings->items.items[--rings->items.count]);
            return fail->code;
        }
        (void)epoll_ctl(rings->epoll_fd, EPOLL_CTL_ADD, ring.fd, &event);
        tacho_array_push(&rings->items, ring);
    }
    rings->set_size = rings->items.count - before;
    if (rings->set_size)
        return 0;
    return tacho_fail_set(fail, TACHO_ERR_UNSUPPORTED, "perf_event_open finds no CPU");
}

int tacho_perf_rings_open(struct tacho_perf_rings *rings, size_t bytes, struct tacho_fail *fail)
{
    memset(rings, 0, sizeof *rings);
    rings->reading = SIZE_MAX;
    rings->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    rings->wrapped = malloc(RECORD_MAX);
    if (rings->epoll_fd < 0 || !rings->wrapped)
        tacho_fail_errno(fail, "cannot wait for samples");
    else if (tacho_perf_rings_add(rings, bytes, fail) == 0)
        return 0;
    tacho_perf_rings_close(rings);
    return fail->code;
}

void tacho_perf_rings_close(struct tacho_perf_rings *rings)
{
    for (size_t i = 0; i < rings->items.count; i++)
        ring_close(&rings->items.items[i]);
    tacho_array_release(&rings->items);
    if (rings->epoll_fd > 0)
        close(rings->epoll_fd);
    free(rings->wrapped);
    memset(rings, 0, sizeof *rings);
}

static void ring_copy(const struct tacho_perf_ring *ring, uint64_t at, void *to, size_t size)
{
    const uint8_t *data = (const uint8_t *)ring->page + ring->page->data_offset;
    size_t place = at & (ring->size - 1);
    size_t first = size < ring->size - place ? size : ring->size - place;
    memcpy(to, data + place, first);
    memcpy((uint8_t *)to + first, data, size - first);
}

static void release(struct tacho_perf_ring *ring)
{
    __atomic_store_n(&ring->page->data_tail, ring->tail, __ATOMIC_RELEASE);
}

// Looks at the record at the tail. What makes no sense ends the reading of what is there: the
// kernel writes sound records, so nothing behind it could be trusted either.
static void peek(struct tacho_perf_rings *rings, struct tacho_perf_ring *ring)
{
    struct perf_event_header header;
    uint64_t left = ring->head - ring->tail, place;
    size_t least = sizeof header + sizeof(struct tacho_perf_record_id);
    ring->next_size = 0;
    if (left < sizeof header)
        return;
    ring_copy(ring, ring->tail, &header, sizeof header);
    if (header.type == PERF_RECORD_SAMPLE)
        least = sizeof(struct tacho_perf_sample_head);
    if (header.size < least || header.size > left) {
        rings->damaged += left;
        ring->tail = ring->head;
        release(ring);
        return;
    }
    place = header.type == PERF_RECORD_SAMPLE ? offsetof(struct tacho_perf_sample_head, time)
                                              : header.size - sizeof(struct tacho_perf_record_id) +
                                                    offsetof(struct tacho_perf_record_id, time);
    ring_copy(ring, ring->tail + place, &ring->next_time, sizeof ring->next_time);
    ring->next_size = header.size;
}

void tacho_perf_rings_begin(struct tacho_perf_rings *rings)
{
    for (size_t i = 0; i < rings->items.count; i++) {
        struct tacho_perf_ring *ring = &rings->items.items[i];
        ring->head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
        if (!ring->next_size)
            peek(rings, ring);
    }
}

static const struct perf_event_header *hand_out(struct tacho_perf_rings *rings,
                                                const struct tacho_perf_ring *ring)
{
    const uint8_t *data = (const uint8_t *)ring->page + ring->page->data_offset;
    size_t place = ring->tail & (ring->size - 1);
    if (place + ring->next_size <= ring->size)
        return (const struct perf_event_header *)(const void *)(data + place);
    ring_copy(ring, ring->tail, rings->wrapped, ring->next_size);
    return (const struct perf_event_header *)(const void *)rings->wrapped;
}

const struct perf_event_header *tacho_perf_rings_next(struct tacho_perf_rings *rings,
                                                      uint64_t until_ns)
{
    size_t oldest = SIZE_MAX;
    if (rings->reading != SIZE_MAX) {
        struct tacho_perf_ring *ring = &rings->items.items[rings->reading];
        ring->tail += ring->next_size;
        release(ring);
        peek(rings, ring);
        rings->reading = SIZE_MAX;
    }
    for (size_t i = 0; i < rings->items.count; i++) {
        const struct tacho_perf_ring *ring = &rings->items.items[i];
        if (ring->next_size &&
            (oldest == SIZE_MAX || ring->next_time < rings->items.items[oldest].next_time))
            oldest = i;
    }
    if (oldest == SIZE_MAX || rings->items.items[oldest].next_time >= until_ns)
        return NULL;
    rings->reading = oldest;
    return hand_out(rings, &rings->items.items[oldest]);
}

const struct tacho_perf_record_id *tacho_perf_record_id_of(const struct perf_event_header *header)
{
    if (header->size < sizeof *header + sizeof(struct tacho_perf_record_id))
        return NULL;
    return (const struct tacho_perf_record_id *)(const void *)((const uint8_t *)header +
                                                               header->size -
                                                               sizeof(struct tacho_perf_record_id));
}
