// Tests of metric summaries and of what grew: leaks are told from noise, saw teeth and warm-up
// (L15).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyze/facts.h"
#include "analyze/growth.h"
#include "analyze/metric_summary.h"
#include "analyze/slow_spans.h"
#include "made_run.h"

#define MIB 1048576.0

static double noise(void)
{
    return (double)(rand() % 2001 - 1000) / 1000;
}

static double flat(double at)
{
    (void)at;
    return 100 * MIB + 2 * MIB * noise();
}
static double leak(double at)
{
    return 100 * MIB + 20 * MIB * at + MIB * noise();
}
static double saw(double at)
{
    return 100 * MIB + 40 * MIB * fmod(at * 30, 1) + MIB * noise();
}
static double leak_under_a_saw(double at)
{
    return saw(at) + 30 * MIB * at;
}
static double warm_up(double at)
{
    return 150 * MIB - 80 * MIB * exp(-8 * at) + MIB * noise();
}
static double step(double at)
{
    return (at < 0.3 ? 100 : 140) * MIB + MIB * noise();
}

static struct tacho_growth judge(double (*shape)(double), size_t count)
{
    struct tacho_run run;
    struct tacho_growth growth;
    struct tacho_run_series *series;

    srand(7);
    tacho_run_init(&run);
    series = tacho_run_series_add(&run);
    for (size_t i = 0; i < count; i++)
        tacho_run_series_push(series, (int64_t)i * 100000000, shape((double)i / (double)count));
    tacho_growth_build(&growth, series, MIB);
    tacho_run_release(&run);
    return growth;
}

static void a_leak_grows_steadily(void **state)
{
    struct tacho_growth growth = judge(leak, 600);

    (void)state;
    assert_int_equal(growth.verdict, TACHO_GROWTH_STEADY);
    // 20 MiB in 60 s.
    assert_true(fabs(growth.slope - 20 * MIB / 60) < 0.1 * MIB);
    assert_int_equal(judge(leak_under_a_saw, 600).verdict, TACHO_GROWTH_STEADY);
}

static void noise_saw_teeth_and_warm_up_do_not(void **state)
{
    (void)state;
    assert_int_equal(judge(flat, 600).verdict, TACHO_GROWTH_NONE);
    assert_int_equal(judge(saw, 600).verdict, TACHO_GROWTH_NONE);
    assert_int_equal(judge(warm_up, 600).verdict, TACHO_GROWTH_SETTLED);
    assert_int_equal(judge(step, 600).verdict, TACHO_GROWTH_SETTLED);
}

static void too_few_samples_say_so(void **state)
{
    (void)state;
    assert_int_equal(judge(leak, TACHO_GROWTH_SAMPLES_MIN - 1).verdict, TACHO_GROWTH_UNKNOWN);
    assert_int_not_equal(judge(leak, TACHO_GROWTH_SAMPLES_MIN).verdict, TACHO_GROWTH_UNKNOWN);
}

static void a_counter_is_a_total_and_rates(void **state)
{
    struct tacho_run run;
    struct tacho_metric_summary summary;
    struct tacho_run_series *series;
    static const double values[] = {100, 110, NAN, 130, 5, 15};

    (void)state;
    tacho_run_init(&run);
    series = tacho_run_series_add(&run);
    series->kind = TACHO_METRIC_COUNTER;
    for (size_t i = 0; i < 6; i++)
        tacho_run_series_push(series, (int64_t)i * 1000000000, values[i]);
    tacho_metric_summary_build(&summary, series);
    // A counter that fell was restarted: the fall is not work undone.
    assert_true(fabs(summary.increase - 40) < 1e-9);
    assert_true(fabs(summary.values.max - 10) < 1e-9);
    assert_int_equal(summary.values.count, 3);
    assert_true(fabs(summary.last - 15) < 1e-9);
    tacho_run_release(&run);
}

static void facts_of_a_run_are_its_figures(void **state)
{
    struct tacho_run run;
    struct tacho_facts facts;
    struct tacho_thread_costs costs;

    (void)state;
    made_run_small(&run);
    tacho_facts_build(&facts, &run);
    assert_true(fabs(facts.wall_seconds - 2) < 1e-9);
    assert_true(fabs(facts.cpu_user_seconds - 1.2) < 1e-9);
    assert_true(fabs(facts.cpu_ratio_core - 0.7) < 1e-9);
    assert_true(isnan(facts.io_read_bytes));
    assert_true(facts.exited && facts.exit_code == 0);
    assert_int_equal(facts.memory.verdict, TACHO_GROWTH_STEADY);
    tacho_thread_costs_build(&costs, &run, &run.profiles.items[0]);
    assert_int_equal(costs.items.count, 4); // process 100 and its two threads, process 102
    assert_true(costs.items.items[0].process);
    assert_true(fabs(costs.items.items[0].share - 0.95) < 1e-9);
    tacho_thread_costs_release(&costs);
    tacho_run_release(&run);
}

static void the_slowest_spans_come_first(void **state)
{
    struct tacho_run run;
    struct tacho_slow_spans slow;

    (void)state;
    made_run_small(&run);
    tacho_slow_spans_find(&slow, &run, 0, 3, 0, 0);
    assert_int_equal(slow.found, 10);
    assert_int_equal(slow.items.count, 3);
    assert_int_equal(run.spans.items[slow.items.items[0]].duration_ns, 19000000);
    assert_int_equal(run.spans.items[slow.items.items[0]].status, TACHO_SPAN_ERROR);
    assert_int_equal(run.spans.items[slow.items.items[1]].duration_ns, 10000000);
    // Of equal ones the first stays first.
    assert_true(run.spans.items[slow.items.items[1]].begin_ns <
                run.spans.items[slow.items.items[2]].begin_ns);
    tacho_slow_spans_release(&slow);
    tacho_slow_spans_find(&slow, &run, 10000001, 10, 0, 0);
    assert_int_equal(slow.found, 1);
    tacho_slow_spans_release(&slow);
    tacho_slow_spans_find(&slow, &run, 0, 10, 0, 101);
    assert_int_equal(slow.found, 0);
    tacho_slow_spans_release(&slow);
    tacho_run_release(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leak_grows_steadily),
        cmocka_unit_test(noise_saw_teeth_and_warm_up_do_not),
        cmocka_unit_test(too_few_samples_say_so),
        cmocka_unit_test(a_counter_is_a_total_and_rates),
        cmocka_unit_test(the_slowest_spans_come_first),
        cmocka_unit_test(facts_of_a_run_are_its_figures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
