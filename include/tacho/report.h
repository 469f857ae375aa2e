// Reports made inside the program: useful without the tacho command (L9, I6).
//
//     tacho_start(NULL);
//     ...
//     tacho_report(2);                         // a table of all zones and metrics on stderr
//
//     struct tacho_summary top[10];
//     int n = tacho_zones_hotspots(top, 10, TACHO_BY_TOTAL);
//
// What: the statistics of all threads, added up at the moment of the call, also of threads that
// ended. Context: any thread, not signal handlers. While other threads record, counts and times of
// a zone may
//   differ by the executions that end during the call.
// Time: proportional to zones times threads. Memory: the caller's, and the stack (16 KB).
// Statistics must have been recorded (modes statistics, production, detailed).
#ifndef TACHO_REPORT_H
#define TACHO_REPORT_H

#include <stdint.h>

#include "tacho/series.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TACHO_SUMMARY_NAME_MAX 96
#define TACHO_NOT_AVAILABLE    (-1.0) // of the fields below: this many calls cannot support it

// The summary of a zone (times in nanoseconds) or of a histogram (in its unit).
struct tacho_summary {
    char name[TACHO_SUMMARY_NAME_MAX];
    char unit[16];
    uint32_t id, kind, line;
    uint64_t calls; // all
    uint64_t count; // those that were timed; fewer than calls when sampled
    uint64_t errors;
    uint64_t over_limit;
    double total; // recursion not counted twice; estimated from the timed calls when sampled
    double self;  // without the zones inside
    double mean, sd, min, max, last;
    // From the histogram, off by at most 1.6 %. p99 needs 100 calls, p99.9 needs 1,000, p95 20,
    // p90 10.
    double p50, p90, p95, p99, p999;
};

enum tacho_order { TACHO_BY_TOTAL = 0, TACHO_BY_SELF = 1, TACHO_BY_MEAN = 2, TACHO_BY_NAME = 3 };

#ifndef TACHO_OFF
// The zone called `name` (all places of that name together). Returns 0 or TACHO_ERR_NOT_FOUND.
TACHO_API int tacho_zone_stats_get(const char *name, struct tacho_summary *summary);
// The first `max` zones in that order; returns how many were written.
TACHO_API int tacho_zones_hotspots(struct tacho_summary *summaries, int max,
                                   enum tacho_order order);
// The zones whose mean is above `threshold_ns`, slowest first; returns how many were written.
TACHO_API int tacho_zones_slow(struct tacho_summary *summaries, int max, uint64_t threshold_ns);
// The value of the counter called `name`, or the last value of a gauge. Returns 0 or TACHO_ERR_*.
TACHO_API int tacho_metric_get(const char *name, double *value);
// Writes the report as text to a file descriptor. Returns 0 or TACHO_ERR_IO.
TACHO_API int tacho_report(int fd);
#else
#define tacho_zone_stats_get(name, summary)            ((void)(summary), -7)
#define tacho_zones_hotspots(summaries, max, order)    ((void)(summaries), 0)
#define tacho_zones_slow(summaries, max, threshold_ns) ((void)(summaries), 0)
#define tacho_metric_get(name, value)                  ((void)(value), -7)
#define tacho_report(fd)                               (0)
#endif

#ifdef __cplusplus
}
#endif

#endif
