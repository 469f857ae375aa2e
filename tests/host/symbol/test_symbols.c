// The table of symbols against the plain definition, readable names, and what JITs' names mean.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "symbol/demangle.h"
#include "symbol/jit_name.h"
#include "symbol/symbols.h"

static uint64_t random_state = 42;

static uint64_t random_below(uint64_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (random_state >> 33) % limit;
}

// Which of `count` symbols names `address`, by looking at all of them.
static const struct tacho_symbol *by_definition(const struct tacho_symbol *symbols, size_t count,
                                                uint64_t address, enum tacho_symbols_rule rule)
{
    const struct tacho_symbol *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct tacho_symbol *symbol = &symbols[i];
        if (address < symbol->start || address >= symbol->end)
            continue;
        if (!best) {
            best = symbol;
        } else if (rule == TACHO_SYMBOLS_REPLACED) {
            if (symbol->order > best->order)
                best = symbol;
        } else if (symbol->start > best->start ||
                   (symbol->start == best->start &&
                    (symbol->end < best->end ||
                     (symbol->end == best->end && symbol->order > best->order)))) {
            best = symbol;
        }
    }
    return best;
}

static void check_rule(enum tacho_symbols_rule rule)
{
    enum { COUNT = 60, SPACE = 200 };
    struct tacho_symbol all[COUNT];
    for (int round = 0; round < 300; round++) {
        struct tacho_symbols symbols = {0};
        for (uint32_t i = 0; i < COUNT; i++) {
            uint64_t start = random_below(SPACE);
            all[i] = (struct tacho_symbol){.start = start,
                                           .end = start + 1 + random_below(40),
                                           .class = TACHO_SYMBOL_SIZED,
                                           .order = i};
            tacho_symbols_add(&symbols, all[i]);
        }
        tacho_symbols_sort(&symbols, rule);
        assert_true(symbols.ranges.count <= 2 * COUNT);
        size_t at = 0;
        for (uint64_t address = 0; address < SPACE + 50; address++) {
            const struct tacho_symbol *expected = by_definition(all, COUNT, address, rule);
            const struct tacho_symbol *found = tacho_symbols_find(&symbols, address, &at);
            assert_int_equal(found != NULL, expected != NULL);
            if (found)
                assert_int_equal(found->order, expected->order);
        }
        tacho_symbols_release(&symbols);
    }
}

static void overlapping_symbols_name_by_the_innermost(void **state)
{
    (void)state;
    check_rule(TACHO_SYMBOLS_NESTED);
}

static void overlapping_lines_of_a_jit_name_by_the_latest(void **state)
{
    (void)state;
    check_rule(TACHO_SYMBOLS_REPLACED);
}

static const char *name_at(const struct tacho_symbols *symbols, uint64_t address)
{
    size_t at = 0;
    const struct tacho_symbol *symbol = tacho_symbols_find(symbols, address, &at);
    return symbol && symbol->name ? symbol->name : symbol ? "(bounds)" : "(none)";
}

