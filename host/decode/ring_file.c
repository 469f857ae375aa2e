// Opening a ring file, its head, its clock, and the order in which its parts are pushed.
#include "decode/ring_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode/ring_reader.h"

#define SIZE_MAX_BYTES (UINT64_C(64) << 30)
#define BUCKETS_MAX    65536u
#define HZ_SPAN_NS     1000000 // two points closer than this say little about the rate
#define HZ_SPAN_NS_MIN 20000   // at the end: what there is, within about a per cent
#define HZ_MIN         1e3
#define HZ_MAX         1e11

static int memory_read(struct tacho_ring_input *input, uint64_t offset, void *to, size_t size)
{
    const struct tacho_ring_memory *memory = (const void *)input;
    if (offset > memory->size || size > memory->size - offset)
        return TACHO_ERR_FORMAT;
    memcpy(to, memory->data + offset, size);
    return 0;
}

struct tacho_ring_input *tacho_ring_memory_init(struct tacho_ring_memory *memory, const void *data,
                                                size_t size)
{
    memory->input.read = memory_read;
    memory->data = data;
    memory->size = size;
    return &memory->input;
}

int tacho_reader_get(struct tacho_ring_reader *reader, uint64_t offset, void *to, size_t size)
{
    return reader->input->read(reader->input, offset, to, size);
}

void tacho_reader_text(struct tacho_ring_reader *reader, uint32_t reference, char *text)
{
    size_t size = 0;
    if (reference != 0)
        for (; size + TACHO_RING_UNIT <= TACHO_READER_TEXT_MAX; size += TACHO_RING_UNIT) {
            if (tacho_reader_get(reader, tacho_reader_offset(reference) + size, text + size,
                                 TACHO_RING_UNIT) < 0)
                break;
            if (memchr(text + size, 0, TACHO_RING_UNIT))
                return;
        }
    text[size < TACHO_READER_TEXT_MAX ? size : TACHO_READER_TEXT_MAX - 1] = 0;
}

static int check_head(const struct tacho_ring_header *header, struct tacho_fail *fail)
{
    static const char nothing[sizeof header->magic];
    if (memcmp(header->magic, nothing, sizeof nothing) == 0)
        return tacho_fail_set(fail, TACHO_ERR_EMPTY, "the ring file is not complete yet");
    if (memcmp(header->magic, TACHO_RING_MAGIC, sizeof header->magic) != 0)
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "not a ring file of tacho");
    if (header->byte_order != TACHO_RING_BYTE_ORDER)
        return tacho_fail_set(fail, TACHO_ERR_UNSUPPORTED,
                              "the ring file is of a machine with another byte order");
    if (header->version > TACHO_RING_VERSION)
        return tacho_fail_set(fail, TACHO_ERR_VERSION,
                              "the ring file has version %u, this tacho reads up to %u",
                              header->version, TACHO_RING_VERSION);
    if (header->version == 0 || header->header_size != TACHO_RING_HEADER_SIZE ||
        header->slot_size != sizeof(struct tacho_ring_slot) ||
        header->series_size != sizeof(struct tacho_ring_series) ||
        header->record_size != sizeof(struct tacho_ring_record) ||
        header->depth_max != TACHO_RING_DEPTH_MAX || header->leaf_series != TACHO_RING_LEAF_SERIES)
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "the ring file's head is damaged");
    if (header->histogram_bits < 1 || header->histogram_bits > 16 || header->bucket_count == 0 ||
        header->bucket_count > BUCKETS_MAX ||
        header->block_size !=
            offsetof(struct tacho_ring_block, buckets) + header->bucket_count * sizeof(uint32_t))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT,
                              "the ring file's histogram layout makes no sense");
    if (header->size_bytes > SIZE_MAX_BYTES || header->used_bytes > header->size_bytes ||
        header->series_count > TACHO_RING_SERIES_MAX)
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "the ring file's sizes make no sense");
    return 0;
}

// The rate between the first point and `point`: the further it is away, the better.
static void measure_rate(struct tacho_ring_reader *reader, const struct tacho_ring_point *point)
{
    const struct tacho_ring_point *first = &reader->first;
    int64_t span_ns = point->host_ns - first->host_ns;
    if (first->host_ns == 0 || point->ticks <= first->ticks || span_ns < reader->rate_span_ns ||
        span_ns < (reader->is_finishing ? HZ_SPAN_NS_MIN : HZ_SPAN_NS))
        return;
    double hz = (double)(point->ticks - first->ticks) * 1e9 / (double)span_ns;
    if (hz < HZ_MIN || hz > HZ_MAX)
        return;
    reader->hz = hz;
    reader->rate_span_ns = span_ns;
}

