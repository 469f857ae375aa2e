// Summaries made inside the program: the blocks of all threads added up, then quantiles and
// moments.
#include "linux/linux.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "tacho/histogram.h"
#include "tacho/report.h"

// How many values a quantile needs before it says more than the maximum does.
#define NEEDS_P90  10u
#define NEEDS_P95  20u
#define NEEDS_P99  100u
#define NEEDS_P999 1000u

static bool has_buckets(uint32_t kind)
{
    return kind != TACHO_SERIES_COUNTER && kind != TACHO_SERIES_EVENT;
}

// Adds what every thread knows of series `id` to `sum`.
static void add_threads(uint32_t id, struct tacho_ring_block *sum)
{
    bool buckets = has_buckets(tacho_series_at(id)->kind);
    for (uint32_t at = tacho_core.header->slot_first; at != 0;) {
        const struct tacho_ring_slot *slot = tacho_at(at);
        uint32_t leaf = __atomic_load_n(&slot->leaf[id / TACHO_RING_LEAF_SERIES], __ATOMIC_ACQUIRE);
        const uint32_t *blocks = leaf ? tacho_at(leaf) : NULL;
        uint32_t block =
            blocks ? __atomic_load_n(&blocks[id % TACHO_RING_LEAF_SERIES], __ATOMIC_ACQUIRE) : 0;
        if (block != 0)
            tacho_block_merge(sum, tacho_at(block), buckets);
        at = __atomic_load_n(&slot->next, __ATOMIC_ACQUIRE);
    }
}

static uint64_t bucket_count(const struct tacho_ring_block *sum, uint32_t bucket)
{
    uint64_t count = sum->buckets[bucket];
    for (uint32_t i = 0; i < TACHO_RING_CARRIES; i++)
        if (sum->carry_count[i] != 0 && sum->carry_bucket[i] == bucket)
            count += (uint64_t)sum->carry_count[i] << 32;
    return count;
}

// The value that `part` of all lie at or below, by nearest rank, kept within the exact extremes.
static double quantile(const struct tacho_ring_block *sum, uint64_t total, double part)
{
    uint64_t rank = (uint64_t)ceil(part * (double)total), seen = 0;
    for (uint32_t i = 0; i < TACHO_RING_BUCKETS; i++) {
        seen += bucket_count(sum, i);
        if (seen < rank || seen == 0)
            continue;
        double value = (double)tacho_histogram_middle(TACHO_RING_HISTOGRAM_BITS, i);
        return fmin(fmax(value, (double)sum->min), (double)sum->max);
    }
    return (double)sum->max;
}

