// How the CPU's counter maps to CLOCK_MONOTONIC: points of both, taken where time does not matter.
//
// Nothing is calibrated at start: the rate follows from the first point and the latest one, or from
// the first and a point that the reader takes itself, which is further away and so more exact.
#include "linux/linux.h"

#include <time.h>

#include "core/core.h"

#define POINT_TRIES 5
#define HZ_SPAN_NS  20000000 // shorter, and the reads' own jitter shows

static int64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// The pair that was read within the fewest ticks: one that was interrupted loses.
static void read_both(uint64_t *ticks, int64_t *host_ns)
{
    uint64_t narrowest = UINT64_MAX;
    for (int i = 0; i < POINT_TRIES; i++) {
        uint64_t before = tacho_cpu_ticks();
        int64_t now = monotonic_ns();
        uint64_t after = tacho_cpu_ticks();
        if (after - before >= narrowest)
            continue;
        narrowest = after - before;
        *ticks = before + narrowest / 2;
        *host_ns = now;
    }
}

static void set_point(struct tacho_ring_point *point, uint64_t ticks, int64_t host_ns)
{
    __atomic_store_n(&point->sequence, point->sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    point->ticks = ticks;
    point->host_ns = host_ns;
    __atomic_store_n(&point->sequence, point->sequence + 1, __ATOMIC_RELEASE);
}

void tacho_linux_clock_point(void)
{
    uint64_t ticks = 0;
    int64_t host_ns = 0;
    read_both(&ticks, &host_ns);
    if (tacho_core.header->first.host_ns == 0)
        set_point(&tacho_core.header->first, ticks, host_ns);
    set_point(&tacho_core.header->last, ticks, host_ns);
}

double tacho_linux_clock_hz(void)
{
    const struct tacho_ring_point *first = &tacho_core.header->first;
    uint64_t ticks = 0;
    int64_t host_ns = 0;
    read_both(&ticks, &host_ns);
    while (host_ns - first->host_ns < HZ_SPAN_NS) {
        const struct timespec wait = {0, HZ_SPAN_NS};
        nanosleep(&wait, NULL);
        read_both(&ticks, &host_ns);
    }
    return (double)(ticks - first->ticks) * 1e9 / (double)(host_ns - first->host_ns);
}
