// tacho dump: reads the flight recorder of a program that runs, or that died, or a snapshot of it.
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/json_writer.h"
#include "base/time.h"
#include "capture/environment.h"
#include "cli/command.h"
#include "cli/version.h"
#include "cli/report_file.h"
#include "link/ring_link.h"
#include "store/run_writer.h"
#include "symbol/symboliser.h"
#include "tacho/control.h"

struct options {
    const char *output, *name, *around;
    bool keep, remove_dead;
    uint64_t top;
};

// The file of a process id; anything else is a path.
static void find_path(const char *target, struct tacho_buffer *path)
{
    char folder[512];
    if (*target && target[strspn(target, "0123456789")] == '\0') {
        tacho_buffer_printf(path, "%s/%s.tacho", tacho_ring_folder(folder, sizeof folder), target);
    } else {
        tacho_buffer_text(path, target);
    }
}

static int open_reader(const char *path, struct tacho_ring_link *link,
                       struct tacho_ring_reader **reader, struct tacho_fail *fail)
{
    if (tacho_ring_link_open(link, path, fail) < 0) {
        if (fail->code != TACHO_ERR_NOT_FOUND)
            return fail->code;
        return tacho_fail_advise(fail, "a program has a flight recorder when it uses libtacho and "
                                       "was started with TACHO=trace or TACHO=detailed");
    }
    if (tacho_ring_reader_open(reader, &link->input, fail) < 0) {
        tacho_ring_link_close(link);
        return tacho_fail_add(fail, "cannot read %s", path);
    }
    return 0;
}

// Times count from the first thing that was recorded.
static void shift_to_first(struct tacho_run *run)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < run->spans.count; i++) {
        const struct tacho_run_span *span = &run->spans.items[i];
        first = span->begin_ns < first ? span->begin_ns : first;
        last =
            span->begin_ns + span->duration_ns > last ? span->begin_ns + span->duration_ns : last;
    }
    for (size_t i = 0; i < run->events.count; i++) {
        first = run->events.items[i].time_ns < first ? run->events.items[i].time_ns : first;
        last = run->events.items[i].time_ns > last ? run->events.items[i].time_ns : last;
    }
    if (first == INT64_MAX)
        return;
    for (size_t i = 0; i < run->spans.count; i++)
        run->spans.items[i].begin_ns -= first;
    for (size_t i = 0; i < run->events.count; i++)
        run->events.items[i].time_ns -= first;
    for (size_t i = 0; i < run->series.count; i++)
        for (size_t j = 0; j < run->series.items[i].count; j++)
            run->series.items[i].time_ns[j] -= first;
    for (size_t i = 0; i < run->threads.count; i++) {
        struct tacho_run_thread *thread = &run->threads.items[i];
        thread->start_ns -= thread->start_ns == INT64_MIN ? 0 : first;
        thread->end_ns -= thread->end_ns == INT64_MIN ? 0 : first;
    }
    run->info.start_host_ns += first;
    run->info.start_unix_ns += first;
    run->info.duration_ns = last - first;
}

static int read_run(const char *path, struct tacho_run_writer *writer, struct tacho_fail *fail)
{
    struct tacho_ring_link link;
    struct tacho_ring_reader *reader;
    struct tacho_run *run = &writer->run;
    if (open_reader(path, &link, &reader, fail) < 0)
        return fail->code;
    const struct tacho_ring_identity *identity = tacho_ring_reader_identity(reader);
    bool alive = tacho_ring_is_alive(identity);
    uint64_t ticks;
    int64_t host_ns;
    if (tacho_ring_is_this_boot(identity) && tacho_ring_clock_now(&ticks, &host_ns)) {
        if (alive && !(identity->flags & TACHO_RING_FLAG_SNAPSHOT))
            tacho_ring_reader_clock_point(reader, ticks, host_ns);
        else
            tacho_ring_reader_rate_point(reader, ticks, host_ns);
    }
    // The zero of host time: when this machine's clock said start_unix_ns.
    run->info.start_host_ns = tacho_time_monotonic_ns();
    run->info.start_unix_ns = tacho_time_unix_ns();
    int status = tacho_ring_reader_finish(reader, &writer->sink, fail);
    if (status == 0)
        status = tacho_sink_note(&writer->sink, TACHO_NOTE_INFO, "flight recorder", NAN, fail,
                                 "of process %u (%s), which %s", identity->pid,
                                 identity->executable, alive ? "is running" : "has ended");
    if (status == 0)
        status = tacho_environment_push(&writer->sink, identity->executable, fail);
    if (status == 0 && !tacho_ring_reader_spans(reader))
        status = tacho_sink_note(&writer->sink, TACHO_NOTE_INFO, "flight recorder", NAN, fail,
                                 "it holds no spans: the program records statistics only, or "
                                 "nothing; start it with TACHO=detailed");
    tacho_ring_reader_free(reader);
    tacho_ring_link_close(&link);
    return status;
}

