// Tests of call trees and what is read off them: hotspots, callers and callees, filters, recursion,
// inlined calls, differences, and runs with damaged indices (G3, L9).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/diff.h"
#include "analyze/facts.h"
#include "analyze/hotspots.h"
#include "made_run.h"

static const struct tacho_hotspot *find(const struct tacho_calltree *tree,
                                        const struct tacho_hotspots *list, const char *name)
{
    for (size_t i = 0; i < list->items.count; i++) {
        uint32_t function = list->items.items[i].function;

        if (function == TACHO_NO_INDEX
                ? name[0] == '\0'
                : strcmp(tree->functions.items.items[function].name, name) == 0)
            return &list->items.items[i];
    }
    return NULL;
}

static int64_t total_of(const struct tacho_calltree *tree, const char *name)
{
    for (size_t i = 0; i < tree->functions.items.count; i++) {
        if (strcmp(tree->functions.items.items[i].name, name) == 0)
            return tree->weights[i].total;
    }
    return -1;
}

// a calls b calls a: the inner a must not count twice.
static void recursive_run(struct tacho_run *run)
{
    struct tacho_run_profile *profile;

    tacho_run_init(run);
    profile = made_profile(run, "cpu", "count");
    made_sample(profile, made_stack(run, "main;a;b;a"), 0, 0, 5);
    made_sample(profile, made_stack(run, "main;a;b;a;b;a"), 0, 1, 3);
    made_sample(profile, made_stack(run, "main;a"), 0, 2, 2);
    made_sample(profile, made_stack(run, "main;b;c"), 0, 3, 7);
}

static void recursion_is_counted_once(void **state)
{
    struct tacho_run run;
    struct tacho_calltree tree;
    struct tacho_hotspots list;

    (void)state;
    recursive_run(&run);
    tacho_calltree_build(&tree, &run, &run.profiles.items[0], NULL);
    assert_int_equal(tree.total, 17);
    assert_int_equal(total_of(&tree, "main"), 17);
    assert_int_equal(total_of(&tree, "a"), 10);
    assert_int_equal(total_of(&tree, "b"), 15);
    assert_int_equal(total_of(&tree, "c"), 7);
    tacho_hotspots_build(&list, &tree, TACHO_BY_SELF, NULL, 0);
    assert_int_equal(find(&tree, &list, "a")->self, 10);
    assert_null(find(&tree, &list, "b"));
    tacho_hotspots_release(&list);
    tacho_calltree_release(&tree);
    tacho_run_release(&run);
}

static void callers_and_callees_share_the_weight_that_passes(void **state)
{
    struct tacho_run run;
    struct tacho_calltree tree;
    struct tacho_hotspots list;

    (void)state;
    recursive_run(&run);
    tacho_calltree_build(&tree, &run, &run.profiles.items[0], NULL);
    tacho_callers_build(&list, &tree, "b");
    assert_int_equal(find(&tree, &list, "a")->total, 8);
    assert_int_equal(find(&tree, &list, "main")->total, 7);
    tacho_hotspots_release(&list);
    tacho_callees_build(&list, &tree, "b");
    assert_int_equal(find(&tree, &list, "a")->total, 8);
    assert_int_equal(find(&tree, &list, "c")->total, 7);
    tacho_hotspots_release(&list);
    tacho_callers_build(&list, &tree, "main");
    assert_int_equal(find(&tree, &list, "")->total, 17);
    tacho_hotspots_release(&list);
    tacho_calltree_release(&tree);
    tacho_run_release(&run);
}

static void edges_of_the_call_graph_count_recursion_once(void **state)
{
    struct tacho_run run;
    struct tacho_calltree tree;
    struct tacho_call_edges edges;
    int64_t sum = 0;

    (void)state;
    recursive_run(&run);
    tacho_calltree_build(&tree, &run, &run.profiles.items[0], NULL);
    tacho_call_edges_build(&edges, &tree);
    for (size_t i = 0; i < edges.items.count; i++) {
        const struct tacho_call_edge *edge = &edges.items.items[i];

        if (edge->caller != TACHO_NO_INDEX &&
            strcmp(tree.functions.items.items[edge->caller].name, "a") == 0 &&
            strcmp(tree.functions.items.items[edge->callee].name, "b") == 0)
            sum += edge->total;
    }
    assert_int_equal(sum, 8);
    tacho_call_edges_release(&edges);
    tacho_calltree_release(&tree);
    tacho_run_release(&run);
}

