// The sampler by agent: shared memory that programs fill from inside, read into records of the run.
#ifndef TACHO_CAPTURE_SAMPLER_AGENT_H
#define TACHO_CAPTURE_SAMPLER_AGENT_H

#include <stdint.h>

#include "agent/agent_ring.h"
#include "base/arena.h"
#include "base/fail.h"
#include "base/map.h"

struct tacho_sampler;

struct tacho_sampler_agent {
    struct tacho_agent_ring *ring; // NULL: no agent
    int fd;
    struct tacho_arena arena; // of the environment
    const char *environment[3];
    int64_t period_ns;          // as written into the ring, where others could change it
    uint64_t position;          // of the next slot to read
    int64_t stuck_since_ns;     // a slot was taken and is not published: since when; 0: none
    uint64_t given_up;          // slots that were never published
    uint64_t programs, periods; // that began; that samples stood for
    int failed_errno;           // of a timer that could not be made; 0: none
    struct tacho_map refreshed; // pid: when its maps were last read
};

// Makes the memory and the environment that loads the agent. Fails where the agent is not found.
int tacho_sampler_agent_open(struct tacho_sampler *sampler, struct tacho_fail *fail);
// Hands over what is there.
int tacho_sampler_agent_drain(struct tacho_sampler *sampler, struct tacho_fail *fail);
// Makes the agents stop.
void tacho_sampler_agent_stop(struct tacho_sampler *sampler);
void tacho_sampler_agent_close(struct tacho_sampler *sampler);

#endif
