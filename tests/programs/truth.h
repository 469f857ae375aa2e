// What an observed program says about itself: the truth that tests hold tacho's answer against.
//
// Each program here does a known amount of a known thing, ends by itself, and prints what it did on
// standard output, one `key value` per line. The clock reads enclose whole units of work (a
// millisecond or so), so that they do not show in the program's own profile.
#ifndef TACHO_PROGRAMS_TRUTH_H
#define TACHO_PROGRAMS_TRUTH_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// Keeps a function a function of its own in the profile.
#ifdef __clang__
#define TRUTH_OUTLINE __attribute__((noinline)) // it makes no clones
#else
#define TRUTH_OUTLINE __attribute__((noinline, noclone))
#endif

static inline double truth_clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static inline double truth_cpu_s(void)
{
    return truth_clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static inline double truth_wall_s(void)
{
    return truth_clock_s(CLOCK_MONOTONIC);
}

static inline void truth_number(const char *key, double value)
{
    printf("%s %.6f\n", key, value);
}

static inline void truth_count(const char *key, uint64_t value)
{
    printf("%s %" PRIu64 "\n", key, value);
}

// The argument at `index` as a number in [low, high], or `usual` where it is not given. Anything
// else ends the program with status 2.
static inline double truth_argument(int argc, char **argv, int index, double low, double high,
                                    double usual)
{
    if (index >= argc)
        return usual;
    char *end = NULL;
    double value = strtod(argv[index], &end);
    if (end == argv[index] || *end != '\0' || !(value >= low && value <= high)) {
        fprintf(stderr, "%s: argument %d: %s is not a number from %g to %g\n", argv[0], index,
                argv[index], low, high);
        exit(2);
    }
    return value;
}

// One step of a mixing function: a handful of dependent integer operations, no memory.
static inline uint64_t truth_mix(uint64_t state)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545F4914F6CDD1D);
}

#endif
