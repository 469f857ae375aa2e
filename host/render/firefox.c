// The profile in the processed format of the Firefox Profiler (version 48; newer viewers upgrade
// it): one thread table per thread, spans as markers, the run's memory as a counter.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json_writer.h"
#include "render/stacks.h"
#include "render/trace.h"

enum category { CATEGORY_USER, CATEGORY_KERNEL, CATEGORY_IDLE };

struct thread_tables {
    struct tacho_strings strings;
    struct tacho_map stack_index, frame_index, function_index;
    TACHO_ARRAY(struct tacho_stack_node) stacks; // parent, frame: of this thread's tables
    TACHO_ARRAY(uint32_t) frames;                // the run's frames
    TACHO_ARRAY(uint32_t) functions;             // the report's functions
};

struct writing {
    const struct tacho_report *report;
    const struct tacho_trace *trace;
    const struct tacho_stacks *stacks;
    struct tacho_json json;
};

// A list of numbers under a key: the writer calls `value` for each index; NO_INDEX becomes null.
static void list(struct writing *writing, const char *key, size_t count,
                 int64_t (*value)(const void *context, size_t index), const void *context)
{
    struct tacho_out *out = writing->json.out;

    tacho_json_key(&writing->json, key);
    tacho_json_array_begin(&writing->json);
    for (size_t i = 0; i < count; i++) {
        int64_t number = value(context, i);

        if (i > 0)
            tacho_out_char(out, ',');
        if (number == INT64_MIN)
            tacho_out_text(out, "null");
        else
            tacho_out_i64(out, number);
    }
    tacho_json_array_end(&writing->json);
}

static int64_t value_zero(const void *context, size_t index)
{
    (void)context;
    (void)index;
    return 0;
}

static int64_t value_null(const void *context, size_t index)
{
    (void)context;
    (void)index;
    return INT64_MIN;
}

static int64_t value_none(const void *context, size_t index)
{
    (void)context;
    (void)index;
    return -1;
}

struct column {
    const struct writing *writing;
    struct thread_tables *tables;
};

static int64_t stack_prefix(const void *context, size_t index)
{
    const struct column *column = context;
    uint32_t parent = column->tables->stacks.items[index].parent;

    return parent == TACHO_NO_INDEX ? INT64_MIN : (int64_t)parent;
}

static int64_t stack_frame(const void *context, size_t index)
{
    const struct column *column = context;

    return column->tables->stacks.items[index].frame;
}

static int64_t frame_category(const void *context, size_t index)
{
    const struct column *column = context;
    uint32_t frame = column->tables->frames.items[index];
    uint32_t flags = column->writing->report->run->frames.items[frame].flags;

    return flags & TACHO_FRAME_KERNEL ? CATEGORY_KERNEL : CATEGORY_USER;
}

static int64_t stack_category(const void *context, size_t index)
{
    const struct column *column = context;

    return frame_category(context, column->tables->stacks.items[index].frame);
}

static int64_t frame_address(const void *context, size_t index)
{
    const struct column *column = context;
    uint64_t address =
        column->writing->report->run->frames.items[column->tables->frames.items[index]].address;

    // Numbers of JavaScript are exact up to 2^53; kernel addresses are beyond.
    return address < UINT64_C(1) << 53 ? (int64_t)address : -1;
}

static int64_t frame_function(const void *context, size_t index)
{
    const struct column *column = context;
    uint32_t frame = column->tables->frames.items[index];
    uint32_t function = column->writing->report->tree.functions.of_frame[frame];

    return (int64_t)*tacho_map_get(&column->tables->function_index, function);
}

static int64_t frame_line(const void *context, size_t index)
{
    const struct column *column = context;
    uint32_t line =
        column->writing->report->run->frames.items[column->tables->frames.items[index]].line;

    return line > 0 ? (int64_t)line : INT64_MIN;
}

static const struct tacho_function *function_at(const struct column *column, size_t index)
{
    return &column->writing->report->tree.functions.items
                .items[column->tables->functions.items[index]];
}

static int64_t function_name(const void *context, size_t index)
{
    const struct column *column = context;

    return tacho_strings_number(&column->tables->strings, function_at(column, index)->name);
}

static int64_t function_file(const void *context, size_t index)
{
    const struct column *column = context;
    const struct tacho_function *function = function_at(column, index);

    return function->file[0] != '\0'
               ? (int64_t)tacho_strings_number(&column->tables->strings, function->file)
               : INT64_MIN;
}

