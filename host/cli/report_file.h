// Reports into files: what every command with --output does.
#ifndef TACHO_CLI_REPORT_FILE_H
#define TACHO_CLI_REPORT_FILE_H

#include "render/report.h"

// Renders into the file `path` ("-": standard output); what was there before is replaced. A report
// that fails half-way leaves no file.
int tacho_report_write(const struct tacho_report_format *format, const struct tacho_run *run,
                       const struct tacho_report_options *options, const char *path,
                       struct tacho_fail *fail);

#endif
