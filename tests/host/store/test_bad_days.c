// Bad days: the process is killed, the disk is full, the store is locked, cannot be written, or is
// damaged. What was reported as stored is there afterwards, and what happened is said.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/time.h"
#include "sample_run.h"
#include "store/run_reader.h"
#include "store/run_writer.h"

#define KILL_ROUNDS 50

struct fixture {
    char folder[64], path[96];
};

static struct tacho_fail failure;
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, failure.text);                                               \
    } while (0)
#define assert_says(words)                                                                         \
    do {                                                                                           \
        if (!strstr(failure.text, words))                                                          \
            fail_msg("\"%s\" is not in \"%s\"", words, failure.text);                              \
    } while (0)

static int set_up(void **state)
{
    static struct fixture fixture;
    *state = &fixture;
    sample_folder_make(fixture.folder);
    snprintf(fixture.path, sizeof fixture.path, "%s/store.db", fixture.folder);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    sample_folder_remove(fixture->folder);
    return 0;
}

static const struct tacho_run_info info = {.target = "exec:x"};

// What a writer reports after each flush.
struct report {
    char id[13];
    uint64_t rounds; // that were stored
};

// Writes and reports until it is killed.
static void write_for_ever(const char *path, int reports)
{
    struct tacho_store *store;
    struct tacho_run_writer *writer;
    struct sample_ids ids;
    struct tacho_fail fail = {0};
    if (tacho_store_open(&store, path, TACHO_STORE_WRITE, &fail) < 0 ||
        tacho_run_writer_open(&writer, store, &info, &fail) < 0)
        _exit(9);
    sample_begin(&ids, &writer->sink, writer->run.info.start_host_ns);
    for (;;) {
        for (uint64_t i = 0; i < 1 + ids.rounds % 300; i++)
            sample_round(&ids, &writer->sink);
        if (tacho_run_writer_flush(writer, &fail) < 0)
            _exit(8);
        struct report report = {.rounds = ids.rounds};
        memcpy(report.id, writer->run.info.id, sizeof report.id);
        if (write(reports, &report, sizeof report) != (ssize_t)sizeof report)
            _exit(7);
    }
}

// The model of the same rounds, to compare with what is in the store.
static void assert_reported_is_stored(const char *path, const struct report *report)
{
    struct tacho_run back;
    if (tacho_run_read_named(path, report->id, NULL, &back, &failure) < 0)
        fail_msg("%llu rounds were reported as stored: %s", (unsigned long long)report->rounds,
                 failure.text);
    const struct tacho_run_series *series = tacho_run_series_find(&back, "rss_bytes", "run");
    assert_non_null(series);
    assert_true(series->count >= report->rounds);
    assert_int_equal(back.spans.count, 2 * series->count);
    assert_int_equal(back.profiles.items[0].samples.count, 2 * series->count);
    struct tacho_run_writer *again;
    struct sample_ids ids;
    assert_ok(tacho_run_writer_open(&again, NULL, &info, &failure));
    sample_begin(&ids, &again->sink, again->run.info.start_host_ns);
    for (size_t i = 0; i < series->count; i++)
        sample_round(&ids, &again->sink);
    const struct tacho_run_series *expected = &again->run.series.items[0];
    assert_memory_equal(series->value, expected->value, series->count * sizeof *series->value);
    assert_memory_equal(series->time_ns, expected->time_ns,
                        series->count * sizeof *series->time_ns);
    tacho_run_writer_close(again);
    tacho_run_release(&back);
}

static void what_was_reported_survives_a_kill(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = (uint64_t)tacho_time_monotonic_ns();
    unsigned with_reports = 0;
    print_message("seed %llu\n", (unsigned long long)random);
    for (int round = 0; round < KILL_ROUNDS; round++) {
        int reports[2];
        assert_int_equal(pipe(reports), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(reports[0]);
            write_for_ever(fixture->path, reports[1]);
        }
        close(reports[1]);
        // An instant of the writer's life: after some reports, and then a moment more.
        struct report report, last = {0};
        uint64_t wanted = sample_random(&random) % 12;
        for (uint64_t i = 0; i < wanted; i++)
            if (read(reports[0], &report, sizeof report) == (ssize_t)sizeof report)
                last = report;
        struct timespec moment = {.tv_nsec = (long)(sample_random(&random) % 4000) * 1000};
        nanosleep(&moment, NULL);
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        while (read(reports[0], &report, sizeof report) == (ssize_t)sizeof report)
            last = report;
        close(reports[0]);
        with_reports += last.rounds > 0;
        if (last.rounds > 0)
            assert_reported_is_stored(fixture->path, &last);
    }
    assert_true(with_reports > KILL_ROUNDS / 2);
    struct tacho_store *store;
    assert_ok(tacho_store_open(&store, fixture->path, TACHO_STORE_WRITE, &failure));
    assert_ok(tacho_store_check(store, &failure));
    tacho_store_close(store);
}

