// The text report's tables: zones, processes and threads, the program's own metrics, events, notes.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analyze/metric_summary.h"
#include "analyze/slow_spans.h"
#include "analyze/zones.h"
#include "base/units.h"
#include "render/table.h"
#include "render/text.h"
#include "run/metrics.h"

static void more(struct tacho_out *out, size_t count, const char *what)
{
    if (count > 0)
        tacho_out_printf(out, "  %s… %zu more %s%s\n", tacho_out_style(out, TACHO_STYLE_DIM), count,
                         what, tacho_out_style(out, TACHO_STYLE_END));
}

static void cell_ns(struct tacho_table *table, double ns)
{
    char text[TACHO_UNIT_TEXT_MAX];

    tacho_table_cell(table, tacho_format_seconds(ns / 1e9, text));
}

static void zone_row(struct tacho_table *table, const struct tacho_run *run,
                     const struct tacho_zone_summary *zone)
{
    const struct tacho_statistics *time = &zone->time_ns;
    char text[TACHO_UNIT_TEXT_MAX];

    tacho_table_cell(table, run->zones.items[zone->zone].name);
    tacho_table_cell(table, tacho_format_count((double)time->count, text));
    cell_ns(table, zone->total_ns);
    cell_ns(table, zone->self_ns);
    cell_ns(table, time->mean);
    cell_ns(table, time->quantile[TACHO_P50]);
    cell_ns(table, time->quantile[TACHO_P95]);
    cell_ns(table, time->quantile[TACHO_P99]);
    cell_ns(table, time->quantile[TACHO_P999]);
    cell_ns(table, time->max);
    tacho_table_cell(table, time->errors > 0 ? tacho_format_count((double)time->errors, text) : "");
}

void tacho_text_zones(const struct tacho_report *report, struct tacho_out *out)
{
    static const char *const headings[] = {"count", "total", "self",  "mean", "p50",
                                           "p95",   "p99",   "p99.9", "max",  "errors"};
    struct tacho_zones zones;
    struct tacho_table table = {0};
    uint32_t sampled = 1;
    size_t shown;

    tacho_zones_build(&zones, report->run, report->options.filter.pid, report->options.filter.tid);
    shown = zones.items.count < report->options.top ? zones.items.count : report->options.top;
    if (shown > 0) {
        tacho_text_heading(out, "Zones");
        tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "zone");
        for (size_t i = 0; i < sizeof headings / sizeof headings[0]; i++)
            tacho_table_column(&table, TACHO_COLUMN_RIGHT, headings[i]);
        for (size_t i = 0; i < shown; i++) {
            zone_row(&table, report->run, &zones.items.items[i]);
            if (zones.items.items[i].sampled_one_in > sampled)
                sampled = zones.items.items[i].sampled_one_in;
        }
        tacho_table_print(&table, out);
        more(out, zones.items.count - shown, "zones");
        if (sampled > 1)
            tacho_out_printf(out, "  one call in %u was measured; counts are of measured calls\n",
                             sampled);
    }
    tacho_zones_release(&zones);
}

static void thread_row(struct tacho_table *table, const struct tacho_run *run,
                       const struct tacho_thread_cost *cost)
{
    const struct tacho_run_thread *thread = &run->threads.items[cost->thread];
    char text[TACHO_UNIT_TEXT_MAX];
    const char *name = thread->name != NULL && thread->name[0] != '\0' ? thread->name : "?";

    tacho_table_printf(table, "%s%u", cost->process ? "" : "  ",
                       cost->process ? thread->pid : thread->tid);
    tacho_table_cell(table, name);
    tacho_table_cell(table, tacho_format_seconds(cost->cpu_seconds, text));
    tacho_table_cell(table, tacho_format_ratio(cost->share, text));
    tacho_table_cell(table, cost->process ? tacho_format_bytes(cost->memory_peak_bytes, text) : "");
    tacho_table_cell(table, cost->process && thread->command != NULL ? thread->command : "");
}

static void slow_span_row(struct tacho_table *table, const struct tacho_run *run,
                          const struct tacho_run_span *span)
{
    bool known = span->thread < run->threads.count;
    const char *name = known ? run->threads.items[span->thread].name : NULL;

    tacho_table_cell(table, run->zones.items[span->zone].name);
    cell_ns(table, (double)span->duration_ns);
    cell_ns(table, span->self_ns >= 0 ? (double)span->self_ns : (double)NAN);
    cell_ns(table, (double)span->begin_ns);
    tacho_table_printf(table, "%u %s", known ? run->threads.items[span->thread].tid : 0,
                       name != NULL ? name : "");
    tacho_table_cell(table, span->status == TACHO_SPAN_ERROR ? "error" : "");
}

