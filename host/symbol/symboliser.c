// Names the frames of a run: see symboliser.h.
#include "symbol/symboliser.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbol/demangle.h"
#include "symbol/jit_name.h"
#include "symbol/kernel.h"
#include "symbol/module.h"
#include "symbol/module_file.h"
#include "symbol/perf_map.h"
#include "symbol/process.h"

#define NOTES_OF_A_KIND_MAX 8u
#define PARENTS_MAX         8u
#define NAMELESS_MANY       8u // frames without a name, for a module to be spoken of
#define NAMED_MODULES_MAX   3u // that are spoken of by name
#define SAMPLES_FEW         5u // what takes long to read is not read for fewer

static const char *const default_debug_roots[] = {"/usr/lib/debug", NULL};

struct tacho_symboliser {
    struct tacho_symboliser_config config;
    struct tacho_processes processes;
};

struct tacho_symboliser *tacho_symboliser_new(const struct tacho_symboliser_config *config)
{
    size_t capacity = 0;
    struct tacho_symboliser *symboliser = tacho_array_grow(NULL, &capacity, 1, sizeof *symboliser);
    *symboliser = (struct tacho_symboliser){0};
    if (config)
        symboliser->config = *config;
    if (!symboliser->config.debug_roots)
        symboliser->config.debug_roots = default_debug_roots;
    if (!symboliser->config.kernel_symbols)
        symboliser->config.kernel_symbols = "/proc/kallsyms";
    return symboliser;
}

void tacho_symboliser_free(struct tacho_symboliser *symboliser)
{
    if (!symboliser)
        return;
    tacho_processes_release(&symboliser->processes);
    free(symboliser);
}

void tacho_symboliser_hold(struct tacho_symboliser *symboliser, uint32_t pid, const char *path,
                           uint64_t start, uint64_t end)
{
    static const char mark[] = " (deleted)";
    size_t size = strlen(path), mark_size = sizeof mark - 1;
    struct tacho_processes *processes = &symboliser->processes;
    const struct tacho_process *process = tacho_processes_look(processes, pid, true);
    if (path[0] != '/' || path[1] == '/' || strncmp(path, "/memfd:", 7) == 0)
        return;
    if (size > mark_size && strcmp(path + size - mark_size, mark) == 0)
        tacho_processes_keep_deleted(processes, pid, path, start, end);
    else
        tacho_processes_keep_file(processes, process, path);
}

// A frame to be named, by the address it has in its module.
struct wanted {
    uint64_t address;
    uint32_t module, frame;
};

// The work on one run.
struct work {
    struct tacho_symboliser *symboliser;
    struct tacho_run *run;
    struct tacho_fail *fail;
    unsigned notes_refused, notes_jit; // so many were made
    size_t nameless;                   // frames of the present module shown by address
    struct tacho_buffer symbolless;    // names of modules without symbols, separated by commas
    unsigned symbolless_count;
    bool is_brief; // the run has so few samples that they say next to nothing
};

static int compare_wanted(const void *left, const void *right)
{
    const struct wanted *a = left, *b = right;
    if (a->module != b->module)
        return a->module < b->module ? -1 : 1;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return (a->frame > b->frame) - (a->frame < b->frame);
}

static void name_frame(struct work *work, uint32_t frame, const char *function)
{
    work->run->frames.items[frame].function = function;
}

// All of them get the same name: nothing more is known.
static void name_all(struct work *work, const struct wanted *wanted, size_t count, const char *name)
{
    name = tacho_strings_keep(&work->run->strings, name);
    for (size_t i = 0; i < count; i++)
        name_frame(work, wanted[i].frame, name);
}

static int note_refused(struct work *work, const char *text)
{
    if (work->notes_refused++ >= NOTES_OF_A_KIND_MAX)
        return 0;
    return tacho_sink_note(&work->run->sink, TACHO_NOTE_WARNING, "symbols", NAN, work->fail, "%s",
                           text);
}