static int print_report(struct tacho_session *session, const struct tacho_run *run,
                        struct tacho_fail *fail)
{
    const struct options *options = session->options;
    const struct tacho_report_format *format =
        tacho_report_format_find(session->format ? session->format : "text", fail);
    struct tacho_report_options report = {.top = options->top, .around = options->around};
    if (!format)
        return fail->code;
    if (!options->output)
        return tacho_report_render(format, run, &report, session->out, fail);
    return tacho_report_write(format, run, &report, options->output, fail);
}

static int dump(struct tacho_session *session, const char *target, struct tacho_fail *fail)
{
    const struct options *options = session->options;
    struct tacho_store *store = NULL;
    struct tacho_run_writer *writer = NULL;
    struct tacho_buffer path = {0}, name = {0};
    bool keeps = options->keep || options->name;
    find_path(target, &path);
    tacho_buffer_printf(&name, "ring:%s", path.data);
    struct tacho_run_info info = {.name = options->name ? options->name : "",
                                  .target = name.data,
                                  .command = name.data,
                                  .version = TACHO_VERSION};
    int status = keeps ? tacho_store_open(&store, session->store_path, TACHO_STORE_WRITE, fail) : 0;
    // The run is read whole before it is stored, as its zero is known only then.
    if (status == 0)
        status = tacho_run_writer_open(&writer, NULL, &info, fail);
    if (status == 0)
        status = read_run(path.data, writer, fail);
    if (status == 0) {
        struct tacho_symboliser *symboliser =
            tacho_symboliser_new(&(struct tacho_symboliser_config){0});
        status = tacho_symboliser_run(symboliser, &writer->run, fail);
        tacho_symboliser_free(symboliser);
        tacho_run_zones_name(&writer->run);
        shift_to_first(&writer->run);
        writer->run.info.finished = true;
    }
    if (status == 0 && store)
        status = tacho_run_store(store, &writer->run, fail);
    if (status == 0)
        status = print_report(session, &writer->run, fail);
    if (status == 0 && store && !session->quiet)
        tacho_out_printf(session->error, "tacho: stored as run %s\n", writer->run.info.id);
    if (writer)
        tacho_run_writer_close(writer);
    tacho_store_close(store);
    tacho_buffer_release(&path);
    tacho_buffer_release(&name);
    return status;
}

static const char *mode_text(uint32_t mode)
{
    if ((mode & TACHO_MODE_DETAILED) == TACHO_MODE_DETAILED)
        return "detailed";
    return mode & TACHO_MODE_TRACE ? "trace" : mode & TACHO_MODE_STATISTICS ? "statistics" : "off";
}

struct listing {
    struct tacho_session *session;
    struct tacho_json json;
    bool is_json;
};

