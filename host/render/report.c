// The table of report formats, and what all of them need done first.
#include "render/report.h"

#include <string.h>

const struct tacho_report_format tacho_report_formats[] = {
#define TACHO_REPORT_FORMAT(name, extension, summary)                                              \
    {#name, #extension, summary, tacho_report_##name},
#include "render/formats.def"
#undef TACHO_REPORT_FORMAT
};
const size_t tacho_report_format_count =
    sizeof tacho_report_formats / sizeof tacho_report_formats[0];

const struct tacho_report_format *tacho_report_format_find(const char *name,
                                                           struct tacho_fail *fail)
{
    struct tacho_buffer names = {0};

    for (size_t i = 0; i < tacho_report_format_count; i++) {
        if (strcmp(tacho_report_formats[i].name, name) == 0)
            return &tacho_report_formats[i];
    }
    for (size_t i = 0; i < tacho_report_format_count; i++)
        tacho_buffer_printf(&names, "%s%s", i > 0 ? ", " : "", tacho_report_formats[i].name);
    tacho_fail_set(fail, TACHO_ERR_USAGE, "there is no format \"%s\"; there are: %s", name,
                   names.data);
    tacho_buffer_release(&names);
    return NULL;
}

bool tacho_report_format_is_binary(const struct tacho_report_format *format)
{
    return format->render == tacho_report_pprof || format->render == tacho_report_perfetto;
}

static int no_such_profile(const struct tacho_run *run, const char *name, struct tacho_fail *fail)
{
    struct tacho_buffer names = {0};

    for (size_t i = 0; i < run->profiles.count; i++)
        tacho_buffer_printf(&names, "%s%s", i > 0 ? ", " : "", run->profiles.items[i].name);
    tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "this run has no profile \"%s\"; it has: %s", name,
                   names.size > 0 ? names.data : "none");
    tacho_buffer_release(&names);
    return fail->code;
}

// Formats of single samples need the functions only; the page folds in its own way.
static bool needs_tree(const struct tacho_report_format *format)
{
    static int (*const formats[])(const struct tacho_report *report, struct tacho_out *out,
                                  struct tacho_fail *fail) = {
        tacho_report_html,       tacho_report_speedscope, tacho_report_pprof,
        tacho_report_perfetto,   tacho_report_chrome,     tacho_report_firefox,
        tacho_report_openmetrics};

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (format->render == formats[i])
            return false;
    }
    return true;
}

int tacho_report_render(const struct tacho_report_format *format, const struct tacho_run *run,
                        const struct tacho_report_options *options, struct tacho_out *out,
                        struct tacho_fail *fail)
{
    struct tacho_report report = {.run = run};
    int code;

    if (options != NULL)
        report.options = *options;
    if (report.options.top == 0)
        report.options.top = TACHO_REPORT_TOP_DEFAULT;
    if (report.options.events_max == 0)
        report.options.events_max = TACHO_REPORT_EVENTS_MAX_DEFAULT;
    if (report.options.margin_ns == 0)
        report.options.margin_ns = 100000000;
    report.profile = tacho_profile_find(run, report.options.profile);
    if (report.profile == NULL && report.options.profile != NULL)
        return no_such_profile(run, report.options.profile, fail);
    if (report.profile != NULL)
        report.options.filter.weight_max = tacho_profile_weight_max(report.profile);
    if (needs_tree(format))
        tacho_calltree_build(&report.tree, run, report.profile, &report.options.filter);
    else
        tacho_functions_build(&report.tree.functions, run);
    code = format->render(&report, out, fail);
    tacho_calltree_release(&report.tree);
    if (code < 0)
        return tacho_fail_add(fail, "cannot make the %s report", format->name);
    return 0;
}
