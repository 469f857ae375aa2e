// Damaged and hostile ELF files: whatever the bytes are, the symboliser ends, and says something.
//
// A real program with DWARF is changed at random (the seed is fixed, so a failure comes again) and
// all its functions are asked for. TACHO_FUZZ_ROUNDS asks for more rounds than the few of every
// build.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "symbol/module.h"

static const char *const no_roots[] = {NULL};
static uint64_t random_state = 0x7461636f;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static size_t named; // places for which DWARF was still believed
static size_t random_below(size_t limit)
{
    return limit ? (size_t)(random_next() % limit) : 0;
}

struct subject {
    struct tacho_buffer bytes;
    TACHO_ARRAY(uint64_t) addresses;
    TACHO_ARRAY(GElf_Shdr) sections;
};

static void subject_load(struct subject *subject, const char *name)
{
    char path[512];
    struct tacho_fail fail = {0};
    struct tacho_elf_file file;
    snprintf(path, sizeof path, "%s/tests/host/symbol/%s", TACHO_BINARY_DIR, name);
    assert_int_equal(tacho_file_read(path, &subject->bytes, 0, &fail), 0);
    assert_int_equal(tacho_elf_file_open(&file, path, &fail), 0);
    struct tacho_symbols symbols = {0};
    tacho_elf_file_symbols(&file, &symbols);
    tacho_symbols_sort(&symbols, TACHO_SYMBOLS_NESTED);
    for (size_t i = 0; i < symbols.ranges.count; i++) {
        tacho_array_push(&subject->addresses, symbols.ranges.items[i].start);
        uint64_t last = symbols.ranges.items[i].end - 1;
        tacho_array_push(&subject->addresses, last);
    }
    for (size_t i = 1; i < file.sections.count; i++)
        if (file.sections.items[i].sh_type != SHT_NOBITS && file.sections.items[i].sh_size > 0)
            tacho_array_push(&subject->sections, file.sections.items[i]);
    tacho_symbols_release(&symbols);
    tacho_elf_file_close(&file);
    assert_true(subject->addresses.count > 10);
}

static void subject_release(struct subject *subject)
{
    tacho_buffer_release(&subject->bytes);
    tacho_array_release(&subject->addresses);
    tacho_array_release(&subject->sections);
}

// Asks the image, which is given away, for everything that can be asked.
static void ask(const struct subject *subject, void *image, size_t size)
{
    struct tacho_elf_file file;
    struct tacho_module module;
    struct tacho_buffer refused = {0};
    struct tacho_fail fail = {0};
    if (tacho_elf_file_open_image(&file, "damaged", image, size, &fail) < 0) {
        assert_int_not_equal(fail.text[0], '\0');
        return;
    }
    struct tacho_module_request request = {
        .debug_roots = no_roots,
        .lines = TACHO_MODULE_LINES_ALL,
        .wanted = random_below(2) ? subject->addresses.items : NULL,
        .wanted_count = subject->addresses.count,
    };
    tacho_module_open(&module, &file, &request, &refused);
    struct tacho_dwarf_place *places = calloc(subject->addresses.count, sizeof *places);
    assert_non_null(places);
    uint64_t address;
    size_t at = 0;
    for (size_t i = 0; i < subject->addresses.count; i++) {
        places[i].address = subject->addresses.items[i];
        tacho_elf_file_address(&module.file, places[i].address, &address);
        const struct tacho_symbol *symbol =
            tacho_symbols_find(&module.symbols, places[i].address, &at);
        if (symbol && symbol->name)
            assert_true(strlen(symbol->name) < size);
    }
    if (module.has_dwarf)
        tacho_dwarf_resolve(&module.dwarf, places, subject->addresses.count);
    for (size_t i = 0; i < subject->addresses.count && module.has_dwarf; i++) {
        if (places[i].scope == TACHO_DWARF_NONE)
            continue;
        assert_true(places[i].scope < module.dwarf.scopes.count);
        named++;
    }
    free(places);
    tacho_module_close(&module);
    tacho_buffer_release(&refused);
}

// Changes a few bytes: anywhere, in the headers, or in one section.
static void damage(const struct subject *subject, uint8_t *image, size_t size)
{
    static const uint8_t telling[] = {0, 1, 0x7f, 0x80, 0xff};
    size_t from = 0, range = size;
    switch (random_below(4)) {
    case 0:
        range = size < 1024 ? size : 1024;
        break;
    case 1:
        break;
    default: {
        const GElf_Shdr *section = &subject->sections.items[random_below(subject->sections.count)];
        if (section->sh_offset < size && section->sh_size <= size - section->sh_offset) {
            from = section->sh_offset;
            range = section->sh_size;
        }
    }
    }
    for (size_t changes = 1 + random_below(16); changes > 0; changes--) {
        size_t at = from + random_below(range);
        image[at] =
            random_below(2) ? (uint8_t)random_next() : telling[random_below(sizeof telling)];
    }
}

static uint8_t *copy_of(const struct subject *subject, size_t size)
{
    uint8_t *image = malloc(size + 1);
    assert_non_null(image);
    memcpy(image, subject->bytes.data, size);
    return image;
}

static void damaged_files_end_in_names_or_failures(void **state)
{
    (void)state;
    static const char *const names[] = {"subject_cpp", "subject_dwarf4", "subject_c"};
    const char *wish = getenv("TACHO_FUZZ_ROUNDS");
    size_t rounds = wish ? strtoull(wish, NULL, 10) : 300;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        struct subject subject = {0};
        subject_load(&subject, names[n]);
        ask(&subject, copy_of(&subject, subject.bytes.size), subject.bytes.size);
        size_t undamaged = named;
        named = 0;
        for (size_t round = 0; round < rounds; round++) {
            size_t size = subject.bytes.size;
            if (random_below(8) == 0)
                size = random_below(size);
            uint8_t *image = copy_of(&subject, size);
            if (size > 0)
                damage(&subject, image, size);
            ask(&subject, image, size);
        }
        // The damage must not be such that nothing but the first check is ever reached.
        assert_true(named > rounds * undamaged / 4);
        named = 0;
        subject_release(&subject);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_files_end_in_names_or_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