// The frame of what the scope `index` was inlined into; frames[] remembers those that were made.
static uint32_t caller_frame(struct work *work, const struct tacho_dwarf *dwarf, uint32_t module,
                             uint32_t index, uint32_t *frames)
{
    if (frames[index] != TACHO_NO_INDEX)
        return frames[index];
    const struct tacho_dwarf_scope *scope = &dwarf->scopes.items[index];
    const struct tacho_dwarf_scope *parent = &dwarf->scopes.items[scope->parent];
    struct tacho_run *run = work->run;
    const char *function = tacho_demangle(&run->strings, parent->function ? parent->function : "");
    const char *file =
        tacho_symbol_name_clean(&run->strings, scope->call_file ? scope->call_file : "");
    if (!*function)
        function = "[unknown]";
    if (parent->parent == TACHO_DWARF_NONE)
        frames[index] = tacho_run_frame_add_named(run, function, file, scope->call_line, module, 0);
    else
        frames[index] =
            tacho_run_frame_add_inlined(run, function, file, scope->call_line, module,
                                        caller_frame(work, dwarf, module, scope->parent, frames));
    return frames[index];
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// "MODULE+0x1234" for code without a symbol.
static const char *name_by_address(struct work *work, uint32_t module, uint64_t address)
{
    char name[512];
    const char *path = base_name(work->run->modules.items[module].path);
    int size = (int)strcspn(path, " "); // without " (deleted)"
    snprintf(name, sizeof name, "%.*s+0x%jx", size, path, (uintmax_t)address);
    return tacho_symbol_name_clean(&work->run->strings, name);
}

static bool is_mangled(const char *name)
{
    return name && name[0] == '_' && (name[1] == 'Z' || name[1] == 'R' || name[1] == 'D');
}

// DWARF gives some C++ functions (of local types) only their last name, where the symbol has all of
// it. And what a library calls __libc_malloc inside is malloc to everybody else, with and without
// DWARF.
static bool is_better(const char *symbol, const char *function)
{
    if (is_mangled(symbol) || is_mangled(function))
        return is_mangled(symbol) && !is_mangled(function);
    return function && strspn(symbol, "_") < strspn(function, "_") && !strchr(symbol, '.');
}

static void complete_name(struct tacho_dwarf *dwarf, uint32_t index,
                          const struct tacho_symbol *symbol)
{
    if (index == TACHO_DWARF_NONE || !symbol || !symbol->name)
        return;
    while (dwarf->scopes.items[index].parent != TACHO_DWARF_NONE)
        index = dwarf->scopes.items[index].parent;
    struct tacho_dwarf_scope *scope = &dwarf->scopes.items[index];
    if (is_better(symbol->name, scope->function))
        scope->function = symbol->name;
}

// Names the frame by DWARF as far as it knows, else by the symbol, else by its address.
static void name_place(struct work *work, struct tacho_module *module, const struct wanted *wanted,
                       const struct tacho_dwarf_place *place, const struct tacho_symbol *symbol,
                       uint32_t *caller_frames)
{
    struct tacho_strings *strings = &work->run->strings;
    const char *function = NULL, *file = NULL;
    uint32_t caller = TACHO_NO_INDEX, line = 0;
    if (place) {
        file = place->file;
        line = place->line;
        if (place->scope != TACHO_DWARF_NONE) {
            const struct tacho_dwarf_scope *scope = &module->dwarf.scopes.items[place->scope];
            function = scope->function;
            if (scope->parent != TACHO_DWARF_NONE)
                caller =
                    caller_frame(work, &module->dwarf, wanted->module, place->scope, caller_frames);
        }
    }
    if (!function && symbol && caller == TACHO_NO_INDEX)
        function = symbol->name;
    function = function ? tacho_demangle(strings, function) : "";
    if (!*function) {
        function = name_by_address(work, wanted->module, symbol ? symbol->start : wanted->address);
        work->nameless++;
    }
    struct tacho_run_frame *frame = &work->run->frames.items[wanted->frame];
    frame->function = function;
    frame->caller = caller;
    frame->line = line;
    if (file)
        frame->file = tacho_symbol_name_clean(strings, file);
    if (caller != TACHO_NO_INDEX)
        frame->flags |= TACHO_FRAME_INLINED;
}

// Resolves the addresses, which are virtual ones of the file and ascend.
static void name_places(struct work *work, struct tacho_module *module, const struct wanted *wanted,
                        size_t count)
{
    struct tacho_dwarf_place *places = NULL;
    uint32_t *caller_frames = NULL;
    size_t capacity = 0, scope_capacity = 0;
    if (module->has_dwarf) {
        places = tacho_array_grow(NULL, &capacity, count, sizeof *places);
        for (size_t i = 0; i < count; i++)
            places[i].address = wanted[i].address;
        tacho_dwarf_resolve(&module->dwarf, places, count);
        size_t scopes = module->dwarf.scopes.count;
        caller_frames = tacho_array_grow(NULL, &scope_capacity, scopes + 1, sizeof *caller_frames);
        memset(caller_frames, 0xff, (scopes + 1) * sizeof *caller_frames);
    }
    size_t at = 0;
    for (size_t i = 0; i < count && places; i++)
        complete_name(&module->dwarf, places[i].scope,
                      tacho_symbols_find(&module->symbols, wanted[i].address, &at));
    at = 0;
    for (size_t i = 0; i < count; i++)
        name_place(work, module, &wanted[i], places ? &places[i] : NULL,
                   tacho_symbols_find(&module->symbols, wanted[i].address, &at), caller_frames);
    free(places);
    free(caller_frames);
}

// Keeps the frames that lie in a segment of the file, with virtual addresses, ascending; names the
// others. Returns how many are left.
static size_t to_virtual(struct work *work, const struct tacho_elf_file *file,
                         struct wanted *wanted, size_t count)
{
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t address;
        if (tacho_elf_file_address(file, wanted[i].address, &address)) {
            wanted[known] = wanted[i];
            wanted[known++].address = address;
        } else {
            name_all(work, &wanted[i], 1, "[unknown]");
        }
    }
    if (known)
        qsort(wanted, known, sizeof *wanted, compare_wanted);
    return known;
}

