// The log-linear histogram: exact below 2^bits, above it 2^bits equal buckets for each power of
// two.
//
// The idea is that of HDR histograms: the position of the highest set bit chooses the row, the next
// `bits` bits choose the bucket in it. A bucket is never wider than value / 2^bits, so a value
// taken from the middle of its bucket is off by at most 1 / 2^(bits + 1): 1.6 % with 5 bits, 0.4 %
// with 7. Two histograms of the same bits merge by adding bucket for bucket. Integers only.
//
//   bits = 5: values 0..31 are buckets 0..31, 32..63 are 32..63, 64..127 (two wide) are 64..95, ...
#ifndef TACHO_HISTOGRAM_H
#define TACHO_HISTOGRAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The bucket of `value`, with 1 <= bits <= 16.
static inline uint32_t tacho_histogram_bucket(uint32_t bits, uint64_t value)
{
    uint32_t row = 63 - (uint32_t)__builtin_clzll(value | UINT64_C(1) << bits) - bits;
    return (row << bits) + (uint32_t)(value >> row);
}

// The smallest value of `bucket`; UINT64_MAX for one past the last that a 64-bit value can be in.
static inline uint64_t tacho_histogram_low(uint32_t bits, uint32_t bucket)
{
    uint32_t row = bucket >> bits;
    if (row <= 1)
        return bucket;
    if (row > 64 - bits)
        return UINT64_MAX;
    return ((uint64_t)(bucket & ((1u << bits) - 1)) + (UINT64_C(1) << bits)) << (row - 1);
}

// The value in the middle of `bucket`, which stands for all that were counted there.
static inline uint64_t tacho_histogram_middle(uint32_t bits, uint32_t bucket)
{
    uint64_t low = tacho_histogram_low(bits, bucket);
    return low + (tacho_histogram_low(bits, bucket + 1) - low - 1) / 2;
}

// How many buckets the values below 2^range_bits need.
#define TACHO_HISTOGRAM_BUCKETS(bits, range_bits) (((range_bits) - (bits) + 1) << (bits))

#ifdef __cplusplus
}
#endif

#endif
