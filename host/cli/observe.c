// The loop of an observation: libuv watches the sources' descriptors, their due times and the
// signals.
#include "cli/observe.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/array.h"
#include "base/time.h"
#include "capture/proc_source.h"
#include "capture/ring_source.h"
#include "capture/start_source.h"

#define SOURCES_MAX       4
#define FLUSH_PERIOD_NS   TACHO_NS_PER_S
#define INTERRUPT_WAIT_NS TACHO_NS_PER_S // for a command to end by the Ctrl-C that it got, too

static const int watched_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define SIGNAL_COUNT (sizeof watched_signals / sizeof *watched_signals)

struct watch {
    struct tacho_observation *observation;
    struct tacho_source *source;
    uv_poll_t poll;
    bool is_polled;
};

struct tacho_observation {
    struct tacho_sink sink; // between the sources and the caller's sink
    struct tacho_sink *target;
    struct tacho_observe_config config;
    struct tacho_launch launch;
    bool is_launched;
    struct tacho_source *sampler, *ring, *collectors, *start_up;
    struct watch watches[SOURCES_MAX];
    size_t watch_count;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_signal_t signals[SIGNAL_COUNT];
    uv_poll_t exit_poll;
    bool has_loop, is_exit_polled, is_stopping;
    int64_t start_ns, flush_ns, interrupt_ns;
    int interrupts;
    struct tacho_observe_result result;
    struct tacho_fail *fail;
    int status;
};

static int put(struct tacho_sink *sink, const struct tacho_record *record, struct tacho_fail *fail)
{
    struct tacho_observation *observation = (struct tacho_observation *)sink;
    if (record->kind == TACHO_RECORD_MAP && observation->config.on_map && record->map.executable)
        observation->config.on_map(observation->config.context, &record->map);
    return tacho_sink_put(observation->target, record, fail);
}

static void end(struct tacho_observation *observation, enum tacho_observe_end how)
{
    if (observation->is_stopping)
        return;
    observation->is_stopping = true;
    observation->result.end = how;
    uv_stop(&observation->loop);
}

static void fail_with(struct tacho_observation *observation, int status)
{
    if (status < 0 && observation->status == 0)
        observation->status = status;
    if (status < 0)
        end(observation, TACHO_OBSERVE_INTERRUPTED);
}

static void arm_timer(struct tacho_observation *observation);

static void poll_source(struct tacho_observation *observation, struct tacho_source *source)
{
    int64_t now = tacho_time_monotonic_ns();
    fail_with(observation, source->ops->poll(source, now, observation->fail));
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    struct watch *watch = handle->data;
    poll_source(watch->observation, watch->source);
    arm_timer(watch->observation);
}

// The command has ended, or for given processes the last of them.
static void look_for_end(struct tacho_observation *observation)
{
    if (observation->is_launched) {
        tacho_launch_reap(&observation->launch);
        if (observation->launch.exited)
            end(observation, TACHO_OBSERVE_TARGET_ENDED);
    } else if (tacho_proc_source_ended(observation->collectors)) {
        end(observation, TACHO_OBSERVE_TARGET_ENDED);
    }
}

static void on_exit_readable(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    look_for_end(handle->data);
}

static void on_timer(uv_timer_t *timer)
{
    struct tacho_observation *observation = timer->data;
    int64_t now = tacho_time_monotonic_ns();
    for (size_t i = 0; i < observation->watch_count && !observation->is_stopping; i++) {
        struct tacho_source *source = observation->watches[i].source;
        if (source->due_ns && source->due_ns <= now)
            poll_source(observation, source);
    }
    const struct tacho_observe_config *config = &observation->config;
    if (config->flush && now >= observation->flush_ns) {
        fail_with(observation, config->flush(config->context, observation->fail));
        observation->flush_ns = tacho_time_monotonic_ns() + FLUSH_PERIOD_NS;
    }
    look_for_end(observation);
    if (config->for_ns && now - observation->start_ns >= config->for_ns)
        end(observation, TACHO_OBSERVE_TIME_IS_UP);
    if (observation->interrupt_ns && now >= observation->interrupt_ns)
        end(observation, TACHO_OBSERVE_INTERRUPTED);
    arm_timer(observation);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return b && b < a ? b : a;
}

static void arm_timer(struct tacho_observation *observation)
{
    if (observation->is_stopping)
        return;
    int64_t now = tacho_time_monotonic_ns(), due = observation->flush_ns;
    for (size_t i = 0; i < observation->watch_count; i++)
        due = earlier(due, observation->watches[i].source->due_ns);
    due = earlier(due, observation->interrupt_ns);
    if (observation->config.for_ns)
        due = earlier(due, observation->start_ns + observation->config.for_ns);
    int64_t wait_ms = due <= now ? 0 : (due - now + TACHO_NS_PER_MS - 1) / TACHO_NS_PER_MS;
    uv_timer_start(&observation->timer, on_timer, (uint64_t)wait_ms, 0);
}

