// Starting commands: what they inherit, how failures are told, what is left behind.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/launch.h"

static struct tacho_inherited inherited;

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static int open_launch(struct tacho_launch *launch, const char *const *arguments,
                       const char *const *environment, struct tacho_fail *fail)
{
    struct tacho_launch_config config = {.arguments = (char *const *)(uintptr_t)arguments,
                                         .environment = environment,
                                         .inherited = &inherited};
    return tacho_launch_open(launch, &config, fail);
}

// Runs a command to its end and returns its status as a shell has it.
static int run(const char *const *arguments, const char *const *environment)
{
    struct tacho_launch launch;
    struct tacho_fail fail = {0};
    assert_int_equal(open_launch(&launch, arguments, environment, &fail), 0);
    assert_int_equal(tacho_launch_release(&launch, &fail), 0);
    struct pollfd fd = {.fd = launch.pidfd, .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 20000), 1);
    assert_int_equal(tacho_launch_reap(&launch), 1);
    assert_true(launch.exited);
    assert_true(launch.fork_ns <= launch.release_ns && launch.release_ns <= launch.executed_ns &&
                launch.executed_ns <= launch.exit_ns);
    int code = tacho_launch_status_code(launch.exit_status);
    assert_false(tacho_launch_has_children(&launch));
    tacho_launch_close(&launch);
    return code;
}

static void exit_codes_and_signals_pass_through(void **state)
{
    (void)state;
    assert_int_equal(run(WORDS("sh", "-c", "exit 7"), NULL), 7);
    assert_int_equal(run(WORDS("sh", "-c", "kill -9 $$"), NULL), 128 + 9);
    assert_int_equal(run(WORDS("/bin/true"), NULL), 0);
}

static void the_environment_is_added_to(void **state)
{
    const char *const additions[] = {"TACHO_TEST=one two", "HOME=/nowhere", NULL};
    const char *script =
        "test \"$TACHO_TEST\" = 'one two' && test $HOME = /nowhere && test -n \"$PATH\"";
    (void)state;
    assert_int_equal(run(WORDS("sh", "-c", script), additions), 0);
}

static void nothing_runs_before_the_release(void **state)
{
    char path[] = "/tmp/tacho-test-launch-XXXXXX";
    struct tacho_launch launch;
    struct tacho_fail fail = {0};
    (void)state;
    close(mkstemp(path));
    unlink(path);
    assert_int_equal(open_launch(&launch, WORDS("touch", path), NULL, &fail), 0);
    pid_t pid = launch.pid;
    assert_int_equal(kill(pid, 0), 0);
    tacho_launch_close(&launch); // without release: the child ends
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(access(path, F_OK), -1);
}

static void make_file(char *path, const char *text, mode_t mode)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    fchmod(fd, mode);
    close(fd);
}

static void check_failure(const char *command, int code, int exit_code, const char *part)
{
    struct tacho_launch launch;
    struct tacho_fail fail = {0};
    int result = open_launch(&launch, WORDS(command), NULL, &fail);
    if (result == 0) {
        result = tacho_launch_release(&launch, &fail);
        assert_false(tacho_launch_has_children(&launch));
        tacho_launch_close(&launch);
    }
    assert_int_equal(result, code);
    assert_int_equal(tacho_launch_exit_code(result), exit_code);
    if (!strstr(fail.text, part))
        fail_msg("'%s' has no '%s'", fail.text, part);
}

static void a_command_that_cannot_run_is_explained(void **state)
{
    char plain[] = "/tmp/tacho-test-plain-XXXXXX", lost[] = "/tmp/tacho-test-lost-XXXXXX",
         foreign[] = "/tmp/tacho-test-foreign-XXXXXX";
    (void)state;
    make_file(plain, "text", 0644);
    make_file(lost, "#!/no/such/interpreter\n", 0755);
    int fd = mkstemp(foreign);
    assert_int_equal(write(fd, "\177ELF\2\1\1\0", 8), 8);
    fchmod(fd, 0755);
    close(fd);
    check_failure("no-such-command-here", TACHO_ERR_NOT_FOUND, 127, "command not found");
    check_failure("/no/such/file", TACHO_ERR_NOT_FOUND, 127, "no such file");
    check_failure("/tmp", TACHO_ERR_PERMISSION, 126, "is a folder");
    check_failure(plain, TACHO_ERR_PERMISSION, 126, "not executable");
    check_failure(lost, TACHO_ERR_PERMISSION, 126, "interpreter");
    check_failure(foreign, TACHO_ERR_PERMISSION, 126, "not a program for this machine");
    check_failure("", TACHO_ERR_USAGE, 3, "no command");
    unlink(plain);
    unlink(lost);
    unlink(foreign);
}

static void a_script_without_a_first_line_runs_in_a_shell(void **state)
{
    char script[] = "/tmp/tacho-test-script-XXXXXX";
    (void)state;
    make_file(script, "exit $1\n", 0755);
    assert_int_equal(run(WORDS(script, "5"), NULL), 5);
    unlink(script);
}

