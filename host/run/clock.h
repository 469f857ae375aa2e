// How a foreign clock maps to the host's: mapping points kept, times between them interpolated.
#ifndef TACHO_RUN_CLOCK_H
#define TACHO_RUN_CLOCK_H

#include <stdint.h>

#define TACHO_CLOCK_POINTS_MAX 64

struct tacho_clock_point {
    int64_t ticks, host_ns;
};

struct tacho_clock {
    double hz;
    uint32_t count;
    struct tacho_clock_point points[TACHO_CLOCK_POINTS_MAX]; // ascending ticks
};

// Adds a point. When the table is full every second inner point is dropped, so that the first and
// the latest stay.
void tacho_clock_point_add(struct tacho_clock *clock, int64_t ticks, int64_t host_ns);
// Host nanoseconds of `ticks`: between two points linear; outside them with the frequency `hz`, or,
// with at least two points a second apart, with the measured one. No point: ticks / hz.
int64_t tacho_clock_to_host_ns(const struct tacho_clock *clock, int64_t ticks);

#endif
