// Integer columns: differences, a common divisor, and residuals packed with exceptions.
//
// Layout: a tag byte; [divisor and first value]; the first `order` values; the centre of the
// residuals; unless all residuals are the centre: groups of up to 128 residuals, each a width byte,
// a count of exceptions, the packed low bits, and the exceptions (place, high bits).
#include "store/column.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"
#include "tacho/errors.h"

#define TAG_ORDER    0x03u
#define TAG_CONSTANT 0x04u
#define TAG_DIVIDED  0x08u
#define TAG_FLAT     0x10u // every residual is the centre
#define TAG_KNOWN    0x1fu

#define GROUP_SIZE     128u
#define WIDTH_MAX      56u // packed with one 8-byte access each, from any bit of a byte
#define WIDTH_RAW      64u
#define EXCEPTIONS_MAX 32u
#define ORDER_MAX      3u
#define PROBE_SIZE     64u // values looked at in each of a few places to choose an order

int tacho_bytes_varint(struct tacho_bytes *from, uint64_t *value)
{
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 64 && from->at < from->end; shift += 7) {
        uint8_t byte = *from->at++;
        if (shift == 63 && byte > 1)
            return TACHO_ERR_FORMAT;
        result |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value = result;
            return 0;
        }
    }
    return TACHO_ERR_FORMAT;
}

int tacho_bytes_byte(struct tacho_bytes *from, uint8_t *value)
{
    if (from->at >= from->end)
        return TACHO_ERR_FORMAT;
    *value = *from->at++;
    return 0;
}

int tacho_bytes_range(struct tacho_bytes *from, uint64_t size, struct tacho_bytes *range)
{
    if (size > (uint64_t)(from->end - from->at))
        return TACHO_ERR_FORMAT;
    range->at = from->at;
    range->end = from->at + size;
    from->at += size;
    return 0;
}

static unsigned bit_width(uint64_t value)
{
    return value ? 64u - (unsigned)__builtin_clzll(value) : 0;
}

static size_t packed_size(size_t count, unsigned width)
{
    return (count * width + 7) / 8;
}

// The differences wrap modulo 2^64, so that they are exact for any values.
static void difference(uint64_t *values, size_t count)
{
    for (size_t i = count; i-- > 1;)
        values[i] -= values[i - 1];
}

static uint64_t divisor_gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// The greatest number that divides every difference; 1 when there is none worth taking out.
static uint64_t common_divisor(const int64_t *values, size_t count)
{
    uint64_t divisor = 0;
    for (size_t i = 1; i < count && divisor != 1; i++) {
        int64_t step = (int64_t)((uint64_t)values[i] - (uint64_t)values[i - 1]);
        uint64_t size = step < 0 ? 0 - (uint64_t)step : (uint64_t)step;
        if (divisor == 0)
            divisor = size;
        else if (size % divisor)
            divisor = divisor_gcd(divisor, size % divisor);
    }
    return divisor && divisor <= INT64_MAX ? divisor : 1;
}

#define CENTRE_SAMPLES 31u

// The median of at most CENTRE_SAMPLES values spread over the column; exact enough for a centre,
// and much cheaper than a sort of all.
static int64_t centre_of(const uint64_t *residuals, size_t count, size_t samples)
{
    int64_t some[CENTRE_SAMPLES];
    size_t taken = 0, stride = count / samples + 1;
    for (size_t i = 0; i < count; i += stride) {
        int64_t value = (int64_t)residuals[i];
        size_t place = taken++;
        for (; place > 0 && some[place - 1] > value; place--)
            some[place] = some[place - 1];
        some[place] = value;
    }
    return taken ? some[taken / 2] : 0;
}

// Bits that the values of a few places would take with differences of `order`.
static uint64_t order_cost(const uint64_t *values, size_t count, unsigned order)
{
    uint64_t bits = 0;
    size_t stride = count / 4 > PROBE_SIZE ? count / 4 : PROBE_SIZE;
    for (size_t start = 0; start < count; start += stride) {
        uint64_t part[PROBE_SIZE];
        size_t size = count - start < PROBE_SIZE ? count - start : PROBE_SIZE;
        memcpy(part, values + start, size * sizeof *part);
        for (unsigned i = 0; i < order; i++)
            difference(part, size);
        size_t skip = order < size ? order : size;
        uint64_t centre = (uint64_t)centre_of(part + skip, size - skip, 9);
        for (size_t i = skip; i < size; i++)
            bits += bit_width(tacho_zigzag((int64_t)(part[i] - centre)));
        bits += skip * 8u;
    }
    return bits;
}

