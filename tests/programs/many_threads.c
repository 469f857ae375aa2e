// Starts many short threads, some of them alive at once: many_threads [THREADS] [ALIVE].
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "truth.h"

enum { ALIVE_MAX = 4096, THREAD_STEPS = 50000, STACK_BYTES = 128 * 1024 };

static TRUTH_OUTLINE uint64_t many_threads_work(uint64_t state)
{
    for (int step = 0; step < THREAD_STEPS; step++)
        state = truth_mix(state + 11);
    return state;
}

static void *many_threads_main(void *cell)
{
    uint64_t *state = cell;
    *state = many_threads_work(*state + 1);
    return NULL;
}

struct crew {
    pthread_t threads[ALIVE_MAX];
    uint64_t cells[ALIVE_MAX];
    uint64_t started, joined, alive_peak;
    uint64_t checksum;
};

static void crew_join_oldest(struct crew *crew)
{
    uint64_t slot = crew->joined % ALIVE_MAX;
    pthread_join(crew->threads[slot], NULL);
    crew->checksum += crew->cells[slot];
    crew->joined++;
}

// Starts one thread; where the system allows no more at once, waits for the oldest to end.
static int crew_start(struct crew *crew, const pthread_attr_t *attributes)
{
    uint64_t slot = crew->started % ALIVE_MAX;
    crew->cells[slot] = crew->started;
    int code;
    while ((code = pthread_create(&crew->threads[slot], attributes, many_threads_main,
                                  &crew->cells[slot])) == EAGAIN &&
           crew->joined < crew->started)
        crew_join_oldest(crew);
    if (code != 0) {
        fprintf(stderr, "many_threads: cannot start a thread: %s\n", strerror(code));
        return -1;
    }
    crew->started++;
    if (crew->started - crew->joined > crew->alive_peak)
        crew->alive_peak = crew->started - crew->joined;
    return 0;
}

int main(int argc, char **argv)
{
    static struct crew crew;
    uint64_t threads = (uint64_t)truth_argument(argc, argv, 1, 1, 1000000, 2000);
    uint64_t alive = (uint64_t)truth_argument(argc, argv, 2, 1, ALIVE_MAX, 50);
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    while (crew.started < threads) {
        if (crew.started - crew.joined >= alive)
            crew_join_oldest(&crew);
        if (crew_start(&crew, &attributes) < 0)
            return 1;
    }
    while (crew.joined < crew.started)
        crew_join_oldest(&crew);
    pthread_attr_destroy(&attributes);
    truth_count("threads", crew.joined);
    truth_count("alive_peak", crew.alive_peak);
    truth_count("checksum", crew.checksum);
    truth_number("cpu_s", truth_cpu_s());
    return 0;
}