static void note_point(struct tacho_ring_reader *reader, const struct tacho_ring_point *point)
{
    if ((point->sequence & 1) || point->host_ns <= 0)
        return;
    if (reader->first.host_ns == 0 || point->host_ns < reader->first.host_ns)
        reader->first = *point;
    if (point->host_ns > reader->last.host_ns)
        reader->last = *point;
    measure_rate(reader, &reader->last);
}

void tacho_ring_reader_clock_point(struct tacho_ring_reader *reader, uint64_t ticks,
                                   int64_t host_ns)
{
    const struct tacho_ring_point point = {0, 0, ticks, host_ns};
    note_point(reader, &point);
}

void tacho_ring_reader_rate_point(struct tacho_ring_reader *reader, uint64_t ticks, int64_t host_ns)
{
    const struct tacho_ring_point point = {0, 0, ticks, host_ns};
    measure_rate(reader, &point);
}

double tacho_reader_ns(const struct tacho_ring_reader *reader, double ticks)
{
    return reader->hz > 0 ? ticks * 1e9 / reader->hz : ticks;
}

int tacho_reader_refresh(struct tacho_ring_reader *reader, struct tacho_fail *fail)
{
    struct tacho_ring_header header;
    if (tacho_reader_get(reader, 0, &header, sizeof header) < 0)
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "the ring file is shorter than its head");
    int code = check_head(&header, fail);
    if (code < 0)
        return code;
    reader->header = header;
    reader->identity.mode = header.mode;
    reader->identity.sample_one_in = header.sample_one_in;
    reader->identity.flags = header.flags;
    note_point(reader, &header.first);
    note_point(reader, &header.last);
    return 0;
}

int tacho_ring_reader_open(struct tacho_ring_reader **made, struct tacho_ring_input *input,
                           struct tacho_fail *fail)
{
    struct tacho_ring_reader *reader = calloc(1, sizeof *reader);
    *made = NULL;
    if (!reader)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "no memory for a ring reader");
    reader->input = input;
    int code = tacho_reader_refresh(reader, fail);
    if (code < 0) {
        tacho_ring_reader_free(reader);
        return code;
    }
    struct tacho_ring_identity *identity = &reader->identity;
    identity->pid = reader->header.pid;
    identity->parent_pid = reader->header.parent_pid;
    identity->process_start = reader->header.process_start;
    identity->start_unix_ns = reader->header.start_unix_ns;
    memcpy(identity->boot_id, reader->header.boot_id, sizeof identity->boot_id);
    identity->boot_id[sizeof identity->boot_id - 1] = 0;
    tacho_reader_text(reader, reader->header.executable, identity->executable);
    *made = reader;
    return 0;
}

void tacho_ring_reader_free(struct tacho_ring_reader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; i < reader->series.count; i++) {
        free(reader->series.items[i].name);
        free(reader->series.items[i].unit);
    }
    tacho_array_release(&reader->series);
    tacho_array_release(&reader->threads);
    tacho_buffer_release(&reader->records);
    free(reader);
}

const struct tacho_ring_identity *tacho_ring_reader_identity(const struct tacho_ring_reader *reader)
{
    return &reader->identity;
}

static int push_point(struct tacho_ring_reader *reader, const struct tacho_ring_point *point,
                      struct tacho_sink *sink, struct tacho_fail *fail)
{
    struct tacho_record record = {.kind = TACHO_RECORD_CLOCK, .clock = reader->clock};
    record.time = (int64_t)point->ticks;
    record.clock_info.id = reader->clock;
    record.clock_info.host_ns = point->host_ns;
    if (point->host_ns == 0 || point->ticks <= reader->pushed_point)
        return 0;
    reader->pushed_point = point->ticks;
    return tacho_sink_put(sink, &record, fail);
}

