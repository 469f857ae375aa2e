// The ring file's layout is a format: these numbers are in docs/SPEC.md and in other people's
// readers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/ring_layout.h"

#define at(type, field, offset) assert_int_equal(offsetof(struct type, field), offset)

static void the_header_is_where_the_specification_says(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct tacho_ring_header), 4096);
    at(tacho_ring_header, version, 8);
    at(tacho_ring_header, pid, 20);
    at(tacho_ring_header, process_start, 24);
    at(tacho_ring_header, image, 40);
    at(tacho_ring_header, flags, 56);
    at(tacho_ring_header, mode, 64);
    at(tacho_ring_header, sample_one_in, 68);
    at(tacho_ring_header, keep, 72);
    at(tacho_ring_header, first, 128);
    at(tacho_ring_header, last, 152);
    at(tacho_ring_header, slot_size, 192);
    at(tacho_ring_header, size_bytes, 256);
    at(tacho_ring_header, series_count, 272);
    at(tacho_ring_header, slot_first, 280);
    at(tacho_ring_header, module_first, 288);
    at(tacho_ring_header, executable, 300);
    at(tacho_ring_header, departed, 304);
    at(tacho_ring_header, lost_series, 320);
    at(tacho_ring_header, boot_id, 384);
    at(tacho_ring_header, directory, 1024);
}

static void the_tables_are_as_the_specification_says(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct tacho_ring_series), 64);
    at(tacho_ring_series, address, 24);
    at(tacho_ring_series, value, 40);
    assert_int_equal(sizeof(struct tacho_ring_open), 24);
    at(tacho_ring_slot, depth, 16);
    at(tacho_ring_slot, next, 64);
    at(tacho_ring_slot, generation, 76);
    at(tacho_ring_slot, ring, 88);
    at(tacho_ring_slot, ring_first, 96);
    at(tacho_ring_slot, name, 120);
    at(tacho_ring_slot, leaf, 160);
    at(tacho_ring_slot, open, 416);
    at(tacho_ring_block, min, 32);
    at(tacho_ring_block, errors, 56);
    at(tacho_ring_block, untimed, 64);
    at(tacho_ring_block, carry_bucket, 80);
    at(tacho_ring_block, buckets, 192);
    assert_int_equal(sizeof(struct tacho_ring_block), 192 + 4 * 1152);
    assert_int_equal(sizeof(struct tacho_ring_module), 56);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_is_where_the_specification_says),
        cmocka_unit_test(the_tables_are_as_the_specification_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
