// tacho run: observes a command or running processes, stores the run, prints the report.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "capture/proc_source.h"
#include "cli/command.h"
#include "cli/recording.h"
#include "cli/report_file.h"

struct options {
    const char *name, *unwind, *sampler, *zones, *output, *comm, *kernel, *pid;
    int64_t for_ns, every_ns;
    uint64_t top;
    double rate_hz;
    bool fixed_period, no_profile, no_threads, off_cpu, no_store;
};

struct pids {
    TACHO_ARRAY(pid_t) list;
};

static int read_pids(const char *text, struct pids *pids, struct tacho_fail *fail)
{
    for (;;) {
        char *end;
        errno = 0;
        long pid = strtol(text, &end, 10);
        if (end == text || errno || pid <= 0 || pid > INT32_MAX || (*end && *end != ','))
            return tacho_fail_set(fail, TACHO_ERR_USAGE,
                                  "--pid: '%s' is not a process id or a list of them with commas",
                                  text);
        tacho_array_push(&pids->list, (pid_t)pid);
        if (!*end)
            return 0;
        text = end + 1;
    }
}

// Exactly one way to say what is observed: a command, --pid or --comm.
static int find_target(const struct tacho_session *session, struct pids *pids,
                       struct tacho_fail *fail)
{
    const struct options *options = session->options;
    int ways = (session->argument_count > 0) + (options->pid != NULL) + (options->comm != NULL);
    if (ways != 1)
        return tacho_fail_set(fail, TACHO_ERR_USAGE,
                              "%s; say one of: tacho run -- COMMAND, tacho run --pid PID, "
                              "tacho run --comm NAME",
                              ways ? "more than one target" : "nothing to observe");
    if (options->pid)
        return read_pids(options->pid, pids, fail);
    if (options->comm) {
        pid_t *found = NULL;
        size_t count = 0;
        if (tacho_comm_find(options->comm, &found, &count, fail) < 0)
            return fail->code;
        for (size_t i = 0; i < count; i++)
            tacho_array_push(&pids->list, found[i]);
        free(found);
    }
    return 0;
}

static int make_config(const struct tacho_session *session, const struct pids *pids,
                       struct tacho_recording_config *config, struct tacho_fail *fail)
{
    const struct options *options = session->options;
    const char *unwind = options->unwind ? options->unwind : "auto";
    const char *sampler = options->sampler ? options->sampler : "auto";
    if (options->rate_hz < 0 || options->rate_hz > TACHO_SAMPLER_RATE_HZ_MAX)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "--rate: from 1 to %.0f samples a second",
                              TACHO_SAMPLER_RATE_HZ_MAX);
    if (options->name && tacho_store_name_check(options->name, fail) < 0)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "--name: %s", strdupa(fail->text));
    *config = (struct tacho_recording_config){
        .name = options->name,
        .no_store = options->no_store,
        .observe = {.arguments = session->argument_count ? session->arguments : NULL,
                    .pids = pids->list.items,
                    .pid_count = pids->list.count,
                    .inherited = session->inherited,
                    .for_ns = options->for_ns,
                    .every_ns = options->every_ns,
                    .fixed_period = options->fixed_period,
                    .no_profile = options->no_profile,
                    .no_threads = options->no_threads,
                    .zones = options->zones,
                    .sampler = {.rate_hz = options->rate_hz,
                                .no_kernel = options->kernel && !strcmp(options->kernel, "no"),
                                .off_cpu = options->off_cpu,
                                .unwind = !strcmp(unwind, "fp")      ? TACHO_SAMPLER_UNWIND_FP
                                          : !strcmp(unwind, "table") ? TACHO_SAMPLER_UNWIND_TABLE
                                                                     : TACHO_SAMPLER_UNWIND_AUTO,
                                .kind = !strcmp(sampler, "perf")    ? TACHO_SAMPLER_KIND_PERF
                                        : !strcmp(sampler, "agent") ? TACHO_SAMPLER_KIND_AGENT
                                                                    : TACHO_SAMPLER_KIND_AUTO}}};
    return 0;
}

// The report goes to standard error, which leaves the command's output alone, or into a file.
static int print_report(struct tacho_session *session, const struct tacho_run *run,
                        struct tacho_fail *fail)
{
    const struct options *options = session->options;
    const char *name = session->format ? session->format : "text";
    const struct tacho_report_format *format = tacho_report_format_find(name, fail);
    struct tacho_report_options report = {.top = options->top};
    if (!format)
        return fail->code;
    if (!options->output && session->quiet && !session->format)
        return 0;
    if (!options->output)
        return tacho_report_render(format, run, &report, session->error, fail);
    return tacho_report_write(format, run, &report, options->output, fail);
}

static void print_ending(struct tacho_session *session, const struct tacho_recording *recording)
{
    const struct options *options = session->options;
    const struct tacho_run *run = &recording->writer->run;
    if (session->quiet)
        return;
    if (options->output)
        tacho_out_printf(session->error, "tacho: report written to %s\n", options->output);
    if (recording->store && !tacho_run_writer_failure(recording->writer))
        tacho_out_printf(session->error,
                         "tacho: stored as run %s; look again with 'tacho report "
                         "last --format html -o report.html'\n",
                         run->info.id);
    if (recording->result.still_running)
        tacho_out_text(session->error, "tacho: the command still runs; waiting for it\n");
    struct tacho_fail ignored = {0};
    tacho_out_finish(session->error, "standard error", &ignored);
}

