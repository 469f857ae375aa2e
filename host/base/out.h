// Where renderers write: a buffered stream over a file descriptor, a buffer in memory, or nothing.
// The first failure is kept; later writes do nothing, so that only the end needs a check.
#ifndef TACHO_BASE_OUT_H
#define TACHO_BASE_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/fail.h"

struct tacho_out {
    struct tacho_buffer buffer; // what is not written yet; with fd < 0, everything
    int fd;                     // -1: keep everything in `buffer`
    int error;                  // errno of the first failed write
    bool colour;                // the reader is a terminal that shows colour
    int width;                  // columns of the terminal, 0: not a terminal
};

void tacho_out_init_fd(struct tacho_out *out, int fd);
void tacho_out_init_memory(struct tacho_out *out);
void tacho_out_write(struct tacho_out *out, const void *data, size_t size);
void tacho_out_text(struct tacho_out *out, const char *text);
void tacho_out_char(struct tacho_out *out, char character);
void tacho_out_printf(struct tacho_out *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Numbers without printf, for the exporters' inner loops.
void tacho_out_u64(struct tacho_out *out, unsigned long long value);
void tacho_out_i64(struct tacho_out *out, long long value);
// `value / 10^decimals` with exactly `decimals` decimals, e.g. nanoseconds as microseconds: 3.
void tacho_out_fixed(struct tacho_out *out, long long value, unsigned decimals);
// Flushes; returns 0, or the first failure as a story about `what`.
int tacho_out_finish(struct tacho_out *out, const char *what, struct tacho_fail *fail);
void tacho_out_release(struct tacho_out *out);

// ANSI colour where the reader shows it, else "".
const char *tacho_out_style(const struct tacho_out *out, const char *ansi);

#endif
