// The bounds of functions from the unwind tables, for files without symbols: see elf_file.h.
//
// .eh_frame_hdr is a sorted table of (start of function, its FDE in .eh_frame), both relative to
// the table (Linux Standard Base 5.0, Core, chapters 10.6.1 and 10.6.2). The FDE says how many
// bytes the function has. Only the encodings that GNU ld, gold and lld write are read; others give
// no bounds.
#include <dwarf.h>
#include <string.h>

#include "symbol/elf_file.h"

struct section {
    const uint8_t *data;
    size_t size;
    uint64_t address;
};

static bool section_of(const struct tacho_elf_file *file, const char *name, struct section *section)
{
    GElf_Shdr header;
    Elf_Data *data = tacho_elf_file_section(file, name, &header);
    if (!data)
        return false;
    *section = (struct section){data->d_buf, data->d_size, header.sh_addr};
    return true;
}

static uint32_t u32_at(const uint8_t *data)
{
    uint32_t value;
    memcpy(&value, data, sizeof value);
    return value;
}

// Skips a LEB128 number; NULL when it does not end before `end`.
static const uint8_t *skip_leb(const uint8_t *at, const uint8_t *end)
{
    while (at && at < end)
        if (!(*at++ & 0x80))
            return at;
    return NULL;
}

// Bytes of a pointer of this encoding in a 64-bit or 32-bit file; 0 for those that are not read.
static size_t pointer_size(uint8_t encoding, bool is_64)
{
    switch (encoding & 0x0f) {
    case DW_EH_PE_absptr:
        return is_64 ? 8 : 4;
    case DW_EH_PE_udata4:
    case DW_EH_PE_sdata4:
        return 4;
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
        return 8;
    default:
        return 0;
    }
}

// How the FDEs of the CIE at `offset` encode their pointers, as a size; 0: not readable.
static size_t cie_pointer_size(const struct section *frames, size_t offset, bool is_64)
{
    if (offset > frames->size || frames->size - offset < 16)
        return 0;
    const uint8_t *at = frames->data + offset, *end = frames->data + frames->size;
    uint32_t length = u32_at(at);
    if (u32_at(at + 4) != 0 || length > frames->size - offset - 4)
        return 0;
    end = at + 4 + length;
    at += 9; // length, id, version
    const char *augmentation = (const char *)at;
    const uint8_t *zero = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
    if (!zero || augmentation[0] != 'z')
        return zero && !*augmentation ? pointer_size(DW_EH_PE_absptr, is_64) : 0;
    at = skip_leb(skip_leb(skip_leb(skip_leb(zero + 1, end), end), end), end);
    for (const char *letter = augmentation + 1; at && at < end; letter++) {
        if (*letter == 'R')
            return pointer_size(*at, is_64);
        if (*letter == 'P') {
            size_t size = pointer_size(*at, is_64);
            if (size == 0 || (size_t)(end - at) <= size)
                return 0;
            at += 1 + size;
        } else if (*letter == 'L') {
            at++;
        } else if (*letter != 'S' && *letter != 'B') {
            return 0;
        }
    }
    return 0;
}

struct reader {
    struct section frames;
    bool is_64;
    size_t cie, cie_size; // the last CIE and its pointers' size
};

// How many bytes of code the FDE at `address` is about; 0: not readable.
static uint64_t fde_code_size(struct reader *reader, uint64_t address)
{
    const struct section *frames = &reader->frames;
    uint64_t offset = address - frames->address;
    if (address < frames->address || offset >= frames->size || frames->size - offset < 24)
        return 0;
    const uint8_t *at = frames->data + offset;
    uint32_t back = u32_at(at + 4);
    if (u32_at(at) == UINT32_MAX || back == 0 || back > offset + 4)
        return 0;
    size_t cie = (size_t)(offset + 4 - back);
    if (cie != reader->cie) {
        reader->cie = cie;
        reader->cie_size = cie_pointer_size(frames, cie, reader->is_64);
    }
    if (reader->cie_size == 4)
        return u32_at(at + 12);
    uint64_t size = 0;
    if (reader->cie_size == 8)
        memcpy(&size, at + 16, sizeof size);
    return size;
}

void tacho_elf_file_bounds(const struct tacho_elf_file *file, struct tacho_symbols *symbols)
{
    struct section table;
    struct reader reader = {.cie = SIZE_MAX, .is_64 = gelf_getclass(file->elf) == ELFCLASS64};
    const char *ident = elf_getident(file->elf, NULL);
    const uint16_t probe = 1;
    bool is_little = *(const uint8_t *)&probe == 1;
    if (!ident || (ident[EI_DATA] == ELFDATA2LSB) != is_little ||
        !section_of(file, ".eh_frame_hdr", &table) ||
        !section_of(file, ".eh_frame", &reader.frames))
        return;
    const uint8_t *data = table.data;
    if (table.size < 12 || data[0] != 1 || pointer_size(data[1], reader.is_64) != 4 ||
        data[2] != DW_EH_PE_udata4 || data[3] != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
        return;
    size_t count = u32_at(data + 8), room = (table.size - 12) / 8;
    if (count > room)
        count = room;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *entry = data + 12 + 8 * i;
        uint64_t start = table.address + (uint64_t)(int64_t)(int32_t)u32_at(entry);
        uint64_t fde = table.address + (uint64_t)(int64_t)(int32_t)u32_at(entry + 4);
        uint64_t size = fde_code_size(&reader, fde);
        if (size <= UINT32_MAX)
            tacho_symbols_add(symbols, (struct tacho_symbol){.start = start,
                                                             .end = start + size,
                                                             .class = TACHO_SYMBOL_BOUNDS});
    }
}
