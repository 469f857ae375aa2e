// Finding, naming, removing and collecting runs; opening stores of any age.
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/time.h"
#include "sample_run.h"
#include "store/run_reader.h"
#include "store/run_writer.h"

struct fixture {
    char folder[64], path[96];
    struct tacho_store *store;
    struct tacho_store_list list;
};

static struct tacho_fail failure;
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, failure.text);                                               \
    } while (0)
#define assert_fails(call, expected, words)                                                        \
    do {                                                                                           \
        failure = (struct tacho_fail){0};                                                          \
        assert_int_equal(call, expected);                                                          \
        if (!strstr(failure.text, words))                                                          \
            fail_msg("\"%s\" is not in \"%s\"", words, failure.text);                              \
    } while (0)

static int set_up(void **state)
{
    static struct fixture fixture;
    *state = &fixture;
    fixture.list = (struct tacho_store_list){0};
    sample_folder_make(fixture.folder);
    snprintf(fixture.path, sizeof fixture.path, "%s/store.db", fixture.folder);
    assert_ok(tacho_store_open(&fixture.store, fixture.path, TACHO_STORE_WRITE, &failure));
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tacho_store_list_release(&fixture->list);
    tacho_store_close(fixture->store);
    sample_folder_remove(fixture->folder);
    return 0;
}

// A finished run that began `age_s` ago, with `rounds` of samples.
static void add(struct fixture *fixture, const char *name, int64_t age_s, unsigned rounds)
{
    struct tacho_run_writer *writer;
    struct sample_ids ids;
    const struct tacho_run_info info = {
        .name = name, .start_unix_ns = tacho_time_unix_ns() - age_s * TACHO_NS_PER_S};
    assert_ok(tacho_run_writer_open(&writer, fixture->store, &info, &failure));
    sample_begin(&ids, &writer->sink, writer->run.info.start_host_ns);
    for (unsigned i = 0; i < rounds; i++)
        sample_round(&ids, &writer->sink);
    assert_ok(tacho_run_writer_finish(writer, &failure));
    tacho_run_writer_close(writer);
}

static const struct tacho_store_list *list(struct fixture *fixture)
{
    tacho_store_list_release(&fixture->list);
    assert_ok(tacho_store_list(fixture->store, &fixture->list, &failure));
    return &fixture->list;
}

// The age in seconds of the run that `text` names.
static int64_t age_of(struct fixture *fixture, const char *text)
{
    struct tacho_store_list one = {0};
    assert_ok(tacho_store_find(fixture->store, text, &one, &failure));
    assert_int_equal(one.runs.count, 1);
    int64_t age = (tacho_time_unix_ns() - one.runs.items[0].info.start_unix_ns) / TACHO_NS_PER_S;
    tacho_store_list_release(&one);
    return age / 10 * 10;
}

static int find(struct fixture *fixture, const char *text)
{
    struct tacho_store_list one = {0};
    int code = tacho_store_find(fixture->store, text, &one, &failure);
    tacho_store_list_release(&one);
    return code;
}

static void runs_are_found_by_any_of_their_names(void **state)
{
    struct fixture *fixture = *state;
    assert_fails(find(fixture, "last"), TACHO_ERR_NOT_FOUND, "no run");
    add(fixture, "base", 300, 1);
    add(fixture, "", 100, 1);
    add(fixture, "base", 200, 1);
    add(fixture, "abc", 400, 1);
    assert_int_equal(age_of(fixture, "last"), 100);
    assert_int_equal(age_of(fixture, "last~0"), 100);
    assert_int_equal(age_of(fixture, "last~2"), 300);
    assert_int_equal(age_of(fixture, "base"), 200);
    assert_int_equal(age_of(fixture, "base~1"), 300);
    assert_int_equal(age_of(fixture, "abc"), 400); // a name that looks like an id
    const struct tacho_store_list *runs = list(fixture);
    assert_int_equal(runs->runs.count, 4);
    for (size_t i = 0; i < 4; i++) {
        char part[13];
        assert_int_equal(strlen(runs->runs.items[i].info.id), 12);
        snprintf(part, sizeof part, "%.8s", runs->runs.items[i].info.id);
        assert_int_equal(age_of(fixture, runs->runs.items[i].info.id), 100 * ((int64_t)i + 1));
        assert_int_equal(age_of(fixture, part), 100 * ((int64_t)i + 1));
    }
    static const char *const strangers[] = {"last~4",
                                            "base~2",
                                            "nothing",
                                            "",
                                            "last~x",
                                            "last~",
                                            "%",
                                            "base~-1",
                                            "~",
                                            "last~1~1",
                                            "'",
                                            "0g",
                                            "last~99999999999999999999"};
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        assert_fails(find(fixture, strangers[i]), TACHO_ERR_NOT_FOUND, "");
}

