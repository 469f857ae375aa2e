// How functions are named for people.
#include "render/label.h"

#include <string.h>

#include "base/units.h"

const char *tacho_label(struct tacho_buffer *buffer, const struct tacho_function *function,
                        uint32_t flags)
{
    buffer->size = 0;
    tacho_buffer_text(buffer, function->name);
    if (flags & TACHO_FRAME_KERNEL)
        tacho_buffer_text(buffer, " [k]");
    if (flags & TACHO_FRAME_INLINED)
        tacho_buffer_text(buffer, " (inlined)");
    return buffer->data;
}

// How long the name of an operator is that is written with '<' or '>', else 0: "operator<<", not
// the arguments of a template.
static size_t operator_size(const char *text)
{
    static const char *const signs[] = {"<=>", "<<=", ">>=", "->*", "<<", ">>",
                                        "->",  "<=",  ">=",  "<",   ">"};
    size_t word = strlen("operator");

    if (strncmp(text, "operator", word) != 0)
        return 0;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strncmp(text + word, signs[i], strlen(signs[i])) == 0)
            return word + strlen(signs[i]);
    return 0;
}

// The end of the template arguments that begin at `text`, or NULL if they have none.
static const char *arguments_end(const char *text)
{
    unsigned depth = 0;

    while (*text != '\0') {
        size_t skipped = operator_size(text);
        if (skipped == 0 && text[0] == '-' && text[1] == '>')
            skipped = 2;
        if (skipped > 0) {
            text += skipped;
            continue;
        }
        depth += *text == '<' ? 1 : 0;
        if (*text++ == '>' && --depth == 0)
            return text;
    }
    return NULL;
}

const char *tacho_label_shorten(struct tacho_buffer *buffer)
{
    static const char cut[] = "<…>";
    char *to = buffer->data;

    if (buffer->size <= 40 || to == NULL)
        return to;
    for (const char *from = to; *from != '\0';) {
        size_t copied = operator_size(from);
        const char *end = *from == '<' && from > buffer->data ? arguments_end(from) : NULL;
        if (end != NULL && (size_t)(end - from) > sizeof cut - 1) {
            memcpy(to, cut, sizeof cut - 1);
            to += sizeof cut - 1;
            from = end;
            continue;
        }
        copied = copied > 0 ? copied : 1;
        memmove(to, from, copied);
        to += copied;
        from += copied;
    }
    *to = '\0';
    buffer->size = (size_t)(to - buffer->data);
    return buffer->data;
}

const char *tacho_label_source(struct tacho_buffer *buffer, const struct tacho_function *function)
{
    buffer->size = 0;
    tacho_buffer_text(buffer, tacho_path_base(function->file));
    if (function->file[0] != '\0' && function->line > 0)
        tacho_buffer_printf(buffer, ":%u", function->line);
    return buffer->data;
}

const char *tacho_label_weight(double weight, const char *unit, char *text)
{
    if (strcmp(unit, "nanoseconds") == 0)
        return tacho_format_seconds(weight / 1e9, text);
    return tacho_format_unit(weight, unit, text);
}