static int name_in_open_file(struct work *work, struct tacho_elf_file *file, struct wanted *wanted,
                             size_t count)
{
    const struct tacho_symboliser_config *config = &work->symboliser->config;
    size_t capacity = 0, known = to_virtual(work, file, wanted, count);
    uint64_t *addresses = tacho_array_grow(NULL, &capacity, known + 1, sizeof *addresses);
    for (size_t i = 0; i < known; i++)
        addresses[i] = wanted[i].address;
    struct tacho_module_request request = {
        .debug_roots = config->debug_roots,
        .lines = config->names_only ? TACHO_MODULE_LINES_NONE
                 : work->is_brief   ? TACHO_MODULE_LINES_OWN
                                    : TACHO_MODULE_LINES_ALL,
        .wanted = addresses,
        .wanted_count = known,
    };
    struct tacho_module module;
    struct tacho_buffer refused = {0};
    tacho_module_open(&module, file, &request, &refused);
    work->nameless = 0;
    name_places(work, &module, wanted, known);
    if (!module.has_names && work->nameless >= NAMELESS_MANY &&
        work->symbolless_count++ < NAMED_MODULES_MAX)
        tacho_buffer_printf(&work->symbolless, "%s%s", work->symbolless.size ? ", " : "",
                            base_name(module.file.path));
    int result = refused.size ? note_refused(work, refused.data) : 0;
    tacho_module_close(&module);
    tacho_buffer_release(&refused);
    free(addresses);
    return result;
}

static int name_in_file(struct work *work, struct wanted *wanted, size_t count)
{
    const struct tacho_run_module run_module = work->run->modules.items[wanted->module];
    struct tacho_elf_file file;
    struct tacho_buffer why = {0};
    bool is_vdso = strcmp(run_module.path, "[vdso]") == 0;
    bool opened = is_vdso ? tacho_vdso_open(&file, &run_module, &why)
                          : tacho_module_file_open(&file, &run_module, work->run,
                                                   &work->symboliser->processes, &why);
    int result = 0;
    if (!opened) {
        name_all(work, wanted, count, "[unknown]");
        if (why.size)
            result = note_refused(work, why.data);
        tacho_buffer_release(&why);
        return result;
    }
    result = name_in_open_file(work, &file, wanted, count);
    tacho_buffer_release(&why);
    return result;
}

