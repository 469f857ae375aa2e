// A run's stacks with each inlined call as a node of its own.
#include "render/stacks.h"

#include <string.h>

#define CHAIN_MAX 256

static uint32_t add_node(struct tacho_stacks *stacks, const struct tacho_run *run, size_t index)
{
    const struct tacho_run_node *node = &run->nodes.items[index];
    uint32_t chain[CHAIN_MAX], frame = node->frame;
    uint32_t at = node->parent < index ? stacks->of_node[node->parent] : TACHO_NO_INDEX;
    unsigned count = 0;

    while (frame < run->frames.count && count < CHAIN_MAX) {
        chain[count++] = frame;
        frame = run->frames.items[frame].caller;
    }
    while (count-- > 0) {
        tacho_array_push(&stacks->nodes, (struct tacho_stack_node){at, chain[count]});
        at = (uint32_t)stacks->nodes.count - 1;
    }
    return at;
}

struct threaded {
    uint32_t thread, sample;
};

static int by_thread(const void *a, const void *b)
{
    const struct threaded *x = a, *y = b;

    if (x->thread != y->thread)
        return x->thread < y->thread ? -1 : 1;
    return (x->sample > y->sample) - (x->sample < y->sample);
}

static void collect_samples(struct tacho_stacks *stacks, const struct tacho_report *report)
{
    const struct tacho_profile_filter *filter = &report->options.filter;
    TACHO_ARRAY(struct threaded) list = {0};
    uint8_t *wanted = tacho_profile_nodes_wanted(report->run, filter, &report->tree.functions);

    for (size_t i = 0; i < report->profile->samples.count; i++) {
        const struct tacho_run_profile_sample *sample = &report->profile->samples.items[i];

        if (tacho_profile_sample_wanted(report->run, filter, sample) &&
            (wanted == NULL || wanted[sample->node] != 0))
            tacho_array_push(&list, (struct threaded){sample->thread, (uint32_t)i});
    }
    if (list.count > 0)
        qsort(list.items, list.count, sizeof *list.items, by_thread);
    for (size_t i = 0; i < list.count; i++)
        tacho_array_push(&stacks->samples, list.items[i].sample);
    tacho_array_release(&list);
    free(wanted);
}

void tacho_stacks_build(struct tacho_stacks *stacks, const struct tacho_report *report)
{
    const struct tacho_run *run = report->run;
    size_t capacity = 0;

    memset(stacks, 0, sizeof *stacks);
    stacks->of_node =
        tacho_array_grow(NULL, &capacity, run->nodes.count + 1, sizeof *stacks->of_node);
    for (size_t i = 0; i < run->nodes.count; i++)
        stacks->of_node[i] = add_node(stacks, run, i);
    if (report->profile != NULL)
        collect_samples(stacks, report);
}

void tacho_stacks_release(struct tacho_stacks *stacks)
{
    tacho_array_release(&stacks->nodes);
    tacho_array_release(&stacks->samples);
    free(stacks->of_node);
    stacks->of_node = NULL;
}
