// What a zone costs: begin and end in each mode beside two raw counter reads, which are the floor.
//
// usage: bench_zone [ROUNDS]. Every variant runs once per round, in this one process; what is
// printed are medians over rounds, of times and of ratios. "work" is the added time around a piece
// of real work (a keyed hash over 256 bytes). LTTng-UST is in the table when it was there at build
// time; its row counts only while a session records it (bench/zone/run.sh arranges that).
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "decode/ring_file.h"
#include "link/ring_link.h"
#include "rounds.h"
#include "tacho/tacho.h"
#include "wire/packed.h"

#ifdef HAS_LTTNG
#include "lttng_zone.h"
#endif

#define LOOPS_BARE 40000
#define LOOPS_WORK 20000
#define LOOPS_WARM 70000 // once round the ring, whose memory comes as it fills for the first time
#define WORK_BYTES 256

static uint8_t text[WORK_BYTES + 8];
static volatile uint64_t result;

// SipHash's mixing step over a buffer: arithmetic and loads that depend on each other.
__attribute__((noinline)) static uint64_t work(uint64_t key)
{
    uint64_t a = key ^ 0x736f6d65, b = ~key, c = 0x6c796765, d = key << 7;
    for (size_t i = 0; i < WORK_BYTES; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, sizeof word);
        d ^= word;
        a += b;
        b = b << 13 | b >> 51;
        b ^= a;
        c += d;
        d = d << 16 | d >> 48;
        d ^= c;
        a ^= word;
    }
    return a ^ b ^ c ^ d;
}

static void begin_nothing(void)
{
}

#define LOOP(name, bare, begin, end)                                                               \
    __attribute__((noinline)) static void name(long loops)                                         \
    {                                                                                              \
        uint64_t key = 1;                                                                          \
        for (long i = 0; i < loops; i++) {                                                         \
            begin;                                                                                 \
            if (bare)                                                                              \
                __asm__ volatile("" ::: "memory");                                                 \
            else                                                                                   \
                key = work(key);                                                                   \
            end;                                                                                   \
        }                                                                                          \
        result = key;                                                                              \
    }
LOOP(bare_nothing, 1, begin_nothing(), (void)0)
LOOP(bare_reads, 1, uint64_t start = raw_ticks(), result = raw_ticks() - start)
LOOP(bare_zone, 1, TACHO_ZONE("bare"), (void)0)
LOOP(work_nothing, 0, begin_nothing(), (void)0)
LOOP(work_reads, 0, uint64_t start = raw_ticks(), result = raw_ticks() - start)
LOOP(work_zone, 0, TACHO_ZONE("work"), (void)0)
#ifdef HAS_LTTNG
LOOP(bare_lttng, 1, lttng_begin(), lttng_end())
LOOP(work_lttng, 0, lttng_begin(), lttng_end())
#endif

struct variant {
    const char *name;
    void (*bare)(long loops), (*work)(long loops);
    uint32_t mode;
    int drained;
};

static const struct variant variants[] = {
    {"nothing", bare_nothing, work_nothing, 0, 0},
    {"two counter reads", bare_reads, work_reads, 0, 0},
    {"zone, off", bare_zone, work_zone, 0, 0},
    {"zone, trace", bare_zone, work_zone, TACHO_MODE_TRACE, 0},
    {"zone, trace, drained", bare_zone, work_zone, TACHO_MODE_TRACE, 1},
    {"zone, statistics", bare_zone, work_zone, TACHO_MODE_STATISTICS, 0},
    {"zone, detailed", bare_zone, work_zone, TACHO_MODE_DETAILED, 0},
    {"zone, production", bare_zone, work_zone, TACHO_MODE_PRODUCTION, 0},
#ifdef HAS_LTTNG
    {"LTTng-UST, 2 events", bare_lttng, work_lttng, 0, 0},
#endif
};
#define VARIANTS (sizeof variants / sizeof variants[0])
enum { NOTHING = 0, READS = 1 };

static double bare_ns[VARIANTS][ROUNDS_MAX], work_ns[VARIANTS][ROUNDS_MAX];

// Somebody who drains the ring while it is written, as `tacho run` does.
struct drain {
    struct tacho_sink sink;
    struct tacho_ring_link link;
    struct tacho_ring_reader *reader;
    pthread_t thread;
    int stop;
    uint64_t spans, packed_bytes;
    struct tacho_packed packed;
};

static int count_packed(struct tacho_sink *sink, const struct tacho_record *record,
                        struct tacho_fail *fail)
{
    struct drain *drain = (void *)sink;
    uint8_t bytes[TACHO_PACKED_SPAN_MAX];
    (void)fail;
    if (record->kind != TACHO_RECORD_SPAN)
        return 0;
    const struct tacho_packed_span span = {
        .start = (uint64_t)record->time,
        .duration = (uint64_t)record->span.duration_ticks,
        .series = record->span.zone,
        .depth = record->span.depth,
    };
    drain->packed_bytes += tacho_packed_write(&drain->packed, &span, bytes);
    drain->spans++;
    return 0;
}

