// The headline of a run: what it cost, in the numbers that every report begins with.
#include "analyze/facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "analyze/metric_summary.h"

// Smaller growth of memory than this is not worth a word.
#define MEMORY_GROWTH_LEAST_BYTES (1024.0 * 1024.0)

static double counter_total(const struct tacho_run *run, const struct tacho_run_series *series)
{
    struct tacho_metric_summary summary;

    tacho_metric_summary_build(&summary, series);
    // A target that was there before has a past that is not part of the run.
    return strncmp(run->info.target, "pid:", 4) == 0 ? summary.increase : summary.last;
}

double tacho_run_counter(const struct tacho_run *run, const char *name, const char *subject)
{
    const struct tacho_run_series *series = tacho_run_series_find(run, name, subject);

    return series != NULL && series->count > 0 ? counter_total(run, series) : NAN;
}

double tacho_run_gauge_mean(const struct tacho_run *run, const char *name, const char *subject)
{
    const struct tacho_run_series *series = tacho_run_series_find(run, name, subject);
    struct tacho_metric_summary summary;

    if (series == NULL || series->count == 0)
        return NAN;
    tacho_metric_summary_build(&summary, series);
    return summary.values.mean;
}

double tacho_run_gauge_max(const struct tacho_run *run, const char *name, const char *subject)
{
    const struct tacho_run_series *series = tacho_run_series_find(run, name, subject);
    struct tacho_metric_summary summary;

    if (series == NULL || series->count == 0)
        return NAN;
    tacho_metric_summary_build(&summary, series);
    return summary.values.max;
}

static void facts_memory(struct tacho_facts *facts, const struct tacho_run *run)
{
    // The fairest series that was measured often enough stands for the run's memory.
    static const char *const names[] = {"pss_bytes", "rss_bytes"};

    facts->memory_peak_bytes = tacho_run_gauge_max(run, "rss_peak_bytes", "run");
    facts->memory_together_peak_bytes = tacho_run_gauge_max(run, "rss_bytes", "run");
    if (isnan(facts->memory_peak_bytes))
        facts->memory_peak_bytes = facts->memory_together_peak_bytes;
    facts->memory_mean_bytes = tacho_run_gauge_mean(run, "rss_bytes", "run");
    facts->swap_peak_bytes = tacho_run_gauge_max(run, "swap_bytes", "run");
    for (size_t i = 0; i < 2; i++) {
        const struct tacho_run_series *series = tacho_run_series_find(run, names[i], "run");

        if (series == NULL || series->count == 0 || facts->memory.verdict != TACHO_GROWTH_UNKNOWN)
            continue;
        tacho_growth_build(&facts->memory, series, MEMORY_GROWTH_LEAST_BYTES);
        facts->memory_metric = series->name;
    }
}

static void facts_exit(struct tacho_facts *facts, const struct tacho_run_info *info)
{
    if (!info->has_exit)
        return;
    facts->exited = WIFEXITED(info->exit_status);
    facts->signalled = WIFSIGNALED(info->exit_status);
    facts->exit_code = facts->exited ? WEXITSTATUS(info->exit_status) : 0;
    facts->signal = facts->signalled ? WTERMSIG(info->exit_status) : 0;
}

// The note about tacho as a whole has it all; without one, the parts are added up.
static double noted_overhead(const struct tacho_run *run)
{
    double sum = NAN;

    for (size_t i = 0; i < run->notes.count; i++) {
        const struct tacho_run_note *note = &run->notes.items[i];

        if (note->kind != TACHO_NOTE_OVERHEAD || isnan(note->value))
            continue;
        if (strcmp(note->subject, "tacho") == 0)
            return note->value;
        sum = isnan(sum) ? note->value : sum + note->value;
    }
    return sum;
}

static double pressure(const struct tacho_run *run, const char *name)
{
    double own = tacho_run_gauge_mean(run, name, "run");

    return isnan(own) ? tacho_run_gauge_mean(run, name, "host") : own;
}

static void facts_surroundings(struct tacho_facts *facts, const struct tacho_run *run)
{
    facts->host_cpu_ratio_machine = tacho_run_gauge_mean(run, "host_cpu_ratio_machine", "host");
    facts->host_steal_ratio = tacho_run_gauge_mean(run, "host_steal_ratio", "host");
    facts->pressure_cpu_ratio = pressure(run, "pressure_cpu_ratio");
    facts->pressure_memory_ratio = pressure(run, "pressure_memory_ratio");
    facts->pressure_io_ratio = pressure(run, "pressure_io_ratio");
}

