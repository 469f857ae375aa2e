// DWARF expressions as they occur in call frame tables: the PLT's, signal frames', realigned
// stacks'.
#ifndef TACHO_UNWIND_EXPRESSION_H
#define TACHO_UNWIND_EXPRESSION_H

#include "unwind/registers.h"
#include "unwind/stack_copy.h"

enum tacho_expression_result {
    TACHO_EXPRESSION_OK = 0,
    TACHO_EXPRESSION_BAD,     // malformed, or an operator that has no place in a frame table
    TACHO_EXPRESSION_OUTSIDE, // it reads memory that is not in the copy of the stack
};

// Evaluates the expression of which `bytes` begins with the length (ULEB128); with `has_first`,
// `first` is pushed before it runs (rules for registers: the CFA).
enum tacho_expression_result tacho_expression_run(const uint8_t *bytes, const uint8_t *end,
                                                  const struct tacho_registers *registers,
                                                  const struct tacho_stack_copy *stack,
                                                  bool has_first, uint64_t first, uint64_t *value);

#endif
