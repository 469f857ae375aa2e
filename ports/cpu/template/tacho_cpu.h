// The CPU port to start a new one from: everything a CPU has to offer, in portable and slow C.
//
// Copy this folder, replace what is below, and build with -DTACHO_CPU=your-folder. docs/PORTING.md
// says what each function must promise and how to check it.
#ifndef TACHO_CPU_H
#define TACHO_CPU_H

#include <stdint.h>

// Storage of each thread's own state: `__thread` where there are threads, nothing where there are
// not.
#define TACHO_CPU_THREAD
#define TACHO_CPU_THREAD_MODEL

// A function of yours that returns a counter that never goes back. 64 bits: extend a narrower one.
uint64_t tacho_template_counter(void);

// The counter, as cheap as it can be read. Ticks, not nanoseconds.
static inline uint64_t tacho_cpu_ticks(void)
{
    return tacho_template_counter();
}

// Adds `amount` to `*cell`, returns what was there before. Only one thread writes the cell, but its
// interrupt or signal handlers do too: no handler may come between the load and the store.
static inline uint64_t tacho_cpu_claim(uint64_t *cell, uint64_t amount)
{
    return __atomic_fetch_add(cell, amount, __ATOMIC_RELAXED);
}

// The same where nobody needs the result.
static inline void tacho_cpu_add(uint64_t *cell, uint64_t amount)
{
    __atomic_fetch_add(cell, amount, __ATOMIC_RELAXED);
}

// Where the stack is, in units of 16 bytes; only the lower 32 bits matter.
static inline uint32_t tacho_cpu_stack(void)
{
    return (uint32_t)((uintptr_t)__builtin_frame_address(0) >> 4);
}

#endif
