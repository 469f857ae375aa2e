// What the symbol tests share: see subject.h.
#include "subject.h"

void run_command(const char *format, ...)
{
    char command[4096];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_true(size > 0 && (size_t)size < sizeof command);
    int status = system(command);
    if (status != 0)
        print_error("%s: status %d\n", command, status);
    assert_int_equal(status, 0);
}

const char *subject_path(const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/tests/host/symbol/%s", TACHO_BINARY_DIR, name);
    return path;
}

static uint64_t offset_of(const struct tacho_elf_file *file, uint64_t address)
{
    for (size_t i = 0; i < file->segments.count; i++) {
        const GElf_Phdr *segment = &file->segments.items[i];
        if (address >= segment->p_vaddr && address - segment->p_vaddr < segment->p_filesz)
            return address - segment->p_vaddr + segment->p_offset;
    }
    return UINT64_MAX;
}

struct function function_find(const char *path, const char *symbol)
{
    struct tacho_fail fail = {0};
    struct tacho_elf_file file;
    struct tacho_symbols symbols = {0};
    struct function function = {0};
    assert_int_equal(tacho_elf_file_open(&file, path, &fail), 0);
    tacho_elf_file_symbols(&file, &symbols);
    for (size_t i = 0; i < symbols.found.count; i++)
        if (strcmp(symbols.found.items[i].name, symbol) == 0) {
            function.address = symbols.found.items[i].start;
            function.size = symbols.found.items[i].end - function.address;
            function.offset = offset_of(&file, function.address);
        }
    tacho_symbols_release(&symbols);
    tacho_elf_file_close(&file);
    assert_true(function.size > 0);
    return function;
}

void build_id_of(const char *path, char *build_id)
{
    struct tacho_fail fail = {0};
    struct tacho_elf_file file;
    assert_int_equal(tacho_elf_file_open(&file, path, &fail), 0);
    strcpy(build_id, file.build_id);
    tacho_elf_file_close(&file);
    assert_true(strlen(build_id) > 8);
}

void bench_open(struct bench *bench)
{
    *bench = (struct bench){0};
    tacho_run_init(&bench->run);
    strcpy(bench->folder, "/tmp/tacho-symbol-XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
}

void bench_close(struct bench *bench)
{
    tacho_symboliser_free(bench->symboliser);
    tacho_run_release(&bench->run);
    run_command("rm -rf %s", bench->folder);
}

const struct tacho_run_frame *bench_name(struct bench *bench, const char *path,
                                         const char *build_id, uint64_t address, uint32_t flags)
{
    struct tacho_fail fail = {0};
    if (!bench->symboliser)
        bench->symboliser = tacho_symboliser_new(&bench->config);
    uint32_t module = tacho_run_module_add(&bench->run, path, build_id);
    uint32_t frame = tacho_run_frame_add(&bench->run, module, address, flags);
    assert_int_equal(tacho_symboliser_run(bench->symboliser, &bench->run, &fail), 0);
    assert_true(bench->run.frames.items[frame].flags & TACHO_FRAME_SYMBOLISED);
    return &bench->run.frames.items[frame];
}

bool bench_has_note(const struct bench *bench, const char *part)
{
    for (size_t i = 0; i < bench->run.notes.count; i++)
        if (strstr(bench->run.notes.items[i].text, part))
            return true;
    return false;
}
