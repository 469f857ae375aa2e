// Counters, gauges, histograms and events of the program's own.
//
//     TACHO_COUNTER(orders, "orders placed", "count");   // at file scope or in a block
//     TACHO_GAUGE(depth, "queue depth", "count");
//     TACHO_HISTOGRAM(sizes, "order size", "bytes");
//     ...
//     tacho_counter_add(&orders, 1);
//     tacho_gauge_set(&depth, queue->length);
//     tacho_histogram_add(&sizes, order->bytes);
//     tacho_event("cache flushed", entries);
//
// Context, time, memory, failure: as for zones (tacho/zone.h). A counter is kept per thread and
// added up when read; a gauge is one value for the process; an event keeps its instant in trace
// mode, and its number and last value always. Units: "count", "bytes", "seconds", "ratio", ...; any
// text is shown behind the number.
#ifndef TACHO_METRIC_H
#define TACHO_METRIC_H

#include "tacho/series.h"

#ifdef __cplusplus
extern "C" {
#endif

// Named as kinds of their own so that the compiler tells a counter from a gauge.
struct tacho_counter {
    struct tacho_series series;
};
struct tacho_gauge {
    struct tacho_series series;
};
struct tacho_histogram {
    struct tacho_series series;
};
struct tacho_event {
    struct tacho_series series;
};

TACHO_API void tacho_counter_add_on(struct tacho_counter *counter, int64_t amount);
TACHO_API void tacho_gauge_set_on(struct tacho_gauge *gauge, int64_t value);
TACHO_API void tacho_histogram_add_on(struct tacho_histogram *histogram, uint64_t value);
TACHO_API void tacho_event_put_on(struct tacho_event *event, int64_t value);

#ifndef TACHO_OFF
TACHO_INLINE void tacho_counter_add(struct tacho_counter *counter, int64_t amount)
{
    if (tacho_is_on())
        tacho_counter_add_on(counter, amount);
}

TACHO_INLINE void tacho_gauge_set(struct tacho_gauge *gauge, int64_t value)
{
    if (tacho_is_on())
        tacho_gauge_set_on(gauge, value);
}

// For a gauge declared with TACHO_GAUGE_DOUBLE.
TACHO_INLINE void tacho_gauge_set_double(struct tacho_gauge *gauge, double value)
{
    union {
        double value;
        int64_t bits;
    } both;
    both.value = value;
    if (tacho_is_on())
        tacho_gauge_set_on(gauge, both.bits);
}

// Values above 2^40 - 1 are counted in the last bucket; smallest, largest and sum stay exact.
TACHO_INLINE void tacho_histogram_add(struct tacho_histogram *histogram, uint64_t value)
{
    if (tacho_is_on())
        tacho_histogram_add_on(histogram, value);
}

TACHO_INLINE void tacho_event_put(struct tacho_event *event, int64_t value)
{
    if (tacho_is_on())
        tacho_event_put_on(event, value);
}

#define TACHO_METRIC_NAMED_(type, variable, name, unit, kind)                                      \
    static struct type variable = {TACHO_SERIES_INIT(name, unit, kind, 0)}
#define TACHO_COUNTER(variable, name, unit)                                                        \
    TACHO_METRIC_NAMED_(tacho_counter, variable, name, unit, TACHO_SERIES_COUNTER)
#define TACHO_GAUGE(variable, name, unit)                                                          \
    TACHO_METRIC_NAMED_(tacho_gauge, variable, name, unit, TACHO_SERIES_GAUGE)
#define TACHO_GAUGE_DOUBLE(variable, name, unit)                                                   \
    TACHO_METRIC_NAMED_(tacho_gauge, variable, name, unit, TACHO_SERIES_GAUGE_DOUBLE)
#define TACHO_HISTOGRAM(variable, name, unit)                                                      \
    TACHO_METRIC_NAMED_(tacho_histogram, variable, name, unit, TACHO_SERIES_HISTOGRAM)
// `name` is a literal: each place is one event.
#define tacho_event(name, value)                                                                   \
    do {                                                                                           \
        static struct tacho_event tacho_event_here = {                                             \
            TACHO_SERIES_INIT(name, "", TACHO_SERIES_EVENT, __func__)};                            \
        tacho_event_put(&tacho_event_here, (int64_t)(value));                                      \
    } while (0)
#else
#define TACHO_COUNTER(variable, name, unit)      TACHO_NOTHING
#define TACHO_GAUGE(variable, name, unit)        TACHO_NOTHING
#define TACHO_GAUGE_DOUBLE(variable, name, unit) TACHO_NOTHING
#define TACHO_HISTOGRAM(variable, name, unit)    TACHO_NOTHING
#define tacho_counter_add(counter, amount)       ((void)sizeof(amount))
#define tacho_gauge_set(gauge, value)            ((void)sizeof(value))
#define tacho_gauge_set_double(gauge, value)     ((void)sizeof(value))
#define tacho_histogram_add(histogram, value)    ((void)sizeof(value))
#define tacho_event_put(event, value)            ((void)sizeof(value))
#define tacho_event(name, value)                 ((void)sizeof(value))
#endif

#ifdef __cplusplus
}
#endif

#endif
