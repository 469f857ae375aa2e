// The schema of the store and the steps from each version to the next.
//
// To change the schema: append a step; never edit one that was released. tests/host/store/
// test_schema.c builds a file of every older version and opens it.
#include "store/sql.h"

#define APPLICATION_ID 0x54414348 // "TACH", in the header of the file

static const char *const steps[] = {
    // 1: runs and their chunks.
    "CREATE TABLE run("
    " number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL,"
    " target TEXT NOT NULL,"
    " command TEXT NOT NULL,"
    " version TEXT NOT NULL,"
    " start_unix_ns INTEGER NOT NULL,"
    " start_host_ns INTEGER NOT NULL,"
    " duration_ns INTEGER NOT NULL,"
    " finished INTEGER NOT NULL,"
    " has_exit INTEGER NOT NULL,"
    " exit_status INTEGER NOT NULL,"
    " checksum INTEGER NOT NULL);"
    "CREATE TABLE chunk("
    " number INTEGER PRIMARY KEY,"
    " run INTEGER NOT NULL,"
    " kind INTEGER NOT NULL,"
    " part INTEGER NOT NULL,"
    " first INTEGER NOT NULL,"
    " head BLOB NOT NULL,"
    " data BLOB NOT NULL,"
    " UNIQUE(run, kind, part, first));",
    // 2: who is being written, and how large each run is, without reading its chunks.
    "ALTER TABLE run ADD COLUMN stored_unix_ns INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE run ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0;"
    "UPDATE run SET stored_unix_ns = start_unix_ns + duration_ns, stored_bytes ="
    " (SELECT coalesce(sum(length(head) + length(data)), 0) FROM chunk WHERE run = run.number);"
    "CREATE INDEX run_by_start ON run(start_unix_ns);",
};

#define VERSION ((int64_t)(sizeof steps / sizeof *steps))

// *version: of the file; 0 for an empty one. Within a transaction, so that all of it is of one
// instant: another tacho may be making the store at this moment.
static int version_read_within(struct tacho_store *store, int64_t *version, struct tacho_fail *fail)
{
    int64_t application, tables;
    if (tacho_sql_number(store, "PRAGMA application_id", &application, fail) < 0 ||
        tacho_sql_number(store, "PRAGMA user_version", version, fail) < 0 ||
        tacho_sql_number(store, "SELECT count(*) FROM sqlite_schema", &tables, fail) < 0)
        return fail->code;
    if (application != APPLICATION_ID && (tables > 0 || application != 0))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT,
                              "%s is a database of another program, not a store of tacho",
                              store->path);
    if (*version > VERSION)
        return tacho_fail_set(fail, TACHO_ERR_VERSION,
                              "the store %s was made by a newer tacho (schema %lld, this one reads "
                              "up to %lld); use that one, or --store FILE for another store",
                              store->path, (long long)*version, (long long)VERSION);
    if (*version < 0 || (*version > 0 && tables == 0))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "the store %s is damaged: it has no tables",
                              store->path);
    return 0;
}

static int version_read(struct tacho_store *store, int64_t *version, struct tacho_fail *fail)
{
    int code = tacho_sql_run(store, "BEGIN", fail);
    if (code == 0)
        code = version_read_within(store, version, fail);
    tacho_sql_rollback(store);
    return code;
}

int tacho_schema_check(struct tacho_store *store, struct tacho_fail *fail)
{
    int64_t version;
    if (version_read(store, &version, fail) < 0)
        return fail->code;
    if (version == 0)
        return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "the store %s is empty", store->path);
    if (version < VERSION) // only where it cannot be written: else it has been brought up to date
        return tacho_fail_set(fail, TACHO_ERR_VERSION,
                              "the store %s has the older schema %lld and cannot be written to "
                              "bring it up to date; copy it elsewhere",
                              store->path, (long long)version);
    return 0;
}

static int apply(struct tacho_store *store, int64_t version, struct tacho_fail *fail)
{
    char pragma[80];
    for (; version < VERSION; version++)
        if (tacho_sql_run(store, steps[version], fail) < 0)
            return fail->code;
    sqlite3_snprintf(sizeof pragma, pragma, "PRAGMA user_version=%lld;PRAGMA application_id=%d",
                     (long long)VERSION, APPLICATION_ID);
    return tacho_sql_run(store, pragma, fail);
}

bool tacho_schema_is_old(struct tacho_store *store)
{
    int64_t version;
    struct tacho_fail ignored = {0}; // whoever opens the store says it
    return version_read(store, &version, &ignored) == 0 && version > 0 && version < VERSION;
}

int tacho_schema_update(struct tacho_store *store, struct tacho_fail *fail)
{
    int64_t version;
    if (version_read(store, &version, fail) < 0)
        return fail->code;
    if (version == VERSION)
        return 0;
    // auto_vacuum has to be chosen before the first table; in a file that has one it does nothing.
    if (version == 0 && tacho_sql_run(store, "PRAGMA auto_vacuum=INCREMENTAL", fail) < 0)
        return fail->code;
    if (tacho_sql_run(store, "BEGIN IMMEDIATE", fail) < 0)
        return fail->code;
    // Another tacho may have done it while this one waited for the lock.
    if (version_read_within(store, &version, fail) == 0 && apply(store, version, fail) == 0 &&
        tacho_sql_run(store, "COMMIT", fail) == 0)
        return 0;
    tacho_sql_rollback(store);
    return tacho_fail_add(fail, "cannot bring the store up to date");
}
