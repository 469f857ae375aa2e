// Columns of doubles: decimals as integers, bit patterns as integers, or exclusive-or; the
// smallest.
//
// Layout: a method byte, then what the method writes. Decimal: the exponent, the integers as an
// integer column, the places and bits of values that are not such a decimal (NaN above all).
#include "store/column.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"
#include "tacho/errors.h"

enum method {
    METHOD_DECIMAL = 1,
    METHOD_BITS = 2, // the bit patterns as an integer column
    METHOD_XOR = 3,
};

#define EXPONENT_MAX 9
#define EXACT_MAX    9007199254740992.0 // 2^53: integers up to here are exact in a double

static const double powers_of_ten[EXPONENT_MAX + 1] = {1e0, 1e1, 1e2, 1e3, 1e4,
                                                       1e5, 1e6, 1e7, 1e8, 1e9};

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// Whether value is integer / 10^exponent to the last bit; minus zero is not.
static bool decimal_of(double value, unsigned exponent, int64_t *integer)
{
    double scaled = value * powers_of_ten[exponent];
    if (!(fabs(scaled) < EXACT_MAX))
        return false;
    *integer = (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    return bits_of((double)*integer / powers_of_ten[exponent]) == bits_of(value);
}

// The smallest exponent that suits the values looked at; EXPONENT_MAX + 1 when none does.
static unsigned choose_exponent(const double *values, size_t count)
{
    unsigned exponent = 0;
    size_t stride = count / 64 + 1, strange = 0, seen = 0;
    for (size_t i = 0; i < count; i += stride) {
        int64_t integer;
        unsigned wanted = exponent;
        seen++;
        while (wanted <= EXPONENT_MAX && !decimal_of(values[i], wanted, &integer))
            wanted++;
        if (wanted <= EXPONENT_MAX)
            exponent = wanted;
        else
            strange++;
    }
    return strange * 8 <= seen ? exponent : EXPONENT_MAX + 1;
}

struct exceptions {
    TACHO_ARRAY(size_t) places;
};

static bool decimal_put(struct tacho_buffer *to, const double *values, size_t count)
{
    unsigned exponent = choose_exponent(values, count);
    if (exponent > EXPONENT_MAX)
        return false;
    TACHO_ARRAY(int64_t) integers = {0};
    struct exceptions strange = {0};
    tacho_array_reserve(&integers, count);
    int64_t previous = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t integer;
        if (decimal_of(values[i], exponent, &integer))
            previous = integer;
        else
            tacho_array_push(&strange.places, i);
        integers.items[i] = previous;
    }
    bool worth = strange.places.count * 8 <= count;
    if (worth) {
        tacho_buffer_byte(to, METHOD_DECIMAL);
        tacho_buffer_byte(to, (uint8_t)exponent);
        tacho_column_i64_put(to, integers.items, count);
        tacho_buffer_varint(to, strange.places.count);
        size_t last = 0;
        for (size_t i = 0; i < strange.places.count; i++) {
            size_t place = strange.places.items[i];
            uint64_t bits = bits_of(values[place]);
            tacho_buffer_varint(to, place - last);
            // The sign and exponent first, so that the common NaN is two bytes.
            tacho_buffer_varint(to, bits >> 48 | bits << 16);
            last = place;
        }
    }
    tacho_array_release(&strange.places);
    tacho_array_release(&integers);
    return worth;
}

static void bits_put(struct tacho_buffer *to, const double *values, size_t count)
{
    TACHO_ARRAY(int64_t) patterns = {0};
    tacho_array_reserve(&patterns, count);
    memcpy(patterns.items, values, count * sizeof *values);
    tacho_buffer_byte(to, METHOD_BITS);
    tacho_column_i64_put(to, patterns.items, count);
    tacho_array_release(&patterns);
}

// A stream of bits, most significant first.
struct bit_writer {
    struct tacho_buffer *to;
    uint64_t word;
    unsigned used;
};

static void bits_add(struct bit_writer *writer, uint64_t value, unsigned width)
{
    while (width > 0) {
        unsigned room = 8 - writer->used, part = width < room ? width : room;
        writer->word = writer->word << part | ((value >> (width - part)) & ((1u << part) - 1));
        writer->used += part;
        width -= part;
        if (writer->used == 8) {
            tacho_buffer_byte(writer->to, (uint8_t)writer->word);
            writer->word = 0;
            writer->used = 0;
        }
    }
}

static void bits_finish(struct bit_writer *writer)
{
    if (writer->used)
        tacho_buffer_byte(writer->to, (uint8_t)(writer->word << (8 - writer->used)));
}

