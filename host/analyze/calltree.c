// A profile folded to a tree of functions, inlined ones included.
#include "analyze/calltree.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// An inlining chain longer than this is a loop in damaged data.
#define CHAIN_MAX 256

struct folding {
    const struct tacho_run *run;
    const struct tacho_profile_filter *filter;
    struct tacho_calltree *tree;
    struct tacho_map child_index; // (parent node, function) -> node
    uint8_t *wanted;              // by run node: what the name filters say; NULL: all of them
    uint32_t *place;              // by run node: its tree node in this group, plus one, or NEEDED
    TACHO_ARRAY(uint32_t) needed; // run nodes that carry weight in this group, or stand above one
    int64_t *self;                // by run node, of this group
    uint64_t *samples;
    int64_t least;             // subtrees below this weight are not unfolded
    int64_t *subtree;          // by run node, of this group: what is in and below it
    uint64_t *subtree_samples; // NULL both when everything is unfolded
    uint32_t light;            // the function that stands for what is not unfolded
    int64_t *heaviest;         // by function: the self weight of the line it shows
};

#define NEEDED UINT32_MAX
#define LIGHT  (UINT32_MAX - 1) // place of a node that is not unfolded

enum keep { KEEP_MATCHED = 1, KEEP_EXCLUDED = 2, KEEP_ROOTED = 4 };

struct group_sample {
    uint32_t group, node;
    int64_t weight;
};

static void *take(size_t count, size_t size)
{
    size_t capacity = 0;
    void *memory = tacho_array_grow(NULL, &capacity, count + 1, size);

    memset(memory, 0, (count + 1) * size);
    return memory;
}

const struct tacho_run_profile *tacho_profile_find(const struct tacho_run *run, const char *name)
{
    for (size_t i = 0; i < run->profiles.count; i++) {
        if (strcmp(run->profiles.items[i].name, name != NULL ? name : "cpu") == 0)
            return &run->profiles.items[i];
    }
    return name == NULL && run->profiles.count > 0 ? &run->profiles.items[0] : NULL;
}

int64_t tacho_profile_weight_max(const struct tacho_run_profile *profile)
{
    double sum = 0;

    for (size_t i = 0; i < profile->samples.count; i++)
        sum += profile->samples.items[i].weight > 0 ? (double)profile->samples.items[i].weight : 0;
    return sum < (double)(INT64_MAX / 4) ? 0 : INT64_MAX / 4 / (int64_t)profile->samples.count;
}

bool tacho_profile_sample_wanted(const struct tacho_run *run,
                                 const struct tacho_profile_filter *filter,
                                 const struct tacho_run_profile_sample *sample)
{
    if (sample->node >= run->nodes.count || sample->weight < 0 ||
        (filter->weight_max != 0 && sample->weight > filter->weight_max))
        return false;
    if (sample->time_ns < filter->begin_ns ||
        (filter->end_ns != 0 && sample->time_ns >= filter->end_ns))
        return false;
    if (filter->pid == 0 && filter->tid == 0)
        return true;
    if (sample->thread >= run->threads.count)
        return false;
    return (filter->pid == 0 || run->threads.items[sample->thread].pid == filter->pid) &&
           (filter->tid == 0 || run->threads.items[sample->thread].tid == filter->tid);
}

// Frames from the outermost inlined-into one to the innermost: fills `chain`, returns their number.
static unsigned frame_chain(const struct tacho_run *run, uint32_t frame, uint32_t chain[CHAIN_MAX])
{
    unsigned count = 0;

    while (frame < run->frames.count && count < CHAIN_MAX) {
        chain[count++] = frame;
        frame = run->frames.items[frame].caller;
    }
    for (unsigned i = 0; i < count / 2; i++) {
        uint32_t other = chain[i];

        chain[i] = chain[count - 1 - i];
        chain[count - 1 - i] = other;
    }
    return count;
}

static uint32_t node_parent(const struct tacho_run *run, size_t node)
{
    uint32_t parent = run->nodes.items[node].parent;

    // Parents are made first; anything else would be a loop.
    return parent < node ? parent : TACHO_NO_INDEX;
}

