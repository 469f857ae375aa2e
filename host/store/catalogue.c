// The list of runs: finding, naming, removing them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/time.h"
#include "base/units.h"
#include "store/sql.h"

#define LINE_COLUMNS                                                                               \
    "number, id, name, target, command, version, start_unix_ns, start_host_ns, duration_ns, "      \
    "finished, has_exit, exit_status, checksum, stored_unix_ns, stored_bytes"

#define NAME_SIZE_MAX 100

static uint32_t add_text(uint32_t checksum, const char *text)
{
    return (uint32_t)crc32_z(checksum, (const Bytef *)text, strlen(text) + 1);
}

static uint32_t add_number(uint32_t checksum, int64_t number)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)number >> (8 * i));
    return (uint32_t)crc32_z(checksum, bytes, sizeof bytes);
}

uint32_t tacho_run_line_checksum(const struct tacho_run_info *info)
{
    const char *const texts[] = {info->id, info->name, info->target, info->command, info->version};
    const int64_t numbers[] = {info->start_unix_ns, info->start_host_ns, info->duration_ns,
                               info->finished,      info->has_exit,      info->exit_status};
    uint32_t checksum = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        checksum = add_text(checksum, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        checksum = add_number(checksum, numbers[i]);
    return checksum;
}

static const char *line_text(sqlite3_stmt *statement, int column, struct tacho_strings *strings)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return tacho_strings_keep(strings, text ? text : "");
}

static void line_take(sqlite3_stmt *statement, struct tacho_store_list *list)
{
    struct tacho_store_run run = {.number = sqlite3_column_int64(statement, 0),
                                  .info = {.id = line_text(statement, 1, &list->strings),
                                           .name = line_text(statement, 2, &list->strings),
                                           .target = line_text(statement, 3, &list->strings),
                                           .command = line_text(statement, 4, &list->strings),
                                           .version = line_text(statement, 5, &list->strings),
                                           .start_unix_ns = sqlite3_column_int64(statement, 6),
                                           .start_host_ns = sqlite3_column_int64(statement, 7),
                                           .duration_ns = sqlite3_column_int64(statement, 8),
                                           .finished = sqlite3_column_int64(statement, 9) != 0,
                                           .has_exit = sqlite3_column_int64(statement, 10) != 0,
                                           .exit_status = (int)sqlite3_column_int64(statement, 11)},
                                  .stored_unix_ns = sqlite3_column_int64(statement, 13),
                                  .stored_bytes = (uint64_t)sqlite3_column_int64(statement, 14)};
    run.is_damaged =
        sqlite3_column_int64(statement, 12) != (int64_t)tacho_run_line_checksum(&run.info);
    int64_t age = tacho_time_unix_ns() - run.stored_unix_ns;
    run.is_live = !run.info.finished && age < TACHO_STORE_LIVE_NS && age > -TACHO_STORE_LIVE_NS;
    tacho_array_push(&list->runs, run);
}

static int lines_take(struct tacho_store *store, sqlite3_stmt *statement,
                      struct tacho_store_list *list, struct tacho_fail *fail)
{
    int code;
    while ((code = tacho_sql_step(store, statement, fail)) > 0)
        line_take(statement, list);
    sqlite3_finalize(statement);
    return code;
}

int tacho_store_list(struct tacho_store *store, struct tacho_store_list *list,
                     struct tacho_fail *fail)
{
    sqlite3_stmt *statement;
    if (tacho_sql_prepare(
            store, &statement,
            "SELECT " LINE_COLUMNS " FROM run ORDER BY start_unix_ns DESC, number DESC", fail) < 0)
        return fail->code;
    return lines_take(store, statement, list, fail);
}

void tacho_store_list_release(struct tacho_store_list *list)
{
    tacho_array_release(&list->runs);
    tacho_strings_release(&list->strings);
}

