// Interprets call frame instructions up to a program counter (DWARF 4, section 6.4.2).
#include <string.h>

#include "unwind/cursor.h"
#include "unwind/frame_table.h"

#define REMEMBERED_MAX 16

// Instruction numbers; those with an operand in the low six bits come first.
#define ADVANCE_LOC        0x40
#define OFFSET             0x80
#define RESTORE            0xc0
#define NOP                0x00
#define SET_LOC            0x01
#define ADVANCE_LOC1       0x02
#define ADVANCE_LOC2       0x03
#define ADVANCE_LOC4       0x04
#define OFFSET_EXTENDED    0x05
#define RESTORE_EXTENDED   0x06
#define UNDEFINED          0x07
#define SAME_VALUE         0x08
#define REGISTER           0x09
#define REMEMBER_STATE     0x0a
#define RESTORE_STATE      0x0b
#define DEF_CFA            0x0c
#define DEF_CFA_REGISTER   0x0d
#define DEF_CFA_OFFSET     0x0e
#define DEF_CFA_EXPRESSION 0x0f
#define EXPRESSION         0x10
#define OFFSET_EXTENDED_SF 0x11
#define DEF_CFA_SF         0x12
#define DEF_CFA_OFFSET_SF  0x13
#define VAL_OFFSET         0x14
#define VAL_OFFSET_SF      0x15
#define VAL_EXPRESSION     0x16
#define GNU_ARGS_SIZE      0x2e
#define GNU_NEGATIVE       0x2f

struct machine {
    const struct tacho_frame_entry *entry;
    const uint8_t *frame_bytes;
    struct tacho_cursor cursor;
    struct tacho_frame_row *row;
    const struct tacho_frame_row *initial; // what RESTORE goes back to; NULL in the common part
    uint64_t at;                           // the program counter that the row holds for
    unsigned remembered;
    struct tacho_frame_row stack[REMEMBERED_MAX];
};

static void set_rule(struct machine *machine, uint64_t number, enum tacho_frame_rule rule,
                     int64_t value)
{
    if (number < TACHO_REGISTER_COUNT) { // others, as vector registers, do not matter here
        machine->row->rule[number] = (uint8_t)rule;
        machine->row->value[number] = value;
    }
}

static void restore_rule(struct machine *machine, uint64_t number)
{
    if (!machine->initial)
        machine->cursor.bad = true;
    else if (number < TACHO_REGISTER_COUNT)
        set_rule(machine, number, machine->initial->rule[number], machine->initial->value[number]);
}

static void set_cfa_register(struct machine *machine, uint64_t number)
{
    if (number >= TACHO_REGISTER_COUNT)
        machine->cursor.bad = true;
    machine->row->cfa_register = (uint8_t)number;
    machine->row->cfa_is_expression = false;
}

// Skips a block and returns its place in the table's bytes.
static int64_t block(struct machine *machine)
{
    int64_t place = machine->cursor.at - machine->frame_bytes;
    uint64_t size = tacho_cursor_uleb(&machine->cursor);
    (void)tacho_cursor_bytes(&machine->cursor, size);
    return place;
}

static void remember(struct machine *machine)
{
    if (machine->remembered == REMEMBERED_MAX)
        machine->cursor.bad = true;
    else
        machine->stack[machine->remembered++] = *machine->row;
}

static void recall(struct machine *machine)
{
    if (machine->remembered == 0)
        machine->cursor.bad = true;
    else
        *machine->row = machine->stack[--machine->remembered];
}

static void run_cfa(struct machine *machine, uint8_t code)
{
    struct tacho_cursor *cursor = &machine->cursor;
    switch (code) {
    case DEF_CFA:
        set_cfa_register(machine, tacho_cursor_uleb(cursor));
        machine->row->cfa_value = (int64_t)tacho_cursor_uleb(cursor);
        return;
    case DEF_CFA_SF:
        set_cfa_register(machine, tacho_cursor_uleb(cursor));
        machine->row->cfa_value = tacho_cursor_sleb(cursor) * machine->entry->data_align;
        return;
    case DEF_CFA_REGISTER:
        set_cfa_register(machine, tacho_cursor_uleb(cursor));
        return;
    case DEF_CFA_OFFSET:
        machine->row->cfa_value = (int64_t)tacho_cursor_uleb(cursor);
        return;
    case DEF_CFA_OFFSET_SF:
        machine->row->cfa_value = tacho_cursor_sleb(cursor) * machine->entry->data_align;
        return;
    default: // DEF_CFA_EXPRESSION
        machine->row->cfa_is_expression = true;
        machine->row->cfa_value = block(machine);
        return;
    }
}

