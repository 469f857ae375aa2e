// Errors that tell a story: each layer adds its clause in front, only host/cli prints it.
//
//   if (fd < 0)
//       return tacho_fail_errno(fail, "cannot open %s", path);   // "cannot open x: no such file"
//   ...
//   if (open_ring(path, fail) < 0)
//       return tacho_fail_add(fail, "cannot read what %s recorded", name);
#ifndef TACHO_BASE_FAIL_H
#define TACHO_BASE_FAIL_H

#include "tacho/errors.h"

#define TACHO_FAIL_TEXT_MAX 1024

// Zero is "nothing failed".
struct tacho_fail {
    int code;                       // 0 or TACHO_ERR_*
    char text[TACHO_FAIL_TEXT_MAX]; // one line, no full stop
};

// Sets the code and text; returns the code, so that `return tacho_fail_set(...)` reads well.
int tacho_fail_set(struct tacho_fail *fail, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Sets the code that belongs to errno, and "text: reason".
int tacho_fail_errno(struct tacho_fail *fail, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Puts "clause: " in front of the text; returns the code.
int tacho_fail_add(struct tacho_fail *fail, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Appends "; text", for what the user can do about it; returns the code.
int tacho_fail_advise(struct tacho_fail *fail, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// The text of an error number of errors.def.
const char *tacho_error_text(int code);
// The error number that belongs to an errno value.
int tacho_error_of_errno(int number);

#endif
