// The CPU port of a Linux host: the raw time-stamp counter, and additions a signal handler cannot
// split.
//
// ticks: never serialised (rdtscp or lfence cost more than the whole zone); the processor may move
// it
//   by a few nanoseconds, which is below what a zone costs anyway.
// claim, add: only the thread that owns the cell writes it, so no bus lock is needed; but a signal
//   handler on the same thread may come between a load and a store. One instruction cannot be
//   split.
#ifndef TACHO_CPU_H
#define TACHO_CPU_H

#include <stdint.h>
#if !defined(__x86_64__) && !defined(__aarch64__)
#include <time.h>
#endif

#define TACHO_CPU_THREAD       __thread
#define TACHO_CPU_THREAD_MODEL __attribute__((tls_model("initial-exec")))

static inline uint64_t tacho_cpu_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

// Adds `amount` and returns what was there before.
static inline uint64_t tacho_cpu_claim(uint64_t *cell, uint64_t amount)
{
#if defined(__x86_64__)
    __asm__ volatile("xaddq %0, %1" : "+r"(amount), "+m"(*cell) : : "memory", "cc");
    return amount;
#else
    return __atomic_fetch_add(cell, amount, __ATOMIC_RELAXED);
#endif
}

static inline void tacho_cpu_add(uint64_t *cell, uint64_t amount)
{
#if defined(__x86_64__)
    __asm__("addq %1, %0" : "+m"(*cell) : "er"(amount) : "cc");
#else
    __atomic_fetch_add(cell, amount, __ATOMIC_RELAXED);
#endif
}

// Where the stack is, in units of 16 bytes; only the lower 32 bits matter.
static inline uint32_t tacho_cpu_stack(void)
{
#if defined(__x86_64__)
    uint64_t stack;
    __asm__("movq %%rsp, %0" : "=r"(stack));
    return (uint32_t)(stack >> 4);
#else
    return (uint32_t)((uintptr_t)__builtin_frame_address(0) >> 4);
#endif
}

#endif
