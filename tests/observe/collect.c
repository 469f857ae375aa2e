// A sink that keeps what tests ask about.
#include "observe/collect.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct collected_name named(uint32_t id, const char *name, uint64_t address)
{
    struct collected_name made = {.id = id, .address = address};
    snprintf(made.name, sizeof made.name, "%s", name);
    return made;
}

static void keep_event(struct collect *collect, const struct tacho_record *record)
{
    struct collected_event event = {.value = record->event.value, .time = record->time};
    snprintf(event.name, sizeof event.name, "%s", record->event.name);
    tacho_array_push(&collect->events, event);
}

static void keep_stats(struct collect *collect, const struct tacho_record *record)
{
    collect->bucket_sum = 0;
    for (uint32_t i = 0; i < record->zone_stats.bucket_count; i++)
        collect->bucket_sum += record->zone_stats.buckets[i].count;
    tacho_array_push(&collect->stats, record->zone_stats);
}

static int put(struct tacho_sink *sink, const struct tacho_record *record, struct tacho_fail *fail)
{
    struct collect *collect = (void *)sink;
    (void)fail;
    collect->records++;
    if (record->kind == TACHO_RECORD_ZONE)
        tacho_array_push(&collect->zones,
                         named(record->zone.id, record->zone.name, record->zone.address));
    else if (record->kind == TACHO_RECORD_METRIC)
        tacho_array_push(&collect->metrics, named(record->metric.id, record->metric.name, 0));
    else if (record->kind == TACHO_RECORD_SAMPLE)
        tacho_array_push(&collect->samples, record->sample);
    else if (record->kind == TACHO_RECORD_SPAN)
        tacho_array_push(&collect->spans, *record);
    else if (record->kind == TACHO_RECORD_ZONE_STATS)
        keep_stats(collect, record);
    else if (record->kind == TACHO_RECORD_EVENT)
        keep_event(collect, record);
    else if (record->kind == TACHO_RECORD_THREAD)
        tacho_array_push(&collect->threads, record->thread);
    else if (record->kind == TACHO_RECORD_MAP)
        tacho_array_push(&collect->maps, named(0, record->map.path, record->map.start));
    else if (record->kind == TACHO_RECORD_NOTE && record->note.kind == TACHO_NOTE_LOSS)
        collect->lost += record->note.value;
    else if (record->kind == TACHO_RECORD_CLOCK && record->clock_info.hz > 0)
        collect->hz = record->clock_info.hz;
    return 0;
}

void collect_init(struct collect *collect)
{
    memset(collect, 0, sizeof *collect);
    collect->sink.put = put;
}

void collect_release(struct collect *collect)
{
    tacho_array_release(&collect->zones);
    tacho_array_release(&collect->metrics);
    tacho_array_release(&collect->samples);
    tacho_array_release(&collect->spans);
    tacho_array_release(&collect->stats);
    tacho_array_release(&collect->events);
    tacho_array_release(&collect->threads);
    tacho_array_release(&collect->maps);
}

uint32_t collect_zone(const struct collect *collect, const char *name)
{
    for (size_t i = 0; i < collect->zones.count; i++)
        if (strcmp(collect->zones.items[i].name, name) == 0)
            return collect->zones.items[i].id;
    return 0;
}

uint32_t collect_metric(const struct collect *collect, const char *name)
{
    for (size_t i = 0; i < collect->metrics.count; i++)
        if (strcmp(collect->metrics.items[i].name, name) == 0)
            return collect->metrics.items[i].id;
    return 0;
}

double collect_value(const struct collect *collect, const char *name)
{
    uint32_t id = collect_metric(collect, name);
    for (size_t i = collect->samples.count; i-- > 0;)
        if (id != 0 && collect->samples.items[i].metric == id)
            return collect->samples.items[i].value;
    return NAN;
}

size_t collect_spans(const struct collect *collect, const char *name, unsigned status)
{
    uint32_t zone = collect_zone(collect, name);
    size_t count = 0;
    for (size_t i = 0; i < collect->spans.count; i++)
        count += collect->spans.items[i].span.zone == zone &&
                 collect->spans.items[i].span.status == status;
    return count;
}

struct tacho_zone_stats collect_stats(const struct collect *collect, const char *name)
{
    struct tacho_zone_stats sum = {.min_ns = UINT64_MAX};
    uint32_t zone = collect_zone(collect, name);
    for (size_t i = 0; i < collect->stats.count; i++) {
        const struct tacho_zone_stats *one = &collect->stats.items[i];
        if (one->zone != zone)
            continue;
        sum.count += one->count;
        sum.errors += one->errors;
        sum.total_ns += one->total_ns;
        sum.self_ns += one->self_ns;
        sum.min_ns = one->min_ns < sum.min_ns ? one->min_ns : sum.min_ns;
        sum.max_ns = one->max_ns > sum.max_ns ? one->max_ns : sum.max_ns;
        sum.sampled_one_in = one->sampled_one_in;
    }
    return sum;
}
