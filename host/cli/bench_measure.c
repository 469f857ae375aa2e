// Runs the commands of a bench in turns, and holds them against the first.
#include <math.h>
#include <signal.h>
#include <stdlib.h>

#include "base/time.h"
#include "base/units.h"
#include "capture/launch.h"
#include "cli/bench.h"

#define RUNS_MIN 10
#define RUNS_MAX 100000
#define SPAN_NS  (3 * TACHO_NS_PER_S) // for each command

static volatile sig_atomic_t was_interrupted;

static void on_interrupt(int number)
{
    (void)number;
    was_interrupted = 1;
}

struct progress {
    const char *what;
    int64_t begin_ns, shown_ns;
    size_t rounds;
};

// Where measuring stands, on a terminal only, ten times a second at most, between two runs.
static void show(struct tacho_bench *bench, struct progress *progress, double share)
{
    struct tacho_out *error = bench->session->error;
    struct tacho_fail ignored = {0};
    char left[TACHO_UNIT_TEXT_MAX];
    int64_t now = tacho_time_monotonic_ns();
    if (bench->session->quiet || error->width == 0 ||
        now - progress->shown_ns < TACHO_NS_PER_S / 10)
        return;
    progress->shown_ns = now;
    tacho_out_printf(error, "\r\033[K%s: round %zu", progress->what, progress->rounds + 1);
    if (share > 0.02)
        tacho_out_printf(error, ", about %s left",
                         tacho_format_seconds(
                             (double)(now - progress->begin_ns) * 1e-9 * (1 / share - 1), left));
    tacho_out_finish(error, "to standard error", &ignored);
}

static void show_nothing(struct tacho_bench *bench, const struct progress *progress)
{
    struct tacho_fail ignored = {0};
    if (progress->shown_ns) {
        tacho_out_text(bench->session->error, "\r\033[K");
        tacho_out_finish(bench->session->error, "to standard error", &ignored);
    }
}

static int fail_of_command(const struct tacho_bench_command *command, int exit_code,
                           struct tacho_fail *fail)
{
    tacho_fail_set(fail, TACHO_ERR_INVALID, "'%s' failed with exit code %d after %zu good runs",
                   command->name, exit_code, command->runs.count);
    if (exit_code == TACHO_EXIT_NOT_FOUND)
        return tacho_fail_advise(fail, "is it spelled right and in PATH?");
    return tacho_fail_advise(fail, "--show-output shows what it says, --ignore-failure times it");
}

static int prepare(struct tacho_bench *bench, struct tacho_fail *fail)
{
    struct tacho_bench_run run;
    char sh[] = "/bin/sh", c[] = "-c";
    char *words[] = {sh, c, NULL, NULL};
    if (!bench->options->prepare)
        return 0;
    words[2] = tacho_arena_text(&bench->arena, bench->options->prepare);
    if (tacho_bench_spawn(words, bench->options->show_output, bench->session->inherited, &run,
                          fail) < 0)
        return fail->code;
    if (run.exit_code != 0 && !was_interrupted)
        return tacho_fail_set(fail, TACHO_ERR_INVALID, "--prepare '%s' failed with exit code %d",
                              bench->options->prepare, run.exit_code);
    return 0;
}

// One run; what an interruption cut short does not count.
static int run_once(struct tacho_bench *bench, struct tacho_bench_command *command,
                    struct tacho_bench_runs *runs, struct tacho_fail *fail)
{
    struct tacho_bench_run run;
    if (prepare(bench, fail) < 0)
        return fail->code;
    if (was_interrupted)
        return 0;
    if (tacho_bench_spawn(command->words, bench->options->show_output, bench->session->inherited,
                          &run, fail) < 0)
        return fail->code;
    if (was_interrupted)
        return 0;
    if (run.exit_code != 0 && !bench->options->ignore_failure)
        return fail_of_command(command, run.exit_code, fail);
    if (isnan(command->first_seconds))
        command->first_seconds = run.wall_seconds;
    if (runs) {
        tacho_array_push(runs, run);
        command->failures += run.exit_code != 0;
    }
    return 0;
}

// How much of the measuring is done, 1 or more: all.
static double share_done(const struct tacho_bench *bench, size_t rounds, int64_t spent_ns)
{
    const struct tacho_bench_options *options = bench->options;
    if (options->runs)
        return (double)rounds / (double)options->runs;
    int64_t span_ns = options->time_ns ? options->time_ns : SPAN_NS;
    double of_time = (double)spent_ns / ((double)span_ns * (double)bench->commands.count);
    double of_runs = (double)rounds / RUNS_MIN;
    double share = of_time < of_runs ? of_time : of_runs;
    // An odd number of rounds would put one command first more often than the others.
    return rounds >= RUNS_MAX ? 1 : share >= 1 && rounds % 2 ? 0.99 : share;
}

// Rounds over all commands into `runs`, one for each command.
static int measure_rounds(struct tacho_bench *bench, struct tacho_bench_runs *runs,
                          const char *what, struct tacho_fail *fail)
{
    size_t count = bench->commands.count;
    struct progress progress = {.what = what, .begin_ns = tacho_time_monotonic_ns()};
    double share = 0;
    int status = 0;
    while (status == 0 && !was_interrupted && share < 1) {
        for (size_t i = 0; i < count && status == 0 && !was_interrupted; i++) {
            size_t at = progress.rounds % 2 ? count - 1 - i : i;
            show(bench, &progress, share);
            status = run_once(bench, &bench->commands.items[at], &runs[at], fail);
        }
        progress.rounds++;
        share = share_done(bench, progress.rounds, tacho_time_monotonic_ns() - progress.begin_ns);
    }
    show_nothing(bench, &progress);
    return status;
}

