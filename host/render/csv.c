// The CSV report: one table per file (RFC 4180 quoting, a header line), chosen by the option
// `table`.
#include <math.h>
#include <string.h>

#include "analyze/facts.h"
#include "analyze/metric_summary.h"
#include "analyze/zones.h"
#include "render/report.h"

static void text(struct tacho_out *out, const char *cell)
{
    if (cell == NULL)
        return;
    // A spreadsheet would take these first characters for a formula.
    bool formula = cell[0] != '\0' && strchr("=+-@", cell[0]) != NULL;

    if (!formula && strpbrk(cell, ",\"\r\n") == NULL) {
        tacho_out_text(out, cell);
        return;
    }
    tacho_out_char(out, '"');
    if (formula)
        tacho_out_char(out, '\'');
    for (; *cell != '\0'; cell++) {
        if (*cell == '"')
            tacho_out_char(out, '"');
        tacho_out_char(out, *cell);
    }
    tacho_out_char(out, '"');
}

static void next_text(struct tacho_out *out, const char *cell)
{
    tacho_out_char(out, ',');
    text(out, cell);
}

// Empty where there is no value.
static void next_number(struct tacho_out *out, double value)
{
    tacho_out_char(out, ',');
    if (!isnan(value))
        tacho_out_printf(out, "%.10g", value);
}

static void next_u64(struct tacho_out *out, uint64_t value)
{
    tacho_out_char(out, ',');
    tacho_out_u64(out, value);
}

static void end(struct tacho_out *out)
{
    tacho_out_text(out, "\r\n");
}

static void statistics_cells(struct tacho_out *out, const struct tacho_statistics *statistics)
{
    next_u64(out, statistics->count);
    next_number(out, statistics->mean);
    next_number(out, statistics->deviation);
    next_number(out, statistics->min);
    next_number(out, statistics->max);
    for (int i = 0; i < TACHO_QUANTILE_COUNT; i++)
        next_number(out, statistics->quantile[i]);
    next_number(out, statistics->last);
}

static void write_summary(const struct tacho_report *report, struct tacho_out *out)
{
    const struct tacho_run *run = report->run;

    tacho_out_text(out, "metric,subject,unit,kind,count,mean,deviation,min,max,p50,p90,p95,p99,"
                        "p99_9,last,total,per_second,growth,slope_per_second\r\n");
    for (size_t i = 0; i < run->series.count; i++) {
        const struct tacho_run_series *series = &run->series.items[i];
        struct tacho_metric_summary summary;

        tacho_metric_summary_build(&summary, series);
        text(out, series->name);
        next_text(out, series->subject);
        next_text(out, series->unit);
        next_text(out, series->kind == TACHO_METRIC_COUNTER ? "counter" : "gauge");
        statistics_cells(out, &summary.values);
        next_number(out, series->kind == TACHO_METRIC_COUNTER ? summary.last : (double)NAN);
        next_number(out, summary.rate);
        next_number(out, summary.growth);
        next_number(out, summary.slope);
        end(out);
    }
}

static void write_hotspots(const struct tacho_report *report, struct tacho_out *out)
{
    const struct tacho_calltree *tree = &report->tree;
    struct tacho_hotspots hotspots;
    double total = tree->total > 0 ? (double)tree->total : (double)NAN;

    tacho_hotspots_build(&hotspots, tree, report->options.order, report->options.function, 0);
    tacho_out_text(out, "function,module,file,line,kernel,inlined,self,total,self_ratio,"
                        "total_ratio,samples\r\n");
    for (size_t i = 0; i < hotspots.items.count; i++) {
        const struct tacho_hotspot *hotspot = &hotspots.items.items[i];
        const struct tacho_function *function = &tree->functions.items.items[hotspot->function];

        text(out, function->name);
        next_text(out, function->module);
        next_text(out, function->file);
        next_u64(out, function->line);
        next_u64(out, (function->flags & TACHO_FRAME_KERNEL) != 0);
        next_u64(out, (function->flags & TACHO_FRAME_INLINED) != 0);
        next_u64(out, (uint64_t)hotspot->self);
        next_u64(out, (uint64_t)hotspot->total);
        next_number(out, (double)hotspot->self / total);
        next_number(out, (double)hotspot->total / total);
        next_u64(out, hotspot->samples);
        end(out);
    }
    tacho_hotspots_release(&hotspots);
}

static void write_zones(const struct tacho_report *report, struct tacho_out *out)
{
    const struct tacho_run *run = report->run;
    struct tacho_zones zones;

    tacho_zones_build(&zones, run, report->options.filter.pid, report->options.filter.tid);
    tacho_out_text(out, "zone,file,line,total_ns,self_ns,errors,count,mean_ns,deviation_ns,min_ns,"
                        "max_ns,p50_ns,p90_ns,p95_ns,p99_ns,p99_9_ns,last_ns\r\n");
    for (size_t i = 0; i < zones.items.count; i++) {
        const struct tacho_zone_summary *zone = &zones.items.items[i];

        text(out, run->zones.items[zone->zone].name);
        next_text(out, run->zones.items[zone->zone].file);
        next_u64(out, run->zones.items[zone->zone].line);
        next_number(out, zone->total_ns);
        next_number(out, zone->self_ns);
        next_u64(out, zone->time_ns.errors);
        statistics_cells(out, &zone->time_ns);
        end(out);
    }
    tacho_zones_release(&zones);
}

