// What the trace formats share: the part of the run that goes into the trace, and whose a series
// is.
#include "render/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

#define CUT_BUCKETS 65536

static bool thread_wanted(const struct tacho_report *report, uint32_t thread)
{
    const struct tacho_profile_filter *filter = &report->options.filter;
    const struct tacho_run *run = report->run;

    if (filter->pid == 0 && filter->tid == 0)
        return true;
    return thread < run->threads.count &&
           (filter->pid == 0 || run->threads.items[thread].pid == filter->pid) &&
           (filter->tid == 0 || run->threads.items[thread].tid == filter->tid);
}

// Times further away than this (73 years) are damage; sums of what is nearer do not overflow.
static bool in_reach(int64_t time_ns)
{
    return time_ns > INT64_MIN / 4 && time_ns < INT64_MAX / 4;
}

static bool span_sound(const struct tacho_run *run, const struct tacho_run_span *span)
{
    return span->zone < run->zones.count && in_reach(span->begin_ns) && in_reach(span->duration_ns);
}

static int64_t span_end(const struct tacho_run_span *span)
{
    return span->begin_ns + (span->duration_ns > 0 ? span->duration_ns : 0);
}

static bool span_overlaps(const struct tacho_trace *trace, const struct tacho_run_span *span)
{
    return span->begin_ns < trace->end_ns && span_end(span) >= trace->begin_ns;
}

// The first event of this name, else the slowest span of the zone of this name.
static int find_trigger(const struct tacho_report *report, int64_t *begin, int64_t *end,
                        struct tacho_fail *fail)
{
    const struct tacho_run *run = report->run;
    const char *name = report->options.around;
    const struct tacho_run_span *slowest = NULL;

    for (size_t i = 0; i < run->events.count; i++) {
        if (in_reach(run->events.items[i].time_ns) &&
            strcmp(run->events.items[i].name, name) == 0) {
            *begin = *end = run->events.items[i].time_ns;
            return 0;
        }
    }
    for (size_t i = 0; i < run->spans.count; i++) {
        const struct tacho_run_span *span = &run->spans.items[i];

        if (span_sound(run, span) && strcmp(run->zones.items[span->zone].name, name) == 0 &&
            (slowest == NULL || span->duration_ns > slowest->duration_ns))
            slowest = span;
    }
    if (slowest == NULL)
        return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND,
                              "this run has no event and no span of a zone \"%s\"", name);
    *begin = slowest->begin_ns;
    *end = span_end(slowest);
    return 0;
}

struct cutting {
    uint64_t *buckets;
    int64_t begin, width; // of a bucket
    uint64_t events;
};

static void count_at(struct cutting *cutting, const struct tacho_trace *trace, int64_t time_ns)
{
    if (!tacho_trace_has(trace, time_ns))
        return;
    cutting->buckets[(uint64_t)(time_ns - cutting->begin) / (uint64_t)cutting->width]++;
    cutting->events++;
}

static void count_events(struct cutting *cutting, const struct tacho_trace *trace,
                         const struct tacho_report *report, bool with_samples)
{
    const struct tacho_run *run = report->run;

    for (size_t i = 0; i < run->spans.count; i++) {
        if (span_sound(run, &run->spans.items[i]) &&
            thread_wanted(report, run->spans.items[i].thread))
            count_at(cutting, trace, span_end(&run->spans.items[i]));
    }
    for (size_t i = 0; i < run->events.count; i++)
        count_at(cutting, trace, run->events.items[i].time_ns);
    for (size_t i = 0; i < run->series.count; i++) {
        for (size_t j = 0; j < run->series.items[i].count; j++)
            count_at(cutting, trace, run->series.items[i].time_ns[j]);
    }
    for (size_t i = 0;
         with_samples && report->profile != NULL && i < report->profile->samples.count; i++)
        count_at(cutting, trace, report->profile->samples.items[i].time_ns);
}

// The times that the run's records really cover; a hostile run may hold any number.
static void bounds(const struct tacho_run *run, int64_t *begin, int64_t *end)
{
    *begin = 0;
    *end = in_reach(run->info.duration_ns) ? run->info.duration_ns + 1 : 1;
    for (size_t i = 0; i < run->spans.count; i++) {
        const struct tacho_run_span *span = &run->spans.items[i];

        if (!span_sound(run, span))
            continue;
        *begin = span->begin_ns < *begin ? span->begin_ns : *begin;
        *end = span_end(span) >= *end ? span_end(span) + 1 : *end;
    }
}

static uint64_t events_at_most(const struct tacho_report *report, bool with_samples)
{
    const struct tacho_run *run = report->run;
    uint64_t events = run->spans.count + run->events.count;

    for (size_t i = 0; i < run->series.count; i++)
        events += run->series.items[i].count;
    if (with_samples && report->profile != NULL)
        events += report->profile->samples.count;
    return events;
}

