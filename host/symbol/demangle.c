// Demangled names by libiberty (its demanglers carry a linking exception and need no C++ runtime).
#include "symbol/demangle.h"

#include <libiberty/demangle.h>
#include <stdbool.h>
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
    return cplus_demangle(name, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO);
}

const char *tacho_demangle(struct tacho_strings *strings, const char *name)
{
    char *readable = demangled(name);
    if (readable) {
        const char *kept = tacho_symbol_name_clean(strings, readable);
        free(readable);
        return kept;
    }
    const char *version = strchr(name + (name[0] == '@'), '@');
    if (!version)
        return tacho_symbol_name_clean(strings, name);
    char plain[NAME_SIZE_MAX];
    size_t size = (size_t)(version - name);
    if (size >= sizeof plain)
        size = sizeof plain - 1;
    memcpy(plain, name, size);
    plain[size] = '\0';
    return tacho_symbol_name_clean(strings, plain);
}
