// Makes, symbolises and compares the runs of the tests of the store; see sample_run.h.
#include "sample_run.h"

#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

uint64_t sample_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static void put(struct tacho_sink *sink, const struct tacho_record *record)
{
    struct tacho_fail fail = {0};
    if (tacho_sink_put(sink, record, &fail) < 0)
        fail_msg("a record was refused: %s", fail.text);
}

static void put_descriptions(struct sample_ids *ids, struct tacho_sink *sink)
{
    static const char *const names[] = {"rss_bytes", "cpu_ratio_core", "page_faults_minor",
                                        "temperature_celsius"};
    for (unsigned i = 0; i < 4; i++)
        put(sink, &(struct tacho_record){
                      .kind = TACHO_RECORD_METRIC,
                      .flags = i == 3 ? TACHO_FLAG_SIMULATED : 0,
                      .metric = {.id = ids->metrics[i] = tacho_record_id_new(),
                                 .name = names[i],
                                 .subject = i == 2 ? "process 7 sh" : "run",
                                 .unit = i == 1 ? "ratio" : "bytes",
                                 .help = i == 0 ? "resident memory" : NULL,
                                 .kind = i == 2 ? TACHO_METRIC_COUNTER : TACHO_METRIC_GAUGE,
                                 .direction = TACHO_DIRECTION_LOWER}});
    for (unsigned i = 0; i < 2; i++) {
        put(sink, &(struct tacho_record){.kind = TACHO_RECORD_THREAD,
                                         .thread = {.id = ids->threads[i] = tacho_record_id_new(),
                                                    .pid = 7,
                                                    .tid = 7 + i,
                                                    .parent_pid = 1,
                                                    .name = i ? "worker" : "main",
                                                    .command = "sh -c \"a b\"",
                                                    .start_ns = ids->start_ns + 5 + i}});
        put(sink, &(struct tacho_record){.kind = TACHO_RECORD_ZONE,
                                         .zone = {.id = ids->zones[i] = tacho_record_id_new(),
                                                  .name = i ? "parse" : "serve",
                                                  .file = "main.c",
                                                  .line = 10 + i}});
        put(sink, &(struct tacho_record){.kind = TACHO_RECORD_PROFILE,
                                         .profile = {.id = ids->profiles[i] = tacho_record_id_new(),
                                                     .name = i ? "off-cpu" : "cpu",
                                                     .unit = "nanoseconds",
                                                     .sampler = "perf cpu-clock",
                                                     .period = 1001001,
                                                     .rate_hz = NAN}});
    }
}

static void put_surroundings(struct sample_ids *ids, struct tacho_sink *sink)
{
    ids->clock = tacho_record_id_new();
    put(sink,
        &(struct tacho_record){
            .kind = TACHO_RECORD_CLOCK,
            .clock_info = {.id = ids->clock, .name = "tsc", .hz = 2.1e9, .resolution_ns = 9}});
    for (int i = 0; i < 3; i++)
        put(sink, &(struct tacho_record){
                      .kind = TACHO_RECORD_CLOCK,
                      .time = 2100000000 * (int64_t)(i + 1),
                      .clock_info = {.id = ids->clock,
                                     .host_ns = ids->start_ns + 1000000000 * (int64_t)(i + 1)}});
    static const char *const facts[][2] = {{"host", "bench-1"}, {"kernel", "6.1.0 \xc3\xa9"}};
    for (unsigned i = 0; i < 2; i++)
        put(sink, &(struct tacho_record){.kind = TACHO_RECORD_ENVIRONMENT,
                                         .environment = {facts[i][0], facts[i][1]}});
    put(sink, &(struct tacho_record){.kind = TACHO_RECORD_NOTE,
                                     .note = {.kind = TACHO_NOTE_LOSS,
                                              .subject = "sampler",
                                              .text = "the ring was full",
                                              .value = 12}});
    put(sink, &(struct tacho_record){.kind = TACHO_RECORD_MAP,
                                     .map = {.pid = 7,
                                             .start = 0x400000,
                                             .end = 0x500000,
                                             .path = "/usr/bin/dash",
                                             .build_id = (const uint8_t *)"\x01\xab",
                                             .build_id_size = 2,
                                             .executable = true}});
}

void sample_begin(struct sample_ids *ids, struct tacho_sink *sink, int64_t start_ns)
{
    *ids = (struct sample_ids){.random = 42, .start_ns = start_ns};
    put_surroundings(ids, sink);
    put_descriptions(ids, sink);
}

