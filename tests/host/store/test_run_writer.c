// What a writer stored reads back the same: at once, in increments, sealed, finished.
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/time.h"
#include "sample_run.h"
#include "store/run_reader.h"
#include "store/run_writer.h"

struct fixture {
    char folder[64], path[96];
    struct tacho_store *store;
    struct tacho_run_writer *writer;
    struct sample_ids ids;
};

static const struct tacho_run_info info = {
    .name = "nightly", .target = "exec:sh", .command = "sh -c \"a b\"", .version = "0.1.0"};

static struct tacho_fail failure;
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, failure.text);                                               \
    } while (0)

static int set_up(void **state)
{
    static struct fixture fixture;
    *state = &fixture;
    sample_folder_make(fixture.folder);
    snprintf(fixture.path, sizeof fixture.path, "%s/a/store.db", fixture.folder);
    assert_ok(tacho_store_open(&fixture.store, fixture.path, TACHO_STORE_WRITE, &failure));
    assert_ok(tacho_run_writer_open(&fixture.writer, fixture.store, &info, &failure));
    sample_begin(&fixture.ids, &fixture.writer->sink, fixture.writer->run.info.start_host_ns);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tacho_run_writer_close(fixture->writer);
    tacho_store_close(fixture->store);
    sample_folder_remove(fixture->folder);
    return 0;
}

// Reads the newest run through a connection of its own and compares it with the writer's.
static void assert_stored(struct fixture *fixture)
{
    struct tacho_run back;
    assert_ok(tacho_run_read_named(fixture->path, "last", NULL, &back, &failure));
    back.info.duration_ns = fixture->writer->run.info.duration_ns;
    sample_assert_equal(&fixture->writer->run, &back);
    tacho_run_release(&back);
}

static void a_finished_run_reads_back_the_same(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 300; i++)
        sample_round(&fixture->ids, &fixture->writer->sink);
    sample_symbolise(&fixture->writer->run);
    fixture->writer->run.info.has_exit = true;
    fixture->writer->run.info.exit_status = 3 << 8;
    assert_ok(tacho_run_writer_finish(fixture->writer, &failure));
    struct tacho_run back;
    assert_ok(tacho_run_read_named(fixture->path, "nightly", NULL, &back, &failure));
    assert_true(back.info.finished);
    assert_true(back.info.duration_ns > 0);
    assert_int_equal(back.info.exit_status, 3 << 8);
    sample_assert_equal(&fixture->writer->run, &back);
    tacho_run_release(&back);
    assert_ok(tacho_store_check(fixture->store, &failure));
}

static void what_was_closed_stays_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    tacho_run_writer_memory_max(fixture->writer, 0);
    for (int i = 0; i < 20000; i++)
        sample_round(&fixture->ids, &fixture->writer->sink);
    fixture->writer->run.info.duration_ns = 12345; // set before the end, and flushed in between
    assert_ok(tacho_run_writer_flush(fixture->writer, &failure));
    assert_ok(tacho_run_writer_finish(fixture->writer, &failure));
    struct tacho_run before, after;
    assert_ok(tacho_run_read_named(fixture->path, "last", NULL, &before, &failure));
    assert_int_equal(before.info.duration_ns, 12345);
    assert_int_equal(before.series.items[0].count, 20000);
    assert_ok(tacho_run_writer_flush(fixture->writer, &failure));
    assert_ok(tacho_run_writer_finish(fixture->writer, &failure));
    assert_ok(tacho_run_read_named(fixture->path, "last", NULL, &after, &failure));
    sample_assert_equal(&before, &after);
    tacho_run_release(&before);
    tacho_run_release(&after);
}

