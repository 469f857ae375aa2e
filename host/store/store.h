// The store: every run this user made, in one SQLite file.
//
// Context: one thread per open store; any number of processes may have it open, readers never wait
// for a writer nor a writer for readers, two writers wait for each other for a moment at a time.
// Failure: a locked, read-only, full or damaged store is a story in `fail`; nothing that was stored
// is lost by it. See docs/store.md for the schema.
#ifndef TACHO_STORE_STORE_H
#define TACHO_STORE_STORE_H

#include "base/arena.h"
#include "base/fail.h"
#include "run/model.h"

struct tacho_store;

enum tacho_store_mode {
    TACHO_STORE_READ,  // must be there; also on a disk that cannot be written
    TACHO_STORE_WRITE, // made where it is missing, with its folder
};

// `path` NULL: $XDG_DATA_HOME/tacho/store.db, or ~/.local/share/tacho/store.db. A store of an older
// schema is brought up to date where it can be written; one of a newer schema is TACHO_ERR_VERSION;
// no store to read is TACHO_ERR_NOT_FOUND.
int tacho_store_open(struct tacho_store **store, const char *path, enum tacho_store_mode mode,
                     struct tacho_fail *fail);
void tacho_store_close(struct tacho_store *store); // NULL is fine
const char *tacho_store_path(const struct tacho_store *store);
// The path that NULL stands for; freed by the caller.
int tacho_store_default_path(char **path, struct tacho_fail *fail);
// Reads the whole file and checks its structure and every checksum.
int tacho_store_check(struct tacho_store *store, struct tacho_fail *fail);

struct tacho_store_run {
    int64_t number; // what the calls below want
    struct tacho_run_info info;
    int64_t stored_unix_ns; // when something of it was last stored
    uint64_t stored_bytes;
    bool is_live;    // not finished, and stored a moment ago: somebody is writing it
    bool is_damaged; // the checksum of this line does not match: it can only be removed
};

struct tacho_store_list {
    TACHO_ARRAY(struct tacho_store_run) runs;
    struct tacho_strings strings; // owner of the texts
};

// All runs, the newest first. A list is zero before, and released after, also after a failure.
int tacho_store_list(struct tacho_store *store, struct tacho_store_list *list,
                     struct tacho_fail *fail);
void tacho_store_list_release(struct tacho_store_list *list);

// The one run that `text` names: `last`, `last~N` (the Nth before it), a name (the newest of that
// name; `NAME~N` the Nth before it), or the beginning of an id that only one run has.
int tacho_store_find(struct tacho_store *store, const char *text, struct tacho_store_list *one,
                     struct tacho_fail *fail);

// Whether a run may be called that: 1 to 100 printable bytes, not `last`, no `~` or `/`, not
// beginning with `-` or `.`.
int tacho_store_name_check(const char *name, struct tacho_fail *fail);
// A name may be given to several runs: it means the newest. "" takes the name away.
int tacho_store_rename(struct tacho_store *store, int64_t number, const char *name,
                       struct tacho_fail *fail);
// TACHO_ERR_BUSY for a live run.
int tacho_store_remove(struct tacho_store *store, int64_t number, struct tacho_fail *fail);

struct tacho_store_gc {
    int64_t age_ns_max; // runs that began longer ago go; 0: any age stays
    uint64_t count_max; // older ones beyond so many go; 0: any number stays
    uint64_t bytes_max; // the oldest go until the rest is not larger; 0: any size stays
    bool named_too;     // runs with a name (baselines) go too; else they stay and do not count
    bool only_look;     // remove nothing, only say what would go
    // Results.
    uint64_t removed_count, removed_bytes;
};

// Removes old runs and gives the room back to the file system. Live and damaged runs stay.
int tacho_store_gc(struct tacho_store *store, struct tacho_store_gc *gc, struct tacho_fail *fail);

#endif
