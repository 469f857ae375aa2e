// What a whole function costs that the compiler instrumented: a call of an empty one, hooks
// included.
//
// usage: bench_functions NAME [ROUNDS]. Built twice: with libtacho's hooks, and without any, to be
// run under uftrace record. Prints one line: NAME, ns per call, and the ratio to two counter reads.
#include <stdio.h>
#include <string.h>

#include "rounds.h"
#ifdef HAS_TACHO
#include "tacho/tacho.h"
#endif

#define LOOPS 200000

void empty_function(void);

#define PLAIN __attribute__((no_instrument_function, noinline))

static volatile uint64_t result;

PLAIN static double time_reads(void)
{
    double start = own_ns();
    for (long i = 0; i < LOOPS; i++) {
        uint64_t before = raw_ticks();
        result = raw_ticks() - before;
    }
    return (own_ns() - start) / LOOPS;
}

PLAIN static double time_calls(void)
{
    double start = own_ns();
    for (long i = 0; i < LOOPS; i++)
        empty_function();
    return (own_ns() - start) / LOOPS;
}

PLAIN int main(int argc, char **argv)
{
    static double reads[ROUNDS_MAX], calls[ROUNDS_MAX];
    int rounds = argc > 2 ? atoi(argv[2]) : 15;
    if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: bench_functions NAME [ROUNDS]\n");
        return 2;
    }
#ifdef HAS_TACHO
    tacho_start(&(struct tacho_config){.mode = strstr(argv[1], "statistics") ? TACHO_MODE_STATISTICS
                                                                             : TACHO_MODE_TRACE});
#endif
    time_calls();
    for (int round = 0; round < rounds; round++) {
        reads[round] = time_reads();
        calls[round] = time_calls();
    }
    printf("%-34s %8.2f ns %8.3fx of two reads (%.2f ns)\n", argv[1], median(calls, rounds),
           median_ratio(calls, reads, rounds), median(reads, rounds));
    return 0;
}
