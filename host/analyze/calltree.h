// A profile folded to a tree of functions, inlined ones included.
//
// Folding is one pass over the samples that adds weights to the run's nodes (a stack is one node),
// then one pass over the nodes: the cost per sample is an addition, and names are touched once per
// frame.
#ifndef TACHO_ANALYZE_CALLTREE_H
#define TACHO_ANALYZE_CALLTREE_H

#include "analyze/functions.h"
#include "run/model.h"

enum tacho_group { TACHO_GROUP_NONE, TACHO_GROUP_PROCESS, TACHO_GROUP_THREAD };

// Which samples count. Zero is all of them.
struct tacho_profile_filter {
    uint32_t pid, tid;        // 0: any
    int64_t begin_ns, end_ns; // run time; end 0: no end
    const char *function;     // only stacks with a function that matches
    const char *exclude;      // no stack with a function that matches
    const char *root;         // the stack's part from the outermost function that matches inwards
    // A weight above this is damage. 0: none is, unless the sum of all would overflow.
    int64_t weight_max;
    bool no_kernel; // kernel frames are left out: their weight is that of the call into the kernel
    enum tacho_group group;
    // Parts of stacks below this share of the whole are not unfolded: each caller gets one child
    // named
    // "(light calls)" with their weight. 0: everything is unfolded. For views that cannot show
    // more.
    double least_share;
};

struct tacho_calltree_node {
    uint32_t function;                  // index into functions; TACHO_NO_INDEX for the root
    uint32_t parent;                    // TACHO_NO_INDEX for the root
    uint32_t first_child, next_sibling; // children by falling total, then name
    uint32_t depth;                     // root 0
    uint32_t flags;   // enum tacho_frame_flag; INLINED: in all samples inlined into the parent
    uint64_t samples; // that ended here
    int64_t self, total;
};

struct tacho_function_weight {
    int64_t self, total; // total: recursion counted once
    uint64_t samples;    // with the function innermost
};

struct tacho_calltree {
    const struct tacho_run *run;
    const struct tacho_run_profile *profile;
    struct tacho_functions functions;
    struct tacho_function_weight *weights;         // by function
    TACHO_ARRAY(struct tacho_calltree_node) nodes; // node 0 is the root; parents before children
    int64_t total;
    uint64_t samples, truncated, left_out; // left_out: samples that the filter dropped
};

// Folds `profile` of `run`; both must outlive the tree. `filter` may be NULL. Bad indices in the
// run (a damaged store) end a stack, they are never followed.
void tacho_calltree_build(struct tacho_calltree *tree, const struct tacho_run *run,
                          const struct tacho_run_profile *profile,
                          const struct tacho_profile_filter *filter);
void tacho_calltree_release(struct tacho_calltree *tree);

const struct tacho_function *tacho_calltree_function(const struct tacho_calltree *tree,
                                                     uint32_t node);

// The nodes in the order a tree is printed (a node, then its children), with what opens and closes.
// Start with *at = 0 (the root); TACHO_NO_INDEX when done.
uint32_t tacho_calltree_next(const struct tacho_calltree *tree, uint32_t at);

// Whether the filter's time window, process and thread let a sample through; false for one that is
// damaged (no such node, negative weight).
bool tacho_profile_sample_wanted(const struct tacho_run *run,
                                 const struct tacho_profile_filter *filter,
                                 const struct tacho_run_profile_sample *sample);
// The weight_max of a profile: 0, or, where the sum of its weights would overflow, the greatest
// weight that cannot make it.
int64_t tacho_profile_weight_max(const struct tacho_run_profile *profile);
// By the run's node: whether the filter's names let its stack through. NULL: all of them; else to
// be freed by the caller.
uint8_t *tacho_profile_nodes_wanted(const struct tacho_run *run,
                                    const struct tacho_profile_filter *filter,
                                    const struct tacho_functions *functions);

// The profile with this name; NULL name: "cpu", else the first. NULL when there is none.
const struct tacho_run_profile *tacho_profile_find(const struct tacho_run *run, const char *name);

#endif
