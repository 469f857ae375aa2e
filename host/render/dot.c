// The call graph for graphviz: functions as boxes, calls as arrows, both by weight.
#include <math.h>

#include "base/units.h"
#include "render/label.h"
#include "render/report.h"

#define LEAST_SHARE 0.005 // functions and calls below this share of the whole are left out
#define NODES_MAX   120

static void quoted(struct tacho_out *out, const char *text)
{
    tacho_out_char(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            tacho_out_char(out, '\\');
        tacho_out_char(out, (unsigned char)*text < 0x20 ? ' ' : *text);
    }
    tacho_out_char(out, '"');
}

// From pale to red with the share of self weight.
static void write_colour(struct tacho_out *out, double share)
{
    double heat = sqrt(share);

    tacho_out_printf(out, "#%02x%02x%02x", 255, (unsigned)(245 - 135 * heat),
                     (unsigned)(235 - 165 * heat));
}

static void write_node(const struct tacho_report *report, struct tacho_out *out,
                       const struct tacho_hotspot *hotspot)
{
    const struct tacho_function *function = &report->tree.functions.items.items[hotspot->function];
    double whole = (double)report->tree.total;
    char self[TACHO_UNIT_TEXT_MAX], total[TACHO_UNIT_TEXT_MAX];
    struct tacho_buffer label = {0}, text = {0};

    tacho_label(&label, function, function->flags);
    tacho_buffer_printf(&text, "%s\n%s\nself %s, total %s", label.data, function->module,
                        tacho_format_ratio((double)hotspot->self / whole, self),
                        tacho_format_ratio((double)hotspot->total / whole, total));
    tacho_out_printf(out, "  f%u [label=", hotspot->function);
    // Line ends of the label are graphviz' own escape.
    tacho_out_char(out, '"');
    for (const char *at = text.data; *at != '\0'; at++) {
        if (*at == '\n')
            tacho_out_text(out, "\\n");
        else if (*at == '"' || *at == '\\')
            tacho_out_printf(out, "\\%c", *at);
        else
            tacho_out_char(out, (unsigned char)*at < 0x20 ? ' ' : *at);
    }
    tacho_out_printf(out, "\" fontsize=%.0f fillcolor=\"",
                     9 + 15 * sqrt((double)hotspot->self / whole));
    write_colour(out, (double)hotspot->self / whole);
    tacho_out_text(out, "\"];\n");
    tacho_buffer_release(&label);
    tacho_buffer_release(&text);
}

static void write_edges(const struct tacho_report *report, struct tacho_out *out,
                        const struct tacho_map *shown)
{
    struct tacho_call_edges edges;
    double whole = (double)report->tree.total;
    char share[TACHO_UNIT_TEXT_MAX];

    tacho_call_edges_build(&edges, &report->tree);
    for (size_t i = 0; i < edges.items.count; i++) {
        const struct tacho_call_edge *edge = &edges.items.items[i];
        double part = (double)edge->total / whole;

        if (part < LEAST_SHARE || tacho_map_get(shown, edge->caller) == NULL ||
            tacho_map_get(shown, edge->callee) == NULL)
            continue;
        tacho_out_printf(out, "  f%u -> f%u [label=\"%s\" penwidth=%.2f];\n", edge->caller,
                         edge->callee, tacho_format_ratio(part, share), 0.5 + 5 * part);
    }
    tacho_call_edges_release(&edges);
}

int tacho_report_dot(const struct tacho_report *report, struct tacho_out *out,
                     struct tacho_fail *fail)
{
    struct tacho_hotspots hotspots;
    struct tacho_map shown = {0};

    (void)fail;
    tacho_hotspots_build(&hotspots, &report->tree, TACHO_BY_TOTAL, NULL, NODES_MAX);
    tacho_out_text(out, "digraph ");
    quoted(out, report->run->info.command);
    tacho_out_text(out, " {\n  graph [fontname=\"sans-serif\" labelloc=t label=");
    quoted(out, report->run->info.command);
    tacho_out_text(out, "];\n  node [shape=box style=\"filled,rounded\" fontname=\"sans-serif\" "
                        "color=\"#00000040\"];\n"
                        "  edge [fontname=\"sans-serif\" fontsize=8 color=\"#00000080\"];\n");
    for (size_t i = 0; i < hotspots.items.count; i++) {
        const struct tacho_hotspot *hotspot = &hotspots.items.items[i];

        if ((double)hotspot->total < LEAST_SHARE * (double)report->tree.total)
            continue;
        write_node(report, out, hotspot);
        *tacho_map_put(&shown, hotspot->function, NULL) = 1;
    }
    write_edges(report, out, &shown);
    tacho_out_text(out, "}\n");
    tacho_hotspots_release(&hotspots);
    tacho_map_release(&shown);
    return 0;
}
