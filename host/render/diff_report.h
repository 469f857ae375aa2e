// Reports of the difference between two runs.
#ifndef TACHO_RENDER_DIFF_REPORT_H
#define TACHO_RENDER_DIFF_REPORT_H

#include "analyze/diff.h"
#include "base/out.h"
#include "render/report.h"

// The formats, separated by "|", as a choice of --format.
#define TACHO_DIFF_FORMATS "text|json|html|svg"

// Renders what changed from `before` to `after`. Of the options, `profile`, `filter` and `top`
// count. Fails when there is no such format, or svg is asked for and neither run has a profile.
int tacho_diff_render(const char *format, const struct tacho_run *before,
                      const struct tacho_run *after, const struct tacho_report_options *options,
                      struct tacho_out *out, struct tacho_fail *fail);

int tacho_diff_text(const struct tacho_diff *diff, size_t top, struct tacho_out *out,
                    struct tacho_fail *fail);
int tacho_diff_json(const struct tacho_diff *diff, size_t top, struct tacho_out *out,
                    struct tacho_fail *fail);
int tacho_diff_html(const struct tacho_diff *diff, size_t top, struct tacho_out *out,
                    struct tacho_fail *fail);
int tacho_diff_svg(const struct tacho_diff *diff, size_t top, struct tacho_out *out,
                   struct tacho_fail *fail);

// How much a node's share of the whole changed, in shares of the whole.
double tacho_diff_node_change(const struct tacho_diff *diff, const struct tacho_diff_node *node);

#endif