static void every_flush_stores_all_there_is(void **state)
{
    struct fixture *fixture = *state;
    // 150 flushes cross two seals; new series, threads and profiles come in between.
    for (int i = 0; i < 150; i++) {
        for (int j = 0; j < i % 5; j++)
            sample_round(&fixture->ids, &fixture->writer->sink);
        if (i % 40 == 39) {
            struct sample_ids more;
            sample_begin(&more, &fixture->writer->sink, fixture->ids.start_ns);
            uint32_t id;
            assert_ok(tacho_sink_metric(&fixture->writer->sink, "threads", i % 80 == 39 ? "a" : "b",
                                        &id, &failure));
            assert_ok(tacho_sink_sample(&fixture->writer->sink, id, fixture->ids.start_ns + i, i,
                                        &failure));
        }
        assert_ok(tacho_run_writer_flush(fixture->writer, &failure));
        if (i % 7 == 0 || i > 140)
            assert_stored(fixture);
    }
    sample_symbolise(&fixture->writer->run);
    assert_ok(tacho_run_writer_finish(fixture->writer, &failure));
    assert_stored(fixture);
    assert_ok(tacho_store_check(fixture->store, &failure));
}

static void full_chunks_and_increments_join(void **state)
{
    struct fixture *fixture = *state;
    // Series of 8192 and tables of 16384 rows fill chunks while older rows are still in increments.
    for (int i = 0; i < 9; i++) {
        for (int j = 0; j < 2500; j++)
            sample_round(&fixture->ids, &fixture->writer->sink);
        assert_ok(tacho_run_writer_flush(fixture->writer, &failure));
        assert_stored(fixture);
    }
    assert_true(fixture->writer->run.series.items[0].count > 2 * 8192);
    assert_ok(tacho_run_writer_finish(fixture->writer, &failure));
    assert_stored(fixture);
}

static void a_reader_sees_a_run_that_is_being_written(void **state)
{
    struct fixture *fixture = *state;
    sample_round(&fixture->ids, &fixture->writer->sink);
    assert_ok(tacho_run_writer_flush(fixture->writer, &failure));
    struct tacho_store_list list = {0};
    struct tacho_store *reader;
    assert_ok(tacho_store_open(&reader, fixture->path, TACHO_STORE_READ, &failure));
    assert_ok(tacho_store_list(reader, &list, &failure));
    assert_int_equal(list.runs.count, 1);
    assert_true(list.runs.items[0].is_live);
    assert_false(list.runs.items[0].info.finished);
    assert_true(list.runs.items[0].stored_bytes > 0);
    tacho_store_list_release(&list);
    tacho_store_close(reader);
    // Nobody may remove it meanwhile.
    assert_int_equal(tacho_store_remove(fixture->store, 1, &failure), TACHO_ERR_BUSY);
}

static void a_rename_while_writing_stays(void **state)
{
    struct fixture *fixture = *state;
    struct tacho_store *other;
    assert_ok(tacho_run_writer_flush(fixture->writer, &failure));
    assert_ok(tacho_store_open(&other, fixture->path, TACHO_STORE_WRITE, &failure));
    assert_ok(tacho_store_rename(other, 1, "better", &failure));
    tacho_store_close(other);
    assert_ok(tacho_run_writer_finish(fixture->writer, &failure));
    struct tacho_run back;
    assert_ok(tacho_run_read_named(fixture->path, "better", NULL, &back, &failure));
    tacho_run_release(&back);
}

static void long_series_are_reduced_on_request(void **state)
{
    struct fixture *fixture = *state;
    struct tacho_sink *sink = &fixture->writer->sink;
    uint32_t id;
    assert_ok(tacho_sink_metric(sink, "threads", "run", &id, &failure));
    const int count = 100000;
    for (int i = 0; i < count; i++)
        assert_ok(tacho_sink_sample(sink, id, fixture->ids.start_ns + i * TACHO_NS_PER_S,
                                    i == 5000 ? 1e6 : i % 10, &failure));
    assert_ok(tacho_run_writer_finish(fixture->writer, &failure));
    static const size_t limits[] = {3, 10, 1000, 50000};
    for (size_t limit = 0; limit < sizeof limits / sizeof *limits; limit++) {
        struct tacho_run back;
        const struct tacho_run_read_options options = {.points_max = limits[limit]};
        assert_ok(tacho_run_read_named(fixture->path, "last", &options, &back, &failure));
        const struct tacho_run_series *series = tacho_run_series_find(&back, "threads", "run");
        assert_true(series->reduced);
        assert_in_range(series->count, limits[limit] / 4 + 1, limits[limit]);
        double low = INFINITY, high = -INFINITY, mean = 0;
        for (size_t i = 0; i < series->count; i++) {
            low = fmin(low, series->low[i]);
            high = fmax(high, series->high[i]);
            mean += series->value[i] / (double)series->count;
            assert_true(series->low[i] <= series->value[i] && series->value[i] <= series->high[i]);
            assert_true(i == 0 || series->time_ns[i] > series->time_ns[i - 1]);
        }
        assert_true(low == 0 && high == 1e6);
        assert_true(mean > 4 && mean < 50);
        // A short series beside it is left as it is.
        assert_false(back.series.items[0].reduced);
        tacho_run_release(&back);
    }
}

