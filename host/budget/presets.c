// The budgets that are part of the command: see presets.h.
#include "budget/presets.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "budget/budget_file.h"

void tacho_preset_folder(struct tacho_buffer *path)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    tacho_buffer_text(path, "");
    if (config != NULL && *config == '/')
        tacho_buffer_printf(path, "%s/tacho/presets", config);
    else if (home != NULL && *home == '/')
        tacho_buffer_printf(path, "%s/.config/tacho/presets", home);
}

static int read_own(const char *name, struct tacho_buffer *text, struct tacho_buffer *path,
                    struct tacho_fail *fail)
{
    tacho_preset_folder(path);
    if (path->size == 0)
        return TACHO_ERR_NOT_FOUND;
    tacho_buffer_printf(path, "/%s.yaml", name);
    if (access(path->data, F_OK) != 0)
        return TACHO_ERR_NOT_FOUND;
    return tacho_file_read(path->data, text, TACHO_BUDGET_BYTES_MAX, fail);
}

int tacho_preset_read(const char *name, struct tacho_buffer *text, struct tacho_buffer *path,
                      struct tacho_fail *fail)
{
    if (*name != '\0' && *name != '.' && strchr(name, '/') == NULL) {
        int status = read_own(name, text, path, fail);

        if (status != TACHO_ERR_NOT_FOUND)
            return status;
    }
    tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "there is no preset '%s'; there are", name);
    for (const struct tacho_preset *preset = tacho_presets; preset->name; preset++) {
        if (strcmp(preset->name, name) == 0) {
            *fail = (struct tacho_fail){0};
            path->size = text->size = 0;
            tacho_buffer_printf(path, "preset %s", name);
            tacho_buffer_add(text, preset->text, preset->size);
            return 0;
        }
        tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "%s%s %s", strdupa(fail->text),
                       preset == tacho_presets ? "" : ",", preset->name);
    }
    return fail->code;
}
