// What this program records comes out of its own ring file: spans, statistics, metrics, events,
// losses.
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "observe/collect.h"
#include "link/ring_link.h"
#include "tacho/tacho.h"

#define check(call)                                                                                \
    do {                                                                                           \
        struct tacho_fail *fail_ = &fixture->fail;                                                 \
        if ((call) < 0)                                                                            \
            fail_msg("%s", fail_->text);                                                           \
    } while (0)

struct fixture {
    struct tacho_ring_link link;
    struct tacho_ring_reader *reader;
    struct collect collect;
    struct tacho_fail fail;
};

static int open_own(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    collect_init(&fixture->collect);
    if (tacho_start(&(struct tacho_config){.mode = TACHO_MODE_DETAILED, .ring_bytes = 65536}) < 0)
        return -1;
    return tacho_ring_link_open(&fixture->link, tacho_ring_path(), &fixture->fail) < 0 ||
           tacho_ring_reader_open(&fixture->reader, &fixture->link.input, &fixture->fail) < 0;
}

static int close_own(void **state)
{
    struct fixture *fixture = *state;
    tacho_stop();
    tacho_ring_reader_free(fixture->reader);
    tacho_ring_link_close(&fixture->link);
    collect_release(&fixture->collect);
    free(fixture);
    return 0;
}

static void take_clock(struct fixture *fixture)
{
    uint64_t ticks;
    int64_t host_ns;
    tacho_ring_clock_now(&ticks, &host_ns);
    tacho_ring_reader_clock_point(fixture->reader, ticks, host_ns);
}

static void drain(struct fixture *fixture)
{
    take_clock(fixture);
    check(tacho_ring_reader_drain(fixture->reader, &fixture->collect.sink, &fixture->fail));
}

static void finish(struct fixture *fixture)
{
    take_clock(fixture);
    check(tacho_ring_reader_finish(fixture->reader, &fixture->collect.sink, &fixture->fail));
}

// A file that is found in its program's first millisecond: spans in a wrong unit were worse than
// none.
static void nothing_is_said_before_the_rate_of_the_clock_is_known(void **state)
{
    struct fixture *fixture = *state;
    struct tacho_buffer copy = {0};
    struct tacho_ring_memory memory;
    struct tacho_ring_reader *reader;
    {
        TACHO_ZONE("early");
    }
    check(tacho_file_read(tacho_ring_path(), &copy, 0, &fixture->fail));
    struct tacho_ring_header *header = (struct tacho_ring_header *)(void *)copy.data;
    header->last = header->first;
    check(tacho_ring_reader_open(&reader, tacho_ring_memory_init(&memory, copy.data, copy.size),
                                 &fixture->fail));
    check(tacho_ring_reader_drain(reader, &fixture->collect.sink, &fixture->fail));
    check(tacho_ring_reader_statistics(reader, &fixture->collect.sink, &fixture->fail));
    assert_int_equal(fixture->collect.records, 0);
    tacho_ring_reader_clock_point(reader, header->first.ticks + 2500000,
                                  header->first.host_ns + 1000000);
    check(tacho_ring_reader_drain(reader, &fixture->collect.sink, &fixture->fail));
    assert_true(fixture->collect.hz > 2.499e9 && fixture->collect.hz < 2.501e9);
    assert_true(collect_spans(&fixture->collect, "early", TACHO_SPAN_OK) > 0);
    tacho_ring_reader_free(reader);
    tacho_buffer_release(&copy);
}

static void nested_spans_have_total_and_self_time(void **state)
{
    struct fixture *fixture = *state;
    drain(fixture); // what earlier tests left
    for (int i = 0; i < 3; i++) {
        TACHO_ZONE("outside");
        usleep(2000);
        TACHO_ZONE_BEGIN(in, "inside");
        usleep(4000);
        if (i == 1)
            TACHO_ZONE_FAIL;
        TACHO_ZONE_END(in);
    }
    drain(fixture);
    struct collect *collect = &fixture->collect;
    assert_int_equal(collect_spans(collect, "outside", TACHO_SPAN_OK), 3);
    assert_int_equal(collect_spans(collect, "inside", TACHO_SPAN_OK), 2);
    assert_int_equal(collect_spans(collect, "inside", TACHO_SPAN_ERROR), 1);
    assert_true(collect->hz > 1e6);
    uint32_t outside = collect_zone(collect, "outside"), inside = collect_zone(collect, "inside");
    int64_t inner = 0;
    for (size_t i = 0; i < collect->spans.count; i++) {
        const struct tacho_span *span = &collect->spans.items[i].span;
        if (span->zone == inside) {
            inner = span->duration_ticks;
            assert_int_equal(span->depth, 1);
            assert_int_equal(span->self_ticks, inner);
            assert_true((double)inner / collect->hz >= 0.0039);
        } else if (span->zone == outside) {
            assert_int_equal(span->depth, 0);
            assert_int_equal(span->self_ticks, span->duration_ticks - inner);
        }
    }
}

