// The directory of a ring file: describing zones and metrics, and taking samples of the metrics.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode/ring_reader.h"
#include "tacho/histogram.h"

enum { VALUE_COUNT = 0, VALUE_MEAN = 1, VALUE_P50 = 2, VALUE_P99 = 3, VALUE_MAX = 4, VALUES = 5 };

#define P99_NEEDS 100u

static int read_entry(struct tacho_ring_reader *reader, uint32_t id,
                      struct tacho_ring_series *entry)
{
    uint32_t chunk = reader->header.directory[(id - 1) / TACHO_RING_DIRECTORY_CHUNK];
    if (chunk == 0)
        return TACHO_ERR_FORMAT;
    return tacho_reader_get(
        reader, tacho_reader_offset(chunk) + (id - 1) % TACHO_RING_DIRECTORY_CHUNK * sizeof *entry,
        entry, sizeof *entry);
}

static int push_zone(struct tacho_ring_reader *reader, struct tacho_reader_series *series,
                     const struct tacho_ring_series *entry, struct tacho_sink *sink,
                     struct tacho_fail *fail)
{
    char file[TACHO_READER_TEXT_MAX], function[TACHO_READER_TEXT_MAX];
    struct tacho_record record = {.kind = TACHO_RECORD_ZONE};
    tacho_reader_text(reader, entry->file, file);
    tacho_reader_text(reader, entry->function, function);
    series->zone = tacho_record_id_new();
    record.zone.id = series->zone;
    record.zone.name = series->name;
    record.zone.file = file[0] ? file : NULL;
    record.zone.function = function[0] ? function : NULL;
    record.zone.line = entry->line;
    record.zone.address = entry->address;
    record.zone.pid = reader->identity.pid;
    return tacho_sink_put(sink, &record, fail);
}

static int push_metric(struct tacho_ring_reader *reader, struct tacho_reader_series *series,
                       int value, const char *suffix, const char *unit, uint8_t kind,
                       struct tacho_sink *sink, struct tacho_fail *fail)
{
    struct tacho_buffer name = {0}, subject = {0};
    const char *slash = strrchr(reader->identity.executable, '/');
    struct tacho_record record = {.kind = TACHO_RECORD_METRIC};
    tacho_buffer_printf(&name, "%s%s", series->name, suffix);
    tacho_buffer_printf(&subject, "process %u%s%s", reader->identity.pid, slash ? " " : "",
                        slash ? slash + 1 : "");
    series->metrics[value] = tacho_record_id_new();
    record.metric.id = series->metrics[value];
    record.metric.name = name.data;
    record.metric.subject = subject.data;
    record.metric.unit = unit;
    record.metric.kind = kind;
    int code = tacho_sink_put(sink, &record, fail);
    tacho_buffer_release(&name);
    tacho_buffer_release(&subject);
    return code;
}

static int push_metrics(struct tacho_ring_reader *reader, struct tacho_reader_series *series,
                        struct tacho_sink *sink, struct tacho_fail *fail)
{
    static const char *const suffixes[VALUES] = {" count", " mean", " p50", " p99", " max"};
    const char *unit = series->unit[0] ? series->unit : "count";
    int code = 0;
    switch (series->kind) {
    case TACHO_SERIES_COUNTER:
    case TACHO_SERIES_EVENT:
        return push_metric(reader, series, VALUE_COUNT, "", unit, TACHO_METRIC_COUNTER, sink, fail);
    case TACHO_SERIES_GAUGE:
    case TACHO_SERIES_GAUGE_DOUBLE:
        return push_metric(reader, series, VALUE_COUNT, "", unit, TACHO_METRIC_GAUGE, sink, fail);
    case TACHO_SERIES_HISTOGRAM:
        for (int i = 0; i < VALUES && code == 0; i++)
            code = push_metric(reader, series, i, suffixes[i], i == VALUE_COUNT ? "count" : unit,
                               i == VALUE_COUNT ? TACHO_METRIC_COUNTER : TACHO_METRIC_GAUGE, sink,
                               fail);
        return code;
    default:
        return 0; // a kind of a newer tacho
    }
}

