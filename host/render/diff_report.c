// Reports of the difference between two runs: the table of their formats.
#include "render/diff_report.h"

#include <string.h>

int tacho_diff_render(const char *format, const struct tacho_run *before,
                      const struct tacho_run *after, const struct tacho_report_options *options,
                      struct tacho_out *out, struct tacho_fail *fail)
{
    static const struct {
        const char *name;
        int (*render)(const struct tacho_diff *diff, size_t top, struct tacho_out *out,
                      struct tacho_fail *fail);
    } formats[] = {{"text", tacho_diff_text},
                   {"json", tacho_diff_json},
                   {"html", tacho_diff_html},
                   {"svg", tacho_diff_svg}};
    static const struct tacho_report_options none;
    const struct tacho_report_options *given = options != NULL ? options : &none;

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct tacho_diff diff;
        int code;

        if (strcmp(formats[i].name, format) != 0)
            continue;
        tacho_diff_build(&diff, before, after, given->profile, &given->filter);
        code = formats[i].render(&diff, given->top > 0 ? given->top : TACHO_REPORT_TOP_DEFAULT, out,
                                 fail);
        tacho_diff_release(&diff);
        return code;
    }
    return tacho_fail_set(fail, TACHO_ERR_USAGE,
                          "a difference has no format \"%s\"; there are: text, json, html, svg",
                          format);
}

double tacho_diff_node_change(const struct tacho_diff *diff, const struct tacho_diff_node *node)
{
    double before = 0, after = 0;

    if (diff->before_tree.total > 0)
        before = (double)node->before_total / (double)diff->before_tree.total;
    if (diff->after_tree.total > 0)
        after = (double)node->after_total / (double)diff->after_tree.total;
    return after - before;
}
