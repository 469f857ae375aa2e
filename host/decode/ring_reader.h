// What the files that read ring files share; not for other folders (they include
// decode/ring_file.h).
#ifndef TACHO_DECODE_RING_READER_H
#define TACHO_DECODE_RING_READER_H

#include "base/array.h"
#include "base/buffer.h"
#include "base/map.h"
#include "decode/ring_file.h"
#include "tacho/control.h"
#include "tacho/series.h"

#define TACHO_READER_TEXT_MAX 512
#define TACHO_READER_SELF_MAX 256 // depths a record can name

// A series of the directory as records know it.
struct tacho_reader_series {
    uint32_t kind;
    uint32_t zone; // record id, of zones and functions
    uint32_t same; // index of the first series of this kind, name and unit: they are one metric
    uint32_t metrics[5]; // record ids: the value; of a histogram count, mean, p50, p99, max
    char *name;
    char *unit;
};

// A thread slot as it was read last.
struct tacho_reader_thread {
    uint32_t reference, generation;
    uint32_t id; // record id; 0: not described
    uint32_t pid, tid;
    bool ended, is_departed;
    uint64_t tail;                            // records before this one were read
    uint64_t known_ticks;                     // spans begun later have lost no span inside them
    int64_t child[TACHO_READER_SELF_MAX + 1]; // time in spans inside, by depth
};

struct tacho_ring_reader {
    struct tacho_ring_input *input;
    struct tacho_ring_header header; // as read last
    struct tacho_ring_identity identity;
    uint32_t clock;       // record id; 0: not described
    double hz;            // 0: not known
    int64_t rate_span_ns; // between the points that say so
    bool is_finishing;
    struct tacho_ring_point first, last;
    uint64_t pushed_point;                          // ticks of the latest mapping point pushed
    TACHO_ARRAY(struct tacho_reader_series) series; // [i] is id i + 1
    TACHO_ARRAY(struct tacho_reader_thread) threads;
    struct tacho_buffer records; // scratch
    uint64_t span_count, lost, lost_reported;
    uint32_t modules_pushed;
};

int tacho_reader_get(struct tacho_ring_reader *reader, uint64_t offset, void *to, size_t size);
static inline uint64_t tacho_reader_offset(uint32_t reference)
{
    return (uint64_t)reference * TACHO_RING_UNIT;
}
// The text at `reference`, "" where there is none; cut after TACHO_READER_TEXT_MAX - 1 bytes.
void tacho_reader_text(struct tacho_ring_reader *reader, uint32_t reference, char *text);
// Reads the head again and checks what may change.
int tacho_reader_refresh(struct tacho_ring_reader *reader, struct tacho_fail *fail);
// The slot, or an error; TACHO_ERR_BUSY while it changes hands.
int tacho_reader_slot(struct tacho_ring_reader *reader, uint32_t reference,
                      struct tacho_ring_slot *slot);
// The block of `series` (a directory id) of `slot`, 0 and `block->count` 0 where there is none.
// `buckets` has room for header.bucket_count; NULL: not wanted.
int tacho_reader_block(struct tacho_ring_reader *reader, const struct tacho_ring_slot *slot,
                       uint32_t series, struct tacho_ring_block *block, uint64_t *buckets);
double tacho_reader_ns(const struct tacho_ring_reader *reader, double ticks);

// ring_modules.c: where code is mapped, as far as it is new.
int tacho_reader_modules_push(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                              struct tacho_fail *fail);

// ring_series.c: describes the series that are new.
int tacho_reader_series_push(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                             struct tacho_fail *fail);
// One sample of each metric.
int tacho_reader_samples_push(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                              struct tacho_fail *fail);
// ring_threads.c: describes new threads, and calls `each` for every slot that could be read.
int tacho_reader_threads_each(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                              int (*each)(struct tacho_ring_reader *reader,
                                          struct tacho_reader_thread *thread,
                                          const struct tacho_ring_slot *slot,
                                          struct tacho_sink *sink, struct tacho_fail *fail),
                              struct tacho_fail *fail);
// ring_spans.c: the records of one thread that are new.
int tacho_reader_spans_push(struct tacho_ring_reader *reader, struct tacho_reader_thread *thread,
                            const struct tacho_ring_slot *slot, struct tacho_sink *sink,
                            struct tacho_fail *fail);
// The zones of one thread that are open.
int tacho_reader_open_push(struct tacho_ring_reader *reader, struct tacho_reader_thread *thread,
                           const struct tacho_ring_slot *slot, struct tacho_sink *sink,
                           struct tacho_fail *fail);
// ring_stats.c: the statistics of one thread.
int tacho_reader_stats_push(struct tacho_ring_reader *reader, struct tacho_reader_thread *thread,
                            const struct tacho_ring_slot *slot, struct tacho_sink *sink,
                            struct tacho_fail *fail);

#endif
