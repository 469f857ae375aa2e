// An exported run is one file that reads back to the same run; a damaged one never does.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "sample_run.h"
#include "store/chunk.h"
#include "store/run_file.h"
#include "store/run_writer.h"

struct fixture {
    char folder[64], path[96], store_path[96];
    struct tacho_store *store;
    struct tacho_run_writer *writer;
    struct tacho_buffer bytes;
};

static struct tacho_fail failure;
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, failure.text);                                               \
    } while (0)

static int set_up(void **state)
{
    static struct fixture fixture;
    static const struct tacho_run_info info = {.name = "a", .target = "exec:x", .version = "0.1.0"};
    struct sample_ids ids;
    *state = &fixture;
    fixture.bytes = (struct tacho_buffer){0};
    sample_folder_make(fixture.folder);
    snprintf(fixture.path, sizeof fixture.path, "%s/one.tacho", fixture.folder);
    snprintf(fixture.store_path, sizeof fixture.store_path, "%s/first.db", fixture.folder);
    assert_ok(tacho_store_open(&fixture.store, fixture.store_path, TACHO_STORE_WRITE, &failure));
    assert_ok(tacho_run_writer_open(&fixture.writer, fixture.store, &info, &failure));
    sample_begin(&ids, &fixture.writer->sink, fixture.writer->run.info.start_host_ns);
    for (int i = 0; i < 60; i++)
        sample_round(&ids, &fixture.writer->sink);
    sample_symbolise(&fixture.writer->run);
    assert_ok(tacho_run_writer_finish(fixture.writer, &failure));
    assert_ok(tacho_run_file_export(fixture.store, 1, fixture.path, NULL, &failure));
    assert_ok(tacho_file_read(fixture.path, &fixture.bytes, 0, &failure));
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tacho_run_writer_close(fixture->writer);
    tacho_store_close(fixture->store);
    tacho_buffer_release(&fixture->bytes);
    sample_folder_remove(fixture->folder);
    return 0;
}

// Takes a copy of exactly `size` bytes, so that the address sanitiser sees a byte too far.
static int take(const void *data, size_t size, struct tacho_run *run)
{
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, data, size);
    failure = (struct tacho_fail){0};
    int code =
        tacho_run_file_take((struct tacho_bytes){exact, exact + size}, "x", NULL, run, &failure);
    free(exact);
    return code;
}

static void an_export_reads_back_to_the_same_run(void **state)
{
    struct fixture *fixture = *state;
    struct tacho_run back;
    assert_ok(tacho_run_file_read(fixture->path, NULL, &back, &failure));
    sample_assert_equal(&fixture->writer->run, &back);
    tacho_run_release(&back);
    assert_true(tacho_run_file_is(fixture->path));
    assert_false(tacho_run_file_is("/proc/self/exe"));
    // And to the same file.
    struct tacho_out out;
    assert_ok(take(fixture->bytes.data, fixture->bytes.size, &back));
    tacho_out_init_memory(&out);
    tacho_run_file_write(&back, &out);
    assert_int_equal(out.buffer.size, fixture->bytes.size);
    assert_memory_equal(out.buffer.data, fixture->bytes.data, out.buffer.size);
    tacho_out_release(&out);
    tacho_run_release(&back);
}

static void an_import_stores_the_same_run_once(void **state)
{
    struct fixture *fixture = *state;
    char path[96], id[13];
    struct tacho_store *store;
    struct tacho_out out;
    struct tacho_run back;
    snprintf(path, sizeof path, "%s/other.db", fixture->folder);
    assert_ok(tacho_store_open(&store, path, TACHO_STORE_WRITE, &failure));
    assert_ok(tacho_run_file_import(store, fixture->path, id, &failure));
    assert_string_equal(id, fixture->writer->run.info.id);
    assert_int_equal(tacho_run_file_import(store, fixture->path, id, &failure), TACHO_ERR_EXISTS);
    assert_non_null(strstr(failure.text, "already"));
    assert_ok(tacho_store_check(store, &failure));
    assert_ok(tacho_run_read(store, 1, NULL, &back, &failure));
    sample_assert_equal(&fixture->writer->run, &back);
    tacho_run_release(&back);
    // Exported again, it is the same file.
    tacho_out_init_memory(&out);
    assert_ok(tacho_run_file_export(store, 1, NULL, &out, &failure));
    assert_int_equal(out.buffer.size, fixture->bytes.size);
    assert_memory_equal(out.buffer.data, fixture->bytes.data, out.buffer.size);
    tacho_out_release(&out);
    tacho_store_close(store);
}

