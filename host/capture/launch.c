// Starting a command, letting it go, and waiting for everything it leaves: see launch.h.
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/time.h"
#include "proc_read.h"

#define BLOCK_BYTES 512u // the unit of ru_inblock and ru_oublock

extern char **environ;

void tacho_inherited_save(struct tacho_inherited *inherited)
{
    memset(inherited, 0, sizeof *inherited);
    sigprocmask(SIG_SETMASK, NULL, &inherited->mask);
    for (int number = 1; number < TACHO_SIGNAL_COUNT; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0)
            inherited->ignored[number] = action.sa_handler == SIG_IGN;
    }
    getrlimit(RLIMIT_NOFILE, &inherited->open_files);
    inherited->saved = true;
}

// What the child needs after fork, made before it: after fork only system calls are safe.
struct child_plan {
    const char *path;
    char **arguments;
    char *
        *shell_arguments; // for a script without "#!", as a shell would run it; NULL: not a script
    char **environment;
    const struct tacho_inherited *inherited;
    int go_fd, error_fd;
    sigset_t mask; // when no inherited state was given
};

static void child_signals_restore(const struct child_plan *plan)
{
    for (int number = 1; number < TACHO_SIGNAL_COUNT; number++) {
        struct sigaction action;
        if (number == SIGKILL || number == SIGSTOP || sigaction(number, NULL, &action) < 0)
            continue;
        bool ignore =
            plan->inherited ? plan->inherited->ignored[number] : action.sa_handler == SIG_IGN;
        if ((action.sa_handler == SIG_IGN) == ignore && (ignore || action.sa_handler == SIG_DFL))
            continue;
        signal(number, ignore ? SIG_IGN : SIG_DFL);
    }
    sigprocmask(SIG_SETMASK, plan->inherited ? &plan->inherited->mask : &plan->mask, NULL);
}

// The child's side. It writes nothing before exec, because its count of written bytes goes on after
// exec and tells when the program's first output was.
static _Noreturn void child_run(const struct child_plan *plan)
{
    char byte;
    ssize_t count;
    child_signals_restore(plan);
    if (plan->inherited)
        setrlimit(RLIMIT_NOFILE, &plan->inherited->open_files);
    do
        count = read(plan->go_fd, &byte, 1);
    while (count < 0 && errno == EINTR);
    if (count != 1) // the parent is gone or has changed its mind
        _exit(TACHO_EXIT_NOT_FOUND);
    execve(plan->path, plan->arguments, plan->environment);
    if (errno == ENOEXEC && plan->shell_arguments)
        execve("/bin/sh", plan->shell_arguments, plan->environment);
    int number = errno;
    while (write(plan->error_fd, &number, sizeof number) < 0 && errno == EINTR)
        ;
    _exit(number == ENOENT ? TACHO_EXIT_NOT_FOUND : TACHO_EXIT_NOT_EXECUTABLE);
}

static bool is_executable(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

// Sets *path (allocated) to the first executable file of that name in PATH.
static int search_path(const char *command, char **path, struct tacho_fail *fail)
{
    const char *folders = getenv("PATH");
    bool refused = false;
    if (!folders)
        folders = "/usr/local/bin:/usr/bin:/bin";
    for (const char *folder = folders; *folder || folder == folders;) {
        size_t size = strcspn(folder, ":");
        char *candidate;
        if (asprintf(&candidate, "%.*s%s%s", (int)size, folder, size ? "/" : "./", command) < 0)
            return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
        if (is_executable(candidate)) {
            *path = candidate;
            return 0;
        }
        struct stat status;
        refused = refused || (stat(candidate, &status) == 0 && S_ISREG(status.st_mode));
        free(candidate);
        folder += size;
        if (!*folder)
            break;
        folder++;
    }
    if (refused)
        return tacho_fail_set(fail, TACHO_ERR_PERMISSION,
                              "%s: found in PATH, but it is not executable", command);
    return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "%s: command not found", command);
}

