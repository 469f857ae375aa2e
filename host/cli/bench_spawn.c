// Starts one command, waits for its end, and says what it took.
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "capture/launch.h"
#include "cli/bench.h"

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

// posix_spawn shares tacho's memory until exec, and the kernel counts that into the peak.
static double own_peak_kib(void)
{
    struct rusage own;
    return getrusage(RUSAGE_SELF, &own) == 0 ? (double)own.ru_maxrss : 0;
}

static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
                   bool show_output, const struct tacho_inherited *inherited)
{
    sigset_t signals;
    sigemptyset(&signals);
    if (!inherited || !inherited->ignored[SIGPIPE])
        sigaddset(&signals, SIGPIPE);
    int error = posix_spawnattr_setsigdefault(attributes, &signals);
    if (!error)
        error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF);
    if (!error)
        error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error && !show_output)
        error = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error && !show_output)
        error = posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, STDERR_FILENO);
    return error;
}

int tacho_bench_spawn(char *const *words, bool show_output, const struct tacho_inherited *inherited,
                      struct tacho_bench_run *run, struct tacho_fail *fail)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    struct rusage usage;
    int status = 0;
    pid_t pid = -1, ended = -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = prepare(&actions, &attributes, show_output, inherited);
    double own_kib = own_peak_kib();
    int64_t begin_ns = tacho_time_monotonic_ns();
    if (!error)
        error = posix_spawnp(&pid, words[0], &actions, &attributes, words, environ);
    while (!error && (ended = wait4(pid, &status, 0, &usage)) < 0 && errno == EINTR)
        continue;
    int64_t end_ns = tacho_time_monotonic_ns();
    if (!error && ended < 0)
        error = errno;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error) {
        errno = error;
        return tacho_fail_errno(fail, "cannot run '%s'", words[0]);
    }
    double peak_kib = (double)usage.ru_maxrss;
    *run = (struct tacho_bench_run){
        .wall_seconds = (double)(end_ns - begin_ns) * 1e-9,
        .user_seconds = seconds(usage.ru_utime),
        .system_seconds = seconds(usage.ru_stime),
        .rss_peak_bytes = peak_kib > own_kib ? peak_kib * 1024 : (double)NAN,
        .faults_minor = (uint64_t)usage.ru_minflt,
        .faults_major = (uint64_t)usage.ru_majflt,
        .exit_code = tacho_launch_status_code(status),
    };
    return 0;
}
