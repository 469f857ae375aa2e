// The mapping of a foreign clock to the host's: see clock.h.
#include "run/clock.h"

#include <math.h>

#define MEASURED_SPAN_NS INT64_C(1000000000)

void tacho_clock_point_add(struct tacho_clock *clock, int64_t ticks, int64_t host_ns)
{
    if (clock->count && ticks <= clock->points[clock->count - 1].ticks)
        return; // out of order: tells nothing new
    if (clock->count == TACHO_CLOCK_POINTS_MAX) {
        uint32_t kept = 1;
        for (uint32_t i = 2; i < TACHO_CLOCK_POINTS_MAX - 1; i += 2)
            clock->points[kept++] = clock->points[i];
        clock->points[kept++] = clock->points[TACHO_CLOCK_POINTS_MAX - 1];
        clock->count = kept;
    }
    clock->points[clock->count++] = (struct tacho_clock_point){ticks, host_ns};
}

static int64_t extrapolate(struct tacho_clock_point from, int64_t ticks, double ns_per_tick)
{
    return from.host_ns + (int64_t)llround((double)(ticks - from.ticks) * ns_per_tick);
}

static double slope(struct tacho_clock_point a, struct tacho_clock_point b)
{
    return (double)(b.host_ns - a.host_ns) / (double)(b.ticks - a.ticks);
}

int64_t tacho_clock_to_host_ns(const struct tacho_clock *clock, int64_t ticks)
{
    double ns_per_tick = clock->hz > 0 ? 1e9 / clock->hz : 1;
    if (clock->count == 0)
        return (int64_t)llround((double)ticks * ns_per_tick);
    struct tacho_clock_point first = clock->points[0], last = clock->points[clock->count - 1];
    if (last.host_ns - first.host_ns >= MEASURED_SPAN_NS || clock->hz <= 0)
        ns_per_tick = clock->count > 1 ? slope(first, last) : ns_per_tick;
    if (ticks <= first.ticks || clock->count == 1)
        return extrapolate(first, ticks, ns_per_tick);
    if (ticks >= last.ticks)
        return extrapolate(last, ticks, ns_per_tick);
    uint32_t low = 0, high = clock->count - 1;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (clock->points[middle].ticks <= ticks)
            low = middle;
        else
            high = middle;
    }
    return extrapolate(clock->points[low], ticks, slope(clock->points[low], clock->points[high]));
}
