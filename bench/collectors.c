// What it costs to observe 200 processes once a second: tacho's collectors beside pidstat.
//
// 200 processes run, a fifth of them working a little, as on a host with services. Both observers
// look at them at the same time for the same seconds; getrusage says what each used. Prints a
// table; the last line has the median ratio. collectors [PROCESSES] [SECONDS] [ROUNDS]
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "capture/proc_source.h"
#include "run/model.h"

#define PROCESSES_MAX  4096
#define ROUNDS_MAX     64
#define WORKING_ONE_IN 5

static void sleep_ns(int64_t span_ns)
{
    struct timespec span = {span_ns / TACHO_NS_PER_S, span_ns % TACHO_NS_PER_S};
    nanosleep(&span, NULL);
}

static _Noreturn void be_observed(bool works)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        if (!works)
            pause();
        int64_t end_ns = tacho_time_monotonic_ns() + TACHO_NS_PER_MS / 5;
        while (tacho_time_monotonic_ns() < end_ns)
            ;
        sleep_ns(50 * TACHO_NS_PER_MS);
    }
}

static double seconds_of(const struct rusage *used)
{
    return (double)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) +
           (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec) * 1e-6;
}

static int observe(const pid_t *pids, size_t count, int seconds)
{
    struct tacho_proc_config config = {
        .pids = pids, .pid_count = count, .period_ns = TACHO_NS_PER_S};
    struct tacho_source *source;
    struct tacho_fail fail = {0};
    struct tacho_run run;
    tacho_run_init(&run);
    if (tacho_proc_source_open(&config, &source, &fail) < 0 ||
        source->ops->start(source, &run.sink, &fail) < 0) {
        fprintf(stderr, "collectors: %s\n", fail.text);
        return 1;
    }
    int64_t end_ns = tacho_time_monotonic_ns() + seconds * TACHO_NS_PER_S;
    for (int64_t now_ns; (now_ns = tacho_time_monotonic_ns()) < end_ns;) {
        if (source->ops->poll(source, now_ns, &fail) < 0)
            return 1;
        int64_t wait_ns = source->due_ns - tacho_time_monotonic_ns();
        if (wait_ns > 0)
            sleep_ns(wait_ns);
    }
    if (source->ops->stop(source, &fail) < 0)
        return 1;
    source->ops->close(source);
    tacho_run_release(&run);
    return 0;
}

static pid_t start_pidstat(int seconds)
{
    char count[16];
    snprintf(count, sizeof count, "%d", seconds);
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout))
            _exit(1);
        execlp("pidstat", "pidstat", "-u", "-r", "-d", "-t", "1", count, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int measure(const pid_t *pids, size_t count, int seconds, double *tacho_s, double *pidstat_s)
{
    struct rusage used;
    int status;
    fflush(NULL);
    pid_t peer = start_pidstat(seconds);
    pid_t own = fork();
    if (own == 0)
        _exit(observe(pids, count, seconds));
    wait4(own, &status, 0, &used);
    if (status != 0)
        return 1;
    *tacho_s = seconds_of(&used) / seconds;
    wait4(peer, &status, 0, &used);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        printf("pidstat is not installed (Debian package sysstat): no comparison\n");
        return 77;
    }
    *pidstat_s = seconds_of(&used) / seconds;
    return 0;
}

int main(int argc, char **argv)
{
    static pid_t pids[PROCESSES_MAX];
    double ratios[ROUNDS_MAX];
    int count = argc > 1 ? atoi(argv[1]) : 200;
    int seconds = argc > 2 ? atoi(argv[2]) : 10;
    int rounds = argc > 3 ? atoi(argv[3]) : 3;
    int code = 0, done = 0;
    if (count < 1 || count > PROCESSES_MAX || seconds < 1 || rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: collectors [PROCESSES] [SECONDS] [ROUNDS]\n");
        return 2;
    }
    for (int i = 0; i < count; i++)
        if ((pids[i] = fork()) == 0)
            be_observed(i % WORKING_ONE_IN == 0);
    fflush(NULL);
    printf("%-6s %22s %22s %8s\n", "round", "tacho CPU ms/s", "pidstat CPU ms/s", "ratio");
    for (; done < rounds && code == 0; done++) {
        double tacho_s = 0, pidstat_s = 0;
        code = measure(pids, (size_t)count, seconds, &tacho_s, &pidstat_s);
        ratios[done] = tacho_s / pidstat_s;
        if (code == 0)
            printf("%-6d %22.3f %22.3f %8.3f\n", done + 1, tacho_s * 1e3, pidstat_s * 1e3,
                   ratios[done]);
    }
    for (int i = 0; i < count; i++)
        kill(pids[i], SIGKILL);
    while (wait(NULL) > 0)
        ;
    if (code)
        return code;
    qsort(ratios, (size_t)done, sizeof *ratios, compare);
    double median = ratios[done / 2];
    printf("median ratio %.3f of pidstat -u -r -d -t 1, %d processes; bound 0.333: %s\n", median,
           count, median <= 1.0 / 3 ? "met" : "NOT MET");
    return median <= 1.0 / 3 ? 0 : 1;
}
