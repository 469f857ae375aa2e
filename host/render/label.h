// How functions are named for people.
#ifndef TACHO_RENDER_LABEL_H
#define TACHO_RENDER_LABEL_H

#include "analyze/functions.h"
#include "base/buffer.h"

// "name", with " [k]" behind a kernel function and " (inlined)" behind an inlined one; the text
// lives in `buffer`, which is cleared first. `flags` are those of the function, or of the node
// shown.
const char *tacho_label(struct tacho_buffer *buffer, const struct tacho_function *function,
                        uint32_t flags);
// Shortens names that do not fit a terminal's column: of a name beyond 40 characters the arguments
// of templates become "<…>", so "std::sort<…>" is left of one that fills three lines. Returns the
// text.
const char *tacho_label_shorten(struct tacho_buffer *buffer);
// "file.c:123", "file.c", or "" when not known (the file's last part only).
const char *tacho_label_source(struct tacho_buffer *buffer, const struct tacho_function *function);
// A weight of a profile in its unit: "1.23 s", "4.0 MiB", "1,234".
const char *tacho_label_weight(double weight, const char *unit, char *text);

#endif
