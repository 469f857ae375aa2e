// Runs out of the store: see run_reader.h.
#include "store/run_reader.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/run_file.h"
#include "store/run_loader.h"
#include "store/sql.h"

struct sql_source {
    struct tacho_chunk_source source; // first, so that a pointer to it is one to this
    struct tacho_store *store;
    sqlite3_stmt *fetch;
    struct tacho_buffer room;
};

static int fetch(struct tacho_chunk_source *source, const struct tacho_chunk_entry *entry,
                 struct tacho_bytes *payload, struct tacho_fail *fail)
{
    struct sql_source *own = (struct sql_source *)source;
    sqlite3_reset(own->fetch);
    sqlite3_bind_int64(own->fetch, 1, entry->place);
    int code = tacho_sql_step(own->store, own->fetch, fail);
    if (code < 0)
        return code;
    if (code == 0)
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "a chunk vanished while it was read");
    return tacho_chunk_data_take(tacho_sql_blob(own->fetch, 0), tacho_sql_blob(own->fetch, 1),
                                 &own->room, payload, fail);
}

static int entry_take(struct sql_source *own, sqlite3_stmt *statement, struct tacho_fail *fail)
{
    struct tacho_chunk_entry entry = {.place = sqlite3_column_int64(statement, 0)};
    if (tacho_chunk_head_take(tacho_sql_blob(statement, 1), &entry.chunk, fail) < 0)
        return fail->code;
    if (entry.chunk.kind != sqlite3_column_int64(statement, 2) ||
        entry.chunk.part != sqlite3_column_int64(statement, 3) ||
        (int64_t)entry.chunk.first != sqlite3_column_int64(statement, 4))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "a chunk is in the wrong place");
    tacho_array_push(&own->source.entries, entry);
    return 0;
}

static int entries_take(struct sql_source *own, int64_t number, struct tacho_fail *fail)
{
    sqlite3_stmt *statement;
    if (tacho_sql_prepare(own->store, &statement,
                          "SELECT number, head, kind, part, first FROM chunk WHERE run = ?"
                          " ORDER BY kind, part, first",
                          fail) < 0)
        return fail->code;
    sqlite3_bind_int64(statement, 1, number);
    int code;
    while ((code = tacho_sql_step(own->store, statement, fail)) > 0)
        if ((code = entry_take(own, statement, fail)) < 0)
            break;
    sqlite3_finalize(statement);
    return code;
}

static void info_copy(struct tacho_run *run, const struct tacho_run_info *from)
{
    run->info = *from;
    run->info.id = tacho_strings_keep(&run->strings, from->id);
    run->info.name = tacho_strings_keep(&run->strings, from->name);
    run->info.target = tacho_strings_keep(&run->strings, from->target);
    run->info.command = tacho_strings_keep(&run->strings, from->command);
    run->info.version = tacho_strings_keep(&run->strings, from->version);
}

// One transaction, so that a run that is being written is read as it is at one instant.
static int source_open(struct sql_source *own, struct tacho_store *store, int64_t number,
                       struct tacho_store_list *one, struct tacho_fail *fail)
{
    *own = (struct sql_source){.source = {.fetch = fetch}, .store = store};
    int code = tacho_sql_run(store, "BEGIN", fail);
    if (code == 0)
        code = tacho_run_line_read(store, number, one, fail);
    if (code == 0)
        code = tacho_sql_prepare(store, &own->fetch,
                                 "SELECT head, data FROM chunk WHERE number = ?", fail);
    return code ? code : entries_take(own, number, fail);
}

static void source_close(struct sql_source *own)
{
    sqlite3_finalize(own->fetch);
    tacho_sql_rollback(own->store);
    tacho_array_release(&own->source.entries);
    tacho_buffer_release(&own->room);
}

static int story(const struct tacho_store *store, const struct tacho_store_list *one, int code,
                 struct tacho_fail *fail)
{
    if (code < 0 && one->runs.count)
        tacho_fail_add(fail, "cannot read the run %s of the store %s", one->runs.items[0].info.id,
                       store->path);
    return code;
}

