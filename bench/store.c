// What the store costs: samples per second in and out, bytes per sample, a year of one series, a
// tiny run; beside plain SQLite rows holding the same samples, written and read in turn in the same
// process.
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "store/run_file.h"
#include "store/run_reader.h"
#include "store/run_writer.h"

#define ROUNDS       5
#define SHAPE_COUNT  400000
#define YEAR_SECONDS (365 * 24 * 3600)

static char folder[64];
static struct tacho_fail failure;

static void need(int code)
{
    if (code >= 0)
        return;
    fprintf(stderr, "bench/store: %s\n", failure.text);
    exit(3);
}

static uint64_t random_next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static double seconds_since(int64_t start_ns)
{
    return (double)(tacho_time_monotonic_ns() - start_ns) / 1e9;
}

static int compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_double);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static const char *file_path(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void file_remove(const char *name)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char path[160];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s%s", folder, name, ends[i]);
        unlink(path);
    }
}

static double file_size(const char *name)
{
    struct stat status;
    return stat(file_path(name), &status) == 0 ? (double)status.st_size : NAN;
}

enum shape {
    SHAPE_CONSTANT,
    SHAPE_COUNTER,
    SHAPE_PAGES,
    SHAPE_RATIO,
    SHAPE_CURVE,
    SHAPE_NOISE,
    SHAPES
};

static const char *const shape_names[SHAPES] = {
    "constant",
    "counter, 1000 +- 10 per step",
    "bytes, walk in 4 KiB steps",
    "ratio, slow, 4 decimals",
    "smooth curve, full precision",
    "noise, full precision",
};

static void shape_fill(enum shape shape, double *values, size_t count)
{
    uint64_t random = 7;
    double counter = 0, pages = 50000, ratio = 0.4;
    for (size_t i = 0; i < count; i++) {
        counter += 990 + (double)(random_next(&random) % 21);
        pages += (double)(random_next(&random) % 9) - 4;
        ratio += ((double)(random_next(&random) % 9) - 4) / 10000;
        const double of[SHAPES] = {
            42,
            counter,
            pages * 4096,
            round(ratio * 10000) / 10000,
            20 + 5 * sin((double)i / 86400 * 6.283185307179586),
            (double)random_next(&random) / 2147483648.0,
        };
        values[i] = of[shape];
    }
}

// Times at a period of 1 s; with `jitter_ns` each is late by up to that much.
static void times_fill(int64_t *time_ns, size_t count, int64_t jitter_ns)
{
    uint64_t random = 11;
    for (size_t i = 0; i < count; i++)
        time_ns[i] = (int64_t)i * TACHO_NS_PER_S +
                     (jitter_ns ? (int64_t)(random_next(&random) % (uint64_t)jitter_ns) : 0);
}

static const struct tacho_run_info info = {.target = "bench:", .command = "bench", .version = "0"};

static double store_write(const int64_t *time_ns, const double *values, size_t count,
                          unsigned series)
{
    struct tacho_store *store;
    struct tacho_run_writer *writer;
    uint32_t *ids = calloc(series, sizeof *ids);
    char subject[32];
    file_remove("store.db");
    int64_t start = tacho_time_monotonic_ns();
    need(tacho_store_open(&store, file_path("store.db"), TACHO_STORE_WRITE, &failure));
    need(tacho_run_writer_open(&writer, store, &info, &failure));
    for (unsigned i = 0; i < series; i++) {
        snprintf(subject, sizeof subject, "process %u", i);
        need(tacho_sink_metric(&writer->sink, "rss_bytes", subject, &ids[i], &failure));
    }
    int64_t zero = writer->run.info.start_host_ns;
    for (size_t i = 0; i < count / series; i++)
        for (unsigned j = 0; j < series; j++) {
            const struct tacho_record record = {.kind = TACHO_RECORD_SAMPLE,
                                                .time = zero + time_ns[i],
                                                .sample = {ids[j], values[i * series + j]}};
            need(tacho_sink_put(&writer->sink, &record, &failure));
        }
    need(tacho_run_writer_finish(writer, &failure));
    tacho_run_writer_close(writer);
    tacho_store_close(store);
    free(ids);
    return seconds_since(start);
}