static void *drain_all(void *context)
{
    struct drain *drain = context;
    struct tacho_fail fail = {0};
    const struct timespec wait = {0, 5000000};
    while (!__atomic_load_n(&drain->stop, __ATOMIC_ACQUIRE)) {
        if (tacho_ring_reader_drain(drain->reader, &drain->sink, &fail) < 0)
            fprintf(stderr, "bench_zone: %s\n", fail.text);
        nanosleep(&wait, NULL);
    }
    return NULL;
}

static int drain_begin(struct drain *drain)
{
    struct tacho_fail fail = {0};
    drain->stop = 0;
    if (!drain->reader) {
        drain->sink.put = count_packed;
        if (tacho_ring_link_open(&drain->link, tacho_ring_path(), &fail) < 0 ||
            tacho_ring_reader_open(&drain->reader, &drain->link.input, &fail) < 0) {
            fprintf(stderr, "bench_zone: %s\n", fail.text);
            return -1;
        }
    }
    return pthread_create(&drain->thread, NULL, drain_all, drain);
}

static void drain_end(struct drain *drain)
{
    __atomic_store_n(&drain->stop, 1, __ATOMIC_RELEASE);
    pthread_join(drain->thread, NULL);
}

struct job {
    void (*loop)(long loops);
    long loops;
    pthread_barrier_t *start;
    double ns;
};

static void *run_job(void *context)
{
    struct job *job = context;
    job->loop(LOOPS_WARM);
    pthread_barrier_wait(job->start);
    double start = own_ns();
    job->loop(job->loops);
    job->ns = (own_ns() - start) / (double)job->loops;
    return NULL;
}

// The mean time of one pass, over `threads` threads that run at once.
static double time_loop(void (*loop)(long loops), long loops, int threads)
{
    pthread_t ids[8];
    struct job jobs[8];
    pthread_barrier_t start;
    double sum = 0;
    pthread_barrier_init(&start, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++) {
        jobs[i] = (struct job){loop, loops, &start, 0};
        if (i > 0)
            pthread_create(&ids[i], NULL, run_job, &jobs[i]);
    }
    run_job(&jobs[0]);
    for (int i = 1; i < threads; i++)
        pthread_join(ids[i], NULL);
    for (int i = 0; i < threads; i++)
        sum += jobs[i].ns;
    pthread_barrier_destroy(&start);
    return sum / threads;
}

static void set_mode(const struct variant *variant)
{
    const struct tacho_config config = {.mode = variant->mode};
    if (variant->mode)
        tacho_start(&config);
    else
        tacho_stop();
}

static void measure(int threads, int rounds, struct drain *drain)
{
    for (int round = 0; round < rounds; round++)
        for (size_t v = 0; v < VARIANTS; v++) {
            set_mode(&variants[v]);
            int drained = variants[v].drained && threads == 1 && drain_begin(drain) == 0;
            bare_ns[v][round] = time_loop(variants[v].bare, LOOPS_BARE, threads);
            work_ns[v][round] = time_loop(variants[v].work, LOOPS_WORK, threads);
            if (drained)
                drain_end(drain);
        }
    tacho_stop();
}

static void print(int threads, int rounds)
{
    printf("%d thread%s, %d rounds, medians\n", threads, threads > 1 ? "s at once" : "", rounds);
    printf("%-24s %10s %12s %14s %16s\n", "variant", "bare ns", "of 2 reads", "in work + ns",
           "+ over 2 reads");
    for (size_t v = 0; v < VARIANTS; v++)
        printf("%-24s %10.2f %11.3fx %14.2f %16.2f\n", variants[v].name, median(bare_ns[v], rounds),
               median_ratio(bare_ns[v], bare_ns[READS], rounds),
               median_difference(work_ns[v], work_ns[NOTHING], rounds),
               median_difference(work_ns[v], work_ns[READS], rounds));
    printf("off costs %.2f ns over an empty loop; the work itself takes %.0f ns\n\n",
           median_difference(bare_ns[2], bare_ns[NOTHING], rounds),
           median(work_ns[NOTHING], rounds));
}

int main(int argc, char **argv)
{
    struct drain drain = {0};
    int rounds = argc > 1 ? atoi(argv[1]) : 61;
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: bench_zone [ROUNDS], 1 to %d\n", ROUNDS_MAX);
        return 2;
    }
    for (int threads = 1; threads <= 2; threads++) {
        measure(threads, rounds, &drain);
        print(threads, rounds);
    }
    printf("bytes per span: %zu in the ring", sizeof(struct tacho_ring_record));
    if (drain.spans > 0)
        printf(", %.2f packed (of %llu drained spans; %llu were overwritten first)",
               (double)drain.packed_bytes / (double)drain.spans, (unsigned long long)drain.spans,
               (unsigned long long)tacho_ring_reader_lost(drain.reader));
    printf("\n");
    tacho_ring_reader_free(drain.reader);
    return 0;
}