static int find_command(const char *command, char **path, struct tacho_fail *fail)
{
    struct stat status;
    if (!strchr(command, '/'))
        return search_path(command, path, fail);
    if (stat(command, &status) < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "%s: no such file", command);
        return tacho_fail_errno(fail, "cannot run %s", command);
    }
    if (S_ISDIR(status.st_mode))
        return tacho_fail_set(fail, TACHO_ERR_PERMISSION, "%s: is a folder", command);
    if (access(command, X_OK) < 0)
        return tacho_fail_set(fail, TACHO_ERR_PERMISSION,
                              "%s: not executable; chmod +x makes it so", command);
    *path = strdup(command);
    return *path ? 0 : tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
}

// A file that neither the kernel nor a zero byte marks as a program is taken as a shell script.
static bool looks_like_text(const char *path)
{
    char start[128];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t count = read(fd, start, sizeof start);
    close(fd);
    return count > 0 && !memchr(start, 0, (size_t)count);
}

static size_t list_length(char *const *list)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    return count;
}

static bool same_name(const char *a, const char *b)
{
    size_t size = strcspn(a, "=");
    return strncmp(a, b, size) == 0 && b[size] == '=';
}

// This process' environment with the additions put over it. Only the array is allocated.
static char **environment_make(const char *const *additions)
{
    size_t own = list_length(environ);
    size_t added = list_length((char *const *)(uintptr_t)additions);
    char **list = calloc(own + added + 1, sizeof *list);
    size_t count = 0;
    for (size_t i = 0; list && i < own; i++) {
        bool replaced = false;
        for (size_t k = 0; k < added; k++)
            replaced = replaced || same_name(additions[k], environ[i]);
        if (!replaced)
            list[count++] = environ[i];
    }
    for (size_t k = 0; list && k < added; k++)
        list[count++] = (char *)(uintptr_t)additions[k];
    return list;
}

static char **shell_arguments_make(const char *path, char *const *arguments)
{
    size_t count = list_length(arguments);
    char **list = calloc(count + 2, sizeof *list);
    if (!list)
        return NULL;
    list[0] = (char *)(uintptr_t) "sh";
    list[1] = (char *)(uintptr_t)path;
    for (size_t i = 1; i < count; i++)
        list[i + 1] = arguments[i];
    return list;
}

static int fork_child(struct tacho_launch *launch, struct child_plan *plan, struct tacho_fail *fail)
{
    int go[2], error[2];
    sigset_t all;
    if (pipe2(go, O_CLOEXEC) < 0)
        return tacho_fail_errno(fail, "cannot make a pipe");
    if (pipe2(error, O_CLOEXEC) < 0) {
        tacho_fail_errno(fail, "cannot make a pipe");
        close(go[0]);
        close(go[1]);
        return fail->code;
    }
    plan->go_fd = go[0];
    plan->error_fd = error[1];
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &plan->mask);
    launch->fork_ns = tacho_time_monotonic_ns();
    launch->pid = fork();
    if (launch->pid == 0) {
        close(go[1]);
        close(error[0]);
        child_run(plan);
    }
    launch->forked_ns = tacho_time_monotonic_ns();
    sigprocmask(SIG_SETMASK, &plan->mask, NULL);
    close(go[0]);
    close(error[1]);
    launch->go_fd = go[1];
    launch->error_fd = error[0];
    if (launch->pid < 0)
        return tacho_fail_errno(fail, "cannot start a process");
    launch->pidfd = (int)syscall(SYS_pidfd_open, launch->pid, 0);
    if (launch->pidfd >= 0)
        fcntl(launch->pidfd, F_SETFD, FD_CLOEXEC);
    return 0;
}

int tacho_launch_open(struct tacho_launch *launch, const struct tacho_launch_config *config,
                      struct tacho_fail *fail)
{
    memset(launch, 0, sizeof *launch);
    launch->pid = launch->pidfd = launch->go_fd = launch->error_fd = -1;
    if (!config->arguments || !config->arguments[0] || !config->arguments[0][0])
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "no command was given");
    if (find_command(config->arguments[0], &launch->path, fail) < 0)
        return fail->code;
    struct child_plan plan = {.path = launch->path, .inherited = config->inherited};
    if (config->inherited && !config->inherited->saved)
        plan.inherited = NULL;
    plan.arguments = (char **)(uintptr_t)config->arguments;
    plan.environment = environment_make(config->environment);
    if (looks_like_text(launch->path))
        plan.shell_arguments = shell_arguments_make(launch->path, config->arguments);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    int code = plan.environment ? fork_child(launch, &plan, fail)
                                : tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    free(plan.environment);
    free(plan.shell_arguments);
    if (code < 0)
        tacho_launch_close(launch);
    return code;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

