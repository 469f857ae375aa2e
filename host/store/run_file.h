// Exported runs: one file with one run, complete, compressed, with checksums. The layout is in
// docs/store.md.
#ifndef TACHO_STORE_RUN_FILE_H
#define TACHO_STORE_RUN_FILE_H

#include "base/out.h"
#include "store/column.h"
#include "store/run_reader.h"

// Appends the run as a file; the caller checks and finishes `out`.
void tacho_run_file_write(const struct tacho_run *run, struct tacho_out *out);
// Writes the run beside `path` and renames it over `path`, so that a reader sees all of it or
// nothing.
int tacho_run_file_export(const struct tacho_run *run, const char *path, struct tacho_fail *fail);
// Reads it back into `run`, which is initialised by this and released by the caller, also after a
// failure. Truncated, damaged and hostile files are a story.
int tacho_run_file_read(const char *path, const struct tacho_run_read_options *options,
                        struct tacho_run *run, struct tacho_fail *fail);
// The same from memory; `name` is what failures call it.
int tacho_run_file_take(struct tacho_bytes bytes, const char *name,
                        const struct tacho_run_read_options *options, struct tacho_run *run,
                        struct tacho_fail *fail);
// Whether the file at `path` begins like an exported run.
bool tacho_run_file_is(const char *path);

#endif
