// One ELF file opened for its symbols: see elf_file.h.
#include "symbol/elf_file.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE_MAX      ((off_t)256 << 20) // larger files are mapped
#define MINIDEBUG_SIZE_MAX ((size_t)64 << 20)
#define PAGE_MASK          UINT64_C(0xfff)

static void keep_build_id(struct tacho_elf_file *file)
{
    static const char digits[] = "0123456789abcdef";
    const void *bytes;
    ssize_t size = dwelf_elf_gnu_build_id(file->elf, &bytes);
    size_t used = 0;
    if (size > 0 && size <= (TACHO_BUILD_ID_TEXT_MAX - 1) / 2) {
        for (const uint8_t *byte = bytes; used < 2 * (size_t)size; byte++) {
            file->build_id[used++] = digits[*byte >> 4];
            file->build_id[used++] = digits[*byte & 15];
        }
    }
    file->build_id[used] = '\0';
}

static int read_headers(struct tacho_elf_file *file, struct tacho_fail *fail)
{
    GElf_Ehdr header;
    if (!file->elf || elf_kind(file->elf) != ELF_K_ELF || !gelf_getehdr(file->elf, &header))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "%s is not an ELF file", file->path);
    file->machine = header.e_machine;
    file->type = header.e_type;
    size_t count = 0;
    if (elf_getshdrnum(file->elf, &count) == 0) {
        for (size_t i = 0; i < count; i++) {
            Elf_Scn *section = elf_getscn(file->elf, i);
            GElf_Shdr shdr = {0};
            if (section && !gelf_getshdr(section, &shdr))
                shdr = (GElf_Shdr){0};
            tacho_array_push(&file->sections, shdr);
        }
    }
    if (elf_getphdrnum(file->elf, &count) == 0) {
        for (size_t i = 0; i < count && i < INT32_MAX; i++) {
            GElf_Phdr phdr;
            if (gelf_getphdr(file->elf, (int)i, &phdr) && phdr.p_type == PT_LOAD)
                tacho_array_push(&file->segments, phdr);
        }
    }
    keep_build_id(file);
    return 0;
}

static int open_regular(struct tacho_elf_file *file, const char *path, struct tacho_fail *fail)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return tacho_fail_errno(fail, "cannot open %s", path);
    if (!S_ISREG(status.st_mode))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "%s is not a regular file", path);
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->fd < 0 || fstat(file->fd, &status) < 0)
        return tacho_fail_errno(fail, "cannot open %s", path);
    if (!S_ISREG(status.st_mode))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "%s is not a regular file", path);
    elf_version(EV_CURRENT);
    Elf_Cmd command = status.st_size <= READ_SIZE_MAX ? ELF_C_READ : ELF_C_READ_MMAP;
    file->elf = elf_begin(file->fd, command, NULL);
    return read_headers(file, fail);
}

int tacho_elf_file_open(struct tacho_elf_file *file, const char *path, struct tacho_fail *fail)
{
    *file = (struct tacho_elf_file){.fd = -1, .path = strdup(path)};
    if (!file->path)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "cannot open %s", path);
    int result = open_regular(file, path, fail);
    if (result < 0)
        tacho_elf_file_close(file);
    return result;
}

int tacho_elf_file_open_image(struct tacho_elf_file *file, const char *name, void *image,
                              size_t size, struct tacho_fail *fail)
{
    *file = (struct tacho_elf_file){.fd = -1, .path = strdup(name), .image = image};
    elf_version(EV_CURRENT);
    if (file->path && size > 0)
        file->elf = elf_memory(image, size);
    int result = file->path ? read_headers(file, fail)
                            : tacho_fail_set(fail, TACHO_ERR_MEMORY, "cannot read %s", name);
    if (result < 0)
        tacho_elf_file_close(file);
    return result;
}

void tacho_elf_file_rename(struct tacho_elf_file *file, const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return;
    free(file->path);
    file->path = copy;
}

void tacho_elf_file_close(struct tacho_elf_file *file)
{
    elf_end(file->elf);
    if (file->fd >= 0)
        close(file->fd);
    free(file->image);
    free(file->path);
    tacho_array_release(&file->sections);
    tacho_array_release(&file->segments);
    *file = (struct tacho_elf_file){.fd = -1};
}

bool tacho_elf_file_address(const struct tacho_elf_file *file, uint64_t offset, uint64_t *address)
{
    const GElf_Phdr *found = NULL;
    for (size_t i = 0; i < file->segments.count; i++) {
        const GElf_Phdr *segment = &file->segments.items[i];
        // The kernel maps whole pages, so also what surrounds the segment in the file.
        uint64_t first = segment->p_offset & ~PAGE_MASK;
        uint64_t last = segment->p_offset + segment->p_filesz;
        if (offset < first || last < segment->p_offset || offset > (last | PAGE_MASK))
            continue;
        bool inside = offset >= segment->p_offset && offset < last;
        if (!found || (segment->p_flags & PF_X) > (found->p_flags & PF_X) ||
            (inside && (segment->p_flags & PF_X) == (found->p_flags & PF_X)))
            found = segment;
    }
    if (!found)
        return false;
    *address = offset - found->p_offset + found->p_vaddr;
    return true;
}

