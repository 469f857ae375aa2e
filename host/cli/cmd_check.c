// tacho check: holds a run against a budget; the exit status is the verdict.
#include <string.h>
#include <unistd.h>

#include "analyze/budget.h"
#include "budget/budget_file.h"
#include "budget/presets.h"
#include "cli/command.h"
#include "cli/recording.h"
#include "cli/report_file.h"
#include "render/verdict.h"
#include "store/run_reader.h"

#define BUDGET_DEFAULT "tacho.yaml"
#define POINTS_MAX     5000u
#define SPANS_MAX      2000000u

struct options {
    const char *baseline, *output, *name;
    bool strict, no_store, profile;
};

struct subject { // what is checked
    const char *budget, *run;
    struct tacho_recording recording;
    struct tacho_run stored;
    bool is_stored;
    const struct tacho_run *of;
};

static bool ends_in(const char *text, const char *ending)
{
    size_t size = strlen(text), ending_size = strlen(ending);

    return size > ending_size && strcmp(text + size - ending_size, ending) == 0;
}

// A budget is a file that ends in .yaml or .yml, or the name of a preset; all else is a run.
static bool is_budget(const char *word)
{
    struct tacho_buffer text = {0}, path = {0};
    struct tacho_fail ignored = {0};
    bool found = ends_in(word, ".yaml") || ends_in(word, ".yml");

    if (!found)
        found = tacho_preset_read(word, &text, &path, &ignored) != TACHO_ERR_NOT_FOUND;
    tacho_buffer_release(&text);
    tacho_buffer_release(&path);
    return found;
}

static int read_arguments(const struct tacho_session *session, struct subject *subject,
                          struct tacho_fail *fail)
{
    int count = session->has_separator ? session->separator : session->argument_count, at = 0;

    subject->budget = BUDGET_DEFAULT;
    if (count == 2 || (count > 0 && is_budget(session->arguments[0])))
        subject->budget = session->arguments[at++];
    if (at < count)
        subject->run = session->arguments[at++];
    if (at < count)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "'%s': one budget and one run are enough",
                              session->arguments[at]);
    if (session->has_separator && subject->run)
        return tacho_fail_set(fail, TACHO_ERR_USAGE,
                              "'%s' and a command; check a run that there is, or observe one",
                              subject->run);
    if (session->has_separator && session->argument_count == count)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "no command follows '--'");
    if (subject->run == NULL)
        subject->run = "last";
    return 0;
}

static int read_budget(const char *word, struct tacho_budget *budget, struct tacho_fail *fail)
{
    struct tacho_buffer text = {0}, path = {0};
    int status;

    memset(budget, 0, sizeof *budget);
    if (strcmp(word, BUDGET_DEFAULT) == 0 && access(word, F_OK) != 0)
        return tacho_fail_set(fail, TACHO_ERR_USAGE,
                              "there is no " BUDGET_DEFAULT " here; write one, or name a budget: "
                              "tacho presets list");
    if (ends_in(word, ".yaml") || ends_in(word, ".yml"))
        return tacho_budget_read(word, budget, fail);
    status = tacho_preset_read(word, &text, &path, fail);
    if (status == 0)
        status = tacho_budget_read_text(path.data, text.data, text.size, budget, fail);
    else if (status == TACHO_ERR_NOT_FOUND)
        tacho_fail_advise(fail, "a budget's file ends in .yaml");
    tacho_buffer_release(&text);
    tacho_buffer_release(&path);
    return status;
}

static int observe(struct tacho_session *session, struct subject *subject, struct tacho_fail *fail)
{
    const struct options *options = session->options;
    struct tacho_recording_config config = {
        .name = options->name,
        .no_store = options->no_store,
        .observe = {.arguments = session->arguments + session->separator,
                    .inherited = session->inherited,
                    .no_profile = !options->profile}};
    int status = tacho_recording_make(session, &config, &subject->recording, fail);

    if (status == 0)
        subject->of = &subject->recording.writer->run;
    return status;
}

// Every sample, because quantiles of a run that was read reduced are not known; where they do not
// fit into the memory, those rules have no data.
static int read_run(struct tacho_session *session, const char *text, struct tacho_run *run,
                    struct tacho_fail *fail)
{
    struct tacho_run_read_options options = {.no_profiles = true};
    int status = tacho_run_read_named(session->store_path, text, &options, run, fail);

    if (status == TACHO_ERR_MEMORY) {
        tacho_out_printf(session->error, "tacho: %s: it is read reduced\n", fail->text);
        tacho_run_release(run);
        options.points_max = POINTS_MAX;
        options.spans_max = SPANS_MAX;
        status = tacho_run_read_named(session->store_path, text, &options, run, fail);
    }
    return status;
}

static int write_verdicts(struct tacho_session *session, const struct tacho_verdict_report *report,
                          struct tacho_fail *fail)
{
    const struct options *options = session->options;
    const char *format = session->format ? session->format : "text";
    struct tacho_report_file file;
    int status;

    if (options->output == NULL)
        return tacho_verdict_render(format, report, session->out, fail);
    status = tacho_report_file_open(&file, options->output, fail);
    if (status < 0)
        return status;
    status = tacho_verdict_render(format, report, &file.out, fail);
    return tacho_report_file_close(&file, status, fail);
}

