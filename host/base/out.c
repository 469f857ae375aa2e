// Buffered output with one place to check for failure: see out.h.
#include "base/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FLUSH_SIZE ((size_t)64 * 1024)

void tacho_out_init_fd(struct tacho_out *out, int fd)
{
    *out = (struct tacho_out){.fd = fd};
}

void tacho_out_init_memory(struct tacho_out *out)
{
    *out = (struct tacho_out){.fd = -1};
}

static void flush(struct tacho_out *out)
{
    if (out->fd < 0)
        return;
    size_t done = 0;
    while (done < out->buffer.size && !out->error) {
        ssize_t count = write(out->fd, out->buffer.data + done, out->buffer.size - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            out->error = errno;
        else
            done += (size_t)count;
    }
    out->buffer.size = 0;
}

static void flush_when_large(struct tacho_out *out)
{
    if (out->fd >= 0 && out->buffer.size >= FLUSH_SIZE)
        flush(out);
}

void tacho_out_write(struct tacho_out *out, const void *data, size_t size)
{
    if (out->error)
        return;
    tacho_buffer_add(&out->buffer, data, size);
    flush_when_large(out);
}

void tacho_out_text(struct tacho_out *out, const char *text)
{
    tacho_out_write(out, text, strlen(text));
}

void tacho_out_char(struct tacho_out *out, char character)
{
    tacho_out_write(out, &character, 1);
}

void tacho_out_printf(struct tacho_out *out, const char *format, ...)
{
    va_list arguments, again;
    if (out->error)
        return;
    va_start(arguments, format);
    va_copy(again, arguments);
    // Most texts are short: only a longer one is made twice.
    const size_t guess = 240;
    char *place = tacho_buffer_room(&out->buffer, guess);
    int size = vsnprintf(place, guess + 1, format, arguments);
    va_end(arguments);
    if (size > (int)guess) {
        place = tacho_buffer_room(&out->buffer, (size_t)size);
        vsnprintf(place, (size_t)size + 1, format, again);
    }
    if (size > 0)
        out->buffer.size += (size_t)size;
    va_end(again);
    flush_when_large(out);
}

void tacho_out_u64(struct tacho_out *out, unsigned long long value)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    tacho_out_write(out, digits + at, sizeof digits - at);
}

void tacho_out_i64(struct tacho_out *out, long long value)
{
    if (value < 0)
        tacho_out_char(out, '-');
    tacho_out_u64(out, value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value);
}

void tacho_out_fixed(struct tacho_out *out, long long value, unsigned decimals)
{
    char digits[24];
    size_t at = sizeof digits;
    unsigned long long rest = value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value;
    if (decimals > 18)
        decimals = 18;
    for (unsigned i = 0; i < decimals; i++, rest /= 10)
        digits[--at] = (char)('0' + rest % 10);
    if (value < 0)
        tacho_out_char(out, '-');
    tacho_out_u64(out, rest);
    if (decimals) {
        digits[--at] = '.';
        tacho_out_write(out, digits + at, sizeof digits - at);
    }
}

int tacho_out_finish(struct tacho_out *out, const char *what, struct tacho_fail *fail)
{
    flush(out);
    if (!out->error)
        return 0;
    errno = out->error;
    return tacho_fail_errno(fail, "cannot write %s", what);
}

void tacho_out_release(struct tacho_out *out)
{
    tacho_buffer_release(&out->buffer);
}

const char *tacho_out_style(const struct tacho_out *out, const char *ansi)
{
    return out->colour ? ansi : "";
}