static void one_series_is_read_in_a_range(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 20000; i++)
        sample_round(&fixture->ids, &fixture->writer->sink);
    assert_ok(tacho_run_writer_flush(fixture->writer, &failure));
    for (int i = 0; i < 100; i++)
        sample_round(&fixture->ids, &fixture->writer->sink);
    assert_ok(tacho_run_writer_flush(fixture->writer, &failure));
    // The second metric has its times from the first; the range reaches into an increment.
    const struct tacho_run_series *all = &fixture->writer->run.series.items[1];
    static const int64_t ranges[][2] = {{0, 5},         {1000, 1001},   {8000, 17000},
                                        {19990, 20050}, {20090, 30000}, {40000, 50000}};
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        struct tacho_run back;
        assert_ok(tacho_run_read_series(fixture->store, 1, "cpu_ratio_core", "run",
                                        ranges[r][0] * 1000000, ranges[r][1] * 1000000, &back,
                                        &failure));
        const struct tacho_run_series *part = &back.series.items[1];
        size_t at = 0;
        for (size_t i = 0; i < all->count; i++) {
            if (all->time_ns[i] < ranges[r][0] * 1000000 ||
                all->time_ns[i] >= ranges[r][1] * 1000000)
                continue;
            assert_true(at < part->count);
            assert_int_equal(part->time_ns[at], all->time_ns[i]);
            assert_true(part->value[at] == all->value[i]);
            at++;
        }
        assert_int_equal(at, part->count);
        assert_int_equal(back.series.items[0].count, 0);
        tacho_run_release(&back);
    }
    struct tacho_run none;
    assert_int_equal(
        tacho_run_read_series(fixture->store, 1, "nothing", "run", 0, 1, &none, &failure),
        TACHO_ERR_NOT_FOUND);
    tacho_run_release(&none);
}

// Noise of many series fills more than one increment in one flush; each has to stand for itself.
static void one_flush_may_need_many_increments(void **state)
{
    struct fixture *fixture = *state;
    struct tacho_sink *sink = &fixture->writer->sink;
    uint32_t ids[80];
    char subject[32];
    for (unsigned i = 0; i < 80; i++) {
        snprintf(subject, sizeof subject, "process %u", i);
        assert_ok(tacho_sink_metric(sink, "cpu_ratio_core", subject, &ids[i], &failure));
    }
    for (int j = 0; j < 4000; j++)
        for (unsigned i = 0; i < 80; i++) {
            double noise = (double)(sample_random(&fixture->ids.random) << 30 ^
                                    sample_random(&fixture->ids.random)) /
                           997;
            assert_ok(tacho_sink_sample(sink, ids[i], fixture->ids.start_ns + j, noise, &failure));
        }
    assert_ok(tacho_run_writer_flush(fixture->writer, &failure));
    assert_stored(fixture);
}

// The same rounds in memory, to compare with.
static struct tacho_run_writer *remember(const struct fixture *fixture, unsigned rounds)
{
    struct tacho_run_writer *writer;
    struct sample_ids ids;
    const struct tacho_run_info same = {.start_host_ns = fixture->ids.start_ns};
    assert_ok(tacho_run_writer_open(&writer, NULL, &same, &failure));
    sample_begin(&ids, &writer->sink, writer->run.info.start_host_ns);
    for (unsigned i = 0; i < rounds; i++)
        sample_round(&ids, &writer->sink);
    return writer;
}

