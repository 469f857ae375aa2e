// What the symbol tests share: a run with frames of one file, commands, a folder of their own.
#ifndef TACHO_TEST_SUBJECT_H
#define TACHO_TEST_SUBJECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/elf_file.h"
#include "symbol/symboliser.h"

// Runs a shell command made by the format; the test fails if it does.
void run_command(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The path of one of this folder's programs in the build tree.
const char *subject_path(const char *name, char *path, size_t size);

// A function of a file, by the symbol table of the file itself.
struct function {
    uint64_t offset, address, size; // offset in the file, virtual address
};
struct function function_find(const char *path, const char *symbol);
void build_id_of(const char *path, char *build_id);

struct bench {
    struct tacho_run run;
    struct tacho_symboliser_config config;
    struct tacho_symboliser *symboliser;
    char folder[64]; // of this test alone
};

void bench_open(struct bench *bench);
void bench_close(struct bench *bench);
// Adds a frame, names all of the run, returns the frame.
const struct tacho_run_frame *bench_name(struct bench *bench, const char *path,
                                         const char *build_id, uint64_t address, uint32_t flags);
bool bench_has_note(const struct bench *bench, const char *part);

#endif
