// The statistics blocks: one record per zone and thread, its histogram turned from ticks to
// nanoseconds.
#include <stdlib.h>

#include "decode/ring_reader.h"
#include "tacho/histogram.h"

// The records' histograms are over nanoseconds; finer than the file's, so that turning adds little.
#define RECORD_BITS 7u

static void turn(const struct tacho_ring_reader *reader, const uint64_t *from, uint64_t min_ns,
                 uint64_t max_ns, struct tacho_histogram_bucket *to, uint32_t *count)
{
    *count = 0;
    for (uint32_t i = 0; i < reader->header.bucket_count; i++) {
        if (from[i] == 0)
            continue;
        uint64_t middle = tacho_histogram_middle(reader->header.histogram_bits, i);
        double wide = tacho_reader_ns(reader, (double)middle);
        uint64_t ns = wide < 9e18 ? (uint64_t)wide : UINT64_C(9000000000000000000);
        ns = ns < min_ns ? min_ns : ns > max_ns ? max_ns : ns;
        uint32_t bucket = tacho_histogram_bucket(RECORD_BITS, ns);
        if (*count > 0 && to[*count - 1].bucket >= bucket) {
            to[*count - 1].count += from[i];
            continue;
        }
        to[*count].bucket = bucket;
        to[*count].count = from[i];
        ++*count;
    }
}

static uint64_t whole_ns(const struct tacho_ring_reader *reader, double ticks)
{
    double ns = tacho_reader_ns(reader, ticks);
    return ns <= 0 ? 0 : ns >= 1.8e19 ? UINT64_MAX : (uint64_t)(ns + 0.5);
}

static void fill(const struct tacho_ring_reader *reader, const struct tacho_ring_block *block,
                 struct tacho_zone_stats *stats)
{
    uint64_t calls = block->count + block->untimed;
    double share = block->count ? (double)calls / (double)block->count : 0;
    stats->count = calls;
    stats->errors = block->errors;
    stats->total_ns = whole_ns(reader, (double)block->total * share);
    double spent = (double)block->total + (double)block->nested;
    stats->self_ns = whole_ns(reader, (spent - (double)block->inside) * share);
    if (block->count > 0) {
        stats->min_ns = whole_ns(reader, (double)block->min);
        stats->max_ns = whole_ns(reader, (double)block->max);
        stats->last_ns = whole_ns(reader, (double)block->last);
    }
    stats->sampled_one_in = share > 1 ? (uint32_t)(share + 0.5) : 1;
}

static int push_zone(struct tacho_ring_reader *reader, const struct tacho_reader_thread *thread,
                     const struct tacho_ring_slot *slot, uint32_t series, uint64_t *from,
                     struct tacho_histogram_bucket *to, struct tacho_sink *sink,
                     struct tacho_fail *fail)
{
    struct tacho_ring_block block;
    struct tacho_record record = {.kind = TACHO_RECORD_ZONE_STATS};
    struct tacho_zone_stats *stats = &record.zone_stats;
    if (tacho_reader_block(reader, slot, series, &block, from) < 0)
        return tacho_fail_set(fail, TACHO_ERR_FORMAT,
                              "the statistics of a zone in the ring file are damaged");
    if (block.count == 0 && block.untimed == 0)
        return 0;
    fill(reader, &block, stats);
    stats->zone = reader->series.items[series - 1].zone;
    stats->thread = thread->id;
    stats->sub_bucket_bits = RECORD_BITS;
    stats->buckets = to;
    if (block.count > 0)
        turn(reader, from, stats->min_ns, stats->max_ns, to, &stats->bucket_count);
    return tacho_sink_put(sink, &record, fail);
}

int tacho_reader_stats_push(struct tacho_ring_reader *reader, struct tacho_reader_thread *thread,
                            const struct tacho_ring_slot *slot, struct tacho_sink *sink,
                            struct tacho_fail *fail)
{
    uint32_t buckets = reader->header.bucket_count;
    uint64_t *from = malloc(buckets * sizeof *from);
    struct tacho_histogram_bucket *to = malloc(buckets * sizeof *to);
    int code = from && to ? 0 : tacho_fail_set(fail, TACHO_ERR_MEMORY, "no memory for a histogram");
    for (uint32_t i = 0; i < reader->series.count && code == 0; i++)
        if (reader->series.items[i].zone != 0)
            code = push_zone(reader, thread, slot, i + 1, from, to, sink, fail);
    free(from);
    free(to);
    return code;
}