static void an_ambiguous_id_is_refused(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 17; i++) // two of 17 begin with the same digit
        add(fixture, "", 10 * i, 0);
    int ambiguous = 0;
    for (int i = 0; i < 16; i++) {
        char digit[2] = {"0123456789abcdef"[i], '\0'};
        int code = find(fixture, digit);
        assert_true(code == 0 || code == TACHO_ERR_USAGE || code == TACHO_ERR_NOT_FOUND);
        ambiguous += code == TACHO_ERR_USAGE && strstr(failure.text, "more than one");
    }
    assert_true(ambiguous > 0);
}

static void names_are_checked(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, "", 10, 0);
    int64_t number = list(fixture)->runs.items[0].number;
    static const char *const bad[] = {"last", "a/b", "a~1", "-x", ".x", "a\nb"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(tacho_store_rename(fixture->store, number, bad[i], &failure), TACHO_ERR_USAGE,
                     "the name");
    char longest[102];
    memset(longest, 'n', 101);
    longest[101] = '\0';
    assert_fails(tacho_store_rename(fixture->store, number, longest, &failure), TACHO_ERR_USAGE,
                 "100");
    assert_ok(tacho_store_rename(fixture->store, number, longest + 1, &failure));
    assert_int_equal(age_of(fixture, longest + 1), 10);
    assert_ok(tacho_store_rename(fixture->store, number, "v1.0 übung", &failure));
    assert_int_equal(age_of(fixture, "v1.0 übung"), 10);
    assert_ok(tacho_store_rename(fixture->store, number, "", &failure));
    assert_string_equal(list(fixture)->runs.items[0].info.name, "");
    assert_fails(tacho_store_rename(fixture->store, 99, "x", &failure), TACHO_ERR_NOT_FOUND,
                 "no longer");
    assert_ok(tacho_store_check(fixture->store, &failure));
}

static void a_removed_run_is_gone_and_its_room_too(void **state)
{
    struct fixture *fixture = *state;
    struct stat before, after;
    add(fixture, "", 10, 0);
    add(fixture, "big", 20, 20000);
    struct tacho_store_gc flush = {.count_max = 9};
    assert_ok(tacho_store_gc(fixture->store, &flush, &failure)); // moves the log into the file
    assert_int_equal(stat(fixture->path, &before), 0);
    struct tacho_store_list one = {0};
    assert_ok(tacho_store_find(fixture->store, "big", &one, &failure));
    assert_ok(tacho_store_remove(fixture->store, one.runs.items[0].number, &failure));
    assert_fails(tacho_store_remove(fixture->store, one.runs.items[0].number, &failure),
                 TACHO_ERR_NOT_FOUND, "no longer");
    tacho_store_list_release(&one);
    tacho_store_close(fixture->store);
    assert_int_equal(stat(fixture->path, &after), 0);
    assert_true(before.st_size > 500000);
    assert_true(after.st_size < 100000);
    assert_ok(tacho_store_open(&fixture->store, fixture->path, TACHO_STORE_WRITE, &failure));
    assert_fails(find(fixture, "big"), TACHO_ERR_NOT_FOUND, "big");
    assert_int_equal(list(fixture)->runs.count, 1);
    assert_ok(tacho_store_check(fixture->store, &failure));
}

static void old_runs_are_collected(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 6; i++)
        add(fixture, i == 5 ? "release" : "", 100 * (i + 1), 50);
    struct tacho_store_gc look = {.count_max = 2, .only_look = true};
    assert_ok(tacho_store_gc(fixture->store, &look, &failure));
    assert_int_equal(look.removed_count, 3); // the named one stays and does not count
    assert_true(look.removed_bytes > 0);
    assert_int_equal(list(fixture)->runs.count, 6);
    struct tacho_store_gc age = {.age_ns_max = 450 * TACHO_NS_PER_S};
    assert_ok(tacho_store_gc(fixture->store, &age, &failure));
    assert_int_equal(age.removed_count, 1);
    struct tacho_store_gc count = {.count_max = 3};
    assert_ok(tacho_store_gc(fixture->store, &count, &failure));
    assert_int_equal(count.removed_count, 1);
    uint64_t one = list(fixture)->runs.items[0].stored_bytes;
    struct tacho_store_gc size = {.bytes_max = one * 5 / 2};
    assert_ok(tacho_store_gc(fixture->store, &size, &failure));
    assert_int_equal(size.removed_count, 1);
    const struct tacho_store_list *left = list(fixture);
    assert_int_equal(left->runs.count, 3);
    assert_string_equal(left->runs.items[2].info.name, "release");
    struct tacho_store_gc all = {.age_ns_max = 1, .named_too = true};
    assert_ok(tacho_store_gc(fixture->store, &all, &failure));
    assert_int_equal(all.removed_count, 3);
    assert_int_equal(list(fixture)->runs.count, 0);
}

static void execute(const char *path, const char *sql)
{
    sqlite3 *db;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(db);
}

