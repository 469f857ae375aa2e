// Opening, closing and checking the store: see store.h.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/time.h"
#include "store/chunk.h"
#include "store/sql.h"

int tacho_store_default_path(char **path, struct tacho_fail *fail)
{
    struct tacho_buffer text = {0};
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data && data[0] == '/') // the specification ignores relative ones
        tacho_buffer_printf(&text, "%s/tacho/store.db", data);
    else if (home && home[0] == '/')
        tacho_buffer_printf(&text, "%s/.local/share/tacho/store.db", home);
    else
        return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND,
                              "HOME is not set, so there is no place for the store; use --store "
                              "FILE");
    *path = text.data;
    return 0;
}

static int folder_need(const char *path, struct tacho_fail *fail)
{
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return 0;
    char *folder = strndup(path, (size_t)(slash - path));
    if (!folder)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    int code = access(folder, F_OK) == 0 ? 0 : tacho_folder_make(folder, fail);
    // SQLite would say that there is no such file.
    if (code == 0 && access(path, F_OK) < 0 && access(folder, W_OK | X_OK) < 0)
        code = tacho_fail_errno(fail, "its folder cannot be written");
    free(folder);
    return code;
}

// SQLite's own settings for files that may have been tampered with cost nothing here.
static void harden(sqlite3 *db)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
}

static int connect_to(struct tacho_store *store, const char *name, int flags,
                      struct tacho_fail *fail)
{
    if (sqlite3_open_v2(name, &store->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return tacho_sql_fail(store, fail);
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, TACHO_SQL_WAIT_MS);
    harden(store->db);
    return 0;
}

static int prepare(struct tacho_store *store, struct tacho_fail *fail)
{
    if (tacho_schema_update(store, fail) < 0)
        return fail->code;
    // With a write-ahead log, readers and a writer do not wait for each other, and a commit needs
    // no sync of its own: what is committed survives the end of the process at any instant.
    return tacho_sql_run(store, "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL", fail);
}

// SQLite waits for most locks itself, but not for the one that changes the kind of log: two that
// make the same store at the same moment have to take turns here.
static int prepare_patiently(struct tacho_store *store, struct tacho_fail *fail)
{
    struct tacho_deadline deadline = tacho_deadline_after(TACHO_SQL_WAIT_MS * TACHO_NS_PER_MS);
    int code;
    while ((code = prepare(store, fail)) == TACHO_ERR_BUSY && !tacho_deadline_passed(deadline)) {
        tacho_sql_rollback(store);
        sqlite3_sleep(5);
    }
    return code;
}

static int open_write(struct tacho_store *store, struct tacho_fail *fail)
{
    if (folder_need(store->path, fail) < 0) {
        tacho_fail_add(fail, "cannot make the store %s", store->path);
        return tacho_fail_advise(fail, "use --store FILE");
    }
    // Measurements and command lines are their owner's business alone.
    mode_t mask = umask(0077);
    int code = connect_to(store, store->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, fail);
    if (code == 0)
        code = prepare_patiently(store, fail);
    umask(mask);
    if (code == 0 && sqlite3_db_readonly(store->db, "main"))
        code = tacho_fail_set(fail, TACHO_ERR_PERMISSION,
                              "the store %s cannot be written; use --store FILE", store->path);
    store->writable = true;
    return code;
}

// The name of a file as a URI that says nobody changes it, for a folder where SQLite cannot make
// the files that readers and writers share.
static char *immutable_name(const char *path)
{
    struct tacho_buffer name = {0};
    tacho_buffer_text(&name, "file:");
    for (; *path; path++) {
        if (isalnum((unsigned char)*path) || strchr("/._-", *path))
            tacho_buffer_byte(&name, (uint8_t)*path);
        else
            tacho_buffer_printf(&name, "%%%02x", (unsigned char)*path);
    }
    tacho_buffer_text(&name, "?immutable=1");
    return name.data;
}

static bool log_is_left(const char *path)
{
    struct tacho_buffer name = {0};
    struct stat status;
    tacho_buffer_printf(&name, "%s-wal", path);
    bool left = stat(name.data, &status) == 0 && status.st_size > 0;
    tacho_buffer_release(&name);
    return left;
}

static int open_read(struct tacho_store *store, struct tacho_fail *fail)
{
    if (access(store->path, R_OK) < 0)
        return tacho_fail_errno(fail, "cannot open the store %s", store->path);
    // Where it may be written, the last to close takes away the files beside it, which one that may
    // only read cannot; query_only holds it to reading.
    int code = connect_to(store, store->path, SQLITE_OPEN_READWRITE, fail);
    if (code == 0 && !sqlite3_db_readonly(store->db, "main") && tacho_schema_is_old(store))
        code = prepare_patiently(store, fail);
    if (code == 0)
        code = tacho_sql_run(store, "PRAGMA query_only=1", fail);
    if (code == 0)
        code = tacho_schema_check(store, fail);
    if (code != TACHO_ERR_PERMISSION && code != TACHO_ERR_NOT_FOUND && code != TACHO_ERR_IO)
        return code;
    if (log_is_left(store->path))
        return tacho_fail_advise(fail, "its last writer did not close it, and its folder cannot be "
                                       "written: copy it and its -wal file elsewhere");
    sqlite3_close(store->db);
    store->db = NULL;
    char *name = immutable_name(store->path);
    code = connect_to(store, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, fail);
    free(name);
    return code ? code : tacho_schema_check(store, fail);
}

int tacho_store_open(struct tacho_store **store, const char *path, enum tacho_store_mode mode,
                     struct tacho_fail *fail)
{
    struct tacho_store *opened = calloc(1, sizeof *opened);
    *store = NULL;
    if (!opened)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    int code = 0;
    if (path && !(opened->path = strdup(path)))
        code = tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    else if (!path)
        code = tacho_store_default_path(&opened->path, fail);
    if (code == 0)
        code = mode == TACHO_STORE_WRITE ? open_write(opened, fail) : open_read(opened, fail);
    if (code < 0) {
        tacho_store_close(opened);
        return code;
    }
    *store = opened;
    return 0;
}

void tacho_store_close(struct tacho_store *store)
{
    if (!store)
        return;
    sqlite3_close(store->db);
    free(store->path);
    free(store);
}

const char *tacho_store_path(const struct tacho_store *store)
{
    return store->path;
}

static int structure_check(struct tacho_store *store, struct tacho_fail *fail)
{
    sqlite3_stmt *statement;
    if (tacho_sql_prepare(store, &statement, "PRAGMA integrity_check(1)", fail) < 0)
        return fail->code;
    int code = tacho_sql_step(store, statement, fail);
    if (code > 0) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        code = text && strcmp(text, "ok") == 0
                   ? 0
                   : tacho_fail_set(fail, TACHO_ERR_FORMAT, "the store %s is damaged: %s",
                                    store->path, text ? text : "no answer");
    }
    sqlite3_finalize(statement);
    return code;
}

