// The HTML report: one self-contained page. The data goes in as compact JSON; html/report.js draws
// it.
#include <math.h>
#include <string.h>

#include "render/assets.h"
#include "render/html.h"
#include "render/json_parts.h"
#include "run/metrics.h"
#include "tacho/histogram.h"

#define PRUNE_SHARE    0.0001 // calls of less of the whole are gathered below their caller
#define NODES_MAX      150000
#define POINTS_MAX     1500 // of a series; twice that many values
#define SERIES_MAX     600
#define EVENTS_MAX     5000
#define SLOW_MAX       200
#define FUNCTION_GROUP 64 // flag of a name that is a thread, beside enum tacho_frame_flag

// Text that is already JSON must not end the script element that carries it.
void tacho_html_write_script_data(struct tacho_out *out, const struct tacho_buffer *json)
{
    size_t start = 0;

    for (size_t i = 0; i < json->size; i++) {
        if (json->data[i] != '<')
            continue;
        tacho_out_write(out, json->data + start, i - start);
        tacho_out_text(out, "\\u003c");
        start = i + 1;
    }
    tacho_out_write(out, json->data + start, json->size - start);
}

void tacho_html_page(struct tacho_out *out, const char *title, const struct tacho_buffer *json,
                     const struct tacho_html_script *scripts, size_t script_count)
{
    tacho_out_text(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                        "<title>");
    tacho_xml_text(out, title);
    tacho_out_text(out, "</title>\n<style>\n");
    tacho_out_write(out, tacho_asset_report_css, tacho_asset_report_css_size);
    tacho_out_text(out, "</style>\n</head>\n<body>\n<main><noscript>This report draws itself with "
                        "JavaScript.</noscript></main>\n<script>\n"
                        "window.addEventListener(\"error\", e => {\n"
                        "  document.body.dataset.error = e.message;\n});\n</script>\n"
                        "<script type=\"application/json\" id=\"data\">");
    tacho_html_write_script_data(out, json);
    tacho_out_text(out, "</script>\n");
    for (size_t i = 0; i < script_count; i++) {
        tacho_out_text(out, "<script>\n");
        tacho_out_write(out, scripts[i].text, scripts[i].size);
        tacho_out_text(out, "</script>\n");
    }
    tacho_out_text(out, "</body>\n</html>\n");
}

struct folded_tree {
    TACHO_ARRAY(uint32_t) fn, parent, flags; // fn: numbers of `functions`
    TACHO_ARRAY(int64_t) self;
    TACHO_ARRAY(uint32_t) functions; // of the tree; TACHO_NO_INDEX: what was pruned
    struct tacho_map function_index;
};

static uint32_t folded_function(struct folded_tree *folded, uint32_t function)
{
    bool added;
    uint64_t *place = tacho_map_put(&folded->function_index, function, &added);

    if (added) {
        *place = folded->functions.count;
        tacho_array_push(&folded->functions, function);
    }
    return (uint32_t)*place;
}

static uint32_t folded_add(struct folded_tree *folded, uint32_t parent, uint32_t function,
                           uint32_t flags, int64_t self)
{
    tacho_array_push(&folded->parent, parent);
    tacho_array_push(&folded->fn, folded_function(folded, function));
    tacho_array_push(&folded->flags, flags & (TACHO_FRAME_KERNEL | TACHO_FRAME_INLINED));
    tacho_array_push(&folded->self, self);
    return (uint32_t)folded->fn.count - 1;
}