static void statistics_agree_with_the_spans(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 500; i++) {
        TACHO_ZONE("both");
        if (i % 5 == 0)
            TACHO_ZONE_FAIL;
    }
    finish(fixture);
    struct tacho_zone_stats stats = collect_stats(&fixture->collect, "both");
    int64_t total = 0;
    uint32_t zone = collect_zone(&fixture->collect, "both");
    for (size_t i = 0; i < fixture->collect.spans.count; i++)
        if (fixture->collect.spans.items[i].span.zone == zone)
            total += fixture->collect.spans.items[i].span.duration_ticks;
    assert_int_equal(stats.count, 500);
    assert_int_equal(stats.errors, 100);
    assert_true(fabs((double)total * 1e9 / fixture->collect.hz - (double)stats.total_ns) <
                0.01 * (double)stats.total_ns + 2);
    assert_int_equal(stats.self_ns, stats.total_ns);
    assert_true(stats.min_ns <= stats.max_ns);
}

static void deep(int levels)
{
    TACHO_ZONE("recursive");
    if (levels > 1)
        deep(levels - 1);
    else
        usleep(3000);
}

static void recursion_is_not_counted_twice(void **state)
{
    struct fixture *fixture = *state;
    deep(10);
    finish(fixture);
    struct tacho_zone_stats stats = collect_stats(&fixture->collect, "recursive");
    assert_int_equal(stats.count, 10);
    assert_true(stats.total_ns >= 2900000);
    assert_int_equal(stats.total_ns, stats.max_ns);
    // Each level's self time is what it spent itself, so together they are the whole.
    assert_true(fabs((double)stats.self_ns - (double)stats.total_ns) < 20);
}

TACHO_COUNTER(orders, "orders", "count");
TACHO_GAUGE(level, "level", "bytes");
TACHO_GAUGE_DOUBLE(ratio, "hit ratio", "ratio");
TACHO_HISTOGRAM(sizes, "sizes", "bytes");

static void metrics_have_their_values(void **state)
{
    struct fixture *fixture = *state;
    tacho_counter_add(&orders, 5);
    tacho_counter_add(&orders, -2);
    tacho_gauge_set(&level, 10);
    tacho_gauge_set(&level, -7);
    tacho_gauge_set_double(&ratio, 0.25);
    for (unsigned i = 1; i <= 200; i++)
        tacho_histogram_add(&sizes, i * 100);
    drain(fixture);
    const struct collect *collect = &fixture->collect;
    assert_true(collect_value(collect, "orders") == 3);
    assert_true(collect_value(collect, "level") == -7);
    assert_true(collect_value(collect, "hit ratio") == 0.25);
    assert_true(collect_value(collect, "sizes count") == 200);
    assert_true(collect_value(collect, "sizes mean") == 10050);
    assert_true(fabs(collect_value(collect, "sizes p50") - 10000) < 10000 * 0.016 + 1);
    assert_true(fabs(collect_value(collect, "sizes p99") - 19800) < 19800 * 0.016 + 1);
    assert_true(collect_value(collect, "sizes max") == 20000);
}

static void events_keep_their_instant_and_value(void **state)
{
    struct fixture *fixture = *state;
    drain(fixture);
    size_t before = fixture->collect.events.count;
    for (int i = 0; i < 3; i++) {
        TACHO_ZONE("around");
        tacho_event("flushed", -i);
    }
    drain(fixture);
    const struct collect *collect = &fixture->collect;
    assert_int_equal(collect->events.count - before, 3);
    for (size_t i = before; i < collect->events.count; i++) {
        assert_string_equal(collect->events.items[i].name, "flushed");
        assert_true(collect->events.items[i].value == -(double)(i - before));
        if (i > before)
            assert_true(collect->events.items[i].time > collect->events.items[i - 1].time);
    }
    assert_true(collect_value(collect, "flushed") >= 3);
}

