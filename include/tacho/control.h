// Switching the recording on and off, by environment, by the program, or by an observer.
//
// Without a word from anybody nothing is recorded. The environment variable TACHO switches it on:
//
//     TACHO=statistics             counts, times and histograms per zone, in constant memory
//     TACHO=trace                  every span into a ring per thread, the oldest overwritten
//     TACHO=detailed               both
//     TACHO=production             statistics, times of one call in 100
//     TACHO=trace,ring=4M,keep     with options:
//       sample=N         time one call in N of each zone (calls and errors are all counted)
//       process=N        record in one process of N, chosen at random when it starts (L20)
//       ring=BYTES       the ring of each thread, k and M allowed; default 1M
//       memory=BYTES     the bound of the ring file; default 256M
//       keep             leave the ring file behind when the program ends
//       dir=PATH         where the ring file is; default $TACHO_DIR, else /dev/shm/tacho-UID
//       trigger=ZONE>5ms save a snapshot when a zone took longer (ns, us, ms, s)
//       trigger=signal:USR2, trigger=exit:nonzero, trigger=exit:3
//       snapshots=N      at most so many snapshots per process; default 8
//       dump=PATH        where snapshots go; default $TACHO_DUMP_DIR, else the working directory
#ifndef TACHO_CONTROL_H
#define TACHO_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "tacho/series.h"

#ifdef __cplusplus
extern "C" {
#endif

// Bits of the mode word. The numbers are part of the ring file's format.
enum tacho_mode {
    TACHO_MODE_OFF = 0,
    TACHO_MODE_STATISTICS = 1 << 0,
    TACHO_MODE_TRACE = 1 << 1,
    TACHO_MODE_SAMPLED = 1 << 2, // time only one call in N
    TACHO_MODE_LIMITS = 1 << 3,  // hold zones against their limits
    TACHO_MODE_DETAILED = TACHO_MODE_STATISTICS | TACHO_MODE_TRACE,
    TACHO_MODE_PRODUCTION = TACHO_MODE_STATISTICS | TACHO_MODE_SAMPLED,
};

// Zero means default for each.
struct tacho_config {
    uint32_t mode;             // enum tacho_mode bits; 0: statistics
    uint32_t sample_one_in;    // 0: every call, or 100 with TACHO_MODE_SAMPLED
    uint64_t ring_bytes;       // per thread; takes effect for threads that have no ring yet
    uint64_t memory_bytes_max; // of the ring file; takes effect before the first zone only
};

#ifndef TACHO_OFF
// Switches the recording on with `config` (NULL: statistics).
// Context: any thread. Returns 0 or TACHO_ERR_* (no memory for the ring file).
TACHO_API int tacho_start(const struct tacho_config *config);
// Switches the recording off; what was recorded stays readable. Zones that are open still end.
TACHO_API void tacho_stop(void);
// Saves a snapshot of everything recorded to the file `path` (NULL: as triggers do). The snapshot
// is read as the ring file is. Context: not in a signal handler. Returns 0 or TACHO_ERR_*.
TACHO_API int tacho_dump(const char *path);
// Holds the zones named `zone` against a limit: an execution that took longer is counted, and saves
// a snapshot (at most the configured number per process). 0 removes the limit.
TACHO_API int tacho_zone_limit_set(const char *zone, uint64_t limit_ns);
// The path of this process's ring file; "" where it has none (then everything is in memory).
TACHO_API const char *tacho_ring_path(void);
#else
#define tacho_start(config)                  (0)
#define tacho_stop()                         ((void)0)
#define tacho_dump(path)                     (0)
#define tacho_zone_limit_set(zone, limit_ns) (0)
#define tacho_ring_path()                    ("")
#endif

#ifdef __cplusplus
}
#endif

#endif
