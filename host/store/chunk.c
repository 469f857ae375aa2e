// Chunks as bytes: see chunk.h; the layout is in docs/store.md.
#include "store/chunk.h"

#include <endian.h>
#include <math.h>
#include <string.h>
#include <zlib.h>

#define FORMAT 1

enum head_flag {
    HEAD_DEFLATED = 1 << 0,
    HEAD_TIMES = 1 << 1,
    HEAD_VALUES = 1 << 2,
    HEAD_KNOWN = 7,
};

#define DEFLATE_SIZE_MIN 200 // smaller payloads do not shrink by what zlib adds
#define PAYLOAD_SIZE_MAX (UINT64_C(1) << 28)
#define CHECKSUM_SIZE    4
#define DEFLATE_LEVEL    4

static void checksum_put(struct tacho_buffer *to, uint32_t checksum)
{
    uint32_t little = htole32(checksum);
    tacho_buffer_add(to, &little, sizeof little);
}

// Splits the checksum off the end of `from`.
static bool checksum_take(struct tacho_bytes *from, uint32_t *checksum)
{
    if (from->end - from->at < CHECKSUM_SIZE)
        return false;
    uint32_t little;
    from->end -= CHECKSUM_SIZE;
    memcpy(&little, from->end, sizeof little);
    *checksum = le32toh(little);
    return true;
}

static uint32_t checksum_of(uint32_t seed, const void *data, size_t size)
{
    return (uint32_t)crc32_z(seed, data, size);
}

static void double_put(struct tacho_buffer *to, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = htole64(bits);
    tacho_buffer_add(to, &bits, sizeof bits);
}

static int double_take(struct tacho_bytes *from, double *value)
{
    struct tacho_bytes range;
    uint64_t bits;
    if (tacho_bytes_range(from, sizeof bits, &range))
        return TACHO_ERR_FORMAT;
    memcpy(&bits, range.at, sizeof bits);
    bits = le64toh(bits);
    memcpy(value, &bits, sizeof bits);
    return 0;
}

// Deflated bytes of `payload`, or nothing when they are not smaller.
static bool deflated_put(struct tacho_buffer *to, const struct tacho_buffer *payload)
{
    uLongf size = compressBound((uLong)payload->size);
    char *room = tacho_buffer_room(to, size + 10);
    struct tacho_buffer length = {0};
    tacho_buffer_varint(&length, payload->size);
    memcpy(room, length.data, length.size);
    int result = compress2((Bytef *)room + length.size, &size, (const Bytef *)payload->data,
                           (uLong)payload->size, DEFLATE_LEVEL);
    bool smaller = result == Z_OK && size + length.size < payload->size;
    if (smaller)
        to->size += length.size + size;
    tacho_buffer_release(&length);
    return smaller;
}

void tacho_chunk_put(const struct tacho_chunk *chunk, const struct tacho_buffer *payload,
                     bool deflate, struct tacho_buffer *head, struct tacho_buffer *data)
{
    size_t head_start = head->size, data_start = data->size;
    bool deflated = deflate && payload->size >= DEFLATE_SIZE_MIN && deflated_put(data, payload);
    if (!deflated)
        tacho_buffer_add(data, payload->data, payload->size);
    tacho_buffer_byte(head, FORMAT);
    tacho_buffer_byte(head, chunk->kind);
    tacho_buffer_byte(head, (uint8_t)((deflated ? HEAD_DEFLATED : 0) |
                                      (chunk->has_times ? HEAD_TIMES : 0) |
                                      (chunk->has_values ? HEAD_VALUES : 0)));
    tacho_buffer_varint(head, chunk->part);
    tacho_buffer_varint(head, chunk->first);
    tacho_buffer_varint(head, chunk->count);
    if (chunk->has_times) {
        tacho_buffer_varint(head, tacho_zigzag(chunk->time_min_ns));
        tacho_buffer_varint(head, (uint64_t)chunk->time_max_ns - (uint64_t)chunk->time_min_ns);
    }
    if (chunk->has_values) {
        tacho_buffer_varint(head, chunk->valid);
        double_put(head, chunk->low);
        double_put(head, chunk->high);
        double_put(head, chunk->mean);
    }
    uint32_t checksum = checksum_of(0, head->data + head_start, head->size - head_start);
    checksum_put(head, checksum);
    checksum_put(data, checksum_of(checksum, data->data + data_start, data->size - data_start));
}

static int numbers_take(struct tacho_bytes *from, struct tacho_chunk *chunk)
{
    uint64_t part, count;
    if (tacho_bytes_varint(from, &part) || tacho_bytes_varint(from, &chunk->first) ||
        tacho_bytes_varint(from, &count) || part > UINT32_MAX || count > UINT32_MAX ||
        chunk->first > INT64_MAX)
        return TACHO_ERR_FORMAT;
    chunk->part = (uint32_t)part;
    chunk->count = (uint32_t)count;
    return 0;
}

static int sums_take(struct tacho_bytes *from, struct tacho_chunk *chunk)
{
    uint64_t number, span;
    if (chunk->has_times) {
        if (tacho_bytes_varint(from, &number) || tacho_bytes_varint(from, &span))
            return TACHO_ERR_FORMAT;
        chunk->time_min_ns = tacho_unzigzag(number);
        chunk->time_max_ns = (int64_t)((uint64_t)chunk->time_min_ns + span);
        if (chunk->time_max_ns < chunk->time_min_ns)
            return TACHO_ERR_FORMAT;
    }
    if (chunk->has_values) {
        if (tacho_bytes_varint(from, &number) || number > chunk->count ||
            double_take(from, &chunk->low) || double_take(from, &chunk->high) ||
            double_take(from, &chunk->mean))
            return TACHO_ERR_FORMAT;
        chunk->valid = (uint32_t)number;
    }
    return from->at == from->end ? 0 : TACHO_ERR_FORMAT;
}

