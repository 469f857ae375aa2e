// The OS port for tests.
#include "mock/mock.h"

#include <string.h>

#include "core/core.h"

struct tacho_mock tacho_mock;
uint32_t tacho_control[32];
uint64_t tacho_mock_ticks, tacho_mock_step;
uint32_t tacho_mock_stack;

static bool lock(void)
{
    if (tacho_mock.lock_refused)
        return false;
    tacho_mock.locks++;
    tacho_mock.held++;
    return true;
}

static void unlock(void)
{
    tacho_mock.held--;
}

static int grow(uint64_t from, uint64_t to, uint64_t size)
{
    (void)from;
    if (tacho_mock.grow_refused)
        return TACHO_ERR_FULL;
    size = size > to ? size : to;
    if (size > tacho_core.header->size_bytes)
        tacho_core.header->size_bytes = size;
    return 0;
}

static int ready(void)
{
    return tacho_mock.ready_refused || !tacho_core.base ? TACHO_ERR_MEMORY : 0;
}

static void thread_started(struct tacho_ring_slot *slot)
{
    slot->tid = tacho_mock.tid;
}

static void over_limit(uint32_t series)
{
    tacho_mock.over_limit = series;
    tacho_mock.over_limit_count++;
}

static struct tacho_port port = {
    .lock = lock,
    .unlock = unlock,
    .grow = grow,
    .ready = ready,
    .thread_started = thread_started,
    .over_limit = over_limit,
};

void tacho_mock_begin(void *memory, size_t bytes, size_t bytes_max, size_t ring_bytes)
{
    memset(&tacho_mock, 0, sizeof tacho_mock);
    memset(memory, 0, bytes_max);
    tacho_mock.tid = 1;
    tacho_control[TACHO_CONTROL_MODE] = 0;
    tacho_mock_ticks = 1000;
    tacho_mock_step = 0;
    tacho_mock_stack = 1000000;
    port.ring_bytes = ring_bytes;
    tacho_core.port = &port;
    tacho_region_init(memory, bytes, bytes_max);
    memset(&tacho_local, 0, sizeof tacho_local);
}

void tacho_mock_thread_next(void)
{
    memset(&tacho_local, 0, sizeof tacho_local);
    tacho_mock.tid++;
}

void tacho_mock_thread_end(void)
{
    tacho_slot_release(tacho_local.slot);
    tacho_mock_thread_next();
}

int tacho_start(const struct tacho_config *config)
{
    tacho_core.header->sample_one_in = config->sample_one_in ? config->sample_one_in : 1;
    tacho_control[TACHO_CONTROL_MODE] = config->mode;
    return 0;
}

void tacho_stop(void)
{
    tacho_control[TACHO_CONTROL_MODE] = 0;
}
