// Reports into files: what every command with --output does.
#ifndef TACHO_CLI_REPORT_FILE_H
#define TACHO_CLI_REPORT_FILE_H

#include "render/report.h"

// The names of the formats with a "|" before each: from the second character on, the choices of
// --format.
extern const char tacho_report_format_names[];

struct tacho_report_file {
    struct tacho_out out; // write here
    const char *path;
    int fd;
    bool is_regular; // made by the open: taken away again when the report fails
};

// Opens `path` ("-": standard output) for writing; what was there before is replaced.
int tacho_report_file_open(struct tacho_report_file *file, const char *path,
                           struct tacho_fail *fail);
// Flushes and closes. `status` is what rendering gave: when that or the flushing failed, a file is
// removed again. Returns the first failure.
int tacho_report_file_close(struct tacho_report_file *file, int status, struct tacho_fail *fail);

// Renders a report into the file `path`: open, render, close.
int tacho_report_write(const struct tacho_report_format *format, const struct tacho_run *run,
                       const struct tacho_report_options *options, const char *path,
                       struct tacho_fail *fail);

#endif
