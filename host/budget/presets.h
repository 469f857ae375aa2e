// The budgets that are part of the command, and those of the user's folder.
#ifndef TACHO_BUDGET_PRESETS_H
#define TACHO_BUDGET_PRESETS_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/fail.h"

struct tacho_preset {
    const char *name, *text;
    size_t size;
};

// All that are part of the command, by name; the last has the name NULL.
extern const struct tacho_preset tacho_presets[];

// The text of the preset `name`: $XDG_CONFIG_HOME/tacho/presets/NAME.yaml (~/.config where it is
// not set) goes before the one of the command. `path` becomes the file's path, or "preset NAME".
// TACHO_ERR_NOT_FOUND names the presets there are. Reads a file of at most 1 MiB.
int tacho_preset_read(const char *name, struct tacho_buffer *text, struct tacho_buffer *path,
                      struct tacho_fail *fail);
// The user's folder, which may not be there; "" without a home.
void tacho_preset_folder(struct tacho_buffer *path);

#endif