static int try_full(struct tacho_run_writer *writer, struct sample_ids *ids)
{
    for (int i = 0; i < 4000; i++) {
        for (int j = 0; j < 100; j++)
            sample_round(ids, &writer->sink);
        int code = tacho_run_writer_flush(writer, &failure);
        if (code < 0)
            return code;
    }
    return 0;
}

static void a_full_disk_costs_nothing_that_was_stored(void **state)
{
    struct fixture *fixture = *state;
    struct tacho_store *store;
    struct tacho_run_writer *writer;
    struct sample_ids ids;
    struct rlimit old, small = {0};
    struct tacho_run back;
    assert_ok(tacho_store_open(&store, fixture->path, TACHO_STORE_WRITE, &failure));
    assert_ok(tacho_run_writer_open(&writer, store, &info, &failure));
    sample_begin(&ids, &writer->sink, writer->run.info.start_host_ns);
    // A limit of the size of files says no in the same place as a full disk, without one.
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = 300000, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    if (try_full(writer, &ids) != TACHO_ERR_FULL)
        fail_msg("%s", failure.text);
    assert_says("is full");
    assert_says("--store FILE");
    assert_non_null(tacho_run_writer_failure(writer));
    // The run goes on in memory, and what was stored before reads back.
    uint64_t rounds = ids.rounds;
    sample_round(&ids, &writer->sink);
    assert_int_equal(writer->run.series.items[0].count, rounds + 1);
    assert_ok(tacho_run_read_named(fixture->path, "last", NULL, &back, &failure));
    assert_in_range(back.series.items[0].count, 100, rounds - 100);
    tacho_run_release(&back);
    assert_int_equal(tacho_run_writer_finish(writer, &failure), TACHO_ERR_FULL);
    // When there is room again, all of it is stored.
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_ok(tacho_run_writer_finish(writer, &failure));
    assert_null(tacho_run_writer_failure(writer));
    assert_ok(tacho_run_read_named(fixture->path, "last", NULL, &back, &failure));
    sample_assert_equal(&writer->run, &back);
    tacho_run_release(&back);
    assert_ok(tacho_store_check(store, &failure));
    tacho_run_writer_close(writer);
    tacho_store_close(store);
}

// A real full disk, where this user may mount a small one in a namespace of its own.
static int fill_a_small_disk(const struct fixture *fixture)
{
    struct tacho_store *store;
    struct tacho_run_writer *writer;
    struct sample_ids ids;
    struct tacho_run back;
    struct tacho_fail fail = {0};
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", fixture->folder, "tmpfs", 0, "size=600k") < 0)
        return 77;
    if (tacho_store_open(&store, fixture->path, TACHO_STORE_WRITE, &fail) < 0 ||
        tacho_run_writer_open(&writer, store, &info, &fail) < 0)
        return 1;
    sample_begin(&ids, &writer->sink, writer->run.info.start_host_ns);
    if (try_full(writer, &ids) != TACHO_ERR_FULL || !strstr(failure.text, "is full"))
        return 2;
    if (tacho_run_read_named(fixture->path, "last", NULL, &back, &fail) < 0 ||
        back.series.items[0].count + 100 != writer->run.series.items[0].count)
        return 3;
    tacho_run_release(&back);
    if (mount(NULL, fixture->folder, NULL, MS_REMOUNT, "size=60m") < 0)
        return 4;
    if (tacho_run_writer_finish(writer, &fail) < 0 || tacho_store_check(store, &fail) < 0)
        return 5;
    tacho_run_writer_close(writer);
    tacho_store_close(store);
    return 0;
}

static void a_full_file_system_is_said_and_recovered_from(void **state)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(fill_a_small_disk(*state));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