static double store_read(size_t points_max, size_t *count)
{
    struct tacho_run run;
    const struct tacho_run_read_options options = {.points_max = points_max};
    int64_t start = tacho_time_monotonic_ns();
    need(tacho_run_read_named(file_path("store.db"), "last", &options, &run, &failure));
    double seconds = seconds_since(start);
    *count = 0;
    for (size_t i = 0; i < run.series.count; i++)
        *count += run.series.items[i].count;
    tacho_run_release(&run);
    return seconds;
}

static void sql_need(sqlite3 *db, int result)
{
    if (result == SQLITE_OK || result == SQLITE_DONE || result == SQLITE_ROW)
        return;
    fprintf(stderr, "bench/store: %s\n", sqlite3_errmsg(db));
    exit(3);
}

static double rows_write(const int64_t *time_ns, const double *values, size_t count,
                         unsigned series)
{
    sqlite3 *db;
    sqlite3_stmt *insert;
    file_remove("rows.db");
    int64_t start = tacho_time_monotonic_ns();
    sql_need(NULL, sqlite3_open(file_path("rows.db"), &db));
    sql_need(db, sqlite3_exec(db,
                              "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
                              "CREATE TABLE sample(series INTEGER, time_ns INTEGER, value REAL,"
                              " PRIMARY KEY(series, time_ns)) WITHOUT ROWID;BEGIN",
                              NULL, NULL, NULL));
    sql_need(db, sqlite3_prepare_v2(db, "INSERT INTO sample VALUES(?, ?, ?)", -1, &insert, NULL));
    for (size_t i = 0; i < count / series; i++)
        for (unsigned j = 0; j < series; j++) {
            sqlite3_bind_int64(insert, 1, j);
            sqlite3_bind_int64(insert, 2, time_ns[i]);
            sqlite3_bind_double(insert, 3, values[i * series + j]);
            sql_need(db, sqlite3_step(insert));
            sqlite3_reset(insert);
        }
    sqlite3_finalize(insert);
    sql_need(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    sqlite3_close(db);
    return seconds_since(start);
}

static double rows_read(void)
{
    sqlite3 *db;
    sqlite3_stmt *select;
    int64_t start = tacho_time_monotonic_ns(), sum = 0;
    sql_need(NULL, sqlite3_open(file_path("rows.db"), &db));
    sql_need(db, sqlite3_prepare_v2(db, "SELECT time_ns, value FROM sample", -1, &select, NULL));
    while (sqlite3_step(select) == SQLITE_ROW)
        sum += sqlite3_column_int64(select, 0) + (int64_t)sqlite3_column_double(select, 1);
    sqlite3_finalize(select);
    sqlite3_close(db);
    double seconds = seconds_since(start);
    return sum == 1 ? 0 : seconds; // the sum is used, so the loop is not optimised away
}

static void bench_samples(const char *name, enum shape shape, unsigned series, int64_t jitter_ns)
{
    static double values[SHAPE_COUNT];
    static int64_t times[SHAPE_COUNT];
    double in[ROUNDS], out[ROUNDS], in_ratio[ROUNDS], out_ratio[ROUNDS], size = 0, rows = 0;
    size_t count;
    shape_fill(shape, values, SHAPE_COUNT);
    times_fill(times, SHAPE_COUNT, jitter_ns);
    for (int i = 0; i < ROUNDS; i++) {
        in[i] = store_write(times, values, SHAPE_COUNT, series);
        out[i] = store_read(0, &count);
        size = file_size("store.db");
        in_ratio[i] = rows_write(times, values, SHAPE_COUNT, series) / in[i];
        out_ratio[i] = rows_read() / out[i];
        rows = file_size("rows.db");
    }
    printf("%-34s %6u %9.2f %9.2f %8.2f %8.1f %8.1f %8.1f\n", name, series,
           SHAPE_COUNT / median(in, ROUNDS) / 1e6, SHAPE_COUNT / median(out, ROUNDS) / 1e6,
           size / SHAPE_COUNT, median(in_ratio, ROUNDS), median(out_ratio, ROUNDS), rows / size);
}

static void bench_year(void)
{
    struct tacho_store *store;
    struct tacho_run_writer *writer;
    uint32_t id;
    double drawn[ROUNDS];
    size_t count = 0;
    uint64_t random = 5;
    double pages = 50000;
    file_remove("store.db");
    int64_t start = tacho_time_monotonic_ns();
    need(tacho_store_open(&store, file_path("store.db"), TACHO_STORE_WRITE, &failure));
    need(tacho_run_writer_open(&writer, store, &info, &failure));
    need(tacho_sink_metric(&writer->sink, "rss_bytes", "run", &id, &failure));
    int64_t zero = writer->run.info.start_host_ns;
    for (int64_t i = 0; i < YEAR_SECONDS; i++) {
        pages += (double)(random_next(&random) % 9) - 4;
        const struct tacho_record record = {.kind = TACHO_RECORD_SAMPLE,
                                            .time = zero + i * TACHO_NS_PER_S,
                                            .sample = {id, pages * 4096}};
        need(tacho_sink_put(&writer->sink, &record, &failure));
    }
    need(tacho_run_writer_finish(writer, &failure));
    tacho_run_writer_close(writer);
    tacho_store_close(store);
    double written = seconds_since(start);
    for (int i = 0; i < ROUNDS; i++)
        drawn[i] = store_read(2000, &count);
    printf("\na year of one series at 1 s: %d samples written in %.2f s (%.2f million/s), %.1f MB "
           "(%.2f bytes per sample)\n",
           YEAR_SECONDS, written, YEAR_SECONDS / written / 1e6, file_size("store.db") / 1e6,
           file_size("store.db") / YEAR_SECONDS);
    printf("  read to draw %zu points: %.1f ms; every sample: ", count,
           median(drawn, ROUNDS) * 1e3);
    fflush(stdout);
    printf("%.0f ms\n", store_read(0, &count) * 1e3);
}

static void begin_traces(struct tacho_run_writer *writer, uint32_t *thread, uint32_t *zones,
                         uint32_t *profile)
{
    *thread = tacho_record_id_new();
    *profile = tacho_record_id_new();
    const struct tacho_record described = {.kind = TACHO_RECORD_THREAD,
                                           .thread = {.id = *thread, .pid = 7, .tid = 7}};
    const struct tacho_record sampled = {
        .kind = TACHO_RECORD_PROFILE,
        .profile = {.id = *profile, .name = "cpu", .unit = "nanoseconds", .sampler = "bench"}};
    need(tacho_sink_put(&writer->sink, &described, &failure));
    need(tacho_sink_put(&writer->sink, &sampled, &failure));
    for (unsigned i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof name, "zone %u", i);
        zones[i] = tacho_record_id_new();
        const struct tacho_record zone = {.kind = TACHO_RECORD_ZONE,
                                          .zone = {.id = zones[i], .name = name}};
        need(tacho_sink_put(&writer->sink, &zone, &failure));
    }
}

