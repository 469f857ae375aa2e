// The host's clocks and deadlines: see time.h.
#include "base/time.h"

#include <limits.h>
#include <time.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * TACHO_NS_PER_S + now.tv_nsec;
}

int64_t tacho_time_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t tacho_time_unix_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t tacho_time_own_cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t tacho_time_resolution_ns(void)
{
    int64_t smallest_ns = INT64_MAX, before_ns = tacho_time_monotonic_ns();
    for (int steps = 0; steps < 64;) {
        int64_t now_ns = tacho_time_monotonic_ns();
        if (now_ns > before_ns) {
            smallest_ns = now_ns - before_ns < smallest_ns ? now_ns - before_ns : smallest_ns;
            steps++;
        }
        before_ns = now_ns;
    }
    return smallest_ns;
}

struct tacho_deadline tacho_deadline_after(int64_t span_ns)
{
    return (struct tacho_deadline){.at_ns = tacho_time_monotonic_ns() + span_ns};
}

bool tacho_deadline_passed(struct tacho_deadline deadline)
{
    return deadline.at_ns && tacho_time_monotonic_ns() >= deadline.at_ns;
}

int tacho_deadline_poll_ms(struct tacho_deadline deadline)
{
    if (!deadline.at_ns)
        return -1;
    int64_t left = deadline.at_ns - tacho_time_monotonic_ns();
    if (left <= 0)
        return 0;
    int64_t left_ms = (left + TACHO_NS_PER_MS - 1) / TACHO_NS_PER_MS; // round up: never a busy loop
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}