// Of the whole run, as the share of one core is; a mean of samples knows little of a short run.
static double machine_ratio(const struct tacho_facts *facts, const struct tacho_run *run)
{
    const char *text = tacho_run_environment_find(run, "cpu_count");
    double cores = text != NULL ? strtod(text, NULL) : 0;

    return cores >= 1 && !isnan(facts->cpu_ratio_core)
               ? facts->cpu_ratio_core / cores
               : tacho_run_gauge_mean(run, "cpu_ratio_machine", "run");
}

void tacho_facts_build(struct tacho_facts *facts, const struct tacho_run *run)
{
    memset(facts, 0, sizeof *facts);
    facts->wall_seconds = tacho_run_gauge_max(run, "wall_seconds", "run");
    if (isnan(facts->wall_seconds))
        facts->wall_seconds = run->info.duration_ns > 0 ? (double)run->info.duration_ns / 1e9 : NAN;
    facts->cpu_user_seconds = tacho_run_counter(run, "cpu_user_seconds", "run");
    facts->cpu_system_seconds = tacho_run_counter(run, "cpu_system_seconds", "run");
    facts->cpu_wait_seconds = tacho_run_counter(run, "cpu_wait_seconds", "run");
    facts->cpu_ratio_core =
        (facts->cpu_user_seconds + facts->cpu_system_seconds) / facts->wall_seconds;
    facts->cpu_ratio_machine = machine_ratio(facts, run);
    facts->page_faults_minor = tacho_run_counter(run, "page_faults_minor", "run");
    facts->page_faults_major = tacho_run_counter(run, "page_faults_major", "run");
    facts->switches_voluntary = tacho_run_counter(run, "context_switches_voluntary", "run");
    facts->switches_involuntary = tacho_run_counter(run, "context_switches_involuntary", "run");
    facts->io_read_bytes = tacho_run_counter(run, "io_read_bytes", "run");
    facts->io_write_bytes = tacho_run_counter(run, "io_write_bytes", "run");
    facts->io_read_calls_bytes = tacho_run_counter(run, "io_read_calls_bytes", "run");
    facts->io_write_calls_bytes = tacho_run_counter(run, "io_write_calls_bytes", "run");
    facts->io_wait_seconds = tacho_run_counter(run, "io_wait_seconds", "run");
    facts->start_exec_seconds = tacho_run_gauge_max(run, "start_exec_seconds", "run");
    facts->start_loading_seconds = tacho_run_gauge_max(run, "start_loading_seconds", "run");
    facts->start_first_output_seconds =
        tacho_run_gauge_max(run, "start_first_output_seconds", "run");
    facts->processes = tacho_run_gauge_max(run, "processes", "run");
    facts->threads_peak = tacho_run_gauge_max(run, "threads", "run");
    facts->open_files_peak = tacho_run_gauge_max(run, "open_files", "run");
    facts->open_files_limit = tacho_run_gauge_max(run, "open_files_limit", "run");
    facts->overhead_seconds = tacho_run_counter(run, "tacho_cpu_seconds", "run");
    if (isnan(facts->overhead_seconds))
        facts->overhead_seconds = noted_overhead(run);
    facts->overhead_ratio = facts->overhead_seconds / facts->wall_seconds;
    facts_surroundings(facts, run);
    facts_memory(facts, run);
    facts_exit(facts, &run->info);
}

// The series of a process or thread: its subject begins with "process PID " or "thread TID ".
static const struct tacho_run_series *subject_series(const struct tacho_run *run, const char *name,
                                                     const char *what, uint32_t number)
{
    char prefix[40];
    size_t length = (size_t)snprintf(prefix, sizeof prefix, "%s %u", what, number);

    for (size_t i = 0; i < run->series.count; i++) {
        const struct tacho_run_series *series = &run->series.items[i];

        if (strncmp(series->subject, prefix, length) == 0 &&
            (series->subject[length] == ' ' || series->subject[length] == '\0') &&
            series->count > 0 && strcmp(series->name, name) == 0)
            return series;
    }
    return NULL;
}

