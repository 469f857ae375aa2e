// Runs code it made itself and names it in /tmp/perf-PID.map, as JITs do: jit [SECONDS of CPU
// time].
//
// Two made functions share the time 75 / 25. The map stays behind when the program ends, as node's
// does; the program prints its path, and whoever ran it removes it.
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "truth.h"

typedef void made_function(uint64_t steps);

enum { SLOT_BYTES = 64, COLD_STEPS = 300000, HOT_STEPS = 3 * COLD_STEPS };

// A frame, then a loop that counts its argument down to zero.
#if defined(__x86_64__)
static const unsigned char made_code[] = {
    0x55,             // push rbp
    0x48, 0x89, 0xe5, // mov rbp, rsp
    0x48, 0xff, 0xcf, // 1: dec rdi
    0x75, 0xfb,       // jnz 1b
    0x5d,             // pop rbp
    0xc3,             // ret
};
#elif defined(__aarch64__)
static const unsigned char made_code[] = {
    0xfd, 0x7b, 0xbf, 0xa9, // stp x29, x30, [sp, #-16]!
    0xfd, 0x03, 0x00, 0x91, // mov x29, sp
    0x00, 0x04, 0x00, 0xf1, // 1: subs x0, x0, #1
    0xe1, 0xff, 0xff, 0x54, // b.ne 1b
    0xfd, 0x7b, 0xc1, 0xa8, // ldp x29, x30, [sp], #16
    0xc0, 0x03, 0x5f, 0xd6, // ret
};
#else
static const unsigned char made_code[1];
#endif

static made_function *made_at(unsigned char *slot)
{
    made_function *function;
    memcpy(slot, made_code, sizeof(made_code));
    memcpy(&function, &slot, sizeof(slot));
    return function;
}

static int map_write(const unsigned char *page)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/perf-%ld.map", (long)getpid());
    FILE *map = fopen(path, "w");
    if (map == NULL) {
        perror(path);
        return -1;
    }
    fprintf(map, "%" PRIxPTR " %zx jit_hot script.example:1\n", (uintptr_t)page, sizeof(made_code));
    fprintf(map, "%" PRIxPTR " %zx jit_cold script.example:9\n", (uintptr_t)page + SLOT_BYTES,
            sizeof(made_code));
    printf("map %s\n", path);
    return fclose(map) == 0 ? 0 : -1;
}

static TRUTH_OUTLINE void jit_drive(made_function *function, uint64_t steps, double *cpu_s)
{
    double before_s = truth_cpu_s();
    function(steps);
    *cpu_s += truth_cpu_s() - before_s;
}

int main(int argc, char **argv)
{
    double limit_s = truth_argument(argc, argv, 1, 0.001, 600, 1);
    double hot_s = 0, cold_s = 0;

    if (sizeof(made_code) == 1) {
        fprintf(stderr, "jit: knows no code for this CPU\n");
        return 77;
    }
    unsigned char *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || map_write(page) < 0)
        return 1;
    made_function *hot = made_at(page);
    made_function *cold = made_at(page + SLOT_BYTES);
    __builtin___clear_cache((char *)page, (char *)page + 4096);
    if (mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0)
        return 1;
    while (truth_cpu_s() < limit_s) {
        jit_drive(hot, HOT_STEPS, &hot_s);
        jit_drive(cold, COLD_STEPS, &cold_s);
    }
    truth_number("cpu_s", truth_cpu_s());
    truth_number("jit_hot", hot_s / (hot_s + cold_s));
    truth_number("jit_cold", cold_s / (hot_s + cold_s));
    return 0;
}
