// Whole files: read one, write one so that a reader never sees half of it.
#ifndef TACHO_BASE_FILE_H
#define TACHO_BASE_FILE_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/fail.h"

// Reads at most `size_max` bytes (0: no limit) of a file, also one of /proc, into `buffer` (cleared
// first). Returns 0 or a failure that names the path.
int tacho_file_read(const char *path, struct tacho_buffer *buffer, size_t size_max,
                    struct tacho_fail *fail);
// Writes a new file beside `path`, syncs it, and renames it over `path`; into a pipe or a device it
// writes as it is.
int tacho_file_replace(const char *path, const void *data, size_t size, struct tacho_fail *fail);
// Makes `path` and its missing parents, mode 0700.
int tacho_folder_make(const char *path, struct tacho_fail *fail);

#endif
