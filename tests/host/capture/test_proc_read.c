// The parsers of /proc: what real files say, and files that lie.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/proc_cgroup.h"
#include "capture/proc_read.h"
#include "capture/proc_socket.h"
#include "tacho/errors.h"

#define STAT_TAIL                                                                                  \
    " S 7 8 9 0 -1 4194560 101 102 103 104 11 12 13 14 20 0 5 0 9000 8192000 300 "                 \
    "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 42 0 0\n"

static int parse_stat(const char *text, struct tacho_proc_stat *stat)
{
    return tacho_proc_stat_parse(text, strlen(text), stat);
}

static void stat_is_read_field_by_field(void **state)
{
    struct tacho_proc_stat stat;
    (void)state;
    assert_int_equal(parse_stat("123 (name)" STAT_TAIL, &stat), 0);
    assert_string_equal(stat.comm, "name");
    assert_int_equal(stat.state, 'S');
    assert_int_equal(stat.ppid, 7);
    assert_int_equal(stat.faults_minor, 101);
    assert_int_equal(stat.faults_minor_children, 102);
    assert_int_equal(stat.faults_major, 103);
    assert_int_equal(stat.faults_major_children, 104);
    assert_int_equal(stat.user, 11);
    assert_int_equal(stat.system, 12);
    assert_int_equal(stat.user_children, 13);
    assert_int_equal(stat.system_children, 14);
    assert_int_equal(stat.threads, 5);
    assert_int_equal(stat.start, 9000);
    assert_int_equal(stat.vms_bytes, 8192000);
    assert_int_equal(stat.rss_pages, 300);
    assert_int_equal(stat.io_wait, 42);
}

static void a_name_may_hold_anything(void **state)
{
    struct tacho_proc_stat stat;
    (void)state;
    assert_int_equal(parse_stat("1 (a) b (c) 5)" STAT_TAIL, &stat), 0);
    assert_string_equal(stat.comm, "a) b (c) 5");
    assert_int_equal(parse_stat("1 (a\nb\x1b[31m)" STAT_TAIL, &stat), 0);
    assert_string_equal(stat.comm, "a?b?[31m");
    assert_int_equal(stat.ppid, 7);
}

static void a_damaged_stat_is_refused_wherever_it_ends(void **state)
{
    static const char text[] = "123 (name)" STAT_TAIL;
    (void)state;
    for (size_t size = 0; size < sizeof text; size++) {
        struct tacho_proc_stat stat;
        char *copy = malloc(size ? size : 1); // so that a sanitizer sees a byte too many
        memcpy(copy, text, size);
        int code = tacho_proc_stat_parse(copy, size, &stat);
        assert_true(code == 0 || code == TACHO_ERR_FORMAT);
        if (size < 60)
            assert_int_equal(code, TACHO_ERR_FORMAT);
        free(copy);
    }
}

static void other_files_are_refused_when_damaged(void **state)
{
    static const char garbage[] = "Vm\n\n:::\nrchar: x\nTgid:\n0x12 -1 \nMax open files  many";
    struct tacho_proc_io io;
    struct tacho_proc_schedstat sched;
    struct tacho_proc_status status;
    struct tacho_proc_rollup rollup;
    uint64_t soft, hard;
    (void)state;
    for (size_t size = 0; size < sizeof garbage; size++) {
        assert_int_equal(tacho_proc_io_parse(garbage, size, &io), TACHO_ERR_FORMAT);
        assert_int_equal(tacho_proc_schedstat_parse(garbage, size, &sched), TACHO_ERR_FORMAT);
        assert_int_equal(tacho_proc_status_parse(garbage, size, &status), TACHO_ERR_FORMAT);
        assert_int_equal(tacho_proc_rollup_parse(garbage, size, &rollup), TACHO_ERR_FORMAT);
        assert_int_equal(tacho_proc_limits_parse(garbage, size, &soft, &hard), TACHO_ERR_FORMAT);
    }
}

static void this_process_is_read_as_it_is(void **state)
{
    char text[16384];
    struct tacho_proc_stat stat;
    struct tacho_proc_status status;
    struct tacho_proc_rollup rollup;
    struct rlimit limit;
    uint64_t soft, hard;
    (void)state;
    ssize_t size = tacho_proc_read("/proc/self/stat", text, sizeof text);
    assert_true(size > 0);
    assert_int_equal(tacho_proc_stat_parse(text, (size_t)size, &stat), 0);
    assert_int_equal(stat.ppid, getppid());
    assert_false(tacho_proc_is_kernel_thread(&stat));
    size = tacho_proc_read("/proc/self/status", text, sizeof text);
    assert_int_equal(tacho_proc_status_parse(text, (size_t)size, &status), 0);
    assert_int_equal(status.tgid, getpid());
    assert_true(status.rss_peak_bytes > 100000);
    size = tacho_proc_read("/proc/self/smaps_rollup", text, sizeof text);
    assert_int_equal(tacho_proc_rollup_parse(text, (size_t)size, &rollup), 0);
    assert_true(rollup.pss_bytes > 0 && rollup.pss_bytes <= rollup.rss_bytes);
    size = tacho_proc_read("/proc/self/limits", text, sizeof text);
    assert_int_equal(tacho_proc_limits_parse(text, (size_t)size, &soft, &hard), 0);
    getrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(soft, limit.rlim_cur);
    assert_int_equal(hard, limit.rlim_max);
}

struct worker {
    pthread_barrier_t known, done;
    pid_t tid;
};

static void *work(void *context)
{
    struct worker *worker = context;
    worker->tid = (pid_t)syscall(SYS_gettid);
    pthread_barrier_wait(&worker->known);
    pthread_barrier_wait(&worker->done);
    return NULL;
}

