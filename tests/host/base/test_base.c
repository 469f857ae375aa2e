// The base layer: errors that tell a story, maps, strings, JSON that is always valid, units.
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/map.h"
#include "base/time.h"
#include "base/units.h"

static void fail__each_layer_adds_a_clause_in_front(void **state)
{
    (void)state;
    struct tacho_fail fail = {0};
    errno = ENOENT;
    assert_int_equal(tacho_fail_errno(&fail, "cannot open %s", "/dev/x"), TACHO_ERR_NOT_FOUND);
    assert_int_equal(tacho_fail_add(&fail, "cannot record %d", 7), TACHO_ERR_NOT_FOUND);
    tacho_fail_advise(&fail, "plug it in");
    assert_string_equal(fail.text, "cannot record 7: cannot open /dev/x: No such file or directory;"
                                   " plug it in");
}

static void fail__a_long_story_is_cut_not_overrun(void **state)
{
    (void)state;
    struct tacho_fail fail = {0};
    char clause[300];
    memset(clause, 'x', sizeof clause - 1);
    clause[sizeof clause - 1] = '\0';
    tacho_fail_set(&fail, TACHO_ERR_IO, "%s", clause);
    for (int i = 0; i < 10; i++) {
        tacho_fail_add(&fail, "%s", clause);
        tacho_fail_advise(&fail, "%s", clause);
    }
    assert_true(strlen(fail.text) < sizeof fail.text);
    assert_int_equal(fail.code, TACHO_ERR_IO);
}

static void map__agrees_with_a_plain_table_under_random_changes(void **state)
{
    (void)state;
    enum { KEYS = 512 };
    struct tacho_map map = {0};
    uint64_t table[KEYS] = {0};
    unsigned seed = 1;
    for (int round = 0; round < 20000; round++) {
        seed = seed * 1103515245u + 12345u;
        unsigned key = (seed >> 8) % KEYS;
        if (seed >> 30 == 0) {
            tacho_map_remove(&map, key);
            table[key] = 0;
        } else {
            *tacho_map_put(&map, key, NULL) = table[key] = seed | 1;
        }
    }
    size_t expected = 0, at = 0, seen = 0;
    for (unsigned key = 0; key < KEYS; key++) {
        const uint64_t *value = tacho_map_get(&map, key);
        assert_int_equal(value ? *value : 0, table[key]);
        expected += table[key] != 0;
    }
    uint64_t key, value;
    while (tacho_map_next(&map, &at, &key, &value))
        seen++;
    assert_int_equal(seen, expected);
    assert_int_equal(map.count, expected);
    tacho_map_release(&map);
}

static void strings__equal_texts_are_kept_once(void **state)
{
    (void)state;
    struct tacho_strings strings = {0};
    char text[16];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000; i++) {
            int size = snprintf(text, sizeof text, "s%d", i);
            assert_int_equal(tacho_strings_number_n(&strings, text, (size_t)size), i + 1);
        }
    }
    assert_int_equal(tacho_strings_number(&strings, ""), 0);
    assert_string_equal(strings.items[500], "s499");
    tacho_strings_release(&strings);
}

static const char *json_of(struct tacho_out *out, const char *text)
{
    struct tacho_json json;
    tacho_out_init_memory(out);
    tacho_json_init(&json, out, false);
    tacho_json_object_begin(&json);
    tacho_json_member_text(&json, "k", text);
    tacho_json_key(&json, "list");
    tacho_json_array_begin(&json);
    tacho_json_double(&json, 0.1);
    tacho_json_double(&json, NAN);
    tacho_json_i64(&json, INT64_MIN);
    tacho_json_array_end(&json);
    tacho_json_object_end(&json);
    return out->buffer.data;
}

static void json__escapes_controls_and_replaces_bad_utf8(void **state)
{
    (void)state;
    struct tacho_out out;
    assert_string_equal(json_of(&out, "a\"\\\n\x01 \xc3\xa9 \xff\xed\xa0\x80"),
                        "{\"k\":\"a\\\"\\\\\\n\\u0001 \xc3\xa9 \\ufffd\\ufffd\\ufffd\\ufffd\","
                        "\"list\":[0.1,null,-9223372036854775808]}");
    tacho_out_release(&out);
}

static void out__fixed_point_numbers_are_exact(void **state)
{
    (void)state;
    struct tacho_out out;
    tacho_out_init_memory(&out);
    tacho_out_fixed(&out, 1234567, 3);
    tacho_out_char(&out, ' ');
    tacho_out_fixed(&out, -5, 3);
    tacho_out_char(&out, ' ');
    tacho_out_fixed(&out, 0, 0);
    assert_string_equal(out.buffer.data, "1234.567 -0.005 0");
    tacho_out_release(&out);
}

