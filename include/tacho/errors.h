// Error numbers of the target side and the host: 0 or a count is success, negative is one of these.
#ifndef TACHO_ERRORS_H
#define TACHO_ERRORS_H

enum tacho_error {
    TACHO_OK = 0,
#define TACHO_ERROR(name, number, text) TACHO_ERR_##name = -(number),
#include "tacho/errors.def"
#undef TACHO_ERROR
};

#endif
