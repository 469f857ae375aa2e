// Ring files on this machine: finding them, reading them, and switching the programs that write
// them.
#ifndef TACHO_LINK_RING_LINK_H
#define TACHO_LINK_RING_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/fail.h"
#include "decode/ring_file.h"

// An open ring file. `input` is for tacho_ring_reader_open.
struct tacho_ring_link {
    struct tacho_ring_input input;
    int fd; // -1: none
    bool writable;
    char path[512];
};

// The folder that libtacho writes to: $TACHO_DIR, else /dev/shm/tacho-UID.
const char *tacho_ring_folder(char *text, size_t size);

// Calls `take` for each ring file in `folder` (NULL: tacho_ring_folder) with its path and the pid
// its name says; a folder that is not there has none. Stops when `take` returns a negative number,
// which is returned.
int tacho_ring_files_each(const char *folder,
                          int (*take)(void *context, const char *path, uint32_t pid), void *context,
                          struct tacho_fail *fail);

// Opens `path`; for writing too where that is permitted. Refuses what is not a regular file.
int tacho_ring_link_open(struct tacho_ring_link *link, const char *path, struct tacho_fail *fail);
void tacho_ring_link_close(struct tacho_ring_link *link);

// Switches the program: mode bits of enum tacho_mode, one call in N timed (0: leave as it is).
int tacho_ring_link_mode_set(struct tacho_ring_link *link, uint32_t mode, uint32_t sample_one_in,
                             struct tacho_fail *fail);
// Whether the program leaves the file behind when it ends; an observer sets it, drains, and
// unlinks.
int tacho_ring_link_keep_set(struct tacho_ring_link *link, bool keep, struct tacho_fail *fail);

// One instant on the program's clock (the raw CPU counter) and the host's, for
// tacho_ring_reader_clock_point; false on a machine whose programs use the host's clock.
bool tacho_ring_clock_now(uint64_t *ticks, int64_t *host_ns);

// Whether the process that wrote the file is still there (and not another one with its pid).
bool tacho_ring_is_alive(const struct tacho_ring_identity *identity);
// Whether the file was written since this machine booted, so that its clock is comparable.
bool tacho_ring_is_this_boot(const struct tacho_ring_identity *identity);

#endif
