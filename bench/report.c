// How fast reports are made of a run in memory: samples per second for each format, and
// microseconds per event of a trace. Usage: bench_report STORE RUN [SAMPLES]; report.py runs it
// beside its peer.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "render/report.h"
#include "store/run_reader.h"

#define ROUNDS 5
#define SPANS  1000000

static double median(double *values)
{
    for (int i = 0; i < ROUNDS; i++) {
        for (int j = i + 1; j < ROUNDS; j++) {
            if (values[j] < values[i]) {
                double other = values[i];

                values[i] = values[j];
                values[j] = other;
            }
        }
    }
    return values[ROUNDS / 2];
}

static double seconds_of(const char *name, const struct tacho_run *run, size_t *size)
{
    struct tacho_report_options options = {.events_max = UINT64_MAX};
    struct tacho_fail fail = {0};
    const struct tacho_report_format *format = tacho_report_format_find(name, &fail);
    double seconds[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        struct tacho_out out;
        int64_t start = tacho_time_monotonic_ns();

        // Into a file, as a user would; the page cache takes it.
        FILE *file = tmpfile();

        if (file == NULL)
            exit(1);
        tacho_out_init_fd(&out, fileno(file));
        if (format == NULL || tacho_report_render(format, run, &options, &out, &fail) < 0 ||
            tacho_out_finish(&out, "the report", &fail) < 0) {
            fprintf(stderr, "%s: %s\n", name, fail.text);
            exit(1);
        }
        seconds[i] = (double)(tacho_time_monotonic_ns() - start) / 1e9;
        fseek(file, 0, SEEK_END);
        *size = (size_t)ftell(file);
        fclose(file);
        tacho_out_release(&out);
    }
    return median(seconds);
}

// The same stacks again and again until there are `wanted` samples.
static size_t multiply(struct tacho_run *run, size_t wanted)
{
    for (size_t i = 0; i < run->profiles.count; i++) {
        struct tacho_run_profile *profile = &run->profiles.items[i];
        size_t count = profile->samples.count;

        if (strcmp(profile->name, "cpu") != 0 || count == 0)
            continue;
        for (size_t j = count; j < wanted; j++) {
            struct tacho_run_profile_sample sample = profile->samples.items[j % count];

            tacho_array_push(&profile->samples, sample);
        }
        return profile->samples.count;
    }
    return 0;
}

static void bench_profile(struct tacho_run *run, size_t wanted)
{
    static const char *const formats[] = {"folded", "text",  "svg",        "html",
                                          "dot",    "pprof", "speedscope", "firefox"};
    size_t samples = multiply(run, wanted), size = 0;

    if (samples == 0) {
        fprintf(stderr, "the run has no CPU samples\n");
        exit(1);
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        double seconds = seconds_of(formats[i], run, &size);

        printf("%s %zu %.6f %zu\n", formats[i], samples, seconds, size);
    }
}

static void bench_trace(struct tacho_run *run)
{
    static const char *const formats[] = {"chrome", "perfetto"};
    size_t size = 0;

    for (int i = 0; i < 30; i++)
        tacho_array_push(&run->zones, (struct tacho_run_zone){.name = "a_zone_of_usual_length"});
    for (size_t i = 0; i < SPANS; i++)
        tacho_array_push(&run->spans,
                         (struct tacho_run_span){.zone = (uint32_t)(i % 30),
                                                 .begin_ns = (int64_t)(i / 3 * 2500 + i % 3 * 100),
                                                 .duration_ns = 2000 - 300 * (int64_t)(i % 3),
                                                 .self_ns = 300,
                                                 .depth = (uint16_t)(i % 3)});
    run->profiles.count = 0;
    run->series.count = 0;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        double seconds = seconds_of(formats[i], run, &size);

        printf("%s %d %.6f %zu\n", formats[i], SPANS, seconds, size);
    }
}

int main(int argc, char **argv)
{
    struct tacho_fail fail = {0};
    struct tacho_run run;
    int64_t start = tacho_time_monotonic_ns();
    size_t samples = 0;

    if (argc < 3)
        return 2;
    if (tacho_run_read_named(argv[1], argv[2], NULL, &run, &fail) < 0) {
        fprintf(stderr, "%s\n", fail.text);
        return 1;
    }
    for (size_t i = 0; i < run.profiles.count; i++)
        samples += run.profiles.items[i].samples.count;
    printf("load %zu %.6f 0\n", samples, (double)(tacho_time_monotonic_ns() - start) / 1e9);
    bench_profile(&run, argc > 3 ? (size_t)strtoull(argv[3], NULL, 10) : 1000000);
    bench_trace(&run);
    tacho_run_release(&run);
    return 0;
}
