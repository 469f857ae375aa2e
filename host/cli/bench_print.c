// A bench as text, as CSV, and as lines of Go benchmarks.
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "cli/bench.h"
#include "render/table.h"

static void cell(struct tacho_table *table, double seconds)
{
    char text[TACHO_UNIT_TEXT_MAX];
    tacho_table_cell(table, tacho_format_seconds(seconds, text));
}

// What the others are relative to: the base of a comparison, else the fastest.
static double reference(const struct tacho_bench *bench)
{
    double smallest = NAN;
    for (size_t i = 0; i < bench->commands.count; i++) {
        struct tacho_bench_figures figures;
        tacho_bench_figures_build(&bench->commands.items[i], &figures);
        double median = figures.wall_median;
        if (i == 0 && bench->options->compare)
            return median;
        if (isnan(smallest) || median < smallest)
            smallest = median;
    }
    return smallest;
}

static void print_table(const struct tacho_bench *bench, struct tacho_out *out)
{
    static const char *const headings[] = {"median", "mean", "± sd",   "min",  "max",
                                           "runs",   "user", "system", "peak", "relative"};
    struct tacho_table table = {0};
    char text[TACHO_UNIT_TEXT_MAX];
    double base = reference(bench);
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "command");
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
        tacho_table_column(&table, TACHO_COLUMN_RIGHT, headings[i]);
    for (size_t i = 0; i < bench->commands.count; i++) {
        const struct tacho_bench_command *command = &bench->commands.items[i];
        struct tacho_bench_figures figures;
        tacho_bench_figures_build(command, &figures);
        tacho_table_cell(&table, command->name);
        cell(&table, figures.wall_median);
        cell(&table, figures.wall.mean);
        cell(&table, figures.wall.deviation);
        cell(&table, figures.wall.min);
        cell(&table, figures.wall.max);
        tacho_table_printf(&table, "%zu", command->runs.count);
        cell(&table, figures.user.mean);
        cell(&table, figures.system.mean);
        tacho_table_cell(&table, tacho_format_bytes(figures.rss.max, text));
        double ratio = figures.wall_median / base;
        if (isfinite(ratio))
            tacho_table_printf(&table, "%.2f", ratio);
        else
            tacho_table_cell(&table, "n/a");
    }
    tacho_table_print(&table, out);
}

// What the reader has to know before trusting a row.
static void print_notes(const struct tacho_bench *bench, struct tacho_out *out)
{
    char a[TACHO_UNIT_TEXT_MAX], b[TACHO_UNIT_TEXT_MAX];
    size_t hidden = 0;
    for (size_t i = 0; i < bench->commands.count; i++) {
        const struct tacho_bench_command *command = &bench->commands.items[i];
        struct tacho_bench_figures figures;
        tacho_bench_figures_build(command, &figures);
        double median = figures.wall_median;
        if (command->failures)
            tacho_out_printf(out, "  '%s' failed in %zu of %zu runs\n", command->name,
                             command->failures, command->runs.count);
        if (figures.outliers)
            tacho_out_printf(out, "  '%s': %zu of %zu runs are outliers (beyond 1.5 IQR)\n",
                             command->name, figures.outliers, command->runs.count);
        if (command->first_seconds > 1.5 * median && command->first_seconds > figures.wall.max)
            tacho_out_printf(out, "  '%s': the first run took %s, the median is %s: warm-up\n",
                             command->name, tacho_format_seconds(command->first_seconds, a),
                             tacho_format_seconds(median, b));
        if (command->in_shell)
            tacho_out_printf(out, "  '%s' ran through sh, whose start is in its time\n",
                             command->name);
        hidden += command->runs.count && figures.rss.count == 0;
    }
    if (hidden)
        tacho_out_text(out, "  peak n/a: it is below tacho's own, which hides it\n");
}

