// The CPU port of RISC-V in machine mode: mcycle, read as two halves where registers have 32 bits.
//
// Interrupts are off for the few instructions of each addition.
// Source: The RISC-V Instruction Set Manual, Volume II, 3.1.6 (mstatus), 3.1.10 (mcycle).
#ifndef TACHO_CPU_H
#define TACHO_CPU_H

#include <stdint.h>

#define TACHO_CPU_THREAD
#define TACHO_CPU_THREAD_MODEL

#define TACHO_CPU_MSTATUS_MIE 8u

static inline unsigned long tacho_cpu_lock(void)
{
    unsigned long before;
    __asm__ volatile("csrrci %0, mstatus, 8" : "=r"(before) : : "memory");
    return before & TACHO_CPU_MSTATUS_MIE;
}

static inline void tacho_cpu_unlock(unsigned long before)
{
    __asm__ volatile("csrs mstatus, %0" : : "r"(before) : "memory");
}

static inline uint64_t tacho_cpu_ticks(void)
{
#if __riscv_xlen == 32
    uint32_t high, low, again;
    do
        __asm__ volatile("csrr %0, mcycleh\n\tcsrr %1, mcycle\n\tcsrr %2, mcycleh"
                         : "=r"(high), "=r"(low), "=r"(again));
    while (high != again);
    return (uint64_t)high << 32 | low;
#else
    uint64_t ticks;
    __asm__ volatile("csrr %0, mcycle" : "=r"(ticks));
    return ticks;
#endif
}

static inline uint64_t tacho_cpu_claim(uint64_t *cell, uint64_t amount)
{
    unsigned long before = tacho_cpu_lock();
    uint64_t value = *cell;
    *cell = value + amount;
    tacho_cpu_unlock(before);
    return value;
}

static inline void tacho_cpu_add(uint64_t *cell, uint64_t amount)
{
    unsigned long before = tacho_cpu_lock();
    *cell += amount;
    tacho_cpu_unlock(before);
}

// Where the stack is, in units of 16 bytes; only the lower 32 bits matter.
static inline uint32_t tacho_cpu_stack(void)
{
    return (uint32_t)((uintptr_t)__builtin_frame_address(0) >> 4);
}

#endif
