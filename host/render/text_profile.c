// The text report's view of a profile: hotspots, the hot path, callers and callees.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "render/label.h"
#include "render/table.h"
#include "render/text.h"

#define BAR_COLUMNS    12
#define PATH_DEPTH_MAX 24
#define PATH_LEAST     0.02 // of the whole: what is below is not the hot path
#define PATH_BRANCHES  3

static const char *percent(double part, double whole, char *text)
{
    return tacho_format_ratio(whole > 0 ? part / whole : (double)NAN, text);
}

// A bar of eighths of a column.
static const char *bar(double share, char text[BAR_COLUMNS * 3 + 1])
{
    static const char *const eighth[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int eighths = (int)lround(share * BAR_COLUMNS * 8);
    char *at = text;

    for (; eighths >= 8 && at < text + (BAR_COLUMNS - 1) * 3 + 1; eighths -= 8)
        at = stpcpy(at, "█");
    *at = '\0';
    if (eighths > 0 && eighths < 8)
        stpcpy(at, eighth[eighths]);
    return text;
}

static void profile_heading(const struct tacho_report *report, struct tacho_out *out)
{
    const struct tacho_run_profile *profile = report->profile;
    char total[TACHO_UNIT_TEXT_MAX], count[TACHO_UNIT_TEXT_MAX];
    bool waits = strcmp(profile->name, "off-cpu") == 0;

    tacho_text_heading(out, waits                               ? "Where it waited"
                            : strcmp(profile->name, "cpu") == 0 ? "Where the time went"
                                                                : profile->name);
    tacho_out_printf(out, "  %s%s of %s in %s sample%s", tacho_out_style(out, TACHO_STYLE_DIM),
                     tacho_label_weight((double)report->tree.total, profile->unit, total),
                     profile->name, tacho_format_count((double)report->tree.samples, count),
                     report->tree.samples == 1 ? "" : "s");
    if (profile->sampler[0] != '\0')
        tacho_out_printf(out, ", by %s", profile->sampler);
    if (!isnan(profile->rate_hz))
        tacho_out_printf(out, " at %.4g Hz", profile->rate_hz);
    if (report->tree.left_out > 0)
        tacho_out_printf(out, "; %s samples left out by the filter",
                         tacho_format_count((double)report->tree.left_out, count));
    tacho_out_printf(out, "%s\n", tacho_out_style(out, TACHO_STYLE_END));
}

static void hotspot_row(struct tacho_table *table, const struct tacho_calltree *tree,
                        const struct tacho_hotspot *hotspot, bool with_bar)
{
    char text[TACHO_UNIT_TEXT_MAX], shape[BAR_COLUMNS * 3 + 1];
    struct tacho_buffer label = {0};
    double whole = (double)tree->total;

    tacho_table_cell(table, percent((double)hotspot->self, whole, text));
    tacho_table_cell(table, percent((double)hotspot->total, whole, text));
    if (with_bar)
        tacho_table_cell(table, bar(whole > 0 ? (double)hotspot->self / whole : 0, shape));
    if (hotspot->function == TACHO_NO_INDEX) {
        tacho_table_cell(table, "(nothing: outermost)");
        tacho_table_cell(table, "");
        tacho_table_cell(table, "");
    } else {
        const struct tacho_function *function = &tree->functions.items.items[hotspot->function];

        tacho_label(&label, function, function->flags);
        tacho_table_cell(table, tacho_label_shorten(&label));
        tacho_table_cell(table, function->module);
        tacho_table_cell(table, tacho_label_source(&label, function));
    }
    tacho_buffer_release(&label);
}

static void write_hotspots(const struct tacho_report *report, struct tacho_out *out)
{
    struct tacho_hotspots hotspots;
    struct tacho_table table = {0};

    tacho_hotspots_build(&hotspots, &report->tree, report->options.order, report->options.function,
                         report->options.top);
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "self");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "total");
    tacho_table_column(&table, TACHO_COLUMN_LEFT, "");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "function");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "module");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "hottest line");
    for (size_t i = 0; i < hotspots.items.count; i++)
        hotspot_row(&table, &report->tree, &hotspots.items.items[i], true);
    tacho_table_print(&table, out);
    if (hotspots.found > hotspots.items.count)
        tacho_out_printf(out, "  %s… %zu more functions%s\n", tacho_out_style(out, TACHO_STYLE_DIM),
                         hotspots.found - hotspots.items.count,
                         tacho_out_style(out, TACHO_STYLE_END));
    if (hotspots.items.count == 0 && report->options.function != NULL)
        tacho_out_printf(out, "  no function with weight matches \"%s\"\n",
                         report->options.function);
    tacho_hotspots_release(&hotspots);
}

