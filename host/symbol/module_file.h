// Finds and opens the file that really ran: its identity is compared, a file of another build
// refused.
#ifndef TACHO_SYMBOL_MODULE_FILE_H
#define TACHO_SYMBOL_MODULE_FILE_H

#include "base/buffer.h"
#include "run/model.h"
#include "symbol/elf_file.h"
#include "symbol/process.h"

// Opens the file of `module`: by its path, else through a living process of the run that has it in
// its own root, else (a deleted file) as a process has it open. True: `file` is open. False: `why`
// says in one sentence why not, if there is something to say.
bool tacho_module_file_open(struct tacho_elf_file *file, const struct tacho_run_module *module,
                            const struct tacho_run *run, struct tacho_processes *processes,
                            struct tacho_buffer *why);
// Opens the kernel's vdso as it is in this process.
bool tacho_vdso_open(struct tacho_elf_file *file, const struct tacho_run_module *module,
                     struct tacho_buffer *why);

#endif
