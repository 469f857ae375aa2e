// Full names of C++ functions that have no mangled name: see enclosing.h.
#include "symbol/enclosing.h"

#include <dwarf.h>
#include <string.h>

#define DEPTH_MAX  256u // of entries in each other
#define LINKS_MAX  16u  // from a function to its declaration
#define LEVELS_MAX 8u   // that are shown
#define NO_SCOPE   UINT32_MAX

struct reading {
    struct tacho_enclosing *enclosing;
    size_t *budget;
};

static uint32_t scope_add(struct reading *reading, Dwarf_Die *die, uint32_t parent)
{
    const char *name = dwarf_diename(die);
    if (!name && dwarf_tag(die) == DW_TAG_namespace)
        name = "(anonymous namespace)";
    tacho_array_push(&reading->enclosing->scopes,
                     (struct tacho_enclosing_scope){.name = name, .parent = parent});
    return (uint32_t)(reading->enclosing->scopes.count - 1);
}

// The scope that the declaration of `die` stands in; of an instance the declaration is elsewhere.
static uint32_t scope_of(const struct tacho_enclosing *enclosing, Dwarf_Die *die)
{
    Dwarf_Die at = *die;
    for (unsigned links = 0; links < LINKS_MAX; links++) {
        const uint64_t *scope = tacho_map_get(&enclosing->scope_of, dwarf_dieoffset(&at));
        if (scope)
            return (uint32_t)*scope;
        Dwarf_Attribute attribute;
        Dwarf_Die next;
        Dwarf_Attribute *link = dwarf_attr(&at, DW_AT_abstract_origin, &attribute);
        if (!link)
            link = dwarf_attr(&at, DW_AT_specification, &attribute);
        if (!link || !dwarf_formref_die(link, &next) || next.cu != die->cu)
            return NO_SCOPE;
        at = next;
    }
    return NO_SCOPE;
}

static void read_below(struct reading *reading, Dwarf_Die *parent, uint32_t scope, unsigned depth)
{
    Dwarf_Die die;
    if (depth >= DEPTH_MAX || dwarf_child(parent, &die) != 0)
        return;
    for (;;) {
        if (*reading->budget == 0)
            return;
        --*reading->budget;
        Dwarf_Off offset = dwarf_dieoffset(&die);
        switch (dwarf_tag(&die)) {
        case DW_TAG_subprogram:
            if (scope != NO_SCOPE)
                *tacho_map_put(&reading->enclosing->scope_of, offset, NULL) = scope;
            if (dwarf_haschildren(&die) == 1) // it may stand apart from its declaration
                read_below(reading, &die,
                           scope_add(reading, &die, scope_of(reading->enclosing, &die)), depth + 1);
            break;
        case DW_TAG_namespace:
        case DW_TAG_class_type:
        case DW_TAG_structure_type:
        case DW_TAG_union_type:
            if (dwarf_haschildren(&die) == 1)
                read_below(reading, &die, scope_add(reading, &die, scope), depth + 1);
            break;
        case DW_TAG_lexical_block:
            read_below(reading, &die, scope, depth + 1);
            break;
        default:
            break;
        }
        // A damaged file may lead back: only forward is believed.
        if (dwarf_siblingof(&die, &die) != 0 || dwarf_dieoffset(&die) <= offset)
            return;
    }
}

static bool is_cplusplus(Dwarf_Die *cu)
{
    switch (dwarf_srclang(cu)) {
    case DW_LANG_C_plus_plus:
    case DW_LANG_C_plus_plus_03:
    case DW_LANG_C_plus_plus_11:
    case DW_LANG_C_plus_plus_14:
        return true;
    default:
        return false;
    }
}

const char *tacho_enclosing_name(struct tacho_enclosing *enclosing, Dwarf_Die *cu, Dwarf_Die *die,
                                 const char *name, struct tacho_arena *texts, size_t *budget)
{
    if (!enclosing->is_read) {
        struct reading reading = {.enclosing = enclosing, .budget = budget};
        enclosing->is_read = true;
        if (is_cplusplus(cu))
            read_below(&reading, cu, NO_SCOPE, 0);
    }
    const char *names[LEVELS_MAX];
    unsigned count = 0;
    uint32_t scope = scope_of(enclosing, die);
    for (; scope != NO_SCOPE && count < LEVELS_MAX; scope = enclosing->scopes.items[scope].parent)
        names[count++] = enclosing->scopes.items[scope].name;
    for (unsigned i = 0; i < count; i++) {
        if (!names[i]) // a type without a name; one that is called is a lambda
            names[i] = strncmp(name, "operator()", 10) == 0 ? "{lambda}" : "{unnamed}";
        name = tacho_arena_printf(texts, "%.1000s::%.3000s", names[i], name);
    }
    return name;
}

void tacho_enclosing_release(struct tacho_enclosing *enclosing)
{
    tacho_array_release(&enclosing->scopes);
    tacho_map_release(&enclosing->scope_of);
}
