// The kernel's symbols, as far as /proc/kallsyms shows them to this user.
//
// The list is read once and never kept: each wanted address remembers the nearest symbol below it.
// The kernel needs about 0.25 us per symbol to write the list, we a tenth of that to read it.
#ifndef TACHO_SYMBOL_KERNEL_H
#define TACHO_SYMBOL_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fail.h"

struct tacho_kernel_place {
    uint64_t address;
    uint64_t start;   // of the nearest symbol at or below it
    const char *name; // of that symbol; NULL: there is none near
    uint32_t order;   // private: how good the name is among aliases
};

// Names the places, which ascend by address, from the list in the file `path`; names are kept in
// `strings`. Returns how many code symbols with an address were seen, 0 when the kernel hides the
// addresses, or a failure.
int tacho_kernel_names(const char *path, struct tacho_kernel_place *places, size_t count,
                       struct tacho_strings *strings, struct tacho_fail *fail);

#endif
