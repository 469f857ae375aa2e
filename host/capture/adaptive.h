// How often to look: a period that follows the load (T18), and an allowance that keeps an expensive
// measurement below a share of the time. Both are pure state: they read no clock and no file.
#ifndef TACHO_CAPTURE_ADAPTIVE_H
#define TACHO_CAPTURE_ADAPTIVE_H

#include <stdbool.h>
#include <stdint.h>

enum tacho_adaptive_rate {
    TACHO_ADAPTIVE_BASE = 0,
    TACHO_ADAPTIVE_DOUBLE, // above 80 % CPU or 75 degrees: twice the rate
    TACHO_ADAPTIVE_HALF,   // below 20 % CPU and 50 degrees: half the rate
};

// The margins that a value must come back by before the rate changes again, so that a load that
// wavers around a limit does not make the rate waver too.
#define TACHO_ADAPTIVE_CPU_HIGH_RATIO   0.80
#define TACHO_ADAPTIVE_CPU_LOW_RATIO    0.20
#define TACHO_ADAPTIVE_CPU_MARGIN_RATIO 0.05
#define TACHO_ADAPTIVE_HIGH_CELSIUS     75.0
#define TACHO_ADAPTIVE_LOW_CELSIUS      50.0
#define TACHO_ADAPTIVE_MARGIN_CELSIUS   3.0

struct tacho_adaptive {
    int64_t base_ns;
    enum tacho_adaptive_rate rate;
    uint32_t changes; // how often the rate has changed
};

void tacho_adaptive_init(struct tacho_adaptive *adaptive, int64_t base_ns);
// Takes one observation and returns the period until the next. A value that is NaN (no thermal
// sensor, no reading yet) takes no part; with neither value the period is the base period.
int64_t tacho_adaptive_period_ns(struct tacho_adaptive *adaptive, double cpu_ratio,
                                 double temperature_celsius);

// A balance of time that fills up at `share` of the wall time and is spent by what a measurement
// really took; while it is empty the measurement waits. In the long run it costs at most `share`.
struct tacho_allowance {
    double share;       // of wall time, 0.001 is 0.1 %
    int64_t balance_ns; // may be negative: the last measurement took more than there was
    int64_t limit_ns;   // the balance does not grow beyond this
    int64_t last_ns;    // when it was last filled; 0: never
    int64_t spent_ns;   // in all
};

// `first_ns` may be spent at once, so that a short run gets at least one measurement.
void tacho_allowance_init(struct tacho_allowance *allowance, double share, int64_t first_ns);
// Fills up to the instant `now_ns`; true when there is something to spend.
bool tacho_allowance_ready(struct tacho_allowance *allowance, int64_t now_ns);
void tacho_allowance_spend(struct tacho_allowance *allowance, int64_t cost_ns);

#endif
