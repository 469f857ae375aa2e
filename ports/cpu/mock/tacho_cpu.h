// The CPU port for tests: a counter that the test moves.
#ifndef TACHO_CPU_H
#define TACHO_CPU_H

#include <stdint.h>

#define TACHO_CPU_THREAD
#define TACHO_CPU_THREAD_MODEL

// Each reading takes `tacho_mock_step` ticks.
extern uint64_t tacho_mock_ticks, tacho_mock_step;
extern uint32_t tacho_mock_stack;

static inline uint64_t tacho_cpu_ticks(void)
{
    uint64_t now = tacho_mock_ticks;
    tacho_mock_ticks += tacho_mock_step;
    return now;
}

static inline uint64_t tacho_cpu_claim(uint64_t *cell, uint64_t amount)
{
    uint64_t before = *cell;
    *cell += amount;
    return before;
}

static inline void tacho_cpu_add(uint64_t *cell, uint64_t amount)
{
    *cell += amount;
}

// Where the stack is, in units of 16 bytes; only the lower 32 bits matter.
static inline uint32_t tacho_cpu_stack(void)
{
    return tacho_mock_stack;
}

#endif
