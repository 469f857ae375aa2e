// Reads lines and inlined functions with libdw: see dwarf.h.
#include "symbol/dwarf.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "symbol/enclosing.h"

#define DEPTH_MAX      256u
#define DIE_BUDGET_MAX ((size_t)100 * 1000 * 1000)

// libdw finds the shared part (dwz) below /usr/lib/debug by itself; below other roots it is told.
static void open_alt(struct tacho_dwarf *dwarf, const char *const *debug_roots)
{
    const char *name;
    const void *build_id;
    ssize_t size = dwelf_dwarf_gnu_debugaltlink(dwarf->handle, &name, &build_id);
    if (size < 2 || size > 64 || dwarf_getalt(dwarf->handle))
        return;
    char id[TACHO_BUILD_ID_TEXT_MAX];
    for (ssize_t i = 0; i < size; i++)
        snprintf(id + 2 * i, 3, "%02x", ((const uint8_t *)build_id)[i]);
    for (; *debug_roots; debug_roots++) {
        char path[PATH_MAX];
        struct tacho_fail fail = {0};
        int length =
            snprintf(path, sizeof path, "%s/.build-id/%.2s/%s.debug", *debug_roots, id, id + 2);
        if (length <= 0 || (size_t)length >= sizeof path ||
            tacho_elf_file_open(&dwarf->alt, path, &fail) < 0)
            continue;
        Dwarf *alt = strcmp(dwarf->alt.build_id, id) == 0
                         ? dwarf_begin_elf(dwarf->alt.elf, DWARF_C_READ, NULL)
                         : NULL;
        if (alt) {
            dwarf_setalt(dwarf->handle, alt);
            return;
        }
        tacho_elf_file_close(&dwarf->alt);
    }
}

bool tacho_dwarf_open(struct tacho_dwarf *dwarf, const struct tacho_elf_file *file,
                      const char *const *debug_roots)
{
    *dwarf = (struct tacho_dwarf){.alt = {.fd = -1}, .die_budget = DIE_BUDGET_MAX};
    dwarf->handle = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
    if (!dwarf->handle)
        return false;
    open_alt(dwarf, debug_roots);
    return true;
}

void tacho_dwarf_close(struct tacho_dwarf *dwarf)
{
    Dwarf *alt = dwarf->alt.elf ? dwarf_getalt(dwarf->handle) : NULL;
    dwarf_end(dwarf->handle);
    if (alt) // one that was set by us is ours to end
        dwarf_end(alt);
    tacho_elf_file_close(&dwarf->alt);
    tacho_array_release(&dwarf->scopes);
    tacho_arena_release(&dwarf->texts);
    dwarf->handle = NULL;
}

// One unit's work: the wanted places in it, ascending.
struct unit {
    struct tacho_dwarf *dwarf;
    struct tacho_dwarf_place **places;
    size_t count;
    Dwarf_Files *files;
    size_t file_count;
    Dwarf_Die *tree;
    struct tacho_enclosing enclosing;
    bool thorough; // look below functions that hold no wanted address, too
};

static size_t first_from(const struct unit *unit, uint64_t address)
{
    size_t low = 0, high = unit->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (unit->places[middle]->address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const char *text_of(Dwarf_Die *die, unsigned attribute)
{
    Dwarf_Attribute found;
    return dwarf_formstring(dwarf_attr_integrate(die, attribute, &found));
}

static const char *function_of(struct unit *unit, Dwarf_Die *die)
{
    const char *linkage = text_of(die, DW_AT_linkage_name);
    if (!linkage)
        linkage = text_of(die, DW_AT_MIPS_linkage_name);
    // Other linkage names (Fortran's, versions) are less than the plain name.
    if (linkage && linkage[0] == '_' &&
        (linkage[1] == 'Z' || linkage[1] == 'R' || linkage[1] == 'D'))
        return linkage;
    const char *name = text_of(die, DW_AT_name);
    if (!name)
        return linkage;
    return tacho_enclosing_name(&unit->enclosing, unit->tree, die, name, &unit->dwarf->texts,
                                &unit->dwarf->die_budget);
}

static uint32_t scope_add(struct unit *unit, Dwarf_Die *die, uint32_t parent)
{
    struct tacho_dwarf_scope scope = {.function = function_of(unit, die), .parent = parent};
    if (parent != TACHO_DWARF_NONE) {
        Dwarf_Attribute attribute;
        Dwarf_Word value;
        if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &value) == 0 &&
            value <= UINT32_MAX)
            scope.call_line = (uint32_t)value;
        if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &value) == 0 &&
            value < unit->file_count)
            scope.call_file = dwarf_filesrc(unit->files, value, NULL, NULL);
    }
    tacho_array_push(&unit->dwarf->scopes, scope);
    return (uint32_t)(unit->dwarf->scopes.count - 1);
}