// Copies the nodes that are heavy enough. What a node's light children weigh becomes one child
// without a function, so that totals stay right.
static void prune(struct folded_tree *folded, const struct tacho_calltree *tree)
{
    const struct tacho_calltree_node *nodes = tree->nodes.items;
    double least = PRUNE_SHARE * (double)tree->total;
    size_t capacity = 0;
    uint32_t *place = tacho_array_grow(NULL, &capacity, tree->nodes.count + 1, sizeof *place);

    place[0] = folded_add(folded, 0, TACHO_NO_INDEX, 0, nodes[0].self);
    for (uint32_t at = 0; at != TACHO_NO_INDEX;) {
        uint32_t next = TACHO_NO_INDEX;
        int64_t light = 0;

        for (uint32_t child = nodes[at].first_child; child != TACHO_NO_INDEX;
             child = nodes[child].next_sibling) {
            bool heavy = (double)nodes[child].total >= least && folded->fn.count < NODES_MAX;

            place[child] = TACHO_NO_INDEX;
            if (heavy)
                place[child] = folded_add(folded, place[at], nodes[child].function,
                                          nodes[child].flags, nodes[child].self);
            else
                light += nodes[child].total;
        }
        if (light > 0)
            folded_add(folded, place[at], TACHO_NO_INDEX, 0, light);
        // The next kept node in the order of the tree; children of pruned ones are skipped.
        next = tacho_calltree_next(tree, at);
        while (next != TACHO_NO_INDEX && place[next] == TACHO_NO_INDEX) {
            while (next != 0 && nodes[next].next_sibling == TACHO_NO_INDEX)
                next = nodes[next].parent;
            next = next == 0 ? TACHO_NO_INDEX : nodes[next].next_sibling;
        }
        at = next;
    }
    free(place);
}

static void write_u32s(struct tacho_json *json, const char *key, const uint32_t *items,
                       size_t count)
{
    tacho_json_key(json, key);
    tacho_json_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            tacho_out_char(json->out, ',');
        tacho_out_u64(json->out, items[i]);
    }
    tacho_json_array_end(json);
}

// Name, module, file, line, flags, and the exact self and total weight of all threads.
static void write_functions(struct tacho_json *json, const struct folded_tree *folded,
                            const struct tacho_calltree *tree, const struct tacho_calltree *whole)
{
    static const struct tacho_function rest = {.name = "(light calls)", .module = "", .file = ""};

    tacho_json_key(json, "functions");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < folded->functions.count; i++) {
        uint32_t index = folded->functions.items[i];
        const struct tacho_function *function =
            index == TACHO_NO_INDEX ? &rest : &tree->functions.items.items[index];

        tacho_json_array_begin(json);
        tacho_json_text(json, function->name);
        tacho_json_text(json, function->module);
        tacho_json_text(json, function->file);
        tacho_json_u64(json, function->line);
        tacho_json_u64(json, (function->flags & (TACHO_FRAME_KERNEL | TACHO_FRAME_INLINED)) |
                                 (function->group || index == TACHO_NO_INDEX ? FUNCTION_GROUP : 0));
        // Both trees number the run's functions alike; what comes behind them is not one.
        bool counted = index < whole->functions.items.count && !function->group;
        tacho_json_i64(json, counted ? whole->weights[index].self : 0);
        tacho_json_i64(json, counted ? whole->weights[index].total : 0);
        tacho_json_array_end(json);
    }
    tacho_json_array_end(json);
}

static void write_profile(struct tacho_json *json, const struct tacho_report *report,
                          const struct tacho_run_profile *profile)
{
    struct tacho_profile_filter filter = report->options.filter;
    struct tacho_calltree tree, whole;
    struct folded_tree folded = {0};

    filter.weight_max = 0; // that of the chosen profile: this may be another
    filter.group = TACHO_GROUP_NONE;
    tacho_calltree_build(&whole, report->run, profile, &filter);
    filter.group = TACHO_GROUP_THREAD;
    // Stacks that differ only by an address or line become one node: unfold a little more than is
    // kept.
    filter.least_share = PRUNE_SHARE / 10;
    tacho_calltree_build(&tree, report->run, profile, &filter);
    prune(&folded, &tree);
    for (uint32_t i = 0; i < whole.functions.items.count; i++) {
        if ((double)whole.weights[i].self >= PRUNE_SHARE * (double)whole.total &&
            whole.weights[i].self > 0)
            folded_function(&folded, i);
    }
    tacho_json_object_begin(json);
    tacho_json_member_text(json, "name", profile->name);
    tacho_json_member_text(json, "unit", profile->unit);
    tacho_json_member_text(json, "sampler", profile->sampler);
    tacho_json_member_double(json, "rate_hz", profile->rate_hz);
    tacho_json_member_i64(json, "total", tree.total);
    tacho_json_member_u64(json, "samples", tree.samples);
    tacho_json_member_u64(json, "truncated", tree.truncated);
    write_functions(json, &folded, &tree, &whole);
    write_u32s(json, "fn", folded.fn.items, folded.fn.count);
    write_u32s(json, "parent", folded.parent.items, folded.parent.count);
    write_u32s(json, "flags", folded.flags.items, folded.flags.count);
    tacho_json_key(json, "self");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < folded.self.count; i++)
        tacho_json_i64(json, folded.self.items[i]);
    tacho_json_array_end(json);
    tacho_json_object_end(json);
    tacho_array_release(&folded.fn);
    tacho_array_release(&folded.parent);
    tacho_array_release(&folded.flags);
    tacho_array_release(&folded.self);
    tacho_array_release(&folded.functions);
    tacho_map_release(&folded.function_index);
    tacho_calltree_release(&tree);
    tacho_calltree_release(&whole);
}

