// What the files of core share: the region the recording lives in, and each thread's way into it.
//
// The region is one piece of memory laid out as wire/ring_layout.h says: the shared file on Linux,
// an array on a microcontroller. Core knows no operating system; what it needs of one is in struct
// tacho_port, which is called on slow paths only.
#ifndef TACHO_CORE_CORE_H
#define TACHO_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tacho/control.h"
#include "tacho/errors.h"
#include "tacho/metric.h"
#include "tacho/zone.h"
#include "wire/ring_layout.h"

#include "tacho_cpu.h"

#define TACHO_LIKELY(x)   __builtin_expect(!!(x), 1)
#define TACHO_UNLIKELY(x) __builtin_expect(!!(x), 0)

// How a scope was recorded, in the upper half of its place. The mode bits, and:
#define TACHO_PLACE_UNTIMED (1u << 30)
#define TACHO_PLACE_OPEN    (1u << 31) // so that no place is 0

struct tacho_port {
    // The slow paths' lock. A signal handler must not meet the holder: block signals, or
    // interrupts. Returns false when it cannot be had here; then the caller does without and
    // counts.
    bool (*lock)(void);
    void (*unlock)(void);
    // Makes bytes [from, to) of the region usable, and the region at least `size` long (what is
    // between may be touched only after another call). Returns 0 or TACHO_ERR_FULL. Lock held.
    int (*grow)(uint64_t from, uint64_t to, uint64_t size);
    // Makes sure a region is there that belongs to this process. Returns 0 or TACHO_ERR_*. Lock
    // held.
    int (*ready)(void);
    // Fills in who the calling thread is, and arranges that tacho_slot_release is called when it
    // ends. Lock held.
    void (*thread_started)(struct tacho_ring_slot *slot);
    // A series was added; may set its limit. Lock held. May be NULL.
    void (*series_added)(uint32_t series);
    // A zone took longer than its limit. No lock held; on the thread whose zone it was.
    void (*over_limit)(uint32_t series);
    uint64_t ring_bytes; // wanted for each thread
};

struct tacho_core {
    char *base; // of the region; NULL: none yet
    struct tacho_ring_header *header;
    const struct tacho_port *port;
    uint64_t size_max;   // the region may grow to this
    uint64_t usable;     // behind used_bytes, up to here, nothing has to grow
    uint32_t generation; // grows with each region: a child process gets a new one
};
extern struct tacho_core tacho_core;

// Each thread's own. `ready` has a mode bit for each thing the thread has what it takes for.
struct tacho_local {
    uint32_t ready;
    uint32_t refused; // the generation of the region that had no room for this thread
    struct tacho_ring_slot *slot;
    struct tacho_ring_record *ring;
    uint64_t ring_mask;
    uint64_t ring_grows_at; // the record number at which the ring has to grow
    char *base;
};
extern TACHO_CPU_THREAD struct tacho_local tacho_local TACHO_CPU_THREAD_MODEL;

static inline void *tacho_at(uint32_t reference)
{
    return tacho_core.base + (uint64_t)reference * TACHO_RING_UNIT;
}

// The number of `series`, 0 before its first use. Acquire: its directory entry is seen too.
static inline uint32_t tacho_series_id(const struct tacho_series *series)
{
    return __atomic_load_n(&series->id, __ATOMIC_ACQUIRE);
}

static inline uint32_t tacho_mode(void)
{
    return __atomic_load_n(&tacho_control[TACHO_CONTROL_MODE], __ATOMIC_RELAXED);
}

// region.c: lays out a fresh region of at least a header's size that reads as zeros.
void tacho_region_init(char *base, uint64_t size_bytes, uint64_t size_max);
// Room for `bytes`, zeroed, as a reference; 0: none left (counted). Lock held.
uint32_t tacho_region_take(uint64_t bytes);
// The same, of which only the first `first` bytes are usable; tacho_region_back makes more so.
uint32_t tacho_region_reserve(uint64_t bytes, uint64_t first);
bool tacho_region_back(uint32_t reference, uint64_t from, uint64_t to);
// A copy of `text` as a reference; 0 for NULL and "". Lock held.
uint32_t tacho_region_text(const char *text);

// series.c: gives `series` its number; it has one afterwards. Lock held.
void tacho_series_register(struct tacho_series *series);
// Adds a series of the given properties; returns its id, 0: no room. Lock held.
uint32_t tacho_series_add(const struct tacho_series *series, uint64_t address);
// The directory's entry; id must be valid.
struct tacho_ring_series *tacho_series_at(uint32_t id);

