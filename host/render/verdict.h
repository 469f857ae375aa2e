// How the verdicts of a budget are written: one function per format.
#ifndef TACHO_RENDER_VERDICT_H
#define TACHO_RENDER_VERDICT_H

#include <stdbool.h>

#include "analyze/budget.h"
#include "base/out.h"

struct tacho_verdict_report {
    const struct tacho_budget *budget;
    const struct tacho_budget_check *check;
    const struct tacho_run *run, *baseline; // baseline may be NULL
    bool strict;                            // warnings and missing data fail, too
};

// The names of the formats as a choice of --format.
extern const char tacho_verdict_formats[];

// Writes the report in the format of that name; TACHO_ERR_USAGE for another name.
int tacho_verdict_render(const char *format, const struct tacho_verdict_report *report,
                         struct tacho_out *out, struct tacho_fail *fail);

// One line: "critical: p95 412 ms, at most 200 ms (p95 of 1,000 executions)".
void tacho_verdict_sentence(const struct tacho_budget_result *result, struct tacho_buffer *text);
// "<= 200 ms", ">= 70 %", "+10 %"; and the measured value.
void tacho_verdict_bound(const struct tacho_budget_result *result, struct tacho_buffer *text);
void tacho_verdict_measured(const struct tacho_budget_result *result, struct tacho_buffer *text);

// The formats, each in its file.
void tacho_verdict_text(const struct tacho_verdict_report *report, struct tacho_out *out);
void tacho_verdict_json(const struct tacho_verdict_report *report, struct tacho_out *out);
void tacho_verdict_junit(const struct tacho_verdict_report *report, struct tacho_out *out);
void tacho_verdict_github(const struct tacho_verdict_report *report, struct tacho_out *out);
void tacho_verdict_markdown(const struct tacho_verdict_report *report, struct tacho_out *out);
void tacho_verdict_sarif(const struct tacho_verdict_report *report, struct tacho_out *out);

#endif
