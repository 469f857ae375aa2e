// Demangled names by libiberty (its demanglers carry a linking exception and need no C++ runtime).
#include "symbol/demangle.h"

#include <limits.h>
#include <libiberty/demangle.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE_MAX ((size_t)4096)

const char *tacho_symbol_name_clean(struct tacho_strings *strings, const char *name)
{
    char text[NAME_SIZE_MAX];
    size_t size = strnlen(name, sizeof text);
    bool clean = true;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)name[i];
        bool control = byte < 0x20 || byte == 0x7f;
        text[i] = control ? '?' : name[i];
        clean = clean && !control;
    }
    unsigned number = tacho_strings_number_n(strings, clean ? name : text, size); // may move items
    return strings->items[number];
}

static char *demangled(const char *name)
{
    if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R' && name[1] != 'D' && name[1] != '_'))
        return NULL;
    if (strlen(name) >= NAME_SIZE_MAX)
        return NULL;
    // Without parameters and the type of the result, like perf: with them the name of a function of
    // a template is hard to find in what is shown. Which overload it is, file and line say.
    return cplus_demangle(name, DMGL_AUTO);
}

const char *tacho_demangle(struct tacho_strings *strings, const char *name)
{
    // "f@@V1" and "f@V1" are versions of f, but "f@plt" is not f.
    char base[NAME_SIZE_MAX], whole[NAME_SIZE_MAX];
    const char *suffix = strchr(name + (name[0] == '@'), '@');
    if (suffix) {
        snprintf(base, sizeof base, "%.*s",
                 (int)(suffix - name < INT_MAX ? suffix - name : INT_MAX), name);
        name = base;
    }
    char *readable = demangled(name);
    const char *shown = readable ? readable : name;
    if (suffix && strcmp(suffix, "@plt") == 0) {
        snprintf(whole, sizeof whole, "%.4000s@plt", shown);
        shown = whole;
    }
    const char *kept = tacho_symbol_name_clean(strings, shown);
    free(readable);
    return kept;
}
