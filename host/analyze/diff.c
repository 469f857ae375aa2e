// Two runs side by side: functions, metrics and zones, and the two call trees laid over each other.
#include "analyze/diff.h"

#include <math.h>
#include <string.h>

static uint64_t function_key(const struct tacho_function *function)
{
    return tacho_hash_bytes(function->name, strlen(function->name),
                            tacho_hash_bytes(function->module, strlen(function->module), 1));
}

static void add_functions(struct tacho_diff *diff, struct tacho_map *index,
                          const struct tacho_calltree *tree, bool after)
{
    for (size_t i = 0; i < tree->functions.items.count; i++) {
        const struct tacho_function *function = &tree->functions.items.items[i];
        const struct tacho_function_weight *weight = &tree->weights[i];
        struct tacho_diff_function *row;
        uint64_t *place;
        bool added;

        if (weight->total == 0 || function->group)
            continue;
        place = tacho_map_put(index, function_key(function), &added);
        if (added) {
            *place = diff->functions.count;
            tacho_array_push(
                &diff->functions,
                (struct tacho_diff_function){.name = function->name, .module = function->module});
        }
        row = &diff->functions.items[*place];
        *(after ? &row->after_self : &row->before_self) += weight->self;
        *(after ? &row->after_total : &row->before_total) += weight->total;
    }
}

