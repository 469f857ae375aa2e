// What the names in the map files of JITs mean: see jit_name.h.
#include "symbol/jit_name.h"

#include <stdbool.h>
#include <string.h>

#include "symbol/demangle.h"

static const char *keep_n(struct tacho_strings *strings, const char *text, size_t size)
{
    unsigned number = tacho_strings_number_n(strings, text, size); // may move items
    return tacho_symbol_name_clean(strings, strings->items[number]);
}

// Cuts ":123" off the end of the first `*size` bytes; false if they do not end so.
static bool cut_number(const char *text, size_t *size, uint32_t *number)
{
    size_t at = *size;
    uint64_t value = 0, scale = 1;
    while (at > 0 && text[at - 1] >= '0' && text[at - 1] <= '9' && scale < UINT64_C(10000000000)) {
        value += (uint64_t)(text[--at] - '0') * scale;
        scale *= 10;
    }
    if (at == *size || at == 0 || text[at - 1] != ':' || value > UINT32_MAX)
        return false;
    *size = at - 1;
    *number = (uint32_t)value;
    return true;
}

// Where the file begins in "NAME FILE": neither need be a single word.
static const char *file_in(const char *text, const char *end)
{
    static const char *const begins[] = {" /", " node:", " file:", " evalmachine."};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        const char *found = memmem(text, (size_t)(end - text), begins[i], strlen(begins[i]));
        if (found)
            return found + 1;
    }
    const char *blank = memrchr(text, ' ', (size_t)(end - text));
    return blank ? blank + 1 : NULL;
}

static bool read_v8(struct tacho_strings *strings, const char *name, struct tacho_jit_name *read)
{
    static const char *const kinds[] = {"JS:", "LazyCompile:", "Function:", "Script:", "Eval:"};
    size_t kind = 0, kind_count = sizeof kinds / sizeof *kinds;
    while (kind < kind_count && strncmp(name, kinds[kind], strlen(kinds[kind])) != 0)
        kind++;
    if (kind == kind_count)
        return false;
    const char *text = name + strlen(kinds[kind]);
    text += strspn(text, "*~^+'"); // which compiler made it
    size_t size = strlen(text);
    uint32_t column, line = 0;
    if (!cut_number(text, &size, &column))
        return false;
    if (!cut_number(text, &size, &line))
        line = column;
    const char *file = file_in(text, text + size);
    if (!file || file == text + size)
        return false;
    size_t function_size = (size_t)(file - text) - 1;
    read->function = function_size ? keep_n(strings, text, function_size)
                                   : tacho_strings_keep(strings, "(anonymous)");
    read->file = keep_n(strings, file, (size_t)(text + size - file));
    read->line = line;
    return true;
}

static bool read_python(struct tacho_strings *strings, const char *name,
                        struct tacho_jit_name *read)
{
    if (strncmp(name, "py::", 4) != 0)
        return false;
    const char *function = name + 4;
    const char *file = strstr(function, ":/");
    if (!file)
        file = strstr(function, ":<");
    if (!file || file == function)
        return false;
    read->function = keep_n(strings, function, (size_t)(file - function));
    read->file = keep_n(strings, file + 1, strlen(file + 1));
    return true;
}

struct tacho_jit_name tacho_jit_name_read(struct tacho_strings *strings, const char *name)
{
    struct tacho_jit_name read = {.file = tacho_strings_keep(strings, "")};
    if (!read_v8(strings, name, &read) && !read_python(strings, name, &read)) {
        read.function = tacho_demangle(strings, name);
        if (!*read.function)
            read.function = tacho_strings_keep(strings, "[unknown]");
    }
    return read;
}