static int run(struct tacho_session *session, struct tacho_fail *fail)
{
    struct pids pids = {0};
    struct tacho_recording_config config;
    struct tacho_recording recording = {0};
    int status = find_target(session, &pids, fail);
    if (status == 0)
        status = make_config(session, &pids, &config, fail);
    if (status < 0)
        goto out;
    status = tacho_recording_make(session, &config, &recording, fail);
    if (status < 0 && !recording.writer && session->argument_count) {
        tacho_out_printf(session->error, "tacho: %s\n", fail->text);
        status = tacho_launch_exit_code(fail->code); // as a shell says it: 127 or 126
        goto out;
    }
    if (status == 0)
        status = print_report(session, &recording.writer->run, fail);
    if (status == 0)
        print_ending(session, &recording);
    if (recording.result.still_running) {
        tacho_observation_wait(recording.observation, &recording.result);
        recording.exit_code = tacho_launch_status_code(recording.result.exit_status);
    }
    if (status == 0)
        status = recording.exit_code;
out:
    tacho_recording_close(&recording);
    tacho_array_release(&pids.list);
    return status;
}

static const char *const usage[] = {"run [OPTION...] -- COMMAND [ARGUMENT...]",
                                    "run [OPTION...] --pid PID[,PID...] [--for SPAN]",
                                    "run [OPTION...] --comm NAME [--for SPAN]", NULL};

static const struct tacho_option option_table[] = {
    TACHO_OPTION(struct options, pid, "pid", 'p', TEXT, "PID[,PID...]",
                 "observe processes that run already, and what they start"),
    TACHO_OPTION(struct options, comm, "comm", 0, TEXT, "NAME",
                 "observe all processes of this name"),
    TACHO_OPTION(struct options, for_ns, "for", 0, SPAN, "SPAN",
                 "observe for so long (30s, 5m), then report"),
    TACHO_OPTION(struct options, name, "name", 'n', TEXT, "NAME", "call the run NAME in the store"),
    TACHO_OPTION(struct options, output, "output", 'o', TEXT, "FILE",
                 "write the report there (default: standard error)"),
    TACHO_OPTION(struct options, top, "top", 0, COUNT, "N", "rows per table of the report"),
    TACHO_OPTION(struct options, every_ns, "every", 'e', SPAN, "SPAN",
                 "period of the metrics (default 250ms; follows the load)"),
    TACHO_OPTION(struct options, fixed_period, "fixed-period", 0, FLAG, NULL,
                 "keep the period whatever the load"),
    TACHO_OPTION(struct options, rate_hz, "rate", 'r', NUMBER, "HZ",
                 "stack samples per second and core (default 99)"),
    TACHO_OPTION(struct options, unwind, "unwind", 0, CHOICE, "auto|fp|table",
                 "walk stacks by table, by frame pointer, or by what is there"),
    TACHO_OPTION(struct options, sampler, "sampler", 0, CHOICE, "auto|perf|agent",
                 "sample by the kernel or by an agent in the program"),
    TACHO_OPTION(struct options, kernel, "kernel", 0, CHOICE, "yes|no",
                 "kernel frames in stacks, where they are permitted (default yes)"),
    TACHO_OPTION(struct options, off_cpu, "off-cpu", 0, FLAG, NULL,
                 "also where threads wait, and for how long"),
    TACHO_OPTION(struct options, no_profile, "no-profile", 0, FLAG, NULL, "no stack samples"),
    TACHO_OPTION(struct options, no_threads, "no-threads", 0, FLAG, NULL,
                 "no metrics of single threads"),
    TACHO_OPTION(struct options, zones, "zones", 'z', TEXT, "WORDS",
                 "what instrumented programs record, as in TACHO (default detailed)"),
    TACHO_OPTION(struct options, no_store, "no-store", 0, FLAG, NULL, "do not keep the run"),
};

static const struct tacho_example examples[] = {
    {"tacho run -- xz -k file", "where time and memory go in a command"},
    {"tacho run --off-cpu -- python3 app.py", "also what it waits for"},
    {"tacho run --pid 1234 --for 30s", "a running service, for half a minute"},
    {"tacho run --comm postgres --for 10s --format html -o pg.html",
     "all its processes, as a page"},
    {"tacho run --name before -- make -j2", "a run that can be named: tacho diff before after"},
};

const struct tacho_command tacho_command_run = {
    .name = "run",
    .summary = "observe a program and report what it costs and where",
    .usage = usage,
    .description =
        "Starts COMMAND, or looks at processes that run, and observes the whole process tree: CPU, "
        "memory, I/O, files, sockets, threads, pressure, start-up, and a CPU profile by sampling. "
        "Programs that use libtacho show their zones, counters and events by themselves. The "
        "program needs no change, no debug build and no frame pointers; tacho needs no root.\n"
        "\n"
        "The command keeps its standard input and output, its terminal and its signals, and `tacho "
        "run` ends with its exit status (128 + N after signal N, 127 when it was not found, 126 "
        "when "
        "it cannot be executed). The report goes to standard error, or to the file of `--output`. "
        "Ctrl-C ends the observation and prints the report; a command that still runs a second "
        "later "
        "is waited for, a second Ctrl-C is passed on, the third time it is killed.\n"
        "\n"
        "Where the kernel refuses something (perf_event_paranoid, containers, other users' "
        "processes), the report says which setting, and tacho goes on with what is permitted. "
        "Every "
        "report states the clock, lost samples, and what tacho itself cost.",
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct options),
    .formats = tacho_report_format_names + 1,
    .examples = examples,
    .example_count = sizeof examples / sizeof *examples,
    .flags = TACHO_COMMAND_STOPS_AT_ARGUMENT,
    .run = run,
};
