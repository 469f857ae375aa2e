// The ring file on Linux: a file in /dev/shm that observers map or read.
#include "shm/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> // rename
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"
#include "tacho/errors.h"
#include "wire/ring_layout.h"

#define NAME_TRIES   16
#define MODE_PRIVATE 0600
#define HOLES        4 // so many times its memory the file may be long
#define WINDOW_MIN   UINT64_C(65536)
#define FD_LOWEST    96 // out of the way of programs that expect small numbers

// The folder must be ours alone: another user's folder of that name could hold links.
static bool folder_usable(const char *dir)
{
    struct stat status;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return false;
    return stat(dir, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           access(dir, W_OK | X_OK) == 0;
}

// Whether the file at `path` is in use or wanted: of this very process image, or kept for an
// observer.
static bool is_taken(const char *path, const uint64_t image[2])
{
    struct tacho_ring_header head;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno != ENOENT;
    ssize_t got = read(fd, &head, sizeof head);
    close(fd);
    if (got != (ssize_t)sizeof head || memcmp(head.magic, TACHO_RING_MAGIC, 8) != 0)
        return false;
    bool same = head.image[0] == image[0] && head.image[1] == image[1];
    return same || (head.keep & TACHO_RING_KEEP) != 0;
}

static int open_named(struct tacho_shm *shm, const char *dir, const uint64_t image[2])
{
    for (uint64_t try = 1; try <= NAME_TRIES; try++) {
        struct tacho_text path;
        tacho_text_init(&path, shm->path, sizeof shm->path);
        tacho_text_add(&path, dir);
        tacho_text_add(&path, "/");
        tacho_text_u64(&path, (uint64_t)getpid());
        if (try > 1) {
            tacho_text_add(&path, ".");
            tacho_text_u64(&path, try);
        }
        tacho_text_add(&path, ".tacho");
        if (path.cut)
            return -1;
        int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
        int fd = open(shm->path, flags, MODE_PRIVATE);
        if (fd < 0 && errno == EEXIST && !is_taken(shm->path, image)) {
            unlink(shm->path); // an earlier process of this pid left it
            fd = open(shm->path, flags, MODE_PRIVATE);
        }
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

// A file beyond RLIMIT_FSIZE would raise SIGXFSZ, which ends most programs.
static uint64_t within_limit(uint64_t bytes)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < bytes)
        return limit.rlim_cur / TACHO_RING_HEADER_SIZE * TACHO_RING_HEADER_SIZE;
    return bytes;
}

static bool is_ours(const struct tacho_shm *shm, int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_dev == shm->device && status.st_ino == shm->inode;
}

// Daemons close every descriptor when they start, and another file may have our number now.
static int fd_find(struct tacho_shm *shm)
{
    if (shm->fd >= 0 && is_ours(shm, shm->fd))
        return shm->fd;
    shm->fd = -1;
    if (!shm->has_path)
        return -1;
    int fd = open(shm->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && !is_ours(shm, fd)) {
        close(fd);
        return -1;
    }
    shm->fd = fd;
    return fd;
}

static void fd_keep(struct tacho_shm *shm)
{
    struct stat status;
    int high = fcntl(shm->fd, F_DUPFD_CLOEXEC, FD_LOWEST);
    if (high >= 0) {
        close(shm->fd);
        shm->fd = high;
    }
    if (fstat(shm->fd, &status) == 0) {
        shm->device = status.st_dev;
        shm->inode = status.st_ino;
    }
}

// Address space for the whole file; where that is short, for as much as there is.
static int map_file(struct tacho_shm *shm, uint64_t budget)
{
    fd_keep(shm);
    shm->budget = budget;
    shm->bytes = within_limit(budget * HOLES);
    if (shm->bytes < TACHO_RING_HEADER_SIZE ||
        tacho_shm_grow(shm, 0, TACHO_RING_HEADER_SIZE, 0) < 0)
        return TACHO_ERR_FULL;
    for (; shm->bytes >= WINDOW_MIN; shm->bytes /= 2) {
        void *base =
            mmap(NULL, shm->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, shm->fd, 0);
        if (base != MAP_FAILED) {
            shm->base = base;
            return 0;
        }
    }
    return TACHO_ERR_MEMORY;
}

int tacho_shm_open(struct tacho_shm *shm, const char *dir, uint64_t budget, const uint64_t image[2])
{
    memset(shm, 0, sizeof *shm);
    shm->fd = -1;
    if (dir && folder_usable(dir))
        shm->fd = open_named(shm, dir, image);
    shm->has_path = shm->fd >= 0;
    if (shm->has_path && map_file(shm, budget) == 0)
        return 0;
    tacho_shm_close(shm); // a full /dev/shm: private memory serves the program's own reports
    shm->path[0] = 0;
    shm->fd = memfd_create("tacho", MFD_CLOEXEC);
    if (shm->fd < 0)
        return TACHO_ERR_IO;
    int code = map_file(shm, budget);
    if (code < 0)
        tacho_shm_close(shm);
    return code;
}

// Memory for whole pages of [from, to); fallocate says when there is none, a write would only die.
static int back(int fd, uint64_t from, uint64_t to)
{
    int code;
    do
        code = fallocate(fd, 0, (off_t)from, (off_t)(to - from));
    while (code != 0 && errno == EINTR);
    return code == 0 || errno == EOPNOTSUPP ? 0 : TACHO_ERR_FULL;
}

int tacho_shm_grow(struct tacho_shm *shm, uint64_t from, uint64_t to, uint64_t size)
{
    int fd = fd_find(shm);
    from &= ~(uint64_t)(TACHO_RING_HEADER_SIZE - 1);
    to = (to + TACHO_RING_HEADER_SIZE - 1) & ~(uint64_t)(TACHO_RING_HEADER_SIZE - 1);
    size = size > to ? size : to;
    if (fd < 0)
        return TACHO_ERR_LOST;
    if (size > shm->bytes || shm->backed + (to - from) > shm->budget)
        return TACHO_ERR_FULL;
    if (to > from && back(fd, from, to) < 0)
        return TACHO_ERR_FULL;
    shm->backed += to - from;
    if (size > shm->size) {
        if (ftruncate(fd, (off_t)size) != 0)
            return TACHO_ERR_FULL;
        shm->size = size;
    }
#ifdef MADV_POPULATE_WRITE
    // One call instead of a page fault for each 256 spans; where the kernel does not know it, they
    // fault.
    if (shm->base && to > from)
        madvise(shm->base + from, to - from, MADV_POPULATE_WRITE);
#endif
    return 0;
}

int tacho_shm_overlay(struct tacho_shm *shm, void *page)
{
    if (sysconf(_SC_PAGESIZE) != TACHO_RING_HEADER_SIZE ||
        ((uintptr_t)page & (TACHO_RING_HEADER_SIZE - 1)) != 0)
        return TACHO_ERR_UNSUPPORTED;
    void *at = mmap(page, TACHO_RING_HEADER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                    shm->fd, 0);
    return at == page ? 0 : TACHO_ERR_UNSUPPORTED;
}

static bool write_all(int fd, const char *data, uint64_t from, uint64_t to)
{
    while (from < to) {
        ssize_t wrote = pwrite(fd, data + from, to - from, (off_t)from);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        from += (uint64_t)wrote;
    }
    return true;
}

// Writes bytes [from, to) but for the holes, which reading would fill with memory.
static bool write_filled(const struct tacho_shm *shm, int fd, uint64_t from, uint64_t to)
{
    bool has_fd = shm->fd >= 0 && is_ours(shm, shm->fd);
    while (from < to) {
        off_t data = has_fd ? lseek(shm->fd, (off_t)from, SEEK_DATA) : (off_t)from;
        if (data < 0)
            return errno == ENXIO; // nothing but a hole up to the end
        off_t hole = has_fd ? lseek(shm->fd, data, SEEK_HOLE) : (off_t)to;
        uint64_t end = hole < 0 || (uint64_t)hole > to ? to : (uint64_t)hole;
        if ((uint64_t)data < end && !write_all(fd, shm->base, (uint64_t)data, end))
            return false;
        from = end;
    }
    return true;
}

int tacho_shm_copy(const struct tacho_shm *shm, uint64_t bytes, const char *path)
{
    char part[TACHO_SHM_PATH_MAX];
    struct tacho_text text;
    struct tacho_ring_header head;
    tacho_text_init(&text, part, sizeof part);
    tacho_text_add(&text, path);
    tacho_text_add(&text, ".part");
    if (text.cut)
        return TACHO_ERR_INVALID;
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, MODE_PRIVATE);
    if (fd < 0)
        return errno == EACCES ? TACHO_ERR_PERMISSION : TACHO_ERR_IO;
    memcpy(&head, shm->base, sizeof head);
    head.flags |= TACHO_RING_FLAG_SNAPSHOT;
    head.size_bytes = bytes;
    head.used_bytes = bytes;
    bool ok = ftruncate(fd, (off_t)bytes) == 0 && write_filled(shm, fd, sizeof head, bytes) &&
              write_all(fd, (const char *)&head, 0, sizeof head);
    if (close(fd) != 0)
        ok = false;
    if (ok && rename(part, path) == 0)
        return 0;
    unlink(part);
    return TACHO_ERR_IO;
}

void tacho_shm_unlink(struct tacho_shm *shm)
{
    if (shm->has_path)
        unlink(shm->path);
    shm->has_path = false;
}

void tacho_shm_close(struct tacho_shm *shm)
{
    tacho_shm_unlink(shm);
    if (shm->base)
        munmap(shm->base, shm->bytes);
    if (shm->fd >= 0 && is_ours(shm, shm->fd))
        close(shm->fd);
    shm->base = NULL;
    shm->fd = -1;
}
