// Names for the stubs through which a program calls its libraries ("malloc@plt"): see elf_file.h.
//
// A stub jumps through a slot of the global offset table; the relocation of that slot names the
// function. Stubs are recognised by their jump, not by their place, so the layouts of all linkers
// (.plt, .plt.sec of control-flow protection, .plt.got) are read alike. x86-64 and AArch64.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/elf_file.h"

struct slot { // of the global offset table
    uint64_t address;
    const char *name;
};

struct slots {
    TACHO_ARRAY(struct slot) items;
};

static int compare_slots(const void *left, const void *right)
{
    const struct slot *a = left, *b = right;
    return (a->address > b->address) - (a->address < b->address);
}

static void add_relocations(const struct tacho_elf_file *file, size_t index, struct slots *slots)
{
    const GElf_Shdr *table = &file->sections.items[index];
    if (table->sh_link == 0 || table->sh_link >= file->sections.count || table->sh_entsize == 0)
        return;
    const GElf_Shdr *symbols = &file->sections.items[table->sh_link];
    Elf_Data *data = elf_getdata(elf_getscn(file->elf, index), NULL);
    Elf_Data *symbol_data = elf_getdata(elf_getscn(file->elf, table->sh_link), NULL);
    if (!data || !symbol_data || symbols->sh_type != SHT_DYNSYM)
        return;
    size_t count = data->d_size / table->sh_entsize;
    for (size_t i = 0; i < count && i < INT32_MAX; i++) {
        GElf_Rela relocation;
        GElf_Sym symbol;
        if (!gelf_getrela(data, (int)i, &relocation))
            return;
        size_t number = GELF_R_SYM(relocation.r_info);
        if (number == 0 || number > INT32_MAX || !gelf_getsym(symbol_data, (int)number, &symbol))
            continue;
        const char *name = elf_strptr(file->elf, symbols->sh_link, symbol.st_name);
        if (name && *name)
            tacho_array_push(&slots->items, (struct slot){relocation.r_offset, name});
    }
}

// Where the stub at `code` (of `size` bytes, at `address`) jumps through; 0: it is none.
static uint64_t jump_slot_x86_64(const uint8_t *code, size_t size, uint64_t address)
{
    for (size_t at = 0; at + 6 <= size && at <= 5; at++) { // endbr64 and a prefix may come first
        int32_t distance;
        if (code[at] != 0xff || code[at + 1] != 0x25) // jmp *distance(%rip)
            continue;
        memcpy(&distance, code + at + 2, sizeof distance);
        return address + at + 6 + (uint64_t)(int64_t)distance;
    }
    return 0;
}

static uint64_t jump_slot_aarch64(const uint8_t *code, size_t size, uint64_t address)
{
    uint32_t words[2];
    if (size < 16)
        return 0;
    memcpy(words, code, sizeof words);
    if ((words[0] & 0x9f00001f) != 0x90000010 || (words[1] & 0xffc003ff) != 0xf9400211)
        return 0; // adrp x16, page; ldr x17, [x16, offset]
    uint64_t pages = (uint64_t)(words[0] >> 5 & 0x7ffff) << 2 | (words[0] >> 29 & 3);
    if (pages & 0x100000)
        pages |= ~UINT64_C(0x1fffff);
    return (address & ~UINT64_C(0xfff)) + (pages << 12) + (uint64_t)(words[1] >> 10 & 0xfff) * 8;
}

static void add_stubs(const struct tacho_elf_file *file, const char *section, size_t stub_size,
                      const struct slots *slots, struct tacho_symbols *symbols,
                      struct tacho_arena *names)
{
    GElf_Shdr header;
    Elf_Data *data = tacho_elf_file_section(file, section, &header);
    if (!data)
        return;
    if (header.sh_entsize == 8 || header.sh_entsize == 16 || header.sh_entsize == 24)
        stub_size = header.sh_entsize;
    for (size_t at = 0; at + stub_size <= data->d_size; at += stub_size) {
        const uint8_t *code = (const uint8_t *)data->d_buf + at;
        uint64_t address = header.sh_addr + at;
        struct slot wanted = {0};
        wanted.address = file->machine == EM_X86_64 ? jump_slot_x86_64(code, stub_size, address)
                                                    : jump_slot_aarch64(code, stub_size, address);
        const struct slot *slot = wanted.address == 0
                                      ? NULL
                                      : bsearch(&wanted, slots->items.items, slots->items.count,
                                                sizeof wanted, compare_slots);
        if (slot)
            tacho_symbols_add(symbols, (struct tacho_symbol){.start = address,
                                                             .end = address + stub_size,
                                                             .name = tacho_arena_printf(
                                                                 names, "%.1000s@plt", slot->name),
                                                             .class = TACHO_SYMBOL_SIZED});
    }
}

void tacho_elf_file_stubs(const struct tacho_elf_file *file, struct tacho_symbols *symbols,
                          struct tacho_arena *names)
{
    if (file->machine != EM_X86_64 && file->machine != EM_AARCH64)
        return;
    struct slots slots = {0};
    for (size_t i = 1; i < file->sections.count; i++)
        if (file->sections.items[i].sh_type == SHT_RELA)
            add_relocations(file, i, &slots);
    if (slots.items.count == 0)
        return;
    qsort(slots.items.items, slots.items.count, sizeof *slots.items.items, compare_slots);
    add_stubs(file, ".plt", 16, &slots, symbols, names);
    add_stubs(file, ".plt.sec", 16, &slots, symbols, names);
    add_stubs(file, ".plt.got", file->machine == EM_X86_64 ? 8 : 16, &slots, symbols, names);
    tacho_array_release(&slots.items);
}