// A command that was started here shares the terminal, so it got the Ctrl-C as well and has a
// moment to end by it; what was sent to tacho alone is passed on.
static void on_signal(uv_signal_t *handle, int signal_number)
{
    struct tacho_observation *observation = handle->data;
    struct tacho_fail ignored = {0};
    observation->interrupts++;
    if (!observation->is_launched) {
        end(observation, TACHO_OBSERVE_INTERRUPTED);
        return;
    }
    bool from_terminal = signal_number == SIGINT || signal_number == SIGQUIT;
    if (!from_terminal)
        tacho_launch_signal(&observation->launch, signal_number, &ignored);
    if (observation->interrupts > 1)
        end(observation, TACHO_OBSERVE_INTERRUPTED);
    else
        observation->interrupt_ns = tacho_time_monotonic_ns() + INTERRUPT_WAIT_NS;
    arm_timer(observation);
}

static int open_command(struct tacho_observation *observation, struct tacho_fail *fail)
{
    const struct tacho_observe_config *config = &observation->config;
    TACHO_ARRAY(const char *) environment = {0};
    const char *const *lists[] = {
        observation->sampler ? tacho_sampler_environment(observation->sampler) : NULL,
        observation->ring ? tacho_ring_source_environment(observation->ring) : NULL,
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const char *const *at = lists[i]; at && *at; at++)
            tacho_array_push(&environment, *at);
    tacho_array_push(&environment, NULL);
    struct tacho_launch_config launch = {.arguments = config->arguments,
                                         .environment = environment.items,
                                         .inherited = config->inherited};
    int status = tacho_launch_open(&observation->launch, &launch, fail);
    tacho_array_release(&environment);
    if (status < 0)
        return status;
    observation->is_launched = true;
    if (observation->sampler)
        tacho_sampler_child_set(observation->sampler, observation->launch.pid);
    return 0;
}

static int open_sources(struct tacho_observation *observation, struct tacho_fail *fail)
{
    struct tacho_observe_config *config = &observation->config;
    for (size_t i = 0; i < config->pid_count; i++)
        if (tacho_pid_check(config->pids[i], fail) < 0)
            return fail->code;
    if (!config->no_profile) {
        config->sampler.expects_child = config->arguments != NULL;
        config->sampler.pids = config->pids;
        config->sampler.pid_count = config->pid_count;
        if (tacho_sampler_open(&config->sampler, &observation->sampler, fail) < 0)
            return fail->code;
    }
    struct tacho_ring_config ring = {
        .zones = config->zones, .pids = config->pids, .pid_count = config->pid_count};
    if (tacho_ring_source_open(&ring, &observation->ring, fail) < 0)
        return fail->code;
    if (config->arguments && open_command(observation, fail) < 0)
        return fail->code;
    struct tacho_proc_config collectors = {
        .launch = observation->is_launched ? &observation->launch : NULL,
        .pids = config->pids,
        .pid_count = config->pid_count,
        .adaptive = !config->fixed_period,
        .without_threads = config->no_threads,
        .period_ns = config->every_ns,
    };
    if (tacho_proc_source_open(&collectors, &observation->collectors, fail) < 0)
        return fail->code;
    if (!observation->is_launched)
        return 0;
    return tacho_start_source_open(&observation->launch, observation->collectors,
                                   &observation->start_up, fail);
}

int tacho_observation_open(const struct tacho_observe_config *config,
                           struct tacho_observation **observation, struct tacho_fail *fail)
{
    struct tacho_observation *made = calloc(1, sizeof *made);
    if (!made)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    made->sink.put = put;
    made->config = *config;
    if (open_sources(made, fail) < 0) {
        int status = fail->code;
        tacho_observation_close(made);
        return status;
    }
    made->start_ns = tacho_time_monotonic_ns();
    *observation = made;
    return 0;
}

int64_t tacho_observation_start_ns(const struct tacho_observation *observation)
{
    return observation->start_ns;
}

const char *tacho_observation_program(const struct tacho_observation *observation)
{
    return observation->is_launched ? observation->launch.path : NULL;
}

static int start_loop(struct tacho_observation *observation, struct tacho_fail *fail)
{
    int error = uv_loop_init(&observation->loop);
    if (error < 0)
        return tacho_fail_set(fail, TACHO_ERR_IO, "cannot start the event loop: %s",
                              uv_strerror(error));
    observation->has_loop = true;
    uv_timer_init(&observation->loop, &observation->timer);
    observation->timer.data = observation;
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        uv_signal_init(&observation->loop, &observation->signals[i]);
        observation->signals[i].data = observation;
        uv_signal_start(&observation->signals[i], on_signal, watched_signals[i]);
    }
    return 0;
}

