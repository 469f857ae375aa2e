// Runs made by hand for the tests of analysis and reports; see made_run.h.
#include "made_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tacho/histogram.h"

#define MS INT64_C(1000000)

static const char *keep(struct tacho_run *run, const char *text)
{
    return tacho_strings_keep(&run->strings, text);
}

uint32_t made_frame(struct tacho_run *run, const char *function, const char *module,
                    const char *file, uint32_t line, uint32_t flags)
{
    uint32_t index = tacho_run_module_add(run, module, "0badc0de");

    for (uint32_t i = 0; i < run->frames.count; i++) {
        const struct tacho_run_frame *frame = &run->frames.items[i];

        if (strcmp(frame->function, function) == 0 && frame->module == index && frame->line == line)
            return i;
    }
    uint32_t frame = tacho_run_frame_add(run, index, 0x1000 + 16 * run->frames.count,
                                         flags | TACHO_FRAME_SYMBOLISED);
    run->frames.items[frame].function = keep(run, function);
    run->frames.items[frame].file = keep(run, file);
    run->frames.items[frame].line = line;
    return frame;
}

uint32_t made_stack(struct tacho_run *run, const char *functions)
{
    uint32_t node = TACHO_NO_INDEX;
    char name[128];

    while (*functions != '\0') {
        size_t length = strcspn(functions, ";");

        snprintf(name, sizeof name, "%.*s", (int)length, functions);
        node = tacho_run_node_add(run, node, made_frame(run, name, "/usr/bin/program", "", 0, 0));
        functions += length + (functions[length] == ';' ? 1 : 0);
    }
    return node;
}

struct tacho_run_profile *made_profile(struct tacho_run *run, const char *name, const char *unit)
{
    tacho_array_push(&run->profiles,
                     (struct tacho_run_profile){.name = keep(run, name),
                                                .unit = keep(run, unit),
                                                .sampler = keep(run, "made by hand"),
                                                .period = 10e6,
                                                .rate_hz = 100});
    return &run->profiles.items[run->profiles.count - 1];
}

void made_sample(struct tacho_run_profile *profile, uint32_t node, uint32_t thread, int64_t time_ns,
                 int64_t weight)
{
    tacho_array_push(&profile->samples,
                     (struct tacho_run_profile_sample){
                         .time_ns = time_ns, .thread = thread, .node = node, .weight = weight});
}

static uint32_t add_thread(struct tacho_run *run, uint32_t pid, uint32_t tid, const char *name,
                           const char *command)
{
    tacho_array_push(&run->threads, (struct tacho_run_thread){.pid = pid,
                                                              .tid = tid,
                                                              .parent_pid = pid == 100 ? 1 : 100,
                                                              .name = keep(run, name),
                                                              .command = keep(run, command),
                                                              .start_ns = 0,
                                                              .end_ns = 2000 * MS});
    return (uint32_t)run->threads.count - 1;
}

static void add_series(struct tacho_run *run, const char *name, const char *subject,
                       const char *unit, uint8_t kind, size_t count, double first, double step)
{
    struct tacho_run_series *series = tacho_run_series_add(run);

    series->name = keep(run, name);
    series->subject = keep(run, subject);
    series->unit = keep(run, unit);
    series->help = keep(run, "made by hand");
    series->kind = kind;
    for (size_t i = 0; i < count; i++)
        tacho_run_series_push(series, (int64_t)(2000 * MS * (int64_t)i / (int64_t)count),
                              first + step * (double)i);
}

static void begin_run(struct tacho_run *run, const char *id, const char *name)
{
    tacho_run_init(run);
    run->info = (struct tacho_run_info){.id = keep(run, id),
                                        .name = keep(run, name),
                                        .target = keep(run, "exec:program --fast input.txt"),
                                        .command = keep(run, "program --fast input.txt"),
                                        .version = keep(run, "0.0.0"),
                                        .start_unix_ns = INT64_C(1700000000000000000),
                                        .duration_ns = 2000 * MS,
                                        .finished = true,
                                        .has_exit = true};
}

