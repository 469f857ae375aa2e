// The folder in shared memory that a command's ring files go to: see ring_folder.h.
#include "capture/ring_folder.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "link/ring_link.h"

#define NAME_BEGIN "tacho-run-"

static bool is_running(pid_t pid)
{
    return kill(pid, 0) == 0 || errno != ESRCH;
}

static int remove_file(void *context, const char *path, uint32_t pid)
{
    const bool *only_dead = context;
    if (!*only_dead || !is_running((pid_t)pid))
        unlink(path);
    return 0;
}

static void remove_folder(const char *path, bool only_dead)
{
    struct tacho_fail ignored = {0};
    (void)tacho_ring_files_each(path, remove_file, &only_dead, &ignored);
    rmdir(path);
}

void tacho_ring_folder_remove(const char *path)
{
    remove_folder(path, false);
}

// Another user may have put a folder of such a name here: only our own are touched.
static bool is_own_folder(const char *path)
{
    struct stat what;
    return lstat(path, &what) == 0 && S_ISDIR(what.st_mode) && what.st_uid == geteuid();
}

static void sweep(const char *shared)
{
    DIR *folder = opendir(shared);
    struct tacho_buffer path = {0};
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        size_t begin = strlen(NAME_BEGIN);
        if (strncmp(entry->d_name, NAME_BEGIN, begin) != 0)
            continue;
        pid_t pid = (pid_t)strtol(entry->d_name + begin, NULL, 10);
        path.size = 0;
        tacho_buffer_printf(&path, "%s/%s", shared, entry->d_name);
        bool is_left = pid > 0 && (pid == getpid() || !is_running(pid));
        if (is_left && is_own_folder(path.data))
            remove_folder(path.data, true);
    }
    if (folder)
        closedir(folder);
    tacho_buffer_release(&path);
}

int tacho_ring_folder_make(struct tacho_buffer *path, struct tacho_fail *fail)
{
    const char *shared = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    sweep(shared);
    tacho_buffer_printf(path, "%s/" NAME_BEGIN "%d-XXXXXX", shared, (int)getpid());
    if (mkdtemp(path->data))
        return 0;
    tacho_fail_errno(fail, "cannot make the folder %s for zones", path->data);
    tacho_buffer_release(path);
    return fail->code;
}
