// The differential flame graph: boxes as wide as in the run after, red where a call's share grew,
// blue where it shrank.
#include <math.h>
#include <stdio.h>

#include "base/units.h"
#include "render/diff_report.h"
#include "render/flame_svg.h"
#include "render/table.h"

// White at no change, full colour at a change of 10 points of the whole.
static uint32_t change_colour(double change)
{
    double strength = fmin(1, sqrt(fabs(change) / 0.10));
    uint32_t faded = (uint32_t)(242 - 150 * strength), kept = (uint32_t)(242 - 20 * strength);

    if (fabs(change) < 0.0005)
        return 0xf2f2ee;
    return change > 0 ? kept << 16 | faded << 8 | faded : faded << 16 | (faded + 25) << 8 | kept;
}

// Where nothing is left afterwards, the width of before shows what vanished.
static double width_of(const struct tacho_diff *diff, const struct tacho_diff_node *node)
{
    if (diff->after_tree.total == 0)
        return (double)node->before_total / (double)diff->before_tree.total;
    return (double)node->after_total / (double)diff->after_tree.total;
}

static void write_box(struct tacho_flame *flame, const struct tacho_diff *diff, uint32_t at,
                      double begin)
{
    const struct tacho_diff_node *node = &diff->nodes.items[at];
    double change = tacho_diff_node_change(diff, node), share = width_of(diff, node);
    char detail[200], before[TACHO_UNIT_TEXT_MAX], after[TACHO_UNIT_TEXT_MAX];
    struct tacho_flame_box box = {.begin = begin,
                                  .width = share,
                                  .row = node->depth,
                                  .name = node->name,
                                  .detail = detail,
                                  .colour = change_colour(change)};

    snprintf(detail, sizeof detail, "(%.60s) %s, before %s, change %+.2f points", node->module,
             tacho_format_ratio(share, after), tacho_format_ratio(share - change, before),
             change * 100);
    tacho_flame_box(flame, &box);
}

int tacho_diff_svg(const struct tacho_diff *diff, size_t top, struct tacho_out *out,
                   struct tacho_fail *fail)
{
    TACHO_ARRAY(double) begin = {0}; // by depth: where the next box there begins
    struct tacho_flame flame;
    uint32_t rows = 0;
    char title[300];

    (void)top;
    if (diff->before_tree.total == 0 && diff->after_tree.total == 0)
        return tacho_fail_set(fail, TACHO_ERR_EMPTY, "neither run has samples to draw");
    for (size_t i = 0; i < diff->nodes.count; i++) {
        if (width_of(diff, &diff->nodes.items[i]) >= TACHO_FLAME_LEAST_SHARE &&
            diff->nodes.items[i].depth > rows)
            rows = diff->nodes.items[i].depth;
    }
    snprintf(title, sizeof title, "%.120s: %.40s -> %.40s", diff->after->info.command,
             diff->before->info.id, diff->after->info.id);
    tacho_flame_begin(&flame, out, rows + 1, title,
                      "red: a larger share than before, blue: a smaller one; widths are of the run "
                      "after");
    tacho_array_push(&begin, 0);
    for (uint32_t at = 0; at != TACHO_NO_INDEX; at = tacho_diff_next(diff, at)) {
        const struct tacho_diff_node *node = &diff->nodes.items[at];
        double left = begin.items[node->depth], width = width_of(diff, node);

        while (begin.count <= node->depth + 1)
            tacho_array_push(&begin, 0);
        begin.items[node->depth + 1] = left;
        begin.items[node->depth] = left + width;
        if (width >= TACHO_FLAME_LEAST_SHARE)
            write_box(&flame, diff, at, left);
    }
    tacho_flame_end(&flame);
    tacho_array_release(&begin);
    return 0;
}
