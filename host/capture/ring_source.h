// The rings of instrumented programs as a source: finds their files in shared memory, maps them,
// and pushes what the programs wrote: zones, spans, statistics, counters, gauges, events, losses.
//
// A command is told by its environment to write its rings into a folder of this observation;
// running processes are looked for in the folder that the library uses by itself and are switched
// on for the time of the observation. What a program wrote is read also after it was killed; rings
// of the command are removed once they were drained.
#ifndef TACHO_CAPTURE_RING_SOURCE_H
#define TACHO_CAPTURE_RING_SOURCE_H

#include <stddef.h>
#include <sys/types.h>

#include "run/source.h"

struct tacho_ring_config {
    const char
        *zones; // what instrumented programs are asked to record, as in TACHO; NULL: "detailed"
    const pid_t *pids; // processes that run already; copied. None: a command will be started
    size_t pid_count;
};

// The source is freed by its close, which removes the folder.
int tacho_ring_source_open(const struct tacho_ring_config *config, struct tacho_source **source,
                           struct tacho_fail *fail);

// "NAME=value" strings for the command's environment, NULL at the end; valid until close.
const char *const *tacho_ring_source_environment(const struct tacho_source *source);

#endif
