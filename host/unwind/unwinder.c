// Walks copied stacks by unwind table or frame pointer.
#include "unwind/unwinder.h"

#include <stdlib.h>
#include <string.h>

#include "unwind/expression.h"

#define ROWS_LOG2 14
#define ROWS      (1u << ROWS_LOG2)
#define SAVED     7 // rbx rbp r12 r13 r14 r15 and the return address

enum row_kind {
    ROW_SIMPLE = 1, // CFA = register + offset, everything saved at CFA - 8 * n
    ROW_OUTERMOST,  // nobody called this
    ROW_COMPLEX,    // expressions: interpret the table again
    ROW_NONE,       // the table says nothing about this address
};

struct tacho_unwind_row {
    uint64_t key; // module number and address; 0: empty
    int32_t cfa_offset;
    uint8_t kind, cfa_register;
    int16_t saved[SAVED]; // in units of 8 bytes from the CFA; 0: not saved
};

static const uint8_t saved_register[SAVED] = {
    TACHO_REGISTER_RBX, TACHO_REGISTER_RBP, TACHO_REGISTER_R12, TACHO_REGISTER_R13,
    TACHO_REGISTER_R14, TACHO_REGISTER_R15, TACHO_REGISTER_RIP,
};

struct walk {
    struct tacho_unwinder *unwinder;
    struct tacho_space *space;
    const struct tacho_stack_copy *stack;
    struct tacho_registers registers;
    bool is_exact; // the program counter is not a return address
    size_t depth;
    enum tacho_unwind_end end;
};

int tacho_unwinder_init(struct tacho_unwinder *unwinder, enum tacho_unwind_mode mode,
                        struct tacho_fail *fail)
{
    memset(unwinder, 0, sizeof *unwinder);
    unwinder->mode = mode;
    unwinder->rows = calloc(ROWS, sizeof *unwinder->rows);
    unwinder->watched = calloc(TACHO_WATCHED_MAX, sizeof *unwinder->watched);
    if (unwinder->rows && unwinder->watched)
        return 0;
    tacho_unwinder_release(unwinder);
    return tacho_fail_set(fail, TACHO_ERR_MEMORY, "no memory for unwinding");
}

void tacho_unwinder_release(struct tacho_unwinder *unwinder)
{
    free(unwinder->rows);
    free(unwinder->watched);
    tacho_modules_release(&unwinder->modules);
    memset(unwinder, 0, sizeof *unwinder);
}

static uint8_t simplify(const struct tacho_frame_row *row, struct tacho_unwind_row *simple)
{
    if (row->rule[row->return_register] == TACHO_FRAME_UNDEFINED)
        return ROW_OUTERMOST;
    if (row->cfa_is_expression || row->is_signal || row->return_register != TACHO_REGISTER_RIP ||
        row->rule[TACHO_REGISTER_RIP] != TACHO_FRAME_OFFSET ||
        row->rule[TACHO_REGISTER_R10] > TACHO_FRAME_UNDEFINED ||
        row->rule[TACHO_REGISTER_RSP] != TACHO_FRAME_SAME || row->cfa_value < INT32_MIN ||
        row->cfa_value > INT32_MAX)
        return ROW_COMPLEX;
    simple->cfa_register = row->cfa_register;
    simple->cfa_offset = (int32_t)row->cfa_value;
    for (unsigned i = 0; i < SAVED; i++) {
        uint8_t rule = row->rule[saved_register[i]];
        int64_t value = row->value[saved_register[i]];
        if (rule == TACHO_FRAME_SAME || rule == TACHO_FRAME_UNDEFINED)
            continue;
        if (rule != TACHO_FRAME_OFFSET || value % 8 != 0 || value == 0 || value / 8 < INT16_MIN ||
            value / 8 > INT16_MAX)
            return ROW_COMPLEX;
        simple->saved[i] = (int16_t)(value / 8);
    }
    return ROW_SIMPLE;
}

