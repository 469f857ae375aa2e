// What unwinding needs of one ELF file: its segments, its unwind tables and its build id, copied
// into memory, from a file or from the memory of a process that has it mapped.
//
// The parts are copied, not mapped: a file that is truncated under our hands must not kill tacho.
#ifndef TACHO_UNWIND_IMAGE_H
#define TACHO_UNWIND_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/fail.h"

#define TACHO_IMAGE_SEGMENTS_MAX   32
#define TACHO_IMAGE_BUILD_ID_MAX   32
#define TACHO_IMAGE_TABLE_SIZE_MAX (UINT64_C(256) << 20)

struct tacho_image_segment {
    uint64_t address, offset, size; // virtual address, place in the file, bytes in the file
    bool executable;
};

struct tacho_image {
    struct tacho_image_segment segments[TACHO_IMAGE_SEGMENTS_MAX];
    unsigned segment_count;
    uint64_t header_address; // .eh_frame_hdr: the sorted index; size 0: there is none
    size_t header_size;
    uint8_t *header;
    uint64_t frame_address; // .eh_frame; size 0: no unwind table at all
    size_t frame_size;
    uint8_t *frame;
    uint8_t build_id[TACHO_IMAGE_BUILD_ID_MAX];
    size_t build_id_size;
};

// The build id of a file, at most TACHO_IMAGE_BUILD_ID_MAX bytes; returns its size, 0: it has none.
size_t tacho_image_read_build_id(int fd, uint8_t *build_id);
// A file: `fd` stays the caller's.
int tacho_image_read_file(struct tacho_image *image, int fd, struct tacho_fail *fail);
// The memory of process `pid`, where the mapping that starts at `start` shows the file from its
// offset `offset` on. Works for the vdso, for deleted files and for files of another mount
// namespace for as long as the process lives.
int tacho_image_read_process(struct tacho_image *image, pid_t pid, uint64_t start, uint64_t offset,
                             struct tacho_fail *fail);
void tacho_image_release(struct tacho_image *image);

// The virtual address (as in the ELF headers) of the byte at `offset` in the file, as an executable
// mapping shows it; mappings begin at pages, segments need not. UINT64_MAX: none.
uint64_t tacho_image_address(const struct tacho_image *image, uint64_t offset);

#endif
