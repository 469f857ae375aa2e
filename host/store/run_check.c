// Whether the tables of a loaded run fit together: see run_check.h.
#include "store/run_check.h"

#define INLINE_DEPTH_MAX    4096u
#define SUB_BUCKET_BITS_MAX 16u

static int wrong(struct tacho_fail *fail, const char *table, size_t row, const char *what)
{
    return tacho_fail_set(fail, TACHO_ERR_FORMAT, "row %zu of the %s has an impossible %s", row,
                          table, what);
}

static bool is_index_or_none(uint32_t index, size_t count)
{
    return index < count || index == TACHO_NO_INDEX;
}

static int frames_check(const struct tacho_run *run, struct tacho_fail *fail)
{
    for (size_t i = 0; i < run->frames.count; i++) {
        const struct tacho_run_frame *frame = &run->frames.items[i];
        if (!is_index_or_none(frame->module, run->modules.count))
            return wrong(fail, "frames", i, "module");
        unsigned depth = 0;
        uint32_t caller = frame->caller;
        while (caller != TACHO_NO_INDEX) {
            if (caller >= run->frames.count || ++depth > INLINE_DEPTH_MAX)
                return wrong(fail, "frames", i, "caller");
            caller = run->frames.items[caller].caller;
        }
    }
    for (size_t i = 0; i < run->nodes.count; i++) {
        const struct tacho_run_node *node = &run->nodes.items[i];
        if (node->frame >= run->frames.count)
            return wrong(fail, "nodes", i, "frame");
        // A parent is always there before its child, so there cannot be a cycle.
        if (node->parent != TACHO_NO_INDEX && node->parent >= i)
            return wrong(fail, "nodes", i, "parent");
    }
    return 0;
}

static int stats_check(const struct tacho_run *run, struct tacho_fail *fail)
{
    for (size_t i = 0; i < run->zones.count; i++)
        if (!is_index_or_none(run->zones.items[i].frame, run->frames.count))
            return wrong(fail, "zones", i, "frame");
    for (size_t i = 0; i < run->zone_stats.count; i++) {
        const struct tacho_run_zone_stats *stats = &run->zone_stats.items[i];
        if (stats->zone >= run->zones.count)
            return wrong(fail, "zone_stats", i, "zone");
        if (stats->thread >= run->threads.count)
            return wrong(fail, "zone_stats", i, "thread");
        if (stats->sub_bucket_bits > SUB_BUCKET_BITS_MAX)
            return wrong(fail, "zone_stats", i, "sub_bucket_bits");
        for (uint32_t j = 0; j < stats->bucket_count; j++)
            if (stats->buckets[j].bucket >= 66u << stats->sub_bucket_bits)
                return wrong(fail, "zone_stats", i, "bucket");
    }
    return 0;
}

static int spans_check(const struct tacho_run *run, struct tacho_fail *fail)
{
    for (size_t i = 0; i < run->spans.count; i++) {
        const struct tacho_run_span *span = &run->spans.items[i];
        if (span->zone >= run->zones.count)
            return wrong(fail, "spans", i, "zone");
        if (span->thread >= run->threads.count)
            return wrong(fail, "spans", i, "thread");
        if (span->status > TACHO_SPAN_OPEN)
            return wrong(fail, "spans", i, "status");
    }
    for (size_t i = 0; i < run->events.count; i++)
        if (!is_index_or_none(run->events.items[i].thread, run->threads.count))
            return wrong(fail, "events", i, "thread");
    return 0;
}

static int profiles_check(const struct tacho_run *run, struct tacho_fail *fail)
{
    for (size_t i = 0; i < run->profiles.count; i++) {
        const struct tacho_run_profile *profile = &run->profiles.items[i];
        for (size_t j = 0; j < profile->samples.count; j++) {
            if (profile->samples.items[j].thread >= run->threads.count)
                return wrong(fail, "stacks", j, "thread");
            if (profile->samples.items[j].node >= run->nodes.count)
                return wrong(fail, "stacks", j, "node");
        }
    }
    return 0;
}

static int lists_check(const struct tacho_run *run, struct tacho_fail *fail)
{
    for (size_t i = 0; i < run->series.count; i++) {
        if (run->series.items[i].kind > TACHO_METRIC_HISTOGRAM)
            return wrong(fail, "series", i, "kind");
        if (run->series.items[i].direction > TACHO_DIRECTION_HIGHER)
            return wrong(fail, "series", i, "direction");
    }
    for (size_t i = 0; i < run->notes.count; i++)
        if (run->notes.items[i].kind > TACHO_NOTE_WARNING)
            return wrong(fail, "notes", i, "kind");
    return 0;
}

int tacho_run_check(const struct tacho_run *run, struct tacho_fail *fail)
{
    int (*const checks[])(const struct tacho_run *, struct tacho_fail *) = {
        frames_check, stats_check, spans_check, profiles_check, lists_check};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (checks[i](run, fail) < 0)
            return fail->code;
    return 0;
}