static void put_stacks(struct sample_ids *ids, struct tacho_sink *sink, int64_t now)
{
    for (unsigned i = 0; i < 3; i++) {
        uint64_t addresses[6];
        for (unsigned j = 0; j < 6; j++)
            addresses[j] = 0x400000 + sample_random(&ids->random) % 16 * 16;
        addresses[0] = i == 2 ? UINT64_C(0xffffffff81000000) : addresses[0];
        put(sink, &(struct tacho_record){.kind = TACHO_RECORD_STACK,
                                         .time = now + i * 1000,
                                         .stack = {.profile = ids->profiles[i == 1],
                                                   .thread = ids->threads[i % 2],
                                                   .weight = 1001001 + i,
                                                   .pid = 7,
                                                   .count = 6,
                                                   .kernel_count = i == 2 ? 1 : 0,
                                                   .flags = i == 1 ? TACHO_STACK_TRUNCATED : 0,
                                                   .addresses = addresses}});
    }
}

static void put_zones(struct sample_ids *ids, struct tacho_sink *sink, int64_t now)
{
    struct tacho_histogram_bucket buckets[3] = {{5, ids->rounds + 1}, {90, 3}, {300, ids->rounds}};
    for (unsigned i = 0; i < 2; i++) {
        put(sink,
            &(struct tacho_record){
                .kind = TACHO_RECORD_SPAN,
                .time = now + i,
                .span = {.zone = ids->zones[i],
                         .thread = ids->threads[i],
                         .duration_ticks = 500 + (int64_t)(sample_random(&ids->random) % 1000),
                         .self_ticks = i ? 100 : -1,
                         .depth = (uint16_t)i,
                         .status = TACHO_SPAN_OK}});
        put(sink, &(struct tacho_record){.kind = TACHO_RECORD_ZONE_STATS,
                                         .zone_stats = {.zone = ids->zones[i],
                                                        .thread = ids->threads[i],
                                                        .count = ids->rounds + 1,
                                                        .errors = i,
                                                        .total_ns = UINT64_MAX - ids->rounds,
                                                        .self_ns = 12,
                                                        .min_ns = 500,
                                                        .max_ns = 1500,
                                                        .last_ns = 700,
                                                        .sub_bucket_bits = 7,
                                                        .bucket_count = i ? 3 : 0,
                                                        .buckets = buckets,
                                                        .sampled_one_in = 1}});
    }
}

void sample_round(struct sample_ids *ids, struct tacho_sink *sink)
{
    int64_t now = ids->start_ns + 1000000 * (int64_t)ids->rounds;
    double values[4] = {4096.0 * (double)(1000 + sample_random(&ids->random) % 50),
                        (double)(sample_random(&ids->random) % 1000) / 997,
                        (double)(ids->rounds * 17),
                        ids->rounds % 5 ? 20.5 + (double)(ids->rounds % 7) / 10 : NAN};
    for (unsigned i = 0; i < 4; i++)
        if (i != 2 || ids->rounds % 3 == 0) // this one has other times than the rest
            put(sink, &(struct tacho_record){.kind = TACHO_RECORD_SAMPLE,
                                             .time = now,
                                             .sample = {ids->metrics[i], values[i]}});
    put_stacks(ids, sink, now);
    put_zones(ids, sink, now);
    char text[32];
    snprintf(text, sizeof text, "round %d", (int)(ids->rounds % 9));
    if (ids->rounds % 4 == 0)
        put(sink, &(struct tacho_record){.kind = TACHO_RECORD_EVENT,
                                         .time = now,
                                         .event = {.name = "round",
                                                   .text = text,
                                                   .thread = ids->rounds % 8 ? 0 : ids->threads[1],
                                                   .value = (double)ids->rounds}});
    ids->rounds++;
}

void sample_symbolise(struct tacho_run *run)
{
    size_t count = run->frames.count;
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "function_%zu", i);
        run->frames.items[i].function = tacho_strings_keep(&run->strings, name);
        run->frames.items[i].file = tacho_strings_keep(&run->strings, "/src/main.c");
        run->frames.items[i].line = (uint32_t)i + 1;
        run->frames.items[i].flags |= TACHO_FRAME_SYMBOLISED;
    }
    uint32_t outer = tacho_run_frame_add_named(run, "outer", "/src/main.c", 7, 0, 0);
    run->frames.items[0].caller = outer;
    run->frames.items[0].flags |= TACHO_FRAME_INLINED;
}

