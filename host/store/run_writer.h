// Writes a run into the store while it is being observed: a sink that builds the run in memory and
// stores what is new once a second, in one transaction.
//
// What a flush stored is there whatever happens to this process next (kill -9, a crash); what is
// newer is lost with it. When the store cannot be written (full disk, locked, removed), the run
// goes on in memory, the failure is kept for the caller to show, and every later flush tries again:
// the report can be printed in any case. Context: one thread.
#ifndef TACHO_STORE_RUN_WRITER_H
#define TACHO_STORE_RUN_WRITER_H

#include "run/model.h"
#include "store/store.h"

struct tacho_run_writer_state;

struct tacho_run_writer {
    struct tacho_sink sink; // put records here; never fails because of the store
    struct tacho_run run;   // everything so far, or its latest part; frames may be symbolised
    struct tacho_run_writer_state *state;
};

// Begins a run. Of `info`, name, target, command and version are taken; an id is made; start times
// that are 0 become now. `store` NULL keeps the run in memory only. Writes nothing yet.
int tacho_run_writer_open(struct tacho_run_writer **writer, struct tacho_store *store,
                          const struct tacho_run_info *info, struct tacho_fail *fail);
// Stores what is new, now. A failure is also kept, see below.
int tacho_run_writer_flush(struct tacho_run_writer *writer, struct tacho_fail *fail);
// Stores what is new when a second has passed since the last time; for event loops that put nothing
// for long. Returns the host time at which it wants to be called again.
int64_t tacho_run_writer_tick(struct tacho_run_writer *writer, int64_t now_ns);
// Why the latest flush failed, or NULL. A store that is only busy for a moment is no failure yet.
const struct tacho_fail *tacho_run_writer_failure(const struct tacho_run_writer *writer);
// The memory that rows may take which are stored already (0: as little as possible; 256 MiB when
// this is not called): beyond it, full chunks of samples, spans, stacks and events are forgotten,
// and finish reads the run back from the store, long tables reduced (run_reader.h).
void tacho_run_writer_memory_max(struct tacho_run_writer *writer, size_t bytes);
// Closes the run: set run.info's duration_ns (0: until now), has_exit and exit_status before. All
// frames are stored once more, as they may have got names. Waits for other writers up to 10 s.
int tacho_run_writer_finish(struct tacho_run_writer *writer, struct tacho_fail *fail);
// Releases the memory, stores nothing.
void tacho_run_writer_close(struct tacho_run_writer *writer);

// Stores a whole run that is in memory, as it is (its id is kept; TACHO_ERR_EXISTS when the store
// has it): import, and sources that made a run by other means.
int tacho_run_store(struct tacho_store *store, const struct tacho_run *run,
                    struct tacho_fail *fail);

#endif
