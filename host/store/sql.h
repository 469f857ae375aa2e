// Private to this folder: SQLite behind stories. Only sources of host/store include this.
#ifndef TACHO_STORE_SQL_H
#define TACHO_STORE_SQL_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "store/column.h"
#include "store/store.h"

// How long a writer waits for another: while a run is observed, and when somebody waits for a
// result.
#define TACHO_SQL_WAIT_RUNNING_MS 200
#define TACHO_SQL_WAIT_MS         10000

#define TACHO_STORE_LIVE_NS (INT64_C(30) * 1000000000)

struct tacho_store {
    sqlite3 *db;
    char *path;
    bool writable;
};

// The last failure of SQLite as a story about the store.
int tacho_sql_fail(const struct tacho_store *store, struct tacho_fail *fail);
// Runs statements that give no rows.
int tacho_sql_run(struct tacho_store *store, const char *sql, struct tacho_fail *fail);
int tacho_sql_prepare(struct tacho_store *store, sqlite3_stmt **statement, const char *sql,
                      struct tacho_fail *fail);
// 1: a row, 0: done, negative: failed.
int tacho_sql_step(struct tacho_store *store, sqlite3_stmt *statement, struct tacho_fail *fail);
// Steps a statement that gives no rows and resets it.
int tacho_sql_step_done(struct tacho_store *store, sqlite3_stmt *statement,
                        struct tacho_fail *fail);
// The only number of a statement's first row.
int tacho_sql_number(struct tacho_store *store, const char *sql, int64_t *number,
                     struct tacho_fail *fail);
void tacho_sql_rollback(struct tacho_store *store); // nothing when no transaction is open
void tacho_sql_bind_text(sqlite3_stmt *statement, int place, const char *text);
void tacho_sql_bind_blob(sqlite3_stmt *statement, int place, const struct tacho_buffer *blob);
struct tacho_bytes tacho_sql_blob(sqlite3_stmt *statement, int column);

// Brings the schema up to date (schema.c).
int tacho_schema_update(struct tacho_store *store, struct tacho_fail *fail);
// Whether it is older, but not empty.
bool tacho_schema_is_old(struct tacho_store *store);
// Checks that the file is a store that this tacho can read.
int tacho_schema_check(struct tacho_store *store, struct tacho_fail *fail);

// The line of a run (catalogue.c): its checksum covers every column but the growing ones.
uint32_t tacho_run_line_checksum(const struct tacho_run_info *info);
int tacho_run_line_insert(struct tacho_store *store, const struct tacho_run_info *info,
                          int64_t *number, struct tacho_fail *fail);
// TACHO_ERR_NOT_FOUND when somebody removed it. The name is left as it is in the store: it may have
// been renamed meanwhile.
int tacho_run_line_update(struct tacho_store *store, int64_t number,
                          const struct tacho_run_info *info, uint64_t bytes_more,
                          struct tacho_fail *fail);
int tacho_run_line_read(struct tacho_store *store, int64_t number, struct tacho_store_list *one,
                        struct tacho_fail *fail);

#endif