Elf_Data *tacho_elf_file_section(const struct tacho_elf_file *file, const char *name,
                                 GElf_Shdr *header)
{
    size_t names;
    if (elf_getshdrstrndx(file->elf, &names) != 0)
        return NULL;
    for (size_t i = 1; i < file->sections.count; i++) {
        const char *found = elf_strptr(file->elf, names, file->sections.items[i].sh_name);
        if (!found || strcmp(found, name) != 0)
            continue;
        if (file->sections.items[i].sh_type == SHT_NOBITS)
            return NULL;
        *header = file->sections.items[i];
        Elf_Data *data = elf_rawdata(elf_getscn(file->elf, i), NULL);
        return data && data->d_buf && data->d_size > 0 ? data : NULL;
    }
    return NULL;
}

bool tacho_elf_file_has_dwarf(const struct tacho_elf_file *file)
{
    GElf_Shdr header;
    return tacho_elf_file_section(file, ".debug_info", &header) ||
           tacho_elf_file_section(file, ".zdebug_info", &header);
}

bool tacho_elf_file_has_symtab(const struct tacho_elf_file *file)
{
    for (size_t i = 1; i < file->sections.count; i++)
        if (file->sections.items[i].sh_type == SHT_SYMTAB)
            return true;
    return false;
}

// A symbol that names code, as the table wants it; false for anything else.
static bool code_symbol(const struct tacho_elf_file *file, const GElf_Sym *sym,
                        struct tacho_symbol *symbol)
{
    unsigned type = GELF_ST_TYPE(sym->st_info);
    if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
        return false;
    if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= file->sections.count)
        return false;
    const GElf_Shdr *section = &file->sections.items[sym->st_shndx];
    if (!(section->sh_flags & SHF_EXECINSTR))
        return false;
    uint64_t start = sym->st_value;
    if (file->machine == EM_ARM && type == STT_FUNC)
        start &= ~UINT64_C(1); // the Thumb bit is no part of the address
    uint64_t limit = section->sh_addr + section->sh_size;
    if (start < section->sh_addr || start >= limit)
        return false;
    bool sized = sym->st_size > 0;
    uint64_t end = sized && sym->st_size < limit - start ? start + sym->st_size : limit;
    *symbol = (struct tacho_symbol){
        .start = start, .end = end, .class = sized ? TACHO_SYMBOL_SIZED : TACHO_SYMBOL_OPEN};
    return true;
}

static bool is_function_name(const char *name)
{
    return name && name[0] != '\0' && name[0] != '$' && strncmp(name, ".L", 2) != 0;
}

static void add_table(const struct tacho_elf_file *file, size_t index,
                      struct tacho_symbols *symbols)
{
    const GElf_Shdr *table = &file->sections.items[index];
    Elf_Data *data = elf_getdata(elf_getscn(file->elf, index), NULL);
    if (!data || !data->d_buf || table->sh_entsize == 0 || table->sh_link >= file->sections.count)
        return;
    size_t count = data->d_size / table->sh_entsize;
    for (size_t i = 1; i < count && i < INT32_MAX; i++) {
        GElf_Sym sym;
        struct tacho_symbol symbol;
        if (!gelf_getsym(data, (int)i, &sym) || !code_symbol(file, &sym, &symbol))
            continue;
        // Marks for disassemblers and local labels name no function.
        bool is_label = GELF_ST_TYPE(sym.st_info) == STT_NOTYPE;
        if (is_label && !is_function_name(elf_strptr(file->elf, table->sh_link, sym.st_name)))
            continue;
        struct tacho_symbol *kept = tacho_symbols_add(symbols, symbol);
        if (!kept)
            continue;
        kept->name = elf_strptr(file->elf, table->sh_link, sym.st_name);
        if (is_function_name(kept->name))
            kept->order = tacho_symbol_name_order(kept->name, GELF_ST_BIND(sym.st_info));
        else
            symbols->found.count--;
    }
}

void tacho_elf_file_symbols(const struct tacho_elf_file *file, struct tacho_symbols *symbols)
{
    if (file->type == ET_REL)
        return; // its addresses are not those of a process
    // A full table repeats all that the dynamic linker's has.
    GElf_Word wanted = tacho_elf_file_has_symtab(file) ? SHT_SYMTAB : SHT_DYNSYM;
    for (size_t i = 1; i < file->sections.count; i++)
        if (file->sections.items[i].sh_type == wanted)
            add_table(file, i, symbols);
}

int tacho_elf_file_open_minidebug(const struct tacho_elf_file *file,
                                  struct tacho_elf_file *minidebug, struct tacho_fail *fail)
{
    GElf_Shdr header;
    Elf_Data *data = tacho_elf_file_section(file, ".gnu_debugdata", &header);
    if (!data)
        return 0;
    lzma_stream stream = LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&stream, MINIDEBUG_SIZE_MAX, 0) != LZMA_OK)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "cannot unpack .gnu_debugdata of %s",
                              file->path);
    TACHO_ARRAY(uint8_t) image = {0};
    stream.next_in = data->d_buf;
    stream.avail_in = data->d_size;
    lzma_ret result = LZMA_OK;
    while (result == LZMA_OK && image.count < MINIDEBUG_SIZE_MAX) {
        tacho_array_reserve(&image, image.count + ((size_t)64 << 10));
        stream.next_out = image.items + image.count;
        stream.avail_out = image.capacity - image.count;
        result = lzma_code(&stream, LZMA_FINISH);
        image.count = image.capacity - stream.avail_out;
    }
    lzma_end(&stream);
    if (result != LZMA_STREAM_END) {
        tacho_array_release(&image);
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, ".gnu_debugdata of %s is damaged",
                              file->path);
    }
    int opened = tacho_elf_file_open_image(minidebug, file->path, image.items, image.count, fail);
    return opened < 0 ? opened : 1;
}
