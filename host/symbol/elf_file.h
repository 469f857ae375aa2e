// One ELF file opened for its symbols: identity, segments, symbol tables, unwind bounds.
//
// Nothing in the file is believed: every offset is checked, by libelf or here. Files up to 256 MiB
// are read, not mapped, so that one that shrinks meanwhile cannot end tacho by SIGBUS.
#ifndef TACHO_SYMBOL_ELF_FILE_H
#define TACHO_SYMBOL_ELF_FILE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/fail.h"
#include "symbol/symbols.h"

#define TACHO_BUILD_ID_TEXT_MAX (2 * 64 + 1)

struct tacho_elf_file {
    char *path; // where it was opened, for messages and to look beside it
    int fd;     // -1: an image in memory
    Elf *elf;
    void *image; // owned memory, NULL: none
    uint16_t machine, type;
    char build_id[TACHO_BUILD_ID_TEXT_MAX]; // hexadecimal, "" if none
    TACHO_ARRAY(GElf_Shdr) sections;
    TACHO_ARRAY(GElf_Phdr) segments; // PT_LOAD only
};

// Opens a regular file (a device or pipe is refused without touching it). Returns 0 or a failure
// that names the path; a failed open needs no close.
int tacho_elf_file_open(struct tacho_elf_file *file, const char *path, struct tacho_fail *fail);
// Takes over `image`, which was allocated by malloc.
int tacho_elf_file_open_image(struct tacho_elf_file *file, const char *name, void *image,
                              size_t size, struct tacho_fail *fail);
// Calls it what people call it, and looks for its debug file there, though it was opened otherwise.
void tacho_elf_file_rename(struct tacho_elf_file *file, const char *path);
void tacho_elf_file_close(struct tacho_elf_file *file);

// The virtual address of what lies at `offset` in the file; false where no segment holds it.
bool tacho_elf_file_address(const struct tacho_elf_file *file, uint64_t offset, uint64_t *address);
// Its section of this name with its data in memory, or NULL.
Elf_Data *tacho_elf_file_section(const struct tacho_elf_file *file, const char *name,
                                 GElf_Shdr *header);
bool tacho_elf_file_has_dwarf(const struct tacho_elf_file *file);
bool tacho_elf_file_has_symtab(const struct tacho_elf_file *file);
// Adds .symtab, or where there is none .dynsym; the names live as long as the file is open.
void tacho_elf_file_symbols(const struct tacho_elf_file *file, struct tacho_symbols *symbols);
// Adds the bounds of functions as the unwind tables (.eh_frame) know them: what is left in a
// stripped file to tell its functions apart.
void tacho_elf_file_bounds(const struct tacho_elf_file *file, struct tacho_symbols *symbols);
// Adds the stubs that call other libraries' functions, as "malloc@plt"; the names live in `names`.
void tacho_elf_file_stubs(const struct tacho_elf_file *file, struct tacho_symbols *symbols,
                          struct tacho_arena *names);
// Opens the small symbol table that some distributions keep compressed in .gnu_debugdata. Returns
// 1, 0 if there is none, or a failure.
int tacho_elf_file_open_minidebug(const struct tacho_elf_file *file,
                                  struct tacho_elf_file *minidebug, struct tacho_fail *fail);

#endif