static void inlined_calls_are_functions_of_their_own(void **state)
{
    struct tacho_run run;
    struct tacho_calltree tree;
    struct tacho_hotspots list;

    (void)state;
    made_run_small(&run);
    tacho_calltree_build(&tree, &run, tacho_profile_find(&run, NULL), NULL);
    assert_int_equal(tree.samples, 100);
    assert_int_equal(tree.truncated, 1);
    assert_int_equal(total_of(&tree, "parse"), 600000000);
    tacho_hotspots_build(&list, &tree, TACHO_BY_SELF, NULL, 0);
    assert_int_equal(find(&tree, &list, "parse")->self, 400000000);
    assert_int_equal(find(&tree, &list, "copy")->self, 200000000);
    assert_true(tree.functions.items.items[find(&tree, &list, "copy")->function].flags &
                TACHO_FRAME_INLINED);
    assert_int_equal(tree.functions.items.items[find(&tree, &list, "parse")->function].line, 12);
    tacho_hotspots_release(&list);
    tacho_calltree_release(&tree);
    tacho_run_release(&run);
}

static int64_t filtered_total(const struct tacho_run *run, struct tacho_profile_filter filter)
{
    struct tacho_calltree tree;
    int64_t total;

    tacho_calltree_build(&tree, run, tacho_profile_find(run, NULL), &filter);
    total = tree.total;
    assert_int_equal(tree.samples + tree.left_out, 100);
    tacho_calltree_release(&tree);
    return total;
}

static void filters_choose_by_thread_time_and_name(void **state)
{
    const int64_t sample = 10000000;
    struct tacho_run run;

    (void)state;
    made_run_small(&run);
    assert_int_equal(filtered_total(&run, (struct tacho_profile_filter){.pid = 102}), 5 * sample);
    assert_int_equal(filtered_total(&run, (struct tacho_profile_filter){.tid = 101}), 35 * sample);
    assert_int_equal(filtered_total(&run, (struct tacho_profile_filter){.begin_ns = 21 * sample,
                                                                        .end_ns = 31 * sample}),
                     10 * sample);
    assert_int_equal(filtered_total(&run, (struct tacho_profile_filter){.function = "ser"}),
                     35 * sample);
    assert_int_equal(filtered_total(&run, (struct tacho_profile_filter){.function = "par*"}),
                     60 * sample);
    assert_int_equal(filtered_total(&run, (struct tacho_profile_filter){.exclude = "copy"}),
                     80 * sample);
    assert_int_equal(filtered_total(&run, (struct tacho_profile_filter){.function = "nowhere"}), 0);
    tacho_run_release(&run);
}

static void a_root_cuts_what_is_outside_of_it(void **state)
{
    struct tacho_run run;
    struct tacho_calltree tree;
    struct tacho_profile_filter filter = {.root = "serve"};

    (void)state;
    made_run_small(&run);
    tacho_calltree_build(&tree, &run, tacho_profile_find(&run, NULL), &filter);
    assert_int_equal(tree.total, 350000000);
    assert_string_equal(tacho_calltree_function(&tree, tree.nodes.items[0].first_child)->name,
                        "serve");
    assert_int_equal(total_of(&tree, "main"), 0);
    tacho_calltree_release(&tree);
    tacho_run_release(&run);
}

static void groups_hold_each_thread_apart_and_sum_to_the_whole(void **state)
{
    struct tacho_run run;
    struct tacho_calltree tree;
    struct tacho_profile_filter filter = {.group = TACHO_GROUP_THREAD};
    uint32_t child;
    int64_t sum = 0;
    int threads = 0;

    (void)state;
    made_run_samples(&run, 20000);
    tacho_calltree_build(&tree, &run, &run.profiles.items[0], &filter);
    for (child = tree.nodes.items[0].first_child; child != TACHO_NO_INDEX;
         child = tree.nodes.items[child].next_sibling) {
        assert_true(tacho_calltree_function(&tree, child)->group);
        sum += tree.nodes.items[child].total;
        threads++;
    }
    assert_int_equal(threads, 16);
    assert_int_equal(sum, tree.total);
    assert_int_equal(tree.samples, 20000);
    tacho_calltree_release(&tree);
    tacho_run_release(&run);
}

