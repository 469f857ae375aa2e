// A flight recorder: every span is recorded all the time, and kept only when something was too
// slow.
//
//   flight_recorder FILE              saves what led to the slow step to FILE
//   tacho dump FILE                   shows it
#include <stdio.h>
#include <time.h>

#include <tacho/tacho.h>

enum { STEPS = 200, SLOW_STEP = 150 };

static void pause_us(long us)
{
    struct timespec left = {0, us * 1000};
    nanosleep(&left, NULL);
}

static void step(int number)
{
    TACHO_ZONE("step");
    {
        TACHO_ZONE("read");
        pause_us(50);
    }
    {
        TACHO_ZONE("compute");
        pause_us(number == SLOW_STEP ? 30000 : 100);
    }
}

static long long now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    const struct tacho_config config = {.mode = TACHO_MODE_DETAILED, .ring_bytes = 64 * 1024};
    if (argc != 2 || tacho_start(&config) < 0) {
        fprintf(stderr, "usage: flight_recorder FILE\n");
        return 2;
    }
    for (int number = 0; number < STEPS; number++) {
        long long begin_us = now_us();
        step(number);
        if (now_us() - begin_us < 20000)
            continue;
        tacho_event("slow step", number);
        if (tacho_dump(argv[1]) < 0) {
            fprintf(stderr, "flight_recorder: cannot write %s\n", argv[1]);
            return 1;
        }
        printf("step %d was slow; see %s\n", number, argv[1]);
        return 0;
    }
    printf("no step was slow\n");
    return 0;
}