static void overwritten_spans_are_counted_and_the_newest_kept(void **state)
{
    struct fixture *fixture = *state;
    drain(fixture);
    size_t before = fixture->collect.spans.count;
    uint64_t lost = tacho_ring_reader_lost(fixture->reader);
    for (int i = 0; i < 10000; i++) {
        TACHO_ZONE("many");
    }
    drain(fixture);
    // The ring of this thread has 4,096 records.
    size_t kept = fixture->collect.spans.count - before;
    assert_int_equal(kept, 4096);
    assert_int_equal(tacho_ring_reader_lost(fixture->reader) - lost, 10000 - 4096);
    finish(fixture);
    assert_true(fixture->collect.lost >= 10000 - 4096);
}

static void an_open_zone_is_seen_while_it_is_open(void **state)
{
    struct fixture *fixture = *state;
    TACHO_ZONE("open outside");
    TACHO_ZONE_BEGIN(open, "open inside");
    finish(fixture);
    assert_int_equal(collect_spans(&fixture->collect, "open outside", TACHO_SPAN_OPEN), 1);
    assert_int_equal(collect_spans(&fixture->collect, "open inside", TACHO_SPAN_OPEN), 1);
    TACHO_ZONE_END(open);
}

struct seen {
    uint32_t zone, count;
};

static void see(void *context, const struct tacho_ring_open_zones *open)
{
    struct seen *seen = context;
    if (open->tid == (uint32_t)getpid() && open->count > 0)
        *seen = (struct seen){open->zones[open->count - 1], open->count};
}

static void an_observer_samples_the_open_zone(void **state)
{
    struct fixture *fixture = *state;
    struct seen seen = {0, 0};
    TACHO_ZONE("sampled");
    drain(fixture);
    check(tacho_ring_reader_open_zones(fixture->reader, see, &seen, &fixture->fail));
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.zone, collect_zone(&fixture->collect, "sampled"));
}

static void *short_life(void *unused)
{
    (void)unused;
    TACHO_ZONE("of a thread");
    tacho_counter_add(&orders, 1000);
    return NULL;
}

static void threads_that_ended_are_still_counted(void **state)
{
    struct fixture *fixture = *state;
    drain(fixture);
    double before = collect_value(&fixture->collect, "orders");
    for (int i = 0; i < 200; i++) { // more than there are fresh slots
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, short_life, NULL), 0);
        pthread_join(thread, NULL);
        if (i % 20 == 0)
            drain(fixture);
    }
    finish(fixture);
    double after = collect_value(&fixture->collect, "orders");
    assert_true(after - (isnan(before) ? 0 : before) == 200000);
    assert_int_equal(collect_stats(&fixture->collect, "of a thread").count, 200);
    assert_int_equal(collect_spans(&fixture->collect, "of a thread", TACHO_SPAN_OK), 200);
}

enum { STRESS_SPANS = 400000 };

static void *record_without_end(void *done)
{
    for (int i = 0; i < STRESS_SPANS; i++) {
        TACHO_ZONE("stress");
    }
    __atomic_store_n((int *)done, 1, __ATOMIC_RELEASE);
    return NULL;
}

// The reader copies while the writer overwrites: what it hands on must be whole, in order, and
// together with what it counts as lost be all there was.
static void what_is_overwritten_while_it_is_read_is_discarded(void **state)
{
    struct fixture *fixture = *state;
    pthread_t thread;
    int done = 0;
    drain(fixture);
    size_t before = fixture->collect.spans.count;
    uint64_t lost = tacho_ring_reader_lost(fixture->reader);
    assert_int_equal(pthread_create(&thread, NULL, record_without_end, &done), 0);
    while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE))
        check(tacho_ring_reader_drain(fixture->reader, &fixture->collect.sink, &fixture->fail));
    pthread_join(thread, NULL);
    drain(fixture);
    const struct collect *collect = &fixture->collect;
    uint32_t zone = collect_zone(collect, "stress");
    int64_t end = 0;
    for (size_t i = before; i < collect->spans.count; i++) {
        const struct tacho_record *span = &collect->spans.items[i];
        assert_int_equal(span->span.zone, zone);
        assert_int_equal(span->span.depth, 0);
        assert_true(span->time >= end);
        end = span->time + span->span.duration_ticks;
    }
    assert_int_equal(collect->spans.count - before + tacho_ring_reader_lost(fixture->reader) - lost,
                     STRESS_SPANS);
}

static void record_numbered(int count)
{
    for (int i = 0; i < count; i++) {
        TACHO_ZONE("numbered");
    }
}

// An input that is overtaken: between the reader's look at the head and its copy of the records the
// program records on.
struct overtaken {
    struct tacho_ring_input input;
    struct tacho_ring_input *inner;
    int records; // still to be made
};

