// Names, ids and the short forms of records: see record.h and metrics.h.
#include "run/record.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "run/metrics.h"

const struct tacho_metric_row tacho_metric_rows[] = {
#define TACHO_METRIC_ROW(name, unit, kind, direction, help)                                        \
    {#name, unit, help, TACHO_METRIC_##kind, TACHO_DIRECTION_##direction},
#include "run/metrics.def"
#undef TACHO_METRIC_ROW
};
const size_t tacho_metric_row_count = sizeof tacho_metric_rows / sizeof *tacho_metric_rows;

const struct tacho_metric_row *tacho_metric_row_find(const char *name)
{
    for (size_t i = 0; i < tacho_metric_row_count; i++)
        if (strcmp(tacho_metric_rows[i].name, name) == 0)
            return &tacho_metric_rows[i];
    return NULL;
}

const char *tacho_record_kind_name(unsigned kind)
{
    switch (kind) {
#define TACHO_EVENT(name, number, text)                                                            \
    case number:                                                                                   \
        return #name;
#include "tacho/events.def"
#undef TACHO_EVENT
    }
    return NULL;
}

uint32_t tacho_record_id_new(void)
{
    static _Atomic uint32_t last = TACHO_CLOCK_HOST;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

int tacho_sink_note(struct tacho_sink *sink, enum tacho_note_kind kind, const char *subject,
                    double value, struct tacho_fail *fail, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct tacho_record record = {
        .kind = TACHO_RECORD_NOTE,
        .time = tacho_time_monotonic_ns(),
        .note = {.kind = (uint8_t)kind, .subject = subject, .text = text, .value = value},
    };
    return tacho_sink_put(sink, &record, fail);
}

int tacho_sink_environment(struct tacho_sink *sink, const char *key, const char *value,
                           struct tacho_fail *fail)
{
    struct tacho_record record = {
        .kind = TACHO_RECORD_ENVIRONMENT,
        .time = tacho_time_monotonic_ns(),
        .environment = {.key = key, .value = value},
    };
    return tacho_sink_put(sink, &record, fail);
}

int tacho_sink_sample(struct tacho_sink *sink, uint32_t metric, int64_t time_ns, double value,
                      struct tacho_fail *fail)
{
    struct tacho_record record = {
        .kind = TACHO_RECORD_SAMPLE,
        .time = time_ns ? time_ns : tacho_time_monotonic_ns(),
        .sample = {.metric = metric, .value = value},
    };
    return tacho_sink_put(sink, &record, fail);
}

int tacho_sink_metric(struct tacho_sink *sink, const char *name, const char *subject, uint32_t *id,
                      struct tacho_fail *fail)
{
    const struct tacho_metric_row *row = tacho_metric_row_find(name);
    if (!row)
        return tacho_fail_set(fail, TACHO_ERR_INVALID, "no metric is called '%s'", name);
    *id = tacho_record_id_new();
    struct tacho_record record = {
        .kind = TACHO_RECORD_METRIC,
        .time = tacho_time_monotonic_ns(),
        .metric = {.id = *id,
                   .name = row->name,
                   .subject = subject,
                   .unit = row->unit,
                   .help = row->help,
                   .kind = row->kind,
                   .direction = row->direction},
    };
    return tacho_sink_put(sink, &record, fail);
}
