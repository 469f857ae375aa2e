// Grows its memory at a known rate and keeps it: grow [SECONDS] [MIB PER SECOND].
#include <errno.h>
#include <string.h>

#include "truth.h"

enum { TICK_MS = 10, BLOCK_BYTES = 16384 };

struct block {
    struct block *next;
    char bytes[BLOCK_BYTES - sizeof(struct block *)];
};

// Every block is written to, so that what is allocated is also resident.
static TRUTH_OUTLINE struct block *grow_block(struct block *chain)
{
    struct block *block = malloc(sizeof(*block));
    if (block == NULL) {
        fprintf(stderr, "grow: out of memory\n");
        exit(1);
    }
    memset(block->bytes, 0x5a, sizeof(block->bytes));
    block->next = chain;
    return block;
}

static void grow_wait_until(const struct timespec *until)
{
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, until, NULL) == EINTR)
        ;
}

int main(int argc, char **argv)
{
    double limit_s = truth_argument(argc, argv, 1, 0.01, 600, 1);
    double rate = truth_argument(argc, argv, 2, 0.1, 4096, 32) * 1024 * 1024;
    struct block *chain = NULL;
    uint64_t blocks = 0;
    struct timespec tick;
    double begin_s = truth_wall_s();

    clock_gettime(CLOCK_MONOTONIC, &tick);
    for (int ticks = 1; ticks * TICK_MS <= limit_s * 1000; ticks++) {
        double due_bytes = rate * ticks * TICK_MS / 1000;
        while ((double)(blocks + 1) * BLOCK_BYTES <= due_bytes) {
            chain = grow_block(chain);
            blocks++;
        }
        tick.tv_nsec += TICK_MS * 1000000L;
        if (tick.tv_nsec >= 1000000000L) {
            tick.tv_sec++;
            tick.tv_nsec -= 1000000000L;
        }
        grow_wait_until(&tick);
    }
    double took_s = truth_wall_s() - begin_s;
    truth_count("grown_bytes", blocks * BLOCK_BYTES);
    truth_number("wall_s", took_s);
    truth_number("bytes_per_s", (double)(blocks * BLOCK_BYTES) / took_s);
    while (chain != NULL) {
        struct block *next = chain->next;
        free(chain);
        chain = next;
    }
    return 0;
}
