// Flat rankings of a call tree: functions by self or total weight, who calls a function, whom it
// calls.
#include "analyze/hotspots.h"

#include <string.h>

struct ranked {
    struct tacho_hotspot hotspot;
    int64_t weight, second;
    const char *name;
};

static int by_weight(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    if (x->second != y->second)
        return x->second > y->second ? -1 : 1;
    if (strcmp(x->name, y->name) != 0)
        return strcmp(x->name, y->name);
    return (x->hotspot.function > y->hotspot.function) -
           (x->hotspot.function < y->hotspot.function);
}

static void rank(struct tacho_hotspots *hotspots, const struct tacho_calltree *tree,
                 enum tacho_hotspot_order order, size_t top)
{
    TACHO_ARRAY(struct ranked) list = {0};

    for (size_t i = 0; i < hotspots->items.count; i++) {
        struct tacho_hotspot hotspot = hotspots->items.items[i];
        bool by_self = order == TACHO_BY_SELF;
        const char *name = hotspot.function == TACHO_NO_INDEX
                               ? ""
                               : tree->functions.items.items[hotspot.function].name;

        tacho_array_push(&list, (struct ranked){hotspot, by_self ? hotspot.self : hotspot.total,
                                                by_self ? hotspot.total : hotspot.self, name});
    }
    if (list.count > 0)
        qsort(list.items, list.count, sizeof *list.items, by_weight);
    hotspots->found = list.count;
    if (top > 0 && list.count > top)
        hotspots->items.count = top;
    for (size_t i = 0; i < hotspots->items.count; i++)
        hotspots->items.items[i] = list.items[i].hotspot;
    tacho_array_release(&list);
}

void tacho_hotspots_build(struct tacho_hotspots *hotspots, const struct tacho_calltree *tree,
                          enum tacho_hotspot_order order, const char *pattern, size_t top)
{
    memset(hotspots, 0, sizeof *hotspots);
    for (size_t i = 0; i < tree->functions.items.count; i++) {
        const struct tacho_function *function = &tree->functions.items.items[i];
        const struct tacho_function_weight *weight = &tree->weights[i];

        if (function->group || (order == TACHO_BY_SELF ? weight->self : weight->total) == 0)
            continue;
        if (pattern != NULL && !tacho_name_matches(function->name, pattern))
            continue;
        tacho_array_push(&hotspots->items, (struct tacho_hotspot){(uint32_t)i, weight->self,
                                                                  weight->total, weight->samples});
    }
    rank(hotspots, tree, order, top);
}

// Whether the node or one above it, up to and not including the root, is of a matching function.
static uint8_t *mark_matching(const struct tacho_calltree *tree, const char *pattern)
{
    size_t count = tree->functions.items.count, capacity = 0;
    uint8_t *matching = tacho_array_grow(NULL, &capacity, count + 1, 1);

    for (size_t i = 0; i < count; i++)
        matching[i] = tacho_name_matches(tree->functions.items.items[i].name, pattern) ? 1 : 0;
    return matching;
}

static void neighbour_add(struct tacho_hotspots *list, struct tacho_map *index, uint32_t function,
                          const struct tacho_calltree_node *node, bool nested)
{
    bool added;
    uint64_t *place = tacho_map_put(index, function, &added);

    if (added) {
        *place = list->items.count;
        tacho_array_push(&list->items, (struct tacho_hotspot){.function = function});
    }
    list->items.items[*place].samples += node->samples;
    list->items.items[*place].self += node->self;
    if (!nested)
        list->items.items[*place].total += node->total;
}