static void a_long_run_takes_little_memory_and_is_whole_in_the_store(void **state)
{
    struct fixture *fixture = *state;
    const unsigned rounds = 40000;
    tacho_run_writer_memory_max(fixture->writer, 0);
    for (unsigned i = 0; i < rounds; i++) {
        sample_round(&fixture->ids, &fixture->writer->sink);
        if (i % 3000 == 2999) {
            assert_ok(tacho_run_writer_flush(fixture->writer, &failure));
            assert_in_range(fixture->writer->run.series.items[0].count, 0, 8191);
            assert_in_range(fixture->writer->run.spans.count, 0, 16383);
            assert_in_range(fixture->writer->run.profiles.items[0].samples.count, 0, 16383);
        }
    }
    assert_ok(tacho_run_writer_finish(fixture->writer, &failure));
    // What the writer has now is the run for the report: long tables reduced, sums exact.
    assert_true(fixture->writer->run.series.items[0].reduced);
    assert_int_equal(fixture->writer->run.spans.count, 2 * rounds);
    struct tacho_run back;
    assert_ok(tacho_run_read_named(fixture->path, "last", NULL, &back, &failure));
    struct tacho_run_writer *expected = remember(fixture, rounds);
    expected->run.info = back.info;
    sample_assert_equal(&expected->run, &back);
    tacho_run_writer_close(expected);
    tacho_run_release(&back);
    assert_ok(tacho_store_check(fixture->store, &failure));
}

static void long_profiles_and_traces_are_reduced_on_request(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < 30000; i++)
        sample_round(&fixture->ids, &fixture->writer->sink);
    const struct tacho_run *whole = &fixture->writer->run;
    assert_ok(tacho_run_writer_finish(fixture->writer, &failure));
    const struct tacho_run_read_options options = {.stacks_max = 10000, .spans_max = 20000};
    struct tacho_run back;
    assert_ok(tacho_run_read_named(fixture->path, "last", &options, &back, &failure));
    for (size_t i = 0; i < 2; i++) {
        int64_t sums[2] = {0}, *by_node[2];
        const struct tacho_run_profile *profiles[2] = {&whole->profiles.items[i],
                                                       &back.profiles.items[i]};
        assert_true(profiles[1]->samples.count < profiles[0]->samples.count);
        for (int k = 0; k < 2; k++) {
            by_node[k] = calloc(whole->nodes.count, sizeof(int64_t));
            for (size_t j = 0; j < profiles[k]->samples.count; j++) {
                sums[k] += profiles[k]->samples.items[j].weight;
                by_node[k][profiles[k]->samples.items[j].node] +=
                    profiles[k]->samples.items[j].weight;
            }
        }
        assert_int_equal(sums[0], sums[1]);
        assert_memory_equal(by_node[0], by_node[1], whole->nodes.count * sizeof(int64_t));
        free(by_node[0]);
        free(by_node[1]);
    }
    assert_in_range(back.spans.count, 20000, 20000 + 16384);
    assert_memory_equal(&back.spans.items[back.spans.count - 1],
                        &whole->spans.items[whole->spans.count - 1],
                        offsetof(struct tacho_run_span, status) + 1);
    tacho_run_release(&back);
}

static void a_writer_without_a_store_keeps_the_run_in_memory(void **state)
{
    (void)state;
    struct tacho_run_writer *writer;
    struct sample_ids ids;
    assert_ok(tacho_run_writer_open(&writer, NULL, &info, &failure));
    sample_begin(&ids, &writer->sink, writer->run.info.start_host_ns);
    sample_round(&ids, &writer->sink);
    assert_ok(tacho_run_writer_finish(writer, &failure));
    assert_true(writer->run.info.finished);
    assert_int_equal(writer->run.series.items[0].count, 1);
    assert_null(tacho_run_writer_failure(writer));
    tacho_run_writer_close(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_finished_run_reads_back_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_closed_stays_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_flush_stores_all_there_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_chunks_and_increments_join, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reader_sees_a_run_that_is_being_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_rename_while_writing_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_series_are_reduced_on_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_series_is_read_in_a_range, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_flush_may_need_many_increments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_run_takes_little_memory_and_is_whole_in_the_store,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_profiles_and_traces_are_reduced_on_request, set_up,
                                        tear_down),
        cmocka_unit_test(a_writer_without_a_store_keeps_the_run_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
