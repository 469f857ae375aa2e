// tacho diff: what changed between two runs.
#include "cli/command.h"
#include "cli/report_file.h"
#include "cli/stored_run.h"
#include "render/diff_report.h"

struct options {
    const char *output, *profile, *within, *without, *root;
    uint64_t top;
};

static int run(struct tacho_session *session, struct tacho_fail *fail)
{
    const struct options *options = session->options;
    const char *format = session->format ? session->format : "text";
    struct tacho_report_options report = {.profile = options->profile,
                                          .top = options->top,
                                          .filter = {.function = options->within,
                                                     .exclude = options->without,
                                                     .root = options->root}};
    struct tacho_run before, after;
    struct tacho_report_file file;
    int status;

    if (session->argument_count != 2)
        return tacho_fail_set(fail, TACHO_ERR_USAGE,
                              "two runs are compared, the one before and the one after");
    status = tacho_stored_run_read(session, session->arguments[0], false, &before, fail);
    if (status < 0) {
        tacho_run_release(&before);
        return status;
    }
    status = tacho_stored_run_read(session, session->arguments[1], false, &after, fail);
    if (status == 0 && options->output == NULL)
        status = tacho_diff_render(format, &before, &after, &report, session->out, fail);
    else if (status == 0)
        status = tacho_report_file_open(&file, options->output, fail);
    if (status == 0 && options->output != NULL) {
        status = tacho_diff_render(format, &before, &after, &report, &file.out, fail);
        status = tacho_report_file_close(&file, status, fail);
    }
    tacho_run_release(&before);
    tacho_run_release(&after);
    return status < 0 ? status : TACHO_EXIT_OK;
}

static const char *const usage[] = {"diff [OPTION...] BEFORE AFTER", NULL};

static const struct tacho_option option_table[] = {
    TACHO_OPTION(struct options, output, "output", 'o', TEXT, "FILE",
                 "write there (default: standard output)"),
    TACHO_OPTION(struct options, top, "top", 0, COUNT, "N", "rows per table (default 15)"),
    TACHO_OPTION(struct options, profile, "profile", 0, TEXT, "NAME",
                 "cpu, off-cpu, ... (default cpu)"),
    TACHO_OPTION(struct options, within, "within", 0, TEXT, "PATTERN",
                 "only stacks that go through such a function"),
    TACHO_OPTION(struct options, without, "without", 0, TEXT, "PATTERN",
                 "no stacks that go through such a function"),
    TACHO_OPTION(struct options, root, "root", 0, TEXT, "PATTERN",
                 "stacks from such a function inwards"),
};

static const struct tacho_example examples[] = {
    {"tacho diff last~1 last", "what changed since the run before"},
    {"tacho diff before after --format html -o diff.html",
     "as a page, with both flame graphs in one"},
    {"tacho diff before after --format svg -o diff.svg", "the differential flame graph alone"},
};

const struct tacho_command tacho_command_diff = {
    .name = "diff",
    .summary = "show what changed between two runs",
    .usage = usage,
    .description =
        "BEFORE and AFTER are runs as in `tacho report`. Functions are matched by name and module "
        "and compared by their share of the profile, so that runs of unlike length can be "
        "compared; "
        "metrics by their mean (counters: their total), zones by their quantiles. In the flame "
        "graph "
        "red took a larger share than before, blue a smaller one.\n"
        "\n"
        "Two runs show what changed, not whether it is chance: repeat them.",
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct options),
    .formats = TACHO_DIFF_FORMATS,
    .examples = examples,
    .example_count = sizeof examples / sizeof *examples,
    .run = run,
};