int tacho_run_line_read(struct tacho_store *store, int64_t number, struct tacho_store_list *one,
                        struct tacho_fail *fail)
{
    sqlite3_stmt *statement;
    if (tacho_sql_prepare(store, &statement, "SELECT " LINE_COLUMNS " FROM run WHERE number = ?",
                          fail) < 0)
        return fail->code;
    sqlite3_bind_int64(statement, 1, number);
    if (lines_take(store, statement, one, fail) < 0)
        return fail->code;
    if (one->runs.count == 0)
        return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "the run is no longer in the store %s",
                              store->path);
    if (one->runs.items[0].is_damaged)
        return tacho_fail_set(fail, TACHO_ERR_CHECKSUM,
                              "the store %s is damaged: the checksum of run %.12s does not match",
                              store->path, one->runs.items[0].info.id);
    return 0;
}

// Splits "NAME~N"; false when the part behind ~ is no number.
static bool split_back(const char *text, char *base, size_t base_size, int64_t *back)
{
    const char *tilde = strrchr(text, '~');
    size_t size = tilde ? (size_t)(tilde - text) : strlen(text);
    *back = 0;
    if (size >= base_size)
        return false;
    memcpy(base, text, size);
    base[size] = '\0';
    if (!tilde)
        return true;
    char *end;
    if (tilde[1] < '0' || tilde[1] > '9')
        return false;
    unsigned long long number = strtoull(tilde + 1, &end, 10);
    *back = number > INT32_MAX ? INT32_MAX : (int64_t)number;
    return *end == '\0';
}

// The run `back` places before the newest with `name`, or of all when name is NULL.
static int find_newest(struct tacho_store *store, const char *name, int64_t back,
                       struct tacho_store_list *one, struct tacho_fail *fail)
{
    sqlite3_stmt *statement;
    if (tacho_sql_prepare(store, &statement,
                          "SELECT " LINE_COLUMNS " FROM run WHERE ?1 IS NULL OR name = ?1"
                          " ORDER BY start_unix_ns DESC, number DESC LIMIT 1 OFFSET ?2",
                          fail) < 0)
        return fail->code;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC); // NULL binds NULL
    sqlite3_bind_int64(statement, 2, back);
    return lines_take(store, statement, one, fail);
}

static int find_by_id(struct tacho_store *store, const char *text, struct tacho_store_list *one,
                      struct tacho_fail *fail)
{
    size_t size = strlen(text);
    if (size == 0 || size > 12 || strspn(text, "0123456789abcdef") != size)
        return 0;
    sqlite3_stmt *statement;
    if (tacho_sql_prepare(store, &statement,
                          "SELECT " LINE_COLUMNS " FROM run WHERE id >= ?1 AND id < ?1 || 'g'"
                          " LIMIT 2",
                          fail) < 0)
        return fail->code;
    tacho_sql_bind_text(statement, 1, text);
    if (lines_take(store, statement, one, fail) < 0)
        return fail->code;
    if (one->runs.count > 1)
        return tacho_fail_set(fail, TACHO_ERR_USAGE,
                              "more than one run has an id that begins with %s; give more of it",
                              text);
    return 0;
}

int tacho_store_find(struct tacho_store *store, const char *text, struct tacho_store_list *one,
                     struct tacho_fail *fail)
{
    char base[NAME_SIZE_MAX + 1];
    int64_t back;
    if (!split_back(text, base, sizeof base, &back) || !*base)
        return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "no run is named %.120s", text);
    bool is_last = strcmp(base, "last") == 0;
    if (find_newest(store, is_last ? NULL : base, back, one, fail) < 0)
        return fail->code;
    if (one->runs.count == 0 && !is_last && back == 0 && find_by_id(store, base, one, fail) < 0)
        return fail->code;
    if (one->runs.count == 1)
        return 0;
    if (is_last && back == 0)
        return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "there is no run in the store %s yet",
                              store->path);
    return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND,
                          "no run of the store %s has the name or id %.120s; `tacho runs list` "
                          "shows them",
                          store->path, text);
}

