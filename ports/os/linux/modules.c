// Where code is mapped, noted in the ring file so that functions can be named after the process
// died.
#include "linux/linux.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "core/core.h"

#define PATH_MAX_BYTES 1024
#define PAGE_MASK_4K   UINT64_C(0xfff)

struct found {
    uint64_t address;
    bool is_found;
    char path[PATH_MAX_BYTES];
    struct tacho_ring_module module;
};

static bool is_known(uint64_t address)
{
    uint32_t at = __atomic_load_n(&tacho_core.header->module_first, __ATOMIC_ACQUIRE);
    while (at != 0) {
        const struct tacho_ring_module *module = tacho_at(at);
        if (address >= module->start && address < module->end)
            return true;
        at = module->next;
    }
    return false;
}

static void take_build_id(struct found *found, const char *notes, uint64_t size)
{
    for (uint64_t at = 0; at + sizeof(ElfW(Nhdr)) <= size;) {
        const ElfW(Nhdr) *note = (const void *)(notes + at);
        uint64_t name = at + sizeof *note, text = name + ((note->n_namesz + 3u) & ~3u);
        uint64_t end = text + ((note->n_descsz + 3u) & ~3u);
        if (end > size)
            return;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
            memcmp(notes + name, "GNU", 4) == 0 &&
            note->n_descsz <= sizeof found->module.build_id) {
            memcpy(found->module.build_id, notes + text, note->n_descsz);
            found->module.build_id_size = note->n_descsz;
            return;
        }
        at = end;
    }
}

static int look(struct dl_phdr_info *info, size_t size, void *context)
{
    struct found *found = context;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uint64_t start = info->dlpi_addr + part->p_vaddr;
        if (part->p_type != PT_LOAD || found->address < start ||
            found->address >= start + part->p_memsz)
            continue;
        found->is_found = true;
        found->module.start = start & ~PAGE_MASK_4K;
        found->module.end = start + part->p_memsz;
        found->module.offset = part->p_offset & ~PAGE_MASK_4K;
        size_t length = strnlen(info->dlpi_name, PATH_MAX_BYTES - 1);
        memcpy(found->path, info->dlpi_name, length);
    }
    for (int i = 0; found->is_found && i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_NOTE && found->module.build_id_size == 0)
            take_build_id(found, (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
                          info->dlpi_phdr[i].p_memsz);
    return found->is_found;
}

static void add(const struct tacho_ring_module *module, const char *path)
{
    struct tacho_ring_header *header = tacho_core.header;
    uint32_t at = tacho_region_take(sizeof *module);
    if (at == 0)
        return;
    struct tacho_ring_module *made = tacho_at(at);
    *made = *module;
    made->path = tacho_region_text(path);
    made->next = header->module_first;
    header->module_count++;
    __atomic_store_n(&header->module_first, at, __ATOMIC_RELEASE);
}

void tacho_linux_module_note(uint64_t address)
{
    struct found found;
    if (!tacho_core.base || is_known(address))
        return;
    memset(&found, 0, sizeof found);
    found.address = address;
    // Not under our lock: the loader has its own, and constructors run zones while it is held.
    dl_iterate_phdr(look, &found);
    if (!found.is_found)
        return;
    if (found.path[0] == 0) { // the program itself
        ssize_t size = readlink("/proc/self/exe", found.path, sizeof found.path - 1);
        found.path[size > 0 ? size : 0] = 0;
    }
    if (!tacho_linux_lock())
        return;
    if (tacho_linux_ready() == 0 && !is_known(address))
        add(&found.module, found.path);
    tacho_linux_unlock();
}

void tacho_linux_modules_copy(const char *from)
{
    const struct tacho_ring_header *header = (const void *)from;
    for (uint32_t at = header->module_first; at != 0;) {
        const struct tacho_ring_module *module =
            (const void *)(from + (uint64_t)at * TACHO_RING_UNIT);
        add(module, module->path ? from + (uint64_t)module->path * TACHO_RING_UNIT : "");
        at = module->next;
    }
}
