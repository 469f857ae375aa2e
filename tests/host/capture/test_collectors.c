// The collectors against programs whose resources are known, GNU time and getrusage.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/time.h"
#include "observe.h"

#define PROGRAMS  TACHO_BINARY_DIR "/tests/programs/"
#define PERIOD_NS (20 * TACHO_NS_PER_MS)

// Within 2 %, or within what the smallest unit and the observer itself can make.
static void assert_close(const char *what, double seen, double truth, double slack)
{
    double allowed = fmax(fabs(truth) * 0.02, slack);
    if (isnan(seen) || fabs(seen - truth) > allowed)
        fail_msg("%s: %.9g instead of %.9g", what, seen, truth);
}

// The figure behind `key` in what "/usr/bin/time -v" wrote.
static double time_figure(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    assert_non_null(at);
    return strtod(at + strlen(key), NULL);
}

static void totals_agree_with_gnu_time(void **state)
{
    char report[] = "/tmp/tacho-test-time-XXXXXX", data[] = "/tmp/tacho-test-data-XXXXXX";
    char script[512];
    struct observed observed;
    struct tacho_buffer text = {0};
    struct tacho_fail fail = {0};
    (void)state;
    if (access("/usr/bin/time", X_OK) < 0)
        skip();
    close(mkstemp(report));
    close(mkstemp(data));
    snprintf(script, sizeof script,
             "dd if=/dev/zero of=%s bs=64k count=160 conv=fsync 2>/dev/null; "
             "head -c 30000000 /dev/zero | tail -c 20000000 > /dev/null; " // holds 20 MB
             "for i in 1 2 3 4 5 6 7 8; do /bin/true; done; " PROGRAMS "split_fp 0.4 >/dev/null",
             data);
    const char *const arguments[] = {"/usr/bin/time", "-v", "-o", report, "sh", "-c", script, NULL};
    observe_command(&observed, arguments, PERIOD_NS);
    assert_int_equal(observed.status, 0);
    assert_int_equal(tacho_file_read(report, &text, 0, &fail), 0);
    unlink(report);
    unlink(data);
    const struct tacho_run *run = &observed.run;
    // GNU time itself is one more process, with about 1 ms, 100 faults and 2 switches.
    assert_close("user", last_value(run, "cpu_user_seconds", "run"),
                 time_figure(text.data, "User time (seconds): "), 0.02);
    assert_close("system", last_value(run, "cpu_system_seconds", "run"),
                 time_figure(text.data, "System time (seconds): "), 0.02);
    assert_close("peak", last_value(run, "rss_peak_bytes", "run"),
                 time_figure(text.data, "Maximum resident set size (kbytes): ") * 1024, 0);
    assert_close("minor faults", last_value(run, "page_faults_minor", "run"),
                 time_figure(text.data, "Minor (reclaiming a frame) page faults: "), 150);
    assert_close("major faults", last_value(run, "page_faults_major", "run"),
                 time_figure(text.data, "Major (requiring I/O) page faults: "), 2);
    assert_close("voluntary", last_value(run, "context_switches_voluntary", "run"),
                 time_figure(text.data, "Voluntary context switches: "), 5);
    assert_close("involuntary", last_value(run, "context_switches_involuntary", "run"),
                 time_figure(text.data, "Involuntary context switches: "), 5);
    assert_close("written", last_value(run, "io_write_bytes", "run"),
                 time_figure(text.data, "File system outputs: ") * 512, 8192);
    assert_true(last_value(run, "io_write_calls_bytes", "run") >= 160 * 65536);
    assert_true(last_value(run, "io_write_bytes", "run") >= 160 * 65536);
    tacho_buffer_release(&text);
    tacho_run_release(&observed.run);
}

static void short_children_are_in_the_totals(void **state)
{
    const char *const arguments[] = {PROGRAMS "forks", "1000", NULL};
    struct observed observed;
    struct rusage before, after;
    (void)state;
    getrusage(RUSAGE_CHILDREN, &before);
    observe_command(&observed, arguments, 200 * TACHO_NS_PER_MS);
    getrusage(RUSAGE_CHILDREN, &after);
    const struct tacho_run *run = &observed.run;
    double user = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
                  (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) * 1e-6;
    double faults = (double)(after.ru_minflt - before.ru_minflt);
    assert_true(faults > 1000 * 5); // it did fork
    assert_close("user", last_value(run, "cpu_user_seconds", "run"), user, 0.001);
    assert_close("faults", last_value(run, "page_faults_minor", "run"), faults, 0);
    assert_close("switches", last_value(run, "context_switches_voluntary", "run"),
                 (double)(after.ru_nvcsw - before.ru_nvcsw), 0);
    assert_int_equal(observed.left, 0);
    tacho_run_release(&observed.run);
}

