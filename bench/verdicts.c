// How often a verdict is wrong: comparisons of a program with itself and with slower ones, measured
// on this machine and simulated, and the leak detector on series of known shape.
//
//   bench_verdicts [simulated] [leaks] [speed] [machine [COMPARISONS]]     all without arguments
//
// `machine` times whole processes, interleaved as ABBA, wall and CPU time of the same processes;
// a regression is confirmed by one rerun. The plain U test at p < 0.05 on the same values stands
// beside it. Numbers are comparisons, not percent; rules in host/analyze/compare.h.
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analyze/compare.h"
#include "analyze/leak.h"
#include "analyze/random.h"
#include "base/time.h"

#define SIDE_MAX     20
#define NOISE_ROUNDS 30
#define SERIES       400
#define SAMPLES      480
#define WORK_STEPS   10000000L // about ten milliseconds

extern char **environ;
static struct tacho_random chance;

enum metric { WALL, CPU, METRICS };
static const char *const metric_name[METRICS] = {"wall", "cpu"};

struct samples {
    double value[METRICS][2][SIDE_MAX]; // base, new
};

// ---- what is compared ---------------------------------------------------------------------------

static int work(long steps)
{
    uint64_t state = 1;

    for (long i = 0; i < steps; i++)
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return state == 0;
}