void tacho_callers_build(struct tacho_hotspots *callers, const struct tacho_calltree *tree,
                         const char *pattern)
{
    uint8_t *matching = mark_matching(tree, pattern);
    struct tacho_map index = {0};

    memset(callers, 0, sizeof *callers);
    for (size_t i = 1; i < tree->nodes.count; i++) {
        const struct tacho_calltree_node *node = &tree->nodes.items[i];
        bool nested = false;
        uint32_t caller = tree->nodes.items[node->parent].function;

        if (!matching[node->function] || (caller != TACHO_NO_INDEX && matching[caller]))
            continue;
        for (uint32_t at = node->parent; at != 0 && !nested; at = tree->nodes.items[at].parent)
            nested = matching[tree->nodes.items[at].function] != 0;
        neighbour_add(callers, &index, caller, node, nested);
    }
    for (size_t i = 0; i < callers->items.count; i++)
        callers->items.items[i].self = 0;
    rank(callers, tree, TACHO_BY_TOTAL, 0);
    tacho_map_release(&index);
    free(matching);
}

void tacho_callees_build(struct tacho_hotspots *callees, const struct tacho_calltree *tree,
                         const char *pattern)
{
    uint8_t *matching = mark_matching(tree, pattern);
    struct tacho_map index = {0};

    memset(callees, 0, sizeof *callees);
    for (size_t i = 1; i < tree->nodes.count; i++) {
        const struct tacho_calltree_node *node = &tree->nodes.items[i];
        bool nested = false;
        uint32_t caller = tree->nodes.items[node->parent].function;

        if (caller == TACHO_NO_INDEX || !matching[caller])
            continue;
        // The same call further out on this stack has already counted this weight.
        for (uint32_t at = node->parent; at != 0 && !nested; at = tree->nodes.items[at].parent) {
            uint32_t above = tree->nodes.items[tree->nodes.items[at].parent].function;

            nested = tree->nodes.items[at].function == node->function && above != TACHO_NO_INDEX &&
                     matching[above];
        }
        neighbour_add(callees, &index, node->function, node, nested);
    }
    rank(callees, tree, TACHO_BY_TOTAL, 0);
    tacho_map_release(&index);
    free(matching);
}

void tacho_hotspots_release(struct tacho_hotspots *hotspots)
{
    tacho_array_release(&hotspots->items);
}

static int by_total(const void *a, const void *b)
{
    const struct tacho_call_edge *x = a, *y = b;

    if (x->total != y->total)
        return x->total > y->total ? -1 : 1;
    if (x->caller != y->caller)
        return x->caller < y->caller ? -1 : 1;
    return (x->callee > y->callee) - (x->callee < y->callee);
}

void tacho_call_edges_build(struct tacho_call_edges *edges, const struct tacho_calltree *tree)
{
    struct tacho_map index = {0};
    TACHO_ARRAY(uint32_t) open = {0};    // by edge: how many of it are open on the path
    TACHO_ARRAY(uint32_t) edge_of = {0}; // by depth: the edge that leads to the path's node there
    uint32_t depth = 0;

    memset(edges, 0, sizeof *edges);
    tacho_array_push(&edge_of, 0);
    for (uint32_t at = tree->nodes.items[0].first_child; at != TACHO_NO_INDEX;
         at = tacho_calltree_next(tree, at)) {
        const struct tacho_calltree_node *node = &tree->nodes.items[at];
        uint32_t caller = tree->nodes.items[node->parent].function;
        bool added;
        uint64_t *place = tacho_map_put(&index, (uint64_t)caller << 32 | node->function, &added);

        for (; depth >= node->depth; depth--)
            open.items[edge_of.items[depth]]--;
        if (added) {
            *place = edges->items.count;
            tacho_array_push(&edges->items, (struct tacho_call_edge){caller, node->function, 0});
            tacho_array_push(&open, 0);
        }
        if (open.items[*place]++ == 0)
            edges->items.items[*place].total += node->total;
        depth = node->depth;
        if (edge_of.count <= depth)
            tacho_array_push(&edge_of, 0);
        edge_of.items[depth] = (uint32_t)*place;
    }
    if (edges->items.count > 0)
        qsort(edges->items.items, edges->items.count, sizeof *edges->items.items, by_total);
    tacho_array_release(&open);
    tacho_array_release(&edge_of);
    tacho_map_release(&index);
}

void tacho_call_edges_release(struct tacho_call_edges *edges)
{
    tacho_array_release(&edges->items);
}
