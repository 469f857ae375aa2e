// Sockets of processes and of the kernel's tables: see proc_socket.h.
#include "proc_socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "proc_read.h"

#define REPLY_MAX 32768u
#define ALL       0xffffffffu

static uint64_t net_namespace_of(const char *process)
{
    char path[64];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%s/ns/net", process);
    return stat(path, &status) == 0 ? (uint64_t)status.st_ino : 0;
}

int tacho_socket_holder_read(struct tacho_socket_holder *holder, pid_t pid)
{
    char path[64], name[16];
    snprintf(name, sizeof name, "%d", (int)pid);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    holder->inodes.count = 0;
    if (!folder)
        return -errno;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char target[64];
        uint64_t inode;
        ssize_t size = readlinkat(dirfd(folder), entry->d_name, target, sizeof target);
        if (size < 9 || memcmp(target, "socket:[", 8) != 0)
            continue;
        const char *at = target + 8;
        if (tacho_proc_number(&at, target + size, &inode))
            tacho_array_push(&holder->inodes, inode);
    }
    closedir(folder);
    if (holder->inodes.count && holder->net_namespace == 0)
        holder->net_namespace = net_namespace_of(name);
    return (int)holder->inodes.count;
}

void tacho_socket_holder_release(struct tacho_socket_holder *holder)
{
    tacho_array_release(&holder->inodes);
}

static void put(struct tacho_socket_table *table, uint64_t inode, enum tacho_socket_class class)
{
    if (inode)
        *tacho_map_put(&table->classes, inode, NULL) = (uint64_t) class + 1;
}

static enum tacho_socket_class tcp_class(unsigned state)
{
    switch (state) {
    case TCP_ESTABLISHED:
        return TACHO_SOCKET_ESTABLISHED;
    case TCP_LISTEN:
        return TACHO_SOCKET_LISTEN;
    case TCP_CLOSE_WAIT:
        return TACHO_SOCKET_CLOSE_WAIT;
    default:
        return TACHO_SOCKET_OTHER;
    }
}

static void take_message(struct tacho_socket_table *table, const struct nlmsghdr *header,
                         int family, int protocol)
{
    const void *data = NLMSG_DATA(header);
    if (family == AF_UNIX) {
        struct unix_diag_msg message;
        if (header->nlmsg_len >= NLMSG_LENGTH(sizeof message)) {
            memcpy(&message, data, sizeof message);
            put(table, message.udiag_ino, TACHO_SOCKET_UNIX);
        }
        return;
    }
    struct inet_diag_msg message;
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof message))
        return;
    memcpy(&message, data, sizeof message);
    put(table, message.idiag_inode,
        protocol == IPPROTO_TCP ? tcp_class(message.idiag_state) : TACHO_SOCKET_UDP);
}

static int send_request(int fd, int family, int protocol)
{
    union {
        struct nlmsghdr header;
        char bytes[NLMSG_SPACE(sizeof(struct inet_diag_req_v2))];
    } request;
    size_t size;
    memset(&request, 0, sizeof request);
    if (family == AF_UNIX) {
        struct unix_diag_req body = {.sdiag_family = AF_UNIX, .udiag_states = ALL};
        memcpy(NLMSG_DATA(&request.header), &body, sizeof body);
        size = sizeof body;
    } else {
        struct inet_diag_req_v2 body = {.sdiag_family = (uint8_t)family,
                                        .sdiag_protocol = (uint8_t)protocol,
                                        .idiag_states = ALL & ~(1u << TCP_TIME_WAIT)};
        memcpy(NLMSG_DATA(&request.header), &body, sizeof body);
        size = sizeof body;
    }
    request.header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    return send(fd, &request, request.header.nlmsg_len, 0) < 0 ? -1 : 0;
}