static void cost_metrics(struct tacho_thread_cost *cost, const struct tacho_run *run)
{
    const struct tacho_run_thread *thread = &run->threads.items[cost->thread];
    const char *what = cost->process ? "process" : "thread";
    uint32_t number = cost->process ? thread->pid : thread->tid;
    const struct tacho_run_series *user = subject_series(run, "cpu_user_seconds", what, number);
    const struct tacho_run_series *system = subject_series(run, "cpu_system_seconds", what, number);
    const struct tacho_run_series *rss = subject_series(run, "rss_bytes", what, number);
    const struct tacho_run_series *cpu = subject_series(run, "cpu_seconds", what, number);
    struct tacho_metric_summary summary;

    cost->cpu_seconds = cost->memory_peak_bytes = NAN;
    if (cpu != NULL)
        cost->cpu_seconds = counter_total(run, cpu);
    else if (user != NULL && system != NULL)
        cost->cpu_seconds = counter_total(run, user) + counter_total(run, system);
    if (rss != NULL) {
        tacho_metric_summary_build(&summary, rss);
        cost->memory_peak_bytes = summary.values.max;
    }
}

static int by_cost(const void *a, const void *b)
{
    const struct tacho_thread_cost *x = a, *y = b;
    double cx = isnan(x->cpu_seconds) ? -1 : x->cpu_seconds;
    double cy = isnan(y->cpu_seconds) ? -1 : y->cpu_seconds;

    if (cx < cy || cx > cy)
        return cx > cy ? -1 : 1;
    if (x->share < y->share || x->share > y->share)
        return x->share > y->share ? -1 : 1;
    if (x->process != y->process)
        return x->process ? -1 : 1;
    return (x->thread > y->thread) - (x->thread < y->thread);
}

struct thread_weight {
    int64_t weight;
    uint64_t samples;
    uint32_t threads; // of the process whose first thread this is
    uint32_t process; // the index of the process' first thread
};

static struct thread_weight *weigh_threads(const struct tacho_run *run,
                                           const struct tacho_run_profile *profile, int64_t *total)
{
    size_t capacity = 0, bytes = (run->threads.count + 1) * sizeof(struct thread_weight);
    struct thread_weight *weights = tacho_array_grow(NULL, &capacity, bytes, 1);
    struct tacho_map processes = {0};

    int64_t weight_max = profile != NULL ? tacho_profile_weight_max(profile) : 0;

    memset(weights, 0, bytes);
    *total = 0;
    for (size_t i = 0; profile != NULL && i < profile->samples.count; i++) {
        const struct tacho_run_profile_sample *sample = &profile->samples.items[i];

        if (sample->thread >= run->threads.count || sample->weight < 0 ||
            (weight_max != 0 && sample->weight > weight_max))
            continue;
        weights[sample->thread].weight += sample->weight;
        weights[sample->thread].samples++;
        *total += sample->weight;
    }
    for (size_t i = 0; i < run->threads.count; i++) {
        if (run->threads.items[i].pid == run->threads.items[i].tid)
            *tacho_map_put(&processes, run->threads.items[i].pid, NULL) = i;
    }
    for (size_t i = 0; i < run->threads.count; i++) {
        const uint64_t *process = tacho_map_get(&processes, run->threads.items[i].pid);

        weights[i].process = process != NULL ? (uint32_t)*process : (uint32_t)i;
        weights[weights[i].process].threads++;
    }
    tacho_map_release(&processes);
    return weights;
}

static void cost_add(struct tacho_thread_costs *costs, const struct tacho_run *run, size_t thread,
                     bool process, const struct thread_weight *weight, int64_t total)
{
    struct tacho_thread_cost cost = {.thread = (uint32_t)thread, .process = process};

    cost_metrics(&cost, run);
    cost.samples = weight->samples;
    cost.share = total > 0 ? (double)weight->weight / (double)total : NAN;
    tacho_array_push(&costs->items, cost);
}

void tacho_thread_costs_build(struct tacho_thread_costs *costs, const struct tacho_run *run,
                              const struct tacho_run_profile *profile)
{
    int64_t total;
    struct thread_weight *weights = weigh_threads(run, profile, &total);

    memset(costs, 0, sizeof *costs);
    for (size_t i = 0; i < run->threads.count; i++) {
        struct thread_weight sum = weights[i];

        if (weights[i].process != i || weights[i].threads > 1)
            cost_add(costs, run, i, false, &weights[i], total);
        if (weights[i].process != i)
            continue;
        for (size_t j = 0; weights[i].threads > 1 && j < run->threads.count; j++) {
            if (j != i && weights[j].process == i) {
                sum.weight += weights[j].weight;
                sum.samples += weights[j].samples;
            }
        }
        cost_add(costs, run, i, true, &sum, total);
    }
    if (costs->items.count > 0)
        qsort(costs->items.items, costs->items.count, sizeof *costs->items.items, by_cost);
    free(weights);
}

void tacho_thread_costs_release(struct tacho_thread_costs *costs)
{
    tacho_array_release(&costs->items);
}
