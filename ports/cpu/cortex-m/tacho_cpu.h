// The CPU port of ARM Cortex-M: the DWT cycle counter where the core has one, else a counter of
// yours.
//
// The 32-bit counter wraps within half a minute, so it is extended here; somebody must read it at
// least once per wrap (a periodic interrupt that runs any zone does). The counter must have been
// switched on: ports/os/none does it and checks that it really counts. Interrupts are off for the
// few instructions of each addition: a 64-bit cell takes two stores. Source: Armv7-M Architecture
// Reference Manual, C1.8 (DWT), B1.4.3 (PRIMASK).
#ifndef TACHO_CPU_H
#define TACHO_CPU_H

#include <stdbool.h>
#include <stdint.h>

#define TACHO_CPU_THREAD
#define TACHO_CPU_THREAD_MODEL

static inline uint32_t tacho_cpu_lock(void)
{
    uint32_t before;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(before) : : "memory");
    return before;
}

static inline void tacho_cpu_unlock(uint32_t before)
{
    __asm__ volatile("msr primask, %0" : : "r"(before) : "memory");
}

#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
// These cores have no cycle counter: the board names its own (SysTick, a timer), 32 bits, counting
// up.
uint32_t tacho_board_counter(void);
#else
static inline uint32_t tacho_board_counter(void)
{
    return *(volatile uint32_t *)0xE0001004u; // DWT_CYCCNT
}
#endif

extern uint64_t tacho_cpu_extended; // the latest reading

// Switches the counter on; call it before the first zone. False: this core's counter does not count
// (emulators, locked cores), so times would all be 0.
bool tacho_cpu_begin(void);

static inline uint64_t tacho_cpu_ticks(void)
{
    uint32_t before = tacho_cpu_lock();
    uint64_t now = tacho_cpu_extended;
    now += (uint32_t)(tacho_board_counter() - (uint32_t)now);
    tacho_cpu_extended = now;
    tacho_cpu_unlock(before);
    return now;
}

static inline uint64_t tacho_cpu_claim(uint64_t *cell, uint64_t amount)
{
    uint32_t before = tacho_cpu_lock();
    uint64_t value = *cell;
    *cell = value + amount;
    tacho_cpu_unlock(before);
    return value;
}

static inline void tacho_cpu_add(uint64_t *cell, uint64_t amount)
{
    uint32_t before = tacho_cpu_lock();
    *cell += amount;
    tacho_cpu_unlock(before);
}

// Where the stack is, in units of 16 bytes; only the lower 32 bits matter.
static inline uint32_t tacho_cpu_stack(void)
{
    return (uint32_t)((uintptr_t)__builtin_frame_address(0) >> 4);
}

#endif