// One dump; false when the kernel refuses or does not know it.
static bool dump(struct tacho_socket_table *table, int fd, int family, int protocol)
{
    static union {
        struct nlmsghdr header;
        char bytes[REPLY_MAX];
    } reply;
    if (send_request(fd, family, protocol) < 0)
        return false;
    for (;;) {
        ssize_t count = recv(fd, &reply, sizeof reply, 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        size_t left = (size_t)count;
        for (struct nlmsghdr *header = &reply.header; NLMSG_OK(header, left);
             header = NLMSG_NEXT(header, left)) {
            if (header->nlmsg_type == NLMSG_DONE)
                return true;
            if (header->nlmsg_type == NLMSG_ERROR)
                return false;
            take_message(table, header, family, protocol);
        }
    }
}

static bool add_by_netlink(struct tacho_socket_table *table)
{
    struct timeval patience = {.tv_sec = 1};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    bool good = dump(table, fd, AF_INET, IPPROTO_TCP);
    if (good) {
        // A kernel without IPv6 or one of the others refuses these: then there are none.
        (void)dump(table, fd, AF_INET6, IPPROTO_TCP);
        (void)dump(table, fd, AF_INET, IPPROTO_UDP);
        (void)dump(table, fd, AF_INET6, IPPROTO_UDP);
        good = dump(table, fd, AF_UNIX, 0);
    }
    close(fd);
    return good;
}

// The word number `index` of a line, as a number of the given base.
static bool word_number(const char *line, size_t size, int index, int base, uint64_t *value)
{
    char word[32];
    size_t at = 0, length = 0;
    for (int i = 0; i <= index; i++) {
        at += length;
        while (at < size && line[at] == ' ')
            at++;
        for (length = 0; at + length < size && line[at + length] != ' ';)
            length++;
    }
    if (length == 0 || length >= sizeof word)
        return false;
    memcpy(word, line + at, length);
    word[length] = 0;
    char *end;
    *value = strtoull(word, &end, base);
    return *end == 0;
}

void tacho_socket_table_parse(struct tacho_socket_table *table, const char *text, size_t size,
                              const char *protocol)
{
    bool is_unix = strcmp(protocol, "unix") == 0;
    bool is_udp = strncmp(protocol, "udp", 3) == 0;
    const char *end = text + size;
    const char *line = memchr(text, '\n', size); // the first line is the heading
    while (line && ++line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((stop ? stop : end) - line);
        uint64_t inode, state = 0;
        if (word_number(line, length, is_unix ? 6 : 9, 10, &inode) &&
            (is_unix || word_number(line, length, 3, 16, &state)))
            put(table, inode,
                is_unix  ? TACHO_SOCKET_UNIX
                : is_udp ? TACHO_SOCKET_UDP
                         : tcp_class((unsigned)state));
        line = stop;
    }
}

static void add_by_files(struct tacho_socket_table *table, pid_t pid)
{
    static const char *const protocols[] = {"tcp", "tcp6", "udp", "udp6", "unix"};
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
        char path[64];
        struct tacho_buffer text = {0};
        struct tacho_fail ignored = {0};
        snprintf(path, sizeof path, "/proc/%d/net/%s", (int)pid, protocols[i]);
        if (tacho_file_read(path, &text, 0, &ignored) == 0 && text.size)
            tacho_socket_table_parse(table, text.data, text.size, protocols[i]);
        tacho_buffer_release(&text);
    }
}

static double read_time_wait(pid_t pid)
{
    char path[64], text[1024];
    uint64_t count;
    snprintf(path, sizeof path, "/proc/%d/net/sockstat", (int)pid);
    ssize_t size = tacho_proc_read(path, text, sizeof text);
    const char *at = size > 0 ? strstr(text, "TCP:") : NULL;
    at = at ? strstr(at, " tw ") : NULL;
    if (!at)
        return NAN;
    at += strlen(" tw ");
    return tacho_proc_number(&at, text + size, &count) ? (double)count : NAN;
}

void tacho_socket_table_clear(struct tacho_socket_table *table)
{
    tacho_map_clear(&table->classes);
    tacho_map_clear(&table->namespaces);
    table->time_wait = NAN;
}

void tacho_socket_table_add(struct tacho_socket_table *table, pid_t pid, uint64_t net_namespace)
{
    bool added;
    tacho_map_put(&table->namespaces, net_namespace, &added);
    if (!added)
        return;
    if (table->namespaces.count == 1)
        table->time_wait = read_time_wait(pid);
    // sock_diag answers for our own namespace only.
    if (net_namespace != net_namespace_of("self") || !add_by_netlink(table))
        add_by_files(table, pid);
}

void tacho_socket_table_count(const struct tacho_socket_table *table,
                              const struct tacho_socket_holder *holder, struct tacho_map *seen,
                              double counts[TACHO_SOCKET_CLASS_COUNT])
{
    for (size_t i = 0; i < holder->inodes.count; i++) {
        const uint64_t *class = tacho_map_get(&table->classes, holder->inodes.items[i]);
        bool added = true;
        if (!class || *class > TACHO_SOCKET_CLASS_COUNT)
            continue;
        if (seen)
            tacho_map_put(seen, holder->inodes.items[i], &added);
        if (added)
            counts[*class - 1]++;
    }
}

void tacho_socket_table_release(struct tacho_socket_table *table)
{
    tacho_map_release(&table->classes);
    tacho_map_release(&table->namespaces);
}
