// Waits in four known ways, hardly using the CPU: waits [ROUNDS].
//
// A round sleeps 40 ms, reads from a pipe that is filled after 30 ms, takes a lock that is let go
// after 20 ms, and waits 10 ms for a condition: 100 ms off the CPU, each in a function of its own.
#include <pthread.h>
#include <unistd.h>

#include "truth.h"

struct scene {
    pthread_mutex_t lock;
    pthread_mutex_t gate_lock;
    pthread_cond_t gate;
    pthread_barrier_t meet;
    int pipe[2];
    int gate_open;
    int rounds;
};

static void pause_ms(long ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000L};
    while (nanosleep(&left, &left) < 0)
        ;
}

static TRUTH_OUTLINE void waits_sleep(void)
{
    pause_ms(40);
}

static TRUTH_OUTLINE int waits_read(struct scene *scene)
{
    char byte;
    return read(scene->pipe[0], &byte, 1) == 1 ? 0 : -1;
}

static TRUTH_OUTLINE void waits_lock(struct scene *scene)
{
    pthread_mutex_lock(&scene->lock);
    pthread_mutex_unlock(&scene->lock);
}

static TRUTH_OUTLINE void waits_condition(struct scene *scene)
{
    pthread_mutex_lock(&scene->gate_lock);
    while (!scene->gate_open)
        pthread_cond_wait(&scene->gate, &scene->gate_lock);
    scene->gate_open = 0;
    pthread_mutex_unlock(&scene->gate_lock);
}

// The other side: meets the main thread before each wait, and ends the wait after its time.
static void *waits_partner(void *argument)
{
    struct scene *scene = argument;
    for (int round = 0; round < scene->rounds; round++) {
        pthread_barrier_wait(&scene->meet);
        pause_ms(30);
        if (write(scene->pipe[1], "x", 1) != 1)
            return scene;
        pthread_mutex_lock(&scene->lock);
        pthread_barrier_wait(&scene->meet);
        pause_ms(20);
        pthread_mutex_unlock(&scene->lock);
        pthread_barrier_wait(&scene->meet);
        pause_ms(10);
        pthread_mutex_lock(&scene->gate_lock);
        scene->gate_open = 1;
        pthread_cond_signal(&scene->gate);
        pthread_mutex_unlock(&scene->gate_lock);
    }
    return NULL;
}

struct waited {
    double sleep_s, read_s, lock_s, condition_s;
};

static int waits_round(struct scene *scene, struct waited *waited)
{
    double from_s = truth_wall_s();
    waits_sleep();
    waited->sleep_s += truth_wall_s() - from_s;

    pthread_barrier_wait(&scene->meet);
    from_s = truth_wall_s();
    if (waits_read(scene) < 0)
        return -1;
    waited->read_s += truth_wall_s() - from_s;

    pthread_barrier_wait(&scene->meet);
    from_s = truth_wall_s();
    waits_lock(scene);
    waited->lock_s += truth_wall_s() - from_s;

    pthread_barrier_wait(&scene->meet);
    from_s = truth_wall_s();
    waits_condition(scene);
    waited->condition_s += truth_wall_s() - from_s;
    return 0;
}

int main(int argc, char **argv)
{
    static struct scene scene = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                 .gate_lock = PTHREAD_MUTEX_INITIALIZER,
                                 .gate = PTHREAD_COND_INITIALIZER};
    struct waited waited = {0};
    pthread_t partner;

    scene.rounds = (int)truth_argument(argc, argv, 1, 1, 10000, 10);
    pthread_barrier_init(&scene.meet, NULL, 2);
    if (pipe(scene.pipe) < 0 || pthread_create(&partner, NULL, waits_partner, &scene) != 0) {
        perror("waits");
        return 1;
    }
    for (int round = 0; round < scene.rounds; round++)
        if (waits_round(&scene, &waited) < 0)
            return 1;
    pthread_join(partner, NULL);
    truth_count("rounds", (uint64_t)scene.rounds);
    truth_number("waits_sleep_s", waited.sleep_s);
    truth_number("waits_read_s", waited.read_s);
    truth_number("waits_lock_s", waited.lock_s);
    truth_number("waits_condition_s", waited.condition_s);
    truth_number("cpu_s", truth_cpu_s());
    return 0;
}