static uint32_t table_frame(const struct writing *writing, struct thread_tables *tables,
                            uint32_t frame)
{
    bool added;
    uint64_t *place = tacho_map_put(&tables->frame_index, frame, &added);
    uint32_t index;

    if (!added)
        return (uint32_t)*place;
    *place = index = (uint32_t)tables->frames.count;
    tacho_array_push(&tables->frames, frame);
    place = tacho_map_put(&tables->function_index, writing->report->tree.functions.of_frame[frame],
                          &added);
    if (added) {
        *place = tables->functions.count;
        tacho_array_push(&tables->functions, writing->report->tree.functions.of_frame[frame]);
    }
    return index;
}

// The thread's own number of a stack; its callers are added first.
static uint32_t table_stack(const struct writing *writing, struct thread_tables *tables,
                            uint32_t node)
{
    uint32_t path[4096];
    unsigned count = 0;
    uint32_t at = node, parent = TACHO_NO_INDEX;
    const uint64_t *known = NULL;

    while (at != TACHO_NO_INDEX && count < 4096 &&
           (known = tacho_map_get(&tables->stack_index, at)) == NULL) {
        path[count++] = at;
        at = writing->stacks->nodes.items[at].parent;
    }
    if (known != NULL)
        parent = (uint32_t)*known;
    while (count-- > 0) {
        uint32_t frame =
            table_frame(writing, tables, writing->stacks->nodes.items[path[count]].frame);

        tacho_array_push(&tables->stacks, (struct tacho_stack_node){parent, frame});
        parent = (uint32_t)tables->stacks.count - 1;
        *tacho_map_put(&tables->stack_index, path[count], NULL) = parent;
    }
    return parent;
}

static void write_samples(struct writing *writing, struct thread_tables *tables, size_t begin,
                          size_t end)
{
    const struct tacho_run_profile *profile = writing->report->profile;
    struct tacho_json *json = &writing->json;
    bool first = true;
    size_t count = 0;

    tacho_json_key(json, "samples");
    tacho_json_object_begin(json);
    for (int column = 0; column < 3; column++) {
        static const char *const keys[] = {"stack", "time", "weight"};

        tacho_json_key(json, keys[column]);
        tacho_json_array_begin(json);
        first = true;
        count = 0;
        for (size_t i = begin; i < end; i++) {
            const struct tacho_run_profile_sample *sample =
                &profile->samples.items[writing->stacks->samples.items[i]];
            uint32_t node = writing->stacks->of_node[sample->node];

            if (!tacho_trace_has(writing->trace, sample->time_ns))
                continue;
            if (!first)
                tacho_out_char(json->out, ',');
            first = false;
            count++;
            if (column == 0 && node == TACHO_NO_INDEX)
                tacho_out_text(json->out, "null");
            else if (column == 0)
                tacho_out_u64(json->out, table_stack(writing, tables, node));
            else if (column == 1)
                tacho_out_fixed(json->out, sample->time_ns, 6);
            else if (strcmp(profile->unit, "nanoseconds") == 0)
                tacho_out_fixed(json->out, sample->weight, 6);
            else
                tacho_out_i64(json->out, sample->weight);
        }
        tacho_json_array_end(json);
    }
    tacho_json_member_text(json, "weightType",
                           strcmp(profile->unit, "nanoseconds") == 0 ? "tracing-ms"
                           : strcmp(profile->unit, "bytes") == 0     ? "bytes"
                                                                     : "samples");
    tacho_json_member_u64(json, "length", count);
    tacho_json_object_end(json);
}

struct marker_column {
    struct writing *writing;
    struct thread_tables *tables;
    uint32_t thread;
};