// The profile that was chosen comes first.
static void write_profiles(struct tacho_json *json, const struct tacho_report *report)
{
    tacho_json_key(json, "profiles");
    tacho_json_array_begin(json);
    if (report->profile != NULL)
        write_profile(json, report, report->profile);
    for (size_t i = 0; i < report->run->profiles.count; i++) {
        const struct tacho_run_profile *profile = &report->run->profiles.items[i];

        if (profile != report->profile && profile->samples.count > 0)
            write_profile(json, report, profile);
    }
    tacho_json_array_end(json);
}

// Which point of a block of samples to draw: a gauge's extremes both, a counter's last.
struct points {
    TACHO_ARRAY(int64_t) time_ns;
    TACHO_ARRAY(double) value;
};

static void point(struct points *points, const struct tacho_run_series *series, size_t index)
{
    tacho_array_push(&points->time_ns, series->time_ns[index]);
    tacho_array_push(&points->value, series->value[index]);
}

static void choose_points(struct points *points, const struct tacho_run_series *series)
{
    size_t block = series->count / POINTS_MAX + 1;

    for (size_t begin = 0; begin < series->count; begin += block) {
        size_t end = begin + block < series->count ? begin + block : series->count;
        size_t low = begin, high = begin;

        for (size_t i = begin; i < end; i++) {
            low = series->value[i] < series->value[low] || isnan(series->value[low]) ? i : low;
            high = series->value[i] > series->value[high] || isnan(series->value[high]) ? i : high;
        }
        if (series->kind == TACHO_METRIC_COUNTER || low == high) {
            point(points, series, series->kind == TACHO_METRIC_COUNTER ? end - 1 : low);
        } else {
            point(points, series, low < high ? low : high);
            point(points, series, low < high ? high : low);
        }
    }
}

// A metric of the program's own, which no collector measures.
static bool is_own(const struct tacho_run_series *series)
{
    return tacho_metric_row_find(series->name) == NULL;
}

static void write_series(struct tacho_json *json, const struct tacho_run_series *series)
{
    struct points points = {0};
    struct tacho_out *out = json->out;

    choose_points(&points, series);
    tacho_json_object_begin(json);
    tacho_json_member_text(json, "name", series->name);
    tacho_json_member_text(json, "subject", series->subject);
    tacho_json_member_text(json, "unit", series->unit);
    tacho_json_member_text(json, "kind", tacho_metric_kind_name(series->kind));
    if (is_own(series))
        tacho_json_member_bool(json, "own", true);
    tacho_json_key(json, "t");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < points.time_ns.count; i++) {
        if (i > 0)
            tacho_out_char(out, ',');
        tacho_out_fixed(out, points.time_ns.items[i] / 1000, 3);
    }
    tacho_json_array_end(json);
    tacho_json_key(json, "v");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < points.value.count; i++) {
        if (i > 0)
            tacho_out_char(out, ',');
        if (isfinite(points.value.items[i]))
            tacho_out_printf(out, "%.9g", points.value.items[i]);
        else
            tacho_out_text(out, "null");
    }
    tacho_json_array_end(json);
    tacho_json_object_end(json);
    tacho_array_release(&points.time_ns);
    tacho_array_release(&points.value);
}

// General series and the program's own first: a run of many processes may have more than a page can
// hold.
static void write_all_series(struct tacho_json *json, const struct tacho_run *run)
{
    size_t written = 0;

    tacho_json_key(json, "series");
    tacho_json_array_begin(json);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < run->series.count && written < SERIES_MAX; i++) {
            const struct tacho_run_series *series = &run->series.items[i];
            bool part = !is_own(series) && (strncmp(series->subject, "process ", 8) == 0 ||
                                            strncmp(series->subject, "thread ", 7) == 0);

            if (part == (pass == 1) && series->count > 0) {
                write_series(json, series);
                written++;
            }
        }
    }
    tacho_json_array_end(json);
}

