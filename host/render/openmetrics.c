// The metrics of a run as OpenMetrics 1.0 text: the last value of each series.
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "analyze/metric_summary.h"
#include "render/report.h"

// Names hold letters, digits and "_" only.
static void write_name(struct tacho_out *out, const char *name)
{
    tacho_out_text(out, "tacho_");
    for (; *name != '\0'; name++)
        tacho_out_char(out, isalnum((unsigned char)*name) ? *name : '_');
}

static void write_escaped(struct tacho_out *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            tacho_out_char(out, '\\');
        if (*text == '\n')
            tacho_out_text(out, "\\n");
        else
            tacho_out_char(out, *text);
    }
}

// A family may be described once only; its samples must follow each other.
static bool is_first(const struct tacho_run *run, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(run->series.items[i].name, run->series.items[index].name) == 0)
            return false;
    }
    return true;
}

static void write_sample(const struct tacho_run *run, const struct tacho_run_series *series,
                         struct tacho_out *out)
{
    struct tacho_metric_summary summary;
    int64_t at_ns = 0;

    tacho_metric_summary_build(&summary, series);
    if (isnan(summary.last))
        return;
    for (size_t i = series->count; i-- > 0 && at_ns == 0;)
        at_ns = isnan(series->value[i]) ? 0 : series->time_ns[i];
    write_name(out, series->name);
    tacho_out_text(out, series->kind == TACHO_METRIC_COUNTER ? "_total{run=\"" : "{run=\"");
    write_escaped(out, run->info.id);
    tacho_out_text(out, "\",subject=\"");
    write_escaped(out, series->subject);
    tacho_out_printf(out, "\"} %.17g ", summary.last);
    tacho_out_fixed(out, run->info.start_unix_ns / 1000000 + at_ns / 1000000, 3);
    tacho_out_char(out, '\n');
}

static void write_family(const struct tacho_run *run, const struct tacho_run_series *series,
                         struct tacho_out *out)
{
    tacho_out_text(out, "# TYPE ");
    write_name(out, series->name);
    tacho_out_text(out, series->kind == TACHO_METRIC_COUNTER ? " counter\n" : " gauge\n");
    if (series->help != NULL && series->help[0] != '\0') {
        tacho_out_text(out, "# HELP ");
        write_name(out, series->name);
        tacho_out_char(out, ' ');
        write_escaped(out, series->help);
        tacho_out_char(out, '\n');
    }
    for (size_t i = 0; i < run->series.count; i++) {
        if (strcmp(run->series.items[i].name, series->name) == 0)
            write_sample(run, &run->series.items[i], out);
    }
}

int tacho_report_openmetrics(const struct tacho_report *report, struct tacho_out *out,
                             struct tacho_fail *fail)
{
    (void)fail;
    for (size_t i = 0; i < report->run->series.count; i++) {
        if (is_first(report->run, i))
            write_family(report->run, &report->run->series.items[i], out);
    }
    tacho_out_text(out, "# EOF\n");
    return 0;
}