static void the_cpu_clock_tells_processes_from_threads_and_from_nothing(void **state)
{
    struct worker worker;
    pthread_t thread;
    (void)state;
    pthread_barrier_init(&worker.known, NULL, 2);
    pthread_barrier_init(&worker.done, NULL, 2);
    pthread_create(&thread, NULL, work, &worker);
    pthread_barrier_wait(&worker.known);
    assert_true(tacho_proc_cpu_clock_ns(getpid()) > 0);
    assert_int_equal(tacho_proc_cpu_clock_ns(worker.tid), -1);
    assert_int_equal(tacho_proc_cpu_clock_ns(0), -1);
    assert_int_equal(tacho_proc_cpu_clock_ns(-1), -1);
    pthread_barrier_wait(&worker.done);
    pthread_join(thread, NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    assert_int_equal(tacho_proc_cpu_clock_ns(pid), -1);
}

static void the_last_pid_is_at_least_the_last_child(void **state)
{
    int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    (void)state;
    int64_t before = tacho_proc_last_pid(fd);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    int64_t after = tacho_proc_last_pid(fd);
    waitpid(pid, NULL, 0);
    close(fd);
    if (after >= before) // else the numbers have just started again
        assert_in_range(pid, before + 1, after);
}

static void groups_and_mounts_of_both_versions_are_found(void **state)
{
    static const char groups[] = "9:name=systemd:/\n4:memory:/a/b\n3:cpu,cpuacct:/c\n0::/user/x\n";
    static const char mounts[] =
        "30 25 0:26 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
        "31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "broken line\n"
        "32 25 0:28 /c /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";
    char text[256];
    (void)state;
    assert_true(tacho_cgroup_path(groups, "memory", text, sizeof text));
    assert_string_equal(text, "/a/b");
    assert_true(tacho_cgroup_path(groups, "cpu", text, sizeof text));
    assert_string_equal(text, "/c");
    assert_true(tacho_cgroup_path(groups, "", text, sizeof text));
    assert_string_equal(text, "/user/x");
    assert_false(tacho_cgroup_path(groups, "mem", text, sizeof text));
    assert_false(tacho_cgroup_path("", "memory", text, sizeof text));
    assert_true(tacho_cgroup_mount(mounts, "memory", "/a/b", text, sizeof text));
    assert_string_equal(text, "/sys/fs/cgroup/memory/a/b");
    assert_true(tacho_cgroup_mount(mounts, "", "/", text, sizeof text));
    assert_string_equal(text, "/sys/fs/cgroup/unified");
    // A container sees only the part of the hierarchy that is mounted for it.
    assert_true(tacho_cgroup_mount(mounts, "cpu", "/c/d", text, sizeof text));
    assert_string_equal(text, "/sys/fs/cgroup/cpu,cpuacct/d");
    assert_false(tacho_cgroup_mount(mounts, "pids", "/", text, sizeof text));
}

static void socket_files_are_read_by_state(void **state)
{
    static const char tcp[] =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 11 1 0\n"
        "   1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  0 0 12 1 0\n"
        "   2: 0100007F:1F90 0100007F:9C41 08 00000000:00000000 00:00000000 00000000  0 0 13 1 0\n"
        "   3: 0100007F:1F90 0100007F:9C42 06 00000000:00000000 00:00000000 00000000  0 0 0 1 0\n"
        "   4: 0100007F:1F90 0100007F:9C43 04 00000000:00000000 00:00000000 00000000  0 0 14 1 0\n"
        "   5: short line\n";
    static const char local[] = "Num       RefCount Protocol Flags    Type St Inode Path\n"
                                "0000000000000000: 00000002 00000000 00010000 0001 01 15 /run/x\n";
    uint64_t inodes[] = {11, 12, 13, 14, 15, 12, 99};
    struct tacho_socket_holder holder = {.inodes = {inodes, 7, 7}};
    struct tacho_socket_table table = {0};
    struct tacho_map seen = {0};
    double counts[TACHO_SOCKET_CLASS_COUNT] = {0};
    (void)state;
    tacho_socket_table_parse(&table, tcp, sizeof tcp - 1, "tcp");
    tacho_socket_table_parse(&table, local, sizeof local - 1, "unix");
    tacho_socket_table_parse(&table, "", 0, "udp");
    tacho_socket_table_count(&table, &holder, &seen, counts);
    assert_int_equal((int)counts[TACHO_SOCKET_LISTEN], 1);
    assert_int_equal((int)counts[TACHO_SOCKET_ESTABLISHED], 1); // 12 is held twice
    assert_int_equal((int)counts[TACHO_SOCKET_CLOSE_WAIT], 1);
    assert_int_equal((int)counts[TACHO_SOCKET_OTHER], 1);
    assert_int_equal((int)counts[TACHO_SOCKET_UNIX], 1);
    assert_int_equal((int)counts[TACHO_SOCKET_UDP], 0);
    tacho_map_release(&seen);
    tacho_socket_table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stat_is_read_field_by_field),
        cmocka_unit_test(a_name_may_hold_anything),
        cmocka_unit_test(a_damaged_stat_is_refused_wherever_it_ends),
        cmocka_unit_test(other_files_are_refused_when_damaged),
        cmocka_unit_test(this_process_is_read_as_it_is),
        cmocka_unit_test(the_cpu_clock_tells_processes_from_threads_and_from_nothing),
        cmocka_unit_test(the_last_pid_is_at_least_the_last_child),
        cmocka_unit_test(groups_and_mounts_of_both_versions_are_found),
        cmocka_unit_test(socket_files_are_read_by_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
