// The library without an operating system: one thread and its interrupts, in memory of the caller.
//
//     static _Alignas(64) char memory[16384];
//     tacho_memory_use(memory, sizeof memory);
//     tacho_start(NULL);
//
// Context: before the first zone, interrupts may be on. Memory: `memory` must stay valid, aligned
// to 64 bytes, and is cleared here; the recording in it has the ring file's layout, so it can be
// sent as it is.
#ifndef TACHO_PORTS_NONE_H
#define TACHO_PORTS_NONE_H

#include <stddef.h>

// Returns 0, or TACHO_ERR_INVALID when it is too small or not aligned.
int tacho_memory_use(void *memory, size_t bytes);

#endif
