// The layout of the ring file, the shared memory between an instrumented program and its observers.
//
// One file per process; docs/SPEC.md describes it for others. Everything is little-endian on the
// machines we know and native in the file (byte_order tells), naturally aligned, and placed by
// references: a reference counts units of 64 bytes from the start of the file, 0 is "none".
// The program only ever appends; a reader copies, checks each reference against the file's size,
// and discards what was overwritten while it copied.
#ifndef TACHO_WIRE_RING_LAYOUT_H
#define TACHO_WIRE_RING_LAYOUT_H

#include <stdint.h>

#define TACHO_RING_MAGIC      "TACHORNG"
#define TACHO_RING_VERSION    1u
#define TACHO_RING_BYTE_ORDER 0x01020304u
#define TACHO_RING_UNIT       64u

// The head is as long as the smallest page, so that it can be mapped over the program's own switch.
#define TACHO_RING_HEADER_SIZE     4096u
#define TACHO_RING_DIRECTORY_MAX   256u // chunks
#define TACHO_RING_DIRECTORY_CHUNK 64u  // series in a chunk
#define TACHO_RING_SERIES_MAX      (TACHO_RING_DIRECTORY_MAX * TACHO_RING_DIRECTORY_CHUNK)
#define TACHO_RING_LEAF_SERIES     256u // block references in a leaf
#define TACHO_RING_LEAVES          (TACHO_RING_SERIES_MAX / TACHO_RING_LEAF_SERIES)

#ifndef TACHO_RING_DEPTH_MAX // a microcontroller takes less
#define TACHO_RING_DEPTH_MAX 120u
#endif
#ifndef TACHO_RING_HISTOGRAM_BITS
#define TACHO_RING_HISTOGRAM_BITS 5u
#endif
#ifndef TACHO_RING_HISTOGRAM_RANGE_BITS
#define TACHO_RING_HISTOGRAM_RANGE_BITS 40u
#endif
#define TACHO_RING_BUCKETS                                                                         \
    ((TACHO_RING_HISTOGRAM_RANGE_BITS - TACHO_RING_HISTOGRAM_BITS + 1) << TACHO_RING_HISTOGRAM_BITS)
#define TACHO_RING_CARRIES 8u

enum tacho_ring_keep {
    TACHO_RING_KEEP = 1 << 0, // do not unlink the file when the program ends
};

enum tacho_ring_flag {
    TACHO_RING_FLAG_ENDED = 1 << 0,        // the program ended in an orderly way
    TACHO_RING_FLAG_SNAPSHOT = 1 << 1,     // a copy that a trigger or tacho_dump made
    TACHO_RING_FLAG_TICKS_VARY = 1 << 2,   // the CPU's counter does not promise a constant rate
    TACHO_RING_FLAG_TICKS_ARE_NS = 1 << 3, // ticks are CLOCK_MONOTONIC nanoseconds
    TACHO_RING_FLAG_SAMPLED_OUT = 1 << 4,  // process=N chose not to record this process
};

// One instant on both clocks. `sequence` is odd while the point is being written.
struct tacho_ring_point {
    uint32_t sequence, reserved;
    uint64_t ticks;
    int64_t host_ns; // CLOCK_MONOTONIC
};

struct tacho_ring_header {
    // Line 0: who. Written once, `magic` last.
    char magic[8];
    uint32_t version, byte_order;
    uint32_t header_size, pid;
    uint64_t process_start; // field 22 of /proc/PID/stat: with the pid it names the process
    uint64_t start_unix_ns;
    uint64_t image[2]; // random, new at each exec (AT_RANDOM)
    uint32_t flags;    // enum tacho_ring_flag
    uint32_t parent_pid;
    // Line 1: control words, also written by observers. Offset 64.
    uint32_t mode; // enum tacho_mode
    uint32_t sample_one_in;
    uint32_t keep; // enum tacho_ring_keep
    uint32_t control[13];
    // Line 2: the clock. Offset 128.
    struct tacho_ring_point first, last;
    uint64_t reserved_clock[2];
    // Line 3: sizes of the parts. Offset 192.
    uint32_t slot_size, series_size, record_size, block_size;
    uint32_t histogram_bits, bucket_count;
    uint32_t depth_max, leaf_series;
    uint64_t reserved_sizes[4];
    // Line 4: the tables' growth. Offset 256.
    uint64_t size_bytes; // of the file
    uint64_t used_bytes;
    uint32_t series_count; // ids 1..series_count are valid
    uint32_t slot_count;
    uint32_t slot_first, slot_last; // references
    uint32_t module_first, module_count;
    uint32_t command, executable;      // references to text
    uint32_t departed, reserved_table; // reference to the slot with the sums of reused ones
    uint64_t reserved_tables[1];
    // Line 5: what could not be recorded. Offset 320.
    uint64_t lost_series, lost_threads, lost_memory, lost_busy, snapshots, snapshots_refused;
    uint64_t reserved_lost[2];
    char boot_id[40]; // /proc/sys/kernel/random/boot_id. Offset 384.
    char reserved[600];
    uint32_t directory[TACHO_RING_DIRECTORY_MAX]; // references to chunks of series. Offset 1024.
    char reserved_end[2048];
};

