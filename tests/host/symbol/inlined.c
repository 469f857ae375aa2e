// Functions in each other, by the compiler's own choice and by force: the subject of symbol tests.
#include <stdio.h>
#include <stdlib.h>

#define INLINE static inline __attribute__((always_inline))

INLINE unsigned mix(unsigned value)
{
    value ^= value >> 16;
    value *= 0x7feb352du;
    return value ^ value >> 15;
}

INLINE unsigned mix_twice(unsigned value)
{
    unsigned once = mix(value);
    return mix(once + 1);
}

INLINE unsigned sum_of(const unsigned *values, unsigned count)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < count; i++) {
        if (values[i] & 1)
            sum += mix_twice(values[i]);
        else
            sum -= mix(values[i]);
    }
    return sum;
}

static __attribute__((noinline)) unsigned work(unsigned *values, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        values[i] = mix_twice(i) + (i ? values[i - 1] : 0);
    if (count > 1000000)
        abort(); // a part that the compiler moves away
    return sum_of(values, count);
}

// As C libraries do it: one name for themselves, one for the world.
__attribute__((noinline)) unsigned _shop_close(unsigned value);
unsigned shop_close(unsigned value);

__attribute__((noinline)) unsigned _shop_close(unsigned value)
{
    return mix(value) + 1;
}

__attribute__((alias("_shop_close"))) unsigned shop_close(unsigned value);

int main(int count, char **arguments)
{
    unsigned values[64];
    (void)arguments;
    printf("%u\n", shop_close(work(values, count > 1 ? 8u : 64u)));
    return 0;
}
