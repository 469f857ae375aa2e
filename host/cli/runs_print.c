// The list of runs and what one run holds, as text, JSON and CSV: see runs_print.h.
#include "cli/runs_print.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/json_writer.h"
#include "base/units.h"
#include "render/table.h"

static const char *format_time(int64_t unix_ns, char *text, size_t size)
{
    time_t seconds = (time_t)(unix_ns / 1000000000);
    struct tm calendar;
    if (!gmtime_r(&seconds, &calendar) || !strftime(text, size, "%Y-%m-%d %H:%M:%S", &calendar))
        snprintf(text, size, "n/a");
    return text;
}

// How the run ended, in a few letters.
static const char *format_ending(const struct tacho_run_info *info,
                                 const struct tacho_store_run *stored, char *text, size_t size)
{
    if (stored && stored->is_damaged)
        snprintf(text, size, "damaged");
    else if (stored && stored->is_live)
        snprintf(text, size, "live");
    else if (!info->finished)
        snprintf(text, size, "cut off"); // tacho was killed before it could close the run
    else if (!info->has_exit)
        snprintf(text, size, "-");
    else if (WIFSIGNALED(info->exit_status))
        snprintf(text, size, "signal %d", WTERMSIG(info->exit_status));
    else
        snprintf(text, size, "exit %d", WEXITSTATUS(info->exit_status));
    return text;
}

static const char *what_of(const struct tacho_run_info *info)
{
    return *info->command ? info->command : info->target;
}

static void list_text(const struct tacho_store_list *list, size_t count, struct tacho_out *out)
{
    struct tacho_table table = {0};
    tacho_table_column(&table, TACHO_COLUMN_LEFT, "run");
    tacho_table_column(&table, TACHO_COLUMN_LEFT, "name");
    tacho_table_column(&table, TACHO_COLUMN_LEFT, "began (UTC)");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "took");
    tacho_table_column(&table, TACHO_COLUMN_LEFT, "ended");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "size");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "what");
    for (size_t i = 0; i < count; i++) {
        const struct tacho_store_run *run = &list->runs.items[i];
        char text[64], unit[TACHO_UNIT_TEXT_MAX];
        tacho_table_cell(&table, run->info.id);
        tacho_table_cell(&table, run->info.name);
        tacho_table_cell(&table, format_time(run->info.start_unix_ns, text, sizeof text));
        tacho_table_cell(&table, tacho_format_seconds((double)run->info.duration_ns / 1e9, unit));
        tacho_table_cell(&table, format_ending(&run->info, run, text, sizeof text));
        tacho_table_cell(&table, tacho_format_bytes((double)run->stored_bytes, unit));
        tacho_table_cell(&table, what_of(&run->info));
    }
    tacho_table_print(&table, out);
    if (count < list->runs.count)
        tacho_out_printf(out, "  ... and %zu older\n", list->runs.count - count);
}

static void json_info(struct tacho_json *json, const struct tacho_run_info *info)
{
    tacho_json_member_text(json, "id", info->id);
    tacho_json_member_text(json, "name", info->name);
    tacho_json_member_text(json, "target", info->target);
    tacho_json_member_text(json, "command", info->command);
    tacho_json_member_text(json, "version", info->version);
    tacho_json_member_i64(json, "start_unix_ns", info->start_unix_ns);
    tacho_json_member_i64(json, "duration_ns", info->duration_ns);
    tacho_json_member_bool(json, "finished", info->finished);
    tacho_json_key(json, "exit_status");
    if (info->has_exit)
        tacho_json_i64(json, info->exit_status);
    else
        tacho_json_null(json);
}

static void json_stored(struct tacho_json *json, const struct tacho_store_run *stored)
{
    tacho_json_member_bool(json, "is_live", stored->is_live);
    tacho_json_member_bool(json, "is_damaged", stored->is_damaged);
    tacho_json_member_i64(json, "stored_unix_ns", stored->stored_unix_ns);
    tacho_json_member_u64(json, "stored_bytes", stored->stored_bytes);
}

static void list_json(const struct tacho_store_list *list, size_t count, struct tacho_out *out)
{
    struct tacho_json json;
    tacho_json_init(&json, out, true);
    tacho_json_array_begin(&json);
    for (size_t i = 0; i < count; i++) {
        tacho_json_object_begin(&json);
        json_info(&json, &list->runs.items[i].info);
        json_stored(&json, &list->runs.items[i]);
        tacho_json_object_end(&json);
    }
    tacho_json_array_end(&json);
    tacho_out_char(out, '\n');
}

// A cell as RFC 4180 quotes it; what a spreadsheet would take for a formula begins with an
// apostrophe.
static void csv_text(struct tacho_out *out, const char *text)
{
    bool is_formula = *text && strchr("=+-@", *text);
    tacho_out_char(out, '"');
    if (is_formula)
        tacho_out_char(out, '\'');
    for (; *text; text++) {
        if (*text == '"')
            tacho_out_char(out, '"');
        tacho_out_char(out, *text);
    }
    tacho_out_char(out, '"');
}

static void csv_line(struct tacho_out *out, const struct tacho_store_run *run)
{
    const char *const texts[] = {run->info.id, run->info.name, run->info.target, run->info.command,
                                 run->info.version};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        csv_text(out, texts[i]);
        tacho_out_char(out, ',');
    }
    tacho_out_printf(out, "%lld,%lld,%d,", (long long)run->info.start_unix_ns,
                     (long long)run->info.duration_ns, run->info.finished);
    if (run->info.has_exit)
        tacho_out_i64(out, run->info.exit_status);
    tacho_out_printf(out, ",%d,%llu\r\n", run->is_live, (unsigned long long)run->stored_bytes);
}

