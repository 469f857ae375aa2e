// The text report: a summary that a person reads in ten seconds, then the tables behind it.
#include "render/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "render/table.h"

void tacho_text_heading(struct tacho_out *out, const char *heading)
{
    tacho_out_char(out, '\n');
    tacho_out_text(out, tacho_out_style(out, TACHO_STYLE_BOLD));
    tacho_out_text(out, heading);
    tacho_out_text(out, tacho_out_style(out, TACHO_STYLE_END));
    tacho_out_char(out, '\n');
}

void tacho_text_exit(const struct tacho_facts *facts, const struct tacho_run_info *info, char *text,
                     size_t size)
{
    if (facts->exited)
        snprintf(text, size, "exit %d", facts->exit_code);
    else if (facts->signalled)
        snprintf(text, size, "killed by signal %d (%s)", facts->signal, strsignal(facts->signal));
    else if (!info->finished)
        snprintf(text, size, "not finished");
    else
        snprintf(text, size, "still running");
}

static void line_begin(struct tacho_out *out, const char *name)
{
    tacho_out_printf(out, "  %s%-8s%s", tacho_out_style(out, TACHO_STYLE_DIM), name,
                     tacho_out_style(out, TACHO_STYLE_END));
}

static void write_head(const struct tacho_run *run, const struct tacho_facts *facts,
                       struct tacho_out *out)
{
    char wall[TACHO_UNIT_TEXT_MAX], how[80], when[40] = "";
    const char *what = run->info.command[0] != '\0' ? run->info.command : run->info.target;
    time_t start = (time_t)(run->info.start_unix_ns / 1000000000);
    struct tm calendar;

    tacho_text_exit(facts, &run->info, how, sizeof how);
    tacho_out_text(out, tacho_out_style(out, TACHO_STYLE_BOLD));
    tacho_text_write(out, what, out->width > 20 ? (size_t)out->width : 400);
    tacho_out_printf(out, "%s\n", tacho_out_style(out, TACHO_STYLE_END));
    if (run->info.start_unix_ns > 0 && gmtime_r(&start, &calendar) != NULL)
        strftime(when, sizeof when, " · %Y-%m-%d %H:%M:%S UTC", &calendar);
    tacho_out_printf(
        out, "  %s%s%s · %s wall · run %s",
        tacho_out_style(
            out, facts->exited && facts->exit_code == 0
                     ? TACHO_STYLE_GREEN
                     : (facts->exited || facts->signalled ? TACHO_STYLE_RED : TACHO_STYLE_BOLD)),
        how, tacho_out_style(out, TACHO_STYLE_END), tacho_format_seconds(facts->wall_seconds, wall),
        run->info.id);
    if (run->info.name[0] != '\0') {
        tacho_out_text(out, " \"");
        tacho_text_write(out, run->info.name, 60);
        tacho_out_text(out, "\"");
    }
    tacho_out_printf(out, "%s\n\n", when);
}

static void write_cpu(const struct tacho_facts *facts, struct tacho_out *out)
{
    char cpu[TACHO_UNIT_TEXT_MAX], user[TACHO_UNIT_TEXT_MAX], system[TACHO_UNIT_TEXT_MAX];
    char machine[TACHO_UNIT_TEXT_MAX], wait[TACHO_UNIT_TEXT_MAX];

    line_begin(out, "CPU");
    if (isnan(facts->cpu_user_seconds)) {
        tacho_out_text(out, "n/a\n");
        return;
    }
    tacho_out_printf(out, "%s (user %s, system %s)",
                     tacho_format_seconds(facts->cpu_user_seconds + facts->cpu_system_seconds, cpu),
                     tacho_format_seconds(facts->cpu_user_seconds, user),
                     tacho_format_seconds(facts->cpu_system_seconds, system));
    if (!isnan(facts->cpu_ratio_core))
        tacho_out_printf(out, " · %.2f of one core", facts->cpu_ratio_core);
    if (!isnan(facts->cpu_ratio_machine))
        tacho_out_printf(out, ", %s of the machine",
                         tacho_format_ratio(facts->cpu_ratio_machine, machine));
    if (facts->cpu_wait_seconds > 0)
        tacho_out_printf(out, " · waited %s for a core",
                         tacho_format_seconds(facts->cpu_wait_seconds, wait));
    tacho_out_char(out, '\n');
}

static void write_growth(const struct tacho_growth *growth, struct tacho_out *out)
{
    char from[TACHO_UNIT_TEXT_MAX], to[TACHO_UNIT_TEXT_MAX], rate[TACHO_UNIT_TEXT_MAX];

    switch (growth->verdict) {
    case TACHO_GROWTH_UNKNOWN:
        tacho_out_printf(out, "growth: insufficient data (%zu of %d samples)", growth->samples,
                         TACHO_GROWTH_SAMPLES_MIN);
        return;
    case TACHO_GROWTH_NONE:
        tacho_out_text(out, "no growth");
        return;
    case TACHO_GROWTH_SETTLED:
        tacho_out_printf(out, "grew from %s to %s, then settled",
                         tacho_format_bytes(growth->from, from),
                         tacho_format_bytes(growth->to, to));
        return;
    case TACHO_GROWTH_STEADY:
        tacho_out_printf(
            out, "%sgrows steadily%s: %s -> %s, %s/s", tacho_out_style(out, TACHO_STYLE_RED),
            tacho_out_style(out, TACHO_STYLE_END), tacho_format_bytes(growth->from, from),
            tacho_format_bytes(growth->to, to), tacho_format_bytes(growth->slope, rate));
        return;
    }
}

