// Pieces of JSON that several reports share; internal to host/render.
#ifndef TACHO_RENDER_JSON_PARTS_H
#define TACHO_RENDER_JSON_PARTS_H

#include "analyze/facts.h"
#include "analyze/statistics.h"
#include "analyze/zones.h"
#include "base/json_writer.h"
#include "render/report.h"

// Members of an open object: id, name, target, command, times, exit.
void tacho_json_run_info(struct tacho_json *json, const struct tacho_run *run,
                         const struct tacho_facts *facts);
// Members: wall_seconds, cpu_user_seconds, ... and the growth of memory.
void tacho_json_facts(struct tacho_json *json, const struct tacho_facts *facts);
// Members: count, errors, mean, deviation, min, max, last, p50 ... with `suffix` behind each but
// the first two ("_ns").
void tacho_json_statistics(struct tacho_json *json, const struct tacho_statistics *statistics,
                           const char *suffix);
// An array of notes, and an object of the environment.
void tacho_json_notes(struct tacho_json *json, const struct tacho_run *run);
void tacho_json_environment(struct tacho_json *json, const struct tacho_run *run);
// Keys and their arrays: "clocks"; "threads", processes included.
void tacho_json_clocks(struct tacho_json *json, const struct tacho_run *run);
void tacho_json_threads(struct tacho_json *json, const struct tacho_report *report);
// Key and array "slow_spans": those of options.slow_ns and above, at most `top`.
void tacho_json_slow_spans(struct tacho_json *json, const struct tacho_report *report, size_t top);
// The word for a note's kind: "info", "loss", ...
const char *tacho_note_kind_name(uint8_t kind);
const char *tacho_metric_kind_name(uint8_t kind);
const char *tacho_growth_verdict_name(enum tacho_growth_verdict verdict);

#endif
