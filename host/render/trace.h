// What the trace formats share: the part of the run that goes into the trace, and whose a series
// is.
#ifndef TACHO_RENDER_TRACE_H
#define TACHO_RENDER_TRACE_H

#include "render/report.h"

struct tacho_trace {
    int64_t begin_ns, end_ns; // what overlaps [begin_ns, end_ns) is in
    uint64_t events;          // how many events that is, about
    uint64_t left_out;
    char note[320];              // what was cut and why; "" if nothing
    TACHO_ARRAY(uint32_t) spans; // those in the window, see tacho_trace_order
};

// Chooses the window: the filter's; around the event or zone of options.around; and when that still
// holds more than options.events_max events, its last part that does not.
int tacho_trace_open(struct tacho_trace *trace, const struct tacho_report *report,
                     bool with_samples, struct tacho_fail *fail);
// Orders the spans by thread, then begin, outer before inner; before that they are in the run's
// order.
void tacho_trace_order(struct tacho_trace *trace, const struct tacho_run *run);
void tacho_trace_release(struct tacho_trace *trace);

static inline bool tacho_trace_has(const struct tacho_trace *trace, int64_t time_ns)
{
    return time_ns >= trace->begin_ns && time_ns < trace->end_ns;
}

// The pid that a series' subject names ("process 12 x"), else 0. `*tid`: of "thread 13 y", else 0.
uint32_t tacho_trace_pid(const struct tacho_run *run, const struct tacho_run_series *series,
                         uint32_t *tid);

#endif
