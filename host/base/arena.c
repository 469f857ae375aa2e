// Arena memory, growing arrays and sets of strings: see arena.h and array.h.
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/map.h"

#define BLOCK_SIZE ((size_t)64 * 1024)
#define ALIGNMENT  ((size_t)16)

struct tacho_arena_block {
    struct tacho_arena_block *next;
    size_t size; // keeps what follows aligned
};

static void *take_or_trap(void *memory)
{
    if (!memory)
        __builtin_trap(); // see array.h: nothing useful can be done, and what was recorded is
                          // stored
    return memory;
}

void *tacho_array_grow(void *items, size_t *capacity, size_t wanted, size_t item_size)
{
    if (wanted <= *capacity)
        return items;
    size_t grown = *capacity ? *capacity * 2 : 8;
    if (grown < wanted)
        grown = wanted;
    if (grown > SIZE_MAX / item_size)
        take_or_trap(NULL);
    items = take_or_trap(realloc(items, grown * item_size));
    *capacity = grown;
    return items;
}

void *tacho_arena_take(struct tacho_arena *arena, size_t size)
{
    size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if ((size_t)(arena->end - arena->next) < size || !arena->next) {
        size_t block_size = size > BLOCK_SIZE / 4 ? size : BLOCK_SIZE;
        struct tacho_arena_block *block = take_or_trap(malloc(sizeof *block + block_size));
        block->size = block_size;
        block->next = arena->blocks;
        arena->blocks = block;
        if (block_size == size && arena->next) { // a large piece: keep filling the present block
            arena->bytes += size;
            return memset(block + 1, 0, size);
        }
        arena->next = (char *)(block + 1);
        arena->end = arena->next + block_size;
    }
    void *memory = arena->next;
    arena->next += size;
    arena->bytes += size;
    return memset(memory, 0, size);
}

char *tacho_arena_text_n(struct tacho_arena *arena, const char *text, size_t size)
{
    char *copy = tacho_arena_take(arena, size + 1);
    memcpy(copy, text, size);
    return copy;
}

char *tacho_arena_text(struct tacho_arena *arena, const char *text)
{
    return text ? tacho_arena_text_n(arena, text, strlen(text)) : NULL;
}

char *tacho_arena_printf(struct tacho_arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = tacho_arena_take(arena, (size < 0 ? 0 : (size_t)size) + 1);
    if (size > 0)
        vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

void tacho_arena_release(struct tacho_arena *arena)
{
    struct tacho_arena_block *block = arena->blocks;
    while (block) {
        struct tacho_arena_block *next = block->next;
        free(block);
        block = next;
    }
    *arena = (struct tacho_arena){0};
}

static void strings_rehash(struct tacho_strings *strings)
{
    unsigned slot_count = strings->slot_count ? strings->slot_count * 2 : 64;
    unsigned *slots = take_or_trap(calloc(slot_count, sizeof *slots));
    for (unsigned i = 0; i < strings->count; i++) {
        const char *text = strings->items[i];
        size_t at = (size_t)tacho_hash_bytes(text, strlen(text), 0) & (slot_count - 1);
        while (slots[at])
            at = (at + 1) & (slot_count - 1);
        slots[at] = i + 1;
    }
    free(strings->slots);
    strings->slots = slots;
    strings->items = take_or_trap(realloc(strings->items, slot_count * sizeof *strings->items));
    strings->slot_count = slot_count;
}

unsigned tacho_strings_number_n(struct tacho_strings *strings, const char *text, size_t size)
{
    size = strnlen(text, size); // a string ends at its first zero byte
    if (strings->count == 0 && size > 0)
        tacho_strings_number_n(strings, "", 0);
    if ((strings->count + 1) * 2 > strings->slot_count)
        strings_rehash(strings);
    size_t mask = strings->slot_count - 1;
    size_t at = (size_t)tacho_hash_bytes(text, size, 0) & mask;
    for (; strings->slots[at]; at = (at + 1) & mask) {
        const char *kept = strings->items[strings->slots[at] - 1];
        if (strncmp(kept, text, size) == 0 && kept[size] == '\0')
            return strings->slots[at] - 1;
    }
    strings->items[strings->count] = tacho_arena_text_n(&strings->arena, text, size);
    strings->slots[at] = ++strings->count;
    return strings->count - 1;
}

unsigned tacho_strings_number(struct tacho_strings *strings, const char *text)
{
    return tacho_strings_number_n(strings, text ? text : "", text ? strlen(text) : 0);
}

const char *tacho_strings_keep(struct tacho_strings *strings, const char *text)
{
    unsigned number = tacho_strings_number(strings, text); // may move items
    return strings->items[number];
}

void tacho_strings_release(struct tacho_strings *strings)
{
    tacho_arena_release(&strings->arena);
    free(strings->items);
    free(strings->slots);
    *strings = (struct tacho_strings){0};
}