static int64_t cpu_ns(const struct rusage *usage)
{
    return ((int64_t)usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000000 +
           ((int64_t)usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000;
}

static void run_once(double slower, double *wall, double *cpu)
{
    char program[] = "/proc/self/exe", verb[] = "work", steps[32];
    char *words[] = {program, verb, steps, NULL};
    int64_t begin = tacho_time_monotonic_ns();
    struct rusage usage;
    int status;
    pid_t pid;

    snprintf(steps, sizeof steps, "%ld", lround((double)WORK_STEPS * (1 + slower)));
    if (posix_spawn(&pid, words[0], NULL, NULL, words, environ) != 0 ||
        wait4(pid, &status, 0, &usage) != pid || status != 0) {
        fprintf(stderr, "bench/verdicts: cannot run itself\n");
        exit(3);
    }
    *wall = (double)(tacho_time_monotonic_ns() - begin) / 1e9;
    *cpu = (double)cpu_ns(&usage) / 1e9;
}

// One warm-up each, then base, new, new, base.
static void measure(struct samples *samples, double slower, int side)
{
    double ignored;

    run_once(0, &ignored, &ignored);
    run_once(slower, &ignored, &ignored);
    for (int i = 0; i < side; i++) {
        for (int turn = 0; turn < 2; turn++) {
            int which = (i + turn) % 2;

            run_once(which ? slower : 0, &samples->value[WALL][which][i],
                     &samples->value[CPU][which][i]);
        }
    }
}

// Times with a tail: log-normal of 2 %, and one in ten up to 20 % slower.
static double simulated_time(double slower)
{
    double u = tacho_random_unit(&chance), v = tacho_random_unit(&chance);
    double normal = sqrt(-2 * log(1 - u)) * cos(6.283185307179586 * v);
    double tail = tacho_random_unit(&chance) < 0.1 ? 1 + 0.2 * tacho_random_unit(&chance) : 1;

    return (1 + slower) * exp(0.02 * normal) * tail;
}

static void simulate(struct samples *samples, double slower, int side)
{
    for (int i = 0; i < side; i++) {
        for (int metric = 0; metric < METRICS; metric++) {
            samples->value[metric][0][i] = simulated_time(0);
            samples->value[metric][1][i] = simulated_time(slower);
        }
    }
}

// ---- verdicts -----------------------------------------------------------------------------------

typedef void obtain(struct samples *samples, double slower, int side);

static struct tacho_comparison judge(const struct samples *samples, int metric, int side,
                                     double noise)
{
    const struct tacho_compare_rule rule = {.direction = TACHO_DIRECTION_LOWER, .noise = noise};
    struct tacho_comparison result;

    tacho_compare_samples(samples->value[metric][0], (size_t)side, samples->value[metric][1],
                          (size_t)side, &rule, &result);
    return result;
}

static void noise_find(obtain *get, int side, double *noise)
{
    double changes[METRICS][NOISE_ROUNDS];
    struct samples samples;

    for (int i = 0; i < NOISE_ROUNDS; i++) {
        get(&samples, 0, side);
        for (int metric = 0; metric < METRICS; metric++)
            changes[metric][i] = judge(&samples, metric, side, 0).change;
    }
    for (int metric = 0; metric < METRICS; metric++)
        noise[metric] = tacho_compare_noise(changes[metric], NOISE_ROUNDS);
}

static void series_of_verdicts(const char *name, obtain *get, double slower, int side, int rounds,
                               const double *noise, int metrics)
{
    int plain[METRICS] = {0}, once[METRICS] = {0}, confirmed[METRICS] = {0}, same[METRICS] = {0};
    struct samples samples, again;

    for (int i = 0; i < rounds; i++) {
        bool rerun = false;

        get(&samples, slower, side);
        for (int metric = 0; metric < metrics; metric++) {
            struct tacho_comparison first = judge(&samples, metric, side, noise[metric]), second;

            plain[metric] += first.probability < 0.05 && first.difference > 0;
            same[metric] += first.verdict == TACHO_COMPARISON_NO_CHANGE;
            if (first.verdict != TACHO_COMPARISON_REGRESSION)
                continue;
            once[metric]++;
            if (!rerun)
                get(&again, slower, side);
            rerun = true;
            second = judge(&again, metric, side, noise[metric]);
            tacho_compare_confirm(&first, &second);
            confirmed[metric] += first.verdict == TACHO_COMPARISON_REGRESSION;
        }
    }
    for (int metric = 0; metric < metrics; metric++) {
        double limit = fmax(0.02, 2 * noise[metric]);

        printf("%-28s %-5s %3d %5d %8.1f %11d %11d %10d %10d\n", name,
               metrics > 1 ? metric_name[metric] : "-", side, rounds, 100 * limit, plain[metric],
               once[metric], confirmed[metric], same[metric]);
    }
    fflush(stdout);
}

static void verdicts_head(const char *title)
{
    printf("\n%s\n%-28s %-5s %3s %5s %8s %11s %11s %10s %10s\n", title, "comparison", "of", "n",
           "times", "limit %", "U p<.05", "regression", "confirmed", "no change");
}

static pid_t neighbour_start(void)
{
    pid_t pid = fork();

    while (pid == 0) {
        work(1000000 + (long)tacho_random_below(&chance, 60000000));
        usleep((useconds_t)(5000 + tacho_random_below(&chance, 60000)));
    }
    return pid;
}

static void bench_machine(int times)
{
    double noise[2][METRICS], loud[METRICS];
    pid_t neighbour;

    verdicts_head("measured here, processes of about ten milliseconds, ABBA");
    noise_find(measure, 10, noise[0]);
    noise_find(measure, 20, noise[1]);
    series_of_verdicts("the same", measure, 0, 10, times, noise[0], METRICS);
    series_of_verdicts("5 % more work", measure, 0.05, 10, times / 2, noise[0], METRICS);
    series_of_verdicts("3 % more work", measure, 0.03, 20, times / 2, noise[1], METRICS);
    neighbour = neighbour_start();
    if (neighbour > 0) {
        noise_find(measure, 10, loud);
        series_of_verdicts("the same, noisy neighbour", measure, 0, 10, times, loud, METRICS);
        kill(neighbour, SIGKILL);
        waitpid(neighbour, NULL, 0);
    }
}

static void bench_simulated(void)
{
    double noise[2][METRICS];

    verdicts_head("simulated: log-normal 2 %, one in ten up to 20 % slower; same seed, same table");
    tacho_random_init(&chance, 1);
    noise_find(simulate, 10, noise[0]);
    noise_find(simulate, 20, noise[1]);
    series_of_verdicts("the same", simulate, 0, 10, 10000, noise[0], 1);
    series_of_verdicts("the same", simulate, 0, 20, 10000, noise[1], 1);
    series_of_verdicts("5 % slower", simulate, 0.05, 10, 2000, noise[0], 1);
    series_of_verdicts("3 % slower", simulate, 0.03, 20, 2000, noise[1], 1);
}

// ---- leaks --------------------------------------------------------------------------------------

enum shape { FLAT, SAW, WARM_UP, STEP, DRIFT, LEAK, LEAK_SAW, SHAPES };
static const char *const shape_name[SHAPES] = {
    "flat",           "sawtooth 12 %",      "warm-up 20 %",           "step 10 %",
    "slow wandering", "leak 6 % a horizon", "leak 6 % under sawtooth"};

static double normal(void)
{
    double u = tacho_random_unit(&chance), v = tacho_random_unit(&chance);

    return sqrt(-2 * log(1 - u)) * cos(6.283185307179586 * v);
}

// Two horizons: noise that resembles its neighbours (AR 0.7, 0.5 %), and what the shape adds.
static void series_make(enum shape shape, double *x, double *y)
{
    double near = 0, slow = 0, settle = 8 + 20 * tacho_random_unit(&chance);
    double at = 2 * tacho_random_unit(&chance);
    size_t cycle = 10 + tacho_random_below(&chance, 10);

    for (size_t i = 0; i < SAMPLES; i++) {
        double t = (double)i / SAMPLES * 2, level = 1;

        near = 0.7 * near + 0.005 * 0.714 * normal();
        slow = 0.99 * slow + 0.01 * 0.141 * normal();
        if (shape == SAW || shape == LEAK_SAW)
            level += 0.12 * (double)(i % cycle) / (double)cycle;
        if (shape == WARM_UP)
            level += 0.2 * (1 - exp(-t * settle / 4));
        if (shape == STEP && t > at)
            level += 0.1;
        if (shape == DRIFT)
            level += slow;
        if (shape == LEAK || shape == LEAK_SAW)
            level += 0.06 * t;
        x[i] = (double)i * 60;
        y[i] = 100e6 * (level + near);
    }
}

static void bench_leaks(void)
{
    const struct tacho_leak_rule rule = {.units_min = 1e6};
    static double x[SAMPLES], y[SAMPLES];

    printf("\nleaks: %d series each, percent; one horizon (the first half) and two in a row\n"
           "%-26s %12s %12s %12s\n",
           SERIES, "shape", "one horizon", "found", "suspected");
    tacho_random_init(&chance, 2);
    for (int shape = 0; shape < SHAPES; shape++) {
        int one = 0, found = 0, suspected = 0;

        for (int i = 0; i < SERIES; i++) {
            struct tacho_leak half, leak;

            series_make((enum shape)shape, x, y);
            tacho_leak_horizon(x, y, SAMPLES / 2, &rule, &half);
            tacho_leak_build(x, y, SAMPLES, &rule, &leak);
            one += half.verdict == TACHO_LEAK_SUSPECTED;
            found += leak.verdict == TACHO_LEAK_FOUND;
            suspected += leak.verdict == TACHO_LEAK_SUSPECTED;
        }
        printf("%-26s %12.2f %12.2f %12.2f\n", shape_name[shape], 100.0 * one / SERIES,
               100.0 * found / SERIES, 100.0 * suspected / SERIES);
    }
}

// ---- speed --------------------------------------------------------------------------------------

static int64_t cpu_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void bench_speed(void)
{
    static const size_t sides[] = {5, 10, 20, 30, 50, 100, 1000};
    static double a[1000], b[1000];

    printf("\n2,000 comparisons, milliseconds of CPU\n%6s %12s %12s\n", "n", "no ties",
           "many ties");
    tacho_random_init(&chance, 3);
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        double spent[2];

        for (int ties = 0; ties < 2; ties++) {
            const struct tacho_compare_rule rule = {.direction = TACHO_DIRECTION_LOWER};
            struct tacho_comparison result;
            int times = ties ? 100 : 500;
            int64_t begin;

            for (size_t k = 0; k < 1000; k++) {
                a[k] = simulated_time(0);
                b[k] = simulated_time(0);
                if (ties) {
                    a[k] = round(a[k] * 100);
                    b[k] = round(b[k] * 100);
                }
            }
            begin = cpu_now_ns();
            for (int k = 0; k < times; k++)
                tacho_compare_samples(a, sides[i], b, sides[i], &rule, &result);
            spent[ties] = (double)(cpu_now_ns() - begin) / 1e6 * 2000 / times;
        }
        printf("%6zu %12.1f %12.1f\n", sides[i], spent[0], spent[1]);
    }
}

int main(int argc, char **argv)
{
    int times = 200;
    bool all = argc == 1;

    if (argc == 3 && strcmp(argv[1], "work") == 0)
        return work(strtol(argv[2], NULL, 10));
    for (int i = 1; i < argc; i++) {
        if (strtol(argv[i], NULL, 10) >= 2)
            times = (int)strtol(argv[i], NULL, 10);
    }
    for (int i = 1; i <= argc; i++) {
        const char *part = i < argc ? argv[i] : "";

        if (strcmp(part, "simulated") == 0 || (all && i == argc))
            bench_simulated();
        if (strcmp(part, "leaks") == 0 || (all && i == argc))
            bench_leaks();
        if (strcmp(part, "speed") == 0 || (all && i == argc))
            bench_speed();
        if (strcmp(part, "machine") == 0 || (all && i == argc))
            bench_machine(times);
    }
    return 0;
}