static void write_zone(struct tacho_json *json, const struct tacho_run *run,
                       const struct tacho_zone_summary *zone)
{
    tacho_json_object_begin(json);
    tacho_json_member_text(json, "name", run->zones.items[zone->zone].name);
    tacho_json_member_double(json, "total_ns", zone->total_ns);
    tacho_json_member_double(json, "self_ns", zone->self_ns);
    tacho_json_statistics(json, &zone->time_ns, "_ns");
    tacho_json_key(json, "buckets");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < zone->buckets.count; i++) {
        const struct tacho_histogram_bucket *bucket = &zone->buckets.items[i];

        tacho_json_array_begin(json);
        tacho_json_u64(json, tacho_histogram_low(zone->sub_bucket_bits, bucket->bucket));
        tacho_json_u64(json, tacho_histogram_low(zone->sub_bucket_bits, bucket->bucket + 1));
        tacho_json_u64(json, bucket->count);
        tacho_json_array_end(json);
    }
    tacho_json_array_end(json);
    tacho_json_object_end(json);
}

static void write_zones(struct tacho_json *json, const struct tacho_report *report)
{
    struct tacho_zones zones;

    tacho_zones_build(&zones, report->run, report->options.filter.pid, report->options.filter.tid);
    tacho_json_key(json, "zones");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < zones.items.count; i++)
        write_zone(json, report->run, &zones.items.items[i]);
    tacho_json_array_end(json);
    tacho_zones_release(&zones);
}

static void write_events(struct tacho_json *json, const struct tacho_run *run)
{
    tacho_json_key(json, "events");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < run->events.count && i < EVENTS_MAX; i++) {
        const struct tacho_run_event *event = &run->events.items[i];

        tacho_json_object_begin(json);
        tacho_json_member_text(json, "name", event->name);
        tacho_json_member_double(json, "t", (double)event->time_ns / 1e6);
        tacho_json_member_double(json, "value", event->value);
        tacho_json_member_text(json, "text", event->text);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
}

static void write_data(struct tacho_json *json, const struct tacho_report *report)
{
    struct tacho_facts facts;

    tacho_facts_build(&facts, report->run);
    tacho_json_object_begin(json);
    tacho_json_key(json, "run");
    tacho_json_object_begin(json);
    tacho_json_run_info(json, report->run, &facts);
    tacho_json_object_end(json);
    tacho_json_key(json, "facts");
    tacho_json_object_begin(json);
    tacho_json_facts(json, &facts);
    tacho_json_object_end(json);
    write_profiles(json, report);
    write_zones(json, report);
    tacho_json_slow_spans(json, report, SLOW_MAX);
    tacho_json_threads(json, report);
    write_all_series(json, report->run);
    write_events(json, report->run);
    tacho_json_clocks(json, report->run);
    tacho_json_key(json, "notes");
    tacho_json_notes(json, report->run);
    tacho_json_key(json, "environment");
    tacho_json_environment(json, report->run);
    tacho_json_object_end(json);
}

int tacho_report_html(const struct tacho_report *report, struct tacho_out *out,
                      struct tacho_fail *fail)
{
    const struct tacho_html_script scripts[] = {
        {tacho_asset_page_js, tacho_asset_page_js_size},
        {tacho_asset_flame_graph_js, tacho_asset_flame_graph_js_size},
        {tacho_asset_timeline_js, tacho_asset_timeline_js_size},
        {tacho_asset_report_js, tacho_asset_report_js_size}};
    struct tacho_out data;
    struct tacho_json json;
    struct tacho_buffer title = {0};

    (void)fail;
    tacho_out_init_memory(&data);
    tacho_json_init(&json, &data, false);
    write_data(&json, report);
    tacho_buffer_printf(&title, "%.80s — tacho",
                        report->run->info.command[0] != '\0' ? report->run->info.command
                                                             : report->run->info.target);
    tacho_html_page(out, title.data, &data.buffer, scripts, sizeof scripts / sizeof scripts[0]);
    tacho_buffer_release(&title);
    tacho_out_release(&data);
    return 0;
}
