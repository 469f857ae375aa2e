// The run in memory: every kind of record has its place, clocks map, addresses find their file.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run/metrics.h"
#include "run/model.h"
#include "run/spaces.h"

static void put(struct tacho_run *run, struct tacho_record record)
{
    struct tacho_fail fail = {0};
    if (tacho_sink_put(&run->sink, &record, &fail) < 0)
        fail_msg("%s", fail.text);
}

static uint32_t add_thread(struct tacho_run *run, uint32_t pid, uint32_t parent)
{
    uint32_t id = tacho_record_id_new();
    put(run, (struct tacho_record){
                 .kind = TACHO_RECORD_THREAD,
                 .thread = {.id = id, .pid = pid, .tid = pid, .parent_pid = parent, .name = "t"}});
    return id;
}

static uint32_t add_profile(struct tacho_run *run)
{
    uint32_t id = tacho_record_id_new();
    put(run, (struct tacho_record){.kind = TACHO_RECORD_PROFILE,
                                   .profile = {.id = id,
                                               .name = "cpu",
                                               .unit = "nanoseconds",
                                               .sampler = "test",
                                               .rate_hz = NAN}});
    return id;
}

static void every_kind_of_record_is_taken(void **state)
{
    (void)state;
    static const unsigned kinds[] = {
#define TACHO_EVENT(name, number, text) number,
#include "tacho/events.def"
#undef TACHO_EVENT
    };
    // Descriptions first in events.def would not do: samples need ids. An unknown id is refused by
    // name, an unknown kind as unknown, so the two can be told apart.
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct tacho_run run;
        struct tacho_fail fail = {0};
        struct tacho_record record = {.kind = (uint8_t)kinds[i]};
        assert_non_null(tacho_record_kind_name(kinds[i]));
        tacho_run_init(&run);
        if (record.kind == TACHO_RECORD_METRIC)
            record.metric.name = "m";
        if (record.kind == TACHO_RECORD_MAP)
            record.map.path = "/bin/x";
        tacho_sink_put(&run.sink, &record, &fail);
        assert_null(strstr(fail.text, "unknown kind"));
        tacho_run_release(&run);
    }
    struct tacho_run run;
    struct tacho_fail fail = {0};
    tacho_run_init(&run);
    struct tacho_record record = {.kind = 200};
    assert_int_equal(tacho_sink_put(&run.sink, &record, &fail), TACHO_ERR_FORMAT);
    assert_null(tacho_record_kind_name(200));
    tacho_run_release(&run);
}