// Spans of this thread as markers with begin and end; one call per column.
static size_t write_marker_column(struct writing *writing, struct thread_tables *tables,
                                  uint32_t thread, const char *key, int column)
{
    const struct tacho_run *run = writing->report->run;
    struct tacho_out *out = writing->json.out;
    size_t count = 0;

    tacho_json_key(&writing->json, key);
    tacho_json_array_begin(&writing->json);
    for (size_t i = 0; i < writing->trace->spans.count; i++) {
        const struct tacho_run_span *span = &run->spans.items[writing->trace->spans.items[i]];
        bool open = span->status == TACHO_SPAN_OPEN;

        if (span->thread != thread)
            continue;
        if (count++ > 0)
            tacho_out_char(out, ',');
        if (column == 0)
            tacho_out_u64(
                out, tacho_strings_number(&tables->strings, run->zones.items[span->zone].name));
        else if (column == 1)
            tacho_out_fixed(out, span->begin_ns, 6);
        else if (column == 2 && open)
            tacho_out_text(out, "null");
        else if (column == 2)
            tacho_out_fixed(out, span->begin_ns + span->duration_ns, 6);
        else if (column == 3)
            tacho_out_u64(out, open ? 2 : 1); // phase: interval start, interval
        else if (column == 4)
            tacho_out_u64(out, CATEGORY_USER);
        else
            tacho_out_text(out, span->status == TACHO_SPAN_ERROR
                                    ? "{\"type\":\"zone\",\"status\":\"error\"}"
                                    : "{\"type\":\"zone\",\"status\":\"ok\"}");
    }
    tacho_json_array_end(&writing->json);
    return count;
}

static void write_markers(struct writing *writing, struct thread_tables *tables, uint32_t thread)
{
    static const char *const keys[] = {"name", "startTime", "endTime", "phase", "category", "data"};
    size_t count = 0;

    tacho_json_key(&writing->json, "markers");
    tacho_json_object_begin(&writing->json);
    for (int column = 0; column < 6; column++)
        count = write_marker_column(writing, tables, thread, keys[column], column);
    tacho_json_member_u64(&writing->json, "length", count);
    tacho_json_object_end(&writing->json);
}

static void write_function_table(struct writing *writing, struct column *column)
{
    struct tacho_json *json = &writing->json;
    size_t count = column->tables->functions.count;

    tacho_json_key(json, "funcTable");
    tacho_json_object_begin(json);
    list(writing, "name", count, function_name, column);
    for (int i = 0; i < 2; i++) {
        tacho_json_key(json, i == 0 ? "isJS" : "relevantForJS");
        tacho_json_array_begin(json);
        for (size_t j = 0; j < count; j++)
            tacho_json_bool(json, false);
        tacho_json_array_end(json);
    }
    list(writing, "resource", count, value_none, NULL);
    list(writing, "fileName", count, function_file, column);
    list(writing, "lineNumber", count, value_null, NULL);
    list(writing, "columnNumber", count, value_null, NULL);
    tacho_json_member_u64(json, "length", count);
    tacho_json_object_end(json);
}

static void write_tables(struct writing *writing, struct thread_tables *tables)
{
    struct column column = {writing, tables};
    struct tacho_json *json = &writing->json;
    size_t stacks = tables->stacks.count, frames = tables->frames.count;

    tacho_json_key(json, "stackTable");
    tacho_json_object_begin(json);
    list(writing, "prefix", stacks, stack_prefix, &column);
    list(writing, "frame", stacks, stack_frame, &column);
    list(writing, "category", stacks, stack_category, &column);
    list(writing, "subcategory", stacks, value_zero, NULL);
    tacho_json_member_u64(json, "length", stacks);
    tacho_json_object_end(json);
    tacho_json_key(json, "frameTable");
    tacho_json_object_begin(json);
    list(writing, "address", frames, frame_address, &column);
    list(writing, "inlineDepth", frames, value_zero, NULL);
    list(writing, "category", frames, frame_category, &column);
    list(writing, "subcategory", frames, value_zero, NULL);
    list(writing, "func", frames, frame_function, &column);
    list(writing, "nativeSymbol", frames, value_null, NULL);
    list(writing, "innerWindowID", frames, value_null, NULL);
    list(writing, "implementation", frames, value_null, NULL);
    list(writing, "line", frames, frame_line, &column);
    list(writing, "column", frames, value_null, NULL);
    tacho_json_member_u64(json, "length", frames);
    tacho_json_object_end(json);
    write_function_table(writing, &column);
}

static void write_empty_table(struct tacho_json *json, const char *key, const char *const *columns)
{
    tacho_json_key(json, key);
    tacho_json_object_begin(json);
    for (; *columns != NULL; columns++) {
        tacho_json_key(json, *columns);
        tacho_json_array_begin(json);
        tacho_json_array_end(json);
    }
    tacho_json_member_u64(json, "length", 0);
    tacho_json_object_end(json);
}

