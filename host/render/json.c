// The JSON report: the facts of the text report for scripts, one document.
#include <math.h>

#include "analyze/metric_summary.h"
#include "render/json_parts.h"

static void write_metrics(struct tacho_json *json, const struct tacho_run *run)
{
    tacho_json_key(json, "metrics");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < run->series.count; i++) {
        const struct tacho_run_series *series = &run->series.items[i];
        struct tacho_metric_summary summary;
        bool counter = series->kind == TACHO_METRIC_COUNTER;

        tacho_metric_summary_build(&summary, series);
        tacho_json_object_begin(json);
        tacho_json_member_text(json, "name", series->name);
        tacho_json_member_text(json, "subject", series->subject);
        tacho_json_member_text(json, "unit", series->unit);
        tacho_json_member_text(json, "kind", tacho_metric_kind_name(series->kind));
        tacho_json_member_bool(json, "simulated", (series->flags & TACHO_FLAG_SIMULATED) != 0);
        tacho_json_statistics(json, &summary.values, counter ? "_per_second" : "");
        tacho_json_member_double(json, "first", summary.first);
        if (counter)
            tacho_json_member_double(json, "last", summary.last);
        tacho_json_member_double(json, "increase", summary.increase);
        tacho_json_member_double(json, "rate_per_second", summary.rate);
        tacho_json_member_double(json, "growth", summary.growth);
        tacho_json_member_double(json, "slope_per_second", summary.slope);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
}

static void write_zones(struct tacho_json *json, const struct tacho_report *report)
{
    struct tacho_zones zones;

    tacho_zones_build(&zones, report->run, report->options.filter.pid, report->options.filter.tid);
    tacho_json_key(json, "zones");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < zones.items.count; i++) {
        const struct tacho_zone_summary *zone = &zones.items.items[i];
        const struct tacho_run_zone *about = &report->run->zones.items[zone->zone];

        tacho_json_object_begin(json);
        tacho_json_member_text(json, "name", about->name);
        tacho_json_member_text(json, "file", about->file);
        tacho_json_member_u64(json, "line", about->line);
        tacho_json_member_u64(json, "threads", zone->threads);
        tacho_json_member_u64(json, "sampled_one_in", zone->sampled_one_in);
        tacho_json_member_double(json, "total_ns", zone->total_ns);
        tacho_json_member_double(json, "self_ns", zone->self_ns);
        tacho_json_statistics(json, &zone->time_ns, "_ns");
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
    tacho_zones_release(&zones);
}

static void write_hotspots(struct tacho_json *json, const struct tacho_report *report,
                           const char *key, const struct tacho_hotspots *hotspots)
{
    tacho_json_key(json, key);
    tacho_json_array_begin(json);
    for (size_t i = 0; i < hotspots->items.count; i++) {
        const struct tacho_hotspot *hotspot = &hotspots->items.items[i];
        const struct tacho_function *function = NULL;

        if (hotspot->function != TACHO_NO_INDEX)
            function = &report->tree.functions.items.items[hotspot->function];
        tacho_json_object_begin(json);
        tacho_json_member_text(json, "function", function != NULL ? function->name : NULL);
        if (function != NULL) {
            tacho_json_member_text(json, "module", function->module);
            tacho_json_member_text(json, "file", function->file);
            tacho_json_member_u64(json, "line", function->line);
            tacho_json_member_bool(json, "kernel", (function->flags & TACHO_FRAME_KERNEL) != 0);
            tacho_json_member_bool(json, "inlined", (function->flags & TACHO_FRAME_INLINED) != 0);
        }
        tacho_json_member_i64(json, "self", hotspot->self);
        tacho_json_member_i64(json, "total", hotspot->total);
        tacho_json_member_u64(json, "samples", hotspot->samples);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
}

static void write_profile(struct tacho_json *json, const struct tacho_report *report)
{
    const struct tacho_run_profile *profile = report->profile;
    const struct tacho_report_options *options = &report->options;
    struct tacho_hotspots list;

    tacho_json_key(json, "profile");
    if (profile == NULL) {
        tacho_json_null(json);
        return;
    }
    tacho_json_object_begin(json);
    tacho_json_member_text(json, "name", profile->name);
    tacho_json_member_text(json, "unit", profile->unit);
    tacho_json_member_text(json, "sampler", profile->sampler);
    tacho_json_member_double(json, "period", profile->period);
    tacho_json_member_double(json, "rate_hz", profile->rate_hz);
    tacho_json_member_i64(json, "total", report->tree.total);
    tacho_json_member_u64(json, "samples", report->tree.samples);
    tacho_json_member_u64(json, "incomplete", report->tree.truncated);
    tacho_json_member_u64(json, "left_out", report->tree.left_out);
    tacho_hotspots_build(&list, &report->tree, options->order, options->function, options->top);
    write_hotspots(json, report, "hotspots", &list);
    tacho_hotspots_release(&list);
    if (options->callers_of != NULL) {
        tacho_callers_build(&list, &report->tree, options->callers_of);
        write_hotspots(json, report, "callers", &list);
        tacho_hotspots_release(&list);
    }
    if (options->callees_of != NULL) {
        tacho_callees_build(&list, &report->tree, options->callees_of);
        write_hotspots(json, report, "callees", &list);
        tacho_hotspots_release(&list);
    }
    tacho_json_object_end(json);
}

int tacho_report_json(const struct tacho_report *report, struct tacho_out *out,
                      struct tacho_fail *fail)
{
    struct tacho_facts facts;
    struct tacho_json json;

    (void)fail;
    tacho_facts_build(&facts, report->run);
    tacho_json_init(&json, out, true);
    tacho_json_object_begin(&json);
    tacho_json_member_i64(&json, "tacho_report", 1);
    tacho_json_key(&json, "run");
    tacho_json_object_begin(&json);
    tacho_json_run_info(&json, report->run, &facts);
    tacho_json_object_end(&json);
    tacho_json_key(&json, "summary");
    tacho_json_object_begin(&json);
    tacho_json_facts(&json, &facts);
    tacho_json_object_end(&json);
    write_profile(&json, report);
    write_zones(&json, report);
    tacho_json_slow_spans(&json, report, report->options.top);
    tacho_json_threads(&json, report);
    write_metrics(&json, report->run);
    tacho_json_clocks(&json, report->run);
    tacho_json_key(&json, "notes");
    tacho_json_notes(&json, report->run);
    tacho_json_key(&json, "environment");
    tacho_json_environment(&json, report->run);
    tacho_json_object_end(&json);
    tacho_out_char(out, '\n');
    return 0;
}