static void put_stack(struct tacho_run_writer *writer, uint32_t profile, uint32_t thread,
                      int64_t time, uint64_t *random)
{
    uint64_t addresses[12];
    for (unsigned j = 0; j < 12; j++)
        addresses[j] = 0x400000 + 4096 * j + random_next(random) % (j < 3 ? 6 : 2) * 32;
    const struct tacho_record record = {.kind = TACHO_RECORD_STACK,
                                        .time = time,
                                        .stack = {.profile = profile,
                                                  .thread = thread,
                                                  .weight = 1001001,
                                                  .pid = 7,
                                                  .count = 12,
                                                  .addresses = addresses}};
    need(tacho_sink_put(&writer->sink, &record, &failure));
}

// Stacks or spans: rate in and out, bytes each.
static void bench_traces(const char *name, bool spans, size_t count)
{
    struct tacho_store *store;
    struct tacho_run_writer *writer;
    uint32_t thread, profile, zones[8];
    uint64_t random = 3;
    file_remove("store.db");
    need(tacho_store_open(&store, file_path("store.db"), TACHO_STORE_WRITE, &failure));
    need(tacho_run_writer_open(&writer, store, &info, &failure));
    begin_traces(writer, &thread, zones, &profile);
    int64_t start = tacho_time_monotonic_ns(), time = writer->run.info.start_host_ns;
    for (size_t i = 0; i < count; i++) {
        time += spans ? 900 + (int64_t)(random_next(&random) % 600)
                      : 1001001 + (int64_t)(random_next(&random) % 8000);
        if (!spans) {
            put_stack(writer, profile, thread, time, &random);
            continue;
        }
        int64_t duration = 300 + (int64_t)(random_next(&random) % 500);
        const struct tacho_record record = {
            .kind = TACHO_RECORD_SPAN,
            .time = time,
            .span = {.zone = zones[random_next(&random) % 8],
                     .thread = thread,
                     .duration_ticks = duration,
                     .self_ticks = i % 3 ? duration : duration - 100,
                     .depth = (uint16_t)(i % 3)}};
        need(tacho_sink_put(&writer->sink, &record, &failure));
    }
    need(tacho_run_writer_finish(writer, &failure));
    double in = seconds_since(start);
    tacho_run_writer_close(writer);
    tacho_store_close(store);
    double out[ROUNDS];
    size_t unused;
    for (int i = 0; i < ROUNDS; i++)
        out[i] = store_read(0, &unused);
    printf("%s: %.2f million/s in, %.2f million/s out, %.2f bytes each\n", name,
           (double)count / in / 1e6, (double)count / median(out, ROUNDS) / 1e6,
           file_size("store.db") / (double)count);
}

