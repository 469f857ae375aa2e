// The period that follows the load, and the allowance of expensive measurements.
#include "adaptive.h"

#include <math.h>

// An allowance that was not used for long is worth at most this much of its share.
#define ALLOWANCE_SPAN_NS 10e9

void tacho_adaptive_init(struct tacho_adaptive *adaptive, int64_t base_ns)
{
    *adaptive = (struct tacho_adaptive){.base_ns = base_ns};
}

// True when a value is above its limit, or was and has not come back by the margin yet. NaN is not.
static bool is_high(double value, double limit, double margin, bool was)
{
    return value > (was ? limit - margin : limit);
}

static bool is_low(double value, double limit, double margin, bool was)
{
    return isnan(value) || value < (was ? limit + margin : limit);
}

static enum tacho_adaptive_rate next_rate(enum tacho_adaptive_rate rate, double cpu_ratio,
                                          double celsius)
{
    bool fast = rate == TACHO_ADAPTIVE_DOUBLE;
    bool slow = rate == TACHO_ADAPTIVE_HALF;
    if (is_high(cpu_ratio, TACHO_ADAPTIVE_CPU_HIGH_RATIO, TACHO_ADAPTIVE_CPU_MARGIN_RATIO, fast) ||
        is_high(celsius, TACHO_ADAPTIVE_HIGH_CELSIUS, TACHO_ADAPTIVE_MARGIN_CELSIUS, fast))
        return TACHO_ADAPTIVE_DOUBLE;
    if (isnan(cpu_ratio))
        return TACHO_ADAPTIVE_BASE;
    if (is_low(cpu_ratio, TACHO_ADAPTIVE_CPU_LOW_RATIO, TACHO_ADAPTIVE_CPU_MARGIN_RATIO, slow) &&
        is_low(celsius, TACHO_ADAPTIVE_LOW_CELSIUS, TACHO_ADAPTIVE_MARGIN_CELSIUS, slow))
        return TACHO_ADAPTIVE_HALF;
    return TACHO_ADAPTIVE_BASE;
}

int64_t tacho_adaptive_period_ns(struct tacho_adaptive *adaptive, double cpu_ratio,
                                 double temperature_celsius)
{
    enum tacho_adaptive_rate rate = next_rate(adaptive->rate, cpu_ratio, temperature_celsius);
    if (rate != adaptive->rate) {
        adaptive->rate = rate;
        adaptive->changes++;
    }
    if (rate == TACHO_ADAPTIVE_DOUBLE)
        return adaptive->base_ns / 2;
    return rate == TACHO_ADAPTIVE_HALF ? adaptive->base_ns * 2 : adaptive->base_ns;
}

void tacho_allowance_init(struct tacho_allowance *allowance, double share, int64_t first_ns)
{
    int64_t limit_ns = (int64_t)(share * ALLOWANCE_SPAN_NS);
    *allowance = (struct tacho_allowance){.share = share,
                                          .balance_ns = first_ns,
                                          .limit_ns = limit_ns > first_ns ? limit_ns : first_ns};
}

bool tacho_allowance_ready(struct tacho_allowance *allowance, int64_t now_ns)
{
    if (allowance->last_ns != 0 && now_ns > allowance->last_ns) {
        allowance->balance_ns +=
            (int64_t)(allowance->share * (double)(now_ns - allowance->last_ns));
        if (allowance->balance_ns > allowance->limit_ns)
            allowance->balance_ns = allowance->limit_ns;
    }
    allowance->last_ns = now_ns;
    return allowance->balance_ns > 0;
}

void tacho_allowance_spend(struct tacho_allowance *allowance, int64_t cost_ns)
{
    allowance->balance_ns -= cost_ns;
    allowance->spent_ns += cost_ns;
}