static void growth_and_peak_of_memory_are_seen(void **state)
{
    const char *const arguments[] = {PROGRAMS "grow", "0.5", "80", NULL};
    struct observed observed;
    (void)state;
    observe_command(&observed, arguments, PERIOD_NS);
    const struct tacho_run_series *rss = tacho_run_series_find(&observed.run, "rss_bytes", "run");
    assert_non_null(rss);
    assert_true(rss->count > 10);
    double highest = 0;
    for (size_t i = 0; i < rss->count; i++)
        highest = fmax(highest, rss->value[i]);
    assert_true(highest > rss->value[0] + 20e6);
    assert_close("peak", last_value(&observed.run, "rss_peak_bytes", "run"),
                 (double)observed.usage.rss_peak_bytes, 0);
    assert_true(highest <= last_value(&observed.run, "rss_peak_bytes", "run") * 1.001);
    tacho_run_release(&observed.run);
}

static void cpu_of_the_run_is_what_the_program_used(void **state)
{
    const char *const arguments[] = {PROGRAMS "split_nofp", "0.6", NULL};
    struct observed observed;
    (void)state;
    int out = dup(STDOUT_FILENO);
    freopen("/dev/null", "w", stdout);
    observe_command(&observed, arguments, PERIOD_NS);
    dup2(out, STDOUT_FILENO);
    close(out);
    const struct tacho_run *run = &observed.run;
    assert_close("cpu", last_value(run, "cpu_seconds", "run"),
                 observed.usage.user_seconds + observed.usage.system_seconds, 0.001);
    const struct tacho_run_series *ratio = tacho_run_series_find(run, "cpu_ratio_core", "run");
    assert_non_null(ratio);
    for (size_t i = 0; i < ratio->count; i++)
        assert_true(ratio->value[i] >= 0 && ratio->value[i] < 1.2);
    // The last whole sample of the process itself, which its own clock gives to the nanosecond.
    const char *subject = subject_of(run, "process ", "cpu_seconds");
    assert_non_null(subject);
    assert_true(strstr(subject, "split_nofp") != NULL);
    assert_true(last_value(run, "cpu_seconds", subject) > 0.4);
    assert_true(last_value(run, "wall_seconds", "run") >= last_value(run, "cpu_seconds", subject));
    tacho_run_release(&observed.run);
}

static void start_up_is_in_the_order_it_happens(void **state)
{
    const char *const arguments[] = {"sh", "-c", "sleep 0.1; echo > /dev/null", NULL};
    struct observed observed;
    (void)state;
    observe_command(&observed, arguments, PERIOD_NS);
    const struct tacho_run *run = &observed.run;
    double exec = last_value(run, "start_exec_seconds", "run");
    double loading = last_value(run, "start_loading_seconds", "run");
    double output = last_value(run, "start_first_output_seconds", "run");
    assert_true(exec > 0 && exec < 5);
    assert_true(isnan(loading) ? has_note(run, "dynamic loading is n/a") : loading > 0);
    assert_true(output >= 0.1 && output < 5);
    tacho_run_release(&observed.run);
}

static void the_output_of_a_program_that_ends_at_once_is_seen(void **state)
{
    const char *const arguments[] = {"sh", "-c", "echo > /dev/null", NULL};
    struct observed observed;
    (void)state;
    observe_command(&observed, arguments, PERIOD_NS);
    double output = last_value(&observed.run, "start_first_output_seconds", "run");
    assert_true(output > 0 && output <= last_value(&observed.run, "wall_seconds", "run"));
    tacho_run_release(&observed.run);
}

