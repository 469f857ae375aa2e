// The rings that the kernel writes performance events into, one for each CPU, read as one stream in
// the order of time.
//
// Each ring belongs to an event of this process that counts nothing, so that events can come and go
// (tacho_perf_ring_fd is what PERF_EVENT_IOC_SET_OUTPUT wants) while the ring stays. Records are
// read in place; one that wraps around the end is copied. Source: perf_event_open(2), "MMAP
// layout".
#ifndef TACHO_CAPTURE_PERF_RING_H
#define TACHO_CAPTURE_PERF_RING_H

#include <linux/perf_event.h>
#include <stdint.h>

#include "base/array.h"
#include "base/fail.h"

// Every record ends with what sample_id_all appends, in this order; a sample begins with its own.
#define TACHO_PERF_SAMPLE_ID (PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_IDENTIFIER)

struct tacho_perf_record_id { // behind every record that is not a sample
    uint32_t pid, tid;
    uint64_t time;
    uint64_t id; // of the event that wrote it
};

struct tacho_perf_sample_head { // in front of every sample
    struct perf_event_header header;
    uint64_t id;
    uint64_t ip;
    uint32_t pid, tid;
    uint64_t time;
};

struct tacho_perf_ring {
    int fd, cpu;
    struct perf_event_mmap_page *page;
    size_t size;         // of the data, a power of two
    uint64_t head, tail; // what there is, what was read
    uint64_t next_time;  // of the record at the tail
    uint64_t next_size;  // 0: nothing there
};

struct tacho_perf_rings {
    TACHO_ARRAY(struct tacho_perf_ring) items; // the first set, then the second if there is one
    size_t set_size;                           // rings in a set: CPUs that are online
    int epoll_fd;                              // readable when a ring is half full
    uint64_t damaged;                          // bytes skipped because they made no sense
    size_t reading;   // the ring whose record was handed out, SIZE_MAX: none
    uint8_t *wrapped; // room for a record that goes around the end
};

// A ring for each CPU that is online, each with room for `bytes` if the limits permit, else less.
int tacho_perf_rings_open(struct tacho_perf_rings *rings, size_t bytes, struct tacho_fail *fail);
// A second set, for events whose flood must not push out those of the first.
int tacho_perf_rings_add(struct tacho_perf_rings *rings, size_t bytes, struct tacho_fail *fail);
void tacho_perf_rings_close(struct tacho_perf_rings *rings);

// Looks what there is. Then tacho_perf_rings_next hands out the records older than `until_ns`,
// oldest first, NULL when there are no more; a record is valid until the next call.
void tacho_perf_rings_begin(struct tacho_perf_rings *rings);
const struct perf_event_header *tacho_perf_rings_next(struct tacho_perf_rings *rings,
                                                      uint64_t until_ns);

// What stands behind a record that is not a sample; NULL when the record is too short for it.
const struct tacho_perf_record_id *tacho_perf_record_id_of(const struct perf_event_header *header);

#endif