static unsigned choose_order(const uint64_t *values, size_t count)
{
    unsigned best = 0;
    uint64_t best_cost = UINT64_MAX;
    for (unsigned order = 0; order <= ORDER_MAX && order < count; order++) {
        uint64_t cost = order_cost(values, count, order);
        if (cost < best_cost) {
            best_cost = cost;
            best = order;
        }
    }
    return best;
}

// The width that makes a group smallest, its exceptions counted.
static unsigned choose_width(const uint64_t *residuals, size_t count)
{
    unsigned histogram[65] = {0}, widths[65], kinds = 0;
    for (size_t i = 0; i < count; i++)
        histogram[bit_width(residuals[i])]++;
    for (unsigned width = 0; width <= 64; width++)
        if (histogram[width])
            widths[kinds++] = width;
    unsigned best = WIDTH_RAW;
    size_t best_size = packed_size(count, WIDTH_RAW), exceptions = 0;
    for (unsigned i = kinds; i-- > 0 && exceptions <= EXCEPTIONS_MAX;) {
        if (widths[i] <= WIDTH_MAX) {
            size_t size = packed_size(count, widths[i]);
            for (unsigned j = i + 1; j < kinds; j++)
                size += histogram[widths[j]] * (1u + (widths[j] - widths[i] + 6u) / 7u);
            if (size < best_size) {
                best_size = size;
                best = widths[i];
            }
        }
        exceptions += histogram[widths[i]];
    }
    return best;
}

static void group_put(struct tacho_buffer *to, const uint64_t *residuals, size_t count)
{
    unsigned width = choose_width(residuals, count);
    uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    uint8_t exceptions = 0;
    for (size_t i = 0; i < count; i++)
        exceptions = (uint8_t)(exceptions + (residuals[i] > mask));
    tacho_buffer_byte(to, (uint8_t)width);
    tacho_buffer_byte(to, exceptions);
    size_t size = packed_size(count, width);
    char *room = tacho_buffer_room(to, size + 8);
    memset(room, 0, size + 8);
    for (size_t i = 0; i < count; i++) {
        size_t bit = i * width;
        uint64_t word;
        memcpy(&word, room + bit / 8, sizeof word);
        word |= htole64((residuals[i] & mask) << (bit % 8));
        memcpy(room + bit / 8, &word, sizeof word);
    }
    to->size += size;
    for (size_t i = 0; exceptions && i < count; i++) {
        if (residuals[i] > mask) {
            tacho_buffer_byte(to, (uint8_t)i);
            tacho_buffer_varint(to, residuals[i] >> width);
        }
    }
}

static void residuals_put(struct tacho_buffer *to, uint64_t *values, size_t count, unsigned order,
                          uint8_t tag, uint64_t divisor, int64_t first)
{
    for (unsigned i = 0; i < order; i++)
        difference(values + i, count - i); // value i stays in front as the start of its order
    uint64_t *residuals = values + order;
    size_t left = count - order;
    int64_t centre = centre_of(residuals, left, CENTRE_SAMPLES);
    uint64_t any = 0;
    for (size_t i = 0; i < left; i++) {
        residuals[i] = tacho_zigzag((int64_t)(residuals[i] - (uint64_t)centre));
        any |= residuals[i];
    }
    tacho_buffer_byte(to, (uint8_t)(tag | order | (any ? 0 : TAG_FLAT)));
    if (tag & TAG_DIVIDED) {
        tacho_buffer_varint(to, divisor);
        tacho_buffer_varint(to, tacho_zigzag(first));
    }
    for (unsigned i = 0; i < order; i++)
        tacho_buffer_varint(to, tacho_zigzag((int64_t)values[i]));
    tacho_buffer_varint(to, tacho_zigzag(centre));
    for (size_t at = 0; any && at < left; at += GROUP_SIZE)
        group_put(to, residuals + at, left - at < GROUP_SIZE ? left - at : GROUP_SIZE);
}

void tacho_column_i64_put(struct tacho_buffer *to, const int64_t *values, size_t count)
{
    if (count == 0)
        return;
    bool constant = true;
    for (size_t i = 1; i < count && constant; i++)
        constant = values[i] == values[0];
    if (constant) {
        tacho_buffer_byte(to, TAG_CONSTANT);
        tacho_buffer_varint(to, tacho_zigzag(values[0]));
        return;
    }
    TACHO_ARRAY(uint64_t) work = {0};
    tacho_array_reserve(&work, count);
    uint64_t divisor = common_divisor(values, count);
    if (divisor > 1)
        for (size_t i = 0; i < count; i++) {
            // Divide step by step: the distance from the first value may wrap, a step does not.
            int64_t step = i ? (int64_t)((uint64_t)values[i] - (uint64_t)values[i - 1]) : 0;
            work.items[i] = (i ? work.items[i - 1] : 0) + (uint64_t)(step / (int64_t)divisor);
        }
    else
        memcpy(work.items, values, count * sizeof *values);
    unsigned order = choose_order(work.items, count);
    residuals_put(to, work.items, count, order, divisor > 1 ? TAG_DIVIDED : 0, divisor, values[0]);
    tacho_array_release(&work);
}