static void run_rule(struct machine *machine, uint8_t code)
{
    struct tacho_cursor *cursor = &machine->cursor;
    uint64_t number = tacho_cursor_uleb(cursor);
    int64_t align = machine->entry->data_align;
    switch (code) {
    case OFFSET_EXTENDED:
        set_rule(machine, number, TACHO_FRAME_OFFSET, (int64_t)tacho_cursor_uleb(cursor) * align);
        return;
    case OFFSET_EXTENDED_SF:
        set_rule(machine, number, TACHO_FRAME_OFFSET, tacho_cursor_sleb(cursor) * align);
        return;
    case GNU_NEGATIVE:
        set_rule(machine, number, TACHO_FRAME_OFFSET, -(int64_t)tacho_cursor_uleb(cursor) * align);
        return;
    case VAL_OFFSET:
        set_rule(machine, number, TACHO_FRAME_VAL_OFFSET,
                 (int64_t)tacho_cursor_uleb(cursor) * align);
        return;
    case VAL_OFFSET_SF:
        set_rule(machine, number, TACHO_FRAME_VAL_OFFSET, tacho_cursor_sleb(cursor) * align);
        return;
    case REGISTER:
        set_rule(machine, number, TACHO_FRAME_REGISTER, (int64_t)tacho_cursor_uleb(cursor));
        return;
    case EXPRESSION:
        set_rule(machine, number, TACHO_FRAME_EXPRESSION, block(machine));
        return;
    case VAL_EXPRESSION:
        set_rule(machine, number, TACHO_FRAME_VAL_EXPRESSION, block(machine));
        return;
    case RESTORE_EXTENDED:
        restore_rule(machine, number);
        return;
    case UNDEFINED:
        set_rule(machine, number, TACHO_FRAME_UNDEFINED, 0);
        return;
    default: // SAME_VALUE
        set_rule(machine, number, TACHO_FRAME_SAME, 0);
        return;
    }
}

// Returns how far the location moves on; every other instruction is carried out.
static uint64_t run_one(struct machine *machine, uint8_t code)
{
    struct tacho_cursor *cursor = &machine->cursor;
    uint64_t unit = machine->entry->code_align;
    switch (code) {
    case NOP:
        return 0;
    case SET_LOC: // its encoding is the pointer encoding of the table; no compiler here emits it
        cursor->bad = true;
        return 0;
    case ADVANCE_LOC1:
        return tacho_cursor_u8(cursor) * unit;
    case ADVANCE_LOC2:
        return tacho_cursor_u16(cursor) * unit;
    case ADVANCE_LOC4:
        return tacho_cursor_u32(cursor) * unit;
    case REMEMBER_STATE:
        remember(machine);
        return 0;
    case RESTORE_STATE:
        recall(machine);
        return 0;
    case GNU_ARGS_SIZE:
        (void)tacho_cursor_uleb(cursor);
        return 0;
    default:
        break;
    }
    if ((code >= DEF_CFA && code <= DEF_CFA_EXPRESSION) || code == DEF_CFA_SF ||
        code == DEF_CFA_OFFSET_SF)
        run_cfa(machine, code);
    else if ((code >= OFFSET_EXTENDED && code <= VAL_EXPRESSION) || code == GNU_NEGATIVE)
        run_rule(machine, code);
    else
        cursor->bad = true;
    return 0;
}

// Until the instructions end or the location passes `pc`.
static bool run_until(struct machine *machine, const uint8_t *begin, const uint8_t *end,
                      uint64_t pc)
{
    struct tacho_cursor *cursor = &machine->cursor;
    *cursor = (struct tacho_cursor){begin, end, false};
    while (!cursor->bad && cursor->at < cursor->end) {
        uint8_t code = tacho_cursor_u8(cursor);
        uint8_t low = code & 0x3f;
        switch (code & 0xc0) {
        case ADVANCE_LOC:
            machine->at += low * machine->entry->code_align;
            break;
        case OFFSET:
            set_rule(machine, low, TACHO_FRAME_OFFSET,
                     (int64_t)tacho_cursor_uleb(cursor) * machine->entry->data_align);
            break;
        case RESTORE:
            restore_rule(machine, low);
            break;
        default:
            machine->at += run_one(machine, code);
            break;
        }
        if (machine->at > pc)
            break;
    }
    return !cursor->bad;
}

bool tacho_frame_program_run(const struct tacho_frame_entry *entry, const uint8_t *frame_bytes,
                             uint64_t pc, struct tacho_frame_row *row)
{
    struct machine machine;
    struct tacho_frame_row initial;
    machine.entry = entry;
    machine.frame_bytes = frame_bytes;
    machine.row = row;
    machine.initial = NULL;
    machine.at = entry->pc;
    machine.remembered = 0;
    memset(row, 0, sizeof *row);
    row->is_signal = entry->is_signal;
    row->return_register = entry->return_register;
    if (!run_until(&machine, entry->initial, entry->initial_end, UINT64_MAX))
        return false;
    initial = *row;
    machine.initial = &initial;
    machine.at = entry->pc;
    return run_until(&machine, entry->program, entry->program_end, pc);
}
