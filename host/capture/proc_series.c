// Describing series when first needed and leaving out samples that say nothing: see proc_series.h.
#include "proc_series.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "run/metrics.h"

void tacho_series_set_init(struct tacho_series_set *set, struct tacho_sink *sink,
                           const char *subject, bool sparse)
{
    memset(set, 0, sizeof *set);
    set->sink = sink;
    set->sparse = sparse;
    snprintf(set->subject, sizeof set->subject, "%s", subject);
}

static int push(struct tacho_series_set *set, struct tacho_series *series, int64_t time_ns,
                double value, struct tacho_fail *fail)
{
    series->value = value;
    series->pushed_ns = series->seen_ns = time_ns;
    return tacho_sink_sample(set->sink, series->id, time_ns, value, fail);
}

static bool is_same(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a <= b && a >= b);
}

int tacho_series_push(struct tacho_series_set *set, enum tacho_metric_at metric, int64_t time_ns,
                      double value, struct tacho_fail *fail)
{
    struct tacho_series *series = &set->items[metric];
    bool same = is_same(value, series->value);
    if (set->sparse && same && (series->id != 0 || is_same(value, 0))) {
        series->seen_ns = time_ns;
        return 0;
    }
    if (series->id == 0 && tacho_sink_metric(set->sink, tacho_metric_rows[metric].name,
                                             set->subject, &series->id, fail) < 0)
        return fail->code;
    if (!same && series->seen_ns > series->pushed_ns &&
        push(set, series, series->seen_ns, series->value, fail) < 0)
        return fail->code;
    return push(set, series, time_ns, value, fail);
}

void tacho_series_hold(struct tacho_series_set *set, int64_t time_ns)
{
    for (int i = 0; i < TACHO_AT_COUNT; i++)
        if (set->items[i].seen_ns > 0 && time_ns > set->items[i].seen_ns)
            set->items[i].seen_ns = time_ns;
}

int tacho_series_flush(struct tacho_series_set *set, struct tacho_fail *fail)
{
    for (int i = 0; i < TACHO_AT_COUNT; i++) {
        struct tacho_series *series = &set->items[i];
        if (series->id != 0 && series->seen_ns > series->pushed_ns &&
            push(set, series, series->seen_ns, series->value, fail) < 0)
            return fail->code;
    }
    return 0;
}
