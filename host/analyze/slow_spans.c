// The slowest executions of zones: a list kept in order while the spans pass by once.
#include "analyze/slow_spans.h"

#include <string.h>

static bool is_wanted(const struct tacho_run *run, const struct tacho_run_span *span, uint32_t pid,
                      uint32_t tid)
{
    if (span->zone >= run->zones.count || span->status == TACHO_SPAN_OPEN || span->duration_ns < 0)
        return false;
    if (pid == 0 && tid == 0)
        return true;
    return span->thread < run->threads.count &&
           (pid == 0 || run->threads.items[span->thread].pid == pid) &&
           (tid == 0 || run->threads.items[span->thread].tid == tid);
}

// Puts a span behind those that took as long or longer; the list keeps its length when it is full.
static void insert(struct tacho_slow_spans *slow, const struct tacho_run *run, uint32_t index,
                   size_t top)
{
    const struct tacho_run_span *spans = run->spans.items;
    size_t at = slow->items.count;

    if (at == top && spans[index].duration_ns <= spans[slow->items.items[at - 1]].duration_ns)
        return;
    if (at < top)
        tacho_array_push(&slow->items, index);
    else
        at--;
    for (; at > 0 && spans[slow->items.items[at - 1]].duration_ns < spans[index].duration_ns; at--)
        slow->items.items[at] = slow->items.items[at - 1];
    slow->items.items[at] = index;
}

void tacho_slow_spans_find(struct tacho_slow_spans *slow, const struct tacho_run *run,
                           int64_t least_ns, size_t top, uint32_t pid, uint32_t tid)
{
    memset(slow, 0, sizeof *slow);
    for (size_t i = 0; i < run->spans.count; i++) {
        const struct tacho_run_span *span = &run->spans.items[i];

        if (span->duration_ns < least_ns || !is_wanted(run, span, pid, tid))
            continue;
        slow->found++;
        if (top > 0)
            insert(slow, run, (uint32_t)i, top);
    }
}

void tacho_slow_spans_release(struct tacho_slow_spans *slow)
{
    tacho_array_release(&slow->items);
}