static void assert_double(double a, double b)
{
    if (isnan(a) && isnan(b))
        return;
    assert_memory_equal(&a, &b, sizeof a);
}

static void assert_info(const struct tacho_run_info *a, const struct tacho_run_info *b)
{
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->target, b->target);
    assert_string_equal(a->command, b->command);
    assert_string_equal(a->version, b->version);
    assert_int_equal(a->start_unix_ns, b->start_unix_ns);
    assert_int_equal(a->start_host_ns, b->start_host_ns);
    assert_int_equal(a->duration_ns, b->duration_ns);
    assert_int_equal(a->finished, b->finished);
    assert_int_equal(a->has_exit, b->has_exit);
    assert_int_equal(a->exit_status, b->exit_status);
}

static void assert_clocks(const struct tacho_run *a, const struct tacho_run *b)
{
    assert_int_equal(a->clocks.count, b->clocks.count);
    for (size_t i = 0; i < a->clocks.count; i++) {
        const struct tacho_run_clock *x = &a->clocks.items[i], *y = &b->clocks.items[i];
        assert_string_equal(x->name, y->name);
        assert_double(x->hz, y->hz);
        assert_double(x->resolution_ns, y->resolution_ns);
        assert_int_equal(x->wrap_bits, y->wrap_bits);
        assert_int_equal(x->clock.count, y->clock.count);
        assert_memory_equal(x->clock.points, y->clock.points,
                            x->clock.count * sizeof *x->clock.points);
        assert_double(x->clock.hz, y->clock.hz);
    }
}

static void assert_threads(const struct tacho_run *a, const struct tacho_run *b)
{
    assert_int_equal(a->threads.count, b->threads.count);
    for (size_t i = 0; i < a->threads.count; i++) {
        const struct tacho_run_thread *x = &a->threads.items[i], *y = &b->threads.items[i];
        assert_int_equal(x->pid, y->pid);
        assert_int_equal(x->tid, y->tid);
        assert_int_equal(x->parent_pid, y->parent_pid);
        assert_string_equal(x->name, y->name);
        assert_string_equal(x->command, y->command);
        assert_int_equal(x->start_ns, y->start_ns);
        assert_int_equal(x->end_ns, y->end_ns);
        assert_int_equal(x->has_exit, y->has_exit);
        assert_int_equal(x->exit_status, y->exit_status);
    }
}

static void assert_series(const struct tacho_run *a, const struct tacho_run *b)
{
    assert_int_equal(a->series.count, b->series.count);
    for (size_t i = 0; i < a->series.count; i++) {
        const struct tacho_run_series *x = &a->series.items[i], *y = &b->series.items[i];
        assert_string_equal(x->name, y->name);
        assert_string_equal(x->subject, y->subject);
        assert_string_equal(x->unit, y->unit);
        assert_string_equal(x->help, y->help);
        assert_int_equal(x->kind, y->kind);
        assert_int_equal(x->direction, y->direction);
        assert_int_equal(x->flags, y->flags);
        assert_int_equal(x->count, y->count);
        if (x->count)
            assert_memory_equal(x->time_ns, y->time_ns, x->count * sizeof *x->time_ns);
        for (size_t j = 0; j < x->count; j++)
            assert_double(x->value[j], y->value[j]);
    }
}

static void assert_zones(const struct tacho_run *a, const struct tacho_run *b)
{
    assert_int_equal(a->zones.count, b->zones.count);
    for (size_t i = 0; i < a->zones.count; i++) {
        assert_string_equal(a->zones.items[i].name, b->zones.items[i].name);
        assert_string_equal(a->zones.items[i].file, b->zones.items[i].file);
        assert_string_equal(a->zones.items[i].function, b->zones.items[i].function);
        assert_int_equal(a->zones.items[i].line, b->zones.items[i].line);
        assert_int_equal(a->zones.items[i].frame, b->zones.items[i].frame);
    }
    assert_int_equal(a->zone_stats.count, b->zone_stats.count);
    for (size_t i = 0; i < a->zone_stats.count; i++) {
        struct tacho_run_zone_stats x = a->zone_stats.items[i], y = b->zone_stats.items[i];
        assert_int_equal(x.bucket_count, y.bucket_count);
        for (uint32_t j = 0; j < x.bucket_count; j++) {
            assert_int_equal(x.buckets[j].bucket, y.buckets[j].bucket);
            assert_int_equal(x.buckets[j].count, y.buckets[j].count);
        }
        x.buckets = y.buckets = NULL;
        assert_memory_equal(&x, &y, offsetof(struct tacho_run_zone_stats, buckets));
    }
}