static void samples_become_a_series_relative_to_the_start(void **state)
{
    (void)state;
    struct tacho_run run;
    struct tacho_fail fail = {0};
    uint32_t id, again;
    tacho_run_init(&run);
    run.info.start_host_ns = 1000;
    assert_int_equal(tacho_sink_metric(&run.sink, "rss_bytes", "run", &id, &fail), 0);
    assert_int_equal(tacho_sink_metric(&run.sink, "rss_bytes", "run", &again, &fail), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(tacho_sink_sample(&run.sink, i % 2 ? id : again, 1000 + i, i, &fail), 0);
    const struct tacho_run_series *series = tacho_run_series_find(&run, "rss_bytes", "run");
    assert_non_null(series);
    assert_int_equal(run.series.count, 1);
    assert_int_equal(series->count, 100);
    assert_int_equal(series->time_ns[42], 42);
    assert_true(series->value[42] == 42);
    assert_string_equal(series->unit, "bytes");
    assert_int_equal(series->direction, TACHO_DIRECTION_LOWER);
    assert_int_equal(tacho_sink_sample(&run.sink, 4000000000u, 1, 1, &fail), TACHO_ERR_FORMAT);
    assert_int_equal(tacho_sink_metric(&run.sink, "no_such", "run", &id, &fail), TACHO_ERR_INVALID);
    tacho_run_release(&run);
}

static void stacks_share_their_common_callers(void **state)
{
    (void)state;
    struct tacho_run run;
    tacho_run_init(&run);
    uint32_t thread = add_thread(&run, 10, 0), profile = add_profile(&run);
    put(&run, (struct tacho_record){.kind = TACHO_RECORD_MAP,
                                    .map = {.pid = 10,
                                            .start = 0x1000,
                                            .end = 0x9000,
                                            .offset = 0x100,
                                            .path = "/bin/x",
                                            .executable = true}});
    const uint64_t a[] = {0xffffffff81000000, 0x1010, 0x2000, 0x3000};
    const uint64_t b[] = {0x1020, 0x2000, 0x3000};
    struct tacho_record record = {.kind = TACHO_RECORD_STACK,
                                  .stack = {.profile = profile,
                                            .thread = thread,
                                            .weight = 5,
                                            .pid = 10,
                                            .count = 4,
                                            .kernel_count = 1,
                                            .addresses = a}};
    put(&run, record);
    put(&run, record);
    record.stack.addresses = b;
    record.stack.count = 3;
    record.stack.kernel_count = 0;
    put(&run, record);
    assert_int_equal(run.profiles.items[0].samples.count, 3);
    assert_int_equal(run.nodes.count, 2 + 2 + 1);
    const struct tacho_run_profile_sample *samples = run.profiles.items[0].samples.items;
    assert_int_equal(samples[0].node, samples[1].node);
    const struct tacho_run_node *leaf = &run.nodes.items[samples[0].node];
    const struct tacho_run_frame *kernel = &run.frames.items[leaf->frame];
    assert_true(kernel->flags & TACHO_FRAME_KERNEL);
    assert_string_equal(run.modules.items[kernel->module].path, "[kernel]");
    const struct tacho_run_frame *user = &run.frames.items[run.nodes.items[leaf->parent].frame];
    assert_int_equal(user->address, 0x1010 - 0x1000 + 0x100); // interrupted: exact
    leaf = &run.nodes.items[samples[2].node];
    const struct tacho_run_node *caller = &run.nodes.items[leaf->parent];
    assert_int_equal(run.frames.items[caller->frame].address, 0x2000 - 1 - 0x1000 + 0x100);
    tacho_run_release(&run);
}

static void interpreted_names_replace_their_native_frame(void **state)
{
    (void)state;
    struct tacho_run run;
    tacho_run_init(&run);
    uint32_t thread = add_thread(&run, 11, 0), profile = add_profile(&run);
    const uint64_t addresses[] = {0x10, 0x20, 0x30};
    const struct tacho_stack_name named[] = {{1, 7, "inner", "a.py"}, {1, 9, "outer", "a.py"}};
    put(&run, (struct tacho_record){.kind = TACHO_RECORD_STACK,
                                    .stack = {.profile = profile,
                                              .thread = thread,
                                              .weight = 1,
                                              .pid = 11,
                                              .count = 3,
                                              .addresses = addresses,
                                              .named_count = 2,
                                              .named = named}});
    uint32_t node = run.profiles.items[0].samples.items[0].node;
    node = run.nodes.items[node].parent;
    assert_string_equal(run.frames.items[run.nodes.items[node].frame].function, "inner");
    node = run.nodes.items[node].parent;
    assert_string_equal(run.frames.items[run.nodes.items[node].frame].function, "outer");
    assert_int_equal(run.frames.items[run.nodes.items[node].frame].line, 9);
    node = run.nodes.items[node].parent;
    assert_int_equal(run.nodes.items[node].parent, TACHO_NO_INDEX);
    tacho_run_release(&run);
}

static void zone_statistics_are_replaced_by_the_latest(void **state)
{
    (void)state;
    struct tacho_run run;
    tacho_run_init(&run);
    uint32_t thread = add_thread(&run, 12, 0), zone = tacho_record_id_new();
    put(&run, (struct tacho_record){.kind = TACHO_RECORD_ZONE, .zone = {.id = zone, .name = "z"}});
    for (uint32_t n = 1; n <= 40; n++) {
        struct tacho_histogram_bucket buckets[40];
        for (uint32_t i = 0; i < n; i++)
            buckets[i] = (struct tacho_histogram_bucket){i, i + n};
        put(&run, (struct tacho_record){.kind = TACHO_RECORD_ZONE_STATS,
                                        .zone_stats = {.zone = zone,
                                                       .thread = thread,
                                                       .count = n,
                                                       .bucket_count = n,
                                                       .buckets = buckets}});
    }
    assert_int_equal(run.zone_stats.count, 1);
    assert_int_equal(run.zone_stats.items[0].count, 40);
    assert_int_equal(run.zone_stats.items[0].buckets[39].count, 79);
    tacho_run_release(&run);
}

static void clock__maps_between_and_beyond_its_points(void **state)
{
    (void)state;
    struct tacho_clock clock = {.hz = 1e6}; // a microsecond a tick, by its own word
    assert_int_equal(tacho_clock_to_host_ns(&clock, 5), 5000);
    tacho_clock_point_add(&clock, 1000, 50000000);
    assert_int_equal(tacho_clock_to_host_ns(&clock, 1010), 50010000);
    assert_int_equal(tacho_clock_to_host_ns(&clock, 990), 49990000);
    tacho_clock_point_add(&clock, 2001000, 50000000 + INT64_C(2000200000)); // it is 0.01 % fast
    assert_int_equal(tacho_clock_to_host_ns(&clock, 1001000), 50000000 + 1000100000);
    assert_int_equal(tacho_clock_to_host_ns(&clock, 3001000), 50000000 + INT64_C(3000300000));
    for (int i = 0; i < 1000; i++)
        tacho_clock_point_add(&clock, 3000000 + i, INT64_C(4000000000) + i * 1000);
    assert_true(clock.count <= TACHO_CLOCK_POINTS_MAX);
    assert_int_equal(clock.points[0].ticks, 1000);
    assert_int_equal(clock.points[clock.count - 1].ticks, 3000999);
}

static void spaces__a_new_mapping_cuts_the_old(void **state)
{
    (void)state;
    struct tacho_address_spaces *spaces = tacho_spaces_new();
    struct tacho_space_place place;
    tacho_spaces_map(spaces, 1, 0x1000, 0x9000, 0, 1);
    tacho_spaces_map(spaces, 1, 0x3000, 0x4000, 0x70000, 2);
    assert_true(tacho_spaces_find(spaces, 1, 0x2fff, &place));
    assert_int_equal(place.module, 1);
    assert_true(tacho_spaces_find(spaces, 1, 0x3008, &place));
    assert_int_equal(place.module, 2);
    assert_int_equal(place.address, 0x70008);
    assert_true(tacho_spaces_find(spaces, 1, 0x4004, &place));
    assert_int_equal(place.module, 1);
    assert_int_equal(place.address, 0x3004);
    assert_false(tacho_spaces_find(spaces, 1, 0x9000, &place));
    assert_false(tacho_spaces_find(spaces, 2, 0x3000, &place));
    tacho_spaces_fork(spaces, 1, 2);
    tacho_spaces_clear(spaces, 1);
    assert_true(tacho_spaces_find(spaces, 2, 0x3000, &place));
    assert_false(tacho_spaces_find(spaces, 1, 0x3000, &place));
    tacho_spaces_map(spaces, 2, 0, UINT64_MAX, 0, 3); // covers everything
    assert_true(tacho_spaces_find(spaces, 2, 0x3000, &place));
    assert_int_equal(place.module, 3);
    tacho_spaces_free(spaces);
}

static void spaces__agree_with_a_page_table_under_random_mappings(void **state)
{
    (void)state;
    enum { PAGES = 64 };
    struct tacho_address_spaces *spaces = tacho_spaces_new();
    uint32_t module_of[PAGES] = {0};
    uint64_t address_of[PAGES] = {0};
    unsigned seed = 7;
    for (uint32_t round = 1; round < 3000; round++) {
        seed = seed * 1103515245u + 12345u;
        unsigned start = (seed >> 16) % PAGES;
        seed = seed * 1103515245u + 12345u;
        unsigned end = start + 1 + (seed >> 16) % (PAGES - start);
        tacho_spaces_map(spaces, 1, start, end, round * 1000, round);
        for (unsigned page = start; page < end; page++) {
            module_of[page] = round;
            address_of[page] = round * 1000 + page - start;
        }
        for (unsigned page = 0; page < PAGES; page++) {
            struct tacho_space_place place = {0};
            bool found = tacho_spaces_find(spaces, 1, page, &place);
            assert_int_equal(found, module_of[page] != 0);
            if (found) {
                assert_int_equal(place.module, module_of[page]);
                assert_int_equal(place.address, address_of[page]);
            }
        }
    }
    tacho_spaces_free(spaces);
}

static void metrics__names_are_unique_and_end_in_what_they_count(void **state)
{
    (void)state;
    for (size_t i = 0; i < tacho_metric_row_count; i++) {
        assert_ptr_equal(tacho_metric_row_find(tacho_metric_rows[i].name), &tacho_metric_rows[i]);
        const char *unit = tacho_metric_rows[i].unit;
        if (strcmp(unit, "count") != 0)
            assert_non_null(strstr(tacho_metric_rows[i].name, unit));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_record_is_taken),
        cmocka_unit_test(samples_become_a_series_relative_to_the_start),
        cmocka_unit_test(stacks_share_their_common_callers),
        cmocka_unit_test(interpreted_names_replace_their_native_frame),
        cmocka_unit_test(zone_statistics_are_replaced_by_the_latest),
        cmocka_unit_test(clock__maps_between_and_beyond_its_points),
        cmocka_unit_test(spaces__a_new_mapping_cuts_the_old),
        cmocka_unit_test(spaces__agree_with_a_page_table_under_random_mappings),
        cmocka_unit_test(metrics__names_are_unique_and_end_in_what_they_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
