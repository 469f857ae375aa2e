// Errors that tell a story: see fail.h.
#include "base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int tacho_fail_set(struct tacho_fail *fail, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail->code = code;
    vsnprintf(fail->text, sizeof fail->text, format, arguments);
    va_end(arguments);
    return code;
}

int tacho_fail_errno(struct tacho_fail *fail, const char *format, ...)
{
    int number = errno;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(fail->text, sizeof fail->text, format, arguments);
    va_end(arguments);
    if (size >= 0 && (size_t)size < sizeof fail->text) {
        char reason[128];
        const char *text = strerror_r(number, reason, sizeof reason);
        snprintf(fail->text + size, sizeof fail->text - (size_t)size, ": %s", text);
    }
    return fail->code = tacho_error_of_errno(number);
}

int tacho_fail_add(struct tacho_fail *fail, const char *format, ...)
{
    char clause[TACHO_FAIL_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(clause, sizeof clause, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof clause - 3)
        return fail->code;
    size_t room = sizeof fail->text - (size_t)size - 3,
           old = strnlen(fail->text, sizeof fail->text);
    if (old > room)
        old = room;
    memmove(fail->text + size + 2, fail->text, old);
    memcpy(fail->text, clause, (size_t)size);
    memcpy(fail->text + size, ": ", 2);
    fail->text[(size_t)size + 2 + old] = '\0';
    return fail->code;
}

int tacho_fail_advise(struct tacho_fail *fail, const char *format, ...)
{
    size_t old = strnlen(fail->text, sizeof fail->text - 1);
    char advice[TACHO_FAIL_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(advice, sizeof advice, format, arguments);
    va_end(arguments);
    size_t room = sizeof fail->text - old;
    if (room > 3) {
        memcpy(fail->text + old, "; ", 3);
        size_t size = strnlen(advice, room - 3);
        memcpy(fail->text + old + 2, advice, size);
        fail->text[old + 2 + size] = '\0';
    }
    return fail->code;
}

const char *tacho_error_text(int code)
{
    switch (code) {
#define TACHO_ERROR(name, number, text)                                                            \
    case -(number):                                                                                \
        return text;
#include "tacho/errors.def"
#undef TACHO_ERROR
    }
    return code >= 0 ? "no error" : "unknown error";
}

int tacho_error_of_errno(int number)
{
    switch (number) {
    case EINVAL:
    case EDOM:
    case ERANGE:
        return TACHO_ERR_INVALID;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return TACHO_ERR_FULL;
    case ENOENT:
    case ESRCH:
    case ENODEV:
    case ENXIO:
        return TACHO_ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return TACHO_ERR_PERMISSION;
    case EBUSY:
    case EAGAIN:
    case ETXTBSY:
        return TACHO_ERR_BUSY;
    case ETIMEDOUT:
        return TACHO_ERR_TIMEOUT;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return TACHO_ERR_MEMORY;
    case ENOSYS:
    case ENOTSUP:
        return TACHO_ERR_UNSUPPORTED;
    case EEXIST:
        return TACHO_ERR_EXISTS;
    case EINTR:
        return TACHO_ERR_INTERRUPTED;
    case EPIPE:
    case ECONNRESET:
        return TACHO_ERR_LOST;
    }
    return TACHO_ERR_IO;
}