static int list_one(void *context, const char *path, uint32_t pid)
{
    struct listing *listing = context;
    struct tacho_session *session = listing->session;
    const struct options *options = session->options;
    struct tacho_ring_link link;
    struct tacho_ring_reader *reader;
    struct tacho_fail why = {0};
    (void)pid;
    if (open_reader(path, &link, &reader, &why) < 0) {
        tacho_out_printf(session->error, "tacho: %s\n", why.text);
        return 0;
    }
    const struct tacho_ring_identity *identity = tacho_ring_reader_identity(reader);
    bool alive = tacho_ring_is_alive(identity), removes = options->remove_dead && !alive;
    const char *state = removes ? "removed" : alive ? "running" : "ended";
    if (removes && unlink(path) < 0)
        tacho_out_printf(session->error, "tacho: cannot remove %s: %s\n", path, strerror(errno));
    if (listing->is_json) {
        struct tacho_json *json = &listing->json;
        tacho_json_object_begin(json);
        tacho_json_member_u64(json, "pid", identity->pid);
        tacho_json_member_text(json, "state", state);
        tacho_json_member_text(json, "mode", mode_text(identity->mode));
        tacho_json_member_text(json, "program", identity->executable);
        tacho_json_member_text(json, "path", path);
        tacho_json_object_end(json);
    } else {
        tacho_out_printf(session->out, "%-8u %-8s %-11s %s\n", identity->pid, state,
                         mode_text(identity->mode), identity->executable);
    }
    tacho_ring_reader_free(reader);
    tacho_ring_link_close(&link);
    return 0;
}

// Without a target: what could be dumped.
static int list(struct tacho_session *session, struct tacho_fail *fail)
{
    struct listing listing = {.session = session,
                              .is_json = session->format && !strcmp(session->format, "json")};
    tacho_json_init(&listing.json, session->out, true);
    if (listing.is_json)
        tacho_json_array_begin(&listing.json);
    else
        tacho_out_printf(session->out, "%-8s %-8s %-11s %s\n", "PID", "STATE", "MODE", "PROGRAM");
    int status = tacho_ring_files_each(NULL, list_one, &listing, fail);
    if (listing.is_json) {
        tacho_json_array_end(&listing.json);
        tacho_out_char(session->out, '\n');
    }
    return status;
}

static int run(struct tacho_session *session, struct tacho_fail *fail)
{
    if (session->argument_count > 1)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "one process or file at a time");
    if (session->argument_count == 1)
        return dump(session, session->arguments[0], fail);
    if (session->format && strcmp(session->format, "json") && strcmp(session->format, "text"))
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "the list is printed as text or json");
    return list(session, fail);
}

static const char *const usage[] = {"dump PID|FILE [OPTION...]", "dump [--remove-dead]", NULL};

static const struct tacho_option option_table[] = {
    TACHO_OPTION(struct options, output, "output", 'o', TEXT, "FILE",
                 "write the report there (default: standard output)"),
    TACHO_OPTION(struct options, keep, "keep", 'k', FLAG, NULL, "also store it as a run"),
    TACHO_OPTION(struct options, name, "name", 'n', TEXT, "NAME", "store it as a run of this name"),
    TACHO_OPTION(struct options, around, "around", 0, TEXT, "NAME",
                 "traces: only around this event, or the slowest span of this zone"),
    TACHO_OPTION(struct options, top, "top", 0, COUNT, "N", "rows per table"),
    TACHO_OPTION(struct options, remove_dead, "remove-dead", 0, FLAG, NULL,
                 "list, and remove the files of processes that have ended"),
};

static const struct tacho_example examples[] = {
    {"tacho dump", "which programs have a flight recorder"},
    {"tacho dump 1234", "the latest spans and the statistics of a running program"},
    {"tacho dump tacho-1234-0.tacho --format perfetto -o crash.perfetto-trace",
     "a snapshot that a trigger saved, for a trace viewer"},
};

const struct tacho_command tacho_command_dump = {
    .name = "dump",
    .summary = "read the flight recorder of a program, also a dead one",
    .usage = usage,
    .description =
        "A program that uses libtacho and was started with `TACHO=detailed` (or called "
        "`tacho_start`) keeps its latest spans and its statistics in a file in shared memory. "
        "`tacho "
        "dump` reads that file while the program runs, after it crashed or was killed, or a "
        "snapshot "
        "that a trigger saved (a zone over its limit, a signal, an exit code), and reports it like "
        "a "
        "run. Zones that had not ended are shown as open: that is where the program was.\n"
        "\n"
        "Without an argument it lists the files that are there.",
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct options),
    .formats = tacho_report_format_names + 1,
    .examples = examples,
    .example_count = sizeof examples / sizeof *examples,
    .run = run,
};
