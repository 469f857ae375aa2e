// The host's clocks and deadlines. All times are nanoseconds.
#ifndef TACHO_BASE_TIME_H
#define TACHO_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define TACHO_NS_PER_S  INT64_C(1000000000)
#define TACHO_NS_PER_MS INT64_C(1000000)
#define TACHO_NS_PER_US INT64_C(1000)

int64_t tacho_time_monotonic_ns(void); // CLOCK_MONOTONIC: the host clock of every run
int64_t tacho_time_unix_ns(void);      // CLOCK_REALTIME
int64_t tacho_time_own_cpu_ns(void);   // CPU time of this process: tacho's own overhead
// The smallest step seen between readings of CLOCK_MONOTONIC that follow each other.
int64_t tacho_time_resolution_ns(void);

// An absolute bound; zero is "none".
struct tacho_deadline {
    int64_t at_ns; // CLOCK_MONOTONIC; 0: never
};
struct tacho_deadline tacho_deadline_after(int64_t span_ns);
bool tacho_deadline_passed(struct tacho_deadline deadline);
// Milliseconds left for poll(2): -1 for never, 0 when passed.
int tacho_deadline_poll_ms(struct tacho_deadline deadline);

#endif