static void a_damaged_import_stores_nothing(void **state)
{
    struct fixture *fixture = *state;
    char id[13];
    struct tacho_store_list list = {0};
    assert_ok(tacho_store_remove(fixture->store, 1, &failure));
    fixture->bytes.data[fixture->bytes.size / 2] ^= 1;
    assert_ok(
        tacho_file_replace(fixture->path, fixture->bytes.data, fixture->bytes.size, &failure));
    assert_true(tacho_run_file_import(fixture->store, fixture->path, id, &failure) < 0);
    assert_ok(tacho_store_list(fixture->store, &list, &failure));
    assert_int_equal(list.runs.count, 0);
    tacho_store_list_release(&list);
}

static void a_run_that_is_being_written_can_be_exported(void **state)
{
    struct fixture *fixture = *state;
    struct tacho_run_writer *writer;
    struct sample_ids ids;
    struct tacho_run back;
    assert_ok(
        tacho_run_writer_open(&writer, fixture->store, &(struct tacho_run_info){0}, &failure));
    sample_begin(&ids, &writer->sink, writer->run.info.start_host_ns);
    for (int i = 0; i < 5; i++) {
        sample_round(&ids, &writer->sink);
        assert_ok(tacho_run_writer_flush(writer, &failure));
    }
    assert_ok(tacho_run_file_export(fixture->store, 2, fixture->path, NULL, &failure));
    assert_ok(tacho_run_file_read(fixture->path, NULL, &back, &failure));
    assert_false(back.info.finished);
    writer->run.info = back.info;
    sample_assert_equal(&writer->run, &back);
    tacho_run_release(&back);
    tacho_run_writer_close(writer);
}

static void a_run_is_named_by_its_file(void **state)
{
    struct fixture *fixture = *state;
    struct tacho_run back;
    assert_ok(tacho_run_read_named("/nonexistent/store.db", fixture->path, NULL, &back, &failure));
    sample_assert_equal(&fixture->writer->run, &back);
    tacho_run_release(&back);
    char plain[96];
    snprintf(plain, sizeof plain, "%s/plain", fixture->folder);
    assert_int_equal(rename(fixture->path, plain), 0);
    assert_int_equal(chdir(fixture->folder), 0);
    assert_ok(tacho_run_read_named("/nonexistent/store.db", "plain", NULL, &back, &failure));
    tacho_run_release(&back);
    assert_int_equal(tacho_run_read_named(NULL, "./none.tacho", NULL, &back, &failure),
                     TACHO_ERR_NOT_FOUND);
    assert_non_null(strstr(failure.text, "none.tacho"));
    tacho_run_release(&back);
    assert_int_equal(chdir("/"), 0);
}

static void an_empty_run_is_a_run(void **state)
{
    (void)state;
    struct tacho_run_writer *writer;
    struct tacho_out out;
    struct tacho_run back;
    assert_ok(tacho_run_writer_open(&writer, NULL, &(struct tacho_run_info){0}, &failure));
    assert_ok(tacho_run_writer_finish(writer, &failure));
    tacho_out_init_memory(&out);
    tacho_run_file_write(&writer->run, &out);
    assert_ok(take(out.buffer.data, out.buffer.size, &back));
    sample_assert_equal(&writer->run, &back);
    tacho_run_release(&back);
    tacho_out_release(&out);
    tacho_run_writer_close(writer);
}

static void every_truncation_is_refused(void **state)
{
    struct fixture *fixture = *state;
    for (size_t size = 0; size < fixture->bytes.size; size++) {
        struct tacho_run back;
        if (take(fixture->bytes.data, size, &back) >= 0)
            fail_msg("%zu of %zu bytes were taken for a run", size, fixture->bytes.size);
        assert_non_null(strstr(failure.text, "cannot read the exported run x"));
        tacho_run_release(&back);
    }
    struct tacho_run back;
    tacho_buffer_byte(&fixture->bytes, 0);
    assert_true(take(fixture->bytes.data, fixture->bytes.size, &back) < 0);
    tacho_run_release(&back);
}

static void every_changed_byte_is_noticed(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = 4;
    for (size_t at = 0; at < fixture->bytes.size; at++) {
        struct tacho_run back;
        char old = fixture->bytes.data[at];
        fixture->bytes.data[at] = (char)(old ^ (1 + (int)(sample_random(&random) % 255)));
        if (take(fixture->bytes.data, fixture->bytes.size, &back) >= 0)
            fail_msg("a change of byte %zu was not noticed", at);
        tacho_run_release(&back);
        fixture->bytes.data[at] = old;
    }
}