static void print_comparisons(const struct tacho_bench *bench, struct tacho_out *out)
{
    char change[TACHO_UNIT_TEXT_MAX], limit[TACHO_UNIT_TEXT_MAX], noise[TACHO_UNIT_TEXT_MAX];
    tacho_out_printf(out, "\nAgainst '%s' (noise of the machine, A/A: %s):\n",
                     bench->commands.items[0].name, tacho_format_ratio(bench->noise, noise));
    for (size_t i = 0; i + 1 < bench->commands.count; i++) {
        const struct tacho_comparison *result = &bench->comparisons[i];
        tacho_out_printf(out, "  %s: '%s' %s%s, p = %.2g, limit %s: %s%s\n",
                         tacho_comparison_verdict_name(result->verdict),
                         bench->commands.items[i + 1].name, result->change > 0 ? "+" : "",
                         tacho_format_ratio(result->change, change), result->probability_adjusted,
                         tacho_format_ratio(result->limit, limit),
                         tacho_comparison_reason_text(result->reason),
                         bench->reran && result->verdict == TACHO_COMPARISON_REGRESSION
                             ? "; a rerun says the same"
                             : "");
    }
}

void tacho_bench_print_text(const struct tacho_bench *bench, struct tacho_out *out)
{
    print_table(bench, out);
    print_notes(bench, out);
    if (bench->comparisons)
        print_comparisons(bench, out);
}

static void csv_text(struct tacho_out *out, const char *text)
{
    tacho_out_char(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            tacho_out_char(out, '"');
        tacho_out_char(out, *text);
    }
    tacho_out_char(out, '"');
}

// An empty field is n/a.
static void csv_number(struct tacho_out *out, double value)
{
    tacho_out_char(out, ',');
    if (isfinite(value))
        tacho_out_printf(out, "%.9g", value);
}

void tacho_bench_print_csv(const struct tacho_bench *bench, struct tacho_out *out)
{
    tacho_out_text(out, "name,command,count,failed,outliers,mean_seconds,deviation_seconds,"
                        "median_seconds,min_seconds,max_seconds,user_seconds,system_seconds,"
                        "rss_peak_bytes,change,verdict\n");
    for (size_t i = 0; i < bench->commands.count; i++) {
        const struct tacho_bench_command *command = &bench->commands.items[i];
        const struct tacho_comparison *result =
            bench->comparisons && i ? &bench->comparisons[i - 1] : NULL;
        struct tacho_bench_figures figures;
        tacho_bench_figures_build(command, &figures);
        csv_text(out, command->name);
        tacho_out_char(out, ',');
        csv_text(out, command->text);
        tacho_out_printf(out, ",%zu,%zu,%zu", command->runs.count, command->failures,
                         figures.outliers);
        csv_number(out, figures.wall.mean);
        csv_number(out, figures.wall.deviation);
        csv_number(out, figures.wall_median);
        csv_number(out, figures.wall.min);
        csv_number(out, figures.wall.max);
        csv_number(out, figures.user.mean);
        csv_number(out, figures.system.mean);
        csv_number(out, figures.rss.max);
        csv_number(out, result ? result->change : (double)NAN);
        tacho_out_printf(out, ",%s\n",
                         result ? tacho_comparison_verdict_name(result->verdict) : "");
    }
}

// One line per run: what reads them does its own statistics.
void tacho_bench_print_go(const struct tacho_bench *bench, struct tacho_out *out)
{
    for (size_t i = 0; i < bench->commands.count; i++) {
        const struct tacho_bench_command *command = &bench->commands.items[i];
        for (size_t k = 0; k < command->runs.count; k++) {
            const struct tacho_bench_run *run = &command->runs.items[k];
            tacho_out_text(out, "Benchmark/");
            for (const char *at = command->name; *at; at++)
                tacho_out_char(out, isspace((unsigned char)*at) ? '_' : *at);
            tacho_out_printf(out, " 1 %.0f ns/op %.0f user-ns/op %.0f sys-ns/op",
                             run->wall_seconds * 1e9, run->user_seconds * 1e9,
                             run->system_seconds * 1e9);
            if (isfinite(run->rss_peak_bytes))
                tacho_out_printf(out, " %.0f peak-RSS-bytes", run->rss_peak_bytes);
            tacho_out_char(out, '\n');
        }
    }
}
