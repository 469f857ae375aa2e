// Whole files: see file.h.
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE ((size_t)32 * 1024)

int tacho_file_read(const char *path, struct tacho_buffer *buffer, size_t size_max,
                    struct tacho_fail *fail)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tacho_fail_errno(fail, "cannot open %s", path);
    buffer->size = 0;
    int status = 0;
    for (;;) {
        char *place = tacho_buffer_room(buffer, READ_SIZE);
        ssize_t count = read(fd, place, READ_SIZE);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            status = tacho_fail_errno(fail, "cannot read %s", path);
        if (count <= 0)
            break;
        buffer->size += (size_t)count;
        if (size_max && buffer->size > size_max) {
            status =
                tacho_fail_set(fail, TACHO_ERR_FULL, "%s is larger than %zu bytes", path, size_max);
            break;
        }
    }
    tacho_buffer_room(buffer, 0)[0] = '\0';
    close(fd);
    return status;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t count = write(fd, data, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        data += count;
        size -= (size_t)count;
    }
    return 0;
}

// A pipe or a device stays what it is: nothing is made beside it that could take its place.
static int write_through(const char *path, const void *data, size_t size, struct tacho_fail *fail)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC), status = 0;
    if (fd < 0 || write_all(fd, data, size) < 0)
        status = tacho_fail_errno(fail, "cannot write %s", path);
    if (fd >= 0)
        close(fd);
    return status;
}

int tacho_file_replace(const char *path, const void *data, size_t size, struct tacho_fail *fail)
{
    struct stat what;
    if (stat(path, &what) == 0 && !S_ISREG(what.st_mode))
        return write_through(path, data, size, fail);
    struct tacho_buffer beside = {0};
    tacho_buffer_printf(&beside, "%s.new.XXXXXX", path);
    int status = 0;
    int fd = mkostemp(beside.data, O_CLOEXEC);
    if (fd < 0) {
        status = tacho_fail_errno(fail, "cannot create %s", path);
        goto out;
    }
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) < 0 || write_all(fd, data, size) < 0 || fsync(fd) < 0 ||
        rename(beside.data, path) < 0) {
        status = tacho_fail_errno(fail, "cannot write %s", path);
        unlink(beside.data);
    }
    close(fd);
out:
    tacho_buffer_release(&beside);
    return status;
}

int tacho_folder_make(const char *path, struct tacho_fail *fail)
{
    struct tacho_buffer part = {0};
    int status = 0;
    for (const char *at = path; *at && status == 0; at++) {
        bool is_end = at[1] == '\0' || (at[1] == '/' && at > path);
        if (!is_end)
            continue;
        part.size = 0;
        tacho_buffer_add(&part, path, (size_t)(at + 1 - path));
        if (mkdir(part.data, 0700) < 0 && errno != EEXIST)
            status = tacho_fail_errno(fail, "cannot make the folder %s", part.data);
    }
    struct stat what;
    if (status == 0 && (stat(path, &what) < 0 || !S_ISDIR(what.st_mode)))
        status = tacho_fail_set(fail, TACHO_ERR_INVALID, "%s is not a folder", path);
    tacho_buffer_release(&part);
    return status;
}
