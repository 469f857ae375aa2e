// The kernel's symbols, as far as /proc/kallsyms shows them to this user.
#ifndef TACHO_SYMBOL_KERNEL_H
#define TACHO_SYMBOL_KERNEL_H

#include "base/buffer.h"
#include "base/fail.h"
#include "symbol/symbols.h"

// Reads `path` as far as needed to name addresses from `address_min` to `address_max`, and sorts.
// The names live in `text`, which the caller releases. Returns how many symbols there are, 0 when
// the kernel hides their addresses, or a failure. Time: the kernel needs about 0.25 us per symbol
// to write the list.
int tacho_kernel_symbols(struct tacho_symbols *symbols, struct tacho_buffer *text, const char *path,
                         uint64_t address_min, uint64_t address_max, struct tacho_fail *fail);

#endif
