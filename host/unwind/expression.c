// Evaluates DWARF expressions (DWARF 4, section 2.5) over the registers and stack of a sample.
#include "unwind/expression.h"

#include "unwind/cursor.h"

#define DEPTH_MAX 32
#define STEPS_MAX 256

struct evaluation {
    struct tacho_cursor cursor;
    const struct tacho_registers *registers;
    const struct tacho_stack_copy *memory;
    uint64_t stack[DEPTH_MAX];
    unsigned depth;
    bool outside;
};

static void push(struct evaluation *run, uint64_t value)
{
    if (run->depth == DEPTH_MAX)
        run->cursor.bad = true;
    else
        run->stack[run->depth++] = value;
}

static uint64_t pop(struct evaluation *run)
{
    if (run->depth == 0) {
        run->cursor.bad = true;
        return 0;
    }
    return run->stack[--run->depth];
}

static void push_register(struct evaluation *run, uint64_t number, int64_t offset)
{
    if (number >= TACHO_REGISTER_COUNT)
        run->cursor.bad = true;
    else
        push(run, run->registers->value[number] + (uint64_t)offset);
}

static void dereference(struct evaluation *run)
{
    uint64_t value = 0;
    if (!tacho_stack_copy_read(run->memory, pop(run), &value))
        run->outside = true;
    push(run, value);
}

static void pick(struct evaluation *run, unsigned index)
{
    if (index >= run->depth)
        run->cursor.bad = true;
    else
        push(run, run->stack[run->depth - 1 - index]);
}

static bool run_constant(struct evaluation *run, uint8_t code)
{
    struct tacho_cursor *cursor = &run->cursor;
    switch (code) {
    case 0x03: // addr
    case 0x0e: // const8u
    case 0x0f: // const8s
        push(run, tacho_cursor_u64(cursor));
        return true;
    case 0x08: // const1u
        push(run, tacho_cursor_u8(cursor));
        return true;
    case 0x09: // const1s
        push(run, (uint64_t)(int64_t)(int8_t)tacho_cursor_u8(cursor));
        return true;
    case 0x0a: // const2u
        push(run, tacho_cursor_u16(cursor));
        return true;
    case 0x0b: // const2s
        push(run, (uint64_t)(int64_t)(int16_t)tacho_cursor_u16(cursor));
        return true;
    case 0x0c: // const4u
        push(run, tacho_cursor_u32(cursor));
        return true;
    case 0x0d: // const4s
        push(run, (uint64_t)(int64_t)(int32_t)tacho_cursor_u32(cursor));
        return true;
    case 0x10: // constu
        push(run, tacho_cursor_uleb(cursor));
        return true;
    case 0x11: // consts
        push(run, (uint64_t)tacho_cursor_sleb(cursor));
        return true;
    default:
        return false;
    }
}

static bool run_binary(struct evaluation *run, uint8_t code)
{
    uint64_t right, left;
    if (code < 0x1a || code > 0x2e)
        return false;
    right = pop(run);
    left = pop(run);
    switch (code) {
    case 0x1a:
        push(run, left & right);
        return true;
    case 0x1c:
        push(run, left - right);
        return true;
    case 0x1e:
        push(run, left * right);
        return true;
    case 0x21:
        push(run, left | right);
        return true;
    case 0x22:
        push(run, left + right);
        return true;
    case 0x24:
        push(run, right < 64 ? left << right : 0);
        return true;
    case 0x25:
        push(run, right < 64 ? left >> right : 0);
        return true;
    case 0x27:
        push(run, left ^ right);
        return true;
    case 0x29:
        push(run, left == right);
        return true;
    case 0x2a:
        push(run, (int64_t)left >= (int64_t)right);
        return true;
    case 0x2b:
        push(run, (int64_t)left > (int64_t)right);
        return true;
    case 0x2c:
        push(run, (int64_t)left <= (int64_t)right);
        return true;
    case 0x2d:
        push(run, (int64_t)left < (int64_t)right);
        return true;
    case 0x2e:
        push(run, left != right);
        return true;
    default: // division and arithmetic shift do not occur in frame tables
        run->cursor.bad = true;
        return true;
    }
}

static bool run_stack(struct evaluation *run, uint8_t code)
{
    uint64_t first, second;
    switch (code) {
    case 0x06:
        dereference(run);
        return true;
    case 0x12: // dup
        pick(run, 0);
        return true;
    case 0x13: // drop
        (void)pop(run);
        return true;
    case 0x14: // over
        pick(run, 1);
        return true;
    case 0x15:
        pick(run, tacho_cursor_u8(&run->cursor));
        return true;
    case 0x16: // swap
        first = pop(run);
        second = pop(run);
        push(run, first);
        push(run, second);
        return true;
    case 0x1f: // neg
        push(run, 0 - pop(run));
        return true;
    case 0x20: // not
        push(run, ~pop(run));
        return true;
    case 0x23: // plus_uconst
        first = pop(run);
        push(run, first + tacho_cursor_uleb(&run->cursor));
        return true;
    case 0x96: // nop
        return true;
    default:
        return false;
    }
}

static void run_branch(struct evaluation *run, uint8_t code, const uint8_t *begin)
{
    int16_t offset = (int16_t)tacho_cursor_u16(&run->cursor);
    if (code == 0x28 && pop(run) == 0)
        return;
    if (offset < begin - run->cursor.at || offset > run->cursor.end - run->cursor.at)
        run->cursor.bad = true;
    else
        run->cursor.at += offset;
}

enum tacho_expression_result tacho_expression_run(const uint8_t *bytes, const uint8_t *end,
                                                  const struct tacho_registers *registers,
                                                  const struct tacho_stack_copy *stack,
                                                  bool has_first, uint64_t first, uint64_t *value)
{
    struct evaluation run = {
        .cursor = {bytes, end, false}, .registers = registers, .memory = stack};
    uint64_t size = tacho_cursor_uleb(&run.cursor);
    const uint8_t *begin = run.cursor.at;
    if (size > (uint64_t)(run.cursor.end - run.cursor.at))
        return TACHO_EXPRESSION_BAD;
    run.cursor.end = begin + size;
    if (has_first)
        push(&run, first);
    for (unsigned step = 0; run.cursor.at < run.cursor.end && !run.cursor.bad; step++) {
        uint8_t code = tacho_cursor_u8(&run.cursor);
        if (step == STEPS_MAX)
            run.cursor.bad = true;
        else if (code >= 0x30 && code <= 0x4f) // lit0 .. lit31
            push(&run, code - 0x30u);
        else if (code >= 0x70 && code <= 0x8f) // breg0 .. breg31
            push_register(&run, code - 0x70u, tacho_cursor_sleb(&run.cursor));
        else if (code == 0x2f || code == 0x28) // skip, bra
            run_branch(&run, code, begin);
        else if (!run_constant(&run, code) && !run_stack(&run, code) && !run_binary(&run, code))
            run.cursor.bad = true;
    }
    if (run.outside)
        return TACHO_EXPRESSION_OUTSIDE;
    if (run.cursor.bad || run.depth == 0)
        return TACHO_EXPRESSION_BAD;
    *value = run.stack[run.depth - 1];
    return TACHO_EXPRESSION_OK;
}
