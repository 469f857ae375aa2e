// What can be learned of a process while it lives, and is needed when it is gone.
//
// A program that is deleted or replaced (by a compiler, an upgrade, "go run") is readable only as
// long as somebody has it open, and the files of a container only through a process in it. So a
// source that sees a process map code asks for it to be held: that keeps descriptors open, of the
// files and of each other root or mount namespace, until the symbols were read.
#ifndef TACHO_SYMBOL_PROCESS_H
#define TACHO_SYMBOL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/array.h"
#include "base/map.h"

struct tacho_root { // a file system that looks different from ours: of a container, of a chroot
    dev_t device;
    ino_t inode, mount_namespace;
    int root_fd, tmp_fd; // -1: not to be had
};

struct tacho_process {
    uint32_t pid;
    uint32_t inner_pid; // in its own pid namespace: the innermost one
    uid_t owner;
    bool has_owner; // false: it was gone before anybody looked
    size_t root;    // index into roots, SIZE_MAX: its root is ours
};

struct tacho_process_file {
    char *path; // as in the maps
    dev_t device;
    ino_t inode;
    int fd;
};

struct tacho_processes {
    TACHO_ARRAY(struct tacho_process) items;
    TACHO_ARRAY(struct tacho_root) roots;
    struct tacho_map by_pid; // index into items
    struct tacho_root own;   // what this process sees
    bool has_own;
    TACHO_ARRAY(struct tacho_process_file) files;
};

// The process as it was when somebody looked last; `again`: looks also if it was seen before, for
// it may have another root or owner since. Valid until the next call.
const struct tacho_process *tacho_processes_look(struct tacho_processes *processes, uint32_t pid,
                                                 bool again);
// Keeps the file `path` open as the process sees it now.
void tacho_processes_keep_file(struct tacho_processes *processes,
                               const struct tacho_process *process, const char *path);
// Keeps the file that is deleted, `path` as in the maps with " (deleted)", open as the process maps
// it at `start`..`end` (0, 0: anywhere).
void tacho_processes_keep_deleted(struct tacho_processes *processes, uint32_t pid, const char *path,
                                  uint64_t start, uint64_t end);
// The descriptors of the files kept under `path`, one after the other: start with *at = 0; -1: no
// more.
int tacho_processes_file(const struct tacho_processes *processes, const char *path, size_t *at);
void tacho_processes_release(struct tacho_processes *processes);

#endif
