// Sockets by state: the socket inodes among the open files of processes, matched against one dump
// of the kernel's socket tables (sock_diag(7), else /proc/PID/net).
#ifndef TACHO_CAPTURE_PROC_SOCKET_H
#define TACHO_CAPTURE_PROC_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/array.h"
#include "base/map.h"

enum tacho_socket_class {
    TACHO_SOCKET_ESTABLISHED,
    TACHO_SOCKET_LISTEN,
    TACHO_SOCKET_CLOSE_WAIT,
    TACHO_SOCKET_OTHER,
    TACHO_SOCKET_UDP,
    TACHO_SOCKET_UNIX,
    TACHO_SOCKET_CLASS_COUNT
};

// The sockets one process holds.
struct tacho_socket_holder {
    uint64_t net_namespace; // inode of /proc/PID/ns/net; 0: not known
    TACHO_ARRAY(uint64_t) inodes;
};

// The kernel's tables at one instant: socket inode to its class + 1; sockets that are neither TCP,
// UDP nor Unix are not in it. Zero is an empty table.
struct tacho_socket_table {
    struct tacho_map classes;
    struct tacho_map namespaces; // that were read already
    double time_wait;            // of the namespace of the first process; NaN: not known
};

// Reads which sockets a process holds. Returns how many, or a negative errno value.
int tacho_socket_holder_read(struct tacho_socket_holder *holder, pid_t pid);
void tacho_socket_holder_release(struct tacho_socket_holder *holder);

void tacho_socket_table_clear(struct tacho_socket_table *table);
// Adds the sockets of the network namespace that `pid` lives in, unless it is there already.
void tacho_socket_table_add(struct tacho_socket_table *table, pid_t pid, uint64_t net_namespace);
// Counts the sockets of a holder by class; with `seen`, only those that are not in it yet.
void tacho_socket_table_count(const struct tacho_socket_table *table,
                              const struct tacho_socket_holder *holder, struct tacho_map *seen,
                              double counts[TACHO_SOCKET_CLASS_COUNT]);
void tacho_socket_table_release(struct tacho_socket_table *table);

// Adds the sockets of one file of /proc/net to the table; for tests and for foreign namespaces.
void tacho_socket_table_parse(struct tacho_socket_table *table, const char *text, size_t size,
                              const char *protocol);

#endif