static void add_metrics(struct tacho_run *run)
{
    add_series(run, "wall_seconds", "run", "seconds", TACHO_METRIC_GAUGE, 1, 2.0, 0);
    add_series(run, "cpu_user_seconds", "run", "seconds", TACHO_METRIC_COUNTER, 41, 0, 0.03);
    add_series(run, "cpu_system_seconds", "run", "seconds", TACHO_METRIC_COUNTER, 41, 0, 0.005);
    add_series(run, "cpu_ratio_core", "run", "ratio", TACHO_METRIC_GAUGE, 41, 0.7, 0);
    add_series(run, "cpu_ratio_machine", "run", "ratio", TACHO_METRIC_GAUGE, 41, 0.35, 0);
    add_series(run, "rss_bytes", "run", "bytes", TACHO_METRIC_GAUGE, 48, 10485760, 262144);
    add_series(run, "rss_peak_bytes", "run", "bytes", TACHO_METRIC_GAUGE, 48, 10485760, 262144);
    add_series(run, "page_faults_minor", "run", "count", TACHO_METRIC_COUNTER, 41, 0, 100);
    add_series(run, "page_faults_major", "run", "count", TACHO_METRIC_COUNTER, 41, 0, 0);
    add_series(run, "io_read_calls_bytes", "run", "bytes", TACHO_METRIC_COUNTER, 41, 0, 65536);
    add_series(run, "io_write_calls_bytes", "run", "bytes", TACHO_METRIC_COUNTER, 41, 0, 4096);
    add_series(run, "tacho_cpu_seconds", "run", "seconds", TACHO_METRIC_COUNTER, 3, 0, 0.004);
    add_series(run, "cpu_user_seconds", "process 100 program", "seconds", TACHO_METRIC_COUNTER, 41,
               0, 0.028);
    add_series(run, "cpu_system_seconds", "process 100 program", "seconds", TACHO_METRIC_COUNTER,
               41, 0, 0.005);
    add_series(run, "rss_bytes", "process 100 program", "bytes", TACHO_METRIC_GAUGE, 41, 8388608,
               262144);
    add_series(run, "queue_depth", "program 100", "count", TACHO_METRIC_GAUGE, 20, 3, 0.5);
}

static void add_zone(struct tacho_run *run, const char *name, uint32_t line, uint32_t thread,
                     uint64_t count, uint64_t each_ns)
{
    struct tacho_histogram_bucket *buckets =
        tacho_arena_take(&run->arena, 2 * sizeof(struct tacho_histogram_bucket));

    // Nine in ten take `each_ns`, one in ten takes ten times that.
    buckets[0] =
        (struct tacho_histogram_bucket){tacho_histogram_bucket(7, each_ns), count - count / 10};
    buckets[1] =
        (struct tacho_histogram_bucket){tacho_histogram_bucket(7, 10 * each_ns), count / 10};
    tacho_array_push(&run->zones, (struct tacho_run_zone){.name = keep(run, name),
                                                          .file = keep(run, "src/program.c"),
                                                          .function = keep(run, name),
                                                          .line = line});
    uint64_t total = (count - count / 10) * each_ns + count / 10 * 10 * each_ns;
    tacho_array_push(&run->zone_stats,
                     (struct tacho_run_zone_stats){.zone = (uint32_t)run->zones.count - 1,
                                                   .thread = thread,
                                                   .count = count,
                                                   .errors = count / 100,
                                                   .total_ns = total,
                                                   .self_ns = total / 2,
                                                   .min_ns = each_ns,
                                                   .max_ns = 10 * each_ns,
                                                   .last_ns = each_ns,
                                                   .sub_bucket_bits = 7,
                                                   .bucket_count = 2,
                                                   .sampled_one_in = 1,
                                                   .buckets = buckets});
}

