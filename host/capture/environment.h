// The environment that a run is made in: host, kernel, CPU, clock, the version of what was run.
//
// Nothing secret: environment variables of the user are not read.
#ifndef TACHO_CAPTURE_ENVIRONMENT_H
#define TACHO_CAPTURE_ENVIRONMENT_H

#include "run/record.h"

// Pushes ENVIRONMENT records; what cannot be read is left out. `program` is the path of the file
// that is run, NULL if it is not known. Time: a few files of /proc and /sys, below a millisecond.
int tacho_environment_push(struct tacho_sink *sink, const char *program, struct tacho_fail *fail);

#endif