static int measure_all(struct tacho_bench *bench, struct tacho_bench_runs *runs,
                       struct tacho_fail *fail)
{
    int status = 0;
    for (uint64_t i = 0; i < bench->warmup && status == 0; i++)
        for (size_t k = 0; k < bench->commands.count && status == 0 && !was_interrupted; k++)
            status = run_once(bench, &bench->commands.items[k], NULL, fail);
    if (status == 0)
        status = measure_rounds(bench, runs, "measuring", fail);
    return status;
}

static void catch_interrupts(const struct tacho_bench *bench, bool on)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = on ? on_interrupt : SIG_DFL};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!bench->session->inherited || !bench->session->inherited->ignored[numbers[i]])
            sigaction(numbers[i], &action, NULL);
}

static int measure_into(struct tacho_bench *bench, struct tacho_bench_runs *runs,
                        struct tacho_fail *fail)
{
    was_interrupted = 0;
    catch_interrupts(bench, true);
    int status = measure_all(bench, runs, fail);
    catch_interrupts(bench, false);
    bench->interrupted = was_interrupted != 0;
    return status;
}

int tacho_bench_measure(struct tacho_bench *bench, struct tacho_fail *fail)
{
    size_t count = bench->commands.count;
    struct tacho_bench_runs *runs = calloc(count, sizeof *runs);
    if (!runs)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    int status = measure_into(bench, runs, fail);
    for (size_t i = 0; i < count; i++)
        bench->commands.items[i].runs = runs[i];
    free(runs);
    return status;
}

// A failed run tells no time, unless failing is what both commands always do.
static void values_of(const struct tacho_bench_runs *runs, bool keep_failed, double *values)
{
    for (size_t i = 0; i < runs->count; i++)
        values[i] = keep_failed || runs->items[i].exit_code == 0 ? runs->items[i].wall_seconds
                                                                 : (double)NAN;
}

static bool always_fails(const struct tacho_bench_runs *runs)
{
    size_t failed = 0;
    for (size_t i = 0; i < runs->count; i++)
        failed += runs->items[i].exit_code != 0;
    return failed == runs->count;
}

static void compare_all(const struct tacho_bench *bench, const struct tacho_bench_runs *const *runs,
                        struct tacho_comparison *results)
{
    const struct tacho_compare_rule rule = {
        .direction = TACHO_DIRECTION_LOWER, .threshold = bench->threshold, .noise = bench->noise};
    TACHO_ARRAY(double) base = {0}, other = {0};
    size_t count = bench->commands.count;
    for (size_t i = 1; i < count; i++) {
        bool keep = always_fails(runs[0]) && always_fails(runs[i]);
        tacho_array_reserve(&base, runs[0]->count + 1);
        tacho_array_reserve(&other, runs[i]->count + 1);
        values_of(runs[0], keep, base.items);
        values_of(runs[i], keep, other.items);
        tacho_compare_samples(base.items, runs[0]->count, other.items, runs[i]->count, &rule,
                              &results[i - 1]);
    }
    tacho_compare_holm(results, count - 1);
    tacho_array_release(&base);
    tacho_array_release(&other);
}

// Measures again what was said to be a regression: chance seldom says the same thing twice.
static int confirm(struct tacho_bench *bench, struct tacho_fail *fail)
{
    size_t count = bench->commands.count;
    struct tacho_bench_runs *runs = calloc(count, sizeof *runs);
    const struct tacho_bench_runs **all = calloc(count, sizeof *all);
    struct tacho_comparison *rerun = calloc(count, sizeof *rerun);
    int status = runs && all && rerun ? measure_into(bench, runs, fail)
                                      : tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    if (status == 0 && !bench->interrupted) {
        for (size_t i = 0; i < count; i++)
            all[i] = &runs[i];
        compare_all(bench, all, rerun);
        for (size_t i = 0; i + 1 < count; i++)
            if (bench->comparisons[i].verdict == TACHO_COMPARISON_REGRESSION)
                tacho_compare_confirm(&bench->comparisons[i], &rerun[i]);
        bench->reran = true;
    }
    for (size_t i = 0; runs && i < count; i++)
        tacho_array_release(&runs[i]);
    free(rerun);
    free(all);
    free(runs);
    return status;
}

int tacho_bench_compare(struct tacho_bench *bench, struct tacho_fail *fail)
{
    size_t count = bench->commands.count;
    const struct tacho_bench_runs **all = calloc(count, sizeof *all);
    bench->comparisons = calloc(count, sizeof *bench->comparisons);
    if (!all || !bench->comparisons) {
        free(all);
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < count; i++)
        all[i] = &bench->commands.items[i].runs;
    bench->noise = tacho_bench_noise(all[0]);
    compare_all(bench, all, bench->comparisons);
    free(all);
    for (size_t i = 0; i + 1 < count; i++)
        if (bench->comparisons[i].verdict == TACHO_COMPARISON_REGRESSION)
            return confirm(bench, fail);
    return 0;
}
