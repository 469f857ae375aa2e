// Mappings replace what they overlap; tables come from files, from deleted files, from the vdso.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "unwind/space.h"

static void add(struct tacho_space *space, uint64_t start, uint64_t end, uint64_t offset)
{
    struct tacho_space_map map = {.start = start, .end = end, .offset = offset, .path = ""};
    tacho_space_add(space, &map);
}

static void check(const struct tacho_space *space, size_t at, uint64_t start, uint64_t end,
                  uint64_t offset)
{
    assert_true(at < space->maps.count);
    assert_int_equal(space->maps.items[at].start, start);
    assert_int_equal(space->maps.items[at].end, end);
    assert_int_equal(space->maps.items[at].offset, offset);
}

static void test_a_mapping_replaces_what_it_overlaps(void **state)
{
    (void)state;
    struct tacho_space space = {0};
    add(&space, 0x5000, 0x9000, 0);
    add(&space, 0x1000, 0x2000, 0);
    add(&space, 0xa000, 0xb000, 0);
    assert_int_equal(space.maps.count, 3);
    add(&space, 0x6000, 0x7000, 0x100000); // a hole
    assert_int_equal(space.maps.count, 5);
    check(&space, 1, 0x5000, 0x6000, 0);
    check(&space, 2, 0x6000, 0x7000, 0x100000);
    check(&space, 3, 0x7000, 0x9000, 0x2000);
    add(&space, 0x8000, 0xa800, 0x200000); // the end of one, the start of another
    assert_int_equal(space.maps.count, 6);
    check(&space, 3, 0x7000, 0x8000, 0x2000);
    check(&space, 4, 0x8000, 0xa800, 0x200000);
    check(&space, 5, 0xa800, 0xb000, 0x800);
    add(&space, 0, 0x100000, 0x300000); // everything
    assert_int_equal(space.maps.count, 1);
    check(&space, 0, 0, 0x100000, 0x300000);
    add(&space, 0x7000, 0x7000, 0); // nothing
    assert_int_equal(space.maps.count, 1);
    tacho_space_release(&space);
}

// Against a plain array of which page belongs to whom.
static void test_many_mappings_stay_in_order(void **state)
{
    (void)state;
    struct tacho_space space = {0};
    static uint64_t owner[256];
    uint64_t seed = 7;
    memset(owner, 0, sizeof owner);
    for (uint64_t round = 1; round <= 3000; round++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t start = (seed >> 30) % 250, size = 1 + (seed >> 50) % 6;
        add(&space, start << 12, (start + size) << 12, round << 32);
        for (uint64_t page = start; page < start + size; page++)
            owner[page] = (round << 32) + ((page - start) << 12);
        size_t at = 0;
        for (uint64_t page = 0; page < 256; page++) {
            while (at < space.maps.count && space.maps.items[at].end <= page << 12)
                at++;
            bool has = at < space.maps.count && space.maps.items[at].start <= page << 12;
            assert_int_equal(has, owner[page] != 0);
            if (has)
                assert_int_equal(space.maps.items[at].offset +
                                     ((page << 12) - space.maps.items[at].start),
                                 owner[page]);
        }
    }
    tacho_space_release(&space);
}

static void test_the_vdso_has_a_table(void **state)
{
    (void)state;
    struct tacho_space space = {.pid = getpid()};
    struct tacho_modules modules = {0};
    struct tacho_fail fail = {0};
    assert_int_equal(tacho_space_read(&space, &modules, &fail), 0);
    const struct tacho_space_map *map =
        tacho_space_find(&space, &modules, getauxval(AT_SYSINFO_EHDR) + 0x800);
    assert_non_null(map);
    assert_string_equal(map->path, "[vdso]");
    assert_non_null(map->module);
    assert_true(map->module->has_table);
    tacho_space_release(&space);
    tacho_modules_release(&modules);
}

// The whole file readable, its code executable on top; returns where the code is.
static uint8_t *map_like_the_loader(int fd, size_t size)
{
    struct tacho_image image;
    struct tacho_fail fail = {0};
    uint8_t *all = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0), *code = NULL;
    assert_ptr_not_equal(all, MAP_FAILED);
    assert_int_equal(tacho_image_read_file(&image, fd, &fail), 0);
    for (unsigned i = 0; i < image.segment_count; i++) {
        const struct tacho_image_segment *segment = &image.segments[i];
        if (segment->executable)
            code = mmap(all + segment->offset, segment->size, PROT_READ | PROT_EXEC,
                        MAP_PRIVATE | MAP_FIXED, fd, (off_t)segment->offset);
    }
    tacho_image_release(&image);
    assert_non_null(code);
    assert_ptr_not_equal(code, MAP_FAILED);
    return code;
}

// Maps the code of libc from a copy and deletes that: the table is then read from memory.
static void test_a_deleted_file_has_a_table(void **state)
{
    (void)state;
    struct tacho_space space = {.pid = getpid()};
    struct tacho_modules modules = {0};
    struct tacho_fail fail = {0};
    char name[] = "/tmp/tacho-space-XXXXXX", command[128];
    int fd = mkstemp(name);
    struct stat status;
    snprintf(command, sizeof command, "cp /lib/x86_64-linux-gnu/libc.so.6 %s", name);
    if (system(command) != 0)
        skip();
    assert_int_equal(fstat(fd, &status), 0);
    uint8_t *code = map_like_the_loader(fd, (size_t)status.st_size);
    unlink(name);
    assert_int_equal(tacho_space_read(&space, &modules, &fail), 0);
    const struct tacho_space_map *map =
        tacho_space_find(&space, &modules, (uint64_t)(uintptr_t)code + 0x100);
    assert_non_null(map);
    assert_non_null(strstr(map->path, "(deleted)"));
    assert_non_null(map->module);
    assert_true(map->module->has_table);
    close(fd);
    tacho_space_release(&space);
    tacho_modules_release(&modules);
}

static void test_a_file_of_another_build_is_not_taken(void **state)
{
    (void)state;
    struct tacho_space space = {.pid = 0x7ffffff0}; // no process: only the file could help
    struct tacho_modules modules = {0};
    struct tacho_space_map map = {.start = 0x10000,
                                  .end = 0x200000,
                                  .path = "/lib/x86_64-linux-gnu/libc.so.6",
                                  .build_id = {1, 2, 3},
                                  .build_id_size = 20};
    tacho_space_add(&space, &map);
    const struct tacho_space_map *found = tacho_space_find(&space, &modules, 0x20000);
    assert_non_null(found);
    assert_null(found->module);
    tacho_space_release(&space);
    tacho_modules_release(&modules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mapping_replaces_what_it_overlaps),
        cmocka_unit_test(test_many_mappings_stay_in_order),
        cmocka_unit_test(test_the_vdso_has_a_table),
        cmocka_unit_test(test_a_deleted_file_has_a_table),
        cmocka_unit_test(test_a_file_of_another_build_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
