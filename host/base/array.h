// A growing array of any type: declare `TACHO_ARRAY(int) numbers = {0};`, push, loop, release.
#ifndef TACHO_BASE_ARRAY_H
#define TACHO_BASE_ARRAY_H

#include <stddef.h>
#include <stdlib.h>

#define TACHO_ARRAY(type)                                                                          \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count;                                                                              \
        size_t capacity;                                                                           \
    }

// Grows `array` to hold at least `n` items; memory that runs out ends the process (host only: a
// tool that cannot get a few bytes cannot say anything useful either; what it recorded is stored).
#define tacho_array_reserve(array, n)                                                              \
    ((array)->items =                                                                              \
         tacho_array_grow((array)->items, &(array)->capacity, (n), sizeof *(array)->items))

// Appends `value` (an expression or a compound literal in parentheses).
#define tacho_array_push(array, ...)                                                               \
    ((array)->count == (array)->capacity ? (void)tacho_array_reserve((array), (array)->count + 1)  \
                                         : (void)0,                                                \
     (void)((array)->items[(array)->count++] = (__VA_ARGS__)))

#define tacho_array_release(array)                                                                 \
    (free((array)->items), (array)->items = NULL, (array)->count = (array)->capacity = 0)

void *tacho_array_grow(void *items, size_t *capacity, size_t wanted, size_t item_size);

#endif
