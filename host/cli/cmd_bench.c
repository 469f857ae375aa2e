// tacho bench: times commands as whole processes, in turns, and says whether one got slower.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"

static const struct {
    const char *name;
    void (*print)(const struct tacho_bench *bench, struct tacho_out *out);
} formats[] = {
    {"text", tacho_bench_print_text},
    {"json", tacho_bench_print_json},
    {"csv", tacho_bench_print_csv},
    {"go", tacho_bench_print_go},
    {"hyperfine", tacho_bench_print_hyperfine},
};

static void print(const struct tacho_bench *bench)
{
    const char *name = bench->session->format ? bench->session->format : "text";
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, name) == 0)
            formats[i].print(bench, bench->session->out);
}

static int measure_and_print(struct tacho_bench *bench, struct tacho_fail *fail)
{
    if (tacho_bench_plan(bench, fail) < 0 || tacho_bench_measure(bench, fail) < 0)
        return fail->code;
    if (bench->options->compare && !bench->interrupted && tacho_bench_compare(bench, fail) < 0)
        return fail->code;
    if (bench->interrupted && bench->comparisons) { // the rerun was: a verdict needs all of it
        free(bench->comparisons);
        bench->comparisons = NULL;
    }
    print(bench);
    if (bench->interrupted)
        return tacho_fail_set(fail, TACHO_ERR_INTERRUPTED,
                              "interrupted; the figures are of the runs until then%s",
                              bench->options->compare ? ", and there is no verdict" : "");
    for (size_t i = 0; bench->comparisons && i + 1 < bench->commands.count; i++)
        if (bench->comparisons[i].verdict == TACHO_COMPARISON_REGRESSION)
            return TACHO_EXIT_VERDICT;
    return TACHO_EXIT_OK;
}

static int run(struct tacho_session *session, struct tacho_fail *fail)
{
    struct tacho_bench bench = {.options = session->options, .session = session, .noise = NAN};
    int status = measure_and_print(&bench, fail);
    tacho_bench_release(&bench);
    return status;
}

static const char *const usage[] = {"bench [OPTION...] 'COMMAND' ['COMMAND'...]", NULL};

static const struct tacho_option option_table[] = {
    TACHO_OPTION(struct tacho_bench_options, runs, "runs", 'r', COUNT, "N",
                 "runs of each command (default: at least 10, and as many as --time allows)"),
    TACHO_OPTION(struct tacho_bench_options, time_ns, "time", 0, DURATION, "SPAN",
                 "measure about so long for each command (default 3s)"),
    TACHO_OPTION(struct tacho_bench_options, warmup, "warmup", 'w', TEXT, "N",
                 "runs that are not counted (default 1)"),
    TACHO_OPTION(struct tacho_bench_options, compare, "compare", 0, FLAG, NULL,
                 "hold each command against the first; exit status 1 if one is slower"),
    TACHO_OPTION(struct tacho_bench_options, threshold, "threshold", 0, TEXT, "CHANGE",
                 "a smaller change does not matter (default 2%)"),
    TACHO_OPTION(struct tacho_bench_options, prepare, "prepare", 'p', TEXT, "COMMAND",
                 "run this before every run, not timed"),
    TACHO_OPTION(struct tacho_bench_options, names, "name", 'n', LIST, "NAME",
                 "what to call the commands, once for each in their order"),
    TACHO_OPTION(struct tacho_bench_options, parameters, "param", 0, LIST, "NAME=VALUES",
                 "put each of a,b,c or 1..8 in the place of {NAME}; several: all combinations"),
    TACHO_OPTION(struct tacho_bench_options, shell, "shell", 0, CHOICE, "auto|none|sh",
                 "run through sh -c (default auto: only what needs one)"),
    TACHO_OPTION(struct tacho_bench_options, ignore_failure, "ignore-failure", 'i', FLAG, NULL,
                 "go on when a command fails, and say how often it did"),
    TACHO_OPTION(struct tacho_bench_options, show_output, "show-output", 0, FLAG, NULL,
                 "let the commands write (default: to /dev/null)"),
};

static const struct tacho_example examples[] = {
    {"tacho bench 'gzip -k -c big' 'zstd -c big'", "which of two is faster"},
    {"tacho bench --compare --threshold 5% ./before ./after",
     "exit status 1 if ./after is slower by more than 5 % and a rerun says so, too"},
    {"tacho bench --param threads=1..4 'xz -T{threads} -k -c big'", "a sweep"},
    {"tacho bench --format go --runs 10 ./program > new.txt", "lines that benchstat reads"},
};

const struct tacho_command tacho_command_bench = {
    .name = "bench",
    .summary = "time commands in turns, and say if one got slower",
    .usage = usage,
    .description =
        "Every COMMAND is one argument and runs as a whole process, standard input and output at "
        "/dev/null, until it was run at least 10 times and for about 3 s. The commands take turns "
        "(ABBA), so that a machine that slows down slows all of them. A command without anything "
        "that needs a shell is executed by itself; what runs through `sh` is named, and the "
        "shell's start is in its time.\n"
        "\n"
        "With `--compare` the first command is the base. Another one is a regression if an exact "
        "rank test gives p < 0.01, the shift is beyond the threshold and twice the machine's own "
        "noise (measured between halves of the base's runs), and one automatic rerun agrees. Exit "
        "status: 0 no regression was shown, 1 regression, 3 a command failed or Ctrl-C, which "
        "prints what was measured. A failed run tells no time: with `--ignore-failure` a command "
        "that fails in more than a tenth of its runs is inconclusive.",
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct tacho_bench_options),
    .formats = "text|json|csv|go|hyperfine",
    .examples = examples,
    .example_count = sizeof examples / sizeof *examples,
    .run = run,
};