static void out__a_closed_reader_is_a_story_not_a_crash(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    struct tacho_out out;
    struct tacho_fail fail = {0};
    tacho_out_init_fd(&out, ends[1]);
    for (int i = 0; i < 10000; i++)
        tacho_out_text(&out, "0123456789abcdef");
    assert_int_equal(tacho_out_finish(&out, "the report", &fail), TACHO_ERR_LOST);
    assert_non_null(strstr(fail.text, "cannot write the report"));
    tacho_out_release(&out);
    close(ends[1]);
}

static void units__are_read_and_written_for_people(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *unit, *text;
    } rows[] = {
        {0.001234, "seconds", "1.23 ms"},
        {4.5e-8, "seconds", "45.0 ns"},
        {0, "seconds", "0 s"},
        {7384, "seconds", "2 h 03 min"},
        {125, "seconds", "2 min 05 s"},
        {1023, "bytes", "1.00 KiB"},
        {512, "bytes", "512 B"},
        {0.123, "ratio", "12.3 %"},
        {1234567, "count", "1,234,567"},
        {NAN, "bytes", "n/a"},
        {-1500, "count", "-1,500"},
        {2.6e9, "hertz", "2.60 GHz"},
        {0.9996, "seconds", "1.00 s"},
        {3, "orders", "3 orders"},
    };
    char text[TACHO_UNIT_TEXT_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(tacho_format_unit(rows[i].value, rows[i].unit, text), rows[i].text);
    struct tacho_fail fail = {0};
    int64_t ns;
    uint64_t bytes;
    assert_int_equal(tacho_read_duration("1.5m", &ns, &fail), 0);
    assert_int_equal(ns, 90 * TACHO_NS_PER_S);
    assert_int_equal(tacho_read_duration("250us", &ns, &fail), 0);
    assert_int_equal(ns, 250000);
    assert_int_equal(tacho_read_size("64MiB", &bytes, &fail), 0);
    assert_int_equal(bytes, UINT64_C(64) << 20);
    assert_int_equal(tacho_read_size("10MB", &bytes, &fail), 0);
    assert_int_equal(bytes, 10000000);
    static const char *const wrong[] = {"",    "abc", "-1s",   "1 parsec",
                                        "nan", "inf", "1e400", "0x10"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(tacho_read_duration(wrong[i], &ns, &fail), TACHO_ERR_USAGE);
}

static void file__is_replaced_whole_and_read_back(void **state)
{
    (void)state;
    char folder[] = "/tmp/tacho-test-XXXXXX", path[64];
    struct tacho_fail fail = {0};
    struct tacho_buffer buffer = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a/b", folder);
    assert_int_equal(tacho_folder_make(path, &fail), 0);
    snprintf(path, sizeof path, "%s/a/b/file", folder);
    assert_int_equal(tacho_file_replace(path, "hello", 5, &fail), 0);
    assert_int_equal(tacho_file_read(path, &buffer, 0, &fail), 0);
    assert_string_equal(buffer.data, "hello");
    assert_int_equal(tacho_file_read(path, &buffer, 4, &fail), TACHO_ERR_FULL);
    assert_int_equal(tacho_folder_make(path, &fail), TACHO_ERR_INVALID);
    tacho_buffer_release(&buffer);
    unlink(path);
    for (char *slash; strlen(path) > strlen(folder); *slash = '\0', rmdir(path))
        slash = strrchr(path, '/');
}

static void file__a_device_is_written_to_and_stays_a_device(void **state)
{
    (void)state;
    char folder[] = "/tmp/tacho-test-XXXXXX", path[64];
    struct tacho_fail fail = {0};
    struct stat what;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/full", folder); // nobody may make devices, but may name one
    assert_int_equal(symlink("/dev/full", path), 0);
    assert_true(tacho_file_replace(path, "hello", 5, &fail) < 0);
    assert_non_null(strstr(fail.text, "No space left"));
    assert_int_equal(stat(path, &what), 0);
    assert_true(S_ISCHR(what.st_mode));
    unlink(path);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(tacho_file_replace(path, "hello", 5, &fail), 0);
    assert_int_equal(stat(path, &what), 0);
    assert_true(S_ISCHR(what.st_mode));
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail__each_layer_adds_a_clause_in_front),
        cmocka_unit_test(fail__a_long_story_is_cut_not_overrun),
        cmocka_unit_test(map__agrees_with_a_plain_table_under_random_changes),
        cmocka_unit_test(strings__equal_texts_are_kept_once),
        cmocka_unit_test(json__escapes_controls_and_replaces_bad_utf8),
        cmocka_unit_test(out__fixed_point_numbers_are_exact),
        cmocka_unit_test(out__a_closed_reader_is_a_story_not_a_crash),
        cmocka_unit_test(units__are_read_and_written_for_people),
        cmocka_unit_test(file__is_replaced_whole_and_read_back),
        cmocka_unit_test(file__a_device_is_written_to_and_stays_a_device),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
