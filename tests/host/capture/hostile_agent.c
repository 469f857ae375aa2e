// Writes nonsense into the ring of the agent, as a program that has gone wrong could.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/agent_ring.h"

static uint64_t state = 88172645463325252u;

static uint64_t number(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void fill(struct tacho_agent_slot *slot)
{
    uint8_t *bytes = (uint8_t *)&slot->kind;
    for (size_t i = 0; i < 600; i++)
        bytes[i] = (uint8_t)number();
    for (size_t i = 0; i < 64; i++)
        slot->bytes[number() % sizeof slot->bytes] = (uint8_t)number();
    slot->kind = (uint32_t)(number() % 6);
    if (number() % 4) { // now and then something that could be true
        slot->pid = slot->tid = (uint32_t)getpid();
        slot->size = (uint32_t)(number() % sizeof slot->bytes);
        slot->registers[16] = (uint64_t)(uintptr_t)fill;
        slot->registers[7] = (uint64_t)(uintptr_t)&bytes;
    }
}

int main(void)
{
    const char *path = getenv(TACHO_AGENT_VARIABLE);
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    struct tacho_agent_ring *ring;
    if (fd < 0)
        return 2;
    ring = mmap(NULL, sizeof *ring, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring == MAP_FAILED)
        return 2;
    for (unsigned round = 0; round < 40; round++) {
        for (uint64_t i = 0; i < 100; i++) {
            uint64_t at = atomic_load(&ring->next);
            struct tacho_agent_slot *slot = &ring->slots[at % TACHO_AGENT_SLOTS];
            fill(slot);
            atomic_store(&ring->next, at + 1);
            atomic_store(&slot->sequence, number() % 50 ? at + 1 : number());
        }
        ring->period_ns = (int64_t)number();
        ring->slot_count = (uint32_t)number();
        usleep(5000);
    }
    atomic_store(&ring->next, number());
    printf("done\n");
    return 0;
}