static const struct tacho_unwind_row *row_of(struct tacho_unwinder *unwinder,
                                             const struct tacho_module *module, uint64_t address)
{
    uint64_t key = (uint64_t)module->number << 44 ^ address;
    struct tacho_unwind_row *row =
        &unwinder->rows[(key * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - ROWS_LOG2)];
    struct tacho_frame_row full;
    unwinder->steps++;
    if (row->key == key)
        return row;
    unwinder->misses++;
    memset(row, 0, sizeof *row);
    row->key = key;
    row->kind = ROW_NONE;
    if (tacho_frame_table_find(&module->table, address, &full))
        row->kind = simplify(&full, row);
    return row;
}

static bool stop(struct walk *walk, enum tacho_unwind_end end)
{
    walk->end = end;
    return false;
}

// Why a read failed: behind the end of the copy, or nowhere near it.
static bool stop_outside(struct walk *walk, uint64_t address)
{
    const struct tacho_stack_copy *stack = walk->stack;
    bool behind = address + 8 > stack->address + stack->size && address >= stack->address;
    return stop(walk, behind ? TACHO_UNWIND_STACK_END : TACHO_UNWIND_BAD_FRAME);
}

// Takes the caller's stack pointer and pc over; a stack that does not shrink would never end.
static bool enter_caller(struct walk *walk, uint64_t stack_pointer, uint64_t pc)
{
    uint64_t before = walk->registers.value[TACHO_REGISTER_RSP];
    walk->registers.value[TACHO_REGISTER_RSP] = stack_pointer;
    walk->registers.value[TACHO_REGISTER_RIP] = pc;
    walk->is_exact = false;
    if (pc == 0)
        return stop(walk, TACHO_UNWIND_COMPLETE);
    if (stack_pointer <= before)
        return stop(walk, TACHO_UNWIND_BAD_FRAME);
    return true;
}

// In an epilogue the tables still name the place that a register was just popped from. It lies
// below the stack pointer by then, and the register has its value again.
static bool read_saved(const struct walk *walk, uint64_t address, uint64_t *value)
{
    if (address < walk->registers.value[TACHO_REGISTER_RSP])
        return true;
    return tacho_stack_copy_read(walk->stack, address, value);
}

static bool step_simple(struct walk *walk, const struct tacho_unwind_row *row)
{
    uint64_t *value = walk->registers.value;
    uint64_t cfa = value[row->cfa_register] + (uint64_t)(int64_t)row->cfa_offset;
    uint64_t address, pc = 0;
    address = cfa + (uint64_t)((int64_t)row->saved[SAVED - 1] * 8);
    if (!tacho_stack_copy_read(walk->stack, address, &pc))
        return stop_outside(walk, address);
    for (unsigned i = 0; i < SAVED - 1; i++) {
        if (!row->saved[i])
            continue;
        address = cfa + (uint64_t)((int64_t)row->saved[i] * 8);
        if (!read_saved(walk, address, &value[saved_register[i]]))
            return stop_outside(walk, address);
    }
    return enter_caller(walk, cfa, pc);
}

// One register of a row with expressions; false: it cannot be had (*address says where it was
// sought).
static bool find_register(const struct walk *walk, const struct tacho_frame_table *table,
                          const struct tacho_frame_row *row, unsigned number, uint64_t cfa,
                          uint64_t *value, uint64_t *address)
{
    const uint8_t *bytes = table->image.frame, *end = bytes + table->image.frame_size;
    int64_t at = row->value[number];
    *address = cfa + (uint64_t)at;
    switch (row->rule[number]) {
    case TACHO_FRAME_OFFSET:
        *value = walk->registers.value[number];
        return read_saved(walk, *address, value);
    case TACHO_FRAME_VAL_OFFSET:
        *value = *address;
        return true;
    case TACHO_FRAME_REGISTER:
        if (at < 0 || at >= TACHO_REGISTER_COUNT)
            return false;
        *value = walk->registers.value[at];
        return true;
    case TACHO_FRAME_EXPRESSION:
        return tacho_expression_run(bytes + at, end, &walk->registers, walk->stack, true, cfa,
                                    address) == TACHO_EXPRESSION_OK &&
               tacho_stack_copy_read(walk->stack, *address, value);
    case TACHO_FRAME_VAL_EXPRESSION:
        return tacho_expression_run(bytes + at, end, &walk->registers, walk->stack, true, cfa,
                                    value) == TACHO_EXPRESSION_OK;
    default: // same or undefined
        *value = number == TACHO_REGISTER_RSP ? cfa : walk->registers.value[number];
        return true;
    }
}