void tacho_runs_print_list(const struct tacho_store_list *list, size_t count_max,
                           const char *format, struct tacho_out *out)
{
    size_t count = list->runs.count;
    if (count_max && count > count_max)
        count = count_max;
    if (strcmp(format, "json") == 0) {
        list_json(list, count, out);
    } else if (strcmp(format, "csv") == 0) {
        tacho_out_text(out, "id,name,target,command,version,start_unix_ns,duration_ns,finished,"
                            "exit_status,is_live,stored_bytes\r\n");
        for (size_t i = 0; i < count; i++)
            csv_line(out, &list->runs.items[i]);
    } else {
        list_text(list, count, out);
    }
}

// How many rows each table has.
struct counts {
    const char *name;
    uint64_t count;
};

#define COUNTS 12

static void count_rows(const struct tacho_run *run, struct counts counts[COUNTS])
{
    uint64_t samples = 0, stacks = 0;
    for (size_t i = 0; i < run->series.count; i++)
        samples += run->series.items[i].count;
    for (size_t i = 0; i < run->profiles.count; i++)
        stacks += run->profiles.items[i].samples.count;
    const struct counts all[COUNTS] = {
        {"metrics", run->series.count},
        {"samples", samples},
        {"threads", run->threads.count},
        {"profiles", run->profiles.count},
        {"stacks", stacks},
        {"frames", run->frames.count},
        {"modules", run->modules.count},
        {"zones", run->zones.count},
        {"spans", run->spans.count},
        {"events", run->events.count},
        {"notes", run->notes.count},
        {"clocks", run->clocks.count},
    };
    memcpy(counts, all, sizeof all);
}

static void run_text(const struct tacho_run *run, const struct tacho_store_run *stored,
                     struct tacho_out *out)
{
    const struct tacho_run_info *info = &run->info;
    struct counts counts[COUNTS];
    char text[64], unit[TACHO_UNIT_TEXT_MAX];
    tacho_out_printf(out, "%srun %s%s%s%s\n", tacho_out_style(out, "\033[1m"), info->id,
                     *info->name ? " " : "", info->name, tacho_out_style(out, "\033[0m"));
    tacho_out_printf(out, "  target   %s\n  command  %s\n", info->target, info->command);
    tacho_out_printf(out, "  made     %s UTC by tacho %s\n",
                     format_time(info->start_unix_ns, text, sizeof text), info->version);
    tacho_out_printf(out, "  took     %s\n",
                     tacho_format_seconds((double)info->duration_ns / 1e9, unit));
    tacho_out_printf(out, "  ended    %s\n", format_ending(info, stored, text, sizeof text));
    if (stored)
        tacho_out_printf(out, "  size     %s\n",
                         tacho_format_bytes((double)stored->stored_bytes, unit));
    tacho_out_text(out, "  holds   ");
    count_rows(run, counts);
    const char *comma = " ";
    for (size_t i = 0; i < COUNTS; i++) {
        if (counts[i].count == 0)
            continue;
        int letters = (int)strlen(counts[i].name) - (counts[i].count == 1); // 1 metric, 2 metrics
        tacho_out_printf(out, "%s%s %.*s", comma, tacho_format_count((double)counts[i].count, unit),
                         letters, counts[i].name);
        comma = ", ";
    }
    tacho_out_text(out, "\n\n");
    struct tacho_table table = {0};
    tacho_table_column(&table, TACHO_COLUMN_LEFT, "environment");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "");
    for (size_t i = 0; i < run->environment.count; i++) {
        tacho_table_cell(&table, run->environment.items[i].key);
        tacho_table_cell(&table, run->environment.items[i].value);
    }
    tacho_table_print(&table, out);
}

static void run_json(const struct tacho_run *run, const struct tacho_store_run *stored,
                     struct tacho_out *out)
{
    struct counts counts[COUNTS];
    struct tacho_json json;
    tacho_json_init(&json, out, true);
    tacho_json_object_begin(&json);
    json_info(&json, &run->info);
    if (stored)
        json_stored(&json, stored);
    count_rows(run, counts);
    tacho_json_key(&json, "holds");
    tacho_json_object_begin(&json);
    for (size_t i = 0; i < COUNTS; i++)
        tacho_json_member_u64(&json, counts[i].name, counts[i].count);
    tacho_json_object_end(&json);
    tacho_json_key(&json, "environment");
    tacho_json_object_begin(&json);
    for (size_t i = 0; i < run->environment.count; i++)
        tacho_json_member_text(&json, run->environment.items[i].key,
                               run->environment.items[i].value);
    tacho_json_object_end(&json);
    tacho_json_object_end(&json);
    tacho_out_char(out, '\n');
}

static void run_csv(const struct tacho_run *run, struct tacho_out *out)
{
    tacho_out_text(out, "key,value\r\n");
    const char *const own[][2] = {{"id", run->info.id},
                                  {"name", run->info.name},
                                  {"target", run->info.target},
                                  {"command", run->info.command},
                                  {"version", run->info.version}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        tacho_out_printf(out, "%s,", own[i][0]);
        csv_text(out, own[i][1]);
        tacho_out_text(out, "\r\n");
    }
    for (size_t i = 0; i < run->environment.count; i++) {
        csv_text(out, run->environment.items[i].key);
        tacho_out_char(out, ',');
        csv_text(out, run->environment.items[i].value);
        tacho_out_text(out, "\r\n");
    }
}

void tacho_runs_print_run(const struct tacho_run *run, const struct tacho_store_run *stored,
                          const char *format, struct tacho_out *out)
{
    if (strcmp(format, "json") == 0)
        run_json(run, stored, out);
    else if (strcmp(format, "csv") == 0)
        run_csv(run, out);
    else
        run_text(run, stored, out);
}
