// Finds the file that holds the symbols and DWARF of a stripped one, and refuses those of another
// build.
#ifndef TACHO_SYMBOL_DEBUG_FILE_H
#define TACHO_SYMBOL_DEBUG_FILE_H

#include "base/buffer.h"
#include "symbol/elf_file.h"

// Looks, in this order, for ROOT/.build-id/ab/cdef.debug of each root (a list that ends with NULL),
// and for the name in .gnu_debuglink beside the file, in .debug beside it, and below each root. A
// candidate has to carry the same build-id; one without a build-id has to have the checksum that
// the link says. True: `debug` is open. A candidate that was refused is described in `refused`, one
// sentence.
bool tacho_debug_file_find(const struct tacho_elf_file *file, const char *const *roots,
                           struct tacho_elf_file *debug, struct tacho_buffer *refused);

#endif
