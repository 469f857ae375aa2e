// Reports made inside the program: hotspots, slow zones, one zone's figures, metrics, text.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tacho/tacho.h"

static void wait_ns(long ns)
{
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - start.tv_sec) * 1000000000 + now.tv_nsec - start.tv_nsec < ns);
}

TACHO_COUNTER(orders, "orders", "count");
TACHO_GAUGE(level, "level", "bytes");

static int begin(void **state)
{
    (void)state;
    int code = tacho_start(NULL);
    for (int i = 0; i < 20; i++) {
        TACHO_ZONE("request");
        {
            TACHO_ZONE("short");
            wait_ns(20000);
        }
        {
            TACHO_ZONE("long");
            wait_ns(200000);
            if (i < 3)
                TACHO_ZONE_FAIL;
        }
    }
    tacho_counter_add(&orders, 20);
    tacho_gauge_set(&level, 4096);
    return code;
}

static void hotspots_are_ordered_by_what_was_asked(void **state)
{
    struct tacho_summary top[10];
    (void)state;
    assert_int_equal(tacho_zones_hotspots(top, 10, TACHO_BY_TOTAL), 3);
    assert_string_equal(top[0].name, "request");
    assert_string_equal(top[1].name, "long");
    assert_string_equal(top[2].name, "short");
    assert_int_equal(tacho_zones_hotspots(top, 10, TACHO_BY_SELF), 3);
    assert_string_equal(top[0].name, "long");
    assert_int_equal(tacho_zones_hotspots(top, 10, TACHO_BY_NAME), 3);
    assert_string_equal(top[0].name, "long");
    assert_string_equal(top[2].name, "short");
    assert_int_equal(tacho_zones_hotspots(top, 1, TACHO_BY_TOTAL), 1);
    assert_string_equal(top[0].name, "request");
    assert_int_equal(tacho_zones_hotspots(top, 0, TACHO_BY_TOTAL), 0);
}

static void slow_zones_are_those_above_the_threshold(void **state)
{
    struct tacho_summary slow[10];
    (void)state;
    assert_int_equal(tacho_zones_slow(slow, 10, 100000), 2);
    assert_string_equal(slow[0].name, "request");
    assert_string_equal(slow[1].name, "long");
    assert_int_equal(tacho_zones_slow(slow, 10, 10000000000u), 0);
}

static void a_zone_has_its_figures(void **state)
{
    struct tacho_summary zone;
    (void)state;
    assert_int_equal(tacho_zone_stats_get("long", &zone), 0);
    assert_int_equal(zone.calls, 20);
    assert_int_equal(zone.count, 20);
    assert_int_equal(zone.errors, 3);
    assert_true(zone.min >= 199000 && zone.min <= zone.p50 && zone.p50 <= zone.max);
    assert_true(fabs(zone.mean * 20 - zone.total) < 1);
    assert_true(zone.sd >= 0);
    assert_true(zone.p95 >= zone.p50);
    assert_true(zone.last >= 199000);
    // Twenty calls cannot support these.
    assert_true(zone.p99 == TACHO_NOT_AVAILABLE);
    assert_true(zone.p999 == TACHO_NOT_AVAILABLE);
    assert_int_equal(tacho_zone_stats_get("nowhere", &zone), TACHO_ERR_NOT_FOUND);
}

static void self_time_leaves_out_the_zones_inside(void **state)
{
    struct tacho_summary request, one, two;
    (void)state;
    assert_int_equal(tacho_zone_stats_get("request", &request), 0);
    assert_int_equal(tacho_zone_stats_get("short", &one), 0);
    assert_int_equal(tacho_zone_stats_get("long", &two), 0);
    // Each call measures the clock anew, so the figures differ in the sixth digit.
    assert_true(fabs(request.total - request.self - one.total - two.total) < 1e-4 * request.total);
}

static void metrics_have_their_values(void **state)
{
    double value = 0;
    (void)state;
    assert_int_equal(tacho_metric_get("orders", &value), 0);
    assert_true(value == 20);
    assert_int_equal(tacho_metric_get("level", &value), 0);
    assert_true(value == 4096);
    assert_int_equal(tacho_metric_get("request", &value), TACHO_ERR_NOT_FOUND);
}

static void the_text_shows_zones_metrics_and_the_clock(void **state)
{
    char text[16384] = "";
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(tacho_report(ends[1]), 0);
    close(ends[1]);
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    close(ends[0]);
    for (const char *const *word =
             (const char *const[]){"request", "p99.9", "n/a", "orders", "4096", "clock", NULL};
         *word; word++)
        assert_non_null(strstr(text, *word));
    assert_int_equal(tacho_report(-1), TACHO_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hotspots_are_ordered_by_what_was_asked),
        cmocka_unit_test(slow_zones_are_those_above_the_threshold),
        cmocka_unit_test(a_zone_has_its_figures),
        cmocka_unit_test(self_time_leaves_out_the_zones_inside),
        cmocka_unit_test(metrics_have_their_values),
        cmocka_unit_test(the_text_shows_zones_metrics_and_the_clock),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