static int group_take(struct tacho_bytes *from, uint64_t *residuals, size_t count)
{
    uint8_t width, exceptions;
    struct tacho_bytes packed;
    uint8_t room[GROUP_SIZE * 8 + 8];
    if (tacho_bytes_byte(from, &width) || tacho_bytes_byte(from, &exceptions) ||
        (width > WIDTH_MAX && width != WIDTH_RAW) ||
        tacho_bytes_range(from, packed_size(count, width), &packed))
        return TACHO_ERR_FORMAT;
    size_t size = (size_t)(packed.end - packed.at);
    memcpy(room, packed.at, size);
    memset(room + size, 0, 8);
    uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    for (size_t i = 0; i < count; i++) {
        size_t bit = i * width;
        uint64_t word;
        memcpy(&word, room + bit / 8, sizeof word);
        residuals[i] = (le64toh(word) >> (bit % 8)) & mask;
    }
    for (unsigned i = 0; i < exceptions; i++) {
        uint8_t place;
        uint64_t high;
        if (width >= 64 || tacho_bytes_byte(from, &place) || place >= count ||
            tacho_bytes_varint(from, &high) || bit_width(high) > 64u - width)
            return TACHO_ERR_FORMAT;
        residuals[place] |= high << width;
    }
    return 0;
}

// Undoes `order` differences of values[0 .. count), the first `order` of which are starts.
static void integrate(uint64_t *values, size_t count, unsigned order)
{
    for (unsigned i = order; i-- > 0;)
        for (size_t j = i + 1; j < count; j++)
            values[j] += values[j - 1];
}

static int residuals_take(struct tacho_bytes *from, uint64_t *values, size_t count, uint8_t tag)
{
    unsigned order = tag & TAG_ORDER;
    uint64_t number;
    if (order >= count)
        return TACHO_ERR_FORMAT;
    for (unsigned i = 0; i < order; i++) {
        if (tacho_bytes_varint(from, &number))
            return TACHO_ERR_FORMAT;
        values[i] = (uint64_t)tacho_unzigzag(number);
    }
    if (tacho_bytes_varint(from, &number))
        return TACHO_ERR_FORMAT;
    uint64_t centre = (uint64_t)tacho_unzigzag(number);
    uint64_t *residuals = values + order;
    size_t left = count - order;
    for (size_t at = 0; at < left; at += GROUP_SIZE) {
        size_t size = left - at < GROUP_SIZE ? left - at : GROUP_SIZE;
        if (tag & TAG_FLAT)
            memset(residuals + at, 0, size * sizeof *residuals);
        else if (group_take(from, residuals + at, size))
            return TACHO_ERR_FORMAT;
        for (size_t i = 0; i < size; i++)
            residuals[at + i] = (uint64_t)tacho_unzigzag(residuals[at + i]) + centre;
    }
    integrate(values, count, order);
    return 0;
}

int tacho_column_i64_take(struct tacho_bytes *from, int64_t *values, size_t count)
{
    uint8_t tag;
    uint64_t divisor = 1, first = 0, number;
    if (count == 0)
        return 0;
    if (tacho_bytes_byte(from, &tag) || (tag & ~TAG_KNOWN))
        return TACHO_ERR_FORMAT;
    if (tag & TAG_CONSTANT) {
        if (tag != TAG_CONSTANT || tacho_bytes_varint(from, &number))
            return TACHO_ERR_FORMAT;
        for (size_t i = 0; i < count; i++)
            values[i] = tacho_unzigzag(number);
        return 0;
    }
    if (tag & TAG_DIVIDED) {
        if (tacho_bytes_varint(from, &divisor) || tacho_bytes_varint(from, &first))
            return TACHO_ERR_FORMAT;
        first = (uint64_t)tacho_unzigzag(first);
    }
    uint64_t *work = (uint64_t *)values; // signed and unsigned of one type may share memory
    if (residuals_take(from, work, count, tag))
        return TACHO_ERR_FORMAT;
    if (tag & TAG_DIVIDED)
        for (size_t i = 0; i < count; i++)
            work[i] = work[i] * divisor + first;
    return 0;
}