// As in the paper: same value 0; same window 10 and the bits in it; new window 11, 5 bits of
// leading zeros, 6 bits of length less one, the bits.
static void xor_put(struct tacho_buffer *to, const double *values, size_t count)
{
    struct bit_writer writer = {.to = to};
    uint64_t previous = 0;
    unsigned lead = 64, trail = 0;
    tacho_buffer_byte(to, METHOD_XOR);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = bits_of(values[i]), change = bits ^ previous;
        previous = bits;
        if (change == 0) {
            bits_add(&writer, 0, 1);
            continue;
        }
        unsigned new_lead = (unsigned)__builtin_clzll(change);
        unsigned new_trail = (unsigned)__builtin_ctzll(change);
        if (new_lead > 31)
            new_lead = 31;
        if (lead < 64 && new_lead >= lead && new_trail >= trail) {
            bits_add(&writer, 2, 2);
        } else {
            lead = new_lead;
            trail = new_trail;
            bits_add(&writer, 3, 2);
            bits_add(&writer, lead, 5);
            bits_add(&writer, 63 - lead - trail, 6);
        }
        bits_add(&writer, change >> trail, 64 - lead - trail);
    }
    bits_finish(&writer);
}

void tacho_column_double_put(struct tacho_buffer *to, const double *values, size_t count)
{
    if (count == 0 || decimal_put(to, values, count))
        return;
    struct tacho_buffer by_bits = {0}, by_xor = {0};
    bits_put(&by_bits, values, count);
    xor_put(&by_xor, values, count);
    const struct tacho_buffer *best = by_xor.size < by_bits.size ? &by_xor : &by_bits;
    tacho_buffer_add(to, best->data, best->size);
    tacho_buffer_release(&by_bits);
    tacho_buffer_release(&by_xor);
}

static int decimal_take(struct tacho_bytes *from, double *values, size_t count)
{
    uint8_t exponent;
    uint64_t strange, gap, turned;
    if (tacho_bytes_byte(from, &exponent) || exponent > EXPONENT_MAX)
        return TACHO_ERR_FORMAT;
    TACHO_ARRAY(int64_t) integers = {0};
    tacho_array_reserve(&integers, count);
    int code = tacho_column_i64_take(from, integers.items, count);
    for (size_t i = 0; code == 0 && i < count; i++)
        values[i] = (double)integers.items[i] / powers_of_ten[exponent];
    tacho_array_release(&integers);
    if (code || tacho_bytes_varint(from, &strange) || strange > count)
        return TACHO_ERR_FORMAT;
    uint64_t place = 0;
    for (uint64_t i = 0; i < strange; i++) {
        if (tacho_bytes_varint(from, &gap) || tacho_bytes_varint(from, &turned) ||
            gap >= count - place)
            return TACHO_ERR_FORMAT;
        place += gap;
        values[place] = of_bits(turned << 48 | turned >> 16);
    }
    return 0;
}

struct bit_reader {
    struct tacho_bytes *from;
    uint64_t word; // the next bits, left aligned
    unsigned left;
};

static int bits_next(struct bit_reader *reader, unsigned width, uint64_t *value)
{
    uint64_t result = 0;
    while (width > 0) {
        if (reader->left == 0) {
            uint8_t byte;
            if (tacho_bytes_byte(reader->from, &byte))
                return TACHO_ERR_FORMAT;
            reader->word = byte;
            reader->left = 8;
        }
        unsigned part = width < reader->left ? width : reader->left;
        reader->left -= part;
        result = result << part | ((reader->word >> reader->left) & ((1u << part) - 1));
        width -= part;
    }
    *value = result;
    return 0;
}

static int xor_window_take(struct bit_reader *reader, unsigned *lead, unsigned *trail)
{
    uint64_t number;
    if (bits_next(reader, 5, &number))
        return TACHO_ERR_FORMAT;
    *lead = (unsigned)number;
    if (bits_next(reader, 6, &number) || *lead + number + 1 > 64)
        return TACHO_ERR_FORMAT;
    *trail = 64 - *lead - (unsigned)number - 1;
    return 0;
}

static int xor_take(struct tacho_bytes *from, double *values, size_t count)
{
    struct bit_reader reader = {.from = from};
    uint64_t bits = 0, number;
    unsigned lead = 64, trail = 0;
    for (size_t i = 0; i < count; i++) {
        if (bits_next(&reader, 1, &number))
            return TACHO_ERR_FORMAT;
        if (number) {
            if (bits_next(&reader, 1, &number) ||
                (number && xor_window_take(&reader, &lead, &trail)) || lead == 64 ||
                bits_next(&reader, 64 - lead - trail, &number))
                return TACHO_ERR_FORMAT;
            bits ^= number << trail;
        }
        values[i] = of_bits(bits);
    }
    return 0;
}

int tacho_column_double_take(struct tacho_bytes *from, double *values, size_t count)
{
    uint8_t method;
    if (count == 0)
        return 0;
    if (tacho_bytes_byte(from, &method))
        return TACHO_ERR_FORMAT;
    switch (method) {
    case METHOD_DECIMAL:
        return decimal_take(from, values, count);
    case METHOD_BITS: {
        TACHO_ARRAY(int64_t) patterns = {0};
        tacho_array_reserve(&patterns, count);
        int code = tacho_column_i64_take(from, patterns.items, count);
        if (code == 0)
            memcpy(values, patterns.items, count * sizeof *values);
        tacho_array_release(&patterns);
        return code;
    }
    case METHOD_XOR:
        return xor_take(from, values, count);
    default:
        return TACHO_ERR_FORMAT;
    }
}
