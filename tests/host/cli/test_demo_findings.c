// The demo's verdict: each fault is found where the numbers point at it, and only there.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/time.h"
#include "cli/demo_findings.h"
#include "tacho/histogram.h"

enum { HOTSPOT, SLOW_QUERY, LEAK };

static void put(struct tacho_run *run, struct tacho_record record)
{
    struct tacho_fail fail = {0};
    if (tacho_sink_put(&run->sink, &record, &fail) < 0)
        fail_msg("%s", fail.text);
}

static uint32_t add_thread(struct tacho_run *run)
{
    uint32_t id = tacho_record_id_new();
    put(run, (struct tacho_record){.kind = TACHO_RECORD_THREAD,
                                   .thread = {.id = id, .pid = 10, .tid = 10, .name = "worker-0"}});
    return id;
}

static void add_stack(struct tacho_run *run, uint32_t profile, uint32_t thread,
                      const char *function, int64_t weight)
{
    const uint64_t address = 0x1000;
    const struct tacho_stack_name name = {.function = function, .file = "/src/risk.c", .line = 54};
    put(run, (struct tacho_record){.kind = TACHO_RECORD_STACK,
                                   .stack = {.profile = profile,
                                             .thread = thread,
                                             .weight = weight,
                                             .pid = 10,
                                             .count = 1,
                                             .addresses = &address,
                                             .named_count = 1,
                                             .named = &name}});
}

static void add_profile(struct tacho_run *run, uint32_t thread, int64_t hot, int64_t rest)
{
    uint32_t id = tacho_record_id_new();
    put(run, (struct tacho_record){.kind = TACHO_RECORD_PROFILE,
                                   .profile = {.id = id,
                                               .name = "cpu",
                                               .unit = "nanoseconds",
                                               .sampler = "test",
                                               .rate_hz = NAN}});
    if (hot > 0)
        add_stack(run, id, thread, "covariance_compute", hot);
    add_stack(run, id, thread, "sqlite3VdbeExec", rest);
}

static void add_zone(struct tacho_run *run, uint32_t thread, const char *name, uint64_t mean_ns)
{
    uint32_t id = tacho_record_id_new();
    const struct tacho_histogram_bucket bucket = {tacho_histogram_bucket(5, mean_ns), 100};
    put(run, (struct tacho_record){.kind = TACHO_RECORD_ZONE,
                                   .zone = {.id = id, .name = name, .pid = 10}});
    put(run, (struct tacho_record){.kind = TACHO_RECORD_ZONE_STATS,
                                   .zone_stats = {.zone = id,
                                                  .thread = thread,
                                                  .count = 100,
                                                  .total_ns = 100 * mean_ns,
                                                  .self_ns = 100 * mean_ns,
                                                  .min_ns = mean_ns,
                                                  .max_ns = mean_ns,
                                                  .last_ns = mean_ns,
                                                  .sub_bucket_bits = 5,
                                                  .bucket_count = 1,
                                                  .buckets = &bucket,
                                                  .sampled_one_in = 1}});
}

// Fifteen seconds with a thousand orders a second.
static void add_memory(struct tacho_run *run, double bytes_per_s)
{
    struct tacho_fail fail = {0};
    uint32_t id, orders = tacho_record_id_new();
    put(run, (struct tacho_record){.kind = TACHO_RECORD_METRIC,
                                   .metric = {.id = orders,
                                              .name = "orders_accepted",
                                              .subject = "process 10 order_service",
                                              .unit = "count",
                                              .kind = TACHO_METRIC_COUNTER}});
    tacho_sink_sample(&run->sink, orders, 15 * TACHO_NS_PER_S, 15000, &fail);
    run->info.duration_ns = 15 * TACHO_NS_PER_S;
    assert_int_equal(tacho_sink_metric(&run->sink, "rss_bytes", "run", &id, &fail), 0);
    for (int i = 0; i < 150; i++)
        tacho_sink_sample(&run->sink, id, (i + 1) * 100 * TACHO_NS_PER_MS,
                          20e6 + bytes_per_s * i / 10, &fail);
}

static void look(struct tacho_run *run, const char *list, struct tacho_demo_finding *findings)
{
    struct tacho_fail fail = {0};
    assert_int_equal(tacho_demo_findings_plant(findings, list, &fail), 0);
    tacho_demo_findings_look(findings, run);
    tacho_run_release(run);
}

static void all_faults_are_found_with_their_evidence(void **state)
{
    (void)state;
    struct tacho_demo_finding findings[TACHO_DEMO_FAULTS];
    struct tacho_run run;
    tacho_run_init(&run);
    uint32_t thread = add_thread(&run);
    add_profile(&run, thread, 400, 600);
    add_zone(&run, thread, "risk", 300000);
    add_zone(&run, thread, "database: orders by customer", 2000000);
    add_zone(&run, thread, "database: order by id", 20000);
    add_memory(&run, 4e6);
    look(&run, NULL, findings);
    assert_true(tacho_demo_findings_complete(findings));
    assert_non_null(strstr(findings[HOTSPOT].evidence,
                           "covariance_compute (risk.c:54) has 40.0 % of "
                           "the CPU time; zone 'risk' takes"));
    assert_non_null(strstr(findings[SLOW_QUERY].evidence, "2.00 ms"));
    assert_non_null(strstr(findings[LEAK].evidence, "3.91 KiB for each order"));
}

static void a_healthy_run_shows_no_fault(void **state)
{
    (void)state;
    struct tacho_demo_finding findings[TACHO_DEMO_FAULTS];
    struct tacho_run run;
    tacho_run_init(&run);
    uint32_t thread = add_thread(&run);
    add_profile(&run, thread, 10, 990);
    add_zone(&run, thread, "database: orders by customer", 60000);
    add_zone(&run, thread, "database: order by id", 20000);
    add_memory(&run, 400e3);
    look(&run, "none", findings);
    assert_true(tacho_demo_findings_complete(findings));
    for (int i = 0; i < TACHO_DEMO_FAULTS; i++) {
        assert_false(findings[i].planted);
        assert_false(findings[i].found);
    }
}

static void a_planted_fault_that_is_not_seen_is_said(void **state)
{
    (void)state;
    struct tacho_demo_finding findings[TACHO_DEMO_FAULTS];
    struct tacho_run run;
    struct tacho_out out;
    tacho_run_init(&run);
    look(&run, "leak,hotspot", findings);
    assert_false(tacho_demo_findings_complete(findings));
    assert_true(findings[HOTSPOT].planted && findings[LEAK].planted);
    assert_false(findings[SLOW_QUERY].planted);
    assert_string_equal(findings[HOTSPOT].evidence, "there is no CPU profile");
    tacho_out_init_memory(&out);
    tacho_demo_findings_print(findings, &out);
    assert_non_null(strstr(out.buffer.data, "not found: there is no CPU profile"));
    assert_non_null(strstr(out.buffer.data, "not planted: "));
    tacho_out_release(&out);
}

static void a_fault_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    struct tacho_demo_finding findings[TACHO_DEMO_FAULTS];
    struct tacho_fail fail = {0};
    assert_int_equal(tacho_demo_findings_plant(findings, "leak,typo", &fail), TACHO_ERR_USAGE);
    assert_non_null(strstr(fail.text, "'typo'"));
    assert_int_equal(tacho_demo_findings_plant(findings, "", &fail), TACHO_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_faults_are_found_with_their_evidence),
        cmocka_unit_test(a_healthy_run_shows_no_fault),
        cmocka_unit_test(a_planted_fault_that_is_not_seen_is_said),
        cmocka_unit_test(a_fault_that_does_not_exist_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
