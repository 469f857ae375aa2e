// tacho report: shows a stored or exported run again, in any format.
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/report_file.h"
#include "cli/stored_run.h"

struct options {
    const char *output, *profile, *sort, *function, *within, *without, *root, *callers, *callees;
    const char *around, *table, *group;
    int64_t from_ns, to_ns, margin_ns, slow_ns;
    uint64_t top, pid, tid, events_max;
};

static int read_ids(const struct options *options, struct tacho_profile_filter *filter,
                    struct tacho_fail *fail)
{
    if (options->pid > UINT32_MAX || options->tid > UINT32_MAX)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "--pid, --tid: there is no such number");
    filter->pid = (uint32_t)options->pid;
    filter->tid = (uint32_t)options->tid;
    if (options->to_ns != 0 && options->to_ns <= options->from_ns)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "--to is not after --from");
    filter->begin_ns = options->from_ns;
    filter->end_ns = options->to_ns;
    filter->function = options->within;
    filter->exclude = options->without;
    filter->root = options->root;
    if (options->group != NULL)
        filter->group =
            strcmp(options->group, "thread") == 0 ? TACHO_GROUP_THREAD : TACHO_GROUP_PROCESS;
    return 0;
}

// Formats that other programs read hand on what was recorded; the rest draw it or sum it up.
static bool needs_every_sample(const char *format)
{
    static const char *const names[] = {"csv", "openmetrics", "perfetto", "chrome", "firefox"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(format, names[i]) == 0)
            return true;
    return false;
}

static int run(struct tacho_session *session, struct tacho_fail *fail)
{
    const struct options *options = session->options;
    const char *name = session->argument_count > 0 ? session->arguments[0] : "last";
    const struct tacho_report_format *format =
        tacho_report_format_find(session->format ? session->format : "text", fail);
    struct tacho_report_options report = {
        .profile = options->profile,
        .function = options->function,
        .callers_of = options->callers,
        .callees_of = options->callees,
        .order =
            options->sort && strcmp(options->sort, "total") == 0 ? TACHO_BY_TOTAL : TACHO_BY_SELF,
        .top = options->top,
        .slow_ns = options->slow_ns,
        .table = options->table,
        .around = options->around,
        .margin_ns = options->margin_ns,
        .events_max = options->events_max};
    struct tacho_run stored;
    int status;

    if (format == NULL)
        return fail->code;
    if (session->argument_count > 1)
        return tacho_fail_set(fail, TACHO_ERR_USAGE,
                              "one run is shown at a time; see 'tacho diff' for two");
    if (tacho_report_format_is_binary(format) && options->output == NULL && isatty(STDOUT_FILENO))
        return tacho_fail_set(fail, TACHO_ERR_USAGE,
                              "%s is not for a terminal; name a file: -o run.%s", format->name,
                              format->extension);
    status = read_ids(options, &report.filter, fail);
    if (status < 0)
        return status;
    status = tacho_stored_run_read(session, name, needs_every_sample(format->name), &stored, fail);
    if (status == 0 && options->output == NULL)
        status = tacho_report_render(format, &stored, &report, session->out, fail);
    else if (status == 0)
        status = tacho_report_write(format, &stored, &report, options->output, fail);
    tacho_run_release(&stored);
    return status < 0 ? status : TACHO_EXIT_OK;
}

static const char *const usage[] = {"report [OPTION...] [RUN]", NULL};

static const struct tacho_option option_table[] = {
    TACHO_OPTION(struct options, output, "output", 'o', TEXT, "FILE",
                 "write there (default: standard output)"),
    TACHO_OPTION(struct options, top, "top", 0, COUNT, "N", "rows per table (default 15)"),
    TACHO_OPTION(struct options, sort, "sort", 0, CHOICE, "self|total",
                 "functions by their own weight, or with what they call"),
    TACHO_OPTION(struct options, function, "function", 0, TEXT, "PATTERN",
                 "list only functions whose name contains or matches it"),
    TACHO_OPTION(struct options, slow_ns, "slow", 0, DURATION, "SPAN",
                 "list the executions of zones that took so long (default: the slowest 5)"),
    TACHO_OPTION(struct options, callers, "callers", 0, TEXT, "PATTERN", "also who calls these"),
    TACHO_OPTION(struct options, callees, "callees", 0, TEXT, "PATTERN", "also whom these call"),
    TACHO_OPTION(struct options, profile, "profile", 0, TEXT, "NAME",
                 "cpu, off-cpu, ... (default cpu)"),
    TACHO_OPTION(struct options, within, "within", 0, TEXT, "PATTERN",
                 "only stacks that go through such a function"),
    TACHO_OPTION(struct options, without, "without", 0, TEXT, "PATTERN",
                 "no stacks that go through such a function"),
    TACHO_OPTION(struct options, root, "root", 0, TEXT, "PATTERN",
                 "stacks from such a function inwards"),
    TACHO_OPTION(struct options, pid, "pid", 'p', COUNT, "PID", "only this process"),
    TACHO_OPTION(struct options, tid, "tid", 0, COUNT, "TID", "only this thread"),
    TACHO_OPTION(struct options, group, "group", 0, CHOICE, "process|thread",
                 "flame graphs: stacks below their process or thread"),
    TACHO_OPTION(struct options, from_ns, "from", 0, DURATION, "TIME",
                 "only from this time of the run on"),
    TACHO_OPTION(struct options, to_ns, "to", 0, DURATION, "TIME", "only up to this time"),
    TACHO_OPTION(struct options, around, "around", 0, TEXT, "NAME",
                 "traces: around the first such event, or slowest span of such a zone"),
    TACHO_OPTION(struct options, margin_ns, "margin", 0, DURATION, "SPAN",
                 "so much before and after it (default 100ms)"),
    TACHO_OPTION(struct options, events_max, "events-max", 0, COUNT, "N",
                 "traces: cut to so many events (default 2,000,000)"),
    TACHO_OPTION(struct options, table, "table", 0, CHOICE,
                 "summary|hotspots|zones|samples|spans|events|threads", "which table of csv"),
};

static const struct tacho_example examples[] = {
    {"tacho report", "the last run again"},
    {"tacho report before --format html -o before.html", "as a page, with flame graph"},
    {"tacho report --callers malloc --top 30", "who allocates"},
    {"tacho report --format pprof -o run.pb.gz", "for 'go tool pprof run.pb.gz'"},
    {"tacho report last~1 --format perfetto --around reload -o reload.perfetto-trace",
     "the moments around an event, for ui.perfetto.dev"},
};

const struct tacho_command tacho_command_report = {
    .name = "report",
    .summary = "show a run again, in any format",
    .usage = usage,
    .description =
        "RUN is an id or the beginning of one, a name, `last` (the default), `last~1`, or the file "
        "of an exported run. Formats: `text` for the terminal, `json` and `csv` for scripts, "
        "`html` "
        "for one self-contained page, `svg`, `folded` and `dot` for flame and call graphs, "
        "`speedscope`, `pprof` and `firefox` for viewers of profiles, `perfetto` and `chrome` for "
        "viewers of traces, `openmetrics` for what scrapes metrics.\n"
        "\n"
        "A PATTERN is a part of a function's name, or, with * or ?, a pattern of the whole name. A "
        "trace that is too large for viewers is cut to its last part and says so; `--from`, `--to` "
        "and `--around` choose another.",
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct options),
    .formats = tacho_report_format_names + 1,
    .examples = examples,
    .example_count = sizeof examples / sizeof *examples,
    .run = run,
};