static int by_change(const void *a, const void *b)
{
    const struct tacho_diff_function *x = a, *y = b;
    double dx = fabs(x->share_delta), dy = fabs(y->share_delta);

    if (dx < dy || dx > dy)
        return dx > dy ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void compare_functions(struct tacho_diff *diff)
{
    struct tacho_map index = {0};

    add_functions(diff, &index, &diff->before_tree, false);
    add_functions(diff, &index, &diff->after_tree, true);
    for (size_t i = 0; i < diff->functions.count; i++) {
        struct tacho_diff_function *row = &diff->functions.items[i];

        if (diff->before_tree.total > 0)
            row->share_before = (double)row->before_self / (double)diff->before_tree.total;
        if (diff->after_tree.total > 0)
            row->share_after = (double)row->after_self / (double)diff->after_tree.total;
        row->share_delta = row->share_after - row->share_before;
    }
    if (diff->functions.count > 0)
        qsort(diff->functions.items, diff->functions.count, sizeof *diff->functions.items,
              by_change);
    tacho_map_release(&index);
}

static double metric_value(const struct tacho_run_series *series)
{
    struct tacho_metric_summary summary;

    if (series == NULL)
        return NAN;
    tacho_metric_summary_build(&summary, series);
    return series->kind == TACHO_METRIC_COUNTER ? summary.last : summary.values.mean;
}

static bool is_comparable(const struct tacho_run_series *series)
{
    return strcmp(series->subject, "run") == 0 || strcmp(series->subject, "host") == 0;
}

static void compare_metric(struct tacho_diff *diff, const struct tacho_run_series *before,
                           const struct tacho_run_series *after)
{
    const struct tacho_run_series *series = after != NULL ? after : before;
    struct tacho_diff_metric row = {.name = series->name,
                                    .subject = series->subject,
                                    .unit = series->unit,
                                    .direction = series->direction,
                                    .before = metric_value(before),
                                    .after = metric_value(after)};

    row.delta = row.after - row.before;
    row.relative = row.before > 0 || row.before < 0 ? row.delta / fabs(row.before) : NAN;
    tacho_array_push(&diff->metrics, row);
}

static void compare_metrics(struct tacho_diff *diff)
{
    for (size_t i = 0; i < diff->after->series.count; i++) {
        const struct tacho_run_series *series = &diff->after->series.items[i];

        if (is_comparable(series))
            compare_metric(diff, tacho_run_series_find(diff->before, series->name, series->subject),
                           series);
    }
    for (size_t i = 0; i < diff->before->series.count; i++) {
        const struct tacho_run_series *series = &diff->before->series.items[i];

        if (is_comparable(series) &&
            tacho_run_series_find(diff->after, series->name, series->subject) == NULL)
            compare_metric(diff, series, NULL);
    }
}

static const struct tacho_statistics *zone_find(const struct tacho_run *run,
                                                const struct tacho_zones *zones, const char *name)
{
    for (size_t i = 0; i < zones->items.count; i++) {
        if (strcmp(run->zones.items[zones->items.items[i].zone].name, name) == 0)
            return &zones->items.items[i].time_ns;
    }
    return NULL;
}

static void compare_zones(struct tacho_diff *diff)
{
    static const struct tacho_statistics none;

    tacho_zones_build(&diff->before_zones, diff->before, 0, 0);
    tacho_zones_build(&diff->after_zones, diff->after, 0, 0);
    for (size_t i = 0; i < diff->after_zones.items.count; i++) {
        const struct tacho_zone_summary *zone = &diff->after_zones.items.items[i];
        const char *name = diff->after->zones.items[zone->zone].name;
        const struct tacho_statistics *before = zone_find(diff->before, &diff->before_zones, name);

        tacho_array_push(&diff->zones,
                         (struct tacho_diff_zone){name, before ? *before : none, zone->time_ns});
    }
    for (size_t i = 0; i < diff->before_zones.items.count; i++) {
        const struct tacho_zone_summary *zone = &diff->before_zones.items.items[i];
        const char *name = diff->before->zones.items[zone->zone].name;

        if (zone_find(diff->after, &diff->after_zones, name) == NULL)
            tacho_array_push(&diff->zones, (struct tacho_diff_zone){name, zone->time_ns, none});
    }
}

static void overlay_tree(struct tacho_diff *diff, struct tacho_map *index,
                         const struct tacho_calltree *tree, bool after)
{
    uint32_t *place;
    size_t capacity = 0;

    place = tacho_array_grow(NULL, &capacity, tree->nodes.count + 1, sizeof *place);
    place[0] = 0;
    for (size_t i = 1; i < tree->nodes.count; i++) {
        const struct tacho_calltree_node *node = &tree->nodes.items[i];
        const struct tacho_function *function = &tree->functions.items.items[node->function];
        uint32_t parent = place[node->parent];
        struct tacho_diff_node *row;
        bool added;
        uint64_t key = tacho_hash_u64(function_key(function) ^ ((uint64_t)parent << 32 | parent));
        uint64_t *at = tacho_map_put(index, key, &added);

        if (added) {
            *at = diff->nodes.count;
            tacho_array_push(&diff->nodes,
                             (struct tacho_diff_node){.name = function->name,
                                                      .module = function->module,
                                                      .parent = parent,
                                                      .first_child = TACHO_NO_INDEX,
                                                      .next_sibling = TACHO_NO_INDEX,
                                                      .depth = node->depth,
                                                      .flags = node->flags | function->flags});
        }
        place[i] = (uint32_t)*at;
        row = &diff->nodes.items[*at];
        *(after ? &row->after_self : &row->before_self) += node->self;
        *(after ? &row->after_total : &row->before_total) += node->total;
    }
    free(place);
}

struct overlay_order {
    uint32_t node, parent;
    int64_t weight;
    const char *name;
};

static int by_parent_then_weight(const void *a, const void *b)
{
    const struct overlay_order *x = a, *y = b;

    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void overlay_trees(struct tacho_diff *diff)
{
    struct tacho_map index = {0};
    TACHO_ARRAY(struct overlay_order) order = {0};

    tacho_array_push(&diff->nodes, (struct tacho_diff_node){.name = "all",
                                                            .module = "",
                                                            .parent = TACHO_NO_INDEX,
                                                            .first_child = TACHO_NO_INDEX,
                                                            .next_sibling = TACHO_NO_INDEX});
    overlay_tree(diff, &index, &diff->before_tree, false);
    overlay_tree(diff, &index, &diff->after_tree, true);
    diff->nodes.items[0].before_total = diff->before_tree.total;
    diff->nodes.items[0].after_total = diff->after_tree.total;
    for (size_t i = 1; i < diff->nodes.count; i++) {
        const struct tacho_diff_node *node = &diff->nodes.items[i];
        int64_t heavier =
            node->before_total > node->after_total ? node->before_total : node->after_total;

        tacho_array_push(&order,
                         (struct overlay_order){(uint32_t)i, node->parent, heavier, node->name});
    }
    if (order.count > 0)
        qsort(order.items, order.count, sizeof *order.items, by_parent_then_weight);
    for (size_t i = order.count; i-- > 0;) {
        struct tacho_diff_node *parent = &diff->nodes.items[order.items[i].parent];

        diff->nodes.items[order.items[i].node].next_sibling = parent->first_child;
        parent->first_child = order.items[i].node;
    }
    tacho_array_release(&order);
    tacho_map_release(&index);
}

uint32_t tacho_diff_next(const struct tacho_diff *diff, uint32_t at)
{
    const struct tacho_diff_node *nodes = diff->nodes.items;

    if (nodes[at].first_child != TACHO_NO_INDEX)
        return nodes[at].first_child;
    while (at != 0 && nodes[at].next_sibling == TACHO_NO_INDEX)
        at = nodes[at].parent;
    return at == 0 ? TACHO_NO_INDEX : nodes[at].next_sibling;
}

void tacho_diff_build(struct tacho_diff *diff, const struct tacho_run *before,
                      const struct tacho_run *after, const char *profile,
                      const struct tacho_profile_filter *filter)
{
    memset(diff, 0, sizeof *diff);
    diff->before = before;
    diff->after = after;
    tacho_calltree_build(&diff->before_tree, before, tacho_profile_find(before, profile), filter);
    tacho_calltree_build(&diff->after_tree, after, tacho_profile_find(after, profile), filter);
    compare_functions(diff);
    compare_metrics(diff);
    compare_zones(diff);
    overlay_trees(diff);
}

void tacho_diff_release(struct tacho_diff *diff)
{
    tacho_calltree_release(&diff->before_tree);
    tacho_calltree_release(&diff->after_tree);
    tacho_array_release(&diff->functions);
    tacho_array_release(&diff->metrics);
    tacho_array_release(&diff->zones);
    tacho_array_release(&diff->nodes);
    tacho_zones_release(&diff->before_zones);
    tacho_zones_release(&diff->after_zones);
}
