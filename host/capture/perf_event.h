// Opens performance events for threads, on every CPU, with their records going to the rings.
#ifndef TACHO_CAPTURE_PERF_EVENT_H
#define TACHO_CAPTURE_PERF_EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/map.h"
#include "capture/perf_ring.h"

// The registers in a sample, in the order the kernel writes them (ascending bit).
#define TACHO_PERF_REGISTER_COUNT 17
extern const uint8_t tacho_perf_register_order[TACHO_PERF_REGISTER_COUNT]; // DWARF numbers

// What this kernel permits this user, found by trying.
struct tacho_perf_support {
    bool permitted; // perf_event_open works at all
    bool cycles;    // the machine counts cycles
    bool kernel;    // kernel stacks may be sampled
    bool off_cpu;   // context switches may be sampled with their stacks
    int error;      // errno where nothing is permitted
    int paranoid;   // kernel.perf_event_paranoid; INT_MIN: not readable
};
void tacho_perf_support_probe(struct tacho_perf_support *support);

struct tacho_perf_config {
    bool cycles, kernel, kernel_stacks;
    double rate_hz;
    uint32_t stack_bytes;
};

enum tacho_perf_purpose { TACHO_PERF_CPU = 1, TACHO_PERF_OFF_CPU = 2 };

// Events of one purpose and one size of stack copies, on any number of threads.
struct tacho_perf_events {
    enum tacho_perf_purpose purpose;
    struct tacho_perf_config config;
    size_t ring_set; // which set of the rings they write to: 0 or 1
    TACHO_ARRAY(int) fds;
};

// Adds the events of one thread, which its children inherit. `on_exec`: they begin when it calls
// exec. `ids` gets the id of each event with the value `mark`. TACHO_ERR_NOT_FOUND: the thread is
// gone.
int tacho_perf_events_add(struct tacho_perf_events *events, const struct tacho_perf_rings *rings,
                          pid_t tid, bool on_exec, struct tacho_map *ids, uint64_t mark,
                          struct tacho_fail *fail);
// For how long the events were counting, with those of the threads that inherited them: the CPU
// time of the threads since the events were added.
uint64_t tacho_perf_events_running_ns(const struct tacho_perf_events *events);
void tacho_perf_events_close(struct tacho_perf_events *events);

#endif