static int name_in_kernel(struct work *work, const struct wanted *wanted, size_t count)
{
    struct tacho_strings *strings = &work->run->strings;
    struct tacho_fail fail = {0};
    const char *path = work->symboliser->config.kernel_symbols;
    if (work->is_brief) {
        name_all(work, wanted, count, "[kernel]");
        return tacho_sink_note(
            &work->run->sink, TACHO_NOTE_NOT_AVAILABLE, "symbols", NAN, work->fail,
            "names of kernel functions: not read for fewer than %u samples", SAMPLES_FEW);
    }
    size_t capacity = 0;
    struct tacho_kernel_place *places = tacho_array_grow(NULL, &capacity, count, sizeof *places);
    for (size_t i = 0; i < count; i++)
        places[i] = (struct tacho_kernel_place){.address = wanted[i].address};
    int known = tacho_kernel_names(path, places, count, strings, &fail);
    for (size_t i = 0; i < count; i++)
        name_frame(work, wanted[i].frame,
                   places[i].name ? tacho_demangle(strings, places[i].name)
                                  : tacho_strings_keep(strings, "[kernel]"));
    free(places);
    if (known > 0)
        return 0;
    return tacho_sink_note(&work->run->sink, TACHO_NOTE_NOT_AVAILABLE, "symbols", NAN, work->fail,
                           known < 0
                               ? "names of kernel functions: %s"
                               : "names of kernel functions: %s hides the addresses from this "
                                 "user; run as root, or set kernel.kptr_restrict=0 and "
                                 "kernel.perf_event_paranoid=1",
                           known < 0 ? fail.text : path);
}

static int read_map_in(struct tacho_perf_map *map, int folder_fd, const char *folder, uint32_t pid,
                       uid_t owner, struct tacho_fail *fail)
{
    char name[512];
    snprintf(name, sizeof name, "%sperf-%u.map", folder, pid);
    *fail = (struct tacho_fail){0};
    int known = tacho_perf_map_read(map, folder_fd, name, owner, fail);
    if (known < 0)
        tacho_perf_map_release(map);
    return known;
}

// Reads the map file of `pid`; returns how many functions it names, or a failure. A process in a
// container writes it where its own /tmp is, and calls itself by its own number.
static int read_map(struct work *work, struct tacho_perf_map *map, uint32_t pid,
                    struct tacho_fail *fail)
{
    struct tacho_processes *processes = &work->symboliser->processes;
    const struct tacho_process *process = tacho_processes_look(processes, pid, false);
    uid_t owner = process->has_owner ? process->owner : geteuid();
    char folder[400];
    const char *given = work->symboliser->config.jit_folder;
    snprintf(folder, sizeof folder, "%s/", given ? given : "/tmp");
    int known = TACHO_ERR_NOT_FOUND;
    if (process->root != SIZE_MAX && processes->roots.items[process->root].tmp_fd >= 0)
        known = read_map_in(map, processes->roots.items[process->root].tmp_fd, "",
                            process->inner_pid, owner, fail);
    if (known == TACHO_ERR_NOT_FOUND && process->inner_pid != pid && process->root == SIZE_MAX)
        known = read_map_in(map, AT_FDCWD, folder, process->inner_pid, owner, fail);
    if (known == TACHO_ERR_NOT_FOUND)
        known = read_map_in(map, AT_FDCWD, folder, pid, owner, fail);
    return known;
}

// A forked process runs the code that its parent's JIT made.
static uint32_t parent_of(const struct tacho_run *run, uint32_t pid)
{
    for (size_t i = 0; i < run->threads.count; i++)
        if (run->threads.items[i].pid == pid && run->threads.items[i].tid == pid)
            return run->threads.items[i].parent_pid;
    return 0;
}

static int note_no_map(struct work *work, uint32_t pid, const struct tacho_fail *fail)
{
    if (work->notes_jit++ >= NOTES_OF_A_KIND_MAX)
        return 0;
    if (fail->code != TACHO_ERR_NOT_FOUND)
        return tacho_sink_note(&work->run->sink, TACHO_NOTE_WARNING, "symbols", NAN, work->fail,
                               "%s", fail->text);
    return tacho_sink_note(&work->run->sink, TACHO_NOTE_NOT_AVAILABLE, "symbols", NAN, work->fail,
                           "names of code that process %u made at run time: there is no "
                           "/tmp/perf-%u.map (node --perf-basic-prof, python3.12 -X perf, "
                           "DOTNET_PerfMapEnabled=1 and java's perf-map-agent write one)",
                           pid, pid);
}

