// Tests that every format of the table takes every run: empty ones, damaged ones, ones without a
// part, names with every kind of byte.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "made_run.h"
#include "render/diff_report.h"
#include "render/report.h"

static void render_all(const struct tacho_run *run, const struct tacho_report_options *options)
{
    for (size_t i = 0; i < tacho_report_format_count; i++) {
        struct tacho_fail fail = {0};
        struct tacho_out out;
        int code;

        tacho_out_init_memory(&out);
        code = tacho_report_render(&tacho_report_formats[i], run, options, &out, &fail);
        if (code < 0)
            assert_true(fail.code == code && fail.text[0] != '\0');
        else
            assert_true(out.buffer.size > 0 || strcmp(tacho_report_formats[i].name, "folded") == 0);
        tacho_out_release(&out);
    }
}

static void diff_all(const struct tacho_run *before, const struct tacho_run *after)
{
    static const char *const formats[] = {"text", "json", "html", "svg"};

    for (size_t i = 0; i < 4; i++) {
        struct tacho_fail fail = {0};
        struct tacho_out out;

        tacho_out_init_memory(&out);
        tacho_diff_render(formats[i], before, after, NULL, &out, &fail);
        tacho_out_release(&out);
    }
}

static void the_table_has_names_extensions_and_functions(void **state)
{
    struct tacho_fail fail = {0};

    (void)state;
    for (size_t i = 0; i < tacho_report_format_count; i++) {
        const struct tacho_report_format *format = &tacho_report_formats[i];

        assert_ptr_equal(tacho_report_format_find(format->name, &fail), format);
        assert_true(strlen(format->summary) > 10 && format->extension[0] != '\0');
    }
    assert_null(tacho_report_format_find("morse", &fail));
    assert_int_equal(fail.code, TACHO_ERR_USAGE);
    assert_non_null(strstr(fail.text, "speedscope"));
}

static void an_empty_run_is_no_accident(void **state)
{
    struct tacho_run run;

    (void)state;
    tacho_run_init(&run);
    run.info.id = run.info.name = run.info.target = run.info.command = run.info.version = "";
    render_all(&run, NULL);
    diff_all(&run, &run);
    tacho_run_release(&run);
}