static void forbid(const int *calls, size_t count)
{
    struct sock_filter filter[16];
    unsigned short length = 0;
    filter[length++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < count; i++) {
        filter[length++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
        filter[length++] =
            (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (EPERM & 0xffff));
    }
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = length, .filter = filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        _exit(77);
}

static void a_container_that_refuses_perf_and_ptrace_costs_only_the_loading_time(void **state)
{
    static const int calls[] = {SYS_perf_event_open, SYS_ptrace, SYS_pidfd_open};
    (void)state;
    fflush(NULL);
    pid_t observer = fork(); // a filter cannot be taken back
    if (observer == 0) {
        const char *const arguments[] = {"sh", "-c", "echo > /dev/null; exit 4", NULL};
        struct observed observed;
        forbid(calls, sizeof calls / sizeof *calls);
        observe_command(&observed, arguments, PERIOD_NS);
        const struct tacho_run *run = &observed.run;
        bool good = WEXITSTATUS(observed.status) == 4 &&
                    last_value(run, "start_exec_seconds", "run") > 0 &&
                    isnan(last_value(run, "start_loading_seconds", "run")) &&
                    has_note(run, "kernel.perf_event_paranoid") &&
                    last_value(run, "start_first_output_seconds", "run") > 0 &&
                    last_value(run, "cpu_seconds", "run") > 0;
        _exit(good ? 0 : 2);
    }
    int status;
    waitpid(observer, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

static void a_silent_program_has_no_first_output(void **state)
{
    const char *const arguments[] = {"/bin/true", NULL};
    struct observed observed;
    (void)state;
    observe_command(&observed, arguments, PERIOD_NS);
    assert_true(isnan(last_value(&observed.run, "start_first_output_seconds", "run")));
    assert_true(has_note(&observed.run, "nothing was written"));
    tacho_run_release(&observed.run);
}

static void orphans_are_waited_for_and_counted(void **state)
{
    // The shell ends at once; what it left in the background forks on, and is ours to wait for.
    const char *const arguments[] = {"sh", "-c", "(" PROGRAMS "split_fp 0.2 >/dev/null) & exit 3",
                                     NULL};
    struct observed observed;
    (void)state;
    observe_command(&observed, arguments, PERIOD_NS);
    assert_int_equal(WEXITSTATUS(observed.status), 3);
    assert_int_equal(observed.left, 0);
    assert_close("cpu", last_value(&observed.run, "cpu_seconds", "run"),
                 observed.usage.user_seconds + observed.usage.system_seconds, 0.001);
    assert_true(observed.usage.user_seconds + observed.usage.system_seconds >= 0.2);
    tacho_run_release(&observed.run);
}

static void busy_threads_become_series(void **state)
{
    const char *const arguments[] = {PROGRAMS "cpp_threads", NULL};
    struct observed observed;
    (void)state;
    int out = dup(STDOUT_FILENO);
    freopen("/dev/null", "w", stdout);
    observe_command(&observed, arguments, PERIOD_NS);
    dup2(out, STDOUT_FILENO);
    close(out);
    size_t threads = 0;
    double seconds = 0;
    for (size_t i = 0; i < observed.run.series.count; i++) {
        const struct tacho_run_series *series = &observed.run.series.items[i];
        if (strncmp(series->subject, "thread ", 7) == 0 &&
            strcmp(series->name, "cpu_seconds") == 0) {
            threads++;
            seconds += series->value[series->count - 1];
        }
    }
    assert_true(threads >= 2);
    assert_true(seconds > 0.5 * last_value(&observed.run, "cpu_seconds", "run"));
    tacho_run_release(&observed.run);
}

static void two_thousand_threads_are_survived(void **state)
{
    const char *const arguments[] = {PROGRAMS "many_threads", "2000", "200", NULL};
    struct observed observed;
    (void)state;
    int out = dup(STDOUT_FILENO);
    freopen("/dev/null", "w", stdout);
    observe_command(&observed, arguments, PERIOD_NS);
    dup2(out, STDOUT_FILENO);
    close(out);
    assert_int_equal(observed.status, 0);
    assert_close("cpu", last_value(&observed.run, "cpu_seconds", "run"),
                 observed.usage.user_seconds + observed.usage.system_seconds, 0.001);
    tacho_run_release(&observed.run);
}

// A child to attach to: `body` runs in it until it is killed.
static pid_t start_child(void (*body)(int ready))
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ready[0]);
        body(ready[1]);
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static bool saw_pss(struct tacho_run *run, void *context)
{
    (void)context;
    return !isnan(last_value(run, "sockets_listen", "run")) &&
           !isnan(last_value(run, "pss_bytes", "run"));
}

static void hold_sockets_and_memory(int ready)
{
    int listening = socket(AF_INET, SOCK_STREAM, 0), pair[2];
    listen(listening, 5);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    socket(AF_INET6, SOCK_DGRAM, 0);
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    (void)!write(udp, "", 0);
    char *memory = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(memory, 1, 8 << 20);
    (void)!write(ready, "", 1);
    for (;;)
        pause();
}

static void sockets_files_and_pss_of_a_running_process_are_read(void **state)
{
    struct tacho_run run;
    pid_t pid = start_child(hold_sockets_and_memory);
    struct tacho_proc_config config = {.pids = &pid, .pid_count = 1, .period_ns = PERIOD_NS};
    (void)state;
    observe_pids(&run, &config, saw_pss, NULL);
    end_child(pid);
    assert_int_equal((int)last_value(&run, "sockets_listen", "run"), 1);
    assert_int_equal((int)last_value(&run, "sockets_unix", "run"), 2);
    assert_true(last_value(&run, "pss_bytes", "run") > 8 << 20);
    assert_true(last_value(&run, "rss_bytes", "run") > 8 << 20);
    assert_true(last_value(&run, "open_files", "run") >= 6);
    assert_true(last_value(&run, "open_files_limit", "run") >= 6);
    assert_int_equal((int)last_value(&run, "processes", "run"), 1);
    assert_int_equal((int)last_value(&run, "threads", "run"), 1);
    tacho_run_release(&run);
}

static void spin(int ready)
{
    (void)!write(ready, "", 1);
    for (;;)
        ;
}

static bool used_cpu(struct tacho_run *run, void *context)
{
    return last_value(run, "cpu_seconds", "run") > *(double *)context;
}

static void counters_of_a_process_that_ran_before_start_at_zero(void **state)
{
    struct tacho_run run;
    double wanted = 0.1;
    pid_t pid = start_child(spin);
    struct tacho_proc_config config = {.pids = &pid, .pid_count = 1, .period_ns = PERIOD_NS};
    (void)state;
    observe_pids(&run, &config, used_cpu, &wanted); // so that it has a past
    tacho_run_release(&run);
    observe_pids(&run, &config, used_cpu, &wanted);
    end_child(pid);
    const struct tacho_run_series *cpu = tacho_run_series_find(&run, "cpu_seconds", "run");
    assert_non_null(cpu);
    assert_true(cpu->value[0] < 0.05);
    assert_true(last_value(&run, "page_faults_minor", "run") < 50);
    tacho_run_release(&run);
}

static void sleep_often(int ready)
{
    (void)!write(ready, "", 1);
    for (;;)
        poll(NULL, 0, 1);
}

static double switches_of(pid_t pid)
{
    struct tacho_buffer text = {0};
    struct tacho_fail fail = {0};
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    assert_int_equal(tacho_file_read(path, &text, 0, &fail), 0);
    const char *at = strstr(text.data, "\nvoluntary_ctxt_switches:");
    assert_non_null(at);
    double value = strtod(at + strlen("\nvoluntary_ctxt_switches:"), NULL);
    tacho_buffer_release(&text);
    return value;
}

static bool is_stopped_later(struct tacho_run *run, void *context)
{
    const struct tacho_run_series *series = tacho_run_series_find(run, "threads", "run");
    if (!series || series->count < 30)
        return false;
    // Stopped for good, so that what it had can be compared; its state is seen from here.
    kill(*(pid_t *)context, SIGSTOP);
    siginfo_t info;
    waitid(P_PID, (id_t) * (pid_t *)context, &info, WSTOPPED | WNOWAIT);
    return true;
}

static void counters_that_are_read_rarely_are_complete_at_the_end(void **state)
{
    struct tacho_run run;
    pid_t pid = start_child(sleep_often);
    struct tacho_proc_config config = {.pids = &pid, .pid_count = 1, .period_ns = 10000000};
    (void)state;
    double before = switches_of(pid);
    observe_pids(&run, &config, is_stopped_later, &pid);
    double switches = switches_of(pid) - before;
    assert_true(switches > 50);
    // The few before the first sample are not the observation's.
    assert_in_range((int)last_value(&run, "context_switches_voluntary", "run"),
                    (int)(switches * 0.8), (int)switches);
    end_child(pid);
    tacho_run_release(&run);
}

static bool never(struct tacho_run *run, void *context)
{
    (void)run;
    (void)context;
    return false;
}

static void a_process_that_ends_ends_the_observation(void **state)
{
    struct tacho_run run;
    char pid_text[16];
    (void)state;
    // A child of somebody else, as an attached process is: of the shell, which waits for it.
    FILE *shell = popen("sleep 0.2 & echo $!; wait", "r");
    assert_non_null(fgets(pid_text, sizeof pid_text, shell));
    pid_t pid = (pid_t)atoi(pid_text);
    struct tacho_proc_config config = {.pids = &pid, .pid_count = 1, .period_ns = PERIOD_NS};
    observe_pids(&run, &config, never, NULL);
    pclose(shell);
    assert_int_equal((int)last_value(&run, "processes", "run"), 0);
    tacho_run_release(&run);
}

static void fork_after_a_while(int ready)
{
    (void)!write(ready, "", 1);
    for (;;) {
        pid_t pid = fork();
        if (pid == 0) {
            for (int i = 0; i < 20000000; i++)
                __asm__ volatile("");
            _exit(0);
        }
        waitpid(pid, NULL, 0);
    }
}

static void what_an_attached_process_starts_is_observed(void **state)
{
    struct tacho_run run;
    double wanted = 0.15;
    pid_t pid = start_child(fork_after_a_while);
    struct tacho_proc_config config = {.pids = &pid, .pid_count = 1, .period_ns = 5000000};
    (void)state;
    observe_pids(&run, &config, used_cpu, &wanted);
    end_child(pid);
    size_t processes = 0;
    for (size_t i = 0; i < run.threads.count; i++)
        processes += run.threads.items[i].pid == run.threads.items[i].tid;
    assert_true(processes > 1);
    const struct tacho_run_series *cpu = tacho_run_series_find(&run, "cpu_seconds", "run");
    for (size_t i = 1; i < cpu->count; i++)
        assert_true(cpu->value[i] >= cpu->value[i - 1]);
    const struct tacho_run_series *ratio = tacho_run_series_find(&run, "cpu_ratio_core", "run");
    double sum = 0;
    for (size_t i = 0; i < ratio->count; i++)
        sum += ratio->value[i];
    assert_true(sum / (double)ratio->count < 1.3); // nothing is counted twice
    tacho_run_release(&run);
}

static void *fork_for_ever(void *context)
{
    (void)context;
    for (;;) {
        pid_t pid = fork();
        if (pid == 0) {
            poll(NULL, 0, 40);
            _exit(0);
        }
        waitpid(pid, NULL, 0);
    }
    return NULL;
}

static void fork_in_a_thread(int ready)
{
    pthread_t thread;
    pthread_create(&thread, NULL, fork_for_ever, NULL);
    (void)!write(ready, "", 1);
    for (;;)
        pause();
}

static bool saw_children(struct tacho_run *run, void *context)
{
    size_t processes = 0;
    for (size_t i = 0; i < run->threads.count; i++)
        processes += run->threads.items[i].pid == run->threads.items[i].tid;
    return processes >= *(size_t *)context;
}

static void what_a_thread_starts_is_observed(void **state)
{
    struct tacho_run run;
    size_t wanted = 4;
    pid_t pid = start_child(fork_in_a_thread);
    struct tacho_proc_config config = {.pids = &pid, .pid_count = 1, .period_ns = 5000000};
    (void)state;
    observe_pids(&run, &config, saw_children, &wanted);
    end_child(pid);
    tacho_run_release(&run);
}

static void a_process_of_another_user_is_partly_not_available(void **state)
{
    struct tacho_run run;
    pid_t target = start_child(hold_sockets_and_memory);
    (void)state;
    if (geteuid() != 0)
        skip();
    fflush(NULL);
    pid_t observer = fork(); // gives up root, because it cannot be had back
    if (observer == 0) {
        struct tacho_proc_config config = {.pids = &target, .pid_count = 1, .period_ns = 5000000};
        double wanted = -1;
        if (setgid(65534) < 0 || setuid(65534) < 0)
            _exit(1);
        observe_pids(&run, &config, used_cpu, &wanted);
        bool good = isnan(last_value(&run, "io_write_bytes",
                                     subject_of(&run, "process ", "io_write_bytes"))) &&
                    subject_of(&run, "process ", "io_write_bytes") &&
                    has_note(&run, "/io (Permission denied)") && has_note(&run, "/fd (Perm") &&
                    has_note(&run, "smaps_rollup (Permission denied)") &&
                    last_value(&run, "rss_bytes", "run") > 8 << 20;
        _exit(good ? 0 : 2);
    }
    int status;
    waitpid(observer, &status, 0);
    end_child(target);
    assert_int_equal(status, 0);
}

static void a_wrong_pid_is_explained(void **state)
{
    struct tacho_fail fail = {0};
    pid_t pid = fork();
    (void)state;
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    assert_int_equal(tacho_pid_check(pid, &fail), TACHO_ERR_LOST);
    assert_non_null(strstr(fail.text, "has ended"));
    waitpid(pid, NULL, 0);
    assert_int_equal(tacho_pid_check(pid, &fail), TACHO_ERR_NOT_FOUND);
    assert_int_equal(tacho_pid_check(0, &fail), TACHO_ERR_USAGE);
    assert_int_equal(tacho_pid_check(getpid(), &fail), 0);
    if (tacho_pid_check(2, &fail) != TACHO_ERR_NOT_FOUND) { // a pid namespace has no kthreadd
        assert_int_equal(tacho_pid_check(2, &fail), TACHO_ERR_UNSUPPORTED);
        assert_non_null(strstr(fail.text, "kernel thread"));
    }
}

static void processes_are_found_by_name(void **state)
{
    struct tacho_fail fail = {0};
    pid_t *pids;
    size_t count, matches = 0;
    char pid_text[16];
    (void)state;
    FILE *shell = popen("sleep 30 & echo $!; exec 1>&-; wait", "r");
    assert_non_null(fgets(pid_text, sizeof pid_text, shell));
    pid_t pid = (pid_t)atoi(pid_text);
    // The child may not have executed its own program yet.
    for (int i = 0; i < 10000 && !matches; i++) {
        if (tacho_comm_find("sleep", &pids, &count, &fail) < 0)
            continue;
        for (size_t k = 0; k < count; k++)
            matches += pids[k] == pid;
        free(pids);
    }
    kill(pid, SIGKILL);
    pclose(shell);
    assert_int_equal(matches, 1);
    assert_int_equal(tacho_comm_find("no-such-name-at-all", &pids, &count, &fail),
                     TACHO_ERR_NOT_FOUND);
    assert_string_equal(fail.text, "no process is called 'no-such-name-at-all'");
}

static bool has_host(struct tacho_run *run, void *context)
{
    (void)context;
    return !isnan(last_value(run, "host_cpu_ratio_machine", "host"));
}

static void the_host_alone_can_be_observed(void **state)
{
    struct tacho_run run;
    struct tacho_proc_config config = {.period_ns = 5000000, .adaptive = true};
    (void)state;
    observe_pids(&run, &config, has_host, NULL);
    double ratio = last_value(&run, "host_cpu_ratio_machine", "host");
    assert_true(ratio >= 0 && ratio <= 1);
    assert_true(last_value(&run, "host_memory_available_bytes", "host") > 1e6);
    assert_true(last_value(&run, "host_uptime_seconds", "host") > 0);
    assert_true(last_value(&run, "host_tasks", "host") > 1);
    assert_null(tacho_run_series_find(&run, "cpu_seconds", "run"));
    assert_true(last_value(&run, "tacho_cpu_seconds", "collector") > 0);
    assert_true(has_note(&run, "of CPU time in"));
    tacho_run_release(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_agree_with_gnu_time),
        cmocka_unit_test(short_children_are_in_the_totals),
        cmocka_unit_test(growth_and_peak_of_memory_are_seen),
        cmocka_unit_test(cpu_of_the_run_is_what_the_program_used),
        cmocka_unit_test(start_up_is_in_the_order_it_happens),
        cmocka_unit_test(the_output_of_a_program_that_ends_at_once_is_seen),
        cmocka_unit_test(a_container_that_refuses_perf_and_ptrace_costs_only_the_loading_time),
        cmocka_unit_test(a_silent_program_has_no_first_output),
        cmocka_unit_test(orphans_are_waited_for_and_counted),
        cmocka_unit_test(busy_threads_become_series),
        cmocka_unit_test(two_thousand_threads_are_survived),
        cmocka_unit_test(sockets_files_and_pss_of_a_running_process_are_read),
        cmocka_unit_test(counters_of_a_process_that_ran_before_start_at_zero),
        cmocka_unit_test(counters_that_are_read_rarely_are_complete_at_the_end),
        cmocka_unit_test(a_process_that_ends_ends_the_observation),
        cmocka_unit_test(what_an_attached_process_starts_is_observed),
        cmocka_unit_test(what_a_thread_starts_is_observed),
        cmocka_unit_test(a_process_of_another_user_is_partly_not_available),
        cmocka_unit_test(a_wrong_pid_is_explained),
        cmocka_unit_test(processes_are_found_by_name),
        cmocka_unit_test(the_host_alone_can_be_observed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