static void write_samples(const struct tacho_report *report, struct tacho_out *out)
{
    const struct tacho_profile_filter *filter = &report->options.filter;

    tacho_out_text(out, "metric,subject,unit,time_ns,value\r\n");
    for (size_t i = 0; i < report->run->series.count; i++) {
        const struct tacho_run_series *series = &report->run->series.items[i];

        for (size_t j = 0; j < series->count; j++) {
            if (series->time_ns[j] < filter->begin_ns ||
                (filter->end_ns != 0 && series->time_ns[j] >= filter->end_ns))
                continue;
            text(out, series->name);
            next_text(out, series->subject);
            next_text(out, series->unit);
            tacho_out_char(out, ',');
            tacho_out_i64(out, series->time_ns[j]);
            next_number(out, series->value[j]);
            end(out);
        }
    }
}

static void write_spans(const struct tacho_report *report, struct tacho_out *out)
{
    static const char *const status[] = {"ok", "error", "open"};
    const struct tacho_run *run = report->run;

    tacho_out_text(out, "zone,pid,tid,begin_ns,duration_ns,self_ns,depth,status\r\n");
    for (size_t i = 0; i < run->spans.count; i++) {
        const struct tacho_run_span *span = &run->spans.items[i];
        bool known = span->thread < run->threads.count;

        text(out, span->zone < run->zones.count ? run->zones.items[span->zone].name : "");
        next_u64(out, known ? run->threads.items[span->thread].pid : 0);
        next_u64(out, known ? run->threads.items[span->thread].tid : 0);
        tacho_out_char(out, ',');
        tacho_out_i64(out, span->begin_ns);
        tacho_out_char(out, ',');
        tacho_out_i64(out, span->duration_ns);
        next_number(out, span->self_ns >= 0 ? (double)span->self_ns : (double)NAN);
        next_u64(out, span->depth);
        next_text(out, span->status < 3 ? status[span->status] : "");
        end(out);
    }
}

static void write_events(const struct tacho_report *report, struct tacho_out *out)
{
    const struct tacho_run *run = report->run;

    tacho_out_text(out, "event,time_ns,value,tid,text\r\n");
    for (size_t i = 0; i < run->events.count; i++) {
        const struct tacho_run_event *event = &run->events.items[i];

        text(out, event->name);
        tacho_out_char(out, ',');
        tacho_out_i64(out, event->time_ns);
        next_number(out, event->value);
        next_u64(out,
                 event->thread < run->threads.count ? run->threads.items[event->thread].tid : 0);
        next_text(out, event->text);
        end(out);
    }
}

static void write_threads(const struct tacho_report *report, struct tacho_out *out)
{
    struct tacho_thread_costs costs;

    tacho_thread_costs_build(&costs, report->run, report->profile);
    tacho_out_text(out, "kind,pid,tid,parent_pid,name,cpu_seconds,memory_peak_bytes,samples,share,"
                        "command\r\n");
    for (size_t i = 0; i < costs.items.count; i++) {
        const struct tacho_thread_cost *cost = &costs.items.items[i];
        const struct tacho_run_thread *thread = &report->run->threads.items[cost->thread];

        text(out, cost->process ? "process" : "thread");
        next_u64(out, thread->pid);
        next_u64(out, thread->tid);
        next_u64(out, thread->parent_pid);
        next_text(out, thread->name);
        next_number(out, cost->cpu_seconds);
        next_number(out, cost->memory_peak_bytes);
        next_u64(out, cost->samples);
        next_number(out, cost->share);
        next_text(out, thread->command);
        end(out);
    }
    tacho_thread_costs_release(&costs);
}

int tacho_report_csv(const struct tacho_report *report, struct tacho_out *out,
                     struct tacho_fail *fail)
{
    static const struct {
        const char *name;
        void (*write)(const struct tacho_report *report, struct tacho_out *out);
    } tables[] = {
        {"summary", write_summary}, {"hotspots", write_hotspots}, {"zones", write_zones},
        {"samples", write_samples}, {"spans", write_spans},       {"events", write_events},
        {"threads", write_threads},
    };
    const char *table = report->options.table != NULL ? report->options.table : "summary";

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (strcmp(tables[i].name, table) == 0) {
            tables[i].write(report, out);
            return 0;
        }
    }
    return tacho_fail_set(fail, TACHO_ERR_USAGE,
                          "there is no table \"%s\"; there are: summary, hotspots, zones, samples, "
                          "spans, events, threads",
                          table);
}