// Splits an export into its chunks and writes it again with one payload changed and every checksum
// right: what somebody who wants to do harm would send.
static void forge(const struct tacho_buffer *from, size_t victim, uint64_t *random,
                  struct tacho_buffer *to)
{
    struct tacho_bytes bytes = {(uint8_t *)from->data + 8, (uint8_t *)from->data + from->size};
    uint32_t count = 0;
    tacho_buffer_add(to, from->data, 8);
    while (bytes.at < bytes.end) {
        uint64_t head_size, data_size;
        struct tacho_bytes head, data, payload;
        struct tacho_chunk chunk;
        struct tacho_buffer room = {0}, changed = {0}, new_head = {0}, new_data = {0};
        assert_int_equal(tacho_bytes_varint(&bytes, &head_size), 0);
        assert_int_equal(tacho_bytes_varint(&bytes, &data_size), 0);
        assert_int_equal(tacho_bytes_range(&bytes, head_size, &head), 0);
        assert_int_equal(tacho_bytes_range(&bytes, data_size, &data), 0);
        assert_ok(tacho_chunk_head_take(head, &chunk, &failure));
        assert_ok(tacho_chunk_data_take(head, data, &room, &payload, &failure));
        tacho_buffer_add(&changed, payload.at, (size_t)(payload.end - payload.at));
        if (count == victim) {
            uint64_t what = sample_random(random) % 8;
            if (what == 0)
                chunk.part = (uint32_t)sample_random(random) % 5;
            else if (what == 1)
                chunk.count = (uint32_t)sample_random(random) % 20000;
            else if (what == 2 && changed.size)
                changed.size = sample_random(random) % changed.size;
            for (uint64_t i = 0; i < what && changed.size; i++)
                changed.data[sample_random(random) % changed.size] = (char)sample_random(random);
        }
        if (chunk.kind == 18) { // the end
            changed.size = 0;
            chunk.count = count;
            tacho_buffer_varint(&changed, crc32_z(0, (Bytef *)to->data, to->size));
        }
        tacho_chunk_put(&chunk, &changed, count % 2, &new_head, &new_data);
        tacho_buffer_varint(to, new_head.size);
        tacho_buffer_varint(to, new_data.size);
        tacho_buffer_add(to, new_head.data, new_head.size);
        tacho_buffer_add(to, new_data.data, new_data.size);
        tacho_buffer_release(&room);
        tacho_buffer_release(&changed);
        tacho_buffer_release(&new_head);
        tacho_buffer_release(&new_data);
        count++;
    }
}

static void forged_exports_are_harmless(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = 77;
    unsigned refused = 0;
    for (size_t round = 0; round < 2500; round++) {
        struct tacho_buffer forged = {0};
        struct tacho_run back;
        forge(&fixture->bytes, round % 24, &random, &forged);
        if (take(forged.data, forged.size, &back) < 0) {
            assert_true(failure.text[0]);
            refused++;
        } else { // other values, but a run that can be used: it can even be written again
            struct tacho_out out;
            tacho_out_init_memory(&out);
            tacho_run_file_write(&back, &out);
            tacho_out_release(&out);
        }
        tacho_run_release(&back);
        tacho_buffer_release(&forged);
    }
    assert_in_range(refused, 600, 2499);
}

static void other_files_are_refused(void **state)
{
    (void)state;
    struct tacho_run back;
    const char *const paths[] = {"/proc/self/exe", "/dev/null", "/dev/zero", "/etc/passwd"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_int_equal(tacho_run_file_read(paths[i], NULL, &back, &failure), TACHO_ERR_FORMAT);
        assert_non_null(strstr(failure.text, "not an exported run"));
        tacho_run_release(&back);
    }
    assert_true(tacho_run_file_read("/tmp", NULL, &back, &failure) < 0);
    tacho_run_release(&back);
}

static void a_full_disk_leaves_no_half_export(void **state)
{
    struct fixture *fixture = *state;
    failure = (struct tacho_fail){0};
    assert_true(tacho_run_file_export(fixture->store, 1, "/dev/full/x", NULL, &failure) < 0);
    assert_non_null(strstr(failure.text, "cannot export the run"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_export_reads_back_to_the_same_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_import_stores_the_same_run_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_import_stores_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_run_that_is_being_written_can_be_exported, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_run_is_named_by_its_file, set_up, tear_down),
        cmocka_unit_test(an_empty_run_is_a_run),
        cmocka_unit_test_setup_teardown(every_truncation_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_changed_byte_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forged_exports_are_harmless, set_up, tear_down),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_no_half_export, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