static void light_calls_are_gathered_and_nothing_is_lost(void **state)
{
    struct tacho_run run;
    struct tacho_calltree whole, light;
    struct tacho_profile_filter filter = {.least_share = 0.01};

    (void)state;
    made_run_samples(&run, 20000);
    tacho_calltree_build(&whole, &run, &run.profiles.items[0], NULL);
    tacho_calltree_build(&light, &run, &run.profiles.items[0], &filter);
    assert_int_equal(light.total, whole.total);
    assert_int_equal(light.samples, whole.samples);
    assert_true(light.nodes.count < whole.nodes.count / 10);
    // What is unfolded weighs the same in both.
    assert_string_equal(tacho_calltree_function(&light, light.nodes.items[0].first_child)->name,
                        tacho_calltree_function(&whole, whole.nodes.items[0].first_child)->name);
    assert_int_equal(light.nodes.items[light.nodes.items[0].first_child].total,
                     whole.nodes.items[whole.nodes.items[0].first_child].total);
    tacho_calltree_release(&whole);
    tacho_calltree_release(&light);
    tacho_run_release(&run);
}

static void damaged_indices_end_a_stack(void **state)
{
    struct tacho_run run;
    struct tacho_calltree tree;
    struct tacho_run_profile *profile;

    (void)state;
    made_run_small(&run);
    profile = &run.profiles.items[0];
    run.nodes.items[0].parent = 3;                 // a loop
    run.nodes.items[1].frame = 0xfffffff0;         // no such frame
    run.frames.items[2].caller = 2;                // inlined into itself
    run.frames.items[3].module = 77;               // no such module
    profile->samples.items[0].node = 12345678;     // no such node
    profile->samples.items[1].thread = 0xfffffffe; // no such thread
    profile->samples.items[2].weight = INT64_MIN;  // a negative weight
    tacho_calltree_build(&tree, &run, profile, NULL);
    assert_int_equal(tree.samples, 98);
    tacho_calltree_release(&tree);
    tacho_calltree_build(
        &tree, &run, profile,
        &(struct tacho_profile_filter){.group = TACHO_GROUP_PROCESS, .function = "parse"});
    tacho_calltree_release(&tree);
    tacho_run_release(&run);
}

static void a_run_without_profile_gives_an_empty_tree(void **state)
{
    struct tacho_run run;
    struct tacho_calltree tree;
    struct tacho_facts facts;

    (void)state;
    tacho_run_init(&run);
    run.info.target = run.info.command = run.info.id = run.info.name = run.info.version = "";
    assert_null(tacho_profile_find(&run, NULL));
    tacho_calltree_build(&tree, &run, NULL, NULL);
    assert_int_equal(tree.total, 0);
    assert_int_equal(tacho_calltree_next(&tree, 0), TACHO_NO_INDEX);
    tacho_facts_build(&facts, &run);
    assert_true(isnan(facts.cpu_user_seconds) && isnan(facts.memory_peak_bytes));
    tacho_calltree_release(&tree);
    tacho_run_release(&run);
}

static void a_difference_matches_functions_by_name(void **state)
{
    struct tacho_run before, after;
    struct tacho_diff diff;
    bool found = false;

    (void)state;
    made_run_small(&before);
    made_run_small_after(&after);
    tacho_diff_build(&diff, &before, &after, NULL, NULL);
    for (size_t i = 0; i < diff.functions.count; i++) {
        const struct tacho_diff_function *row = &diff.functions.items[i];

        if (strcmp(row->name, "parse") == 0) {
            found = true;
            assert_int_equal(row->before_self, 400000000);
            assert_int_equal(row->after_self, 700000000);
            assert_true(fabs(row->share_delta - (70.0 / 120 - 0.4)) < 1e-9);
        }
        if (strcmp(row->name, "write_log") == 0)
            assert_int_equal(row->before_total, 0);
    }
    assert_true(found);
    assert_int_equal(diff.nodes.items[0].before_total, 1000000000);
    assert_int_equal(diff.nodes.items[0].after_total, 1200000000);
    tacho_diff_release(&diff);
    tacho_run_release(&before);
    tacho_run_release(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recursion_is_counted_once),
        cmocka_unit_test(callers_and_callees_share_the_weight_that_passes),
        cmocka_unit_test(edges_of_the_call_graph_count_recursion_once),
        cmocka_unit_test(inlined_calls_are_functions_of_their_own),
        cmocka_unit_test(filters_choose_by_thread_time_and_name),
        cmocka_unit_test(a_root_cuts_what_is_outside_of_it),
        cmocka_unit_test(groups_hold_each_thread_apart_and_sum_to_the_whole),
        cmocka_unit_test(light_calls_are_gathered_and_nothing_is_lost),
        cmocka_unit_test(damaged_indices_end_a_stack),
        cmocka_unit_test(a_run_without_profile_gives_an_empty_tree),
        cmocka_unit_test(a_difference_matches_functions_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
