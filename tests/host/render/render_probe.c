// Renders a hand-made run, so that scripts can look at the output: render_probe FORMAT WHAT
// [KEY=VALUE...] WHAT is small, after, diff, samples:N or spans:N. The size of the output and the
// time it took go to standard error.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "made_run.h"
#include "render/diff_report.h"
#include "render/report.h"

static void set_option(struct tacho_report_options *options, struct tacho_out *out, const char *key,
                       const char *value)
{
    if (strcmp(key, "profile") == 0)
        options->profile = value;
    else if (strcmp(key, "table") == 0)
        options->table = value;
    else if (strcmp(key, "function") == 0)
        options->filter.function = value;
    else if (strcmp(key, "exclude") == 0)
        options->filter.exclude = value;
    else if (strcmp(key, "root") == 0)
        options->filter.root = value;
    else if (strcmp(key, "pid") == 0)
        options->filter.pid = (uint32_t)atoi(value);
    else if (strcmp(key, "callers_of") == 0)
        options->callers_of = value;
    else if (strcmp(key, "callees_of") == 0)
        options->callees_of = value;
    else if (strcmp(key, "around") == 0)
        options->around = value;
    else if (strcmp(key, "margin_ns") == 0)
        options->margin_ns = atoll(value);
    else if (strcmp(key, "events_max") == 0)
        options->events_max = (uint64_t)atoll(value);
    else if (strcmp(key, "slow_ns") == 0)
        options->slow_ns = atoll(value);
    else if (strcmp(key, "top") == 0)
        options->top = (size_t)atoi(value);
    else if (strcmp(key, "colour") == 0)
        out->colour = atoi(value) != 0;
    else if (strcmp(key, "width") == 0)
        out->width = atoi(value);
}

static int render(const char *format, const char *what, const struct tacho_report_options *options,
                  struct tacho_out *out, struct tacho_fail *fail)
{
    struct tacho_run run, other;
    const struct tacho_report_format *found;
    int64_t start;
    int code;

    if (strcmp(what, "diff") == 0) {
        made_run_small(&run);
        made_run_small_after(&other);
        code = tacho_diff_render(format, &run, &other, options, out, fail);
        tacho_run_release(&other);
        tacho_run_release(&run);
        return code;
    }
    found = tacho_report_format_find(format, fail);
    if (found == NULL)
        return fail->code;
    if (strncmp(what, "samples:", 8) == 0)
        made_run_samples(&run, (size_t)atoll(what + 8));
    else if (strncmp(what, "spans:", 6) == 0)
        made_run_spans(&run, (size_t)atoll(what + 6));
    else if (strcmp(what, "after") == 0)
        made_run_small_after(&run);
    else
        made_run_small(&run);
    start = tacho_time_monotonic_ns();
    code = tacho_report_render(found, &run, options, out, fail);
    fprintf(stderr, "%.6f s\n", (double)(tacho_time_monotonic_ns() - start) / 1e9);
    tacho_run_release(&run);
    return code;
}

int main(int argc, char **argv)
{
    struct tacho_report_options options = {0};
    struct tacho_fail fail = {0};
    struct tacho_out out;
    int code;

    if (argc < 3)
        return 2;
    tacho_out_init_fd(&out, STDOUT_FILENO);
    out.width = 100;
    for (int i = 3; i < argc; i++) {
        char *equals = strchr(argv[i], '=');

        if (equals == NULL)
            return 2;
        *equals = '\0';
        set_option(&options, &out, argv[i], equals + 1);
    }
    code = render(argv[1], argv[2], &options, &out, &fail);
    if (code == 0)
        code = tacho_out_finish(&out, "the output", &fail);
    tacho_out_release(&out);
    if (code < 0)
        fprintf(stderr, "%s\n", fail.text);
    return code < 0 ? 3 : 0;
}