static void tiny_run(const char *name)
{
    struct tacho_store *store;
    struct tacho_run_writer *writer;
    uint32_t id;
    need(tacho_store_open(&store, file_path(name), TACHO_STORE_WRITE, &failure));
    need(tacho_run_writer_open(&writer, store, &info, &failure));
    for (int i = 0; i < 40; i++) {
        char subject[32];
        snprintf(subject, sizeof subject, "process %d", i);
        need(tacho_sink_metric(&writer->sink, "rss_bytes", subject, &id, &failure));
        need(tacho_sink_sample(&writer->sink, id, 0, i, &failure));
        need(tacho_sink_environment(&writer->sink, subject, "something", &failure));
    }
    need(tacho_run_writer_finish(writer, &failure));
    tacho_run_writer_close(writer);
    tacho_store_close(store);
}

static void bench_tiny(void)
{
    double fresh[15], again[15];
    for (int i = 0; i < 15; i++) {
        file_remove("tiny.db");
        int64_t start = tacho_time_monotonic_ns();
        tiny_run("tiny.db");
        fresh[i] = seconds_since(start) * 1e3;
        start = tacho_time_monotonic_ns();
        tiny_run("tiny.db");
        again[i] = seconds_since(start) * 1e3;
    }
    printf("a tiny run, open to close: %.2f ms into a new store, %.2f ms into one that is there\n",
           median(fresh, 15), median(again, 15));
    file_remove("tiny.db");
}

int main(void)
{
    snprintf(folder, sizeof folder, "/var/tmp/tacho-bench-XXXXXX");
    if (!mkdtemp(folder))
        return 3;
    printf("%-34s %6s %9s %9s %8s %8s %8s %8s\n", "samples", "series", "M/s in", "M/s out",
           "B/sample", "in x", "out x", "size x");
    for (enum shape shape = 0; shape < SHAPES; shape++)
        bench_samples(shape_names[shape], shape, 1, 0);
    bench_samples("bytes, times late by up to 50 us", SHAPE_PAGES, 1, 50000);
    bench_samples("the same, a source of 20 series", SHAPE_PAGES, 20, 50000);
    bench_samples("constant, 1000 series", SHAPE_CONSTANT, 1000, 50000);
    printf("x: of SQLite rows (series, time, value) in one transaction: times faster, smaller\n");
    bench_year();
    bench_traces("stacks", false, 500000);
    bench_traces("spans", true, 500000);
    bench_tiny();
    file_remove("store.db");
    file_remove("rows.db");
    rmdir(folder);
    return 0;
}
