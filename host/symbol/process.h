// What can be learned of a process while it lives, and is needed when it is gone.
//
// A program that was deleted can be opened only as long as a process runs it, and the map file of a
// JIT in a container only through a process in it. So a source that sees such a process asks for it
// to be held: that keeps one or two descriptors open until the symbols were read.
#ifndef TACHO_SYMBOL_PROCESS_H
#define TACHO_SYMBOL_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/array.h"

struct tacho_process {
    uint32_t pid;
    uint32_t inner_pid; // in its own pid namespace: the innermost one
    uid_t owner;
    bool has_owner; // false: it was gone before anybody looked
    int root_fd;    // of its /proc/PID/root, -1: not to be had
};

struct tacho_process_file { // a file that has no name any more
    uint32_t pid;
    char *path; // as in the maps, with " (deleted)"
    int fd;
};

struct tacho_processes {
    TACHO_ARRAY(struct tacho_process) items;
    TACHO_ARRAY(struct tacho_process_file) files;
};

// The process, looked at now unless it was before. Valid until the next call.
const struct tacho_process *tacho_processes_look(struct tacho_processes *processes, uint32_t pid);
// Keeps the deleted file `path` open as process `pid` maps it at `start`..`end` (0, 0: anywhere).
// Returns the descriptor, which belongs to `processes`, or -1.
int tacho_processes_keep_file(struct tacho_processes *processes, uint32_t pid, const char *path,
                              uint64_t start, uint64_t end);
// The descriptor of a file kept before, or -1.
int tacho_processes_file(const struct tacho_processes *processes, const char *path);
void tacho_processes_release(struct tacho_processes *processes);

#endif
