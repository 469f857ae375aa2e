// Prints what the symboliser says about addresses, in the form of addr2line -f -i, for comparison.
//
// usage: print_places FILE [DEBUG_ROOT] < ADDRESSES (hexadecimal virtual addresses, one a line).
// Each answer begins with the address; then each function of the inlined chain has a line with its
// name and one with FILE:LINE.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/elf_file.h"
#include "symbol/symboliser.h"

static uint64_t offset_of(const struct tacho_elf_file *file, uint64_t address)
{
    for (size_t i = 0; i < file->segments.count; i++) {
        const GElf_Phdr *segment = &file->segments.items[i];
        if (address >= segment->p_vaddr && address - segment->p_vaddr < segment->p_filesz)
            return address - segment->p_vaddr + segment->p_offset;
    }
    return UINT64_MAX;
}

static void print_chain(const struct tacho_run *run, uint32_t index)
{
    for (; index != TACHO_NO_INDEX; index = run->frames.items[index].caller) {
        const struct tacho_run_frame *frame = &run->frames.items[index];
        printf("%s\n%s:%" PRIu32 "\n", frame->function, *frame->file ? frame->file : "?",
               frame->line);
    }
}

int main(int count, char **arguments)
{
    struct tacho_fail fail = {0};
    struct tacho_elf_file file;
    if (count < 2 || count > 3 || tacho_elf_file_open(&file, arguments[1], &fail) < 0) {
        fprintf(stderr, "print_places: %s\n", count < 2 ? "wrong usage" : fail.text);
        return 2;
    }
    struct tacho_run run;
    tacho_run_init(&run);
    uint32_t module = tacho_run_module_add(&run, arguments[1], file.build_id);
    TACHO_ARRAY(uint64_t) addresses = {0};
    TACHO_ARRAY(uint32_t) frames = {0};
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        uint64_t address = strtoull(line, NULL, 16);
        tacho_array_push(&addresses, address);
        tacho_array_push(&frames, tacho_run_frame_add(&run, module, offset_of(&file, address), 0));
    }
    tacho_elf_file_close(&file);
    const char *const roots[] = {count > 2 ? arguments[2] : "/usr/lib/debug", NULL};
    struct tacho_symboliser_config config = {.debug_roots = roots};
    struct tacho_symboliser *symboliser = tacho_symboliser_new(&config);
    int result = tacho_symboliser_run(symboliser, &run, &fail);
    for (size_t i = 0; i < addresses.count; i++) {
        printf("0x%" PRIx64 "\n", addresses.items[i]);
        print_chain(&run, frames.items[i]);
    }
    for (size_t i = 0; i < run.notes.count; i++)
        fprintf(stderr, "note: %s\n", run.notes.items[i].text);
    tacho_symboliser_free(symboliser);
    tacho_array_release(&addresses);
    tacho_array_release(&frames);
    tacho_run_release(&run);
    return result < 0 ? 3 : 0;
}
