// The ring file: making it, growing it, putting its head under the program's switch, copying it.
//
// Everything here uses system calls only, no allocation and no stdio, because it may run in signal
// handlers and in the child of a fork.
#ifndef TACHO_PORTS_SHM_H
#define TACHO_PORTS_SHM_H

#include <stdbool.h>
#include <stdint.h>

#define TACHO_SHM_PATH_MAX 512

struct tacho_shm {
    int fd; // -1: none; checked before each use, programs close what they did not open
    uint64_t device, inode;
    char *base;              // where it is mapped
    uint64_t bytes;          // mapped, and the bound of the file
    uint64_t size;           // of the file
    uint64_t backed, budget; // bytes that have memory, and may have
    bool has_path;
    char path[TACHO_SHM_PATH_MAX];
};

// Makes DIR/PID.tacho (or PID.N.tacho where that belongs to somebody who is alive) and maps it.
// With `dir` NULL or a folder that cannot be used the file has no name and is seen by this process
// only. `image` tells this run of the program from others with the same pid. Returns 0 or
// TACHO_ERR_*. At most `budget` bytes are ever backed with memory; the file may be four times as
// long, with holes.
int tacho_shm_open(struct tacho_shm *shm, const char *dir, uint64_t budget,
                   const uint64_t image[2]);
// Backs bytes [from, to) with memory, so that touching them never raises SIGBUS on a full /dev/shm,
// and makes the file at least `size` long.
int tacho_shm_grow(struct tacho_shm *shm, uint64_t from, uint64_t to, uint64_t size);
// Maps the head over `page`, which must be a whole page of the program's own.
int tacho_shm_overlay(struct tacho_shm *shm, void *page);
// Copies the first `bytes` to a new file `path`, which appears when it is complete.
int tacho_shm_copy(const struct tacho_shm *shm, uint64_t bytes, const char *path);
// Takes the name away (the memory stays).
void tacho_shm_unlink(struct tacho_shm *shm);
void tacho_shm_close(struct tacho_shm *shm);

#endif
