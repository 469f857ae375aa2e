// How a launched command starts: exec, dynamic loading up to its entry point, first output.
//
// The instants come from the kernel: exec from a performance event that counts nothing but notes
// exec, the entry point from a hardware breakpoint on it, which the processor keeps (the program's
// memory is not touched) and which is let go after its one hit. Both work unprivileged on one's own
// processes up to kernel.perf_event_paranoid 2. The first output is seen by the kernel's count of
// written bytes, looked at every millisecond at first, later after a sixteenth of the program's
// age: standard output stays what it was, so that a program still sees its terminal. A note says by
// how much the figure may be late.
//
// Pushes start_exec_seconds, start_loading_seconds, start_first_output_seconds of the subject
// "run", and an event for each instant.
#ifndef TACHO_CAPTURE_START_SOURCE_H
#define TACHO_CAPTURE_START_SOURCE_H

#include "launch.h"
#include "run/source.h"

// Between tacho_launch_open and tacho_launch_release; takes the launch's on_executed. `collectors`
// (proc_source.h) names the processes of the tree, whose output counts too; NULL: only the
// command's own does. The source is freed by its close, which comes before that of the launch.
int tacho_start_source_open(struct tacho_launch *launch, const struct tacho_source *collectors,
                            struct tacho_source **source, struct tacho_fail *fail);

#endif
