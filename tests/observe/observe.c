// Runs a program under observation in a folder of its own and reads the ring files it leaves.
#include "observe/observe.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "link/ring_link.h"

int observe_begin(void **state)
{
    struct observe *observe = calloc(1, sizeof *observe);
    *state = observe;
    strcpy(observe->folder, "/tmp/tacho-test-XXXXXX");
    return mkdtemp(observe->folder) ? 0 : -1;
}

int observe_end(void **state)
{
    struct observe *observe = *state;
    char path[512];
    DIR *dir = opendir(observe->folder);
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", observe->folder, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    closedir(dir);
    int code = rmdir(observe->folder);
    free(observe);
    return code;
}

static void read_output(struct observe *observe, int fd)
{
    size_t size = 0;
    ssize_t got;
    while ((got = read(fd, observe->output + size, sizeof observe->output - 1 - size)) > 0)
        size += (size_t)got;
    observe->output[size] = 0;
    close(fd);
}

void observe_run(struct observe *observe, const char *words, const char *program,
                 const char *argument)
{
    int out[2];
    assert_int_equal(pipe(out), 0);
    observe->pid = fork();
    if (observe->pid == 0) {
        dup2(out[1], 1);
        close(out[0]);
        close(out[1]);
        setenv("TACHO_DIR", observe->folder, 1);
        setenv("TACHO_DUMP_DIR", observe->folder, 1);
        if (words)
            setenv("TACHO", words, 1);
        else
            unsetenv("TACHO");
        execl(program, program, argument, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    read_output(observe, out[0]);
    assert_int_equal(waitpid(observe->pid, &observe->status, 0), observe->pid);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

int observe_files(const struct observe *observe, char paths[][256], int max)
{
    int count = 0;
    DIR *dir = opendir(observe->folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL && count < max;)
        if (strstr(entry->d_name, ".tacho"))
            snprintf(paths[count++], 256, "%s/%.150s", observe->folder, entry->d_name);
    closedir(dir);
    qsort(paths, (size_t)count, sizeof paths[0], by_text);
    return count;
}

void observe_read(const char *path, struct collect *collect, struct tacho_ring_identity *identity)
{
    struct tacho_ring_link link;
    struct tacho_ring_reader *reader = NULL;
    struct tacho_fail fail = {0};
    uint64_t ticks;
    int64_t host_ns;
    collect_init(collect);
    if (tacho_ring_link_open(&link, path, &fail) < 0 ||
        tacho_ring_reader_open(&reader, &link.input, &fail) < 0)
        fail_msg("%s", fail.text);
    tacho_ring_clock_now(&ticks, &host_ns);
    tacho_ring_reader_rate_point(reader, ticks, host_ns); // the program ended
    if (tacho_ring_reader_finish(reader, &collect->sink, &fail) < 0)
        fail_msg("%s", fail.text);
    if (identity)
        *identity = *tacho_ring_reader_identity(reader);
    tacho_ring_reader_free(reader);
    tacho_ring_link_close(&link);
}

void observe_read_only(const struct observe *observe, struct collect *collect)
{
    char paths[8][256];
    assert_int_equal(observe_files(observe, paths, 8), 1);
    observe_read(paths[0], collect, NULL);
}