// Of a child: writes 200 rounds, a flush after each, beside another that does the same.
static int write_beside_others(const char *path)
{
    struct tacho_store *store;
    struct tacho_run_writer *writer;
    struct sample_ids ids;
    struct tacho_fail fail = {0};
    if (tacho_store_open(&store, path, TACHO_STORE_WRITE, &fail) < 0 ||
        tacho_run_writer_open(&writer, store, &info, &fail) < 0) {
        fprintf(stderr, "%s\n", fail.text);
        return 9;
    }
    sample_begin(&ids, &writer->sink, writer->run.info.start_host_ns);
    for (int i = 0; i < 200; i++) {
        sample_round(&ids, &writer->sink);
        tacho_run_writer_flush(writer, &fail); // may be busy: the next one stores it
    }
    int code = tacho_run_writer_finish(writer, &fail);
    if (code < 0)
        fprintf(stderr, "%s\n", fail.text);
    return code < 0 ? 8 : 0;
}

static void read_beside_others(const char *path)
{
    struct tacho_store *store;
    struct tacho_store_list list = {0};
    if (tacho_store_open(&store, path, TACHO_STORE_READ, &failure) < 0)
        return; // not made yet
    assert_ok(tacho_store_list(store, &list, &failure));
    for (size_t i = 0; i < list.runs.count; i++) {
        struct tacho_run run;
        assert_ok(tacho_run_read(store, list.runs.items[i].number, NULL, &run, &failure));
        tacho_run_release(&run);
    }
    tacho_store_list_release(&list);
    tacho_store_close(store);
}

static void two_writers_and_a_reader_share_a_store(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 2; i++)
        if (fork() == 0)
            _exit(write_beside_others(fixture->path));
    for (int running = 2; running > 0;) {
        int status;
        read_beside_others(fixture->path);
        if (waitpid(-1, &status, WNOHANG) <= 0)
            continue;
        assert_int_equal(status, 0);
        running--;
    }
    for (int i = 0; i < 2; i++) {
        struct tacho_run back;
        assert_ok(
            tacho_run_read_named(fixture->path, i ? "last" : "last~1", NULL, &back, &failure));
        assert_int_equal(back.series.items[0].count, 200);
        assert_true(back.info.finished);
        tacho_run_release(&back);
    }
}

static void many_that_make_a_store_at_once_all_get_it(void **state)
{
    struct fixture *fixture = *state;
    for (int round = 0; round < 10; round++) {
        pid_t children[6];
        snprintf(fixture->path, sizeof fixture->path, "%s/%d.db", fixture->folder, round);
        for (int i = 0; i < 6; i++) {
            children[i] = fork();
            if (children[i])
                continue;
            struct tacho_store *store;
            struct tacho_fail fail = {0};
            int code = tacho_store_open(&store, fixture->path, TACHO_STORE_WRITE, &fail);
            if (code < 0)
                fprintf(stderr, "%s\n", fail.text);
            tacho_store_close(store);
            _exit(code < 0);
        }
        for (int i = 0; i < 6; i++) {
            int status;
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_int_equal(status, 0);
        }
    }
}

static void a_locked_store_is_waited_for_and_then_named(void **state)
{
    struct fixture *fixture = *state;
    struct tacho_store *store;
    struct tacho_run_writer *writer;
    struct sample_ids ids;
    sqlite3 *other;
    assert_ok(tacho_store_open(&store, fixture->path, TACHO_STORE_WRITE, &failure));
    assert_ok(tacho_run_writer_open(&writer, store, &info, &failure));
    sample_begin(&ids, &writer->sink, writer->run.info.start_host_ns);
    sample_round(&ids, &writer->sink);
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(tacho_run_writer_flush(writer, &failure), TACHO_ERR_BUSY);
    assert_says("locked by another process");
    assert_null(tacho_run_writer_failure(writer)); // not yet: it may be over in a moment
    sample_round(&ids, &writer->sink);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_ok(tacho_run_writer_finish(writer, &failure));
    struct tacho_run back;
    assert_ok(tacho_run_read_named(fixture->path, "last", NULL, &back, &failure));
    sample_assert_equal(&writer->run, &back);
    tacho_run_release(&back);
    tacho_run_writer_close(writer);
    tacho_store_close(store);
}