static void a_run_may_lack_any_part(void **state)
{
    (void)state;
    for (int part = 0; part < 8; part++) {
        struct tacho_run run, whole;

        made_run_small(&run);
        made_run_small(&whole);
        switch (part) {
        case 0:
            run.threads.count = 0;
            break;
        case 1:
            run.zones.count = 0;
            break;
        case 2:
            run.frames.count = 0;
            break;
        case 3:
            run.nodes.count = 0;
            break;
        case 4:
            run.modules.count = 0;
            break;
        case 5:
            run.series.items[0].count = run.series.items[5].count = 0;
            break;
        case 6:
            run.profiles.items[0].samples.count = 0;
            break;
        default:
            run.clocks.count = run.notes.count = run.environment.count = 0;
        }
        render_all(&run, NULL);
        diff_all(&run, &whole);
        diff_all(&whole, &run);
        tacho_run_release(&run);
        tacho_run_release(&whole);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static uint32_t odd_index(uint64_t *random)
{
    static const uint32_t odd[] = {0, 1, 2, 7, 1000, UINT32_MAX - 1, UINT32_MAX};

    return odd[next_random(random) % 7];
}

static int64_t odd_time(uint64_t *random)
{
    static const int64_t odd[] = {
        0, -1, 1, 1500000000, INT64_MIN, INT64_MAX, INT64_MAX / 2, INT64_MIN / 2};

    return odd[next_random(random) % 8];
}

static void damage(struct tacho_run *run, uint64_t *random)
{
    struct tacho_run_profile *profile = &run->profiles.items[next_random(random) % 2];
    struct tacho_run_span *span = &run->spans.items[next_random(random) % run->spans.count];
    struct tacho_run_zone_stats *stats = &run->zone_stats.items[next_random(random) % 3];
    struct tacho_run_profile_sample *sample =
        &profile->samples.items[next_random(random) % profile->samples.count];
    struct tacho_run_series *series = &run->series.items[next_random(random) % run->series.count];

    run->nodes.items[next_random(random) % run->nodes.count].parent = odd_index(random);
    run->nodes.items[next_random(random) % run->nodes.count].frame = odd_index(random);
    run->frames.items[next_random(random) % run->frames.count].caller = odd_index(random);
    run->frames.items[next_random(random) % run->frames.count].module = odd_index(random);
    span->zone = odd_index(random);
    span->thread = odd_index(random);
    span->begin_ns = odd_time(random);
    span->duration_ns = odd_time(random);
    span->status = (uint8_t)next_random(random);
    stats->zone = odd_index(random);
    stats->thread = odd_index(random);
    stats->sub_bucket_bits = (uint32_t)(next_random(random) % 80);
    stats->count = UINT64_MAX >> next_random(random) % 64;
    sample->node = odd_index(random);
    sample->thread = odd_index(random);
    sample->time_ns = odd_time(random);
    sample->weight = odd_time(random);
    if (series->count > 0) {
        series->value[next_random(random) % series->count] =
            next_random(random) % 2 ? INFINITY : NAN;
        series->time_ns[next_random(random) % series->count] = odd_time(random);
    }
    series->kind = (uint8_t)next_random(random);
    run->events.items[0].thread = odd_index(random);
    run->events.items[0].time_ns = odd_time(random);
    run->notes.items[0].kind = (uint8_t)next_random(random);
    run->info.duration_ns = odd_time(random);
    run->info.exit_status = (int)next_random(random);
}

static void damaged_runs_are_rendered_or_refused(void **state)
{
    uint64_t random = 11;

    (void)state;
    for (int round = 0; round < 60; round++) {
        struct tacho_run run, whole;
        struct tacho_report_options options = {.around = round % 4 == 1 ? "reload" : NULL,
                                               .events_max = round % 4 == 2 ? 5 : 0,
                                               .callers_of = "a",
                                               .callees_of = "main",
                                               .filter = {.group = (enum tacho_group)(round % 3),
                                                          .root = round % 5 == 3 ? "serve" : NULL}};

        made_run_small(&run);
        made_run_small(&whole);
        for (int i = 0; i <= round % 7; i++)
            damage(&run, &random);
        render_all(&run, &options);
        diff_all(&run, &whole);
        tacho_run_release(&run);
        tacho_run_release(&whole);
    }
}

static void names_of_any_bytes_stay_inside_their_format(void **state)
{
    static const char hostile[] =
        "</script><b>\"'\\\n\r\t\x01\x7f\xff\xc3(;=,%s%n${x}\xe2\x80\xa8]]>-->";
    struct tacho_run run;
    struct tacho_fail fail = {0};
    struct tacho_out out;

    (void)state;
    made_run_small(&run);
    for (size_t i = 0; i < run.frames.count; i++)
        run.frames.items[i].function = run.frames.items[i].file = hostile;
    for (size_t i = 0; i < run.zones.count; i++)
        run.zones.items[i].name = hostile;
    for (size_t i = 0; i < run.series.count; i++)
        run.series.items[i].subject = hostile;
    run.info.command = run.info.name = run.threads.items[0].name = run.modules.items[0].path =
        hostile;
    run.events.items[0].name = run.notes.items[0].text = hostile;
    render_all(&run, NULL);
    tacho_out_init_memory(&out);
    assert_int_equal(
        tacho_report_render(tacho_report_format_find("text", &fail), &run, NULL, &out, &fail), 0);
    // A terminal must not get control characters from a name.
    for (size_t i = 0; i < out.buffer.size; i++)
        assert_true((unsigned char)out.buffer.data[i] >= 0x20 || out.buffer.data[i] == '\n');
    tacho_out_release(&out);
    tacho_run_release(&run);
}

static void a_profile_that_is_not_there_is_named_in_the_failure(void **state)
{
    struct tacho_run run;
    struct tacho_fail fail = {0};
    struct tacho_out out;
    struct tacho_report_options options = {.profile = "heap"};

    (void)state;
    made_run_small(&run);
    tacho_out_init_memory(&out);
    assert_int_equal(tacho_report_render(&tacho_report_formats[0], &run, &options, &out, &fail),
                     TACHO_ERR_NOT_FOUND);
    assert_non_null(strstr(fail.text, "it has: cpu, off-cpu"));
    tacho_out_release(&out);
    tacho_run_release(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_names_extensions_and_functions),
        cmocka_unit_test(an_empty_run_is_no_accident),
        cmocka_unit_test(a_run_may_lack_any_part),
        cmocka_unit_test(damaged_runs_are_rendered_or_refused),
        cmocka_unit_test(names_of_any_bytes_stay_inside_their_format),
        cmocka_unit_test(a_profile_that_is_not_there_is_named_in_the_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