static int start_source(struct tacho_observation *observation, struct tacho_source *source,
                        struct tacho_fail *fail)
{
    if (!source)
        return 0;
    if (source->ops->start(source, &observation->sink, fail) < 0)
        return tacho_fail_add(fail, "%s", source->ops->name);
    struct watch *watch = &observation->watches[observation->watch_count++];
    *watch = (struct watch){.observation = observation, .source = source};
    if (source->fd >= 0 && uv_poll_init(&observation->loop, &watch->poll, source->fd) == 0) {
        watch->is_polled = true;
        watch->poll.data = watch;
        uv_poll_start(&watch->poll, UV_READABLE, on_readable);
    }
    return 0;
}

static int start(struct tacho_observation *observation, struct tacho_fail *fail)
{
    if (start_loop(observation, fail) < 0 ||
        start_source(observation, observation->sampler, fail) < 0 ||
        start_source(observation, observation->ring, fail) < 0 ||
        start_source(observation, observation->collectors, fail) < 0 ||
        start_source(observation, observation->start_up, fail) < 0)
        return fail->code;
    if (observation->is_launched) {
        if (tacho_launch_release(&observation->launch, fail) < 0)
            return fail->code;
        if (observation->launch.pidfd >= 0 &&
            uv_poll_init(&observation->loop, &observation->exit_poll, observation->launch.pidfd) ==
                0) {
            observation->is_exit_polled = true;
            observation->exit_poll.data = observation;
            uv_poll_start(&observation->exit_poll, UV_READABLE, on_exit_readable);
        }
    }
    observation->flush_ns = tacho_time_monotonic_ns() + FLUSH_PERIOD_NS;
    return 0;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void stop_loop(struct tacho_observation *observation)
{
    if (!observation->has_loop)
        return;
    uv_walk(&observation->loop, close_handle, NULL);
    uv_run(&observation->loop, UV_RUN_DEFAULT);
    uv_loop_close(&observation->loop);
    observation->has_loop = false;
}

// Every source is stopped, whatever the others say; the first failure is kept.
static void stop_sources(struct tacho_observation *observation, struct tacho_fail *fail)
{
    for (size_t i = 0; i < observation->watch_count; i++) {
        struct tacho_fail own = {0};
        struct tacho_source *source = observation->watches[i].source;
        int status = source->ops->stop(source, &own);
        if (status < 0 && observation->status == 0) {
            observation->status = status;
            *fail = own;
        }
    }
}

int tacho_observation_run(struct tacho_observation *observation, struct tacho_sink *sink,
                          struct tacho_observe_result *result, struct tacho_fail *fail)
{
    observation->target = sink;
    observation->fail = fail;
    if (start(observation, fail) < 0) {
        stop_loop(observation);
        return fail->code;
    }
    arm_timer(observation);
    uv_run(&observation->loop, UV_RUN_DEFAULT);
    observation->result.end_ns = tacho_time_monotonic_ns();
    stop_sources(observation, fail);
    const struct tacho_observe_config *config = &observation->config;
    if (observation->status == 0 && config->flush)
        observation->status = config->flush(config->context, fail);
    observation->result.start_ns = observation->start_ns;
    if (observation->is_launched) {
        const struct tacho_launch *launch = &observation->launch;
        observation->result.start_ns = launch->release_ns;
        observation->result.has_exit = launch->exited;
        observation->result.exit_status = launch->exit_status;
        observation->result.still_running = !launch->exited;
        if (launch->exited)
            observation->result.end_ns = launch->exit_ns;
    }
    *result = observation->result;
    return observation->status;
}

static void pass_on(uv_signal_t *handle, int signal_number)
{
    struct tacho_observation *observation = handle->data;
    struct tacho_fail ignored = {0};
    bool is_last = ++observation->interrupts > 2;
    tacho_launch_signal(&observation->launch, is_last ? SIGKILL : signal_number, &ignored);
}

static void look_for_exit(uv_timer_t *timer)
{
    struct tacho_observation *observation = timer->data;
    tacho_launch_reap(&observation->launch);
    if (observation->launch.exited)
        uv_stop(&observation->loop);
}

void tacho_observation_wait(struct tacho_observation *observation,
                            struct tacho_observe_result *result)
{
    if (!observation->is_launched || observation->launch.exited || !observation->has_loop)
        return;
    for (size_t i = 0; i < observation->watch_count; i++)
        if (observation->watches[i].is_polled)
            uv_poll_stop(&observation->watches[i].poll);
    if (observation->is_exit_polled)
        uv_poll_stop(&observation->exit_poll);
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        uv_signal_start(&observation->signals[i], pass_on, watched_signals[i]);
    uv_timer_start(&observation->timer, look_for_exit, 0, 50);
    uv_run(&observation->loop, UV_RUN_DEFAULT);
    result->has_exit = observation->launch.exited;
    result->exit_status = observation->launch.exit_status;
}

void tacho_observation_close(struct tacho_observation *observation)
{
    if (!observation)
        return;
    stop_loop(observation);
    struct tacho_source *const sources[] = {observation->start_up, observation->collectors,
                                            observation->ring, observation->sampler};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (sources[i])
            sources[i]->ops->close(sources[i]);
    if (observation->is_launched)
        tacho_launch_close(&observation->launch);
    free(observation);
}