static double milliseconds(int64_t ns, double unknown)
{
    return ns == INT64_MIN ? unknown : (double)ns / 1e6;
}

static void write_thread_head(struct writing *writing, uint32_t index)
{
    const struct tacho_run *run = writing->report->run;
    struct tacho_json *json = &writing->json;
    static const struct tacho_run_thread unknown = {.start_ns = INT64_MIN, .end_ns = INT64_MIN};
    const struct tacho_run_thread *thread =
        index < run->threads.count ? &run->threads.items[index] : &unknown;
    char pid[16];

    snprintf(pid, sizeof pid, "%u", thread->pid);
    tacho_json_member_text(json, "processType", "default");
    tacho_json_member_text(json, "name", thread->name != NULL ? thread->name : "unknown");
    tacho_json_member_text(json, "processName", thread->name != NULL ? thread->name : "unknown");
    tacho_json_member_bool(json, "isMainThread", thread->pid == thread->tid);
    tacho_json_member_text(json, "pid", pid);
    tacho_json_member_u64(json, "tid", thread->tid);
    tacho_json_member_double(json, "processStartupTime", milliseconds(thread->start_ns, 0));
    tacho_json_member_double(json, "processShutdownTime",
                             milliseconds(thread->end_ns, (double)NAN));
    tacho_json_member_double(json, "registerTime", milliseconds(thread->start_ns, 0));
    tacho_json_member_double(json, "unregisterTime", milliseconds(thread->end_ns, (double)NAN));
    tacho_json_key(json, "pausedRanges");
    tacho_json_array_begin(json);
    tacho_json_array_end(json);
}

static void write_thread(struct writing *writing, uint32_t thread, size_t begin, size_t end)
{
    static const char *const resources[] = {"lib", "name", "host", "type", NULL};
    static const char *const symbols[] = {"libIndex", "address", "name", "functionSize", NULL};
    struct thread_tables tables = {0};
    struct tacho_json *json = &writing->json;

    tacho_json_object_begin(json);
    write_thread_head(writing, thread);
    if (writing->report->profile != NULL) {
        write_samples(writing, &tables, begin, end);
    } else {
        static const char *const samples[] = {"stack", "time", NULL};

        write_empty_table(json, "samples", samples);
    }
    write_markers(writing, &tables, thread);
    write_tables(writing, &tables);
    write_empty_table(json, "resourceTable", resources);
    write_empty_table(json, "nativeSymbols", symbols);
    tacho_json_key(json, "stringArray");
    tacho_json_array_begin(json);
    for (unsigned i = 0; i < tables.strings.count; i++)
        tacho_json_text(json, tables.strings.items[i]);
    tacho_json_array_end(json);
    tacho_json_object_end(json);
    tacho_strings_release(&tables.strings);
    tacho_map_release(&tables.stack_index);
    tacho_map_release(&tables.frame_index);
    tacho_map_release(&tables.function_index);
    tacho_array_release(&tables.stacks);
    tacho_array_release(&tables.frames);
    tacho_array_release(&tables.functions);
}

// Threads that have samples or spans, in the order of the run.
static void write_threads(struct writing *writing)
{
    const struct tacho_run *run = writing->report->run;
    const struct tacho_stacks *stacks = writing->stacks;
    size_t at = 0, span = 0;

    tacho_json_key(&writing->json, "threads");
    tacho_json_array_begin(&writing->json);
    for (uint32_t thread = 0; thread < run->threads.count; thread++) {
        size_t begin = at, first_span = span;

        while (at < stacks->samples.count &&
               writing->report->profile->samples.items[stacks->samples.items[at]].thread == thread)
            at++;
        while (span < writing->trace->spans.count &&
               run->spans.items[writing->trace->spans.items[span]].thread == thread)
            span++;
        if (at > begin || span > first_span)
            write_thread(writing, thread, begin, at);
    }
    tacho_json_array_end(&writing->json);
}

