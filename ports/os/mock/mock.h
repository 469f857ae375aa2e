// The OS port for tests: memory and lock that do what the test says.
#ifndef TACHO_PORTS_MOCK_H
#define TACHO_PORTS_MOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tacho_mock {
    bool lock_refused;    // the next locks cannot be had
    bool grow_refused;    // the region keeps the size it has
    bool ready_refused;   // no region can be had
    unsigned locks, held; // taken so far, held now
    uint32_t tid;         // of the thread that starts next
    uint32_t over_limit;  // the series that last took too long
    unsigned over_limit_count;
};
extern struct tacho_mock tacho_mock;

// A fresh region of `bytes` (backed) in `memory`, which may grow to `bytes_max`; ring of each
// thread. Also makes the calling thread forget its slot.
void tacho_mock_begin(void *memory, size_t bytes, size_t bytes_max, size_t ring_bytes);
// The next zone is of another thread.
void tacho_mock_thread_next(void);
void tacho_mock_thread_end(void);

#endif