void tacho_text_slow_spans(const struct tacho_report *report, struct tacho_out *out)
{
    const struct tacho_report_options *options = &report->options;
    bool asked = options->slow_ns > 0;
    size_t top = asked ? options->top : TACHO_REPORT_SLOW_DEFAULT;
    struct tacho_slow_spans slow;
    struct tacho_table table = {0};

    tacho_slow_spans_find(&slow, report->run, options->slow_ns, top, options->filter.pid,
                          options->filter.tid);
    if (slow.found > 0 || asked)
        tacho_text_heading(out, asked ? "Slow spans" : "Slowest spans");
    if (slow.found == 0 && asked)
        tacho_out_text(out, "  none took that long\n");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "zone");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "took");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "self");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "began at");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "thread");
    tacho_table_column(&table, TACHO_COLUMN_LEFT, "");
    for (size_t i = 0; i < slow.items.count; i++)
        slow_span_row(&table, report->run, &report->run->spans.items[slow.items.items[i]]);
    tacho_table_print(&table, out);
    if (asked)
        more(out, (size_t)slow.found - slow.items.count, "slow spans");
    tacho_slow_spans_release(&slow);
}

// Threads that came and went between two looks left nothing but their number.
static bool is_known(const struct tacho_thread_cost *cost)
{
    return !isnan(cost->cpu_seconds) || !isnan(cost->memory_peak_bytes) || cost->share > 0;
}

void tacho_text_threads(const struct tacho_report *report, struct tacho_out *out)
{
    struct tacho_thread_costs costs;
    struct tacho_table table = {0};
    size_t shown = 0;

    tacho_thread_costs_build(&costs, report->run, report->profile);
    while (shown < costs.items.count && shown < report->options.top &&
           is_known(&costs.items.items[shown]))
        shown++;
    if (costs.items.count > 1) {
        tacho_text_heading(out, "Processes and threads");
        tacho_table_column(&table, TACHO_COLUMN_LEFT, "id");
        tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "name");
        tacho_table_column(&table, TACHO_COLUMN_RIGHT, "CPU");
        tacho_table_column(&table, TACHO_COLUMN_RIGHT, "of profile");
        tacho_table_column(&table, TACHO_COLUMN_RIGHT, "memory peak");
        tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "command");
        for (size_t i = 0; i < shown; i++)
            thread_row(&table, report->run, &costs.items.items[i]);
        tacho_table_print(&table, out);
        more(out, costs.items.count - shown, "processes and threads");
    }
    tacho_thread_costs_release(&costs);
}

// The program's own metrics: the head has told the rest.
static bool is_extra(const struct tacho_run_series *series)
{
    return series->count > 0 && strcmp(series->subject, "run") != 0 &&
           strcmp(series->subject, "host") != 0 && tacho_metric_row_find(series->name) == NULL;
}

static void metric_row(struct tacho_table *table, const struct tacho_run_series *series)
{
    struct tacho_metric_summary summary;
    char text[TACHO_UNIT_TEXT_MAX], unit[TACHO_UNIT_TEXT_MAX];
    bool counter = series->kind == TACHO_METRIC_COUNTER;

    tacho_metric_summary_build(&summary, series);
    snprintf(unit, sizeof unit, "%.28s/s", series->unit);
    if (strcmp(series->unit, "seconds") == 0)
        snprintf(unit, sizeof unit, "ratio");
    tacho_table_cell(table, series->name);
    tacho_table_cell(table, series->subject);
    tacho_table_cell(table,
                     tacho_format_unit(summary.values.mean, counter ? unit : series->unit, text));
    tacho_table_cell(table,
                     tacho_format_unit(summary.values.min, counter ? unit : series->unit, text));
    tacho_table_cell(table,
                     tacho_format_unit(summary.values.max, counter ? unit : series->unit, text));
    tacho_table_cell(table, tacho_format_unit(summary.last, series->unit, text));
}

void tacho_text_metrics(const struct tacho_report *report, struct tacho_out *out)
{
    const struct tacho_run *run = report->run;
    struct tacho_table table = {0};
    size_t shown = 0, found = 0;

    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "metric");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "of");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "mean");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "min");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "max");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "last");
    for (size_t i = 0; i < run->series.count; i++) {
        if (!is_extra(&run->series.items[i]))
            continue;
        if (found++ < report->options.top) {
            metric_row(&table, &run->series.items[i]);
            shown++;
        }
    }
    if (found > 0)
        tacho_text_heading(out, "The program's own metrics (counters: per second, then the total)");
    tacho_table_print(&table, out);
    more(out, found - shown, "metrics");
}