static void assert_lists(const struct tacho_run *a, const struct tacho_run *b)
{
    assert_int_equal(a->spans.count, b->spans.count);
    for (size_t i = 0; i < a->spans.count; i++)
        assert_memory_equal(&a->spans.items[i], &b->spans.items[i],
                            offsetof(struct tacho_run_span, status) + 1);
    assert_int_equal(a->events.count, b->events.count);
    for (size_t i = 0; i < a->events.count; i++) {
        const struct tacho_run_event *x = &a->events.items[i], *y = &b->events.items[i];
        assert_string_equal(x->name, y->name);
        assert_string_equal(x->text, y->text);
        assert_int_equal(x->thread, y->thread);
        assert_int_equal(x->time_ns, y->time_ns);
        assert_double(x->value, y->value);
    }
    assert_int_equal(a->notes.count, b->notes.count);
    for (size_t i = 0; i < a->notes.count; i++) {
        assert_int_equal(a->notes.items[i].kind, b->notes.items[i].kind);
        assert_string_equal(a->notes.items[i].subject, b->notes.items[i].subject);
        assert_string_equal(a->notes.items[i].text, b->notes.items[i].text);
        assert_double(a->notes.items[i].value, b->notes.items[i].value);
    }
    assert_int_equal(a->environment.count, b->environment.count);
    for (size_t i = 0; i < a->environment.count; i++) {
        assert_string_equal(a->environment.items[i].key, b->environment.items[i].key);
        assert_string_equal(a->environment.items[i].value, b->environment.items[i].value);
    }
}

static void assert_frames(const struct tacho_run *a, const struct tacho_run *b)
{
    assert_int_equal(a->modules.count, b->modules.count);
    for (size_t i = 0; i < a->modules.count; i++) {
        assert_string_equal(a->modules.items[i].path, b->modules.items[i].path);
        assert_string_equal(a->modules.items[i].build_id, b->modules.items[i].build_id);
    }
    assert_int_equal(a->frames.count, b->frames.count);
    for (size_t i = 0; i < a->frames.count; i++) {
        const struct tacho_run_frame *x = &a->frames.items[i], *y = &b->frames.items[i];
        assert_int_equal(x->module, y->module);
        assert_int_equal(x->address, y->address);
        assert_string_equal(x->function, y->function);
        assert_string_equal(x->file, y->file);
        assert_int_equal(x->line, y->line);
        assert_int_equal(x->flags, y->flags);
        assert_int_equal(x->caller, y->caller);
    }
    assert_int_equal(a->nodes.count, b->nodes.count);
    if (a->nodes.count)
        assert_memory_equal(a->nodes.items, b->nodes.items,
                            a->nodes.count * sizeof *a->nodes.items);
}

static void assert_profiles(const struct tacho_run *a, const struct tacho_run *b)
{
    assert_int_equal(a->profiles.count, b->profiles.count);
    for (size_t i = 0; i < a->profiles.count; i++) {
        const struct tacho_run_profile *x = &a->profiles.items[i], *y = &b->profiles.items[i];
        assert_string_equal(x->name, y->name);
        assert_string_equal(x->unit, y->unit);
        assert_string_equal(x->sampler, y->sampler);
        assert_double(x->period, y->period);
        assert_double(x->rate_hz, y->rate_hz);
        assert_int_equal(x->samples.count, y->samples.count);
        for (size_t j = 0; j < x->samples.count; j++)
            assert_memory_equal(&x->samples.items[j], &y->samples.items[j],
                                offsetof(struct tacho_run_profile_sample, flags) + 2);
    }
}

void sample_assert_equal(const struct tacho_run *a, const struct tacho_run *b)
{
    assert_info(&a->info, &b->info);
    assert_clocks(a, b);
    assert_threads(a, b);
    assert_series(a, b);
    assert_zones(a, b);
    assert_lists(a, b);
    assert_frames(a, b);
    assert_profiles(a, b);
}

void sample_folder_make(char folder[64])
{
    snprintf(folder, 64, "/tmp/tacho-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

void sample_folder_remove(const char *folder)
{
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