static int read_wanted(struct tacho_store *store, int64_t number,
                       const struct tacho_run_wanted *wanted, struct tacho_run *run,
                       struct tacho_fail *fail)
{
    struct sql_source own;
    struct tacho_store_list one = {0};
    tacho_run_init(run);
    int code = source_open(&own, store, number, &one, fail);
    if (code == 0) {
        info_copy(run, &one.runs.items[0].info);
        code = tacho_run_load(&own.source, wanted, run, fail);
    }
    code = story(store, &one, code, fail);
    source_close(&own);
    tacho_store_list_release(&one);
    return code;
}

// A run that was not closed has increments, which a file has not: it is read and written anew.
static int write_unfinished(struct tacho_store *store, int64_t number, struct tacho_out *out,
                            struct tacho_fail *fail)
{
    struct tacho_run run;
    int code = tacho_run_read(store, number, NULL, &run, fail);
    if (code == 0)
        tacho_run_file_write(&run, out);
    tacho_run_release(&run);
    return code;
}

static int write_stored(struct tacho_store *store, int64_t number, struct tacho_out *out,
                        struct tacho_fail *fail)
{
    struct sql_source own;
    struct tacho_store_list one = {0};
    int code = source_open(&own, store, number, &one, fail);
    size_t count = own.source.entries.count;
    bool has_increments =
        count > 0 && own.source.entries.items[count - 1].chunk.kind == TACHO_CHUNK_INCREMENT;
    if (code == 0 && !has_increments)
        code = tacho_run_file_copy(&own.source, &one.runs.items[0].info, out, fail);
    code = story(store, &one, code, fail);
    source_close(&own);
    tacho_store_list_release(&one);
    return code == 0 && has_increments ? write_unfinished(store, number, out, fail) : code;
}

int tacho_run_file_export(struct tacho_store *store, int64_t number, const char *path,
                          struct tacho_out *out, struct tacho_fail *fail)
{
    struct tacho_out memory;
    if (out)
        return write_stored(store, number, out, fail);
    tacho_out_init_memory(&memory);
    int code = write_stored(store, number, &memory, fail);
    if (code == 0)
        code = tacho_out_finish(&memory, path, fail);
    if (code == 0)
        code = tacho_file_replace(path, memory.buffer.data, memory.buffer.size, fail);
    tacho_out_release(&memory);
    return code ? tacho_fail_add(fail, "cannot export the run") : 0;
}

int tacho_run_read(struct tacho_store *store, int64_t number,
                   const struct tacho_run_read_options *options, struct tacho_run *run,
                   struct tacho_fail *fail)
{
    struct tacho_run_wanted wanted = {0};
    if (options)
        wanted.options = *options;
    return read_wanted(store, number, &wanted, run, fail);
}

int tacho_run_read_series(struct tacho_store *store, int64_t number, const char *name,
                          const char *subject, int64_t from_ns, int64_t to_ns,
                          struct tacho_run *run, struct tacho_fail *fail)
{
    const struct tacho_run_wanted wanted = {
        .series = name, .subject = subject, .from_ns = from_ns, .to_ns = to_ns};
    return read_wanted(store, number, &wanted, run, fail);
}

static bool names_a_file(const char *text)
{
    size_t size = strlen(text);
    return strchr(text, '/') || (size > 6 && strcmp(text + size - 6, ".tacho") == 0);
}

int tacho_run_read_named(const char *store_path, const char *text,
                         const struct tacho_run_read_options *options, struct tacho_run *run,
                         struct tacho_fail *fail)
{
    if (names_a_file(text))
        return tacho_run_file_read(text, options, run, fail);
    struct tacho_store *store;
    struct tacho_store_list one = {0};
    int code = tacho_store_open(&store, store_path, TACHO_STORE_READ, fail);
    if (code == 0)
        code = tacho_store_find(store, text, &one, fail);
    if (code == 0)
        code = tacho_run_read(store, one.runs.items[0].number, options, run, fail);
    else if (code == TACHO_ERR_NOT_FOUND && access(text, F_OK) == 0)
        code = tacho_run_file_read(text, options, run, fail);
    else
        tacho_run_init(run);
    tacho_store_list_release(&one);
    tacho_store_close(store);
    return code;
}