static void labels_without_a_size_end_at_the_next_symbol(void **state)
{
    (void)state;
    struct tacho_symbols symbols = {0};
    const struct tacho_symbol all[] = {
        {.start = 10, .end = 1000, .name = "label", .class = TACHO_SYMBOL_OPEN},
        {.start = 20, .end = 30, .name = "sized", .class = TACHO_SYMBOL_SIZED},
        {.start = 40, .end = 60, .class = TACHO_SYMBOL_BOUNDS},
        {.start = 50, .end = 90, .name = "last", .class = TACHO_SYMBOL_OPEN},
        {.start = 5, .end = 5, .name = "empty", .class = TACHO_SYMBOL_SIZED},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        tacho_symbols_add(&symbols, all[i]);
    tacho_symbols_sort(&symbols, TACHO_SYMBOLS_NESTED);
    static const struct {
        uint64_t address;
        const char *name;
    } expected[] = {{5, "(none)"}, {9, "(none)"}, {10, "label"},  {19, "label"},
                    {20, "sized"}, {29, "sized"}, {30, "(none)"}, {45, "(bounds)"},
                    {50, "last"},  {59, "last"},  {89, "last"},   {90, "(none)"}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_string_equal(name_at(&symbols, expected[i].address), expected[i].name);
    tacho_symbols_release(&symbols);
}

// Random symbols of all classes, asked with and without the filter: the answers have to be the
// same.
static void symbols_that_cover_no_wanted_address_change_nothing(void **state)
{
    (void)state;
    enum { COUNT = 80, SPACE = 400, WANTED = 12 };
    for (int round = 0; round < 500; round++) {
        uint64_t wanted[WANTED] = {random_below(20)};
        for (size_t i = 1; i < WANTED; i++)
            wanted[i] = wanted[i - 1] + random_below(50);
        struct tacho_symbols all = {0}, some = {.wanted = wanted, .wanted_count = WANTED};
        for (uint32_t i = 0; i < COUNT; i++) {
            uint64_t start = random_below(SPACE);
            struct tacho_symbol symbol = {.start = start,
                                          .end = start + 1 + random_below(30),
                                          .class = (uint32_t)random_below(3),
                                          .order = i};
            if (symbol.class == TACHO_SYMBOL_OPEN)
                symbol.end = SPACE;
            tacho_symbols_add(&all, symbol);
            tacho_symbols_add(&some, symbol);
        }
        tacho_symbols_sort(&all, TACHO_SYMBOLS_NESTED);
        tacho_symbols_sort(&some, TACHO_SYMBOLS_NESTED);
        assert_true(some.ranges.count <= all.ranges.count);
        size_t at_all = 0, at_some = 0;
        for (size_t i = 0; i < WANTED; i++) {
            const struct tacho_symbol *expected = tacho_symbols_find(&all, wanted[i], &at_all);
            const struct tacho_symbol *found = tacho_symbols_find(&some, wanted[i], &at_some);
            assert_int_equal(found != NULL, expected != NULL);
            if (found)
                assert_int_equal(found->order, expected->order);
        }
        tacho_symbols_release(&all);
        tacho_symbols_release(&some);
    }
}

static void the_plain_name_of_aliases_is_preferred(void **state)
{
    (void)state;
    assert_true(tacho_symbol_name_order("malloc", 1) > tacho_symbol_name_order("__libc_malloc", 1));
    assert_true(tacho_symbol_name_order("write", 2) > tacho_symbol_name_order("__write", 1));
    assert_true(tacho_symbol_name_order("a", 1) > tacho_symbol_name_order("a", 2));
    assert_true(tacho_symbol_name_order("a", 2) > tacho_symbol_name_order("a", 0));
    assert_true(tacho_symbol_name_order("_ZN1a1bEv", 1) > tacho_symbol_name_order("__other", 1));
}

static void mangled_names_are_readable(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"_ZN4shop5totalERKSt6vectorIiSaIiEE", "shop::total"},
        {"_ZN4shop5totalIiEEvSt6vectorIT_SaIS2_EE", "shop::total<int>"},
        {"_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()"},
        {"_ZN3foo3barEv.cold", "foo::bar"},
        {"_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt"},
        {"_RNvCskwGfYPst2Cb_3foo16example_function", "foo::example_function"},
        {"memcpy@@GLIBC_2.14", "memcpy"},
        {"plain", "plain"},
        {"_ZN3foo3barEv@@V_1.0", "foo::bar"},
        {"_ZN3foo3barEv@plt", "foo::bar@plt"},
        {"malloc@plt", "malloc@plt"},
        {"_ZNotMangled", "_ZNotMangled"},
        {"bad\x1b[2Jname\n", "bad?[2Jname?"},
        {"", ""},
    };
    struct tacho_strings strings = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(tacho_demangle(&strings, cases[i][0]), cases[i][1]);
    tacho_strings_release(&strings);
}

static void a_name_that_demangles_without_end_ends(void **state)
{
    (void)state;
    struct tacho_strings strings = {0};
    char name[20000];
    memset(name, 'P', sizeof name);
    memcpy(name, "_Z1f", 4);
    name[sizeof name - 1] = '\0';
    assert_true(strlen(tacho_demangle(&strings, name)) <= 4096);
    name[4000] = '\0';
    assert_true(strlen(tacho_demangle(&strings, name)) <= 4096);
    tacho_strings_release(&strings);
}

static void names_of_jits_give_function_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *name, *function, *file;
        uint32_t line;
    } cases[] = {
        {"JS:*hot /srv/a b/x.js:3:13", "hot", "/srv/a b/x.js", 3},
        {"JS:~Module._load node:internal/modules/cjs/loader:928:24", "Module._load",
         "node:internal/modules/cjs/loader", 928},
        {"LazyCompile:*get size /x.js:7:1", "get size", "/x.js", 7},
        {"JS:^ /srv/x.js:1:1", "(anonymous)", "/srv/x.js", 1},
        {"py::work:/srv/a.py", "work", "/srv/a.py", 0},
        {"Builtin:ArrayMap", "Builtin:ArrayMap", "", 0},
        {"JS:*broken", "JS:*broken", "", 0},
        {"JS:*x :1:2", "JS:*x :1:2", "", 0},
        {"py::", "py::", "", 0},
        {"JS:*a /b.js:99999999999:1", "a", "/b.js:99999999999", 1},
    };
    struct tacho_strings strings = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tacho_jit_name read = tacho_jit_name_read(&strings, cases[i].name);
        assert_string_equal(read.function, cases[i].function);
        assert_string_equal(read.file, cases[i].file);
        assert_int_equal(read.line, cases[i].line);
    }
    tacho_strings_release(&strings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlapping_symbols_name_by_the_innermost),
        cmocka_unit_test(overlapping_lines_of_a_jit_name_by_the_latest),
        cmocka_unit_test(labels_without_a_size_end_at_the_next_symbol),
        cmocka_unit_test(symbols_that_cover_no_wanted_address_change_nothing),
        cmocka_unit_test(the_plain_name_of_aliases_is_preferred),
        cmocka_unit_test(mangled_names_are_readable),
        cmocka_unit_test(a_name_that_demangles_without_end_ends),
        cmocka_unit_test(names_of_jits_give_function_file_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