static int read_overtaken(struct tacho_ring_input *input, uint64_t offset, void *to, size_t size)
{
    struct overtaken *overtaken = (void *)input;
    if (size >= 8192) { // nothing but records is read in such pieces
        record_numbered(overtaken->records);
        overtaken->records = 0;
    }
    return overtaken->inner->read(overtaken->inner, offset, to, size);
}

static void a_reader_that_is_overtaken_hands_on_nothing_twice(void **state)
{
    struct fixture *fixture = *state;
    struct overtaken overtaken = {{read_overtaken}, &fixture->link.input, 1000};
    struct tacho_ring_reader *reader;
    struct collect collect;
    record_numbered(8192); // the ring is full, and its first record is a whole lap old
    collect_init(&collect);
    check(tacho_ring_reader_open(&reader, &overtaken.input, &fixture->fail));
    check(tacho_ring_reader_drain(reader, &collect.sink, &fixture->fail));
    assert_int_equal(overtaken.records, 0);
    check(tacho_ring_reader_drain(reader, &collect.sink, &fixture->fail));
    uint32_t thread = 0, zone = collect_zone(&collect, "numbered");
    int64_t end = 0;
    size_t count = 0;
    for (size_t i = 0; i < collect.spans.count; i++) {
        const struct tacho_record *span = &collect.spans.items[i];
        if (span->span.zone != zone)
            continue;
        assert_true(thread == 0 || span->span.thread == thread);
        assert_true(span->time >= end);
        end = span->time + span->span.duration_ticks;
        thread = span->span.thread;
        count++;
    }
    assert_int_equal(count, 4096); // 3,096 that were left, then the 1,000
    tacho_ring_reader_free(reader);
    collect_release(&collect);
}

static void an_observer_switches_the_program(void **state)
{
    struct fixture *fixture = *state;
    check(tacho_ring_link_mode_set(&fixture->link, 0, 0, &fixture->fail));
    drain(fixture);
    size_t before = fixture->collect.spans.count;
    for (int i = 0; i < 5; i++) {
        TACHO_ZONE("switched");
    }
    drain(fixture);
    assert_int_equal(fixture->collect.spans.count, before);
    check(tacho_ring_link_mode_set(&fixture->link, TACHO_MODE_TRACE, 0, &fixture->fail));
    for (int i = 0; i < 5; i++) {
        TACHO_ZONE("switched");
    }
    drain(fixture);
    assert_int_equal(fixture->collect.spans.count, before + 5);
    assert_true(tacho_ring_is_alive(tacho_ring_reader_identity(fixture->reader)));
    assert_true(tacho_ring_is_this_boot(tacho_ring_reader_identity(fixture->reader)));
}

static void sampling_counts_all_and_times_some(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(
        tacho_start(&(struct tacho_config){.mode = TACHO_MODE_STATISTICS, .sample_one_in = 10}), 0);
    for (int i = 0; i < 20000; i++) {
        TACHO_ZONE("one in ten");
        if (i % 100 == 0)
            TACHO_ZONE_FAIL;
    }
    finish(fixture);
    struct tacho_zone_stats stats = collect_stats(&fixture->collect, "one in ten");
    assert_int_equal(stats.count, 20000);
    assert_int_equal(stats.errors, 200);
    // 2,000 timed on average, standard deviation of the gaps about 5: 5 sigma is 260.
    assert_in_range(stats.sampled_one_in, 9, 11);
    assert_in_range(fixture->collect.bucket_sum, 1, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ON_OWN(test) cmocka_unit_test_setup_teardown(test, open_own, close_own)
        ON_OWN(nothing_is_said_before_the_rate_of_the_clock_is_known),
        ON_OWN(nested_spans_have_total_and_self_time),
        ON_OWN(statistics_agree_with_the_spans),
        ON_OWN(recursion_is_not_counted_twice),
        ON_OWN(metrics_have_their_values),
        ON_OWN(events_keep_their_instant_and_value),
        ON_OWN(overwritten_spans_are_counted_and_the_newest_kept),
        ON_OWN(an_open_zone_is_seen_while_it_is_open),
        ON_OWN(an_observer_samples_the_open_zone),
        ON_OWN(threads_that_ended_are_still_counted),
        ON_OWN(what_is_overwritten_while_it_is_read_is_discarded),
        ON_OWN(a_reader_that_is_overtaken_hands_on_nothing_twice),
        ON_OWN(an_observer_switches_the_program),
        ON_OWN(sampling_counts_all_and_times_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