void tacho_text_events(const struct tacho_report *report, struct tacho_out *out)
{
    const struct tacho_run *run = report->run;
    struct tacho_map count = {0};
    TACHO_ARRAY(size_t) first = {0};
    struct tacho_table table = {0};
    char text[TACHO_UNIT_TEXT_MAX];

    for (size_t i = 0; i < run->events.count; i++) {
        const char *name = run->events.items[i].name;
        uint64_t *number = tacho_map_put(&count, tacho_hash_bytes(name, strlen(name), 0), NULL);

        if ((*number)++ == 0)
            tacho_array_push(&first, i);
    }
    if (first.count > 0)
        tacho_text_heading(out, "Events");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "event");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "count");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "first at");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "first text");
    for (size_t i = 0; i < first.count && i < report->options.top; i++) {
        const struct tacho_run_event *event = &run->events.items[first.items[i]];
        const uint64_t *number =
            tacho_map_get(&count, tacho_hash_bytes(event->name, strlen(event->name), 0));

        tacho_table_cell(&table, event->name);
        tacho_table_cell(&table, tacho_format_count((double)*number, text));
        cell_ns(&table, (double)event->time_ns);
        tacho_table_cell(&table, event->text != NULL ? event->text : "");
    }
    tacho_table_print(&table, out);
    if (first.count > report->options.top)
        more(out, first.count - report->options.top, "kinds of events");
    tacho_array_release(&first);
    tacho_map_release(&count);
}

static const char *note_word(uint8_t kind)
{
    static const char *const words[] = {"note", "lost",     "clock",  "simulated",
                                        "n/a",  "overhead", "warning"};

    return kind < sizeof words / sizeof words[0] ? words[kind] : "note";
}

static void note_line(struct tacho_out *out, const char *word, const char *subject,
                      const char *text)
{
    bool loud = strcmp(word, "lost") == 0 || strcmp(word, "warning") == 0;

    tacho_out_printf(out, "  %s%-9s%s ",
                     tacho_out_style(out, loud ? TACHO_STYLE_RED : TACHO_STYLE_DIM), word,
                     tacho_out_style(out, TACHO_STYLE_END));
    if (subject[0] != '\0') {
        tacho_text_write(out, subject, 60);
        tacho_out_text(out, ": ");
    }
    tacho_text_write(out, text, 2000);
    tacho_out_char(out, '\n');
}

// What the samplers had to leave out, all profiles together: their notes do not say of which.
static double samples_lost(const struct tacho_run *run)
{
    double lost = 0;

    for (size_t i = 0; i < run->notes.count; i++) {
        const struct tacho_run_note *note = &run->notes.items[i];

        if (note->kind == TACHO_NOTE_LOSS && strcmp(note->subject, "sampler") == 0 &&
            !isnan(note->value))
            lost += note->value;
    }
    return lost;
}

static void write_profile_notes(const struct tacho_report *report, struct tacho_out *out)
{
    const struct tacho_run *run = report->run;
    char text[256], share[TACHO_UNIT_TEXT_MAX], lost[TACHO_UNIT_TEXT_MAX];

    tacho_format_count(samples_lost(run), lost);
    for (size_t i = 0; i < run->profiles.count; i++) {
        const struct tacho_run_profile *profile = &run->profiles.items[i];
        size_t cut = 0, count = profile->samples.count;
        char rate[48] = "rate n/a";

        for (size_t j = 0; j < count; j++)
            cut += (profile->samples.items[j].flags & TACHO_STACK_TRUNCATED) != 0 ? 1 : 0;
        if (!isnan(profile->rate_hz))
            snprintf(rate, sizeof rate, "%.4g Hz", profile->rate_hz);
        snprintf(text, sizeof text,
                 "%.60s, %s, samples: %zu, lost: %s, %s of the stacks are incomplete",
                 profile->sampler, rate, count, lost,
                 tacho_format_ratio(count > 0 ? (double)cut / (double)count : (double)NAN, share));
        note_line(out, "profile", profile->name, text);
    }
}

void tacho_text_notes(const struct tacho_report *report, const struct tacho_facts *facts,
                      struct tacho_out *out)
{
    const struct tacho_run *run = report->run;
    char text[256], seconds[TACHO_UNIT_TEXT_MAX], share[TACHO_UNIT_TEXT_MAX];

    tacho_text_heading(out, "About this observation");
    snprintf(text, sizeof text, "tacho %.40s itself used %s of CPU, %s of one core",
             run->info.version, tacho_format_seconds(facts->overhead_seconds, seconds),
             tacho_format_ratio(facts->overhead_ratio, share));
    note_line(out, "overhead", "", text);
    for (size_t i = 0; i < run->clocks.count; i++) {
        const struct tacho_run_clock *clock = &run->clocks.items[i];

        snprintf(text, sizeof text, "%.4g MHz, resolution %s", clock->hz / 1e6,
                 tacho_format_seconds(clock->resolution_ns / 1e9, seconds));
        note_line(out, "clock", clock->name, text);
    }
    write_profile_notes(report, out);
    for (size_t i = 0; i < run->notes.count; i++) {
        const struct tacho_run_note *note = &run->notes.items[i];

        if (note->kind == TACHO_NOTE_LOSS && !(note->value > 0))
            continue;
        // The first line has told this one.
        if (note->kind == TACHO_NOTE_OVERHEAD && strcmp(note->subject, "tacho") == 0)
            continue;
        note_line(out, note_word(note->kind), note->subject, note->text);
    }
    if (!run->info.finished)
        note_line(out, "warning", "", "tacho was stopped before it could close this run");
}
