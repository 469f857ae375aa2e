// Whole functions by compiler hooks: what gcc and clang call with -finstrument-functions.
//
// The idea: a hash table from address to zone, read without lock, so that each hook is a probe and
// the same few stores that a zone costs. The table only grows; an entry's id is written before its
// address, so whoever finds the address finds the id. The ring file carries the addresses and where
// code is mapped; names are found outside, when somebody looks.
#include "linux/linux.h"

#include <stddef.h>

#include "core/core.h"

#define SLOT_BITS  15
#define SLOTS      (1u << SLOT_BITS)
#define PROBES_MAX 16u
#define HASH       UINT64_C(0x9e3779b97f4a7c15)

struct entry {
    uint64_t address;
    uint32_t id;
};
static struct entry entries[SLOTS];

static inline uint32_t place_of(uint64_t address)
{
    return (uint32_t)(address * HASH >> (64 - SLOT_BITS));
}

static inline uint32_t find(uint64_t address)
{
    uint32_t at = place_of(address);
    for (uint32_t probe = 0; probe < PROBES_MAX; probe++) {
        const struct entry *entry = &entries[(at + probe) & (SLOTS - 1)];
        uint64_t there = __atomic_load_n(&entry->address, __ATOMIC_ACQUIRE);
        if (TACHO_LIKELY(there == address))
            return entry->id;
        if (there == 0)
            break;
    }
    return 0;
}

// Lock held. 0: no room; the function's executions are then not recorded, and counted as lost.
static uint32_t add(uint64_t address)
{
    static const struct tacho_series series = {"", "", "", "", 0, TACHO_SERIES_FUNCTION, 0, 0};
    uint32_t at = place_of(address), id = find(address);
    for (uint32_t probe = 0; probe < PROBES_MAX && id == 0; probe++) {
        struct entry *entry = &entries[(at + probe) & (SLOTS - 1)];
        if (entry->address != 0)
            continue;
        id = tacho_series_add(&series, address);
        if (id == 0)
            return 0;
        entry->id = id;
        __atomic_store_n(&entry->address, address, __ATOMIC_RELEASE);
    }
    return id;
}

__attribute__((noinline, cold)) static uint32_t make_ready(uint64_t address, uint32_t mode)
{
    uint32_t id = 0;
    tacho_linux_module_note(address);
    if (!tacho_linux_lock())
        return 0;
    if (tacho_linux_ready() == 0 && tacho_slot_ready(mode))
        id = add(address);
    tacho_linux_unlock();
    return id;
}

TACHO_API void __cyg_profile_func_enter(void *function, void *site);
TACHO_API void __cyg_profile_func_exit(void *function, void *site);

void __cyg_profile_func_enter(void *function, void *site)
{
    uint32_t mode = tacho_mode();
    (void)site;
    if (mode == 0)
        return;
    uint32_t id = find((uintptr_t)function);
    if (TACHO_UNLIKELY(id == 0 || (mode & ~tacho_local.ready) != 0)) {
        id = make_ready((uintptr_t)function, mode);
        if (id == 0)
            return;
    }
    tacho_function_enter(id, mode);
}

void __cyg_profile_func_exit(void *function, void *site)
{
    (void)site;
    if (tacho_local.slot == NULL || tacho_local.slot->depth == 0)
        return;
    uint32_t id = find((uintptr_t)function);
    if (TACHO_LIKELY(id != 0))
        tacho_function_leave(id);
}
