// Timing by rounds: every variant runs once per round, so that what disturbs one disturbs all.
#ifndef TACHO_BENCH_ROUNDS_H
#define TACHO_BENCH_ROUNDS_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS_MAX 201

static inline double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

// CPU time of the calling thread: a neighbour that is given the core does not count.
static inline double own_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static inline double median(const double *values, int count)
{
    double sorted[ROUNDS_MAX];
    for (int i = 0; i < count; i++)
        sorted[i] = values[i];
    qsort(sorted, (size_t)count, sizeof *sorted, by_value);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

// The median of values[i] / base[i]: round by round, so that the machine's mood cancels.
static inline double median_ratio(const double *values, const double *base, int count)
{
    double ratios[ROUNDS_MAX];
    for (int i = 0; i < count; i++)
        ratios[i] = values[i] / base[i];
    return median(ratios, count);
}

static inline double median_difference(const double *values, const double *base, int count)
{
    double differences[ROUNDS_MAX];
    for (int i = 0; i < count; i++)
        differences[i] = values[i] - base[i];
    return median(differences, count);
}

static inline uint64_t raw_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return (uint64_t)now_ns();
#endif
}

#endif
