// Who this process and thread are, read with system calls only.
#include "linux/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STAT_FIELD_START 22

static long read_small(const char *path, char *text, uint64_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    long got;
    do
        got = read(fd, text, size - 1);
    while (got < 0 && errno == EINTR);
    close(fd);
    text[got > 0 ? got : 0] = 0;
    return got;
}

uint64_t tacho_linux_process_start(void)
{
    char text[1024];
    if (read_small("/proc/self/stat", text, sizeof text) <= 0)
        return 0;
    const char *at = strrchr(text, ')'); // the name may hold anything
    if (!at)
        return 0;
    for (int field = 2; field < STAT_FIELD_START && at; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    uint64_t start = 0;
    while (at && *at >= '0' && *at <= '9')
        start = start * 10 + (uint64_t)(*at++ - '0');
    return start;
}

void tacho_linux_image(uint64_t image[2])
{
    const void *random = (const void *)getauxval(AT_RANDOM);
    image[0] = image[1] = 0;
    if (random)
        memcpy(image, random, 16);
    image[0] ^= (uint64_t)getpid(); // a forked child has its parent's random bytes
}

void tacho_linux_boot_id(char *text, uint64_t size)
{
    if (read_small("/proc/sys/kernel/random/boot_id", text, size) <= 0)
        text[0] = 0;
    text[strcspn(text, "\n")] = 0;
}

uint32_t tacho_linux_tid(void)
{
    return (uint32_t)syscall(SYS_gettid);
}

void tacho_linux_thread_name(char *text, uint64_t size)
{
    char name[16] = "";
    prctl(PR_GET_NAME, name);
    memset(text, 0, size);
    memcpy(text, name, size < sizeof name ? size : sizeof name);
    text[size - 1] = 0;
}