static void add_spans(struct tacho_run *run)
{
    for (int64_t i = 0; i < 5; i++) {
        tacho_array_push(&run->spans, (struct tacho_run_span){.zone = 1,
                                                              .thread = 0,
                                                              .begin_ns = (10 + 20 * i) * MS,
                                                              .duration_ns = 4 * MS,
                                                              .self_ns = 4 * MS,
                                                              .depth = 1});
        tacho_array_push(&run->spans, (struct tacho_run_span){
                                          .zone = 0,
                                          .thread = 0,
                                          .begin_ns = (10 + 20 * i) * MS,
                                          .duration_ns = (i == 3 ? 19 : 10) * MS,
                                          .self_ns = 6 * MS,
                                          .depth = 0,
                                          .status = i == 3 ? TACHO_SPAN_ERROR : TACHO_SPAN_OK});
    }
    tacho_array_push(&run->events,
                     (struct tacho_run_event){.name = keep(run, "reload"),
                                              .text = keep(run, "said \"now\" </script> & went on"),
                                              .thread = 0,
                                              .time_ns = 70 * MS,
                                              .value = 3});
    tacho_array_push(&run->events, (struct tacho_run_event){.name = keep(run, "reload"),
                                                            .text = keep(run, ""),
                                                            .thread = TACHO_NO_INDEX,
                                                            .time_ns = 900 * MS,
                                                            .value = NAN});
}

static void add_notes(struct tacho_run *run)
{
    static const struct {
        uint8_t kind;
        const char *subject, *text;
        double value;
    } notes[] = {
        {TACHO_NOTE_LOSS, "sampler", "3 samples were lost, the ring was full", 3},
        {TACHO_NOTE_NOT_AVAILABLE, "kernel symbols", "kptr_restrict is 1: set it to 0", NAN},
        {TACHO_NOTE_INFO, "collector", "first output was looked for every millisecond", NAN},
    };

    for (size_t i = 0; i < 3; i++)
        tacho_array_push(&run->notes,
                         (struct tacho_run_note){.kind = notes[i].kind,
                                                 .subject = keep(run, notes[i].subject),
                                                 .text = keep(run, notes[i].text),
                                                 .value = notes[i].value});
    tacho_array_push(&run->clocks, (struct tacho_run_clock){
                                       .name = keep(run, "tsc"), .hz = 2.5e9, .resolution_ns = 9});
    tacho_array_push(&run->environment,
                     (struct tacho_run_environment){keep(run, "kernel"), keep(run, "6.1.0")});
}

// Samples of 10 ms: parse `parse` times, copy inlined into it `copy` times, and so on.
static void add_samples(struct tacho_run *run, int parse, int copy, int serve, int read, int extra,
                        const char *extra_name)
{
    struct tacho_run_profile *profile = made_profile(run, "cpu", "nanoseconds");
    const char *path = "/usr/bin/program", *file = "src/program.c";
    uint32_t start = made_frame(run, "_start", path, "", 0, 0);
    uint32_t root = tacho_run_node_add(run, TACHO_NO_INDEX, start);
    uint32_t top = tacho_run_node_add(run, root, made_frame(run, "main", path, file, 40, 0));
    uint32_t parse_frame = made_frame(run, "parse", path, file, 12, 0);
    uint32_t copy_frame = made_frame(run, "copy", path, "src/copy.h", 7, TACHO_FRAME_INLINED);
    run->frames.items[copy_frame].caller = made_frame(run, "parse", path, file, 14, 0);
    uint32_t serve_node = tacho_run_node_add(run, top, made_frame(run, "serve", path, file, 20, 0));
    uint32_t again = tacho_run_node_add(run, serve_node, run->nodes.items[serve_node].frame);
    uint32_t read_node =
        tacho_run_node_add(run, again, made_frame(run, "read", "/usr/lib/libc.so.6", "", 0, 0));
    uint32_t kernel_node = tacho_run_node_add(
        run, read_node, made_frame(run, "ksys_read", "[kernel]", "", 0, TACHO_FRAME_KERNEL));
    uint32_t other =
        tacho_run_node_add(run, top, made_frame(run, extra_name, path, "src/<extra>.c", 5, 0));
    const struct {
        uint32_t node, thread;
        int count;
    } parts[] = {{tacho_run_node_add(run, top, parse_frame), 0, parse},
                 {tacho_run_node_add(run, top, copy_frame), 0, copy},
                 {again, 1, serve},
                 {kernel_node, 1, read},
                 {other, 2, extra}};
    int64_t at = 0;

    for (size_t i = 0; i < 5; i++) {
        for (int j = 0; j < parts[i].count; j++)
            made_sample(profile, parts[i].node, parts[i].thread, at += 10 * MS, 10 * MS);
    }
    profile->samples.items[profile->samples.count - 1].flags = TACHO_STACK_TRUNCATED;
    profile = made_profile(run, "off-cpu", "nanoseconds");
    made_sample(profile, kernel_node, 1, 300 * MS, 250 * MS);
}

