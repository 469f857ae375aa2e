// The difference of two runs for the terminal.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "render/diff_report.h"
#include "render/label.h"
#include "render/table.h"
#include "render/text.h"

#define UNCHANGED 0.01 // metrics that changed less are only counted

static void run_line(struct tacho_out *out, const char *name, const struct tacho_run *run)
{
    tacho_out_printf(out, "%s%s%s  %s", tacho_out_style(out, TACHO_STYLE_DIM), name,
                     tacho_out_style(out, TACHO_STYLE_END), run->info.id);
    if (run->info.name[0] != '\0') {
        tacho_out_text(out, " \"");
        tacho_text_write(out, run->info.name, 60);
        tacho_out_char(out, '"');
    }
    tacho_out_text(out, "  ");
    tacho_text_write(out, run->info.command[0] != '\0' ? run->info.command : run->info.target, 100);
    tacho_out_char(out, '\n');
}

static const char *signed_ratio(double ratio, char *text)
{
    if (isnan(ratio))
        return "n/a";
    snprintf(text, TACHO_UNIT_TEXT_MAX, "%+.1f %%", ratio * 100);
    return text;
}

static void write_metrics(const struct tacho_diff *diff, struct tacho_out *out)
{
    struct tacho_table table = {0};
    char text[TACHO_UNIT_TEXT_MAX];
    size_t unchanged = 0;

    tacho_text_heading(out, "Metrics (gauges: mean, counters: total)");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "metric");
    tacho_table_column(&table, TACHO_COLUMN_LEFT, "of");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "before");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "after");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "change");
    for (size_t i = 0; i < diff->metrics.count; i++) {
        const struct tacho_diff_metric *row = &diff->metrics.items[i];

        if (isnan(row->before) && isnan(row->after))
            continue;
        if (fabs(row->delta) <= UNCHANGED * fabs(row->before)) {
            unchanged++;
            continue;
        }
        tacho_table_cell(&table, row->name);
        tacho_table_cell(&table, row->subject);
        tacho_table_cell(&table, tacho_format_unit(row->before, row->unit, text));
        tacho_table_cell(&table, tacho_format_unit(row->after, row->unit, text));
        tacho_table_cell(&table, signed_ratio(row->relative, text));
    }
    tacho_table_print(&table, out);
    if (unchanged > 0)
        tacho_out_printf(out, "  %s%zu metrics changed by less than %.0f %%%s\n",
                         tacho_out_style(out, TACHO_STYLE_DIM), unchanged, UNCHANGED * 100,
                         tacho_out_style(out, TACHO_STYLE_END));
}

static void write_functions(const struct tacho_diff *diff, size_t top, struct tacho_out *out)
{
    struct tacho_table table = {0};
    char text[TACHO_UNIT_TEXT_MAX];
    const char *unit = diff->after_tree.profile != NULL    ? diff->after_tree.profile->unit
                       : diff->before_tree.profile != NULL ? diff->before_tree.profile->unit
                                                           : "";

    if (diff->functions.count == 0)
        return;
    tacho_text_heading(out, "Functions by change of their share (self)");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "share before");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "after");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "change");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "self before");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "after");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "function");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "module");
    for (size_t i = 0; i < diff->functions.count && i < top; i++) {
        const struct tacho_diff_function *row = &diff->functions.items[i];

        tacho_table_cell(&table, tacho_format_ratio(row->share_before, text));
        tacho_table_cell(&table, tacho_format_ratio(row->share_after, text));
        tacho_table_printf(&table, "%+.1f pt", row->share_delta * 100);
        tacho_table_cell(&table, tacho_label_weight((double)row->before_self, unit, text));
        tacho_table_cell(&table, tacho_label_weight((double)row->after_self, unit, text));
        tacho_table_cell(&table, row->name);
        tacho_table_cell(&table, row->module);
    }
    tacho_table_print(&table, out);
}

static void zone_cells(struct tacho_table *table, double before, double after)
{
    char text[TACHO_UNIT_TEXT_MAX];

    tacho_table_cell(table, tacho_format_seconds(before / 1e9, text));
    tacho_table_cell(table, tacho_format_seconds(after / 1e9, text));
    tacho_table_cell(table, signed_ratio(before > 0 ? after / before - 1 : (double)NAN, text));
}

static void write_zones(const struct tacho_diff *diff, size_t top, struct tacho_out *out)
{
    struct tacho_table table = {0};

    if (diff->zones.count == 0)
        return;
    tacho_text_heading(out, "Zones");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "zone");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "count before");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "after");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "p50 before");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "after");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "change");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "p99 before");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "after");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "change");
    for (size_t i = 0; i < diff->zones.count && i < top; i++) {
        const struct tacho_diff_zone *row = &diff->zones.items[i];
        bool was = row->before.count > 0, is = row->after.count > 0;

        tacho_table_cell(&table, row->name);
        tacho_table_printf(&table, "%llu", (unsigned long long)row->before.count);
        tacho_table_printf(&table, "%llu", (unsigned long long)row->after.count);
        zone_cells(&table, was ? row->before.quantile[TACHO_P50] : (double)NAN,
                   is ? row->after.quantile[TACHO_P50] : (double)NAN);
        zone_cells(&table, was ? row->before.quantile[TACHO_P99] : (double)NAN,
                   is ? row->after.quantile[TACHO_P99] : (double)NAN);
    }
    tacho_table_print(&table, out);
}

int tacho_diff_text(const struct tacho_diff *diff, size_t top, struct tacho_out *out,
                    struct tacho_fail *fail)
{
    (void)fail;
    run_line(out, "before", diff->before);
    run_line(out, "after ", diff->after);
    write_metrics(diff, out);
    write_functions(diff, top, out);
    write_zones(diff, top, out);
    tacho_out_text(out, "\nTwo runs show what changed, not whether it is chance.\n");
    return 0;
}
