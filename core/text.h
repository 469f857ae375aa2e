// Text in the caller's memory, without stdio: safe in signal handlers, small on a microcontroller.
#ifndef TACHO_CORE_TEXT_H
#define TACHO_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What does not fit is cut off and `cut` says so; the text is always terminated.
struct tacho_text {
    char *data;
    size_t size, capacity;
    bool cut;
};

void tacho_text_init(struct tacho_text *text, char *data, size_t capacity);
void tacho_text_add(struct tacho_text *text, const char *more);
void tacho_text_add_n(struct tacho_text *text, const char *more, size_t size);
void tacho_text_u64(struct tacho_text *text, uint64_t value);

#endif