// A named series. Text references point to a terminated text.
struct tacho_ring_series {
    uint32_t kind; // enum tacho_series_kind; written last
    uint32_t name, unit, file, function;
    uint32_t line;
    uint64_t address;     // of a function; else 0
    uint64_t limit_ticks; // 0: none
    int64_t value;        // of a gauge (of a double gauge: its bits)
    uint64_t value_ticks; // when it was set; 0: never
    uint64_t over_limit;
};

// Where code is mapped in the process, for naming functions: address - start + offset is the place
// in the file.
struct tacho_ring_module {
    uint32_t next, path; // references
    uint64_t start, end, offset;
    uint8_t build_id[20];
    uint32_t build_id_size;
};

// An open execution of a zone.
struct tacho_ring_open {
    uint64_t start; // ticks
    uint64_t child; // ticks spent in zones inside, so far
    // series | enum tacho_ring_open_flag << 16 | block << 32: one word, so that it is one store.
    // The block is a reference; 0: statistics are not kept of this execution.
    uint64_t what;
};

enum tacho_ring_open_flag {
    TACHO_RING_OPEN_FAILED = 1 << 0,
    TACHO_RING_OPEN_UNTIMED = 1 << 1, // left out by sampling
    TACHO_RING_OPEN_NESTED = 1 << 2,  // inside another execution of the same zone
    // From bit 8 on: of a function, the mode bits it was entered with.
};
#define TACHO_RING_OPEN_MODE_SHIFT 8

static inline uint32_t tacho_ring_open_series(uint64_t what)
{
    return what & 0xffff;
}

static inline uint32_t tacho_ring_open_flags(uint64_t what)
{
    return what >> 16 & 0xffff;
}

static inline uint32_t tacho_ring_open_block(uint64_t what)
{
    return (uint32_t)(what >> 32);
}

static inline uint64_t tacho_ring_open_what(uint32_t series, uint32_t flags, uint32_t block)
{
    return series | (uint64_t)flags << 16 | (uint64_t)block << 32;
}

enum tacho_ring_slot_state {
    TACHO_RING_SLOT_FREE = 0,
    TACHO_RING_SLOT_LIVE = 1,
    TACHO_RING_SLOT_ENDED = 2,    // the thread ended; its rings and statistics stay until reused
    TACHO_RING_SLOT_DEPARTED = 3, // holds the sums of threads whose slots were reused
};

// A thread. `generation` is odd while the slot changes hands.
struct tacho_ring_slot {
    // Line 0: what the thread writes at every zone.
    uint64_t claim; // records begun
    uint64_t head;  // records complete, but for those of an interrupted signal handler's victim
    uint32_t depth;
    uint32_t random;
    uint64_t lost_depth; // zones begun deeper than depth_max
    uint64_t lost_ring;  // records without a ring
    uint64_t reserved_hot[2];
    uint64_t overwritten_unread; // kept by observers that wish to
    // Line 1: who and where.
    uint32_t next, index;
    uint32_t state, generation;
    uint32_t tid, previous_tid;
    uint32_t ring; // reference
    uint32_t
        ring_records; // a power of two, 0: no ring; doubles while the ring fills for the first time
    uint64_t ring_first; // records before this one are of the thread that had the slot before
    uint64_t start_ticks, end_ticks;
    char name[16];
    uint32_t ring_reserved, reserved_ring; // the ring may grow to so many records
    uint64_t reserved_who[2];
    uint32_t leaf[TACHO_RING_LEAVES]; // references to arrays of block references
    struct tacho_ring_open open[TACHO_RING_DEPTH_MAX];
    uint32_t stack[TACHO_RING_DEPTH_MAX]; // of each open zone: where its thread's stack was, / 16
};

// What one thread knows of one series. A counter has only the part before `buckets`.
struct tacho_ring_block {
    uint64_t count;  // timed executions, or values
    uint64_t total;  // of the durations of outermost executions; of a counter: its value
    uint64_t nested; // of the durations of executions inside another one of the same zone
    int64_t
        inside; // ticks of total + nested that were spent in zones inside; the rest is self time
    uint64_t min, max, last;
    uint32_t errors;
    uint32_t active;    // 1 while an execution is open on this thread
    uint64_t untimed;   // executions that sampling left out
    uint32_t countdown; // of sampling
    uint32_t reserved;
    // Bucket counts are 32 bits; each time one wraps, 2^32 values of that bucket are noted here.
    uint32_t carry_bucket[TACHO_RING_CARRIES];
    uint32_t carry_count[TACHO_RING_CARRIES];
    uint64_t reserved_block[6];
    uint32_t buckets[TACHO_RING_BUCKETS];
};

// A record of the ring: 16 bytes. An execution whose duration does not fit, and an event, take two.
//   time:   ticks << 8 | depth          (of a DATA record: the value)
//   detail: series | error << 16 | kind << 17 | duration << 20
struct tacho_ring_record {
    uint64_t time, detail;
};

enum tacho_ring_record_kind {
    TACHO_RING_SPAN = 1,
    TACHO_RING_SPAN_LONG = 2, // its duration is the next record's value
    TACHO_RING_EVENT = 3,     // its value is the next record's value
    TACHO_RING_DATA = 4,      // the second half of one of the above
};

#define TACHO_RING_DURATION_BITS 44

static inline uint64_t tacho_ring_detail(uint32_t series, uint32_t error, uint32_t kind,
                                         uint64_t duration)
{
    return series | (uint64_t)error << 16 | (uint64_t)kind << 17 | duration << 20;
}

#endif
