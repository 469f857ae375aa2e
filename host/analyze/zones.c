// The zones of a run with their threads merged.
#include "analyze/zones.h"

#include <math.h>
#include <string.h>

struct merging {
    uint32_t threads, sampled_one_in, sub_bucket_bits;
    bool mixed_bits; // histograms of unlike or impossible resolution are not added up
    uint64_t total_ns, self_ns;
    struct tacho_histogram_totals totals;
    struct tacho_map buckets;
    TACHO_ARRAY(double) durations; // where only spans are known
    bool self_known;
};

static bool thread_wanted(const struct tacho_run *run, uint32_t thread, uint32_t pid, uint32_t tid)
{
    if (pid == 0 && tid == 0)
        return true;
    if (thread >= run->threads.count)
        return false;
    return (pid == 0 || run->threads.items[thread].pid == pid) &&
           (tid == 0 || run->threads.items[thread].tid == tid);
}

static void merge_stats(struct merging *merging, const struct tacho_run_zone_stats *stats)
{
    struct tacho_histogram_totals *totals = &merging->totals;

    if (stats->count == 0)
        return;
    if (totals->count == 0) {
        merging->sub_bucket_bits = stats->sub_bucket_bits;
        totals->min = (double)stats->min_ns;
        totals->max = (double)stats->max_ns;
    }
    merging->mixed_bits |= merging->sub_bucket_bits != stats->sub_bucket_bits ||
                           stats->sub_bucket_bits < 1 || stats->sub_bucket_bits > 16;
    merging->threads++;
    merging->self_known = true;
    if (stats->sampled_one_in > merging->sampled_one_in)
        merging->sampled_one_in = stats->sampled_one_in;
    totals->count += stats->count;
    totals->errors += stats->errors;
    totals->sum += (double)stats->total_ns;
    totals->min = fmin(totals->min, (double)stats->min_ns);
    totals->max = fmax(totals->max, (double)stats->max_ns);
    // Which thread was the last is not known.
    totals->last = merging->threads == 1 ? (double)stats->last_ns : NAN;
    merging->total_ns += stats->total_ns;
    merging->self_ns += stats->self_ns;
    for (uint32_t i = 0; i < stats->bucket_count; i++)
        *tacho_map_put(&merging->buckets, stats->buckets[i].bucket, NULL) +=
            stats->buckets[i].count;
}

static void merge_span(struct merging *merging, const struct tacho_run_span *span)
{
    if (span->status == TACHO_SPAN_OPEN || span->duration_ns < 0)
        return;
    if (merging->durations.count == 0)
        merging->self_known = true;
    tacho_array_push(&merging->durations, (double)span->duration_ns);
    merging->totals.errors += span->status == TACHO_SPAN_ERROR;
    merging->total_ns += (uint64_t)span->duration_ns;
    merging->sampled_one_in = 1;
    if (span->self_ns >= 0)
        merging->self_ns += (uint64_t)span->self_ns;
    else
        merging->self_known = false;
}

static int by_bucket(const void *a, const void *b)
{
    const struct tacho_histogram_bucket *x = a, *y = b;

    return (x->bucket > y->bucket) - (x->bucket < y->bucket);
}

static void summarise(struct merging *merging, struct tacho_zone_summary *summary)
{
    size_t at = 0;
    uint64_t key, value;

    summary->threads = merging->threads;
    summary->sampled_one_in = merging->sampled_one_in;
    summary->total_ns = (double)merging->total_ns;
    summary->self_ns = merging->self_known ? (double)merging->self_ns : NAN;
    if (merging->totals.count == 0) {
        tacho_statistics_of_values(merging->durations.items, merging->durations.count,
                                   &summary->time_ns);
        summary->time_ns.errors = merging->totals.errors;
        return;
    }
    summary->sub_bucket_bits = merging->sub_bucket_bits;
    while (!merging->mixed_bits && tacho_map_next(&merging->buckets, &at, &key, &value))
        tacho_array_push(&summary->buckets, (struct tacho_histogram_bucket){(uint32_t)key, value});
    if (summary->buckets.count > 0)
        qsort(summary->buckets.items, summary->buckets.count, sizeof *summary->buckets.items,
              by_bucket);
    tacho_statistics_of_histogram(summary->buckets.items, summary->buckets.count,
                                  merging->sub_bucket_bits, &merging->totals, &summary->time_ns);
}

static int by_total(const void *a, const void *b)
{
    const struct tacho_zone_summary *x = a, *y = b;

    if (x->total_ns < y->total_ns || x->total_ns > y->total_ns)
        return x->total_ns > y->total_ns ? -1 : 1;
    return (x->zone > y->zone) - (x->zone < y->zone);
}

void tacho_zones_build(struct tacho_zones *zones, const struct tacho_run *run, uint32_t pid,
                       uint32_t tid)
{
    size_t capacity = 0, bytes = (run->zones.count + 1) * sizeof(struct merging);
    struct merging *merging = tacho_array_grow(NULL, &capacity, bytes, 1);

    memset(merging, 0, bytes);
    memset(zones, 0, sizeof *zones);
    for (size_t i = 0; i < run->zone_stats.count; i++) {
        const struct tacho_run_zone_stats *stats = &run->zone_stats.items[i];

        if (stats->zone < run->zones.count && thread_wanted(run, stats->thread, pid, tid))
            merge_stats(&merging[stats->zone], stats);
    }
    for (size_t i = 0; i < run->spans.count; i++) {
        const struct tacho_run_span *span = &run->spans.items[i];

        if (span->zone < run->zones.count && merging[span->zone].totals.count == 0 &&
            thread_wanted(run, span->thread, pid, tid))
            merge_span(&merging[span->zone], span);
    }
    for (size_t i = 0; i < run->zones.count; i++) {
        if (merging[i].totals.count > 0 || merging[i].durations.count > 0) {
            struct tacho_zone_summary summary = {.zone = (uint32_t)i};

            summarise(&merging[i], &summary);
            tacho_array_push(&zones->items, summary);
        }
        tacho_map_release(&merging[i].buckets);
        tacho_array_release(&merging[i].durations);
    }
    if (zones->items.count > 0)
        qsort(zones->items.items, zones->items.count, sizeof *zones->items.items, by_total);
    free(merging);
}

void tacho_zones_release(struct tacho_zones *zones)
{
    for (size_t i = 0; i < zones->items.count; i++)
        tacho_array_release(&zones->items.items[i].buckets);
    tacho_array_release(&zones->items);
}