static void small(struct tacho_run *run)
{
    add_thread(run, 100, 100, "program", "program --fast input.txt");
    add_thread(run, 100, 101, "worker", "");
    add_thread(run, 102, 102, "helper", "helper --quiet");
    add_metrics(run);
    add_zone(run, "serve \"all\"", 20, 0, 2000, 100000);
    add_zone(run, "parse", 12, 0, 50, 2000000);
    add_zone(run, "rare", 90, 1, 5, 1000);
    add_spans(run);
    add_notes(run);
}

void made_run_small(struct tacho_run *run)
{
    begin_run(run, "0123456789ab", "monday");
    small(run);
    add_samples(run, 40, 20, 25, 10, 5, "format;line");
}

void made_run_small_after(struct tacho_run *run)
{
    begin_run(run, "ba9876543210", "friday");
    small(run);
    add_samples(run, 70, 20, 5, 10, 15, "write_log");
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

void made_run_samples(struct tacho_run *run, size_t samples)
{
    uint64_t state = 7;
    TACHO_ARRAY(uint32_t) leaves = {0};
    uint32_t frames[2000];
    char name[64], module[64];

    begin_run(run, "feedfeedfeed", "");
    for (uint32_t i = 0; i < 16; i++)
        add_thread(run, 100, 100 + i, "worker", "program");
    for (uint32_t i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "function_%u_of_the_program", i);
        snprintf(module, sizeof module, "/usr/lib/libpart%u.so", i % 20);
        frames[i] = tacho_run_frame_add(run, tacho_run_module_add(run, module, ""), 64 * i,
                                        TACHO_FRAME_SYMBOLISED);
        run->frames.items[frames[i]].function = keep(run, name);
        run->frames.items[frames[i]].file = keep(run, "src/part.c");
        run->frames.items[frames[i]].line = i + 1;
    }
    for (int i = 0; i < 8000; i++) {
        uint32_t node = TACHO_NO_INDEX;
        uint64_t depth = 10 + next_random(&state) % 50;

        // Few choices near the root, many near the leaf, as in real programs.
        for (uint64_t j = 0; j < depth; j++)
            node = tacho_run_node_add(run, node,
                                      frames[(j * 40 + next_random(&state) % (j / 4 + 1)) % 2000]);
        tacho_array_push(&leaves, node);
    }
    struct tacho_run_profile *profile = made_profile(run, "cpu", "nanoseconds");
    tacho_array_reserve(&profile->samples, samples);
    for (size_t i = 0; i < samples; i++)
        made_sample(profile, leaves.items[next_random(&state) % leaves.count],
                    (uint32_t)(next_random(&state) % 16), (int64_t)i * 1000, 1000000);
    run->info.duration_ns = (int64_t)samples * 1000;
    tacho_array_release(&leaves);
}

void made_run_spans(struct tacho_run *run, size_t spans)
{
    char name[40];

    begin_run(run, "beefbeefbeef", "");
    for (uint32_t i = 0; i < 8; i++)
        add_thread(run, 100, 100 + i, "worker", "program");
    for (uint32_t i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "zone_number_%u", i);
        tacho_array_push(&run->zones, (struct tacho_run_zone){.name = keep(run, name)});
    }
    tacho_array_reserve(&run->spans, spans);
    for (size_t i = 0; i < spans; i++) {
        uint32_t thread = (uint32_t)(i / 3 % 8), depth = (uint32_t)(i % 3);
        int64_t base = INT64_C(1000000) + (int64_t)(i / 24) * 2345;

        tacho_array_push(&run->spans,
                         (struct tacho_run_span){.zone = (uint32_t)(i % 30),
                                                 .thread = thread,
                                                 .begin_ns = base + 100 * depth,
                                                 .duration_ns = 2000 - 300 * (int64_t)depth,
                                                 .self_ns = 300,
                                                 .depth = (uint16_t)depth});
    }
    run->info.duration_ns = INT64_C(2000000) + (int64_t)(spans / 24) * 2345;
}