// A command that failed has measured something else than its work: the gate fails, too.
static bool command_failed(struct tacho_session *session, struct subject *subject)
{
    struct tacho_recording *recording = &subject->recording;

    if (recording->result.still_running) {
        tacho_observation_wait(recording->observation, &recording->result);
        recording->exit_code = tacho_launch_status_code(recording->result.exit_status);
    }
    if (recording->exit_code == 0)
        return false;
    tacho_out_printf(session->error, "tacho: the command ended with status %d: the check fails\n",
                     recording->exit_code);
    return true;
}

static int check(struct tacho_session *session, const struct tacho_budget *budget,
                 struct subject *subject, struct tacho_fail *fail)
{
    const struct options *options = session->options;
    struct tacho_run baseline;
    struct tacho_budget_check verdicts;
    struct tacho_verdict_report report = {
        .budget = budget, .check = &verdicts, .run = subject->of, .strict = options->strict};
    int status;

    tacho_run_init(&baseline);
    if (options->baseline) {
        tacho_run_release(&baseline);
        status = read_run(session, options->baseline, &baseline, fail);
        if (status < 0) {
            tacho_run_release(&baseline);
            return tacho_fail_add(fail, "cannot read the baseline");
        }
        report.baseline = &baseline;
    }
    tacho_budget_check_build(&verdicts, budget, subject->of, report.baseline);
    status = write_verdicts(session, &report, fail);
    if (status == 0)
        status = tacho_budget_check_fails(&verdicts, options->strict) ? TACHO_EXIT_VERDICT
                                                                      : TACHO_EXIT_OK;
    tacho_budget_check_release(&verdicts);
    tacho_run_release(&baseline);
    return status;
}

static int run(struct tacho_session *session, struct tacho_fail *fail)
{
    struct subject subject = {0};
    struct tacho_budget budget = {0};
    int status = read_arguments(session, &subject, fail);

    if (status == 0)
        status = read_budget(subject.budget, &budget, fail);
    if (status == 0 && session->has_separator) {
        status = observe(session, &subject, fail);
    } else if (status == 0) {
        status = read_run(session, subject.run, &subject.stored, fail);
        subject.is_stored = true;
        subject.of = &subject.stored;
    }
    if (status == 0)
        status = check(session, &budget, &subject, fail);
    if (status >= 0 && session->has_separator && command_failed(session, &subject))
        status = TACHO_EXIT_VERDICT;
    if (subject.is_stored)
        tacho_run_release(&subject.stored);
    tacho_recording_close(&subject.recording);
    tacho_budget_release(&budget);
    return status;
}

static const char *const usage[] = {"check [OPTION...] [BUDGET] [RUN]",
                                    "check [OPTION...] [BUDGET] -- COMMAND [ARGUMENT...]", NULL};

static const struct tacho_option option_table[] = {
    TACHO_OPTION(struct options, baseline, "baseline", 'b', TEXT, "RUN",
                 "what rules of change are held against"),
    TACHO_OPTION(struct options, strict, "strict", 0, FLAG, NULL,
                 "warnings and missing data fail, too"),
    TACHO_OPTION(struct options, output, "output", 'o', TEXT, "FILE",
                 "write the verdicts there (default: standard output)"),
    TACHO_OPTION(struct options, name, "name", 'n', TEXT, "NAME",
                 "call the run of COMMAND NAME in the store"),
    TACHO_OPTION(struct options, profile, "profile", 0, FLAG, NULL,
                 "also sample the stacks of COMMAND, for tacho report"),
    TACHO_OPTION(struct options, no_store, "no-store", 0, FLAG, NULL,
                 "do not keep the run of COMMAND"),
};

static const struct tacho_example examples[] = {
    {"tacho check", "the last run against tacho.yaml"},
    {"tacho check -- ./bench --quick", "observe a command, then check it"},
    {"tacho check trading last~1", "an older run against a preset"},
    {"tacho check iot --baseline before", "the last run against the run 'before'"},
    {"tacho check --format junit -o verdicts.xml -- ./load", "for a CI server"},
};

const struct tacho_command tacho_command_check = {
    .name = "check",
    .summary = "hold a run against a budget; for CI gates",
    .usage = usage,
    .description =
        "BUDGET is a file that ends in .yaml or .yml, or the name of a preset (`tacho presets`); "
        "the default is `tacho.yaml` here. RUN is an id or the beginning of one, a name, `last` "
        "(the default), or the file of an exported run. With `-- COMMAND` the command is observed "
        "first; its output goes where it always goes.\n"
        "\n"
        "The exit status is 0 when nothing is critical, 1 when something is, when no rule at all "
        "has data, or when COMMAND failed; 2 for a budget that is wrong, and 3 where the run "
        "cannot "
        "be read. Warnings and single rules without data pass, unless `--strict`. What was not "
        "measured, and a quantile of too few samples, are `no data`, never ok.\n"
        "\n"
        "Formats: `text` for the terminal, `json` for scripts, `junit` for CI servers, `github` "
        "for annotations of a workflow, `markdown` for a comment, `sarif` for what collects "
        "findings. docs/budgets.md describes the file.",
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct options),
    .formats = tacho_verdict_formats,
    .examples = examples,
    .example_count = sizeof examples / sizeof *examples,
    .run = run,
};
