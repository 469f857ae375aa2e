// Reads the Python frames of a process from outside.
#include "capture/python_names.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/time.h"

// CPython 3.11, without Py_DEBUG.
#define OBJECT_TYPE       8
#define OBJECT_SIZE       16
#define CODE_STACK_SIZE   68
#define CODE_FIRST_LINE   72
#define CODE_LOCALS       76
#define CODE_FILENAME     112
#define CODE_QUALNAME     128
#define CODE_BYTES        184 // the instructions, two bytes each; OBJECT_SIZE counts them
#define FRAME_CODE        32
#define FRAME_PREVIOUS    48
#define FRAME_IS_ENTRY    68
#define FRAME_OWNER       69 // 0: it lies on the thread's own pile of frames
#define FRAME_BYTES       72 // and then its locals and values, 8 bytes each
#define CFRAME_CURRENT    8
#define CFRAME_PREVIOUS   16
#define THREAD_ERRORS     120 // of a thread's state: the innermost handler's state, mostly its own
#define THREAD_NUMBER     160 // as from gettid
#define THREAD_OWN_ERRORS 272
#define THREAD_ROOT       288 // the outermost struct of the chain of loops
#define TEXT_LENGTH       16
#define TEXT_STATE        32
#define TEXT_ASCII        48
#define TEXT_OTHER        72
#define TEXT_IS_COMPACT   0x20u
#define TEXT_IS_ASCII     0x40u

#define PILE_BYTES   65536u // frames further apart are in different pieces of the pile
#define PAGE         UINT64_C(4096)
#define PAGES        8  // of the process' memory that are kept while one stack is named
#define CHAIN_MAX    64 // Python calls in one run of the loop
#define SLOT_WORDS   96 // of the loop's C frame, down from its end
#define SLOTS        (SLOT_WORDS + 6)
#define LEARN_TRIES  8
#define LEARN_CODES  3 // different code objects in them: one alone proves nothing
#define LEARN_ROUNDS 100
#define FRESH_NS     (10 * TACHO_NS_PER_MS) // most often the program is still where it was
#define RECHECK_NS   TACHO_NS_PER_S // a code object may be freed and its memory used for another
#define NAME_MAX     200u

struct code {
    uint64_t start, end; // of the instructions
    uint64_t object;
    uint64_t qualname; // the address of its name, as a sign that it is still the same
    int64_t checked_ns;
    const char *function, *file;
    uint32_t line, frame_size;
};

struct chain {             // what ran below a loop, innermost first
    uint32_t first, count; // in `links`
};

struct page {
    uint64_t address; // 0: none
    uint8_t bytes[4096];
};

struct tacho_python_layout {
    struct tacho_python_layout *next;
    uint64_t identity;        // a hash of the build id, or of the path
    uint64_t cframe_from_end; // of the loop's C frame; 0: not learnt yet
    uint32_t slot_hits[SLOTS], slot_tries;
    uint64_t last_object;
    uint32_t object_changes;
    uint32_t rounds; // that learning has taken
};

struct tacho_python {
    pid_t pid;
    uint64_t code_type; // the address of PyCode_Type
    struct tacho_python_layout *layout;
    TACHO_ARRAY(struct code) codes; // by start
    TACHO_ARRAY(uint64_t) links;    // code objects
    TACHO_ARRAY(struct chain) chains;
    struct tacho_map chain_of; // hash of frame and code object: index of the chain
    struct tacho_strings strings;
    struct page pages[PAGES];
    unsigned page_next;
};

// --- symbols of the interpreter ---

struct interpreter {
    uint64_t loop, loop_size, code_type, version;
};

static void take_symbol(struct interpreter *found, const char *name, const GElf_Sym *symbol)
{
    if (strcmp(name, "_PyEval_EvalFrameDefault") == 0) {
        found->loop = symbol->st_value;
        found->loop_size = symbol->st_size;
    } else if (strcmp(name, "PyCode_Type") == 0) {
        found->code_type = symbol->st_value;
    } else if (strcmp(name, "Py_Version") == 0) {
        found->version = symbol->st_value;
    }
}

