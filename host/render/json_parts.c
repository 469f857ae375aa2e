// Pieces of JSON that several reports share.
#include "render/json_parts.h"

#include <math.h>
#include <stdio.h>

#include "analyze/slow_spans.h"

const char *tacho_note_kind_name(uint8_t kind)
{
    static const char *const names[] = {"info",          "loss",     "clock",  "simulated",
                                        "not_available", "overhead", "warning"};

    return kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

const char *tacho_metric_kind_name(uint8_t kind)
{
    static const char *const names[] = {"gauge", "counter", "histogram"};

    return kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

const char *tacho_growth_verdict_name(enum tacho_growth_verdict verdict)
{
    static const char *const names[] = {"insufficient_data", "none", "settled", "steady"};

    return names[verdict];
}

void tacho_json_run_info(struct tacho_json *json, const struct tacho_run *run,
                         const struct tacho_facts *facts)
{
    const struct tacho_run_info *info = &run->info;

    tacho_json_member_text(json, "id", info->id);
    tacho_json_member_text(json, "name", info->name);
    tacho_json_member_text(json, "target", info->target);
    tacho_json_member_text(json, "command", info->command);
    tacho_json_member_text(json, "tacho_version", info->version);
    tacho_json_member_i64(json, "start_unix_ns", info->start_unix_ns);
    tacho_json_member_i64(json, "duration_ns", info->duration_ns);
    tacho_json_member_bool(json, "finished", info->finished);
    tacho_json_key(json, "exit_code");
    if (facts->exited)
        tacho_json_i64(json, facts->exit_code);
    else
        tacho_json_null(json);
    tacho_json_key(json, "signal");
    if (facts->signalled)
        tacho_json_i64(json, facts->signal);
    else
        tacho_json_null(json);
}

static void growth(struct tacho_json *json, const struct tacho_facts *facts)
{
    const struct tacho_growth *memory = &facts->memory;

    tacho_json_key(json, "memory_growth");
    tacho_json_object_begin(json);
    tacho_json_member_text(json, "metric", facts->memory_metric);
    tacho_json_member_text(json, "verdict", tacho_growth_verdict_name(memory->verdict));
    tacho_json_member_u64(json, "samples", memory->samples);
    if (memory->verdict != TACHO_GROWTH_UNKNOWN) {
        tacho_json_member_double(json, "from_bytes", memory->from);
        tacho_json_member_double(json, "to_bytes", memory->to);
        tacho_json_member_double(json, "slope_bytes_per_second", memory->slope);
        tacho_json_member_double(json, "probability_by_chance", memory->probability);
    }
    tacho_json_object_end(json);
}

void tacho_json_facts(struct tacho_json *json, const struct tacho_facts *facts)
{
#define FACT(name) tacho_json_member_double(json, #name, facts->name)
    FACT(wall_seconds);
    FACT(cpu_user_seconds);
    FACT(cpu_system_seconds);
    FACT(cpu_wait_seconds);
    FACT(cpu_ratio_core);
    FACT(cpu_ratio_machine);
    FACT(memory_peak_bytes);
    FACT(memory_together_peak_bytes);
    FACT(memory_mean_bytes);
    FACT(swap_peak_bytes);
    FACT(page_faults_minor);
    FACT(page_faults_major);
    FACT(switches_voluntary);
    FACT(switches_involuntary);
    FACT(io_read_bytes);
    FACT(io_write_bytes);
    FACT(io_read_calls_bytes);
    FACT(io_write_calls_bytes);
    FACT(io_wait_seconds);
    FACT(start_exec_seconds);
    FACT(start_loading_seconds);
    FACT(start_first_output_seconds);
    FACT(host_cpu_ratio_machine);
    FACT(host_steal_ratio);
    FACT(pressure_cpu_ratio);
    FACT(pressure_memory_ratio);
    FACT(pressure_io_ratio);
    FACT(processes);
    FACT(threads_peak);
    FACT(open_files_peak);
    FACT(open_files_limit);
    FACT(overhead_seconds);
    FACT(overhead_ratio);
#undef FACT
    growth(json, facts);
}

static void suffixed(struct tacho_json *json, const char *name, const char *suffix, double value)
{
    char key[40];

    snprintf(key, sizeof key, "%s%s", name, suffix);
    tacho_json_member_double(json, key, value);
}

void tacho_json_statistics(struct tacho_json *json, const struct tacho_statistics *statistics,
                           const char *suffix)
{
    tacho_json_member_u64(json, "count", statistics->count);
    tacho_json_member_u64(json, "errors", statistics->errors);
    suffixed(json, "mean", suffix, statistics->mean);
    suffixed(json, "deviation", suffix, statistics->deviation);
    suffixed(json, "min", suffix, statistics->min);
    suffixed(json, "max", suffix, statistics->max);
    suffixed(json, "last", suffix, statistics->last);
    for (int i = 0; i < TACHO_QUANTILE_COUNT; i++)
        suffixed(json, tacho_quantile_name[i], suffix, statistics->quantile[i]);
}

void tacho_json_notes(struct tacho_json *json, const struct tacho_run *run)
{
    tacho_json_array_begin(json);
    for (size_t i = 0; i < run->notes.count; i++) {
        const struct tacho_run_note *note = &run->notes.items[i];

        tacho_json_object_begin(json);
        tacho_json_member_text(json, "kind", tacho_note_kind_name(note->kind));
        tacho_json_member_text(json, "subject", note->subject);
        tacho_json_member_text(json, "text", note->text);
        tacho_json_member_double(json, "value", note->value);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
}

void tacho_json_environment(struct tacho_json *json, const struct tacho_run *run)
{
    tacho_json_object_begin(json);
    for (size_t i = 0; i < run->environment.count; i++)
        tacho_json_member_text(json, run->environment.items[i].key,
                               run->environment.items[i].value);
    tacho_json_object_end(json);
}

void tacho_json_clocks(struct tacho_json *json, const struct tacho_run *run)
{
    tacho_json_key(json, "clocks");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < run->clocks.count; i++) {
        tacho_json_object_begin(json);
        tacho_json_member_text(json, "name", run->clocks.items[i].name);
        tacho_json_member_double(json, "hertz", run->clocks.items[i].hz);
        tacho_json_member_double(json, "resolution_ns", run->clocks.items[i].resolution_ns);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
}

void tacho_json_threads(struct tacho_json *json, const struct tacho_report *report)
{
    struct tacho_thread_costs costs;

    tacho_thread_costs_build(&costs, report->run, report->profile);
    tacho_json_key(json, "threads");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < costs.items.count; i++) {
        const struct tacho_thread_cost *cost = &costs.items.items[i];
        const struct tacho_run_thread *thread = &report->run->threads.items[cost->thread];

        tacho_json_object_begin(json);
        tacho_json_member_text(json, "kind", cost->process ? "process" : "thread");
        tacho_json_member_u64(json, "pid", thread->pid);
        tacho_json_member_u64(json, "tid", thread->tid);
        tacho_json_member_u64(json, "parent_pid", thread->parent_pid);
        tacho_json_member_text(json, "name", thread->name);
        tacho_json_member_text(json, "command", thread->command);
        tacho_json_member_double(json, "cpu_seconds", cost->cpu_seconds);
        tacho_json_member_double(json, "memory_peak_bytes", cost->memory_peak_bytes);
        tacho_json_member_u64(json, "samples", cost->samples);
        tacho_json_member_double(json, "share", cost->share);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
    tacho_thread_costs_release(&costs);
}

void tacho_json_slow_spans(struct tacho_json *json, const struct tacho_report *report, size_t top)
{
    const struct tacho_run *run = report->run;
    const struct tacho_profile_filter *filter = &report->options.filter;
    struct tacho_slow_spans slow;

    tacho_slow_spans_find(&slow, run, report->options.slow_ns, top, filter->pid, filter->tid);
    tacho_json_key(json, "slow_spans");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < slow.items.count; i++) {
        const struct tacho_run_span *span = &run->spans.items[slow.items.items[i]];
        bool known = span->thread < run->threads.count;

        tacho_json_object_begin(json);
        tacho_json_member_text(json, "zone", run->zones.items[span->zone].name);
        tacho_json_member_i64(json, "begin_ns", span->begin_ns);
        tacho_json_member_i64(json, "duration_ns", span->duration_ns);
        tacho_json_member_double(json, "self_ns",
                                 span->self_ns >= 0 ? (double)span->self_ns : (double)NAN);
        tacho_json_member_u64(json, "pid", known ? run->threads.items[span->thread].pid : 0);
        tacho_json_member_u64(json, "tid", known ? run->threads.items[span->thread].tid : 0);
        tacho_json_member_text(json, "thread",
                               known ? run->threads.items[span->thread].name : NULL);
        tacho_json_member_bool(json, "error", span->status == TACHO_SPAN_ERROR);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
    tacho_slow_spans_release(&slow);
}
