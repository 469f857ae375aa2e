// Text in the caller's memory, without stdio.
#include "core/text.h"

#include <string.h>

void tacho_text_init(struct tacho_text *text, char *data, size_t capacity)
{
    text->data = data;
    text->size = 0;
    text->capacity = capacity;
    text->cut = false;
    if (capacity > 0)
        data[0] = 0;
}

void tacho_text_add_n(struct tacho_text *text, const char *more, size_t size)
{
    if (text->size + size + 1 > text->capacity) {
        text->cut = true;
        if (text->capacity <= text->size + 1)
            return;
        size = text->capacity - text->size - 1;
    }
    memcpy(text->data + text->size, more, size);
    text->size += size;
    text->data[text->size] = 0;
}

void tacho_text_add(struct tacho_text *text, const char *more)
{
    tacho_text_add_n(text, more, strlen(more));
}

void tacho_text_u64(struct tacho_text *text, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    tacho_text_add_n(text, digits + at, sizeof digits - at);
}