static void path_row(const struct tacho_report *report, struct tacho_out *out, uint32_t at,
                     unsigned indent, unsigned skipped)
{
    const struct tacho_calltree_node *node = &report->tree.nodes.items[at];
    const struct tacho_function *function = tacho_calltree_function(&report->tree, at);
    char total[TACHO_UNIT_TEXT_MAX], self[TACHO_UNIT_TEXT_MAX];
    struct tacho_buffer label = {0};
    size_t width = out->width > 20 ? (size_t)out->width : 120, used = 24 + 2 * (size_t)indent;

    tacho_out_printf(
        out, "  %7s  %7s  %*s", percent((double)node->total, (double)report->tree.total, total),
        node->self > 0 ? percent((double)node->self, (double)report->tree.total, self) : "",
        (int)(2 * indent), "");
    if (skipped > 0)
        tacho_out_printf(out, "(%u) ", skipped);
    tacho_label(&label, function, node->flags | (function->flags & TACHO_FRAME_KERNEL));
    tacho_text_write(out, tacho_label_shorten(&label), width > used + 10 ? width - used : 10);
    tacho_out_char(out, '\n');
    tacho_buffer_release(&label);
}

// Prints a node's heavy children. A node that only passes its weight on (one child, nothing of its
// own) is not worth a line: such nodes are counted.
static void write_path(const struct tacho_report *report, struct tacho_out *out, uint32_t at,
                       unsigned indent)
{
    const struct tacho_calltree_node *nodes = report->tree.nodes.items;
    double whole = (double)report->tree.total;
    unsigned branches = 0;

    for (uint32_t child = nodes[at].first_child;
         child != TACHO_NO_INDEX && branches < PATH_BRANCHES; child = nodes[child].next_sibling) {
        uint32_t shown = child;
        unsigned skipped = 0;

        if ((double)nodes[child].total < PATH_LEAST * whole || indent > PATH_DEPTH_MAX)
            break;
        while (nodes[shown].first_child != TACHO_NO_INDEX &&
               (double)nodes[nodes[shown].first_child].total >= 0.98 * (double)nodes[shown].total) {
            shown = nodes[shown].first_child;
            skipped++;
        }
        path_row(report, out, shown, indent, skipped);
        branches++;
        write_path(report, out, shown, indent + 1);
    }
}

static void write_whole_path(const struct tacho_report *report, struct tacho_out *out,
                             const char *heading)
{
    tacho_text_heading(out, heading);
    tacho_out_printf(
        out,
        "  %s  total     self  calls of less than %.0f %% are left out; (n) calls that "
        "only pass on are skipped%s\n",
        tacho_out_style(out, TACHO_STYLE_DIM), PATH_LEAST * 100,
        tacho_out_style(out, TACHO_STYLE_END));
    write_path(report, out, 0, 0);
}

static void write_neighbours(const struct tacho_report *report, struct tacho_out *out,
                             const char *pattern, bool callers)
{
    struct tacho_hotspots list;
    struct tacho_table table = {0};
    char heading[160];

    if (callers)
        tacho_callers_build(&list, &report->tree, pattern);
    else
        tacho_callees_build(&list, &report->tree, pattern);
    snprintf(heading, sizeof heading, callers ? "Callers of %.100s" : "Called by %.100s", pattern);
    tacho_text_heading(out, heading);
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "self");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "through");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "function");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "module");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "hottest line");
    for (size_t i = 0; i < list.items.count && i < report->options.top; i++)
        hotspot_row(&table, &report->tree, &list.items.items[i], false);
    tacho_table_print(&table, out);
    if (list.items.count == 0)
        tacho_out_printf(out, "  none\n");
    tacho_hotspots_release(&list);
}

static void write_waits(const struct tacho_report *report, struct tacho_out *out)
{
    struct tacho_report waits = *report;
    struct tacho_profile_filter filter = report->options.filter;

    // Every wait ends in the scheduler: the call that led there is what tells.
    filter.no_kernel = true;
    filter.weight_max = 0; // that was the other profile's
    waits.profile = tacho_profile_find(report->run, "off-cpu");
    if (waits.profile == NULL || waits.profile == report->profile)
        return;
    tacho_calltree_build(&waits.tree, report->run, waits.profile, &filter);
    if (waits.tree.samples > 0) {
        profile_heading(&waits, out);
        write_hotspots(&waits, out);
        write_whole_path(&waits, out, "The path of the waits");
    }
    tacho_calltree_release(&waits.tree);
}

void tacho_text_profile(const struct tacho_report *report, struct tacho_out *out)
{
    if (report->profile != NULL) {
        profile_heading(report, out);
        if (report->tree.samples == 0) {
            tacho_out_text(out, report->tree.left_out > 0 ? "  no sample passes the filter\n"
                                                          : "  no samples\n");
        } else {
            write_hotspots(report, out);
            write_whole_path(report, out, "The hot path");
        }
        if (report->options.callers_of != NULL)
            write_neighbours(report, out, report->options.callers_of, true);
        if (report->options.callees_of != NULL)
            write_neighbours(report, out, report->options.callees_of, false);
    }
    write_waits(report, out);
}
