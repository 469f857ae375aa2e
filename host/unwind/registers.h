// The registers that unwinding follows, numbered as in DWARF (x86-64 psABI, figure 3.36).
#ifndef TACHO_UNWIND_REGISTERS_H
#define TACHO_UNWIND_REGISTERS_H

#include <stdint.h>

#define TACHO_REGISTER_RAX   0
#define TACHO_REGISTER_RDX   1
#define TACHO_REGISTER_RCX   2
#define TACHO_REGISTER_RBX   3
#define TACHO_REGISTER_RSI   4
#define TACHO_REGISTER_RDI   5
#define TACHO_REGISTER_RBP   6
#define TACHO_REGISTER_RSP   7
#define TACHO_REGISTER_R8    8
#define TACHO_REGISTER_R10   10
#define TACHO_REGISTER_R12   12
#define TACHO_REGISTER_R13   13
#define TACHO_REGISTER_R14   14
#define TACHO_REGISTER_R15   15
#define TACHO_REGISTER_RIP   16 // the return address column
#define TACHO_REGISTER_COUNT 17

struct tacho_registers {
    uint64_t value[TACHO_REGISTER_COUNT];
};

#endif