static uint8_t function_keep(const struct tacho_profile_filter *filter, const char *name)
{
    return (uint8_t)((filter->function != NULL && tacho_name_matches(name, filter->function)
                          ? KEEP_MATCHED
                          : 0) |
                     (filter->exclude != NULL && tacho_name_matches(name, filter->exclude)
                          ? KEEP_EXCLUDED
                          : 0) |
                     (filter->root != NULL && tacho_name_matches(name, filter->root) ? KEEP_ROOTED
                                                                                     : 0));
}

uint8_t *tacho_profile_nodes_wanted(const struct tacho_run *run,
                                    const struct tacho_profile_filter *filter,
                                    const struct tacho_functions *functions)
{
    uint8_t *of_function, *wanted, asked;
    uint32_t chain[CHAIN_MAX];

    if (filter->function == NULL && filter->exclude == NULL && filter->root == NULL)
        return NULL;
    asked = (uint8_t)((filter->function != NULL ? KEEP_MATCHED : 0) |
                      (filter->root != NULL ? KEEP_ROOTED : 0));
    // Names are matched once per function, stacks inherit from their callers.
    of_function = take(functions->items.count, 1);
    for (size_t i = 0; i < functions->items.count; i++)
        of_function[i] = function_keep(filter, functions->items.items[i].name);
    wanted = take(run->nodes.count, 1);
    for (size_t i = 0; i < run->nodes.count; i++) {
        uint32_t parent = node_parent(run, i);
        unsigned count = frame_chain(run, run->nodes.items[i].frame, chain);

        wanted[i] = parent != TACHO_NO_INDEX ? wanted[parent] : 0;
        for (unsigned j = 0; j < count; j++)
            wanted[i] |= of_function[functions->of_frame[chain[j]]];
    }
    for (size_t i = 0; i < run->nodes.count; i++)
        wanted[i] = wanted[i] == asked ? 1 : 0;
    free(of_function);
    return wanted;
}

static uint32_t child_of(struct folding *folding, uint32_t parent, uint32_t function,
                         uint32_t flags)
{
    struct tacho_calltree *tree = folding->tree;
    bool added;
    uint64_t *place =
        tacho_map_put(&folding->child_index, (uint64_t)parent << 32 | function, &added);

    if (added) {
        *place = tree->nodes.count;
        tacho_array_push(&tree->nodes,
                         (struct tacho_calltree_node){.function = function,
                                                      .parent = parent,
                                                      .first_child = TACHO_NO_INDEX,
                                                      .next_sibling = TACHO_NO_INDEX,
                                                      .depth = tree->nodes.items[parent].depth + 1,
                                                      .flags = flags});
    } else {
        tree->nodes.items[*place].flags &= flags | ~(uint32_t)TACHO_FRAME_INLINED;
    }
    return (uint32_t)*place;
}

// The function shows the line that has the highest self weight among its innermost frames.
static void note_line(struct folding *folding, uint32_t frame_index, int64_t self)
{
    const struct tacho_run_frame *frame = &folding->run->frames.items[frame_index];
    uint32_t function = folding->tree->functions.of_frame[frame_index];

    if (frame->line > 0 && self > folding->heaviest[function]) {
        folding->heaviest[function] = self;
        folding->tree->functions.items.items[function].line = frame->line;
        folding->tree->functions.items.items[function].file = frame->file;
    }
}

