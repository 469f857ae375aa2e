// The unwind table of real files says what elfutils says, and damaged ones do no harm.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>

#include "unwind/frame_table.h"

static int open_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        skip();
    return fd;
}

static void read_table(struct tacho_frame_table *table, int fd)
{
    struct tacho_image image;
    struct tacho_fail fail = {0};
    assert_int_equal(tacho_image_read_file(&image, fd, &fail), 0);
    tacho_frame_table_init(table, &image);
}

// What elfutils says about one register, brought into our words.
static void check_register(Dwarf_Frame *frame, int number, const struct tacho_frame_row *row)
{
    Dwarf_Op memory[3], *operations = memory;
    size_t count = 0;
    assert_int_equal(dwarf_frame_register(frame, number, memory, &operations, &count), 0);
    uint8_t rule = row->rule[number];
    if (count == 0 &&
        operations == memory) // undefined: elfutils also says so where nothing is said
        assert_true(rule == TACHO_FRAME_UNDEFINED || rule == TACHO_FRAME_SAME);
    else if (count == 0)
        assert_int_equal(rule, TACHO_FRAME_SAME);
    else if (operations[0].atom == DW_OP_call_frame_cfa) {
        int64_t offset = count > 1 && operations[1].atom == DW_OP_plus_uconst
                             ? (int64_t)operations[1].number
                             : 0;
        if (number == TACHO_REGISTER_RSP && rule == TACHO_FRAME_SAME)
            return; // the stack pointer of the caller is the CFA by definition
        assert_int_equal(rule, operations[count - 1].atom == DW_OP_stack_value
                                   ? TACHO_FRAME_VAL_OFFSET
                                   : TACHO_FRAME_OFFSET);
        assert_int_equal(row->value[number], offset);
    } else {
        assert_true(rule == TACHO_FRAME_EXPRESSION || rule == TACHO_FRAME_VAL_EXPRESSION ||
                    rule == TACHO_FRAME_REGISTER);
    }
}

static void check_cfa(Dwarf_Frame *frame, const struct tacho_frame_row *row)
{
    Dwarf_Op *operations;
    size_t count;
    assert_int_equal(dwarf_frame_cfa(frame, &operations, &count), 0);
    if (row->cfa_is_expression) {
        assert_true(count > 1);
        return;
    }
    assert_int_equal(count, 1);
    if (operations[0].atom == DW_OP_bregx) {
        assert_int_equal(operations[0].number, row->cfa_register);
        assert_int_equal(operations[0].number2, row->cfa_value);
    } else {
        assert_int_equal(operations[0].atom, DW_OP_breg0 + row->cfa_register);
        assert_int_equal(operations[0].number, row->cfa_value);
    }
}

static void check_same(Dwarf_CFI *cfi, const struct tacho_frame_table *table, uint64_t pc,
                       unsigned *found)
{
    static const int followed[] = {TACHO_REGISTER_RBX, TACHO_REGISTER_RBP, TACHO_REGISTER_R12,
                                   TACHO_REGISTER_R13, TACHO_REGISTER_R14, TACHO_REGISTER_R15,
                                   TACHO_REGISTER_RIP};
    struct tacho_frame_row row;
    Dwarf_Frame *frame = NULL;
    bool signal = false;
    int got = tacho_frame_table_find(table, pc, &row);
    if (dwarf_cfi_addrframe(cfi, pc, &frame) != 0) {
        assert_int_equal(got, 0);
        return;
    }
    assert_int_equal(got, 1);
    (*found)++;
    assert_int_equal(dwarf_frame_info(frame, NULL, NULL, &signal), row.return_register);
    assert_int_equal(signal, row.is_signal);
    check_cfa(frame, &row);
    for (size_t i = 0; i < sizeof followed / sizeof followed[0]; i++)
        check_register(frame, followed[i], &row);
    free(frame);
}

// Every 61st byte of the code of a file.
static void compare_file(const char *path)
{
    struct tacho_frame_table table;
    int fd = open_file(path);
    unsigned found = 0;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    Dwarf_CFI *cfi = dwarf_getcfi_elf(elf);
    assert_non_null(cfi);
    read_table(&table, fd);
    for (unsigned i = 0; i < table.image.segment_count; i++) {
        const struct tacho_image_segment *segment = &table.image.segments[i];
        uint64_t step = segment->size > 4000000 ? 997 : 61;
        if (!segment->executable)
            continue;
        for (uint64_t at = 0; at < segment->size; at += step)
            check_same(cfi, &table, segment->address + at, &found);
    }
    assert_true(found > 10);
    dwarf_cfi_end(cfi);
    elf_end(elf);
    tacho_frame_table_release(&table);
    close(fd);
}

static void test_libc_reads_as_elfutils_reads_it(void **state)
{
    (void)state;
    compare_file("/lib/x86_64-linux-gnu/libc.so.6");
}

static void test_the_loader_reads_as_elfutils_reads_it(void **state)
{
    (void)state;
    compare_file("/lib64/ld-linux-x86-64.so.2");
}

