// One observation from beginning to end: starts or finds the target, runs the sources, fills a
// sink.
#ifndef TACHO_CLI_OBSERVE_H
#define TACHO_CLI_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/launch.h"
#include "capture/sampler.h"
#include "run/record.h"

// Zero means default throughout.
struct tacho_observe_config {
    char *const *arguments; // of the command to start, NULL at the end; NULL: the pids
    const pid_t *pids;
    size_t pid_count;
    const struct tacho_inherited *inherited;
    int64_t for_ns;    // the longest to observe; 0: until the target ends
    int64_t every_ns;  // period of the collectors; 0: 250 ms
    bool fixed_period; // the period does not follow the load
    bool no_profile;
    bool no_threads;
    struct tacho_sampler_config sampler;
    const char *zones; // value of TACHO for instrumented programs; NULL: detailed
    // Called about once a second and at the end, so that what was recorded becomes durable.
    int (*flush)(void *context, struct tacho_fail *fail);
    // Called for every executable mapping that a source reports, while the process lives.
    void (*on_map)(void *context, const struct tacho_map_info *map);
    void *context;
};

enum tacho_observe_end {
    TACHO_OBSERVE_TARGET_ENDED = 0,
    TACHO_OBSERVE_TIME_IS_UP,
    TACHO_OBSERVE_INTERRUPTED, // Ctrl-C, SIGTERM, SIGHUP
};

struct tacho_observe_result {
    enum tacho_observe_end end;
    bool has_exit;
    int exit_status;          // as from waitpid
    int64_t start_ns, end_ns; // host clock: the command was let go, or observation began
    bool still_running;       // the command outlived the observation
};

struct tacho_observation;

// Prepares everything and forks the command, which waits. Fails with the codes of
// tacho_launch_open, tacho_sampler_open and tacho_pid_check.
int tacho_observation_open(const struct tacho_observe_config *config,
                           struct tacho_observation **observation, struct tacho_fail *fail);
// When the target is let go, or now for one that runs already: the zero of the run's times.
int64_t tacho_observation_start_ns(const struct tacho_observation *observation);
// The file of the command, NULL for processes that run already.
const char *tacho_observation_program(const struct tacho_observation *observation);
// Observes until the end. A failure of the sink ends it, too; the command then goes on unobserved.
int tacho_observation_run(struct tacho_observation *observation, struct tacho_sink *sink,
                          struct tacho_observe_result *result, struct tacho_fail *fail);
// Waits for a command that outlived the observation; Ctrl-C is passed on, the third time as
// SIGKILL.
void tacho_observation_wait(struct tacho_observation *observation,
                            struct tacho_observe_result *result);
void tacho_observation_close(struct tacho_observation *observation);

#endif
