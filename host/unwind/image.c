// Reads the parts of an ELF file that unwinding needs, from a file or from a process' memory.
#include "unwind/image.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "unwind/cursor.h"

#define NOTES_MAX 65536u

struct reader {
    int fd; // a file; -1: the memory of `pid`
    pid_t pid;
    uint64_t bias; // memory: what is added to a virtual address
};

static bool read_at(const struct reader *reader, uint64_t place, void *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got;
        if (reader->fd >= 0) {
            got = pread(reader->fd, (char *)data + done, size - done, (off_t)(place + done));
        } else {
            struct iovec local = {(char *)data + done, size - done};
            struct iovec remote = {(void *)(uintptr_t)(place + done), size - done};
            got = process_vm_readv(reader->pid, &local, 1, &remote, 1, 0);
        }
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static const struct tacho_image_segment *segment_of(const struct tacho_image *image,
                                                    uint64_t address)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct tacho_image_segment *segment = &image->segments[i];
        if (address >= segment->address && address - segment->address < segment->size)
            return segment;
    }
    return NULL;
}

// A copy of the bytes [address, address + size) by virtual address, or NULL.
static uint8_t *copy_range(const struct reader *reader, const struct tacho_image *image,
                           uint64_t address, uint64_t size)
{
    const struct tacho_image_segment *segment = segment_of(image, address);
    uint64_t place;
    uint8_t *data;
    if (!segment || size > segment->size - (address - segment->address) || size == 0 ||
        size > TACHO_IMAGE_TABLE_SIZE_MAX)
        return NULL;
    place =
        reader->fd >= 0 ? segment->offset + (address - segment->address) : reader->bias + address;
    data = malloc(size);
    if (data && read_at(reader, place, data, size))
        return data;
    free(data);
    return NULL;
}

static void read_notes(struct tacho_image *image, const uint8_t *notes, size_t size)
{
    struct tacho_cursor cursor = {notes, notes + size, false};
    while (!cursor.bad && cursor.end - cursor.at >= 12) {
        uint32_t name_size = tacho_cursor_u32(&cursor);
        uint32_t text_size = tacho_cursor_u32(&cursor);
        uint32_t type = tacho_cursor_u32(&cursor);
        const uint8_t *name = tacho_cursor_bytes(&cursor, ((uint64_t)name_size + 3) & ~UINT64_C(3));
        const uint8_t *text = tacho_cursor_bytes(&cursor, ((uint64_t)text_size + 3) & ~UINT64_C(3));
        if (name && text && type == NT_GNU_BUILD_ID && name_size == 4 &&
            memcmp(name, "GNU", 4) == 0 && text_size <= TACHO_IMAGE_BUILD_ID_MAX) {
            memcpy(image->build_id, text, text_size);
            image->build_id_size = text_size;
            return;
        }
    }
}

// The index points to .eh_frame; nothing says where that ends, so it goes to the end of its
// segment.
static void read_tables(struct tacho_image *image, const struct reader *reader,
                        const Elf64_Phdr *entry)
{
    struct tacho_cursor cursor;
    const struct tacho_image_segment *segment;
    uint8_t encoding;
    uint64_t frame;
    image->header = copy_range(reader, image, entry->p_vaddr, entry->p_filesz);
    if (!image->header)
        return;
    image->header_address = entry->p_vaddr;
    image->header_size = entry->p_filesz;
    cursor = (struct tacho_cursor){image->header, image->header + image->header_size, false};
    if (tacho_cursor_u8(&cursor) != 1)
        return;
    encoding = tacho_cursor_u8(&cursor);
    (void)tacho_cursor_bytes(&cursor, 2);
    frame = tacho_cursor_pointer(&cursor, encoding, entry->p_vaddr + 4, entry->p_vaddr);
    segment = segment_of(image, frame);
    if (cursor.bad || !segment)
        return;
    image->frame_address = frame;
    image->frame_size = segment->size - (frame - segment->address);
    if (image->frame_size > TACHO_IMAGE_TABLE_SIZE_MAX)
        image->frame_size = TACHO_IMAGE_TABLE_SIZE_MAX;
    image->frame = copy_range(reader, image, frame, image->frame_size);
    if (!image->frame)
        image->frame_size = 0;
}

// A file that was linked without the index still has the section, and its headers in the file.
static void read_section(struct tacho_image *image, const struct reader *reader,
                         const Elf64_Ehdr *header)
{
    Elf64_Shdr *sections = NULL;
    char *names = NULL;
    size_t size = (size_t)header->e_shnum * sizeof *sections;
    if (reader->fd < 0 || header->e_shentsize != sizeof *sections || size == 0 ||
        header->e_shstrndx >= header->e_shnum)
        return;
    sections = malloc(size);
    if (!sections || !read_at(reader, header->e_shoff, sections, size))
        goto out;
    const Elf64_Shdr *strings = &sections[header->e_shstrndx];
    if (strings->sh_size == 0 || strings->sh_size > (1 << 20))
        goto out;
    names = malloc(strings->sh_size);
    if (!names || !read_at(reader, strings->sh_offset, names, strings->sh_size))
        goto out;
    names[strings->sh_size - 1] = 0;
    for (unsigned i = 0; i < header->e_shnum; i++) {
        if (sections[i].sh_name >= strings->sh_size || sections[i].sh_type == SHT_NOBITS ||
            strcmp(names + sections[i].sh_name, ".eh_frame") != 0)
            continue;
        image->frame = copy_range(reader, image, sections[i].sh_addr, sections[i].sh_size);
        image->frame_address = sections[i].sh_addr;
        image->frame_size = image->frame ? sections[i].sh_size : 0;
        break;
    }
out:
    free(names);
    free(sections);
}

