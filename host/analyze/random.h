// Repeatable random numbers for resampling: the same seed gives the same verdict on every machine.
//
// xorshift64* (Vigna, ACM TOMS 42(4), 2016): period 2^64 - 1, not for secrets.
#ifndef TACHO_ANALYZE_RANDOM_H
#define TACHO_ANALYZE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct tacho_random {
    uint64_t state; // never 0
};

static inline uint64_t tacho_random_next(struct tacho_random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * UINT64_C(0x2545F4914F6CDD1D);
}

// Any seed will do, 0 too.
static inline void tacho_random_init(struct tacho_random *random, uint64_t seed)
{
    random->state = seed ^ UINT64_C(0x9E3779B97F4A7C15);
    if (random->state == 0)
        random->state = 1;
    for (int i = 0; i < 8; i++) // seeds that differ in one bit part ways
        (void)tacho_random_next(random);
}

// Below `bound` (1 to 2^32); the unevenness is under bound / 2^32.
static inline size_t tacho_random_below(struct tacho_random *random, size_t bound)
{
    return (size_t)(((tacho_random_next(random) >> 32) * (uint64_t)bound) >> 32);
}

// In [0, 1).
static inline double tacho_random_unit(struct tacho_random *random)
{
    return (double)(tacho_random_next(random) >> 11) * 0x1p-53;
}

#endif
