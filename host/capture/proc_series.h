// Series by metric of metrics.def: described when first needed, and thinned without loss.
#ifndef TACHO_CAPTURE_PROC_SERIES_H
#define TACHO_CAPTURE_PROC_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "run/record.h"

enum tacho_metric_at { // the place of each metric in metrics.def
#define TACHO_METRIC_ROW(name, unit, kind, direction, help) TACHO_AT_##name,
#include "run/metrics.def"
#undef TACHO_METRIC_ROW
    TACHO_AT_COUNT
};

#define TACHO_SERIES_SUBJECT_MAX 96

struct tacho_series {
    uint32_t id; // 0: not described yet
    double value;
    int64_t pushed_ns, seen_ns; // the last sample that was pushed, and the last with that value
};

// The series of one subject. A sparse set (processes, threads) leaves out series that are zero all
// the time, and of a value that stays the same keeps the first and the last sample: the line
// through the samples is the same. A set that is not sparse (run, host) pushes every sample.
struct tacho_series_set {
    struct tacho_sink *sink;
    bool sparse;
    char subject[TACHO_SERIES_SUBJECT_MAX];
    struct tacho_series items[TACHO_AT_COUNT];
};

void tacho_series_set_init(struct tacho_series_set *set, struct tacho_sink *sink,
                           const char *subject, bool sparse);
int tacho_series_push(struct tacho_series_set *set, enum tacho_metric_at metric, int64_t time_ns,
                      double value, struct tacho_fail *fail);
// Every value that was there is known to have stayed the same up to `time_ns`.
void tacho_series_hold(struct tacho_series_set *set, int64_t time_ns);
// Pushes the last sample of each series that was left out, so that every series lasts to its end.
int tacho_series_flush(struct tacho_series_set *set, struct tacho_fail *fail);

#endif
