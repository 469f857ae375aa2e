// SQLite behind stories: see sql.h.
#include "store/sql.h"

#include <errno.h>
#include <string.h>

#include "store/column.h"

static int code_of(int result, int system_error)
{
    if (system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG)
        return TACHO_ERR_FULL;
    switch (result) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return TACHO_ERR_BUSY;
    case SQLITE_FULL:
        return TACHO_ERR_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return TACHO_ERR_PERMISSION;
    case SQLITE_CANTOPEN:
        return system_error ? tacho_error_of_errno(system_error) : TACHO_ERR_NOT_FOUND;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: // a table or column that should be there is not
    case SQLITE_MISMATCH:
    case SQLITE_SCHEMA:
        return TACHO_ERR_FORMAT;
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
        return TACHO_ERR_MEMORY;
    case SQLITE_INTERRUPT:
        return TACHO_ERR_INTERRUPTED;
    case SQLITE_CONSTRAINT:
        return TACHO_ERR_EXISTS;
    }
    return TACHO_ERR_IO;
}

// The errno behind a failure. SQLite notes it for most calls; of a COMMIT only the files know it.
static int system_error_of(const struct tacho_store *store, int result)
{
    if (result != SQLITE_IOERR && result != SQLITE_CANTOPEN && result != SQLITE_FULL)
        return 0;
    int error = sqlite3_system_errno(store->db);
    static const int pointers[] = {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER};
    for (size_t i = 0; i < 2 && error == 0; i++) {
        sqlite3_file *file = NULL;
        sqlite3_file_control(store->db, "main", pointers[i], &file);
        if (file && file->pMethods)
            file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
    }
    return error;
}

int tacho_sql_fail(const struct tacho_store *store, struct tacho_fail *fail)
{
    int result = sqlite3_extended_errcode(store->db) & 0xff;
    int system_error = system_error_of(store, result);
    int code = code_of(result, system_error);
    const char *path = store->path;
    switch (code) {
    case TACHO_ERR_BUSY:
        return tacho_fail_set(fail, code, "the store %s is locked by another process", path);
    case TACHO_ERR_FULL:
        return tacho_fail_set(
            fail, code,
            "the disk of the store %s is full; make room (`tacho runs gc`) or use "
            "--store FILE on another disk",
            path);
    case TACHO_ERR_PERMISSION:
        return tacho_fail_set(fail, code, "the store %s cannot be written: %s; use --store FILE",
                              path,
                              system_error ? strerror(system_error) : sqlite3_errmsg(store->db));
    case TACHO_ERR_FORMAT:
        return tacho_fail_set(fail, code,
                              "the store %s is damaged (%s); what can still be read can be "
                              "exported, then move the file away",
                              path, sqlite3_errmsg(store->db));
    }
    return tacho_fail_set(fail, code, "the store %s failed: %s%s%s", path,
                          sqlite3_errmsg(store->db), system_error ? ": " : "",
                          system_error ? strerror(system_error) : "");
}

int tacho_sql_run(struct tacho_store *store, const char *sql, struct tacho_fail *fail)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return tacho_sql_fail(store, fail);
}

int tacho_sql_prepare(struct tacho_store *store, sqlite3_stmt **statement, const char *sql,
                      struct tacho_fail *fail)
{
    *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, statement, NULL) == SQLITE_OK)
        return 0;
    return tacho_sql_fail(store, fail);
}

int tacho_sql_step(struct tacho_store *store, sqlite3_stmt *statement, struct tacho_fail *fail)
{
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        return 1;
    return result == SQLITE_DONE ? 0 : tacho_sql_fail(store, fail);
}

int tacho_sql_step_done(struct tacho_store *store, sqlite3_stmt *statement, struct tacho_fail *fail)
{
    int code = tacho_sql_step(store, statement, fail);
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

int tacho_sql_number(struct tacho_store *store, const char *sql, int64_t *number,
                     struct tacho_fail *fail)
{
    sqlite3_stmt *statement;
    if (tacho_sql_prepare(store, &statement, sql, fail) < 0)
        return fail->code;
    int code = tacho_sql_step(store, statement, fail);
    *number = code > 0 ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return code < 0 ? code : 0;
}

void tacho_sql_rollback(struct tacho_store *store)
{
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

void tacho_sql_bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

void tacho_sql_bind_blob(sqlite3_stmt *statement, int place, const struct tacho_buffer *blob)
{
    sqlite3_bind_blob64(statement, place, blob->data, blob->size, SQLITE_STATIC);
}

struct tacho_bytes tacho_sql_blob(sqlite3_stmt *statement, int column)
{
    const uint8_t *data = sqlite3_column_blob(statement, column);
    return (struct tacho_bytes){data, data ? data + sqlite3_column_bytes(statement, column) : NULL};
}
