// Memory that lives and dies together, and strings kept once.
#ifndef TACHO_BASE_ARENA_H
#define TACHO_BASE_ARENA_H

#include <stddef.h>

struct tacho_arena_block;

// Zero is an empty arena.
struct tacho_arena {
    struct tacho_arena_block *blocks;
    char *next, *end;
    size_t bytes; // handed out
};

// Memory of `size` bytes, zeroed, aligned for any type; valid until the arena is released.
void *tacho_arena_take(struct tacho_arena *arena, size_t size);
// A copy of `text` (NULL gives NULL); of the first `size` bytes of it, terminated.
char *tacho_arena_text(struct tacho_arena *arena, const char *text);
char *tacho_arena_text_n(struct tacho_arena *arena, const char *text, size_t size);
char *tacho_arena_printf(struct tacho_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tacho_arena_release(struct tacho_arena *arena);

// A set of strings: the same text gives the same pointer and number. Zero is an empty set.
struct tacho_strings {
    struct tacho_arena arena;
    const char **items; // by number; number 0 is ""
    unsigned *slots;
    unsigned count, slot_count;
};

unsigned tacho_strings_number(struct tacho_strings *strings, const char *text);
unsigned tacho_strings_number_n(struct tacho_strings *strings, const char *text, size_t size);
const char *tacho_strings_keep(struct tacho_strings *strings, const char *text);
void tacho_strings_release(struct tacho_strings *strings);

#endif
