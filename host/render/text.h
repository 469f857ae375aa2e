// The parts of the text report; internal to host/render.
#ifndef TACHO_RENDER_TEXT_H
#define TACHO_RENDER_TEXT_H

#include "analyze/facts.h"
#include "render/report.h"

#define TACHO_STYLE_BOLD  "\033[1m"
#define TACHO_STYLE_DIM   "\033[2m"
#define TACHO_STYLE_RED   "\033[31m"
#define TACHO_STYLE_GREEN "\033[32m"
#define TACHO_STYLE_BLUE  "\033[36m"
#define TACHO_STYLE_END   "\033[0m"

// A section's heading, with an empty line before it.
void tacho_text_heading(struct tacho_out *out, const char *heading);
void tacho_text_profile(const struct tacho_report *report, struct tacho_out *out);
void tacho_text_zones(const struct tacho_report *report, struct tacho_out *out);
void tacho_text_slow_spans(const struct tacho_report *report, struct tacho_out *out);
void tacho_text_threads(const struct tacho_report *report, struct tacho_out *out);
void tacho_text_metrics(const struct tacho_report *report, struct tacho_out *out);
void tacho_text_events(const struct tacho_report *report, struct tacho_out *out);
void tacho_text_notes(const struct tacho_report *report, const struct tacho_facts *facts,
                      struct tacho_out *out);
// "exit 0", "killed by signal 9 (Killed)", "still running" ...
void tacho_text_exit(const struct tacho_facts *facts, const struct tacho_run_info *info, char *text,
                     size_t size);

#endif