static int check_header(const Elf64_Ehdr *header, struct tacho_fail *fail)
{
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "not an ELF file");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
        return tacho_fail_set(fail, TACHO_ERR_UNSUPPORTED, "not a 64-bit little-endian ELF file");
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 || header->e_phnum > 1024)
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "an ELF file without program headers");
    return 0;
}

static void read_segments(struct tacho_image *image, const Elf64_Phdr *entries, unsigned count)
{
    for (unsigned i = 0; i < count && image->segment_count < TACHO_IMAGE_SEGMENTS_MAX; i++) {
        const Elf64_Phdr *entry = &entries[i];
        if (entry->p_type != PT_LOAD || entry->p_vaddr + entry->p_filesz < entry->p_vaddr ||
            entry->p_offset + entry->p_filesz < entry->p_offset)
            continue;
        image->segments[image->segment_count++] = (struct tacho_image_segment){
            entry->p_vaddr, entry->p_offset, entry->p_filesz, (entry->p_flags & PF_X) != 0};
    }
}

// The ELF header, and the program headers (the caller's to free) with the segments they tell of.
static int read_headers(struct tacho_image *image, struct reader *reader, uint64_t header_place,
                        Elf64_Ehdr *header, Elf64_Phdr **entries, struct tacho_fail *fail)
{
    size_t size;
    memset(image, 0, sizeof *image);
    if (!read_at(reader, header_place, header, sizeof *header))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "no ELF header can be read");
    if (check_header(header, fail) < 0)
        return fail->code;
    size = header->e_phnum * sizeof **entries;
    *entries = malloc(size);
    if (!*entries || !read_at(reader, header_place + header->e_phoff, *entries, size)) {
        free(*entries);
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "the program headers cannot be read");
    }
    read_segments(image, *entries, header->e_phnum);
    // In memory the first segment is the one that holds the ELF header.
    if (reader->fd < 0 && image->segment_count)
        reader->bias = header_place - (image->segments[0].address - image->segments[0].offset);
    return 0;
}

static void find_build_id(struct tacho_image *image, const struct reader *reader,
                          const Elf64_Phdr *entries, unsigned count)
{
    for (unsigned i = 0; i < count && !image->build_id_size; i++) {
        if (entries[i].p_type != PT_NOTE || entries[i].p_filesz > NOTES_MAX)
            continue;
        uint8_t *notes = copy_range(reader, image, entries[i].p_vaddr, entries[i].p_filesz);
        if (notes)
            read_notes(image, notes, entries[i].p_filesz);
        free(notes);
    }
}

static int read_parts(struct tacho_image *image, struct reader *reader, uint64_t header_place,
                      struct tacho_fail *fail)
{
    Elf64_Ehdr header;
    Elf64_Phdr *entries;
    if (read_headers(image, reader, header_place, &header, &entries, fail) < 0)
        return fail->code;
    find_build_id(image, reader, entries, header.e_phnum);
    for (unsigned i = 0; i < header.e_phnum && !image->header; i++)
        if (entries[i].p_type == PT_GNU_EH_FRAME)
            read_tables(image, reader, &entries[i]);
    free(entries);
    if (!image->frame)
        read_section(image, reader, &header);
    return 0;
}

size_t tacho_image_read_build_id(int fd, uint8_t *build_id)
{
    struct reader reader = {.fd = fd};
    struct tacho_image image;
    struct tacho_fail ignored;
    Elf64_Ehdr header;
    Elf64_Phdr *entries;
    if (read_headers(&image, &reader, 0, &header, &entries, &ignored) < 0)
        return 0;
    find_build_id(&image, &reader, entries, header.e_phnum);
    free(entries);
    memcpy(build_id, image.build_id, image.build_id_size);
    return image.build_id_size;
}

int tacho_image_read_file(struct tacho_image *image, int fd, struct tacho_fail *fail)
{
    struct reader reader = {.fd = fd};
    return read_parts(image, &reader, 0, fail);
}

int tacho_image_read_process(struct tacho_image *image, pid_t pid, uint64_t start, uint64_t offset,
                             struct tacho_fail *fail)
{
    struct reader reader = {.fd = -1, .pid = pid};
    return read_parts(image, &reader, start - offset, fail);
}

void tacho_image_release(struct tacho_image *image)
{
    free(image->header);
    free(image->frame);
    memset(image, 0, sizeof *image);
}

uint64_t tacho_image_address(const struct tacho_image *image, uint64_t offset)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct tacho_image_segment *segment = &image->segments[i];
        uint64_t page = segment->offset & ~UINT64_C(4095);
        if (segment->executable && offset >= page && offset - page < segment->size + 4096)
            return segment->address + offset - segment->offset;
    }
    return UINT64_MAX;
}