// The scope of `die` if it holds wanted places that so far belong to `parent`, and these are moved
// into it; else TACHO_DWARF_NONE.
static uint32_t enter(struct unit *unit, Dwarf_Die *die, uint32_t parent)
{
    Dwarf_Addr base, start, end;
    uint32_t scope = TACHO_DWARF_NONE;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &start, &end)) > 0;) {
        for (size_t i = first_from(unit, start); i < unit->count; i++) {
            struct tacho_dwarf_place *place = unit->places[i];
            if (place->address >= end)
                break;
            if (place->scope != parent)
                continue;
            if (scope == TACHO_DWARF_NONE)
                scope = scope_add(unit, die, parent);
            place->scope = scope;
        }
    }
    return scope;
}

static void walk(struct unit *unit, Dwarf_Die *parent, uint32_t scope, unsigned depth);

static void visit(struct unit *unit, Dwarf_Die *die, uint32_t scope, unsigned depth)
{
    uint32_t entered;
    switch (dwarf_tag(die)) {
    case DW_TAG_subprogram:
        entered = enter(unit, die, TACHO_DWARF_NONE);
        if (entered != TACHO_DWARF_NONE || unit->thorough)
            walk(unit, die, entered, depth);
        break;
    case DW_TAG_inlined_subroutine:
        if (scope == TACHO_DWARF_NONE)
            break;
        entered = enter(unit, die, scope);
        if (entered != TACHO_DWARF_NONE)
            walk(unit, die, entered, depth);
        break;
    case DW_TAG_lexical_block:
    case DW_TAG_try_block:
    case DW_TAG_catch_block:
    case DW_TAG_with_stmt:
        if (scope != TACHO_DWARF_NONE || unit->thorough)
            walk(unit, die, scope, depth);
        break;
    case DW_TAG_namespace:
    case DW_TAG_module:
        walk(unit, die, TACHO_DWARF_NONE, depth);
        break;
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
        if (unit->thorough)
            walk(unit, die, TACHO_DWARF_NONE, depth);
        break;
    default:
        break;
    }
}

static void walk(struct unit *unit, Dwarf_Die *parent, uint32_t scope, unsigned depth)
{
    Dwarf_Die die;
    if (depth >= DEPTH_MAX || dwarf_child(parent, &die) != 0)
        return;
    for (;;) {
        if (unit->dwarf->die_budget == 0)
            return;
        unit->dwarf->die_budget--;
        Dwarf_Off offset = dwarf_dieoffset(&die);
        visit(unit, &die, scope, depth + 1);
        // A damaged file may lead back: only forward is believed.
        if (dwarf_siblingof(&die, &die) != 0 || dwarf_dieoffset(&die) <= offset)
            return;
    }
}

static void read_lines(struct unit *unit, Dwarf_Die *cu)
{
    for (size_t i = 0; i < unit->count; i++) {
        struct tacho_dwarf_place *place = unit->places[i];
        Dwarf_Line *line = dwarf_getsrc_die(cu, place->address);
        int number;
        if (!line)
            continue;
        place->file = dwarf_linesrc(line, NULL, NULL);
        if (dwarf_lineno(line, &number) == 0 && number > 0)
            place->line = (uint32_t)number;
    }
}