// The first series that is the same metric: one name in several files of the program.
static uint32_t find_same(const struct tacho_ring_reader *reader,
                          const struct tacho_reader_series *series)
{
    for (uint32_t i = 0; i < reader->series.count; i++) {
        const struct tacho_reader_series *other = &reader->series.items[i];
        if (other->kind == series->kind && strcmp(other->name, series->name) == 0 &&
            strcmp(other->unit, series->unit) == 0)
            return i;
    }
    return (uint32_t)reader->series.count;
}

int tacho_reader_series_push(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                             struct tacho_fail *fail)
{
    int code = 0;
    while (code == 0 && reader->series.count < reader->header.series_count) {
        uint32_t id = (uint32_t)reader->series.count + 1;
        struct tacho_ring_series entry;
        char text[TACHO_READER_TEXT_MAX];
        if (read_entry(reader, id, &entry) < 0)
            return tacho_fail_set(fail, TACHO_ERR_FORMAT,
                                  "entry %u of the ring file's directory is damaged", id);
        struct tacho_reader_series series = {.kind = entry.kind};
        tacho_reader_text(reader, entry.name, text);
        series.name = strdup(text);
        tacho_reader_text(reader, entry.unit, text);
        series.unit = strdup(text);
        bool is_zone = entry.kind == TACHO_SERIES_ZONE || entry.kind == TACHO_SERIES_FUNCTION;
        series.same = is_zone ? id - 1 : find_same(reader, &series);
        if (is_zone)
            code = push_zone(reader, &series, &entry, sink, fail);
        else if (series.same == id - 1)
            code = push_metrics(reader, &series, sink, fail);
        tacho_array_push(&reader->series, series);
    }
    return code;
}

// What all threads know of a metric, and of all series that are the same metric.
struct sum {
    uint64_t count, total, max;
    uint64_t *buckets; // NULL: not a histogram
    double gauge;
    uint64_t gauge_ticks;
};

static int add_slot(struct tacho_ring_reader *reader, const struct tacho_ring_slot *slot,
                    uint32_t id, struct sum *sum, uint64_t *scratch)
{
    struct tacho_ring_block block;
    int code = tacho_reader_block(reader, slot, id, &block, sum->buckets ? scratch : NULL);
    if (code < 0 || block.count == 0)
        return code;
    sum->count += block.count;
    sum->total += block.total;
    if (block.max > sum->max)
        sum->max = block.max;
    for (uint32_t i = 0; sum->buckets && i < reader->header.bucket_count; i++)
        sum->buckets[i] += scratch[i];
    return 0;
}

static int add_threads(struct tacho_ring_reader *reader, uint32_t id, struct sum *sum,
                       uint64_t *scratch)
{
    for (size_t i = 0; i < reader->threads.count; i++) {
        struct tacho_ring_slot slot;
        int code = tacho_reader_slot(reader, reader->threads.items[i].reference, &slot);
        if (code == 0)
            code = add_slot(reader, &slot, id, sum, scratch);
        if (code == TACHO_ERR_FORMAT)
            return code;
    }
    return 0;
}

static int add_gauge(struct tacho_ring_reader *reader, uint32_t id, struct sum *sum)
{
    struct tacho_ring_series entry;
    if (read_entry(reader, id, &entry) < 0)
        return TACHO_ERR_FORMAT;
    if (entry.value_ticks <= sum->gauge_ticks)
        return 0;
    sum->gauge_ticks = entry.value_ticks;
    if (entry.kind == TACHO_SERIES_GAUGE_DOUBLE)
        memcpy(&sum->gauge, &entry.value, sizeof sum->gauge);
    else
        sum->gauge = (double)entry.value;
    return 0;
}

