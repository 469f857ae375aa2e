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
