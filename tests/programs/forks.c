// Forks many short children, ten at a time: forks [CHILDREN] [1: each becomes /bin/true].
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "truth.h"

enum { ALIVE_MAX = 10, CHILD_STEPS = 100000 };

static TRUTH_OUTLINE uint64_t forks_child_work(uint64_t state)
{
    for (int step = 0; step < CHILD_STEPS; step++)
        state = truth_mix(state + 7);
    return state;
}

// A child's exit status is one bit of its sum, so that the work cannot be left out.
static void forks_child(uint64_t number, int exec)
{
    if (exec) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    }
    _exit((int)(forks_child_work(number + 1) & 1));
}

static int forks_reap(uint64_t *ended, uint64_t *broken)
{
    int status;
    pid_t pid;
    do
        pid = wait(&status);
    while (pid < 0 && errno == EINTR);
    if (pid < 0)
        return -1;
    (*ended)++;
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
        (*broken)++;
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t children = (uint64_t)truth_argument(argc, argv, 1, 1, 100000, 1000);
    int exec = truth_argument(argc, argv, 2, 0, 1, 0) > 0;
    uint64_t started = 0, ended = 0, broken = 0;

    while (started < children) {
        pid_t pid = fork();
        if (pid == 0)
            forks_child(started, exec);
        if (pid < 0 && (errno != EAGAIN || started == ended)) {
            fprintf(stderr, "forks: cannot fork: %s\n", strerror(errno));
            return 1;
        }
        if (pid > 0)
            started++;
        if (pid < 0 || started - ended >= ALIVE_MAX)
            forks_reap(&ended, &broken);
    }
    while (ended < started && forks_reap(&ended, &broken) == 0)
        ;
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    truth_count("children", ended);
    truth_count("broken", broken);
    truth_number("children_cpu_s",
                 (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6);
    return broken > 0 ? 1 : 0;
}