// Puts one of the run's nodes, whose parent is already placed, into the tree.
static void fold_node(struct folding *folding, uint32_t index, uint32_t top)
{
    const struct tacho_run *run = folding->run;
    struct tacho_calltree *tree = folding->tree;
    uint32_t parent = node_parent(run, index), chain[CHAIN_MAX];
    uint32_t at = parent != TACHO_NO_INDEX ? folding->place[parent] - 1 : top;
    unsigned count = frame_chain(run, run->nodes.items[index].frame, chain);

    for (unsigned i = 0; i < count; i++) {
        uint32_t function = tree->functions.of_frame[chain[i]];
        const char *name = tree->functions.items.items[function].name;

        if (folding->filter->root != NULL && at == top &&
            !tacho_name_matches(name, folding->filter->root))
            continue;
        if (folding->filter->no_kernel &&
            (run->frames.items[chain[i]].flags & TACHO_FRAME_KERNEL) != 0)
            continue;
        at = child_of(folding, at, function, run->frames.items[chain[i]].flags);
    }
    folding->place[index] = at + 1;
    tree->nodes.items[at].self += folding->self[index];
    tree->nodes.items[at].samples += folding->samples[index];
    if (count > 0)
        note_line(folding, chain[count - 1], folding->self[index]);
    folding->self[index] = 0;
    folding->samples[index] = 0;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

// Counts a sample in the group at hand; marks the stack's nodes as needed.
static void count_sample(struct folding *folding, uint32_t node, int64_t weight)
{
    folding->self[node] += weight;
    folding->samples[node]++;
    for (; node != TACHO_NO_INDEX && folding->place[node] == 0;
         node = node_parent(folding->run, node)) {
        folding->place[node] = NEEDED;
        tacho_array_push(&folding->needed, node);
    }
}

static void sum_subtrees(struct folding *folding)
{
    for (size_t i = folding->needed.count; i-- > 0;) {
        uint32_t node = folding->needed.items[i], parent = node_parent(folding->run, node);

        folding->subtree[node] += folding->self[node];
        folding->subtree_samples[node] += folding->samples[node];
        if (parent != TACHO_NO_INDEX) {
            folding->subtree[parent] += folding->subtree[node];
            folding->subtree_samples[parent] += folding->subtree_samples[node];
        }
    }
}

// Whether a node is part of something light; the topmost of it leaves its weight with the caller.
static bool fold_light(struct folding *folding, uint32_t node, uint32_t top)
{
    uint32_t parent = node_parent(folding->run, node);
    uint32_t above = parent != TACHO_NO_INDEX ? folding->place[parent] : top + 1;

    if (above != LIGHT && folding->subtree[node] >= folding->least)
        return false;
    if (above != LIGHT) {
        uint32_t child = child_of(folding, above - 1, folding->light, 0);

        folding->tree->nodes.items[child].self += folding->subtree[node];
        folding->tree->nodes.items[child].samples += folding->subtree_samples[node];
    }
    folding->place[node] = LIGHT;
    folding->self[node] = 0;
    folding->samples[node] = 0;
    return true;
}

// Puts the counted stacks below `top`, parents before children.
static void fold_group(struct folding *folding, uint32_t top)
{
    size_t count = folding->needed.count;

    if (count > folding->run->nodes.count / 8) {
        folding->needed.count = 0;
        for (size_t i = 0; i < folding->run->nodes.count; i++) {
            if (folding->place[i] == NEEDED)
                tacho_array_push(&folding->needed, (uint32_t)i);
        }
    } else if (count > 0) {
        qsort(folding->needed.items, count, sizeof *folding->needed.items, by_number);
    }
    if (folding->subtree != NULL)
        sum_subtrees(folding);
    for (size_t i = 0; i < count; i++) {
        uint32_t node = folding->needed.items[i];

        if (folding->subtree == NULL || !fold_light(folding, node, top))
            fold_node(folding, node, top);
    }
    for (size_t i = 0; i < count; i++) {
        folding->place[folding->needed.items[i]] = 0;
        if (folding->subtree != NULL) {
            folding->subtree[folding->needed.items[i]] = 0;
            folding->subtree_samples[folding->needed.items[i]] = 0;
        }
    }
    folding->needed.count = 0;
}

// A function of the table that is none: a process, a thread, what is not unfolded.
static uint32_t add_pseudo_function(struct tacho_calltree *tree, const char *name)
{
    struct tacho_functions *functions = &tree->functions;

    tacho_array_push(&functions->items,
                     (struct tacho_function){.name = tacho_strings_keep(&functions->strings, name),
                                             .module = "",
                                             .file = "",
                                             .module_index = TACHO_NO_INDEX,
                                             .group = true});
    return (uint32_t)functions->items.count - 1;
}

static void prepare_light(struct folding *folding)
{
    const struct tacho_run_profile *profile = folding->tree->profile;
    double total = 0;

    for (size_t i = 0; i < profile->samples.count; i++) {
        if (tacho_profile_sample_wanted(folding->run, folding->filter, &profile->samples.items[i]))
            total += (double)profile->samples.items[i].weight;
    }
    folding->least = (int64_t)(folding->filter->least_share * total);
    folding->subtree = take(folding->run->nodes.count, sizeof *folding->subtree);
    folding->subtree_samples = take(folding->run->nodes.count, sizeof *folding->subtree_samples);
    folding->light = add_pseudo_function(folding->tree, "(light calls)");
}

static uint32_t group_of(const struct folding *folding,
                         const struct tacho_run_profile_sample *sample)
{
    const struct tacho_run *run = folding->run;

    if (sample->thread >= run->threads.count)
        return TACHO_NO_INDEX;
    return folding->filter->group == TACHO_GROUP_THREAD ? sample->thread
                                                        : run->threads.items[sample->thread].pid;
}

// A node below the root for a process or thread.
static uint32_t group_node(struct folding *folding, uint32_t group)
{
    const struct tacho_run *run = folding->run;
    const char *name = "";
    uint32_t number = group;
    char text[160];

    if (group == TACHO_NO_INDEX) {
        snprintf(text, sizeof text, "[unknown thread]");
    } else {
        for (size_t i = 0; i < run->threads.count; i++) {
            const struct tacho_run_thread *thread = &run->threads.items[i];

            if (folding->filter->group == TACHO_GROUP_THREAD
                    ? i == group
                    : thread->pid == group && thread->tid == group) {
                name = thread->name != NULL ? thread->name : "";
                number = thread->tid;
            }
        }
        snprintf(text, sizeof text, "%s %" PRIu32 " %.100s",
                 folding->filter->group == TACHO_GROUP_THREAD ? "thread" : "process", number, name);
    }
    return child_of(folding, 0, add_pseudo_function(folding->tree, text), 0);
}

static int by_group(const void *a, const void *b)
{
    const struct group_sample *x = a, *y = b;

    return (x->group > y->group) - (x->group < y->group);
}

static void fold_samples(struct folding *folding)
{
    const struct tacho_run_profile *profile = folding->tree->profile;
    bool grouped = folding->filter->group != TACHO_GROUP_NONE;
    TACHO_ARRAY(struct group_sample) rest = {0};

    for (size_t i = 0; i < profile->samples.count; i++) {
        const struct tacho_run_profile_sample *sample = &profile->samples.items[i];

        if (!tacho_profile_sample_wanted(folding->run, folding->filter, sample) ||
            (folding->wanted != NULL && folding->wanted[sample->node] == 0)) {
            folding->tree->left_out++;
            continue;
        }
        folding->tree->samples++;
        folding->tree->truncated += (sample->flags & TACHO_STACK_TRUNCATED) != 0;
        if (grouped) {
            tacho_array_push(&rest, (struct group_sample){group_of(folding, sample), sample->node,
                                                          sample->weight});
        } else {
            count_sample(folding, sample->node, sample->weight);
        }
    }
    if (!grouped)
        fold_group(folding, 0);
    if (rest.count > 0)
        qsort(rest.items, rest.count, sizeof *rest.items, by_group);
    for (size_t i = 0; i < rest.count;) {
        uint32_t group = rest.items[i].group;

        for (; i < rest.count && rest.items[i].group == group; i++)
            count_sample(folding, rest.items[i].node, rest.items[i].weight);
        fold_group(folding, group_node(folding, group));
    }
    tacho_array_release(&rest);
}

struct child_order {
    uint32_t node, parent;
    int64_t total;
    const char *name;
};

static int by_parent_then_weight(const void *a, const void *b)
{
    const struct child_order *x = a, *y = b;

    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    if (x->total != y->total)
        return x->total > y->total ? -1 : 1;
    if (strcmp(x->name, y->name) != 0)
        return strcmp(x->name, y->name);
    return x->node < y->node ? -1 : 1;
}

static void order_children(struct tacho_calltree *tree)
{
    size_t count = tree->nodes.count - 1;
    struct child_order *order = take(count, sizeof *order);

    for (size_t i = 0; i < count; i++) {
        const struct tacho_calltree_node *node = &tree->nodes.items[i + 1];

        order[i] = (struct child_order){(uint32_t)i + 1, node->parent, node->total,
                                        tree->functions.items.items[node->function].name};
    }
    qsort(order, count, sizeof *order, by_parent_then_weight);
    for (size_t i = count; i-- > 0;) {
        struct tacho_calltree_node *parent = &tree->nodes.items[order[i].parent];

        tree->nodes.items[order[i].node].next_sibling = parent->first_child;
        parent->first_child = order[i].node;
    }
    free(order);
}

uint32_t tacho_calltree_next(const struct tacho_calltree *tree, uint32_t at)
{
    const struct tacho_calltree_node *nodes = tree->nodes.items;

    if (nodes[at].first_child != TACHO_NO_INDEX)
        return nodes[at].first_child;
    while (at != 0 && nodes[at].next_sibling == TACHO_NO_INDEX)
        at = nodes[at].parent;
    return at == 0 ? TACHO_NO_INDEX : nodes[at].next_sibling;
}

// A function's total is the sum over its nodes that have no other node of it above them. `open`
// holds, by function, the node that is open on the path, plus one.
static void weigh_functions(struct tacho_calltree *tree)
{
    uint32_t *open = take(tree->functions.items.count, sizeof *open);
    uint32_t last = 0;

    tree->weights = take(tree->functions.items.count, sizeof *tree->weights);
    for (uint32_t at = tree->nodes.items[0].first_child; at != TACHO_NO_INDEX;
         at = tacho_calltree_next(tree, at)) {
        const struct tacho_calltree_node *node = &tree->nodes.items[at];
        struct tacho_function_weight *weight = &tree->weights[node->function];

        // Close what lies between the last node and this one's parent.
        for (; last != node->parent; last = tree->nodes.items[last].parent) {
            uint32_t function = tree->nodes.items[last].function;

            if (open[function] == last + 1)
                open[function] = 0;
        }
        weight->self += node->self;
        weight->samples += node->samples;
        if (open[node->function] == 0) {
            open[node->function] = at + 1;
            weight->total += node->total;
        }
        last = at;
    }
    free(open);
}

void tacho_calltree_build(struct tacho_calltree *tree, const struct tacho_run *run,
                          const struct tacho_run_profile *profile,
                          const struct tacho_profile_filter *filter)
{
    struct tacho_profile_filter used = {0};
    struct folding folding = {.run = run, .tree = tree, .filter = &used};

    if (filter != NULL)
        used = *filter;
    if (used.weight_max == 0 && profile != NULL)
        used.weight_max = tacho_profile_weight_max(profile);
    memset(tree, 0, sizeof *tree);
    tree->run = run;
    tree->profile = profile;
    tacho_functions_build(&tree->functions, run);
    tacho_array_push(&tree->nodes, (struct tacho_calltree_node){.function = TACHO_NO_INDEX,
                                                                .parent = TACHO_NO_INDEX,
                                                                .first_child = TACHO_NO_INDEX,
                                                                .next_sibling = TACHO_NO_INDEX});
    folding.place = take(run->nodes.count, sizeof *folding.place);
    folding.self = take(run->nodes.count, sizeof *folding.self);
    folding.samples = take(run->nodes.count, sizeof *folding.samples);
    folding.heaviest = take(tree->functions.items.count, sizeof *folding.heaviest);
    folding.wanted = tacho_profile_nodes_wanted(run, folding.filter, &tree->functions);
    if (profile != NULL && folding.filter->least_share > 0)
        prepare_light(&folding);
    if (profile != NULL)
        fold_samples(&folding);
    for (size_t i = tree->nodes.count; i-- > 0;) {
        struct tacho_calltree_node *node = &tree->nodes.items[i];

        node->total += node->self;
        if (i > 0)
            tree->nodes.items[node->parent].total += node->total;
    }
    tree->total = tree->nodes.items[0].total;
    order_children(tree);
    weigh_functions(tree);
    tacho_map_release(&folding.child_index);
    free(folding.wanted);
    tacho_array_release(&folding.needed);
    free(folding.place);
    free(folding.self);
    free(folding.samples);
    free(folding.heaviest);
    free(folding.subtree);
    free(folding.subtree_samples);
}

void tacho_calltree_release(struct tacho_calltree *tree)
{
    tacho_functions_release(&tree->functions);
    tacho_array_release(&tree->nodes);
    free(tree->weights);
    tree->weights = NULL;
}

const struct tacho_function *tacho_calltree_function(const struct tacho_calltree *tree,
                                                     uint32_t node)
{
    uint32_t function = tree->nodes.items[node].function;

    return function == TACHO_NO_INDEX ? NULL : &tree->functions.items.items[function];
}