static void write_meta(struct writing *writing)
{
    static const struct {
        const char *name, *colour;
    } categories[] = {{"User", "blue"}, {"Kernel", "orange"}, {"Idle", "grey"}};
    const struct tacho_run *run = writing->report->run;
    const struct tacho_run_profile *profile = writing->report->profile;
    struct tacho_json *json = &writing->json;
    bool known = profile != NULL && profile->rate_hz > 0;

    tacho_json_key(json, "meta");
    tacho_json_object_begin(json);
    tacho_json_member_i64(json, "version", 29);
    tacho_json_member_i64(json, "preprocessedProfileVersion", 48);
    tacho_json_member_text(json, "product", run->info.command);
    tacho_json_member_text(json, "importedFrom", "tacho");
    tacho_json_member_double(json, "interval", known ? 1000 / profile->rate_hz : 1);
    tacho_json_member_double(json, "startTime", (double)run->info.start_unix_ns / 1e6);
    tacho_json_member_i64(json, "processType", 0);
    tacho_json_member_i64(json, "stackwalk", 1);
    tacho_json_member_bool(json, "symbolicated", true);
    tacho_json_member_text(json, "arguments", writing->trace->note);
    tacho_json_key(json, "categories");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < 3; i++) {
        tacho_json_object_begin(json);
        tacho_json_member_text(json, "name", categories[i].name);
        tacho_json_member_text(json, "color", categories[i].colour);
        tacho_json_key(json, "subcategories");
        tacho_json_array_begin(json);
        tacho_json_text(json, "Other");
        tacho_json_array_end(json);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
    tacho_json_key(json, "markerSchema");
    tacho_out_text(json->out, "[{\"name\":\"zone\",\"tooltipLabel\":\"{marker.name}\","
                              "\"tableLabel\":\"{marker.name}\",\"chartLabel\":\"{marker.name}\","
                              "\"display\":[\"marker-chart\",\"marker-table\"],\"data\":[{\"key\":"
                              "\"status\",\"label\":\"Status\",\"format\":\"string\"}]}]");
    json->after_key = false;
    tacho_json_object_end(json);
}

// The viewer draws counters of the category Memory as running totals of the steps listed here.
static void write_counters(struct writing *writing)
{
    const struct tacho_run *run = writing->report->run;
    const struct tacho_run_series *series = tacho_run_series_find(run, "rss_bytes", "run");
    struct tacho_json *json = &writing->json;
    double last = 0;
    char pid[16];

    tacho_json_key(json, "counters");
    tacho_json_array_begin(json);
    if (series != NULL && series->count > 0 && run->threads.count > 0) {
        snprintf(pid, sizeof pid, "%u", run->threads.items[0].pid);
        tacho_json_object_begin(json);
        tacho_json_member_text(json, "name", series->name);
        tacho_json_member_text(json, "category", "Memory");
        tacho_json_member_text(json, "description", series->help);
        tacho_json_member_text(json, "pid", pid);
        tacho_json_member_i64(json, "mainThreadIndex", 0);
        tacho_json_key(json, "samples");
        tacho_json_object_begin(json);
        tacho_json_key(json, "time");
        tacho_json_array_begin(json);
        for (size_t i = 0; i < series->count; i++)
            tacho_json_double(json, (double)series->time_ns[i] / 1e6);
        tacho_json_array_end(json);
        tacho_json_key(json, "count");
        tacho_json_array_begin(json);
        for (size_t i = 0; i < series->count; i++) {
            double value = isnan(series->value[i]) ? last : series->value[i];

            tacho_json_double(json, value - last);
            last = value;
        }
        tacho_json_array_end(json);
        tacho_json_member_u64(json, "length", series->count);
        tacho_json_object_end(json);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
}

int tacho_report_firefox(const struct tacho_report *report, struct tacho_out *out,
                         struct tacho_fail *fail)
{
    struct tacho_trace trace;
    struct tacho_stacks stacks;
    struct writing writing = {.report = report, .trace = &trace, .stacks = &stacks};
    int code = tacho_trace_open(&trace, report, true, fail);

    if (code < 0)
        return code;
    tacho_trace_order(&trace, report->run);
    tacho_stacks_build(&stacks, report);
    tacho_json_init(&writing.json, out, false);
    tacho_json_object_begin(&writing.json);
    write_meta(&writing);
    tacho_json_key(&writing.json, "libs");
    tacho_json_array_begin(&writing.json);
    tacho_json_array_end(&writing.json);
    tacho_json_key(&writing.json, "pages");
    tacho_json_array_begin(&writing.json);
    tacho_json_array_end(&writing.json);
    write_threads(&writing);
    write_counters(&writing);
    tacho_json_object_end(&writing.json);
    tacho_out_char(out, '\n');
    tacho_stacks_release(&stacks);
    tacho_trace_release(&trace);
    return 0;
}
