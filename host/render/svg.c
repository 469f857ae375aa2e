// The flame graph of a profile as one SVG picture.
#include <stdio.h>

#include "base/units.h"
#include "render/flame_svg.h"
#include "render/label.h"
#include "render/report.h"

static unsigned count_rows(const struct tacho_calltree *tree)
{
    uint32_t deepest = 0;

    for (size_t i = 0; i < tree->nodes.count; i++) {
        const struct tacho_calltree_node *node = &tree->nodes.items[i];

        if (node->depth > deepest &&
            (double)node->total >= TACHO_FLAME_LEAST_SHARE * (double)tree->total)
            deepest = node->depth;
    }
    return deepest + 1;
}

static void write_box(struct tacho_flame *flame, const struct tacho_report *report, uint32_t at,
                      double begin)
{
    const struct tacho_calltree *tree = &report->tree;
    const struct tacho_calltree_node *node = &tree->nodes.items[at];
    const struct tacho_function *function = tacho_calltree_function(tree, at);
    struct tacho_buffer label = {0};
    struct tacho_flame_box box = {.begin = begin / (double)tree->total,
                                  .width = (double)node->total / (double)tree->total,
                                  .row = node->depth,
                                  .name = "all",
                                  .colour = 0xd8d8d2};
    char detail[200], total[TACHO_UNIT_TEXT_MAX], self[TACHO_UNIT_TEXT_MAX];
    char share[TACHO_UNIT_TEXT_MAX];

    tacho_format_ratio(box.width, share);
    tacho_label_weight((double)node->total, report->profile->unit, total);
    tacho_label_weight((double)node->self, report->profile->unit, self);
    if (function != NULL) {
        uint32_t flags = node->flags | (function->flags & TACHO_FRAME_KERNEL);

        box.name = tacho_label(&label, function, flags);
        box.colour = tacho_flame_colour(function->name, function->module, flags);
        snprintf(detail, sizeof detail, "(%.60s) %s, total %s, self %s", function->module, share,
                 total, self);
    } else {
        snprintf(detail, sizeof detail, "%s, total %s", share, total);
    }
    box.detail = detail;
    tacho_flame_box(flame, &box);
    tacho_buffer_release(&label);
}

int tacho_report_svg(const struct tacho_report *report, struct tacho_out *out,
                     struct tacho_fail *fail)
{
    const struct tacho_calltree *tree = &report->tree;
    TACHO_ARRAY(double) begin = {0}; // by depth: where the next box there begins
    struct tacho_flame flame;
    char subtitle[200], total[TACHO_UNIT_TEXT_MAX];
    uint32_t at = 0;

    if (report->profile == NULL || tree->total == 0)
        return tacho_fail_set(fail, TACHO_ERR_EMPTY, "there are no samples to draw");
    snprintf(subtitle, sizeof subtitle, "%.40s: %s in %zu samples by %.60s; click to zoom",
             report->profile->name,
             tacho_label_weight((double)tree->total, report->profile->unit, total),
             (size_t)tree->samples, report->profile->sampler);
    tacho_flame_begin(&flame, out, count_rows(tree), report->run->info.command, subtitle);
    tacho_array_push(&begin, 0);
    while (at != TACHO_NO_INDEX) {
        const struct tacho_calltree_node *node = &tree->nodes.items[at];
        double left = begin.items[node->depth];

        while (begin.count <= node->depth + 1)
            tacho_array_push(&begin, 0);
        begin.items[node->depth + 1] = left;
        begin.items[node->depth] = left + (double)node->total;
        if ((double)node->total >= TACHO_FLAME_LEAST_SHARE * (double)tree->total)
            write_box(&flame, report, at, left);
        at = tacho_calltree_next(tree, at);
    }
    tacho_flame_end(&flame);
    tacho_array_release(&begin);
    return 0;
}