static int name_in_jit(struct work *work, const struct wanted *wanted, size_t count)
{
    uint32_t pid = (uint32_t)strtoul(work->run->modules.items[wanted->module].path + 5, NULL, 10);
    struct tacho_perf_map map = {0};
    struct tacho_fail fail = {0};
    int known = read_map(work, &map, pid, &fail);
    uint32_t from = pid;
    for (unsigned i = 0; known == TACHO_ERR_NOT_FOUND && i < PARENTS_MAX; i++) {
        struct tacho_fail fail_parent = {0};
        from = parent_of(work->run, from);
        if (from == 0)
            break;
        known = read_map(work, &map, from, &fail_parent);
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const struct tacho_symbol *symbol =
            tacho_symbols_find(&map.symbols, wanted[i].address, &at);
        struct tacho_jit_name name =
            tacho_jit_name_read(&work->run->strings, symbol ? symbol->name : "[unknown]");
        struct tacho_run_frame *frame = &work->run->frames.items[wanted[i].frame];
        frame->function = name.function;
        frame->file = name.file;
        frame->line = name.line;
    }
    int result = 0;
    if (known < 0)
        result = note_no_map(work, pid, &fail);
    else if (map.refused_lines)
        result = tacho_sink_note(
            &work->run->sink, TACHO_NOTE_WARNING, "symbols", (double)map.refused_lines, work->fail,
            "%zu lines of perf-%u.map were not understood", map.refused_lines, from);
    tacho_perf_map_release(&map);
    return result;
}

// Names the frames of one module.
static int name_group(struct work *work, struct wanted *wanted, size_t count)
{
    if (wanted->module >= work->run->modules.count) {
        name_all(work, wanted, count, "[unknown]");
        return 0;
    }
    const char *path = work->run->modules.items[wanted->module].path;
    if (strcmp(path, "[kernel]") == 0)
        return name_in_kernel(work, wanted, count);
    if (strncmp(path, "[jit ", 5) == 0)
        return name_in_jit(work, wanted, count);
    return name_in_file(work, wanted, count);
}

static int note_symbolless(struct work *work)
{
    char more[48] = "";
    if (work->symbolless_count > NAMED_MODULES_MAX)
        snprintf(more, sizeof more, " and %u more", work->symbolless_count - NAMED_MODULES_MAX);
    return tacho_sink_note(&work->run->sink, TACHO_NOTE_INFO, "symbols", NAN, work->fail,
                           "no symbols in %s%s: functions are shown by their address; the packages "
                           "called -dbgsym or -dbg have the names",
                           work->symbolless.data, more);
}

// A run with a profile that has next to nothing in it, as of a program that ends at once.
static bool is_brief(const struct tacho_run *run)
{
    size_t samples = 0;
    for (size_t i = 0; i < run->profiles.count; i++)
        samples += run->profiles.items[i].samples.count;
    return samples > 0 && samples < SAMPLES_FEW;
}

int tacho_symboliser_run(struct tacho_symboliser *symboliser, struct tacho_run *run,
                         struct tacho_fail *fail)
{
    struct work work = {
        .symboliser = symboliser, .run = run, .fail = fail, .is_brief = is_brief(run)};
    TACHO_ARRAY(struct wanted) wanted = {0};
    for (size_t i = 0; i < run->frames.count; i++) {
        struct tacho_run_frame *frame = &run->frames.items[i];
        if (frame->flags & TACHO_FRAME_SYMBOLISED)
            continue;
        frame->flags |= TACHO_FRAME_SYMBOLISED;
        if (!*frame->function)
            tacho_array_push(&wanted, (struct wanted){frame->address, frame->module, (uint32_t)i});
    }
    if (wanted.count)
        qsort(wanted.items, wanted.count, sizeof *wanted.items, compare_wanted);
    int result = 0;
    for (size_t i = 0, end; i < wanted.count && result == 0; i = end) {
        for (end = i; end < wanted.count && wanted.items[end].module == wanted.items[i].module;)
            end++;
        result = name_group(&work, wanted.items + i, end - i);
    }
    tacho_array_release(&wanted);
    if (result == 0 && work.symbolless_count > 0)
        result = note_symbolless(&work);
    tacho_buffer_release(&work.symbolless);
    return result;
}
