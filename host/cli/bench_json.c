// A bench as JSON: tacho's own form with every run, and the form of hyperfine's --export-json.
#include <math.h>

#include "base/json_writer.h"
#include "cli/bench.h"

static void statistics(struct tacho_json *json, const char *key, const struct tacho_statistics *of)
{
    tacho_json_key(json, key);
    tacho_json_object_begin(json);
    tacho_json_member_double(json, "mean", of->mean);
    tacho_json_member_double(json, "deviation", of->deviation);
    tacho_json_member_double(json, "min", of->min);
    tacho_json_member_double(json, "max", of->max);
    for (int i = 0; i < TACHO_QUANTILE_COUNT; i++)
        tacho_json_member_double(json, tacho_quantile_name[i], of->quantile[i]);
    tacho_json_object_end(json);
}

static void parameters(struct tacho_json *json, const struct tacho_bench_command *command)
{
    if (command->parameter_count == 0)
        return;
    tacho_json_key(json, "parameters");
    tacho_json_object_begin(json);
    for (size_t i = 0; i < command->parameter_count; i++)
        tacho_json_member_text(json, command->parameters[i].name, command->parameters[i].value);
    tacho_json_object_end(json);
}

static void runs(struct tacho_json *json, const struct tacho_bench_command *command)
{
    tacho_json_key(json, "runs");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < command->runs.count; i++) {
        const struct tacho_bench_run *run = &command->runs.items[i];
        tacho_json_object_begin(json);
        tacho_json_member_double(json, "wall_seconds", run->wall_seconds);
        tacho_json_member_double(json, "user_seconds", run->user_seconds);
        tacho_json_member_double(json, "system_seconds", run->system_seconds);
        tacho_json_member_double(json, "rss_peak_bytes", run->rss_peak_bytes);
        tacho_json_member_u64(json, "faults_minor", run->faults_minor);
        tacho_json_member_u64(json, "faults_major", run->faults_major);
        tacho_json_member_i64(json, "exit_code", run->exit_code);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
}

static void command_object(struct tacho_json *json, const struct tacho_bench_command *command)
{
    struct tacho_bench_figures figures;
    tacho_bench_figures_build(command, &figures);
    tacho_json_object_begin(json);
    tacho_json_member_text(json, "name", command->name);
    tacho_json_member_text(json, "command", command->text);
    tacho_json_member_bool(json, "in_shell", command->in_shell);
    parameters(json, command);
    tacho_json_member_u64(json, "count", command->runs.count);
    tacho_json_member_u64(json, "failed", command->failures);
    tacho_json_member_u64(json, "outliers", figures.outliers);
    tacho_json_member_double(json, "first_seconds", command->first_seconds);
    tacho_json_member_double(json, "wall_median_seconds", figures.wall_median);
    statistics(json, "wall_seconds", &figures.wall);
    statistics(json, "user_seconds", &figures.user);
    statistics(json, "system_seconds", &figures.system);
    statistics(json, "rss_peak_bytes", &figures.rss);
    runs(json, command);
    tacho_json_object_end(json);
}

static void comparison(struct tacho_json *json, const struct tacho_bench *bench, size_t i)
{
    const struct tacho_comparison *result = &bench->comparisons[i];
    tacho_json_object_begin(json);
    tacho_json_member_text(json, "base", bench->commands.items[0].name);
    tacho_json_member_text(json, "new", bench->commands.items[i + 1].name);
    tacho_json_member_text(json, "verdict", tacho_comparison_verdict_name(result->verdict));
    tacho_json_member_text(json, "reason", tacho_comparison_reason_text(result->reason));
    tacho_json_member_double(json, "change", result->change);
    tacho_json_member_double(json, "change_low", result->change_low);
    tacho_json_member_double(json, "change_high", result->change_high);
    tacho_json_member_double(json, "limit", result->limit);
    tacho_json_member_double(json, "probability", result->probability_adjusted);
    tacho_json_object_end(json);
}

void tacho_bench_print_json(const struct tacho_bench *bench, struct tacho_out *out)
{
    struct tacho_json json;
    tacho_json_init(&json, out, true);
    tacho_json_object_begin(&json);
    tacho_json_member_bool(&json, "interrupted", bench->interrupted);
    tacho_json_key(&json, "commands");
    tacho_json_array_begin(&json);
    for (size_t i = 0; i < bench->commands.count; i++)
        command_object(&json, &bench->commands.items[i]);
    tacho_json_array_end(&json);
    if (bench->comparisons) {
        tacho_json_member_double(&json, "noise", bench->noise);
        tacho_json_member_bool(&json, "reran", bench->reran);
        tacho_json_key(&json, "comparisons");
        tacho_json_array_begin(&json);
        for (size_t i = 0; i + 1 < bench->commands.count; i++)
            comparison(&json, bench, i);
        tacho_json_array_end(&json);
    }
    tacho_json_object_end(&json);
    tacho_out_char(out, '\n');
}

static void hyperfine_result(struct tacho_json *json, const struct tacho_bench_command *command)
{
    struct tacho_bench_figures figures;
    tacho_bench_figures_build(command, &figures);
    tacho_json_object_begin(json);
    tacho_json_member_text(json, "command", command->name);
    tacho_json_member_double(json, "mean", figures.wall.mean);
    tacho_json_member_double(json, "stddev", figures.wall.deviation);
    tacho_json_member_double(json, "median", figures.wall_median);
    tacho_json_member_double(json, "user", figures.user.mean);
    tacho_json_member_double(json, "system", figures.system.mean);
    tacho_json_member_double(json, "min", figures.wall.min);
    tacho_json_member_double(json, "max", figures.wall.max);
    tacho_json_key(json, "times");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < command->runs.count; i++)
        tacho_json_double(json, command->runs.items[i].wall_seconds);
    tacho_json_array_end(json);
    tacho_json_key(json, "exit_codes");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < command->runs.count; i++)
        tacho_json_i64(json, command->runs.items[i].exit_code);
    tacho_json_array_end(json);
    parameters(json, command);
    tacho_json_object_end(json);
}

void tacho_bench_print_hyperfine(const struct tacho_bench *bench, struct tacho_out *out)
{
    struct tacho_json json;
    tacho_json_init(&json, out, true);
    tacho_json_object_begin(&json);
    tacho_json_key(&json, "results");
    tacho_json_array_begin(&json);
    for (size_t i = 0; i < bench->commands.count; i++)
        hyperfine_result(&json, &bench->commands.items[i]);
    tacho_json_array_end(&json);
    tacho_json_object_end(&json);
    tacho_out_char(out, '\n');
}