// Says why exec failed with `number`.
static int exec_failed(struct tacho_launch *launch, int number, struct tacho_fail *fail)
{
    struct stat status;
    if (number == ENOENT && stat(launch->path, &status) == 0)
        return tacho_fail_set(fail, TACHO_ERR_PERMISSION,
                              "cannot run %s: the interpreter or loader it names does not exist",
                              launch->path);
    if (number == ENOEXEC)
        return tacho_fail_set(fail, TACHO_ERR_PERMISSION,
                              "cannot run %s: not a program for this machine", launch->path);
    errno = number;
    return tacho_fail_errno(fail, "cannot run %s", launch->path);
}

// What the child holds before exec stays in its ru_maxrss for ever.
static void read_waiting_rss(struct tacho_launch *launch)
{
    char path[64], text[128];
    uint64_t pages;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)launch->pid);
    ssize_t size = tacho_proc_read(path, text, sizeof text);
    const char *at = text;
    if (size > 0 && tacho_proc_number(&at, text + size, &pages) &&
        tacho_proc_number(&at, text + size, &pages))
        launch->waiting_rss_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static ssize_t read_exec_error(const struct tacho_launch *launch, int *number)
{
    ssize_t count;
    do
        count = read(launch->error_fd, number, sizeof *number);
    while (count < 0 && errno == EINTR);
    return count;
}

// A traced exec would not give a program the rights of its file.
static bool gives_rights(const char *path)
{
    struct stat status;
    return stat(path, &status) < 0 || status.st_mode & (S_ISUID | S_ISGID) ||
           getxattr(path, "security.capability", NULL, 0) >= 0;
}

// Holds the child where exec has ended and the dynamic loader has not begun, for as long as the
// observer needs: a reader of the pipe alone is often woken only after a short program is over.
// False when the child was not held there: it has ended, or a signal came first.
static bool hold_at_exec(struct tacho_launch *launch)
{
    siginfo_t info = {0};
    while (waitid(P_PID, (id_t)launch->pid, &info, WEXITED | WSTOPPED | WNOWAIT) < 0)
        if (errno != EINTR)
            return false;
    if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED)
        return false; // it has ended, which is waited for later
    bool is_exec = info.si_status == (SIGTRAP | PTRACE_EVENT_EXEC << 8);
    bool is_group_stop = info.si_status >> 8 == PTRACE_EVENT_STOP;
    if (is_exec) {
        launch->executed_ns = tacho_time_monotonic_ns();
        launch->on_executed(launch, launch->on_executed_context);
    }
    long number = is_exec || is_group_stop ? 0 : info.si_status & 0x7f;
    ptrace(PTRACE_DETACH, launch->pid, NULL, number);
    launch->resumed_ns = tacho_time_monotonic_ns();
    return is_exec;
}

int tacho_launch_release(struct tacho_launch *launch, struct tacho_fail *fail)
{
    int number = 0;
    read_waiting_rss(launch);
    bool held = launch->on_executed && !gives_rights(launch->path) &&
                ptrace(PTRACE_SEIZE, launch->pid, NULL, PTRACE_O_TRACEEXEC) == 0;
    launch->release_ns = tacho_time_monotonic_ns();
    // The reading end is gone only when the child was killed while it waited, which the wait tells.
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    (void)!write(launch->go_fd, "", 1);
    signal(SIGPIPE, before);
    close_fd(&launch->go_fd);
    held = held && hold_at_exec(launch);
    ssize_t count = read_exec_error(launch, &number);
    if (!held)
        launch->executed_ns = launch->resumed_ns = tacho_time_monotonic_ns();
    close_fd(&launch->error_fd);
    if (count == (ssize_t)sizeof number) {
        launch->executed_ns = 0;
        waitpid(launch->pid, NULL, 0);
        launch->pid = -1;
        return exec_failed(launch, number, fail);
    }
    if (!held && launch->on_executed)
        launch->on_executed(launch, launch->on_executed_context);
    return 0;
}