static bool step_complex(struct walk *walk, const struct tacho_module *module, uint64_t address)
{
    struct tacho_frame_row row;
    struct tacho_registers caller;
    uint64_t cfa, sought;
    const struct tacho_image *image = &module->table.image;
    if (!tacho_frame_table_find(&module->table, address, &row))
        return stop(walk, TACHO_UNWIND_BAD_FRAME);
    cfa = walk->registers.value[row.cfa_register] + (uint64_t)row.cfa_value;
    if (row.cfa_is_expression) {
        enum tacho_expression_result result =
            tacho_expression_run(image->frame + row.cfa_value, image->frame + image->frame_size,
                                 &walk->registers, walk->stack, false, 0, &cfa);
        if (result != TACHO_EXPRESSION_OK)
            return stop(walk, result == TACHO_EXPRESSION_OUTSIDE ? TACHO_UNWIND_STACK_END
                                                                 : TACHO_UNWIND_BAD_FRAME);
    }
    for (unsigned i = 0; i < TACHO_REGISTER_COUNT; i++) {
        // Registers that are not followed may be lost; the few that matter may not.
        if (!find_register(walk, &module->table, &row, i, cfa, &caller.value[i], &sought))
            return stop_outside(walk, sought);
    }
    uint64_t pc = caller.value[row.return_register];
    uint64_t stack_pointer = caller.value[TACHO_REGISTER_RSP];
    caller.value[TACHO_REGISTER_RSP] = walk->registers.value[TACHO_REGISTER_RSP];
    walk->registers = caller;
    if (!enter_caller(walk, stack_pointer, pc))
        return false;
    walk->is_exact = row.is_signal;
    return true;
}

// The stack as a program finds it at its first instruction: argc, argv, and the NULL behind it.
static bool is_program_start(const struct walk *walk)
{
    uint64_t at = walk->registers.value[TACHO_REGISTER_RSP], count, end;
    return tacho_stack_copy_read(walk->stack, at, &count) && count < 1u << 20 &&
           tacho_stack_copy_read(walk->stack, at + 8 + 8 * count, &end) && end == 0;
}

// The stack of a thread that has not run yet: nothing but the thread's descriptor, whose first word
// is its own address (as %fs:0 is by the psABI).
static bool is_thread_start(const struct walk *walk)
{
    uint64_t at = walk->registers.value[TACHO_REGISTER_RSP], value;
    for (uint64_t end = at + 64; at < end; at += 8)
        if (tacho_stack_copy_read(walk->stack, at, &value) && value == at)
            return true;
    return false;
}

static bool step_frame_pointer(struct walk *walk)
{
    uint64_t *value = walk->registers.value;
    uint64_t frame = value[TACHO_REGISTER_RBP], pc, caller;
    if (frame == 0) // cleared at the start of every program and thread
        return stop(walk, walk->depth > 1 || is_program_start(walk) ? TACHO_UNWIND_COMPLETE
                                                                    : TACHO_UNWIND_NO_TABLE);
    if (frame < value[TACHO_REGISTER_RSP] || frame % 8 != 0)
        return stop(walk, TACHO_UNWIND_NO_TABLE);
    if (!tacho_stack_copy_read(walk->stack, frame + 8, &pc) ||
        !tacho_stack_copy_read(walk->stack, frame, &caller))
        return stop(walk, frame < walk->stack->address + walk->stack->size + (8u << 20)
                              ? TACHO_UNWIND_STACK_END
                              : TACHO_UNWIND_NO_TABLE);
    if (pc != 0 && !tacho_space_find(walk->space, &walk->unwinder->modules, pc - 1))
        return stop(walk, TACHO_UNWIND_NO_TABLE);
    value[TACHO_REGISTER_RBP] = caller;
    return enter_caller(walk, frame + 16, pc);
}