static void read_symbols(Elf *elf, struct interpreter *found)
{
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    while ((section = elf_nextscn(elf, section))) {
        Elf_Data *data;
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNSYM ||
            header.sh_entsize == 0 || !(data = elf_getdata(section, NULL)))
            continue;
        for (int i = 0; (uint64_t)i < header.sh_size / header.sh_entsize; i++) {
            GElf_Sym symbol;
            if (!gelf_getsym(data, i, &symbol) || symbol.st_value == 0)
                continue;
            const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
            if (name)
                take_symbol(found, name, &symbol);
        }
    }
}

// What an address of the file becomes in the process.
static bool find_bias(Elf *elf, const struct tacho_space_map *map, uint64_t *bias)
{
    size_t count;
    GElf_Phdr header;
    if (elf_getphdrnum(elf, &count) != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_LOAD ||
            !(header.p_flags & PF_X))
            continue;
        *bias = map->start - (header.p_vaddr + map->offset - header.p_offset);
        return true;
    }
    return false;
}

static bool is_python_311(const char *path)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    return strncmp(name, "python3.11", 10) == 0 || strncmp(name, "libpython3.11.so", 16) == 0 ||
           strcmp(name, "python3") == 0 || strcmp(name, "python") == 0;
}

static bool read_interpreter(const struct tacho_space_map *map, struct interpreter *found,
                             uint64_t *bias)
{
    bool good = false;
    int fd = open(map->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    memset(found, 0, sizeof *found);
    if (elf && find_bias(elf, map, bias)) {
        read_symbols(elf, found);
        good = found->loop_size && found->code_type && found->version;
    }
    elf_end(elf);
    close(fd);
    return good;
}

static bool memory_read(struct tacho_python *python, uint64_t address, void *data, size_t size)
{
    struct iovec local = {data, size}, remote = {(void *)(uintptr_t)address, size};
    return process_vm_readv(python->pid, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

static struct tacho_python_layout *layout_of(struct tacho_python_layout **layouts,
                                             const struct tacho_space_map *map)
{
    uint64_t identity = map->build_id_size ? tacho_hash_bytes(map->build_id, map->build_id_size, 0)
                                           : tacho_hash_bytes(map->path, strlen(map->path), 1);
    struct tacho_python_layout *layout = *layouts;
    while (layout && layout->identity != identity)
        layout = layout->next;
    if (layout || !(layout = calloc(1, sizeof *layout)))
        return layout;
    layout->identity = identity;
    layout->next = *layouts;
    return *layouts = layout;
}

struct tacho_python *tacho_python_new(struct tacho_space *space, const struct tacho_space_map *map,
                                      struct tacho_python_layout **layouts)
{
    struct interpreter found;
    uint64_t bias, version = 0;
    struct tacho_python *python;
    if (!is_python_311(map->path) || !read_interpreter(map, &found, &bias))
        return NULL;
    python = calloc(1, sizeof *python);
    if (!python)
        return NULL;
    python->pid = space->pid;
    python->code_type = found.code_type + bias;
    python->layout = layout_of(layouts, map);
    // 0x030b.... is 3.11; other versions lay their frames out in another way.
    if (!python->layout || !memory_read(python, found.version + bias, &version, sizeof version) ||
        version >> 16 != 0x030b) {
        free(python);
        return NULL;
    }
    space->watch_start = found.loop + bias;
    space->watch_size = found.loop_size;
    return python;
}

struct tacho_python *tacho_python_fork(const struct tacho_python *python, pid_t pid)
{
    struct tacho_python *child = python ? calloc(1, sizeof *child) : NULL;
    if (!child)
        return NULL;
    child->pid = pid;
    child->code_type = python->code_type;
    child->layout = python->layout;
    return child;
}

void tacho_python_layouts_free(struct tacho_python_layout *layouts)
{
    while (layouts) {
        struct tacho_python_layout *next = layouts->next;
        free(layouts);
        layouts = next;
    }
}

void tacho_python_free(struct tacho_python *python)
{
    if (!python)
        return;
    tacho_array_release(&python->codes);
    tacho_array_release(&python->links);
    tacho_array_release(&python->chains);
    tacho_map_release(&python->chain_of);
    tacho_strings_release(&python->strings);
    free(python);
}

// --- memory of the process, by pages that are kept while one stack is named ---

static const struct page *page_of(struct tacho_python *python, uint64_t address)
{
    struct page *page;
    for (unsigned i = 0; i < PAGES; i++)
        if (python->pages[i].address == address)
            return &python->pages[i];
    page = &python->pages[python->page_next++ % PAGES];
    page->address = 0;
    if (!memory_read(python, address, page->bytes, sizeof page->bytes))
        return NULL;
    page->address = address;
    return page;
}

static bool peek(struct tacho_python *python, uint64_t address, void *data, size_t size)
{
    while (size > 0) {
        uint64_t offset = address & (PAGE - 1);
        size_t part = size < PAGE - offset ? size : (size_t)(PAGE - offset);
        const struct page *page = address >= PAGE ? page_of(python, address - offset) : NULL;
        if (!page)
            return false;
        memcpy(data, page->bytes + offset, part);
        data = (uint8_t *)data + part;
        address += part;
        size -= part;
    }
    return true;
}

static uint64_t word(const uint8_t *bytes, size_t offset)
{
    uint64_t value;
    memcpy(&value, bytes + offset, 8);
    return value;
}

static void add_utf8(struct tacho_buffer *text, uint32_t point)
{
    if (point < 0x80) {
        tacho_buffer_byte(text, (uint8_t)point);
    } else if (point < 0x800) {
        tacho_buffer_byte(text, (uint8_t)(0xc0 | point >> 6));
        tacho_buffer_byte(text, (uint8_t)(0x80 | (point & 0x3f)));
    } else if (point < 0x10000) {
        tacho_buffer_byte(text, (uint8_t)(0xe0 | point >> 12));
        tacho_buffer_byte(text, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
        tacho_buffer_byte(text, (uint8_t)(0x80 | (point & 0x3f)));
    } else {
        tacho_buffer_byte(text, (uint8_t)(0xf0 | (point >> 18 & 7)));
        tacho_buffer_byte(text, (uint8_t)(0x80 | (point >> 12 & 0x3f)));
        tacho_buffer_byte(text, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
        tacho_buffer_byte(text, (uint8_t)(0x80 | (point & 0x3f)));
    }
}

// A str object as UTF-8; NULL when it cannot be one.
static const char *read_text(struct tacho_python *python, uint64_t object)
{
    uint8_t head[TEXT_OTHER], bytes[NAME_MAX * 4];
    struct tacho_buffer text = {0};
    const char *kept;
    if (!peek(python, object, head, sizeof head))
        return NULL;
    uint64_t length = word(head, TEXT_LENGTH);
    uint32_t state = (uint32_t)word(head, TEXT_STATE), kind = state >> 2 & 7;
    if (!(state & TEXT_IS_COMPACT) || (kind != 1 && kind != 2 && kind != 4) || length > 1u << 20)
        return NULL;
    if (length > NAME_MAX)
        length = NAME_MAX;
    uint64_t from = object + (state & TEXT_IS_ASCII ? TEXT_ASCII : TEXT_OTHER);
    if (!peek(python, from, bytes, length * kind))
        return NULL;
    for (uint64_t i = 0; i < length; i++) {
        uint32_t point = 0;
        memcpy(&point, bytes + i * kind, kind);
        add_utf8(&text, point);
    }
    kept = tacho_strings_keep(&python->strings, text.size ? text.data : "");
    tacho_buffer_release(&text);
    return kept;
}

// --- code objects ---

static size_t code_place(const struct tacho_python *python, uint64_t address)
{
    size_t low = 0, high = python->codes.count;
    while (low < high) { // the first that ends behind the address
        size_t middle = low + (high - low) / 2;
        if (python->codes.items[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static const struct code *code_at(const struct tacho_python *python, uint64_t address)
{
    size_t place = code_place(python, address);
    return place < python->codes.count && python->codes.items[place].start <= address
               ? &python->codes.items[place]
               : NULL;
}

static void code_insert(struct tacho_python *python, const struct code *code)
{
    size_t place = code_place(python, code->start), last = place;
    while (last < python->codes.count && python->codes.items[last].start < code->end)
        last++; // what was there before has been freed
    if (last == place) {
        tacho_array_push(&python->codes, *code);
        memmove(&python->codes.items[place + 1], &python->codes.items[place],
                (python->codes.count - 1 - place) * sizeof *code);
    } else {
        memmove(&python->codes.items[place + 1], &python->codes.items[last],
                (python->codes.count - last) * sizeof *code);
        python->codes.count -= last - place - 1;
    }
    python->codes.items[place] = *code;
}

// The code object at `object`, read when it is not known or was last looked at a while ago.
static const struct code *code_read(struct tacho_python *python, uint64_t object)
{
    const struct code *known = code_at(python, object + CODE_BYTES);
    int64_t now_ns = tacho_time_monotonic_ns();
    uint8_t head[CODE_BYTES];
    if (known && known->object == object && now_ns - known->checked_ns < RECHECK_NS)
        return known;
    if (object % 8 != 0 || !peek(python, object, head, sizeof head) ||
        word(head, OBJECT_TYPE) != python->code_type)
        return NULL;
    uint64_t count = word(head, OBJECT_SIZE), qualname = word(head, CODE_QUALNAME);
    if (count == 0 || count > 1u << 24)
        return NULL;
    struct code code = {.start = object + CODE_BYTES,
                        .end = object + CODE_BYTES + 2 * count,
                        .object = object,
                        .qualname = qualname,
                        .checked_ns = now_ns,
                        .line = (uint32_t)word(head, CODE_FIRST_LINE),
                        .frame_size = FRAME_BYTES + 8 * ((uint32_t)word(head, CODE_STACK_SIZE) +
                                                         (uint32_t)word(head, CODE_LOCALS))};
    if (known && known->object == object && known->end == code.end && known->qualname == qualname) {
        python->codes.items[known - python->codes.items].checked_ns = now_ns;
        return known;
    }
    code.function = read_text(python, qualname);
    code.file = read_text(python, word(head, CODE_FILENAME));
    if (!code.function || !code.file)
        return NULL;
    code_insert(python, &code);
    return code_at(python, code.start);
}

// --- frames ---

// Frames of one thread are piled up without gaps, so a caller that is of another size than the
// distance to it is not the caller any more.
static bool is_on_top(const uint8_t *bytes, uint64_t frame, uint64_t caller,
                      const struct code *caller_code, const uint8_t *caller_bytes)
{
    uint64_t distance = frame - caller;
    return bytes[FRAME_OWNER] != 0 || caller_bytes[FRAME_OWNER] != 0 || distance > PILE_BYTES ||
           distance == caller_code->frame_size;
}

// The code objects that one run of the loop has under way, innermost first; `outer` is the frame at
// which the next outer run goes on. 0: what is there now does not fit together.
static size_t read_chain(struct tacho_python *python, uint64_t frame, uint64_t outer,
                         uint64_t *objects)
{
    size_t count = 0;
    uint64_t inner = 0;
    uint8_t bytes[FRAME_BYTES], inner_bytes[FRAME_BYTES];
    while (count < CHAIN_MAX && frame % 8 == 0 && peek(python, frame, bytes, sizeof bytes)) {
        const struct code *code = code_read(python, word(bytes, FRAME_CODE));
        if (!code || (inner && !is_on_top(inner_bytes, inner, frame, code, bytes)))
            return 0;
        objects[count++] = code->object;
        inner = frame;
        memcpy(inner_bytes, bytes, sizeof bytes);
        frame = word(bytes, FRAME_PREVIOUS);
        if (bytes[FRAME_IS_ENTRY] || frame == 0 || frame == outer)
            return count;
    }
    return 0;
}

// The places where the loop may keep its instruction pointer: callee-saved registers, words of its
// C frame down from the end.
static bool slot_value(const struct tacho_watched_frame *watched,
                       const struct tacho_stack_copy *stack, unsigned slot, uint64_t *value)
{
    static const uint8_t kept[] = {TACHO_REGISTER_RBX, TACHO_REGISTER_RBP, TACHO_REGISTER_R12,
                                   TACHO_REGISTER_R13, TACHO_REGISTER_R14, TACHO_REGISTER_R15};
    if (slot < sizeof kept) {
        *value = watched->registers.value[kept[slot]];
        return true;
    }
    uint64_t address = watched->end - 8 * (slot - sizeof kept + 1);
    return address >= watched->registers.value[TACHO_REGISTER_RSP] &&
           tacho_stack_copy_read(stack, address, value);
}

static void learn_slots(struct tacho_python_layout *layout,
                        const struct tacho_watched_frame *watched,
                        const struct tacho_stack_copy *stack, const struct code *code)
{
    if (layout->slot_tries >= 1000) { // old evidence fades
        layout->slot_tries /= 2;
        for (unsigned i = 0; i < SLOTS; i++)
            layout->slot_hits[i] /= 2;
    }
    layout->slot_tries++;
    layout->object_changes += layout->last_object != code->object;
    layout->last_object = code->object;
    for (unsigned i = 0; i < SLOTS; i++) {
        uint64_t value;
        if (slot_value(watched, stack, i, &value) && value >= code->start && value <= code->end)
            layout->slot_hits[i]++;
    }
}

static bool knows_slot(const struct tacho_python_layout *layout)
{
    return layout->slot_tries >= LEARN_TRIES && layout->object_changes >= LEARN_CODES;
}

// The instruction pointer of the loop at the instant of the sample; false when its slot is not
// known.
static bool instruction_of(const struct tacho_python_layout *layout,
                           const struct tacho_watched_frame *watched,
                           const struct tacho_stack_copy *stack, uint64_t *value)
{
    unsigned best = 0;
    for (unsigned i = 1; i < SLOTS; i++)
        if (layout->slot_hits[i] > layout->slot_hits[best])
            best = i;
    return knows_slot(layout) && slot_value(watched, stack, best, value);
}

// The first struct of a thread's chain belongs to no loop; it is empty, and part of the thread's
// state.
static bool is_root(struct tacho_python *python, uint64_t place, pid_t tid)
{
    uint8_t state[THREAD_ROOT + 24];
    uint64_t thread = place - THREAD_ROOT;
    return place % 8 == 0 && place > THREAD_ROOT && peek(python, thread, state, sizeof state) &&
           word(state, THREAD_ROOT + CFRAME_CURRENT) == 0 &&
           word(state, THREAD_ROOT + CFRAME_PREVIOUS) == 0 &&
           (word(state, THREAD_NUMBER) == (uint64_t)tid ||
            word(state, THREAD_ERRORS) == thread + THREAD_OWN_ERRORS);
}

// The structs are at the same place in each loop's C frame, and each points to the next outer one;
// the outermost to the thread's root. `outer` NULL: there is no other loop.
static void learn_cframe(struct tacho_python *python, const struct tacho_watched_frame *inner,
                         const struct tacho_watched_frame *outer,
                         const struct tacho_stack_copy *stack, pid_t tid)
{
    uint64_t objects[CHAIN_MAX];
    for (uint64_t from_end = 24; from_end <= 8 * SLOT_WORDS; from_end += 8) {
        uint64_t place = inner->end - from_end, previous, frame;
        if (place < inner->registers.value[TACHO_REGISTER_RSP] ||
            !tacho_stack_copy_read(stack, place + CFRAME_PREVIOUS, &previous) ||
            !tacho_stack_copy_read(stack, place + CFRAME_CURRENT, &frame) || frame == 0 ||
            (outer && previous != outer->end - from_end))
            continue;
        if (outer || (is_root(python, previous, tid) && read_chain(python, frame, 0, objects))) {
            python->layout->cframe_from_end = from_end;
            return;
        }
    }
}

static void chain_keep(struct tacho_python *python, uint64_t frame, const uint64_t *objects,
                       size_t count)
{
    bool added;
    uint64_t *index = tacho_map_put(&python->chain_of,
                                    tacho_hash_u64(frame) ^ tacho_hash_u64(objects[0] + 1), &added);
    struct chain *chain;
    if (added) {
        *index = python->chains.count;
        tacho_array_push(&python->chains, (struct chain){0, 0});
    }
    chain = &python->chains.items[*index];
    if (chain->count == count &&
        memcmp(&python->links.items[chain->first], objects, count * sizeof *objects) == 0)
        return;
    *chain = (struct chain){(uint32_t)python->links.count, (uint32_t)count};
    for (size_t i = 0; i < count; i++)
        tacho_array_push(&python->links, objects[i]);
}

static size_t chain_recall(const struct tacho_python *python, uint64_t frame, uint64_t object,
                           uint64_t *objects)
{
    const uint64_t *index =
        tacho_map_get(&python->chain_of, tacho_hash_u64(frame) ^ tacho_hash_u64(object + 1));
    objects[0] = object;
    if (!index)
        return 1; // at least the innermost is certain
    const struct chain *chain = &python->chains.items[*index];
    memcpy(objects, &python->links.items[chain->first], chain->count * sizeof *objects);
    return chain->count;
}

// The frame that was innermost in a run of the loop; 0: not known.
static uint64_t frame_of(const struct tacho_python_layout *layout,
                         const struct tacho_watched_frame *watched,
                         const struct tacho_stack_copy *stack)
{
    uint64_t frame, place = watched->end - layout->cframe_from_end;
    if (watched->end <= layout->cframe_from_end ||
        !tacho_stack_copy_read(stack, place + CFRAME_CURRENT, &frame))
        return 0;
    return frame;
}

// The code objects of one run of the loop at the instant of the sample.
static size_t name_loop(struct tacho_python *python, const struct tacho_watched_frame *watched,
                        const struct tacho_stack_copy *stack, uint64_t frame, uint64_t outer,
                        bool is_fresh, uint64_t *objects)
{
    struct tacho_python_layout *layout = python->layout;
    uint64_t instruction;
    size_t count = read_chain(python, frame, outer, objects);
    const struct code *code = count ? code_at(python, objects[0] + CODE_BYTES) : NULL;
    if (code && is_fresh)
        learn_slots(layout, watched, stack, code);
    if (!instruction_of(layout, watched, stack, &instruction))
        return is_fresh ? count : 0;
    if (code && instruction >= code->start && instruction <= code->end) {
        chain_keep(python, frame, objects, count);
        return count;
    }
    code = code_at(python, instruction);
    return code ? chain_recall(python, frame, code->object, objects) : 0;
}

static size_t add_names(const struct tacho_python *python, const uint64_t *objects, size_t found,
                        size_t at, struct tacho_stack_name *names, size_t count)
{
    for (size_t i = 0; i < found && count < TACHO_PYTHON_NAMES_MAX; i++) {
        const struct code *code = code_at(python, objects[i] + CODE_BYTES);
        if (code)
            names[count++] = (struct tacho_stack_name){.at = (uint16_t)at,
                                                       .line = code->line,
                                                       .function = code->function,
                                                       .file = code->file};
    }
    return count;
}

bool tacho_python_begin(struct tacho_python *python)
{
    struct tacho_python_layout *layout = python->layout;
    for (unsigned i = 0; i < PAGES; i++)
        python->pages[i].address = 0;
    return !knows_slot(layout) && layout->rounds++ < LEARN_ROUNDS;
}

size_t tacho_python_names(struct tacho_python *python, const struct tacho_unwinder *unwinder,
                          const struct tacho_stack_copy *stack, pid_t tid, int64_t age_ns,
                          size_t first, struct tacho_stack_name *names)
{
    const struct tacho_watched_frame *watched = unwinder->watched;
    struct tacho_python_layout *layout = python->layout;
    size_t count = 0, loops = unwinder->watched_count;
    bool is_fresh = age_ns < FRESH_NS;
    for (size_t i = 0; !layout->cframe_from_end && i < loops; i++)
        learn_cframe(python, &watched[i], i + 1 < loops ? &watched[i + 1] : NULL, stack, tid);
    if (!layout->cframe_from_end || loops == 0)
        return 0;
    uint64_t frame = frame_of(layout, &watched[0], stack);
    for (size_t i = 0; i < loops; i++) {
        uint64_t objects[CHAIN_MAX];
        uint64_t outer = i + 1 < loops ? frame_of(layout, &watched[i + 1], stack) : 0;
        size_t found =
            frame ? name_loop(python, &watched[i], stack, frame, outer, is_fresh, objects) : 0;
        count = add_names(python, objects, found, first + watched[i].at, names, count);
        frame = outer;
    }
    return count;
}