static int chunks_check(struct tacho_store *store, struct tacho_fail *fail)
{
    sqlite3_stmt *statement;
    struct tacho_buffer room = {0};
    if (tacho_sql_prepare(store, &statement, "SELECT head, data, run, kind, part FROM chunk",
                          fail) < 0)
        return fail->code;
    int code;
    while ((code = tacho_sql_step(store, statement, fail)) > 0) {
        struct tacho_bytes head = tacho_sql_blob(statement, 0), payload;
        struct tacho_chunk chunk;
        if (tacho_chunk_head_take(head, &chunk, fail) < 0 ||
            tacho_chunk_data_take(head, tacho_sql_blob(statement, 1), &room, &payload, fail) < 0) {
            code = tacho_fail_add(fail, "the store %s is damaged: run %lld, kind %lld", store->path,
                                  (long long)sqlite3_column_int64(statement, 2),
                                  (long long)sqlite3_column_int64(statement, 3));
            break;
        }
    }
    sqlite3_finalize(statement);
    tacho_buffer_release(&room);
    return code;
}

int tacho_store_check(struct tacho_store *store, struct tacho_fail *fail)
{
    struct tacho_store_list list = {0};
    int code = structure_check(store, fail);
    if (code == 0)
        code = tacho_store_list(store, &list, fail);
    for (size_t i = 0; code == 0 && i < list.runs.count; i++)
        if (list.runs.items[i].is_damaged)
            code = tacho_fail_set(fail, TACHO_ERR_CHECKSUM,
                                  "the store %s is damaged: the checksum of run %.12s does not "
                                  "match; `tacho runs rm` can remove it",
                                  store->path, list.runs.items[i].info.id);
    if (code == 0)
        code = chunks_check(store, fail);
    tacho_store_list_release(&list);
    return code;
}