static void add_quantiles(struct tacho_summary *summary, const struct tacho_ring_block *sum,
                          double scale)
{
    uint64_t total = 0;
    double squares = 0;
    for (uint32_t i = 0; i < TACHO_RING_BUCKETS; i++) {
        uint64_t count = bucket_count(sum, i);
        double away =
            (double)tacho_histogram_middle(TACHO_RING_HISTOGRAM_BITS, i) * scale - summary->mean;
        total += count;
        squares += away * away * (double)count;
    }
    summary->sd = total > 1 ? sqrt(squares / (double)(total - 1)) : TACHO_NOT_AVAILABLE;
    const struct {
        double *value, part;
        uint64_t needs;
    } wanted[] = {{&summary->p50, 0.5, 1},
                  {&summary->p90, 0.9, NEEDS_P90},
                  {&summary->p95, 0.95, NEEDS_P95},
                  {&summary->p99, 0.99, NEEDS_P99},
                  {&summary->p999, 0.999, NEEDS_P999}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        *wanted[i].value = total < wanted[i].needs ? TACHO_NOT_AVAILABLE
                                                   : quantile(sum, total, wanted[i].part) * scale;
}

static void copy_text(char *to, size_t size, uint32_t reference)
{
    const char *from = reference ? tacho_at(reference) : "";
    size_t length = strlen(from);
    if (length >= size)
        length = size - 1;
    memcpy(to, from, length);
    to[length] = 0;
}

// `scale`: nanoseconds per tick for zones, 1 for histograms.
static void summarise(struct tacho_summary *summary, const struct tacho_ring_series *entry,
                      const struct tacho_ring_block *sum, double scale)
{
    double count = (double)sum->count, calls = count + (double)sum->untimed;
    double share = sum->count ? calls / count : 1; // what the timed executions stand for
    summary->kind = entry->kind;
    summary->line = entry->line;
    summary->calls = sum->count + sum->untimed;
    summary->count = sum->count;
    summary->errors = sum->errors;
    summary->over_limit = entry->over_limit;
    summary->total = (double)sum->total * scale * share;
    double spent = (double)sum->total + (double)sum->nested;
    summary->self = fmax(0, (spent - (double)sum->inside) * scale * share);
    if (sum->count == 0) {
        summary->mean = summary->sd = summary->min = summary->max = summary->last =
            TACHO_NOT_AVAILABLE;
        summary->p50 = summary->p90 = summary->p95 = summary->p99 = summary->p999 =
            TACHO_NOT_AVAILABLE;
        return;
    }
    summary->mean = spent * scale / count;
    summary->min = (double)sum->min * scale;
    summary->max = (double)sum->max * scale;
    summary->last = (double)sum->last * scale;
    add_quantiles(summary, sum, scale);
}

static bool same_name(uint32_t id, uint32_t other)
{
    const struct tacho_ring_series *a = tacho_series_at(id), *b = tacho_series_at(other);
    if (a->kind != b->kind || (a->name == 0) != (b->name == 0))
        return false;
    return a->name == 0 ? a->address == b->address
                        : strcmp(tacho_at(a->name), tacho_at(b->name)) == 0;
}

// Whether `id` is the first of its name: places of one name are one summary.
static bool is_first(uint32_t id)
{
    for (uint32_t earlier = 1; earlier < id; earlier++)
        if (same_name(earlier, id))
            return false;
    return true;
}

bool tacho_linux_summary(uint32_t id, double ns_per_tick, struct tacho_summary *summary)
{
    struct tacho_ring_series *entry = tacho_series_at(id);
    bool timed = entry->kind == TACHO_SERIES_ZONE || entry->kind == TACHO_SERIES_FUNCTION;
    uint32_t count = __atomic_load_n(&tacho_core.header->series_count, __ATOMIC_ACQUIRE);
    if (!is_first(id))
        return false;
    struct tacho_ring_block sum;
    memset(&sum, 0, sizeof sum);
    sum.min = UINT64_MAX;
    for (uint32_t other = id; other <= count; other++)
        if (same_name(id, other))
            add_threads(other, &sum);
    memset(summary, 0, sizeof *summary);
    summary->id = id;
    copy_text(summary->name, sizeof summary->name, entry->name);
    copy_text(summary->unit, sizeof summary->unit, entry->unit);
    summarise(summary, entry, &sum, timed ? ns_per_tick : 1);
    if (entry->kind == TACHO_SERIES_COUNTER || entry->kind == TACHO_SERIES_EVENT)
        summary->total = (double)(int64_t)sum.total;
    return true;
}

// Whether there is something to read here; the region of a child may still be its parent's.
static bool can_read(void)
{
    return tacho_core.base != NULL && !tacho_linux.new_image;
}

int tacho_zone_stats_get(const char *name, struct tacho_summary *summary)
{
    if (!can_read())
        return TACHO_ERR_NOT_FOUND;
    double ns_per_tick = 1e9 / tacho_linux_clock_hz();
    uint32_t count = __atomic_load_n(&tacho_core.header->series_count, __ATOMIC_ACQUIRE);
    for (uint32_t id = 1; id <= count; id++) {
        const struct tacho_ring_series *entry = tacho_series_at(id);
        bool is_zone = entry->kind == TACHO_SERIES_ZONE || entry->kind == TACHO_SERIES_HISTOGRAM ||
                       entry->kind == TACHO_SERIES_FUNCTION;
        if (is_zone && entry->name && strcmp(tacho_at(entry->name), name) == 0)
            return tacho_linux_summary(id, ns_per_tick, summary) ? 0 : TACHO_ERR_NOT_FOUND;
    }
    return TACHO_ERR_NOT_FOUND;
}

static bool comes_before(const struct tacho_summary *a, const struct tacho_summary *b,
                         enum tacho_order order)
{
    if (order == TACHO_BY_NAME)
        return strcmp(a->name, b->name) < 0;
    if (order == TACHO_BY_SELF)
        return a->self > b->self;
    return order == TACHO_BY_MEAN ? a->mean > b->mean : a->total > b->total;
}

// Keeps the `max` first of what is offered, in order.
static int insert(struct tacho_summary *summaries, int count, int max,
                  const struct tacho_summary *one, enum tacho_order order)
{
    int at = count;
    while (at > 0 && comes_before(one, &summaries[at - 1], order))
        at--;
    if (at >= max)
        return count;
    int moved = (count < max ? count : max - 1) - at;
    memmove(&summaries[at + 1], &summaries[at], (size_t)moved * sizeof *summaries);
    summaries[at] = *one;
    return count < max ? count + 1 : max;
}

static int collect(struct tacho_summary *summaries, int max, enum tacho_order order,
                   double mean_above_ns)
{
    if (!can_read() || max <= 0)
        return 0;
    double ns_per_tick = 1e9 / tacho_linux_clock_hz();
    uint32_t series = __atomic_load_n(&tacho_core.header->series_count, __ATOMIC_ACQUIRE);
    int count = 0;
    for (uint32_t id = 1; id <= series; id++) {
        uint32_t kind = tacho_series_at(id)->kind;
        struct tacho_summary one;
        if ((kind == TACHO_SERIES_ZONE || kind == TACHO_SERIES_FUNCTION) &&
            tacho_linux_summary(id, ns_per_tick, &one) && one.calls > 0 && one.mean > mean_above_ns)
            count = insert(summaries, count, max, &one, order);
    }
    return count;
}

int tacho_zones_hotspots(struct tacho_summary *summaries, int max, enum tacho_order order)
{
    return collect(summaries, max, order, TACHO_NOT_AVAILABLE - 1);
}

int tacho_zones_slow(struct tacho_summary *summaries, int max, uint64_t threshold_ns)
{
    return collect(summaries, max, TACHO_BY_MEAN, (double)threshold_ns);
}

int tacho_metric_get(const char *name, double *value)
{
    if (!can_read())
        return TACHO_ERR_NOT_FOUND;
    uint32_t count = __atomic_load_n(&tacho_core.header->series_count, __ATOMIC_ACQUIRE);
    for (uint32_t id = 1; id <= count; id++) {
        const struct tacho_ring_series *entry = tacho_series_at(id);
        struct tacho_summary summary;
        if (!entry->name || strcmp(tacho_at(entry->name), name) != 0)
            continue;
        if (entry->kind == TACHO_SERIES_GAUGE)
            *value = (double)entry->value;
        else if (entry->kind == TACHO_SERIES_GAUGE_DOUBLE)
            memcpy(value, &entry->value, sizeof *value);
        else if (entry->kind == TACHO_SERIES_COUNTER && tacho_linux_summary(id, 1, &summary))
            *value = summary.total;
        else
            continue;
        return 0;
    }
    return TACHO_ERR_NOT_FOUND;
}
