// An observation that becomes a stored run: see recording.h.
#include "cli/recording.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analyze/calltree.h"
#include "analyze/facts.h"
#include "base/file.h"
#include "base/time.h"
#include "base/units.h"
#include "capture/environment.h"
#include "cli/version.h"
#include "symbol/symboliser.h"

#define COVERAGE_SAMPLES_MIN 20

struct context {
    struct tacho_run_writer *writer;
    struct tacho_symboliser *symboliser;
};

static int flush(void *data, struct tacho_fail *fail)
{
    struct context *context = data;
    (void)fail; // a store that cannot be written is said at the end: the observation goes on
    tacho_run_writer_tick(context->writer, tacho_time_monotonic_ns());
    return 0;
}

static void on_map(void *data, const struct tacho_map_info *map)
{
    struct context *context = data;
    if (map->path)
        tacho_symboliser_hold(context->symboliser, map->pid, map->path, map->start, map->end);
}

void tacho_command_text(char *const *arguments, struct tacho_buffer *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%^";
    tacho_buffer_text(text, "");
    for (; *arguments; arguments++) {
        const char *word = *arguments;
        if (text->size)
            tacho_buffer_text(text, " ");
        if (*word && word[strspn(word, plain)] == '\0') {
            tacho_buffer_text(text, word);
            continue;
        }
        tacho_buffer_text(text, "'");
        for (; *word; word++)
            tacho_buffer_add(text, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
        tacho_buffer_text(text, "'");
    }
}

// What is observed, as a URL and as typed.
static void describe(const struct tacho_observe_config *observe, struct tacho_buffer *target,
                     struct tacho_buffer *command)
{
    if (observe->arguments) {
        tacho_command_text(observe->arguments, command);
        tacho_buffer_printf(target, "exec:%s", command->data);
        return;
    }
    for (size_t i = 0; i < observe->pid_count; i++) {
        char path[64];
        struct tacho_buffer name = {0};
        struct tacho_fail ignored = {0};
        snprintf(path, sizeof path, "/proc/%d/comm", (int)observe->pids[i]);
        tacho_file_read(path, &name, 4096, &ignored);
        int size = (int)strcspn(name.size ? name.data : "", "\n");
        tacho_buffer_printf(target, "%s%d", i ? "," : "pid:", (int)observe->pids[i]);
        tacho_buffer_printf(command, "%s%.*s (pid %d)", i ? ", " : "", size,
                            name.size ? name.data : "", (int)observe->pids[i]);
        tacho_buffer_release(&name);
    }
}

static int open_writer(struct tacho_session *session, const struct tacho_recording_config *config,
                       struct tacho_recording *recording, struct tacho_fail *fail)
{
    struct tacho_buffer target = {0}, command = {0};
    struct tacho_fail why = {0};
    if (!config->no_store &&
        tacho_store_open(&recording->store, session->store_path, TACHO_STORE_WRITE, &why) < 0) {
        tacho_out_printf(session->error, "tacho: this run will not be stored: %s\n", why.text);
        recording->store = NULL;
    }
    describe(&config->observe, &target, &command);
    struct tacho_run_info info = {.name = config->name ? config->name : "",
                                  .target = target.data,
                                  .command = command.data,
                                  .version = TACHO_VERSION};
    int status = tacho_run_writer_open(&recording->writer, recording->store, &info, fail);
    if (status == 0 && why.code)
        tacho_sink_note(&recording->writer->sink, TACHO_NOTE_WARNING, "store", NAN, fail,
                        "this run was not stored: %s", why.text);
    tacho_buffer_release(&target);
    tacho_buffer_release(&command);
    return status;
}

static int push_environment(struct tacho_recording *recording,
                            const struct tacho_observation *observation, struct tacho_fail *fail)
{
    const char *program = tacho_observation_program(observation);
    return tacho_environment_push(&recording->writer->sink, program, fail);
}

// A sampler's clock starts anew in each thread, so that threads shorter than its period leave no
// sample, with perf as with others. Where that is much of the CPU time, the profile is not the
// whole picture, and says so.
static int push_coverage(struct tacho_recording *recording, struct tacho_fail *fail)
{
    const struct tacho_run *run = &recording->writer->run;
    const struct tacho_run_profile *profile = tacho_profile_find(run, "cpu");
    char seen[TACHO_UNIT_TEXT_MAX], whole[TACHO_UNIT_TEXT_MAX];
    double sampled = 0, used = tacho_run_counter(run, "cpu_seconds", "run");
    if (!profile || strcmp(profile->unit, "nanoseconds") != 0)
        return 0;
    for (size_t i = 0; i < profile->samples.count; i++)
        sampled += (double)profile->samples.items[i].weight * 1e-9;
    // Fewer samples than these are missed by chance, and a NaN is no reason either.
    if (!(used * 1e9 >= COVERAGE_SAMPLES_MIN * profile->period) || sampled >= 0.5 * used)
        return 0;
    return tacho_sink_note(&recording->writer->sink, TACHO_NOTE_WARNING, "sampler", sampled / used,
                           fail,
                           "the samples stand for %s of %s of CPU time: threads that live shorter "
                           "than the time between samples, and time in the kernel where that is "
                           "not permitted, are missed",
                           tacho_format_seconds(sampled, seen), tacho_format_seconds(used, whole));
}

// The CPU that tacho used from its start to now is the overhead of this run.
static int close_run(struct tacho_recording *recording, struct tacho_symboliser *symboliser,
                     struct tacho_fail *fail)
{
    struct tacho_run *run = &recording->writer->run;
    run->info.duration_ns = recording->result.end_ns - run->info.start_host_ns;
    run->info.has_exit = recording->result.has_exit;
    run->info.exit_status = recording->result.exit_status;
    int64_t resolution_ns = tacho_time_resolution_ns();
    if (tacho_sink_note(&recording->writer->sink, TACHO_NOTE_CLOCK, "host", (double)resolution_ns,
                        fail,
                        "times are clock_monotonic; the smallest step between two readings was "
                        "%lld ns",
                        (long long)resolution_ns) < 0 ||
        tacho_sink_note(&recording->writer->sink, TACHO_NOTE_OVERHEAD, "tacho",
                        (double)tacho_time_own_cpu_ns() * 1e-9, fail,
                        "CPU time that tacho used while it observed") < 0 ||
        push_coverage(recording, fail) < 0 || tacho_symboliser_run(symboliser, run, fail) < 0)
        return fail->code;
    tacho_run_zones_name(run);
    return 0;
}

static void finish(struct tacho_session *session, struct tacho_recording *recording)
{
    struct tacho_fail why = {0};
    if (tacho_run_writer_finish(recording->writer, &why) == 0)
        return;
    tacho_out_printf(session->error, "tacho: the run is not stored completely: %s\n", why.text);
}

int tacho_recording_make(struct tacho_session *session, const struct tacho_recording_config *config,
                         struct tacho_recording *recording, struct tacho_fail *fail)
{
    struct tacho_recording_config own = *config;
    struct tacho_observation *observation = NULL;
    struct context context = {0};
    *recording = (struct tacho_recording){0};
    own.observe.flush = flush;
    own.observe.on_map = on_map;
    own.observe.context = &context;
    // The command is forked before the store is opened: what tacho holds in memory at the fork
    // would count into the command's peak.
    int status = tacho_observation_open(&own.observe, &observation, fail);
    if (status < 0)
        return status;
    context.symboliser = tacho_symboliser_new(&(struct tacho_symboliser_config){0});
    status = open_writer(session, config, recording, fail);
    if (status < 0)
        goto out;
    context.writer = recording->writer;
    recording->writer->run.info.start_host_ns = tacho_observation_start_ns(observation);
    status = push_environment(recording, observation, fail);
    if (status == 0)
        status =
            tacho_observation_run(observation, &recording->writer->sink, &recording->result, fail);
    if (status == 0)
        status = close_run(recording, context.symboliser, fail);
    if (status < 0)
        goto out;
    finish(session, recording);
    if (recording->result.has_exit)
        recording->exit_code = tacho_launch_status_code(recording->result.exit_status);
out:
    recording->observation = observation;
    tacho_symboliser_free(context.symboliser);
    return status;
}

void tacho_recording_close(struct tacho_recording *recording)
{
    tacho_observation_close(recording->observation);
    if (recording->writer)
        tacho_run_writer_close(recording->writer);
    tacho_store_close(recording->store);
    *recording = (struct tacho_recording){0};
}
