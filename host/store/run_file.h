// Exported runs: one file with one run, complete, compressed, with checksums. The layout is in
// docs/store.md.
#ifndef TACHO_STORE_RUN_FILE_H
#define TACHO_STORE_RUN_FILE_H

#include "base/out.h"
#include "store/column.h"
#include "store/run_reader.h"

// Appends the run as a file; the caller checks and finishes `out`. A run that was read reduced is
// written as that: export a stored run to have all of it.
void tacho_run_file_write(const struct tacho_run *run, struct tacho_out *out);
// Writes a stored run beside `path` and renames it over `path`, so that a reader sees all of it or
// nothing; `out` NULL, else only there. Its chunks are copied: a run need not fit in memory.
int tacho_run_file_export(struct tacho_store *store, int64_t number, const char *path,
                          struct tacho_out *out, struct tacho_fail *fail);
// Puts an exported run into the store, as it is, and gives its id. TACHO_ERR_EXISTS when it is
// there.
int tacho_run_file_import(struct tacho_store *store, const char *path, char id[13],
                          struct tacho_fail *fail);
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
