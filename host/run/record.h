// The spine: the records that every source pushes and every sink takes, one struct per line of
// include/tacho/events.def.
//
// Ids (clock, metric, zone, thread, profile) are numbers from tacho_record_id_new(), unique in this
// process, so that several sources can feed one sink. A description is pushed before the first
// record that names its id. Strings and arrays in a record are borrowed for the time of the call.
// Units at rest: nanoseconds, seconds, bytes, ratio (0..1), counts.
#ifndef TACHO_RUN_RECORD_H
#define TACHO_RUN_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"

enum tacho_record_kind {
    TACHO_RECORD_NONE = 0,
#define TACHO_EVENT(name, number, text) TACHO_RECORD_##name = (number),
#include "tacho/events.def"
#undef TACHO_EVENT
};

// The id of the host's clock: CLOCK_MONOTONIC in nanoseconds. Needs no description.
#define TACHO_CLOCK_HOST 1u

enum tacho_metric_kind {
    TACHO_METRIC_GAUGE = 0,
    TACHO_METRIC_COUNTER = 1,
    TACHO_METRIC_HISTOGRAM = 2
};

enum tacho_direction {
    TACHO_DIRECTION_NONE = 0, // neither is better: a description, not a goal
    TACHO_DIRECTION_LOWER = 1,
    TACHO_DIRECTION_HIGHER = 2,
};

enum tacho_record_flag {
    TACHO_FLAG_SIMULATED = 1 << 0, // from an emulator or a model, not the real thing
};

struct tacho_clock_info { // CLOCK: a description (hz > 0), or a mapping point (hz == 0)
    uint32_t id;
    const char *name;     // "tsc", "dwt", "clock_monotonic"
    double hz;            // ticks per second
    double resolution_ns; // the smallest step that was seen
    uint32_t wrap_bits;   // 0: does not wrap
    int64_t host_ns;      // mapping point: record.time ticks were this instant of the host's clock
};

struct tacho_metric_info { // METRIC
    uint32_t id;
    const char *name; // a row of host/run/metrics.def, or the program's own metric
    const char
        *subject;     // what it was measured on: "run", "host", "process 123 sqlite3", "thread 124"
    const char *unit; // "seconds", "bytes", "ratio", "count", "celsius", "watts", "hertz", ...
    const char *help; // one sentence, may be NULL
    uint8_t kind;     // enum tacho_metric_kind; a counter's samples are its running total
    uint8_t direction; // enum tacho_direction
};

struct tacho_sample { // SAMPLE; NaN is "not available at this instant"
    uint32_t metric;
    double value;
};

struct tacho_zone_info { // ZONE
    uint32_t id;
    const char *name, *file, *function; // file and function may be NULL
    uint32_t line;
    uint64_t address; // a compiler-hooked function to be named by its address, else 0
    uint32_t pid;
};

// A log-linear histogram: bucket b covers [tacho_histogram_low(b), tacho_histogram_low(b + 1)), see
// include/tacho/histogram.h for the layout. Only buckets that are not empty are listed.
struct tacho_histogram_bucket {
    uint32_t bucket;
    uint64_t count;
};

struct tacho_zone_stats { // ZONE_STATS: totals since the start, a later record replaces an earlier
                          // one
    uint32_t zone, thread;
    uint64_t count, errors;
    uint64_t total_ns, self_ns, min_ns, max_ns, last_ns;
    uint32_t sub_bucket_bits; // of the histogram, which is over total time in nanoseconds
    uint32_t bucket_count;
    const struct tacho_histogram_bucket *buckets;
    uint32_t sampled_one_in; // 1: every call was measured
};

enum tacho_span_status { TACHO_SPAN_OK = 0, TACHO_SPAN_ERROR = 1, TACHO_SPAN_OPEN = 2 };

struct tacho_span { // SPAN: record.time is its begin
    uint32_t zone, thread;
    int64_t duration_ticks, self_ticks; // self < 0: not known
    uint16_t depth;                     // 0: outermost on its thread
    uint8_t status;                     // enum tacho_span_status; OPEN: had not ended when read
};

struct tacho_event_info { // EVENT
    const char *name;
    const char *text; // may be NULL
    uint32_t thread;  // 0: none
    double value;     // NaN: none
};

enum tacho_stack_flag {
    TACHO_STACK_TRUNCATED = 1 << 0, // the walk ended before the outermost frame
    TACHO_STACK_IDLE = 1 << 1,
};

// A named frame that stands in place of the native frame addresses[at]; several with the same `at`,
// innermost first, replace that one together.
struct tacho_stack_name {
    uint16_t at;
    uint32_t line; // 0: not known
    const char *function, *file;
};