static int push_clock(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                      struct tacho_fail *fail)
{
    int code = 0;
    if (reader->clock == 0) {
        struct tacho_record record = {.kind = TACHO_RECORD_CLOCK};
        reader->clock = tacho_record_id_new();
        bool is_ns = (reader->header.flags & TACHO_RING_FLAG_TICKS_ARE_NS) != 0;
        record.clock_info.id = reader->clock;
        record.clock_info.name = is_ns ? "clock_monotonic" : "cpu counter";
        record.clock_info.hz = reader->hz > 0 ? reader->hz : 1e9;
        record.clock_info.resolution_ns = 1e9 / record.clock_info.hz;
        code = tacho_sink_put(sink, &record, fail);
        if (code == 0 && reader->hz <= 0)
            code = tacho_sink_note(sink, TACHO_NOTE_CLOCK, "ring", NAN, fail,
                                   "the rate of the program's clock is not known, its times are "
                                   "ticks and not nanoseconds");
        if (code == 0)
            code = push_point(reader, &reader->first, sink, fail);
    }
    return code < 0 ? code : push_point(reader, &reader->last, sink, fail);
}

// Describes what is new, before anything names it.
static int begin(struct tacho_ring_reader *reader, struct tacho_sink *sink, struct tacho_fail *fail)
{
    int code = push_clock(reader, sink, fail);
    if (code == 0) // before the functions that they name
        code = tacho_reader_modules_push(reader, sink, fail);
    return code < 0 ? code : tacho_reader_series_push(reader, sink, fail);
}

// In the first moments of a program the rate of its clock is not known: nothing is said then, as it
// would be wrong.
static bool is_too_early(const struct tacho_ring_reader *reader)
{
    return reader->hz <= 0 && !reader->is_finishing;
}

int tacho_ring_reader_drain(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                            struct tacho_fail *fail)
{
    int code = tacho_reader_refresh(reader, fail);
    if (code < 0 || is_too_early(reader))
        return code;
    code = begin(reader, sink, fail);
    if (code == 0)
        code = tacho_reader_threads_each(reader, sink, tacho_reader_spans_push, fail);
    return code < 0 ? code : tacho_reader_samples_push(reader, sink, fail);
}

int tacho_ring_reader_statistics(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                                 struct tacho_fail *fail)
{
    int code = tacho_reader_refresh(reader, fail);
    if (code < 0 || is_too_early(reader))
        return code;
    code = begin(reader, sink, fail);
    return code < 0 ? code : tacho_reader_threads_each(reader, sink, tacho_reader_stats_push, fail);
}

static int push_loss(struct tacho_ring_reader *reader, struct tacho_sink *sink, uint64_t count,
                     const char *what, struct tacho_fail *fail)
{
    struct tacho_buffer subject = {0};
    if (count == 0)
        return 0;
    tacho_buffer_printf(&subject, "ring %u", reader->identity.pid);
    int code = tacho_sink_note(sink, TACHO_NOTE_LOSS, subject.data, (double)count, fail, "%llu %s",
                               (unsigned long long)count, what);
    tacho_buffer_release(&subject);
    return code;
}

static int push_losses(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                       struct tacho_fail *fail)
{
    const struct tacho_ring_header *header = &reader->header;
    int code = push_loss(reader, sink, reader->lost - reader->lost_reported,
                         "spans were overwritten before they were read", fail);
    reader->lost_reported = reader->lost;
    if (code == 0)
        code = push_loss(reader, sink, header->lost_series,
                         "executions of zones that the full directory has no place for", fail);
    if (code == 0)
        code = push_loss(reader, sink, header->lost_threads,
                         "threads found no place in the ring file", fail);
    if (code == 0)
        code = push_loss(reader, sink, header->lost_memory, "times the ring file could not grow",
                         fail);
    return code;
}

int tacho_ring_reader_finish(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                             struct tacho_fail *fail)
{
    reader->is_finishing = true;
    int code = tacho_ring_reader_drain(reader, sink, fail);
    if (code == 0)
        code = tacho_reader_threads_each(reader, sink, tacho_reader_stats_push, fail);
    if (code == 0)
        code = tacho_reader_threads_each(reader, sink, tacho_reader_open_push, fail);
    return code < 0 ? code : push_losses(reader, sink, fail);
}

uint64_t tacho_ring_reader_spans(const struct tacho_ring_reader *reader)
{
    return reader->span_count;
}

uint64_t tacho_ring_reader_lost(const struct tacho_ring_reader *reader)
{
    return reader->lost;
}