static void write_memory(const struct tacho_facts *facts, struct tacho_out *out)
{
    char text[TACHO_UNIT_TEXT_MAX], minor[TACHO_UNIT_TEXT_MAX], major[TACHO_UNIT_TEXT_MAX];

    line_begin(out, "memory");
    tacho_out_printf(out, "peak %s", tacho_format_bytes(facts->memory_peak_bytes, text));
    if (facts->processes > 1 && !isnan(facts->memory_together_peak_bytes))
        tacho_out_printf(out, " in the largest process, %s together",
                         tacho_format_bytes(facts->memory_together_peak_bytes, text));
    else if (!isnan(facts->memory_mean_bytes))
        tacho_out_printf(out, ", mean %s", tacho_format_bytes(facts->memory_mean_bytes, text));
    tacho_out_text(out, " · ");
    write_growth(&facts->memory, out);
    if (!isnan(facts->page_faults_minor))
        tacho_out_printf(out, " · faults %s minor, %s major",
                         tacho_format_count(facts->page_faults_minor, minor),
                         tacho_format_count(facts->page_faults_major, major));
    if (facts->swap_peak_bytes > 0)
        tacho_out_printf(out, " · swapped %s", tacho_format_bytes(facts->swap_peak_bytes, text));
    tacho_out_char(out, '\n');
}

static void write_io(const struct tacho_facts *facts, struct tacho_out *out)
{
    char read[TACHO_UNIT_TEXT_MAX], written[TACHO_UNIT_TEXT_MAX], text[TACHO_UNIT_TEXT_MAX];

    if (isnan(facts->io_read_calls_bytes) && isnan(facts->io_read_bytes))
        return;
    line_begin(out, "I/O");
    tacho_out_printf(out, "read %s, wrote %s", tacho_format_bytes(facts->io_read_calls_bytes, read),
                     tacho_format_bytes(facts->io_write_calls_bytes, written));
    tacho_out_printf(out, " (storage: %s, %s)", tacho_format_bytes(facts->io_read_bytes, read),
                     tacho_format_bytes(facts->io_write_bytes, written));
    if (facts->io_wait_seconds > 0)
        tacho_out_printf(out, " · waited %s", tacho_format_seconds(facts->io_wait_seconds, text));
    tacho_out_char(out, '\n');
}

static void write_rest(const struct tacho_run *run, const struct tacho_facts *facts,
                       struct tacho_out *out)
{
    char text[TACHO_UNIT_TEXT_MAX], other[TACHO_UNIT_TEXT_MAX];
    size_t processes = 0;

    for (size_t i = 0; i < run->threads.count; i++)
        processes += run->threads.items[i].pid == run->threads.items[i].tid ? 1 : 0;
    if (processes > 0) {
        line_begin(out, "ran");
        tacho_out_printf(out, "%zu process%s, %zu thread%s", processes, processes == 1 ? "" : "es",
                         run->threads.count, run->threads.count == 1 ? "" : "s");
        if (!isnan(facts->switches_voluntary))
            tacho_out_printf(out, " · switched %s times to wait, %s times pushed aside",
                             tacho_format_count(facts->switches_voluntary, text),
                             tacho_format_count(facts->switches_involuntary, other));
        if (facts->open_files_peak > 0) // a command that ends has closed them
            tacho_out_printf(out, " · at most %s open files of %s",
                             tacho_format_count(facts->open_files_peak, text),
                             tacho_format_count(facts->open_files_limit, other));
        tacho_out_char(out, '\n');
    }
    if (!isnan(facts->start_exec_seconds) || !isnan(facts->start_first_output_seconds)) {
        line_begin(out, "start");
        tacho_out_printf(out, "exec %s", tacho_format_seconds(facts->start_exec_seconds, text));
        tacho_out_printf(out, ", loading %s",
                         tacho_format_seconds(facts->start_loading_seconds, text));
        tacho_out_printf(out, ", first output after %s\n",
                         tacho_format_seconds(facts->start_first_output_seconds, text));
    }
}

// What else kept the machine busy, and whether the program had to wait for it.
static void write_host(const struct tacho_facts *facts, struct tacho_out *out)
{
    char cpu[TACHO_UNIT_TEXT_MAX], memory[TACHO_UNIT_TEXT_MAX], io[TACHO_UNIT_TEXT_MAX];

    if (isnan(facts->host_cpu_ratio_machine) && isnan(facts->pressure_cpu_ratio))
        return;
    line_begin(out, "host");
    tacho_out_printf(out, "%s of all cores busy",
                     tacho_format_ratio(facts->host_cpu_ratio_machine, cpu));
    if (!isnan(facts->pressure_cpu_ratio))
        tacho_out_printf(out, " · pressure: CPU %s, memory %s, I/O %s",
                         tacho_format_ratio(facts->pressure_cpu_ratio, cpu),
                         tacho_format_ratio(facts->pressure_memory_ratio, memory),
                         tacho_format_ratio(facts->pressure_io_ratio, io));
    if (facts->host_steal_ratio > 0.001)
        tacho_out_printf(out, " · %s stolen by the hypervisor",
                         tacho_format_ratio(facts->host_steal_ratio, cpu));
    tacho_out_char(out, '\n');
}

int tacho_report_text(const struct tacho_report *report, struct tacho_out *out,
                      struct tacho_fail *fail)
{
    struct tacho_facts facts;

    (void)fail;
    tacho_facts_build(&facts, report->run);
    write_head(report->run, &facts, out);
    write_cpu(&facts, out);
    write_memory(&facts, out);
    write_io(&facts, out);
    write_rest(report->run, &facts, out);
    write_host(&facts, out);
    tacho_text_profile(report, out);
    tacho_text_zones(report, out);
    tacho_text_slow_spans(report, out);
    tacho_text_threads(report, out);
    tacho_text_metrics(report, out);
    tacho_text_events(report, out);
    tacho_text_notes(report, &facts, out);
    return 0;
}