// slot.c: makes the calling thread ready for `mode`. Returns false where it cannot be. Lock held.
bool tacho_slot_ready(uint32_t mode);
// The thread of `slot` ended.
void tacho_slot_release(struct tacho_ring_slot *slot);
// In a child process: moves the calling thread to `spare`, memory that nobody reads, until it has a
// slot of its own; scopes begun before the fork end there.
void tacho_slot_park(struct tacho_ring_slot *spare);
// The block of `series` for the calling thread, made if missing; 0: no room. Takes the lock.
uint32_t tacho_block_make(uint32_t series);
// How many calls of a zone to leave out before the next one is timed.
uint32_t tacho_countdown_new(struct tacho_ring_slot *slot);

// Zones that were left by longjmp stay on the open-zone stack until one around them ends, which may
// be never. Where the thread's stack was tells them: a zone that began as deep or deeper than the
// one that begins now, with the same zone, or deeper with any, cannot be open any more. Whether an
// execution of `series` is really open around the one that begins now.
bool tacho_open_is_inside(struct tacho_ring_slot *slot, uint32_t series);
// Takes what was left off the top of the full stack; returns the new depth.
uint32_t tacho_open_drop_left(struct tacho_ring_slot *slot, uint32_t series, uint32_t stack);
// All of the slow path of entering: thread, region, series. True: ready to record.
bool tacho_make_ready(struct tacho_series *series, uint32_t mode);

// The block of `series` for the calling thread as a reference, 0 when it has none yet.
static inline uint32_t tacho_block_find(const struct tacho_local *local, uint32_t series)
{
    uint32_t leaf = local->slot->leaf[series / TACHO_RING_LEAF_SERIES];
    if (TACHO_UNLIKELY(leaf == 0))
        return 0;
    const uint32_t *blocks = (const void *)(local->base + (uint64_t)leaf * TACHO_RING_UNIT);
    return blocks[series % TACHO_RING_LEAF_SERIES];
}

static inline struct tacho_ring_block *tacho_block_at(const struct tacho_local *local,
                                                      uint32_t reference)
{
    return (void *)(local->base + (uint64_t)reference * TACHO_RING_UNIT);
}

// slot.c: doubles the calling thread's ring, which is full for the first time.
void tacho_ring_grow(void);

// Appends one record to the thread's ring, or two that stay together; see ring.c for the protocol.
static inline void tacho_ring_write(struct tacho_ring_record *record, uint64_t time,
                                    uint64_t detail)
{
    __atomic_store_n(&record->time, time, __ATOMIC_RELAXED);
    __atomic_store_n(&record->detail, detail, __ATOMIC_RELAXED);
}

static inline void tacho_ring_put(struct tacho_local *local, uint64_t time, uint64_t detail)
{
    struct tacho_ring_slot *slot = local->slot;
    uint64_t at = tacho_cpu_claim(&slot->claim, 1);
    if (TACHO_UNLIKELY(at >= local->ring_grows_at))
        tacho_ring_grow();
    __atomic_thread_fence(__ATOMIC_RELEASE); // the claim is seen before what it overwrites
    tacho_ring_write(&local->ring[at & local->ring_mask], time, detail);
    __atomic_store_n(&slot->head, at + 1, __ATOMIC_RELEASE);
}
void tacho_ring_put_two(struct tacho_local *local, uint64_t time, uint64_t detail, uint64_t value);

// zone.c: the compiler's hooks, which keep no scope. The thread must be ready for `mode` on
// entering.
void tacho_function_enter(uint32_t id, uint32_t mode);
void tacho_function_leave(uint32_t id);

// histogram.c: counts `value` in the buckets; adds all of `from` to `to`.
void tacho_block_carry(struct tacho_ring_block *block, uint32_t bucket);
void tacho_block_merge(struct tacho_ring_block *to, const struct tacho_ring_block *from,
                       bool has_buckets);

static inline void tacho_block_count(struct tacho_ring_block *block, uint64_t value)
{
    if (TACHO_UNLIKELY(value >> TACHO_RING_HISTOGRAM_RANGE_BITS))
        value = (UINT64_C(1) << TACHO_RING_HISTOGRAM_RANGE_BITS) - 1;
    uint64_t ranked = value | UINT64_C(1) << TACHO_RING_HISTOGRAM_BITS;
    uint32_t row = 63 - (uint32_t)__builtin_clzll(ranked) - TACHO_RING_HISTOGRAM_BITS;
    uint32_t bucket = (row << TACHO_RING_HISTOGRAM_BITS) + (uint32_t)(value >> row);
    if (TACHO_UNLIKELY(++block->buckets[bucket] == 0))
        tacho_block_carry(block, bucket);
}

#endif
