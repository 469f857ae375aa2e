// A run's stacks with each inlined call as a node of its own, for formats that keep single samples.
#ifndef TACHO_RENDER_STACKS_H
#define TACHO_RENDER_STACKS_H

#include "render/report.h"

struct tacho_stack_node {
    uint32_t parent; // index, TACHO_NO_INDEX at the outermost; always before the node
    uint32_t frame;  // index into the run's frames
};

struct tacho_stacks {
    TACHO_ARRAY(struct tacho_stack_node) nodes;
    uint32_t *of_node; // by the run's node: its innermost node here; TACHO_NO_INDEX: an empty stack
    // The samples that the report's filter lets through, by thread, then in the run's order.
    TACHO_ARRAY(uint32_t) samples;
};

// report->profile may be NULL: then there are no samples.
void tacho_stacks_build(struct tacho_stacks *stacks, const struct tacho_report *report);
void tacho_stacks_release(struct tacho_stacks *stacks);

#endif
