// The slowest executions of zones: single spans, where the run has them.
#ifndef TACHO_ANALYZE_SLOW_SPANS_H
#define TACHO_ANALYZE_SLOW_SPANS_H

#include "run/model.h"

struct tacho_slow_spans {
    TACHO_ARRAY(uint32_t) items; // indices into run->spans, the slowest first
    uint64_t found;              // spans that are slow enough, before `top` cut the list
};

// Spans that took `least_ns` or more, at most `top` of them; of one process or thread where `pid`
// or `tid` is not 0. A span that had not ended is left out. Time: O(spans + slow ones * top).
void tacho_slow_spans_find(struct tacho_slow_spans *slow, const struct tacho_run *run,
                           int64_t least_ns, size_t top, uint32_t pid, uint32_t tid);
void tacho_slow_spans_release(struct tacho_slow_spans *slow);

#endif
