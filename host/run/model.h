// A whole run in memory: what the store loads and what analysis and renderers read.
//
// A model is also a sink: records put into it build it up. All times are nanoseconds of the host's
// clock since the start of the run. Indices (not ids) connect the tables; strings are kept once.
#ifndef TACHO_RUN_MODEL_H
#define TACHO_RUN_MODEL_H

#include "base/arena.h"
#include "base/array.h"
#include "base/map.h"
#include "run/clock.h"
#include "run/record.h"

#define TACHO_NO_INDEX UINT32_MAX

struct tacho_run_info {
    const char *id;      // 12 hexadecimal digits, unique in a store
    const char *name;    // what the user called it, "" if nothing
    const char *target;  // as a URL: "exec:xz -9 file", "pid:123"
    const char *command; // as typed
    const char *version; // of the tacho that made it
    int64_t start_unix_ns;
    int64_t start_host_ns; // the zero of all times below
    int64_t duration_ns;
    bool finished; // false: tacho was stopped before it could close the run
    bool has_exit;
    int exit_status; // as from waitpid
};

struct tacho_run_clock {
    const char *name;
    double hz, resolution_ns;
    uint32_t wrap_bits;
    struct tacho_clock clock;
};

struct tacho_run_thread {
    uint32_t pid, tid, parent_pid;
    const char *name, *command;
    int64_t start_ns, end_ns; // INT64_MIN: not known
    bool has_exit;
    int exit_status;
};

struct tacho_run_series { // one metric: its description and samples
    const char *name, *subject, *unit, *help;
    uint8_t kind, direction, flags;
    bool reduced; // samples are means of blocks, low/high their extremes (a long run was loaded)
    size_t count, capacity;
    int64_t *time_ns;
    double *value;
    double *low, *high; // NULL unless reduced
};

struct tacho_run_zone {
    const char *name, *file, *function; // name "" until symbolised where `frame` is set
    uint32_t line;
    uint32_t frame; // index of the frame that names a compiler-hooked function, or TACHO_NO_INDEX
};

struct tacho_run_zone_stats { // one zone on one thread
    uint32_t zone, thread;    // indices
    uint64_t count, errors;
    uint64_t total_ns, self_ns, min_ns, max_ns, last_ns;
    uint32_t sub_bucket_bits, bucket_count, sampled_one_in;
    const struct tacho_histogram_bucket *buckets;
};

struct tacho_run_span {
    uint32_t zone, thread;                  // indices
    int64_t begin_ns, duration_ns, self_ns; // self_ns < 0: not known
    uint16_t depth;
    uint8_t status;
};

struct tacho_run_event {
    const char *name, *text;
    uint32_t thread; // index or TACHO_NO_INDEX
    int64_t time_ns;
    double value;
};

struct tacho_run_note {
    uint8_t kind;
    const char *subject, *text;
    double value;
};

struct tacho_run_environment {
    const char *key, *value;
};

struct tacho_run_module { // a file that held sampled code
    const char *path;     // "[kernel]", "[vdso]", "[jit PID]", "[anonymous]" too
    const char *build_id; // hexadecimal, "" if none
};

enum tacho_frame_flag {
    TACHO_FRAME_KERNEL = 1 << 0,
    TACHO_FRAME_INLINED = 1 << 1, // was inlined into the frame `caller`
    TACHO_FRAME_JIT = 1 << 2,
    TACHO_FRAME_INTERPRETED = 1 << 3, // a function of an interpreted language
    TACHO_FRAME_SYMBOLISED = 1 << 4,  // symbols were looked for
};

struct tacho_run_frame {
    uint32_t module;      // index or TACHO_NO_INDEX
    uint64_t address;     // offset in the module's file; [kernel], JIT and anonymous code: absolute
    const char *function; // "" until symbolised; then never "": "[unknown]" at least
    const char *file;     // source file, "" if not known
    uint32_t line;        // 0: not known
    uint32_t flags;       // enum tacho_frame_flag
    uint32_t caller;      // the frame it was inlined into, or TACHO_NO_INDEX
};

struct tacho_run_node { // a node of the tree of all stacks; a stack is its innermost node
    uint32_t parent;    // index of the caller's node, TACHO_NO_INDEX at the outermost
    uint32_t frame;     // index
};

struct tacho_run_profile_sample {
    int64_t time_ns;
    uint32_t thread; // index
    uint32_t node;   // innermost node
    int64_t weight;
    uint16_t flags; // enum tacho_stack_flag
};

struct tacho_run_profile {
    const char *name, *unit, *sampler;
    double period, rate_hz;
    TACHO_ARRAY(struct tacho_run_profile_sample) samples;
};

struct tacho_run {
    struct tacho_sink sink; // put records here
    struct tacho_run_info info;
    TACHO_ARRAY(struct tacho_run_clock) clocks;
    TACHO_ARRAY(struct tacho_run_thread) threads;
    TACHO_ARRAY(struct tacho_run_series) series;
    TACHO_ARRAY(struct tacho_run_zone) zones;
    TACHO_ARRAY(struct tacho_run_zone_stats) zone_stats;
    TACHO_ARRAY(struct tacho_run_span) spans;
    TACHO_ARRAY(struct tacho_run_event) events;
    TACHO_ARRAY(struct tacho_run_note) notes;
    TACHO_ARRAY(struct tacho_run_environment) environment;
    TACHO_ARRAY(struct tacho_run_module) modules;
    TACHO_ARRAY(struct tacho_run_frame) frames;
    TACHO_ARRAY(struct tacho_run_node) nodes;
    TACHO_ARRAY(struct tacho_run_profile) profiles;
    struct tacho_strings strings; // owner of every string above
    struct tacho_arena arena;     // owner of the other memory that series and statistics point to
    // Private: ids to indices, and the hashes that keep modules, frames, nodes ... once.
    struct tacho_map ids, module_index, frame_index, node_index, stats_index, thread_index;
    struct tacho_map zone_index, series_index;
    struct tacho_address_spaces *spaces; // the symbol maps of each process
};

void tacho_run_init(struct tacho_run *run);
void tacho_run_release(struct tacho_run *run);

// Kept once: returns the index of an equal one that is already there.
uint32_t tacho_run_module_add(struct tacho_run *run, const char *path, const char *build_id);
uint32_t tacho_run_frame_add(struct tacho_run *run, uint32_t module, uint64_t address,
                             uint32_t flags);
// A frame that has a name but no address (an interpreter's), or one made by a symboliser as the
// place that another was inlined into.
uint32_t tacho_run_frame_add_named(struct tacho_run *run, const char *function, const char *file,
                                   uint32_t line, uint32_t module, uint32_t flags);
// The same for a place that was itself inlined into the frame `caller`.
uint32_t tacho_run_frame_add_inlined(struct tacho_run *run, const char *function, const char *file,
                                     uint32_t line, uint32_t module, uint32_t caller);
uint32_t tacho_run_node_add(struct tacho_run *run, uint32_t parent, uint32_t frame);
// Gives the zones that stand for compiler-hooked functions the names of their symbolised frames.
void tacho_run_zones_name(struct tacho_run *run);

// For loaders: a new series, and a sample of it (time relative to the run's start).
struct tacho_run_series *tacho_run_series_add(struct tacho_run *run);
void tacho_run_series_push(struct tacho_run_series *series, int64_t time_ns, double value);
// The series with this name and subject, or NULL.
const struct tacho_run_series *tacho_run_series_find(const struct tacho_run *run, const char *name,
                                                     const char *subject);
// The value of an environment key, or NULL.
const char *tacho_run_environment_find(const struct tacho_run *run, const char *key);

#endif