static void open_a_store_of_schema_1(struct fixture *fixture, enum tacho_store_mode mode)
{
    struct tacho_run before, after;
    add(fixture, "old", 100, 3);
    assert_ok(tacho_run_read_named(fixture->path, "old", NULL, &before, &failure));
    tacho_store_close(fixture->store);
    // The file as version 1 left it: without what step 2 added.
    execute(fixture->path, "DROP INDEX run_by_start;"
                           "ALTER TABLE run DROP COLUMN stored_unix_ns;"
                           "ALTER TABLE run DROP COLUMN stored_bytes;"
                           "PRAGMA user_version=1");
    assert_ok(tacho_store_open(&fixture->store, fixture->path, mode, &failure));
    const struct tacho_store_run *run = &list(fixture)->runs.items[0];
    assert_true(run->stored_bytes > 500);
    assert_int_equal(run->stored_unix_ns, run->info.start_unix_ns + run->info.duration_ns);
    assert_ok(tacho_run_read_named(fixture->path, "old", NULL, &after, &failure));
    sample_assert_equal(&before, &after);
    tacho_run_release(&before);
    tacho_run_release(&after);
    assert_ok(tacho_store_check(fixture->store, &failure));
}

static void a_store_of_schema_1_is_brought_up_to_date_by_a_writer(void **state)
{
    open_a_store_of_schema_1(*state, TACHO_STORE_WRITE);
    add(*state, "new", 10, 3);
    assert_int_equal(age_of(*state, "new"), 10);
}

static void a_store_of_schema_1_is_brought_up_to_date_by_a_reader(void **state)
{
    open_a_store_of_schema_1(*state, TACHO_STORE_READ);
}

static void a_newer_or_foreign_database_is_refused(void **state)
{
    struct fixture *fixture = *state;
    tacho_store_close(fixture->store);
    fixture->store = NULL;
    struct tacho_store *store;
    execute(fixture->path, "PRAGMA user_version=77");
    for (int mode = TACHO_STORE_READ; mode <= TACHO_STORE_WRITE; mode++)
        assert_fails(tacho_store_open(&store, fixture->path, (enum tacho_store_mode)mode, &failure),
                     TACHO_ERR_VERSION, "newer tacho (schema 77");
    char other[96];
    snprintf(other, sizeof other, "%s/other.db", fixture->folder);
    execute(other, "CREATE TABLE bookmark(url TEXT)");
    for (int mode = TACHO_STORE_READ; mode <= TACHO_STORE_WRITE; mode++)
        assert_fails(tacho_store_open(&store, other, (enum tacho_store_mode)mode, &failure),
                     TACHO_ERR_FORMAT, "another program");
    FILE *file = fopen(other, "w");
    fputs("this is no database, only some text that is long enough to be looked at by the library "
          "as one hundred bytes",
          file);
    fclose(file);
    for (int mode = TACHO_STORE_READ; mode <= TACHO_STORE_WRITE; mode++)
        assert_fails(tacho_store_open(&store, other, (enum tacho_store_mode)mode, &failure),
                     TACHO_ERR_FORMAT, "damaged");
    assert_fails(tacho_store_open(&store, "/tmp", TACHO_STORE_WRITE, &failure), TACHO_ERR_IO,
                 "/tmp failed: unable to open database file: Is a directory");
    snprintf(other, sizeof other, "%s/none.db", fixture->folder);
    assert_fails(tacho_store_open(&store, other, TACHO_STORE_READ, &failure), TACHO_ERR_NOT_FOUND,
                 "none.db");
    assert_int_equal(access(other, F_OK), -1); // reading makes nothing
}

static void the_default_path_follows_the_environment(void **state)
{
    (void)state;
    char *path;
    setenv("XDG_DATA_HOME", "/data", 1);
    assert_ok(tacho_store_default_path(&path, &failure));
    assert_string_equal(path, "/data/tacho/store.db");
    free(path);
    setenv("XDG_DATA_HOME", "relative", 1);
    setenv("HOME", "/nowhere", 1);
    assert_ok(tacho_store_default_path(&path, &failure));
    assert_string_equal(path, "/nowhere/.local/share/tacho/store.db");
    free(path);
    unsetenv("XDG_DATA_HOME");
    unsetenv("HOME");
    assert_fails(tacho_store_default_path(&path, &failure), TACHO_ERR_NOT_FOUND, "--store");
}

static void only_the_owner_may_read_a_store(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    add(fixture, "", 10, 1);
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_are_found_by_any_of_their_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_ambiguous_id_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_removed_run_is_gone_and_its_room_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_runs_are_collected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_of_schema_1_is_brought_up_to_date_by_a_writer,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_of_schema_1_is_brought_up_to_date_by_a_reader,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_newer_or_foreign_database_is_refused, set_up, tear_down),
        cmocka_unit_test(the_default_path_follows_the_environment),
        cmocka_unit_test_setup_teardown(only_the_owner_may_read_a_store, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
