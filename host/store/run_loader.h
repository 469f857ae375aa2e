// Private to this folder: builds a run in memory from its chunks, wherever these come from.
#ifndef TACHO_STORE_RUN_LOADER_H
#define TACHO_STORE_RUN_LOADER_H

#include "base/out.h"
#include "store/chunk.h"
#include "store/run_reader.h"
#include "store/layout.h"

struct tacho_chunk_entry {
    struct tacho_chunk chunk;
    int64_t place; // whatever the source needs to find the data
};

struct tacho_chunk_source {
    TACHO_ARRAY(struct tacho_chunk_entry) entries; // ascending kind, part, first
    // The payload of an entry, valid until the next fetch.
    int (*fetch)(struct tacho_chunk_source *source, const struct tacho_chunk_entry *entry,
                 struct tacho_bytes *payload, struct tacho_fail *fail);
};

// What to load: everything, or (series set) the descriptions of the series and one of them in a
// range.
struct tacho_run_wanted {
    struct tacho_run_read_options options;
    const char *series, *subject;
    int64_t from_ns, to_ns;
};

// `run` is initialised; its info is not touched.
int tacho_run_load(struct tacho_chunk_source *source, const struct tacho_run_wanted *wanted,
                   struct tacho_run *run, struct tacho_fail *fail);
// Writes the chunks of a source, which has no increments, as an exported file (run_file.c), and
// into the store as a new run, in one transaction (run_writer.c).
int tacho_run_file_copy(struct tacho_chunk_source *source, const struct tacho_run_info *info,
                        struct tacho_out *out, struct tacho_fail *fail);
int tacho_run_store_chunks(struct tacho_store *store, const struct tacho_run_info *info,
                           struct tacho_chunk_source *source, struct tacho_fail *fail);
// Whether `a` stands before `b` in a source.
bool tacho_chunk_is_before(const struct tacho_chunk *a, const struct tacho_chunk *b);

#endif
