// Finding processes by name and checking a pid that a user gave: see proc_source.h.
#include "proc_source.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc_read.h"

#define COMM_KEPT 15 // characters of a name that the kernel keeps

static ssize_t read_file(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return tacho_proc_read(path, text, size);
}

int tacho_pid_check(pid_t pid, struct tacho_fail *fail)
{
    char text[4096];
    struct tacho_proc_stat stat;
    struct tacho_proc_status status;
    if (pid <= 0)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "%d is not the id of a process", (int)pid);
    ssize_t size = read_file(pid, "stat", text, sizeof text);
    if (size == -EACCES || size == -EPERM)
        return tacho_fail_set(fail, TACHO_ERR_PERMISSION,
                              "process %d may not be observed: /proc is mounted with hidepid; run "
                              "as its user or as root",
                              (int)pid);
    if (size <= 0)
        return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "no process has the id %d", (int)pid);
    if (tacho_proc_stat_parse(text, (size_t)size, &stat) < 0)
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "cannot understand /proc/%d/stat", (int)pid);
    if (tacho_proc_is_kernel_thread(&stat))
        return tacho_fail_set(fail, TACHO_ERR_UNSUPPORTED,
                              "%d is the kernel thread [%s], which has no program to observe",
                              (int)pid, stat.comm);
    if (stat.state == 'Z')
        return tacho_fail_set(fail, TACHO_ERR_LOST,
                              "process %d (%s) has ended; its parent %d has not waited for it",
                              (int)pid, stat.comm, (int)stat.ppid);
    if (tacho_proc_cpu_clock_ns(pid) >= 0)
        return 0; // only whole processes have one
    size = read_file(pid, "status", text, sizeof text);
    if (size > 0 && tacho_proc_status_parse(text, (size_t)size, &status) == 0 &&
        status.tgid != (uint64_t)pid)
        return tacho_fail_set(fail, TACHO_ERR_INVALID, "%d is a thread of process %llu; give that",
                              (int)pid, (unsigned long long)status.tgid);
    return 0;
}

// The last part of the path of the first argument.
static const char *program_name(char *command)
{
    char *slash = strrchr(command, '/');
    return slash ? slash + 1 : command;
}

static bool is_called(pid_t pid, const char *comm)
{
    char text[4096];
    struct tacho_proc_stat stat;
    ssize_t size = read_file(pid, "stat", text, sizeof text);
    if (size <= 0 || tacho_proc_stat_parse(text, (size_t)size, &stat) < 0 || stat.state == 'Z' ||
        tacho_proc_is_kernel_thread(&stat))
        return false;
    if (strlen(comm) <= COMM_KEPT && strcmp(stat.comm, comm) == 0)
        return true;
    if (read_file(pid, "cmdline", text, sizeof text) <= 0)
        return false;
    return strcmp(program_name(text), comm) == 0;
}

int tacho_comm_find(const char *comm, pid_t **pids, size_t *count, struct tacho_fail *fail)
{
    TACHO_ARRAY(pid_t) found = {0};
    if (!comm[0])
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "the name of a process is empty");
    DIR *folder = opendir("/proc");
    if (!folder)
        return tacho_fail_errno(fail, "cannot list /proc");
    for (struct dirent *entry; (entry = readdir(folder));) {
        const char *at = entry->d_name, *end = at + strlen(at);
        uint64_t pid;
        if (tacho_proc_number(&at, end, &pid) && at == end && pid <= INT_MAX &&
            (pid_t)pid != getpid() && is_called((pid_t)pid, comm))
            tacho_array_push(&found, (pid_t)pid);
    }
    closedir(folder);
    if (found.count == 0) {
        tacho_array_release(&found);
        return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "no process is called '%s'", comm);
    }
    *pids = found.items;
    *count = found.count;
    return 0;
}