static void handler(int number)
{
    (void)number;
}

static void signals_and_limits_are_what_this_process_was_started_with(void **state)
{
    struct rlimit raised = inherited.open_files;
    char script[256];
    sigset_t mask, before;
    (void)state;
    // What tacho does to itself: handlers, ignored and blocked signals, more open files.
    signal(SIGINT, handler);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigprocmask(SIG_BLOCK, &mask, &before);
    raised.rlim_cur = raised.rlim_cur > 1000 ? raised.rlim_cur - 1 : raised.rlim_cur;
    setrlimit(RLIMIT_NOFILE, &raised);
    snprintf(script, sizeof script,
             "grep -q 'SigBlk:.0000000000000000' /proc/self/status && "
             "grep -q 'SigIgn:.0000000000000000' /proc/self/status && test $(ulimit -n) = %llu",
             (unsigned long long)inherited.open_files.rlim_cur);
    assert_int_equal(run(WORDS("sh", "-c", script), NULL), 0);
    sigprocmask(SIG_SETMASK, &before, NULL);
    setrlimit(RLIMIT_NOFILE, &inherited.open_files);
    signal(SIGINT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
}

static void no_file_of_ours_is_open_in_the_command(void **state)
{
    char script[128];
    int inheritable = 0;
    (void)state;
    for (int fd = 0; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        inheritable += flags >= 0 && !(flags & FD_CLOEXEC);
    }
    // One more is the folder that ls itself has open.
    snprintf(script, sizeof script, "test $(ls /proc/self/fd | wc -l) -eq %d", inheritable + 1);
    assert_int_equal(run(WORDS("sh", "-c", script), NULL), 0);
}

static void a_signal_reaches_the_command(void **state)
{
    struct tacho_launch launch;
    struct tacho_fail fail = {0};
    (void)state;
    assert_int_equal(open_launch(&launch, WORDS("sleep", "60"), NULL, &fail), 0);
    assert_int_equal(tacho_launch_release(&launch, &fail), 0);
    assert_int_equal(tacho_launch_reap(&launch), 0);
    assert_int_equal(tacho_launch_signal(&launch, SIGTERM, &fail), 0);
    struct pollfd fd = {.fd = launch.pidfd, .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 20000), 1);
    assert_int_equal(tacho_launch_reap(&launch), 1);
    assert_int_equal(tacho_launch_status_code(launch.exit_status), 128 + SIGTERM);
    assert_int_equal(tacho_launch_signal(&launch, SIGTERM, &fail), 0); // nobody there: no error
    tacho_launch_close(&launch);
}

static void note_executed(struct tacho_launch *launch, void *context)
{
    *(int64_t *)context = launch->executed_ns;
}

static void the_observer_is_called_at_exec_and_a_failed_exec_is_still_told(void **state)
{
    struct tacho_launch launch;
    struct tacho_fail fail = {0};
    int64_t executed_ns = 0;
    char lost[] = "/tmp/tacho-test-lost-XXXXXX";
    (void)state;
    assert_int_equal(open_launch(&launch, WORDS("/bin/true"), NULL, &fail), 0);
    launch.on_executed = note_executed;
    launch.on_executed_context = &executed_ns;
    assert_int_equal(tacho_launch_release(&launch, &fail), 0);
    assert_true(executed_ns > 0);
    struct pollfd fd = {.fd = launch.pidfd, .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 20000), 1);
    assert_int_equal(tacho_launch_reap(&launch), 1);
    assert_int_equal(launch.exit_status, 0);
    tacho_launch_close(&launch);
    make_file(lost, "#!/no/such/interpreter\n", 0755);
    executed_ns = 0;
    assert_int_equal(open_launch(&launch, WORDS(lost), NULL, &fail), 0);
    launch.on_executed = note_executed;
    launch.on_executed_context = &executed_ns;
    assert_int_equal(tacho_launch_release(&launch, &fail), TACHO_ERR_PERMISSION);
    assert_int_equal(executed_ns, 0);
    assert_false(tacho_launch_has_children(&launch));
    tacho_launch_close(&launch);
    unlink(lost);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_and_signals_pass_through),
        cmocka_unit_test(the_environment_is_added_to),
        cmocka_unit_test(nothing_runs_before_the_release),
        cmocka_unit_test(a_command_that_cannot_run_is_explained),
        cmocka_unit_test(a_script_without_a_first_line_runs_in_a_shell),
        cmocka_unit_test(signals_and_limits_are_what_this_process_was_started_with),
        cmocka_unit_test(no_file_of_ours_is_open_in_the_command),
        cmocka_unit_test(a_signal_reaches_the_command),
        cmocka_unit_test(the_observer_is_called_at_exec_and_a_failed_exec_is_still_told),
    };
    tacho_inherited_save(&inherited);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