static double quantile(const struct tacho_ring_reader *reader, const struct sum *sum, double part)
{
    uint64_t all = 0, seen = 0;
    for (uint32_t i = 0; i < reader->header.bucket_count; i++)
        all += sum->buckets[i];
    uint64_t rank = (uint64_t)ceil(part * (double)all);
    for (uint32_t i = 0; i < reader->header.bucket_count; i++) {
        seen += sum->buckets[i];
        if (seen >= rank && seen > 0)
            return fmin((double)tacho_histogram_middle(reader->header.histogram_bits, i),
                        (double)sum->max);
    }
    return NAN;
}

static int put_sums(struct tacho_ring_reader *reader, const struct tacho_reader_series *series,
                    const struct sum *sum, int64_t now, struct tacho_sink *sink,
                    struct tacho_fail *fail)
{
    bool is_gauge = series->kind == TACHO_SERIES_GAUGE || series->kind == TACHO_SERIES_GAUGE_DOUBLE;
    double values[VALUES] = {(double)sum->count, NAN, NAN, NAN, NAN};
    int code = 0, count = sum->buckets ? VALUES : 1;
    if (is_gauge)
        values[0] = sum->gauge;
    else if (series->kind == TACHO_SERIES_COUNTER)
        values[0] = (double)(int64_t)sum->total;
    if (sum->buckets && sum->count > 0) {
        values[VALUE_MEAN] = (double)sum->total / (double)sum->count;
        values[VALUE_P50] = quantile(reader, sum, 0.5);
        values[VALUE_P99] = sum->count >= P99_NEEDS ? quantile(reader, sum, 0.99) : NAN;
        values[VALUE_MAX] = (double)sum->max;
    }
    if (is_gauge && sum->gauge_ticks == 0)
        return 0; // never set
    for (int i = 0; i < count && code == 0; i++)
        code = tacho_sink_sample(sink, series->metrics[i], now, values[i], fail);
    return code;
}

static int push_sample(struct tacho_ring_reader *reader, uint32_t index, int64_t now,
                       uint64_t *buckets, uint64_t *scratch, struct tacho_sink *sink,
                       struct tacho_fail *fail)
{
    const struct tacho_reader_series *series = &reader->series.items[index];
    struct sum sum = {.gauge = NAN};
    int code = 0;
    if (series->kind == TACHO_SERIES_HISTOGRAM) {
        sum.buckets = buckets;
        memset(buckets, 0, reader->header.bucket_count * sizeof *buckets);
    }
    for (uint32_t i = index; i < reader->series.count && code == 0; i++) {
        if (reader->series.items[i].same != index)
            continue;
        if (series->kind == TACHO_SERIES_GAUGE || series->kind == TACHO_SERIES_GAUGE_DOUBLE)
            code = add_gauge(reader, i + 1, &sum);
        else
            code = add_threads(reader, i + 1, &sum, scratch);
    }
    if (code < 0)
        return tacho_fail_set(fail, code, "the values of a metric in the ring file are damaged");
    return put_sums(reader, series, &sum, now, sink, fail);
}

int tacho_reader_samples_push(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                              struct tacho_fail *fail)
{
    int64_t now = reader->last.host_ns;
    uint32_t count = reader->header.bucket_count;
    uint64_t *buckets = malloc(count * sizeof *buckets), *scratch = malloc(count * sizeof *scratch);
    int code = buckets && scratch
                   ? 0
                   : tacho_fail_set(fail, TACHO_ERR_MEMORY, "no memory for a histogram");
    for (uint32_t i = 0; i < reader->series.count && code == 0; i++) {
        const struct tacho_reader_series *series = &reader->series.items[i];
        if (series->zone == 0 && series->same == i && series->metrics[0] != 0)
            code = push_sample(reader, i, now, buckets, scratch, sink, fail);
    }
    free(buckets);
    free(scratch);
    return code;
}
