// Reports of a run: one table of formats, one function each, all with the same options.
#ifndef TACHO_RENDER_REPORT_H
#define TACHO_RENDER_REPORT_H

#include "analyze/calltree.h"
#include "analyze/hotspots.h"
#include "base/out.h"
#include "run/model.h"

#define TACHO_REPORT_TOP_DEFAULT  15
#define TACHO_REPORT_SLOW_DEFAULT 5
// More events than this are too much for the viewers of traces; the trace is cut by time then.
#define TACHO_REPORT_EVENTS_MAX_DEFAULT 2000000u

// Zero is the default of each.
struct tacho_report_options {
    const char *profile;                // name; NULL: "cpu", else the first
    struct tacho_profile_filter filter; // its time window and process or thread hold for traces too
    const char *function;               // hotspots with a matching name only
    const char *callers_of, *callees_of; // text, json: these lists as well
    enum tacho_hotspot_order order;
    size_t top;        // rows per table
    int64_t slow_ns;   // text, json: all spans that took so long; 0: the slowest few
    const char *table; // csv: which table
    // Traces: only the time around the first event, or the slowest span of the zone, of this name.
    const char *around;
    int64_t margin_ns;   // before and after it; 0: 100 ms
    uint64_t events_max; // of a trace
};

// What a format's function gets: the run, the options with defaults filled in, and the profile
// folded; formats that keep single samples get only the tree's functions.
struct tacho_report {
    const struct tacho_run *run;
    struct tacho_report_options options;
    const struct tacho_run_profile *profile; // NULL: the run has none
    struct tacho_calltree tree;
};

struct tacho_report_format {
    const char *name, *extension, *summary;
    int (*render)(const struct tacho_report *report, struct tacho_out *out,
                  struct tacho_fail *fail);
};

extern const struct tacho_report_format tacho_report_formats[];
extern const size_t tacho_report_format_count;

// NULL when there is no such format; the failure then lists them.
const struct tacho_report_format *tacho_report_format_find(const char *name,
                                                           struct tacho_fail *fail);

// Whether its bytes are not for a terminal.
bool tacho_report_format_is_binary(const struct tacho_report_format *format);

// Renders `run` to `out` (not finished: the caller calls tacho_out_finish). Fails when the options
// name a profile, table or event that the run does not have.
int tacho_report_render(const struct tacho_report_format *format, const struct tacho_run *run,
                        const struct tacho_report_options *options, struct tacho_out *out,
                        struct tacho_fail *fail);

#define TACHO_REPORT_FORMAT(name, extension, summary)                                              \
    int tacho_report_##name(const struct tacho_report *report, struct tacho_out *out,              \
                            struct tacho_fail *fail);
#include "render/formats.def"
#undef TACHO_REPORT_FORMAT

#endif
