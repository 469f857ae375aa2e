// The functions behind a run's frames: one function is a name in a module.
#include "analyze/functions.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *tacho_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL && slash[1] != '\0' && path[0] != '[' ? slash + 1 : path;
}

bool tacho_name_matches(const char *name, const char *pattern)
{
    if (strpbrk(pattern, "*?") != NULL)
        return fnmatch(pattern, name, 0) == 0;
    return strstr(name, pattern) != NULL;
}

static const char *name_of_frame(struct tacho_functions *functions,
                                 const struct tacho_run_frame *frame, const char *module)
{
    char text[256];

    if (frame->function != NULL && frame->function[0] != '\0')
        return frame->function;
    snprintf(text, sizeof text, "%s+0x%" PRIx64, module[0] != '\0' ? module : "[unknown]",
             frame->address);
    return tacho_strings_keep(&functions->strings, text);
}

void tacho_functions_build(struct tacho_functions *functions, const struct tacho_run *run)
{
    struct tacho_map index = {0};
    size_t capacity = 0;

    memset(functions, 0, sizeof *functions);
    functions->of_frame =
        tacho_array_grow(NULL, &capacity, run->frames.count + 1, sizeof *functions->of_frame);
    for (size_t i = 0; i < run->frames.count; i++) {
        const struct tacho_run_frame *frame = &run->frames.items[i];
        bool known = frame->module < run->modules.count, added;
        uint32_t module = known ? frame->module : TACHO_NO_INDEX;
        const char *path = known ? run->modules.items[module].path : "";
        const char *base = tacho_path_base(path != NULL ? path : "");
        const char *name = name_of_frame(functions, frame, base);
        // Strings are kept once, but a run's and ours are two sets: hash the text.
        uint64_t key = tacho_hash_bytes(name, strlen(name), module);
        uint64_t *place = tacho_map_put(&index, key, &added);
        struct tacho_function *function;

        if (added) {
            *place = functions->items.count;
            tacho_array_push(&functions->items, (struct tacho_function){.name = name,
                                                                        .module = base,
                                                                        .file = "",
                                                                        .module_index = module,
                                                                        .flags = frame->flags});
        }
        functions->of_frame[i] = (uint32_t)*place;
        function = &functions->items.items[*place];
        if ((frame->flags & TACHO_FRAME_INLINED) == 0)
            function->flags &= ~(uint32_t)TACHO_FRAME_INLINED;
        if (function->line == 0 && frame->file != NULL && frame->file[0] != '\0') {
            function->file = frame->file;
            function->line = frame->line;
        }
    }
    tacho_map_release(&index);
}

void tacho_functions_release(struct tacho_functions *functions)
{
    tacho_array_release(&functions->items);
    free(functions->of_frame);
    functions->of_frame = NULL;
    tacho_strings_release(&functions->strings);
}
