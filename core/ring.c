// The per-thread ring: 16-byte records, the oldest overwritten, one writer and any number of
// readers.
//
// Bound: one claim, two stores, one store of the head. A record is claimed before it is written, so
// the zones of a signal handler that comes in between take the next one; the head follows when the
// record is complete. A reader takes [tail, head), copies, reads `claim`, and discards every record
// that is not newer than claim - size; the only record that can be read half-written is that of an
// execution interrupted by a handler that is itself being read, and its time does not fit between
// its neighbours'.
#include "core/core.h"

void tacho_ring_put_two(struct tacho_local *local, uint64_t time, uint64_t detail, uint64_t value)
{
    struct tacho_ring_slot *slot = local->slot;
    uint64_t at = tacho_cpu_claim(&slot->claim, 2);
    if (TACHO_UNLIKELY(at + 1 >= local->ring_grows_at))
        tacho_ring_grow();
    __atomic_thread_fence(__ATOMIC_RELEASE);
    tacho_ring_write(&local->ring[at & local->ring_mask], time, detail);
    tacho_ring_write(&local->ring[(at + 1) & local->ring_mask], value,
                     tacho_ring_detail(0, 0, TACHO_RING_DATA, 0));
    __atomic_store_n(&slot->head, at + 2, __ATOMIC_RELEASE);
}