static void test_python_reads_as_elfutils_reads_it(void **state)
{
    (void)state;
    compare_file("/usr/bin/python3");
}

static void test_hand_written_code_reads_as_elfutils_reads_it(void **state)
{
    (void)state;
    compare_file("/usr/lib/x86_64-linux-gnu/libcrypto.so.3");
}

static void test_a_table_without_index_reads_the_same(void **state)
{
    (void)state;
    struct tacho_frame_table with, without;
    struct tacho_image image;
    struct tacho_fail fail = {0};
    unsigned found = 0;
    int fd = open_file("/lib/x86_64-linux-gnu/libc.so.6");
    read_table(&with, fd);
    assert_int_equal(tacho_image_read_file(&image, fd, &fail), 0);
    image.header_size = 0;
    tacho_frame_table_init(&without, &image);
    assert_true(without.count > 1000);
    for (uint64_t pc = 0x26000; pc < 0x180000; pc += 211) {
        struct tacho_frame_row a, b;
        memset(&a, 0, sizeof a);
        memset(&b, 0, sizeof b);
        int got = tacho_frame_table_find(&with, pc, &a);
        assert_int_equal(got, tacho_frame_table_find(&without, pc, &b));
        if (got) {
            found++;
            assert_memory_equal(&a, &b, sizeof a);
        }
    }
    assert_true(found > 1000);
    tacho_frame_table_release(&with);
    tacho_frame_table_release(&without);
    close(fd);
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void test_a_damaged_table_does_no_harm(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    int fd = open_file("/lib64/ld-linux-x86-64.so.2");
    for (unsigned round = 0; round < 60; round++) {
        struct tacho_frame_table table;
        struct tacho_image image;
        struct tacho_fail fail = {0};
        assert_int_equal(tacho_image_read_file(&image, fd, &fail), 0);
        for (unsigned i = 0; i < 2000; i++)
            image.frame[random_next(&seed) % image.frame_size] = (uint8_t)random_next(&seed);
        for (unsigned i = 0; i < round % 4; i++)
            image.header[random_next(&seed) % image.header_size] = (uint8_t)random_next(&seed);
        if (round % 5 == 4)
            image.header_size = random_next(&seed) % 16;
        if (round % 5 == 3)
            image.frame_size = random_next(&seed) % image.frame_size;
        tacho_frame_table_init(&table, &image);
        for (uint64_t pc = 0x1000; pc < 0x28000; pc += 13) {
            struct tacho_frame_row row;
            (void)tacho_frame_table_find(&table, pc, &row);
        }
        tacho_frame_table_release(&table);
    }
    close(fd);
}

static void test_files_that_are_no_elf_files_are_refused(void **state)
{
    (void)state;
    struct tacho_image image;
    struct tacho_fail fail = {0};
    char name[] = "/tmp/tacho-image-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(tacho_image_read_file(&image, fd, &fail), TACHO_ERR_FORMAT);
    assert_int_equal(write(fd, "#!/bin/sh\n", 10), 10);
    assert_int_equal(ftruncate(fd, 4096), 0);
    assert_int_equal(tacho_image_read_file(&image, fd, &fail), TACHO_ERR_FORMAT);
    close(fd);
}

// The first bytes of a real file, cut off at many places.
static void test_files_that_are_cut_off_do_no_harm(void **state)
{
    (void)state;
    int from = open_file("/lib64/ld-linux-x86-64.so.2"), to;
    char name[] = "/tmp/tacho-image-XXXXXX";
    static uint8_t bytes[220000];
    ssize_t size = pread(from, bytes, sizeof bytes, 0);
    assert_true(size > 4096);
    to = mkstemp(name);
    unlink(name);
    assert_int_equal(pwrite(to, bytes, (size_t)size, 0), size);
    for (off_t length = size; length > 0; length -= length > 4096 ? 3001 : 31) {
        struct tacho_image image;
        struct tacho_fail fail = {0};
        assert_int_equal(ftruncate(to, length), 0);
        if (tacho_image_read_file(&image, to, &fail) == 0) {
            struct tacho_frame_table table;
            struct tacho_frame_row row;
            tacho_frame_table_init(&table, &image);
            (void)tacho_frame_table_find(&table, 0x2000, &row);
            tacho_frame_table_release(&table);
        }
    }
    close(from);
    close(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_libc_reads_as_elfutils_reads_it),
        cmocka_unit_test(test_the_loader_reads_as_elfutils_reads_it),
        cmocka_unit_test(test_python_reads_as_elfutils_reads_it),
        cmocka_unit_test(test_hand_written_code_reads_as_elfutils_reads_it),
        cmocka_unit_test(test_a_table_without_index_reads_the_same),
        cmocka_unit_test(test_a_damaged_table_does_no_harm),
        cmocka_unit_test(test_files_that_are_no_elf_files_are_refused),
        cmocka_unit_test(test_files_that_are_cut_off_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