struct tacho_stack { // STACK: addresses innermost first; the first kernel_count are kernel
                     // addresses
    uint32_t profile, thread;
    int64_t weight; // in the profile's unit
    uint32_t pid;   // whose address space
    uint16_t count, kernel_count;
    uint16_t flags; // enum tacho_stack_flag
    const uint64_t *addresses;
    // Frames that the source already named (an interpreter's), ascending `at`; may be NULL.
    uint16_t named_count;
    const struct tacho_stack_name *named;
};

// MAP: a mapping replaces what it overlaps. path NULL: the process has no maps any more (an exec).
// A THREAD record of a new process with a parent_pid inherits the parent's maps.
struct tacho_map_info {
    uint32_t pid;
    uint64_t start, end, offset; // as in /proc/PID/maps
    const char *path;            // "" : anonymous; "[vdso]"; "[kernel]"
    const uint8_t *build_id;     // may be NULL
    uint32_t build_id_size;
    bool executable;
};

enum tacho_note_kind {
    TACHO_NOTE_INFO = 0,
    TACHO_NOTE_LOSS = 1, // value: how many were lost
    TACHO_NOTE_CLOCK = 2,
    TACHO_NOTE_SIMULATED = 3,
    TACHO_NOTE_NOT_AVAILABLE = 4, // what could not be measured, and the setting that forbids it
    TACHO_NOTE_OVERHEAD = 5,      // value: seconds of CPU that tacho itself used
    TACHO_NOTE_WARNING = 6,
};

struct tacho_note {      // NOTE
    uint8_t kind;        // enum tacho_note_kind
    const char *subject; // what it is about: "sampler", "collector", "ring 123"
    const char *text;    // one sentence without a full stop
    double value;        // NaN: none
};

struct tacho_thread_info {    // THREAD: pushed again when something of it becomes known
    uint32_t id;              // a record id, not a tid
    uint32_t pid, tid;        // pid == tid: the process' first thread, stands for the process too
    uint32_t parent_pid;      // 0: not known
    const char *name;         // NULL: no news
    const char *command;      // of a process; NULL: no news
    int64_t start_ns, end_ns; // host clock; 0: not known
    bool has_exit;
    int exit_status; // as from waitpid
};

struct tacho_environment { // ENVIRONMENT
    const char *key, *value;
};

struct tacho_profile_info { // PROFILE
    uint32_t id;
    const char *name;    // "cpu", "off-cpu", "allocations"
    const char *unit;    // "nanoseconds", "bytes", "count": what the weights are
    const char *sampler; // "perf cpu-clock", "perf cycles", "agent timer", ...
    double period;       // nominal, in the sampler's own unit (nanoseconds, cycles, bytes); NaN
    double rate_hz;      // the rate that was really reached; NaN: not known yet
};

struct tacho_record {
    uint8_t kind;   // enum tacho_record_kind
    uint8_t flags;  // enum tacho_record_flag
    uint32_t clock; // of `time`; 0 is taken as TACHO_CLOCK_HOST
    int64_t time;   // ticks of that clock
    union {
        struct tacho_clock_info clock_info;
        struct tacho_metric_info metric;
        struct tacho_sample sample;
        struct tacho_zone_info zone;
        struct tacho_zone_stats zone_stats;
        struct tacho_span span;
        struct tacho_event_info event;
        struct tacho_stack stack;
        struct tacho_map_info map;
        struct tacho_note note;
        struct tacho_thread_info thread;
        struct tacho_environment environment;
        struct tacho_profile_info profile;
    };
};

// The name of a record kind as in events.def, in lower case; NULL for an unknown kind.
const char *tacho_record_kind_name(unsigned kind);

// A new id, never 0 or TACHO_CLOCK_HOST. Context: any thread.
uint32_t tacho_record_id_new(void);

// Takes records. `put` borrows the record; a failure is final (full disk, broken pipe): the source
// stops and hands the failure up.
struct tacho_sink {
    int (*put)(struct tacho_sink *sink, const struct tacho_record *record, struct tacho_fail *fail);
};

static inline int tacho_sink_put(struct tacho_sink *sink, const struct tacho_record *record,
                                 struct tacho_fail *fail)
{
    return sink->put(sink, record, fail);
}

// The records that most sources push, made in one call. Time 0 is "now".
int tacho_sink_note(struct tacho_sink *sink, enum tacho_note_kind kind, const char *subject,
                    double value, struct tacho_fail *fail, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
int tacho_sink_environment(struct tacho_sink *sink, const char *key, const char *value,
                           struct tacho_fail *fail);
int tacho_sink_sample(struct tacho_sink *sink, uint32_t metric, int64_t time_ns, double value,
                      struct tacho_fail *fail);
// Describes a metric of metrics.def (its row gives unit, kind, direction); returns the new id in
// *id.
int tacho_sink_metric(struct tacho_sink *sink, const char *name, const char *subject, uint32_t *id,
                      struct tacho_fail *fail);

#endif
