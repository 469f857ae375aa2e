// Names addresses of a file, the whole way from opening it: the part of bench/symbols.py that is
// tacho.
//
// usage: bench_symbols FILE COUNT [names]: COUNT addresses spread over its functions, in one run;
// "names" leaves lines and inlined functions out. FILE "[kernel]" takes the kernel's functions.
// Prints milliseconds of the whole, and how many frames came out of it.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "symbol/elf_file.h"
#include "symbol/symboliser.h"

// Adds `count` frames spread over the code segments of the file.
static int add_frames(struct tacho_run *run, const char *path, size_t count)
{
    struct tacho_fail fail = {0};
    struct tacho_elf_file file;
    uint64_t first = UINT64_C(0xffffffff81000000), size = UINT64_C(0x1200000);
    if (strcmp(path, "[kernel]") != 0) {
        if (tacho_elf_file_open(&file, path, &fail) < 0) {
            fprintf(stderr, "bench_symbols: %s\n", fail.text);
            return -1;
        }
        size = 0;
        for (size_t i = 0; i < file.segments.count; i++) {
            const GElf_Phdr *segment = &file.segments.items[i];
            if ((segment->p_flags & PF_X) && segment->p_filesz > size) {
                first = segment->p_offset;
                size = segment->p_filesz;
            }
        }
        tacho_elf_file_close(&file);
    }
    uint32_t module = tacho_run_module_add(run, path, "");
    for (size_t i = 0; i < count; i++)
        tacho_run_frame_add(run, module,
                            first + (uint64_t)((double)size * (double)i / (double)count), 0);
    return 0;
}

int main(int count, char **arguments)
{
    if (count < 3) {
        fprintf(stderr, "usage: bench_symbols FILE COUNT [names]\n");
        return 2;
    }
    struct tacho_run run;
    struct tacho_fail fail = {0};
    tacho_run_init(&run);
    if (add_frames(&run, arguments[1], strtoull(arguments[2], NULL, 10)) < 0)
        return 3;
    struct tacho_symboliser_config config = {.names_only = count > 3};
    int64_t begin_ns = tacho_time_monotonic_ns();
    struct tacho_symboliser *symboliser = tacho_symboliser_new(&config);
    int status = tacho_symboliser_run(symboliser, &run, &fail);
    tacho_symboliser_free(symboliser);
    double spent_ms = (double)(tacho_time_monotonic_ns() - begin_ns) / (double)TACHO_NS_PER_MS;
    size_t known = 0;
    for (size_t i = 0; i < run.frames.count; i++)
        known +=
            !strstr(run.frames.items[i].function, "+0x") && run.frames.items[i].function[0] != '[';
    printf("%.3f %zu %zu\n", spent_ms, run.frames.count, known);
    tacho_run_release(&run);
    return status < 0 ? 3 : 0;
}