static const struct tacho_unwind_row *row_at(struct walk *walk, uint64_t pc,
                                             const struct tacho_space_map **map)
{
    struct tacho_unwinder *unwinder = walk->unwinder;
    *map = tacho_space_find(walk->space, &unwinder->modules, pc);
    if (!*map || !(*map)->module || !(*map)->module->has_table)
        return NULL;
    return row_of(unwinder, (*map)->module, pc - (*map)->bias);
}

// Hand-written code in a file that has a table, but none for this place: mostly a few instructions
// around a system call. If what the stack pointer points to is an address that the table knows, it
// is the return address.
static bool step_leaf(struct walk *walk)
{
    uint64_t stack_pointer = walk->registers.value[TACHO_REGISTER_RSP], pc;
    const struct tacho_space_map *map;
    const struct tacho_unwind_row *row;
    if (is_thread_start(walk))
        return stop(walk, TACHO_UNWIND_COMPLETE);
    if (!tacho_stack_copy_read(walk->stack, stack_pointer, &pc) || pc == 0)
        return step_frame_pointer(walk);
    row = row_at(walk, pc - 1, &map);
    if (!row || row->kind == ROW_NONE)
        return step_frame_pointer(walk);
    return enter_caller(walk, stack_pointer + 8, pc);
}

static void watch(struct walk *walk, uint64_t pc)
{
    struct tacho_unwinder *unwinder = walk->unwinder;
    if (pc - walk->space->watch_start >= walk->space->watch_size ||
        unwinder->watched_count == TACHO_WATCHED_MAX)
        return;
    unwinder->watched[unwinder->watched_count++] =
        (struct tacho_watched_frame){.at = walk->depth - 1, .registers = walk->registers};
}

static bool step(struct walk *walk)
{
    enum tacho_unwind_mode mode = walk->unwinder->mode;
    uint64_t pc = walk->registers.value[TACHO_REGISTER_RIP] - (walk->is_exact ? 0 : 1);
    const struct tacho_space_map *map;
    const struct tacho_unwind_row *row;
    watch(walk, pc);
    if (mode == TACHO_UNWIND_FP)
        return step_frame_pointer(walk);
    row = row_at(walk, pc, &map);
    if (!map && walk->depth > 1)
        return stop(walk, TACHO_UNWIND_BAD_FRAME);
    switch (row ? row->kind : 0) {
    case ROW_SIMPLE:
        return step_simple(walk, row);
    case ROW_OUTERMOST:
        return stop(walk, TACHO_UNWIND_COMPLETE);
    case ROW_COMPLEX:
        return step_complex(walk, map->module, pc - map->bias);
    case ROW_NONE:
        if (walk->depth == 1)
            return step_leaf(walk);
        break;
    default:
        break;
    }
    return mode == TACHO_UNWIND_TABLE ? stop(walk, TACHO_UNWIND_NO_TABLE)
                                      : step_frame_pointer(walk);
}

size_t tacho_unwinder_walk(struct tacho_unwinder *unwinder, struct tacho_space *space,
                           const struct tacho_registers *registers,
                           const struct tacho_stack_copy *stack, uint64_t *addresses,
                           enum tacho_unwind_end *end)
{
    struct walk walk = {.unwinder = unwinder,
                        .space = space,
                        .stack = stack,
                        .registers = *registers,
                        .is_exact = true,
                        .depth = 1,
                        .end = TACHO_UNWIND_COMPLETE};
    unwinder->watched_count = 0;
    addresses[0] = registers->value[TACHO_REGISTER_RIP];
    while (step(&walk)) {
        size_t last = unwinder->watched_count - 1;
        if (unwinder->watched_count && unwinder->watched[last].at + 1 == walk.depth)
            unwinder->watched[last].end = walk.registers.value[TACHO_REGISTER_RSP];
        if (walk.depth == TACHO_UNWIND_DEPTH_MAX) {
            walk.end = TACHO_UNWIND_DEPTH;
            break;
        }
        addresses[walk.depth++] =
            walk.registers.value[TACHO_REGISTER_RIP] + (walk.is_exact ? 1 : 0);
    }
    unwinder->stack_used =
        walk.registers.value[TACHO_REGISTER_RSP] - registers->value[TACHO_REGISTER_RSP];
    *end = walk.end;
    return walk.depth;
}
