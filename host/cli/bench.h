// Timing commands as whole processes: the plan, the runs in turns, what they say, how it is
// printed.
//
// A round runs every command once, every other round backwards (ABBA), so that a machine that
// slows down slows all of them: measured one block after the other, 42 % of comparisons of a
// program with itself were "significant" at p < 0.05, in turns 0.8 %.
#ifndef TACHO_CLI_BENCH_H
#define TACHO_CLI_BENCH_H

#include "analyze/compare.h"
#include "analyze/statistics.h"
#include "base/arena.h"
#include "cli/command.h"

struct tacho_bench_run {
    double wall_seconds, user_seconds, system_seconds;
    double rss_peak_bytes; // NaN: below tacho's own, which hides it
    uint64_t faults_minor, faults_major;
    int exit_code; // 128 + the number of the signal that ended it
};

struct tacho_bench_parameter {
    const char *name, *value;
};

struct tacho_bench_runs {
    struct tacho_bench_run *items;
    size_t count, capacity;
};

struct tacho_bench_command {
    const char *name, *text;
    char **words; // what is executed: by itself, or sh -c text
    bool in_shell;
    struct tacho_bench_parameter *parameters;
    size_t parameter_count;
    struct tacho_bench_runs runs;
    double first_seconds; // of the first run, warm-up or not; NaN: none yet
    size_t failures;      // runs whose exit code is not 0
};

struct tacho_bench_options {
    uint64_t runs;
    bool compare, ignore_failure, show_output;
    int64_t time_ns;
    const char *warmup, *prepare, *threshold, *shell;
    struct tacho_option_list names, parameters;
};

struct tacho_bench {
    const struct tacho_bench_options *options;
    struct tacho_session *session;
    struct tacho_arena arena;
    TACHO_ARRAY(struct tacho_bench_command) commands;
    struct tacho_comparison *comparisons; // of command i + 1 with the first; NULL: not compared
    uint64_t warmup;
    double threshold, noise; // relative; noise NaN: not known
    bool reran;              // a regression was held against a second measurement
    bool interrupted;
};

// bench_plan.c: fills `commands` from the arguments, the sweeps and the names.
int tacho_bench_plan(struct tacho_bench *bench, struct tacho_fail *fail);
void tacho_bench_release(struct tacho_bench *bench);

// bench_spawn.c: runs one command to its end. `words` ends in NULL. Between the two clock readings
// there is nothing but posix_spawn and wait4.
int tacho_bench_spawn(char *const *words, bool show_output, const struct tacho_inherited *inherited,
                      struct tacho_bench_run *run, struct tacho_fail *fail);

// bench_measure.c: warm-up and rounds. An interruption is no failure: see `interrupted`.
int tacho_bench_measure(struct tacho_bench *bench, struct tacho_fail *fail);
// Holds all commands against the first, with one rerun where that says regression.
int tacho_bench_compare(struct tacho_bench *bench, struct tacho_fail *fail);

// bench_figures.c: what the runs of a command say.
struct tacho_bench_figures {
    struct tacho_statistics wall, user, system, rss;
    double wall_median; // of an even number: the middle between the two
    size_t outliers;    // beyond 1.5 interquartile ranges (Tukey)
};
void tacho_bench_figures_build(const struct tacho_bench_command *command,
                               struct tacho_bench_figures *figures);
// The relative noise of the machine, from halves of the runs of one command; NaN: too few.
double tacho_bench_noise(const struct tacho_bench_runs *runs);

// bench_print.c and bench_json.c
void tacho_bench_print_text(const struct tacho_bench *bench, struct tacho_out *out);
void tacho_bench_print_csv(const struct tacho_bench *bench, struct tacho_out *out);
void tacho_bench_print_go(const struct tacho_bench *bench, struct tacho_out *out);
void tacho_bench_print_json(const struct tacho_bench *bench, struct tacho_out *out);
void tacho_bench_print_hyperfine(const struct tacho_bench *bench, struct tacho_out *out);

#endif