static void read_unit(struct unit *unit, Dwarf_Die *cu)
{
    Dwarf_Die split = {0}, *tree = cu;
    uint8_t type;
    read_lines(unit, cu);
    if (dwarf_cu_info(cu->cu, NULL, &type, NULL, &split, NULL, NULL, NULL) == 0 &&
        type == DW_UT_skeleton && split.addr)
        tree = &split;
    if (dwarf_getsrcfiles(tree, &unit->files, &unit->file_count) != 0)
        unit->file_count = 0;
    unit->tree = tree;
    walk(unit, tree, TACHO_DWARF_NONE, 0);
    for (size_t i = 0; i < unit->count; i++) {
        if (unit->places[i]->scope != TACHO_DWARF_NONE)
            continue;
        unit->thorough = true; // a function inside another, or inside a class
        walk(unit, tree, TACHO_DWARF_NONE, 0);
        break;
    }
    tacho_enclosing_release(&unit->enclosing);
}

// Which unit a place lies in; sorted by unit, then by address.
struct member {
    size_t unit;
    struct tacho_dwarf_place *place;
};

static int compare_members(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    if (a->unit != b->unit)
        return a->unit < b->unit ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

struct index {
    TACHO_ARRAY(Dwarf_Die) units;
    TACHO_ARRAY(struct member) members;
};

// Finds the unit of each place by the units' address ranges; the first that claims it has it.
static void index_units(struct index *index, struct tacho_dwarf *dwarf,
                        struct tacho_dwarf_place *places, size_t count)
{
    Dwarf_CU *cu = NULL;
    Dwarf_Die die;
    uint8_t type;
    bool *taken = NULL;
    size_t capacity = 0;
    taken = tacho_array_grow(taken, &capacity, count, sizeof *taken);
    memset(taken, 0, count * sizeof *taken);
    while (dwarf_get_units(dwarf->handle, cu, &cu, NULL, &type, &die, NULL) == 0) {
        if (type != DW_UT_compile && type != DW_UT_skeleton)
            continue;
        Dwarf_Addr base, start, end;
        bool added = false;
        for (ptrdiff_t at = 0; (at = dwarf_ranges(&die, at, &base, &start, &end)) > 0;) {
            size_t low = 0, high = count;
            while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (places[middle].address < start)
                    low = middle + 1;
                else
                    high = middle;
            }
            for (size_t i = low; i < count && places[i].address < end; i++) {
                if (taken[i])
                    continue;
                taken[i] = added = true;
                tacho_array_push(&index->members, (struct member){index->units.count, &places[i]});
            }
        }
        if (added)
            tacho_array_push(&index->units, die);
    }
    free(taken);
}

void tacho_dwarf_resolve(struct tacho_dwarf *dwarf, struct tacho_dwarf_place *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        places[i] =
            (struct tacho_dwarf_place){.address = places[i].address, .scope = TACHO_DWARF_NONE};
    if (count == 0)
        return;
    struct index index = {0};
    index_units(&index, dwarf, places, count);
    TACHO_ARRAY(struct tacho_dwarf_place *) wanted = {0};
    if (index.members.count)
        qsort(index.members.items, index.members.count, sizeof *index.members.items,
              compare_members);
    for (size_t i = 0; i < index.members.count;) {
        size_t number = index.members.items[i].unit;
        wanted.count = 0;
        for (; i < index.members.count && index.members.items[i].unit == number; i++)
            tacho_array_push(&wanted, index.members.items[i].place);
        struct unit unit = {.dwarf = dwarf, .places = wanted.items, .count = wanted.count};
        read_unit(&unit, &index.units.items[number]);
    }
    tacho_array_release(&wanted);
    tacho_array_release(&index.units);
    tacho_array_release(&index.members);
}