int tacho_chunk_head_take(struct tacho_bytes head, struct tacho_chunk *chunk,
                          struct tacho_fail *fail)
{
    uint32_t checksum;
    uint8_t format, flags;
    struct tacho_bytes whole = head;
    *chunk = (struct tacho_chunk){0};
    if (!checksum_take(&head, &checksum) ||
        checksum != checksum_of(0, head.at, (size_t)(head.end - head.at)))
        return tacho_fail_set(fail, TACHO_ERR_CHECKSUM,
                              "the checksum of a chunk's head (%zu bytes) does not match",
                              (size_t)(whole.end - whole.at));
    if (tacho_bytes_byte(&head, &format))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "the head of a chunk is malformed");
    if (format != FORMAT)
        return tacho_fail_set(fail, TACHO_ERR_VERSION,
                              "a chunk has format %u, this tacho reads up to %d", format, FORMAT);
    if (tacho_bytes_byte(&head, &chunk->kind) || tacho_bytes_byte(&head, &flags) ||
        (flags & ~HEAD_KNOWN) || numbers_take(&head, chunk))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "the head of a chunk is malformed");
    chunk->has_times = flags & HEAD_TIMES;
    chunk->has_values = flags & HEAD_VALUES;
    if (sums_take(&head, chunk))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "the head of a chunk is malformed");
    return 0;
}

static int inflate_take(struct tacho_bytes data, struct tacho_buffer *room,
                        struct tacho_bytes *payload)
{
    uint64_t size;
    // Deflate cannot shrink by more than 1032 to 1, so a larger claim is a lie.
    if (tacho_bytes_varint(&data, &size) || size > PAYLOAD_SIZE_MAX ||
        size / 1032 > (uint64_t)(data.end - data.at))
        return TACHO_ERR_FORMAT;
    room->size = 0;
    char *to = tacho_buffer_room(room, (size_t)size);
    uLongf made = (uLongf)size;
    if (uncompress((Bytef *)to, &made, data.at, (uLong)(data.end - data.at)) != Z_OK ||
        made != size)
        return TACHO_ERR_FORMAT;
    room->size = (size_t)size;
    payload->at = (const uint8_t *)to;
    payload->end = payload->at + size;
    return 0;
}

int tacho_chunk_data_take(struct tacho_bytes head, struct tacho_bytes data,
                          struct tacho_buffer *room, struct tacho_bytes *payload,
                          struct tacho_fail *fail)
{
    uint32_t head_checksum, checksum;
    if (!checksum_take(&head, &head_checksum) || head.end - head.at < 3 ||
        !checksum_take(&data, &checksum) ||
        checksum != checksum_of(head_checksum, data.at, (size_t)(data.end - data.at)))
        return tacho_fail_set(fail, TACHO_ERR_CHECKSUM,
                              "the checksum of a chunk's data (%zu bytes) does not match",
                              (size_t)(data.end - data.at));
    if (!(head.at[2] & HEAD_DEFLATED))
        *payload = data;
    else if (inflate_take(data, room, payload))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT,
                              "the compressed data of a chunk is malformed");
    return 0;
}

void tacho_chunk_small_put(const struct tacho_chunk *chunk, const struct tacho_buffer *payload,
                           struct tacho_buffer *to)
{
    tacho_buffer_byte(to, chunk->kind);
    tacho_buffer_varint(to, chunk->part);
    tacho_buffer_varint(to, chunk->first);
    tacho_buffer_varint(to, chunk->count);
    tacho_buffer_varint(to, payload->size);
    tacho_buffer_add(to, payload->data, payload->size);
}

int tacho_chunk_small_take(struct tacho_bytes *from, struct tacho_chunk *chunk,
                           struct tacho_bytes *payload, struct tacho_fail *fail)
{
    uint64_t size;
    *chunk = (struct tacho_chunk){0};
    if (tacho_bytes_byte(from, &chunk->kind) || numbers_take(from, chunk) ||
        tacho_bytes_varint(from, &size) || tacho_bytes_range(from, size, payload))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "an increment is malformed");
    return 0;
}

void tacho_chunk_sum_times(struct tacho_chunk *chunk, const int64_t *time_ns, size_t count)
{
    chunk->has_times = count > 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || time_ns[i] < chunk->time_min_ns)
            chunk->time_min_ns = time_ns[i];
        if (i == 0 || time_ns[i] > chunk->time_max_ns)
            chunk->time_max_ns = time_ns[i];
    }
}

void tacho_chunk_sum_values(struct tacho_chunk *chunk, const double *value, size_t count)
{
    // The mean grows step by step, so that values near the end of the range cannot overflow a sum.
    chunk->has_values = count > 0;
    chunk->valid = 0;
    chunk->low = chunk->high = chunk->mean = NAN;
    for (size_t i = 0; i < count; i++) {
        if (isnan(value[i]))
            continue;
        chunk->valid++;
        if (chunk->valid == 1) {
            chunk->low = chunk->high = chunk->mean = value[i];
            continue;
        }
        chunk->low = value[i] < chunk->low ? value[i] : chunk->low;
        chunk->high = value[i] > chunk->high ? value[i] : chunk->high;
        chunk->mean += (value[i] - chunk->mean) / chunk->valid;
    }
}