static void cut(struct tacho_trace *trace, const struct tacho_report *report, bool with_samples)
{
    struct cutting cutting = {0};
    uint64_t kept = 0;
    size_t capacity = 0, bucket = CUT_BUCKETS;
    char from[TACHO_UNIT_TEXT_MAX], to[TACHO_UNIT_TEXT_MAX];
    bool windowed = trace->note[0] != '\0';

    trace->events = events_at_most(report, with_samples);
    if (!windowed && trace->events <= report->options.events_max)
        return;
    cutting.begin = trace->begin_ns;
    cutting.width = (trace->end_ns - trace->begin_ns) / CUT_BUCKETS + 1;
    cutting.buckets = tacho_array_grow(NULL, &capacity, CUT_BUCKETS + 1, sizeof *cutting.buckets);
    memset(cutting.buckets, 0, (CUT_BUCKETS + 1) * sizeof *cutting.buckets);
    count_events(&cutting, trace, report, with_samples);
    while (bucket > 0 && (kept + cutting.buckets[bucket - 1] <= report->options.events_max ||
                          bucket == CUT_BUCKETS))
        kept += cutting.buckets[--bucket];
    trace->events = kept;
    trace->left_out = cutting.events - kept;
    if (trace->left_out > 0) {
        trace->begin_ns = cutting.begin + (int64_t)bucket * cutting.width;
        windowed = true;
        snprintf(trace->note, sizeof trace->note,
                 "cut to the time from %s to %s: %" PRIu64 " of %" PRIu64
                 " events, more are too much for viewers; choose the part by time or around an "
                 "event or zone",
                 tacho_format_seconds((double)trace->begin_ns / 1e9, from),
                 tacho_format_seconds((double)trace->end_ns / 1e9, to), kept, cutting.events);
    } else if (windowed) {
        snprintf(trace->note, sizeof trace->note, "only the time from %s to %s, as asked for",
                 tacho_format_seconds((double)trace->begin_ns / 1e9, from),
                 tacho_format_seconds((double)trace->end_ns / 1e9, to));
    }
    free(cutting.buckets);
}

struct span_order {
    int64_t begin_ns, duration_ns;
    uint32_t thread, span;
    uint16_t depth;
};

static int by_thread_then_begin(const void *a, const void *b)
{
    const struct span_order *x = a, *y = b;

    if (x->thread != y->thread)
        return x->thread < y->thread ? -1 : 1;
    if (x->begin_ns != y->begin_ns)
        return x->begin_ns < y->begin_ns ? -1 : 1;
    if (x->depth != y->depth)
        return x->depth < y->depth ? -1 : 1;
    return (x->duration_ns < y->duration_ns) - (x->duration_ns > y->duration_ns);
}

static void choose_spans(struct tacho_trace *trace, const struct tacho_report *report)
{
    const struct tacho_run *run = report->run;

    tacho_array_reserve(&trace->spans, run->spans.count + 1);
    for (size_t i = 0; i < run->spans.count; i++) {
        const struct tacho_run_span *span = &run->spans.items[i];

        if (span_sound(run, span) && span_overlaps(trace, span) &&
            thread_wanted(report, span->thread))
            tacho_array_push(&trace->spans, (uint32_t)i);
    }
}

void tacho_trace_order(struct tacho_trace *trace, const struct tacho_run *run)
{
    struct span_order *order;
    size_t capacity = 0;

    order = tacho_array_grow(NULL, &capacity, trace->spans.count + 1, sizeof *order);
    for (size_t i = 0; i < trace->spans.count; i++) {
        uint32_t index = trace->spans.items[i];
        const struct tacho_run_span *span = &run->spans.items[index];

        order[i] = (struct span_order){span->begin_ns, span->duration_ns, span->thread, index,
                                       span->depth};
    }
    qsort(order, trace->spans.count, sizeof *order, by_thread_then_begin);
    for (size_t i = 0; i < trace->spans.count; i++)
        trace->spans.items[i] = order[i].span;
    free(order);
}

int tacho_trace_open(struct tacho_trace *trace, const struct tacho_report *report,
                     bool with_samples, struct tacho_fail *fail)
{
    const struct tacho_profile_filter *filter = &report->options.filter;
    int64_t begin = 0, end = 0;
    int code;

    memset(trace, 0, sizeof *trace);
    bounds(report->run, &trace->begin_ns, &trace->end_ns);
    if (report->options.around != NULL) {
        code = find_trigger(report, &begin, &end, fail);
        if (code < 0)
            return code;
        trace->begin_ns = begin - report->options.margin_ns;
        trace->end_ns = end + report->options.margin_ns;
        trace->note[0] = '.';
    }
    if (filter->begin_ns != 0 || filter->end_ns != 0) {
        trace->begin_ns = filter->begin_ns > trace->begin_ns ? filter->begin_ns : trace->begin_ns;
        if (filter->end_ns != 0 && filter->end_ns < trace->end_ns)
            trace->end_ns = filter->end_ns;
        trace->note[0] = '.';
    }
    if (trace->end_ns <= trace->begin_ns)
        return tacho_fail_set(fail, TACHO_ERR_EMPTY, "the time window asked for is empty");
    cut(trace, report, with_samples);
    choose_spans(trace, report);
    return 0;
}

void tacho_trace_release(struct tacho_trace *trace)
{
    tacho_array_release(&trace->spans);
}

uint32_t tacho_trace_pid(const struct tacho_run *run, const struct tacho_run_series *series,
                         uint32_t *tid)
{
    unsigned number;

    *tid = 0;
    if (sscanf(series->subject, "process %u", &number) == 1)
        return number;
    if (sscanf(series->subject, "thread %u", &number) == 1) {
        for (size_t i = 0; i < run->threads.count; i++) {
            if (run->threads.items[i].tid == number) {
                *tid = number;
                return run->threads.items[i].pid;
            }
        }
    }
    return 0;
}
