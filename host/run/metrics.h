// The table of the metrics that tacho itself measures, made from metrics.def.
#ifndef TACHO_RUN_METRICS_H
#define TACHO_RUN_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct tacho_metric_row {
    const char *name, *unit, *help;
    uint8_t kind, direction;
};

extern const struct tacho_metric_row tacho_metric_rows[];
extern const size_t tacho_metric_row_count;

// The row of `name`, or NULL.
const struct tacho_metric_row *tacho_metric_row_find(const char *name);

#endif
