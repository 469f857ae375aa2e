// An ELF file with all that knows its names: see module.h.
#include "symbol/module.h"

#include "symbol/debug_file.h"

void tacho_module_open(struct tacho_module *module, struct tacho_elf_file *file,
                       const struct tacho_module_request *request, struct tacho_buffer *refused)
{
    *module = (struct tacho_module){
        .file = *file, .debug = {.fd = -1}, .minidebug = {.fd = -1}, .dwarf.alt = {.fd = -1}};
    *file = (struct tacho_elf_file){.fd = -1};
    file = &module->file;
    const char *const *debug_roots = request->debug_roots;
    enum tacho_module_lines lines = request->lines;
    module->symbols.wanted = request->wanted;
    module->symbols.wanted_count = request->wanted_count;
    bool has_symtab = tacho_elf_file_has_symtab(file);
    bool has_dwarf = lines != TACHO_MODULE_LINES_NONE && tacho_elf_file_has_dwarf(file);
    bool wants_more = lines == TACHO_MODULE_LINES_ALL && !has_dwarf;
    if (!has_symtab || wants_more)
        module->has_debug = tacho_debug_file_find(file, debug_roots, &module->debug, refused);
    tacho_elf_file_symbols(file, &module->symbols);
    tacho_elf_file_stubs(file, &module->symbols, &module->names);
    if (module->has_debug && !has_symtab) {
        tacho_elf_file_symbols(&module->debug, &module->symbols);
        has_symtab = tacho_elf_file_has_symtab(&module->debug);
    }
    if (!has_symtab) {
        struct tacho_fail fail = {0};
        module->has_minidebug = tacho_elf_file_open_minidebug(file, &module->minidebug, &fail) > 0;
        if (module->has_minidebug)
            tacho_elf_file_symbols(&module->minidebug, &module->symbols);
        tacho_elf_file_bounds(file, &module->symbols);
    }
    module->has_names = has_symtab || module->has_minidebug;
    tacho_symbols_sort(&module->symbols, TACHO_SYMBOLS_NESTED);
    if (has_dwarf)
        module->has_dwarf = tacho_dwarf_open(&module->dwarf, file, debug_roots);
    else if (wants_more && module->has_debug && tacho_elf_file_has_dwarf(&module->debug))
        module->has_dwarf = tacho_dwarf_open(&module->dwarf, &module->debug, debug_roots);
}

void tacho_module_close(struct tacho_module *module)
{
    if (module->has_dwarf)
        tacho_dwarf_close(&module->dwarf);
    tacho_symbols_release(&module->symbols);
    tacho_arena_release(&module->names);
    if (module->has_minidebug)
        tacho_elf_file_close(&module->minidebug);
    if (module->has_debug)
        tacho_elf_file_close(&module->debug);
    tacho_elf_file_close(&module->file);
}