static void write_one(const char *path, unsigned rounds, bool flush)
{
    struct tacho_store *store;
    struct tacho_run_writer *writer;
    struct sample_ids ids;
    assert_ok(tacho_store_open(&store, path, TACHO_STORE_WRITE, &failure));
    assert_ok(tacho_run_writer_open(&writer, store, &info, &failure));
    sample_begin(&ids, &writer->sink, writer->run.info.start_host_ns);
    for (unsigned i = 0; i < rounds; i++)
        sample_round(&ids, &writer->sink);
    if (flush)
        assert_ok(tacho_run_writer_flush(writer, &failure));
    else
        assert_ok(tacho_run_writer_finish(writer, &failure));
    tacho_run_writer_close(writer);
    tacho_store_close(store);
}

// As a user who may read the folder but not write into it; root may always, so a child becomes
// nobody.
static void a_folder_that_cannot_be_written_can_be_read(void **state)
{
    struct fixture *fixture = *state;
    write_one(fixture->path, 5, false);
    assert_int_equal(chmod(fixture->path, 0444), 0);
    assert_int_equal(chmod(fixture->folder, 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        struct tacho_run back;
        struct tacho_store *store;
        struct tacho_fail fail = {0};
        if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
            _exit(1);
        if (tacho_run_read_named(fixture->path, "last", NULL, &back, &fail) < 0) {
            fprintf(stderr, "%s\n", fail.text);
            _exit(2);
        }
        if (back.series.items[0].count != 5)
            _exit(3);
        int code = tacho_store_open(&store, fixture->path, TACHO_STORE_WRITE, &fail);
        if (code != TACHO_ERR_PERMISSION || !strstr(fail.text, "cannot be written"))
            _exit(4);
        char other[96];
        snprintf(other, sizeof other, "%s/new.db", fixture->folder);
        code = tacho_store_open(&store, other, TACHO_STORE_WRITE, &fail);
        _exit(code != TACHO_ERR_PERMISSION || !strstr(fail.text, "folder cannot be written") ? 5
                                                                                             : 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

// Reads everything that can be read; what is read has to be right.
static bool read_all(const char *path, const struct tacho_run *expected)
{
    struct tacho_store *store;
    struct tacho_store_list list = {0};
    struct tacho_run back;
    failure = (struct tacho_fail){0};
    int code = tacho_store_open(&store, path, TACHO_STORE_READ, &failure);
    if (code == 0)
        code = tacho_store_list(store, &list, &failure);
    if (code == 0 && list.runs.count == 1) {
        code = tacho_run_read(store, list.runs.items[0].number, NULL, &back, &failure);
        if (code == 0)
            sample_assert_equal(expected, &back);
        tacho_run_release(&back);
    }
    assert_true(code == 0 || failure.text[0]);
    tacho_store_list_release(&list);
    tacho_store_close(store);
    return code == 0;
}

static void damage_is_found_or_harmless(void **state)
{
    struct fixture *fixture = *state;
    struct tacho_run expected;
    struct tacho_buffer whole = {0};
    uint64_t random = 5;
    unsigned refused = 0;
    write_one(fixture->path, 2000, false);
    assert_ok(tacho_run_read_named(fixture->path, "last", NULL, &expected, &failure));
    assert_ok(tacho_file_read(fixture->path, &whole, 0, &failure));
    for (int round = 0; round < 250; round++) {
        int fd = open(fixture->path, O_WRONLY | O_TRUNC);
        assert_true(fd >= 0);
        size_t size = round % 10 == 9 ? sample_random(&random) % whole.size : whole.size;
        assert_int_equal(write(fd, whole.data, size), (ssize_t)size);
        for (int i = 0; i < 1 + round % 20 && round % 10 != 9; i++) {
            char byte = (char)sample_random(&random);
            off_t at = (off_t)(sample_random(&random) % size);
            assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        }
        close(fd);
        refused += !read_all(fixture->path, &expected);
    }
    assert_in_range(refused, 125, 250);
    tacho_run_release(&expected);
    tacho_buffer_release(&whole);
}

static void a_damaged_chunk_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct tacho_run back;
    struct tacho_store *store;
    sqlite3 *db;
    write_one(fixture->path, 100, false);
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    // As a fault of the disk would: the structure is fine, bytes of the spans are not.
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE chunk SET data = zeroblob(length(data))"
                                  " WHERE kind = 14",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(tacho_run_read_named(fixture->path, "last", NULL, &back, &failure),
                     TACHO_ERR_CHECKSUM);
    assert_says("spans from row 0: the checksum");
    assert_says(fixture->path);
    tacho_run_release(&back);
    // The rest of the run can still be read.
    const struct tacho_run_read_options options = {.no_spans = true};
    assert_ok(tacho_run_read_named(fixture->path, "last", &options, &back, &failure));
    assert_int_equal(back.series.items[0].count, 100);
    tacho_run_release(&back);
    assert_ok(tacho_store_open(&store, fixture->path, TACHO_STORE_WRITE, &failure));
    assert_int_equal(tacho_store_check(store, &failure), TACHO_ERR_CHECKSUM);
    assert_ok(tacho_store_remove(store, 1, &failure));
    assert_ok(tacho_store_check(store, &failure));
    tacho_store_close(store);
}

static void a_damaged_line_is_named_and_can_be_removed(void **state)
{
    struct fixture *fixture = *state;
    struct tacho_store *store;
    struct tacho_store_list list = {0};
    sqlite3 *db;
    write_one(fixture->path, 3, false);
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE run SET start_unix_ns = start_unix_ns + 1", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    assert_ok(tacho_store_open(&store, fixture->path, TACHO_STORE_WRITE, &failure));
    assert_ok(tacho_store_list(store, &list, &failure)); // the others can still be seen
    assert_int_equal(list.runs.count, 1);
    assert_true(list.runs.items[0].is_damaged);
    tacho_store_list_release(&list);
    struct tacho_run back;
    assert_int_equal(tacho_run_read(store, 1, NULL, &back, &failure), TACHO_ERR_CHECKSUM);
    assert_says("the checksum of run");
    tacho_run_release(&back);
    assert_int_equal(tacho_store_check(store, &failure), TACHO_ERR_CHECKSUM);
    assert_says("runs rm");
    assert_ok(tacho_store_remove(store, 1, &failure));
    assert_ok(tacho_store_list(store, &list, &failure));
    assert_int_equal(list.runs.count, 0);
    tacho_store_list_release(&list);
    tacho_store_close(store);
}

static void a_run_that_was_removed_meanwhile_is_said(void **state)
{
    struct fixture *fixture = *state;
    struct tacho_store *store;
    struct tacho_run_writer *writer;
    struct sample_ids ids;
    sqlite3 *db;
    assert_ok(tacho_store_open(&store, fixture->path, TACHO_STORE_WRITE, &failure));
    assert_ok(tacho_run_writer_open(&writer, store, &info, &failure));
    sample_begin(&ids, &writer->sink, writer->run.info.start_host_ns);
    assert_ok(tacho_run_writer_flush(writer, &failure));
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM chunk; DELETE FROM run", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    sample_round(&ids, &writer->sink);
    assert_int_equal(tacho_run_writer_flush(writer, &failure), TACHO_ERR_NOT_FOUND);
    assert_says("no longer in the store");
    assert_non_null(tacho_run_writer_failure(writer));
    tacho_run_writer_close(writer);
    tacho_store_close(store);
}

static void nothing_is_left_beside_a_store(void **state)
{
    struct fixture *fixture = *state;
    static const char *const ends[] = {"-wal", "-shm", "-journal"};
    struct tacho_store *store;
    write_one(fixture->path, 3, true);
    assert_ok(tacho_store_open(&store, fixture->path, TACHO_STORE_READ, &failure));
    assert_ok(tacho_store_check(store, &failure));
    assert_int_equal(tacho_store_remove(store, 1, &failure), TACHO_ERR_PERMISSION);
    tacho_store_close(store);
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", fixture->path, ends[i]);
        assert_int_equal(access(path, F_OK), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_reported_survives_a_kill, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_costs_nothing_that_was_stored, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_full_file_system_is_said_and_recovered_from, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(two_writers_and_a_reader_share_a_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_that_make_a_store_at_once_all_get_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_locked_store_is_waited_for_and_then_named, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_written_can_be_read, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(damage_is_found_or_harmless, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_chunk_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_line_is_named_and_can_be_removed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_run_that_was_removed_meanwhile_is_said, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_left_beside_a_store, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