int tacho_store_name_check(const char *name, struct tacho_fail *fail)
{
    size_t size = strlen(name);
    const char *wrong = NULL;
    if (size == 0 || size > NAME_SIZE_MAX)
        wrong = "has to have 1 to 100 bytes";
    else if (strcmp(name, "last") == 0)
        wrong = "stands for the newest run already";
    else if (strchr(name, '/') || strchr(name, '~'))
        wrong = "cannot have / or ~ in it";
    else if (name[0] == '-' || name[0] == '.')
        wrong = "cannot begin with - or .";
    for (size_t i = 0; i < size && !wrong; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            wrong = "cannot have control characters in it";
    if (!wrong)
        return 0;
    return tacho_fail_set(fail, TACHO_ERR_USAGE, "the name \"%.100s\" %s", name, wrong);
}

static void bind_info(sqlite3_stmt *statement, const struct tacho_run_info *info)
{
    tacho_sql_bind_text(statement, 1, info->id);
    tacho_sql_bind_text(statement, 2, info->name);
    tacho_sql_bind_text(statement, 3, info->target);
    tacho_sql_bind_text(statement, 4, info->command);
    tacho_sql_bind_text(statement, 5, info->version);
    sqlite3_bind_int64(statement, 6, info->start_unix_ns);
    sqlite3_bind_int64(statement, 7, info->start_host_ns);
    sqlite3_bind_int64(statement, 8, info->duration_ns);
    sqlite3_bind_int64(statement, 9, info->finished);
    sqlite3_bind_int64(statement, 10, info->has_exit);
    sqlite3_bind_int64(statement, 11, info->exit_status);
    sqlite3_bind_int64(statement, 12, tacho_run_line_checksum(info));
    sqlite3_bind_int64(statement, 13, tacho_time_unix_ns());
}

int tacho_run_line_insert(struct tacho_store *store, const struct tacho_run_info *info,
                          int64_t *number, struct tacho_fail *fail)
{
    sqlite3_stmt *statement;
    if (tacho_sql_prepare(store, &statement,
                          "INSERT INTO run(id, name, target, command, version, start_unix_ns,"
                          " start_host_ns, duration_ns, finished, has_exit, exit_status, checksum,"
                          " stored_unix_ns) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          fail) < 0)
        return fail->code;
    bind_info(statement, info);
    int code = tacho_sql_step(store, statement, fail);
    sqlite3_finalize(statement);
    *number = sqlite3_last_insert_rowid(store->db);
    return code;
}

static int line_write(struct tacho_store *store, int64_t number, const struct tacho_run_info *info,
                      uint64_t bytes_more, struct tacho_fail *fail)
{
    sqlite3_stmt *statement;
    if (tacho_sql_prepare(store, &statement,
                          "UPDATE run SET id = ?, name = ?, target = ?, command = ?, version = ?,"
                          " start_unix_ns = ?, start_host_ns = ?, duration_ns = ?, finished = ?,"
                          " has_exit = ?, exit_status = ?, checksum = ?, stored_unix_ns = ?,"
                          " stored_bytes = stored_bytes + ? WHERE number = ?",
                          fail) < 0)
        return fail->code;
    bind_info(statement, info);
    sqlite3_bind_int64(statement, 14, (int64_t)bytes_more);
    sqlite3_bind_int64(statement, 15, number);
    int code = tacho_sql_step(store, statement, fail);
    sqlite3_finalize(statement);
    return code;
}

int tacho_run_line_update(struct tacho_store *store, int64_t number,
                          const struct tacho_run_info *info, uint64_t bytes_more,
                          struct tacho_fail *fail)
{
    struct tacho_store_list one = {0};
    struct tacho_run_info merged = *info;
    int code = tacho_run_line_read(store, number, &one, fail);
    if (code == 0) {
        merged.name = one.runs.items[0].info.name;
        code = line_write(store, number, &merged, bytes_more, fail);
    }
    tacho_store_list_release(&one);
    return code;
}

int tacho_store_rename(struct tacho_store *store, int64_t number, const char *name,
                       struct tacho_fail *fail)
{
    struct tacho_store_list one = {0};
    if (*name && tacho_store_name_check(name, fail) < 0)
        return fail->code;
    int code = tacho_sql_run(store, "BEGIN IMMEDIATE", fail);
    if (code == 0)
        code = tacho_run_line_read(store, number, &one, fail);
    if (code == 0) {
        int64_t stored = one.runs.items[0].stored_unix_ns;
        one.runs.items[0].info.name = name;
        code = line_write(store, number, &one.runs.items[0].info, 0, fail);
        char sql[120]; // a new name does not make the run live
        sqlite3_snprintf(sizeof sql, sql, "UPDATE run SET stored_unix_ns=%lld WHERE number=%lld",
                         (long long)stored, (long long)number);
        if (code == 0)
            code = tacho_sql_run(store, sql, fail);
    }
    if (code == 0)
        code = tacho_sql_run(store, "COMMIT", fail);
    tacho_sql_rollback(store);
    tacho_store_list_release(&one);
    return code;
}

// Within a transaction.
static int remove_one(struct tacho_store *store, int64_t number, struct tacho_fail *fail)
{
    char sql[160];
    sqlite3_snprintf(sizeof sql, sql,
                     "DELETE FROM chunk WHERE run=%lld;DELETE FROM run WHERE number=%lld",
                     (long long)number, (long long)number);
    return tacho_sql_run(store, sql, fail);
}

// Gives free pages back to the file system. Another tacho that is writing may be in the way: then
// the next removal does it.
static int give_back(struct tacho_store *store, const char *sql, struct tacho_fail *fail)
{
    int code = tacho_sql_run(store, sql, fail);
    return code == TACHO_ERR_BUSY ? 0 : code;
}

int tacho_store_remove(struct tacho_store *store, int64_t number, struct tacho_fail *fail)
{
    struct tacho_store_list one = {0};
    int code = tacho_sql_run(store, "BEGIN IMMEDIATE", fail);
    if (code == 0)
        code = tacho_run_line_read(store, number, &one, fail);
    // A line whose checksum is wrong can still be removed: that may be all that is left to do.
    if (code == TACHO_ERR_CHECKSUM)
        code = 0;
    if (code == 0 && one.runs.count && one.runs.items[0].is_live)
        code = tacho_fail_set(fail, TACHO_ERR_BUSY, "the run %s is being recorded at this moment",
                              one.runs.items[0].info.id);
    if (code == 0)
        code = remove_one(store, number, fail);
    if (code == 0)
        code = tacho_sql_run(store, "COMMIT", fail);
    tacho_sql_rollback(store);
    tacho_store_list_release(&one);
    return code ? code : give_back(store, "PRAGMA incremental_vacuum", fail);
}

// Marks what goes by setting its number negative; the list has the newest first.
static void choose(const struct tacho_store_list *list, struct tacho_store_gc *gc, bool *goes)
{
    int64_t now = tacho_time_unix_ns();
    uint64_t kept = 0, bytes = 0;
    for (size_t i = 0; i < list->runs.count; i++) {
        const struct tacho_store_run *run = &list->runs.items[i];
        if (run->is_live || run->is_damaged || (*run->info.name && !gc->named_too))
            continue;
        goes[i] = (gc->age_ns_max && now - run->info.start_unix_ns > gc->age_ns_max) ||
                  (gc->count_max && kept >= gc->count_max) ||
                  (gc->bytes_max && bytes + run->stored_bytes > gc->bytes_max);
        kept += !goes[i];
        bytes += run->stored_bytes; // also of those that go: what is older goes too
        gc->removed_count += goes[i];
        gc->removed_bytes += goes[i] ? run->stored_bytes : 0;
    }
}

int tacho_store_gc(struct tacho_store *store, struct tacho_store_gc *gc, struct tacho_fail *fail)
{
    struct tacho_store_list list = {0};
    bool *goes = NULL;
    gc->removed_count = gc->removed_bytes = 0;
    int code = tacho_sql_run(store, "BEGIN IMMEDIATE", fail);
    if (code == 0)
        code = tacho_store_list(store, &list, fail);
    if (code == 0 && !(goes = calloc(list.runs.count + 1, sizeof *goes)))
        code = tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    if (code == 0)
        choose(&list, gc, goes);
    for (size_t i = 0; code == 0 && i < list.runs.count; i++)
        if (goes[i] && !gc->only_look)
            code = remove_one(store, list.runs.items[i].number, fail);
    if (code == 0)
        code = tacho_sql_run(store, "COMMIT", fail);
    tacho_sql_rollback(store);
    free(goes);
    tacho_store_list_release(&list);
    if (code < 0 || gc->only_look)
        return code;
    return give_back(store, "PRAGMA incremental_vacuum;PRAGMA wal_checkpoint(TRUNCATE)", fail);
}
