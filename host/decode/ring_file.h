// Reads the ring file of an instrumented program (docs/SPEC.md), of a live process, of one that
// died, or a snapshot, and turns it into records.
//
// Pure: bytes come through an input, so that the same code reads a file, memory, a test or a
// fuzzer. Nothing in the file is trusted: every reference, count and text is checked, a wrong one
// gives TACHO_ERR_FORMAT or leaves out what cannot be read. A live file may change while it is
// read: what was overwritten is discarded and counted.
//
//     struct tacho_ring_reader *reader;
//     if (tacho_ring_reader_open(&reader, input, fail) < 0) ...
//     while (it runs) {
//         tacho_ring_reader_clock_point(reader, ticks, host_ns); // same machine, same boot only
//         tacho_ring_reader_drain(reader, sink, fail);           // spans, events, samples: what is
//         new
//     }
//     tacho_ring_reader_finish(reader, sink, fail);             // statistics, open zones, losses
//     tacho_ring_reader_free(reader);
#ifndef TACHO_DECODE_RING_FILE_H
#define TACHO_DECODE_RING_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "run/record.h"
#include "wire/ring_layout.h"

// Offsets of the words that an observer writes (4 bytes each).
#define TACHO_RING_OFFSET_MODE   offsetof(struct tacho_ring_header, mode)
#define TACHO_RING_OFFSET_SAMPLE offsetof(struct tacho_ring_header, sample_one_in)
#define TACHO_RING_OFFSET_KEEP   offsetof(struct tacho_ring_header, keep)

// Where the bytes come from. `read` copies exactly `size` bytes from `offset` (by pread: a mapping
// would raise SIGBUS when a hostile file shrinks) and returns 0, or TACHO_ERR_* when they are not
// there. host/link/ring_link.h has one over a file.
struct tacho_ring_input {
    int (*read)(struct tacho_ring_input *input, uint64_t offset, void *to, size_t size);
};

struct tacho_ring_memory {
    struct tacho_ring_input input;
    const uint8_t *data;
    size_t size;
};
// An input over `size` bytes that stay valid.
struct tacho_ring_input *tacho_ring_memory_init(struct tacho_ring_memory *memory, const void *data,
                                                size_t size);

// Who wrote the file. With `process_start` the pid is known to be the same process still.
struct tacho_ring_identity {
    uint32_t pid, parent_pid;
    uint64_t process_start; // field 22 of /proc/PID/stat
    uint64_t start_unix_ns;
    uint32_t mode; // enum tacho_mode bits, at the latest read
    uint32_t sample_one_in;
    uint32_t flags; // enum tacho_ring_flag
    char boot_id[40];
    char executable[512];
};

struct tacho_ring_reader;

// Checks the head. Returns 0, TACHO_ERR_FORMAT (not a ring file, or damaged), TACHO_ERR_VERSION (of
// a newer tacho), TACHO_ERR_EMPTY (not complete yet: try again).
int tacho_ring_reader_open(struct tacho_ring_reader **reader, struct tacho_ring_input *input,
                           struct tacho_fail *fail);
void tacho_ring_reader_free(struct tacho_ring_reader *reader);
const struct tacho_ring_identity *
tacho_ring_reader_identity(const struct tacho_ring_reader *reader);

// Adds a point of the program's clock (the raw CPU counter) that the caller took on the same
// machine. The further points are apart, the more exact is every time. Take one before each drain
// of a live process: samples of metrics carry the time of the latest point. None after the process
// ended.
void tacho_ring_reader_clock_point(struct tacho_ring_reader *reader, uint64_t ticks,
                                   int64_t host_ns);

// Of a process that ended, or a snapshot: such a point says only how fast the clock is, not how
// long the program lived. Same machine, same boot.
void tacho_ring_reader_rate_point(struct tacho_ring_reader *reader, uint64_t ticks,
                                  int64_t host_ns);

// Pushes what is new: the clock, zones, metrics, threads, spans, events, and one sample of each
// metric.
int tacho_ring_reader_drain(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                            struct tacho_fail *fail);
// Pushes the statistics of every zone on every thread, as they are now.
int tacho_ring_reader_statistics(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                                 struct tacho_fail *fail);
// Drains, pushes the statistics, the zones that are still open as spans of status OPEN, and losses.
int tacho_ring_reader_finish(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                             struct tacho_fail *fail);

// The open zones of one thread, outermost first, at this moment: zone sampling that costs the
// program nothing. `zones` are record ids as drain pushed them (0: not described yet).
struct tacho_ring_open_zones {
    uint32_t thread, tid; // record id and tid
    uint32_t count;
    uint32_t zones[TACHO_RING_DEPTH_MAX];
};
int tacho_ring_reader_open_zones(struct tacho_ring_reader *reader,
                                 void (*take)(void *context,
                                              const struct tacho_ring_open_zones *open),
                                 void *context, struct tacho_fail *fail);

// Spans read, spans that were overwritten before they were read.
uint64_t tacho_ring_reader_spans(const struct tacho_ring_reader *reader);
uint64_t tacho_ring_reader_lost(const struct tacho_ring_reader *reader);

#endif