static void io_of_self(struct tacho_proc_io *io, size_t *size)
{
    char text[512];
    int fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
    ssize_t count = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    *size = count > 0 ? (size_t)count : 0;
    if (fd >= 0)
        close(fd);
    if (count <= 0 || tacho_proc_io_parse(text, (size_t)count, io) < 0)
        *io = (struct tacho_proc_io){NAN, NAN, NAN, NAN};
}

static void usage_add(struct tacho_usage *usage, const struct rusage *used)
{
    uint64_t peak_bytes = (uint64_t)used->ru_maxrss * 1024;
    usage->user_seconds += (double)used->ru_utime.tv_sec + (double)used->ru_utime.tv_usec * 1e-6;
    usage->system_seconds += (double)used->ru_stime.tv_sec + (double)used->ru_stime.tv_usec * 1e-6;
    if (peak_bytes > usage->rss_peak_bytes)
        usage->rss_peak_bytes = peak_bytes;
    usage->faults_minor += (uint64_t)used->ru_minflt;
    usage->faults_major += (uint64_t)used->ru_majflt;
    usage->switches_voluntary += (uint64_t)used->ru_nvcsw;
    usage->switches_involuntary += (uint64_t)used->ru_nivcsw;
    usage->storage_read_bytes += (uint64_t)used->ru_inblock * BLOCK_BYTES;
    usage->storage_write_bytes += (uint64_t)used->ru_oublock * BLOCK_BYTES;
}

// Waits for one child that has ended; false when there is none.
static bool reap_one(struct tacho_launch *launch)
{
    siginfo_t info = {0};
    struct tacho_proc_io before, after;
    struct rusage used;
    size_t read_size, ignored;
    int status;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
        return false;
    io_of_self(&before, &read_size);
    pid_t pid = wait4(info.si_pid, &status, WNOHANG, &used);
    if (pid <= 0)
        return false;
    io_of_self(&after, &ignored);
    struct tacho_usage *usage = &launch->usage;
    // What reading the counters itself had read is counted between the two readings.
    usage->read_calls_bytes += after.read_calls - before.read_calls - (double)read_size;
    usage->write_calls_bytes += after.write_calls - before.write_calls;
    usage->read_bytes += after.read - before.read;
    usage->write_bytes += after.write - before.write;
    usage_add(usage, &used);
    struct tacho_reaped reaped = {pid, status, tacho_time_monotonic_ns()};
    tacho_array_push(&launch->reaped, reaped);
    if (pid == launch->pid) {
        launch->exited = true;
        launch->exit_status = status;
        launch->exit_ns = reaped.time_ns;
    }
    return true;
}

int tacho_launch_reap(struct tacho_launch *launch)
{
    int count = 0;
    while (reap_one(launch))
        count++;
    return count;
}

int tacho_launch_signal(struct tacho_launch *launch, int signal, struct tacho_fail *fail)
{
    if (launch->exited || launch->pid <= 0)
        return 0;
    // The number cannot have gone to another process: nobody else waits for this child.
    if (kill(launch->pid, signal) < 0 && errno != ESRCH)
        return tacho_fail_errno(fail, "cannot send signal %d to process %d", signal,
                                (int)launch->pid);
    return 0;
}

bool tacho_launch_has_children(const struct tacho_launch *launch)
{
    siginfo_t info = {0};
    (void)launch;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void tacho_launch_close(struct tacho_launch *launch)
{
    bool waiting = launch->pid > 0 && launch->release_ns == 0;
    close_fd(&launch->go_fd); // a child that still waits reads the end and exits
    close_fd(&launch->error_fd);
    close_fd(&launch->pidfd);
    if (waiting)
        waitpid(launch->pid, NULL, 0);
    tacho_array_release(&launch->reaped);
    free(launch->path);
    launch->path = NULL;
    launch->pid = -1;
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

int tacho_launch_exit_code(int fail_code)
{
    if (fail_code == TACHO_ERR_NOT_FOUND)
        return TACHO_EXIT_NOT_FOUND;
    return fail_code == TACHO_ERR_PERMISSION ? TACHO_EXIT_NOT_EXECUTABLE : 3;
}

int tacho_launch_status_code(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
