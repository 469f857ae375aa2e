// The run writer: see run_writer.h.
//
// Tables of two sorts. Those that change (threads, statistics ...) are written whole when they did.
// Those that only grow (samples, spans ...) are streams: their rows go into full chunks, which are
// never touched again, and what does not fill one goes into an increment: one row of the store per
// flush, however many streams there are. From time to time the increments are sealed: what they
// hold is written as one short chunk per stream, replaced by a longer one next time, and they are
// removed. So one flush costs what is new, and reading costs what there is.
#include "store/run_writer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/map.h"
#include "base/time.h"
#include "store/rows.h"
#include "store/run_loader.h"
#include "store/sql.h"
#include "store/layout.h"

#define FLUSH_PERIOD_NS    TACHO_NS_PER_S
#define PUTS_PER_LOOK      256u    // at the clock
#define PUTS_PER_FLUSH     500000u // bounds what a second of very many records holds back
#define SEAL_FLUSHES       64u
#define SEAL_BYTES_MIN     ((size_t)1 << 20)
#define INCREMENT_SIZE_MAX ((size_t)1 << 20)
#define MEMORY_MAX         ((size_t)256 << 20)
// What a run that did not fit in memory is read back with, for its report.
#define POINTS_MAX 20000u
#define ROWS_MAX   2000000u

// How far a stream is stored. Rows [full, sealed) are in a short chunk, rows before `base` are only
// in the store: they were forgotten to bound the memory.
struct stream {
    size_t base, full, sealed, journaled;
};

struct streams {
    TACHO_ARRAY(struct stream) of_series;
    TACHO_ARRAY(struct stream) of_profiles;
    struct stream events, spans, frames, nodes;
};

struct tacho_run_writer_state {
    struct tacho_store *store;
    int64_t number;             // of the run in the store; 0: not there yet
    int64_t flushed_ns, due_ns; // the latest that was stored, the next attempt
    uint32_t puts, puts_flushed;
    struct streams now, stored; // `stored` is what the last commit had
    struct tacho_map written;   // checksum of each table that is written whole
    uint32_t increments;        // since the last seal
    uint64_t increment_number;
    size_t increment_bytes, tail_bytes;
    uint64_t bytes; // in this transaction
    struct tacho_fail failure;
    struct tacho_buffer payload, head, data, increment;
    sqlite3_stmt *put_chunk;
    size_t memory_max;
    bool is_partial; // rows were forgotten
    bool is_closed;  // finished and stored: nothing more is written
};

static int statement_need(struct tacho_run_writer_state *state, struct tacho_fail *fail)
{
    if (state->put_chunk)
        return 0;
    return tacho_sql_prepare(state->store, &state->put_chunk,
                             "INSERT OR REPLACE INTO chunk(run, kind, part, first, head, data)"
                             " VALUES(?, ?, ?, ?, ?, ?)",
                             fail);
}

// Writes the chunk whose payload is in state->payload.
static int chunk_write(struct tacho_run_writer_state *state, const struct tacho_chunk *chunk,
                       bool deflate, struct tacho_fail *fail)
{
    state->head.size = state->data.size = 0;
    tacho_chunk_put(chunk, &state->payload, deflate, &state->head, &state->data);
    sqlite3_bind_int64(state->put_chunk, 1, state->number);
    sqlite3_bind_int64(state->put_chunk, 2, chunk->kind);
    sqlite3_bind_int64(state->put_chunk, 3, chunk->part);
    sqlite3_bind_int64(state->put_chunk, 4, (int64_t)chunk->first);
    tacho_sql_bind_blob(state->put_chunk, 5, &state->head);
    tacho_sql_bind_blob(state->put_chunk, 6, &state->data);
    state->bytes += state->head.size + state->data.size;
    return tacho_sql_step_done(state->store, state->put_chunk, fail);
}

// Writes a table whole, chunk by chunk, where it differs from what is stored.
static int table_write(struct tacho_run_writer_state *state, const struct tacho_run *run,
                       unsigned kind, struct tacho_fail *fail)
{
    const struct tacho_layout *table = tacho_layout_of(kind);
    struct tacho_any_array array;
    tacho_layout_array(run, kind, 0, &array);
    for (size_t at = 0; at < array.count; at += TACHO_CHUNK_ROWS_MAX) {
        size_t left = array.count - at;
        struct tacho_chunk chunk = {
            .kind = (uint8_t)kind,
            .first = at,
            .count = (uint32_t)(left < TACHO_CHUNK_ROWS_MAX ? left : TACHO_CHUNK_ROWS_MAX)};
        state->payload.size = 0;
        tacho_layout_put(table, (char *)array.items + at * tacho_layout_item_size(table),
                         chunk.count, &state->payload);
        uint64_t checksum = tacho_hash_bytes(state->payload.data, state->payload.size, chunk.count);
        bool added;
        uint64_t *written = tacho_map_put(&state->written, (uint64_t)kind << 48 | at, &added);
        if (!added && *written == checksum)
            continue;
        *written = checksum;
        if (chunk_write(state, &chunk, tacho_layout_is_text(table), fail) < 0)
            return fail->code;
    }
    return 0;
}

// One pass over all streams: full chunks always; the rest into the increment, or, when sealing,
// into short chunks.
struct pass {
    struct tacho_run_writer_state *state;
    const struct tacho_run *run;
    bool seal;
    struct tacho_map owners;
    TACHO_ARRAY(size_t) series_bases;
    size_t tail_bytes;
    struct tacho_fail *fail;
};

static int rows_write(struct pass *pass, const struct tacho_rows *rows)
{
    struct tacho_run_writer_state *state = pass->state;
    const struct tacho_layout *table = tacho_layout_of(rows->kind);
    struct tacho_chunk chunk;
    tacho_rows_put(rows, &pass->owners, true, &chunk, &state->payload);
    return chunk_write(state, &chunk, table && tacho_layout_is_text(table), pass->fail);
}

static int increment_write(struct pass *pass)
{
    struct tacho_run_writer_state *state = pass->state;
    if (state->increment.size == 0)
        return 0;
    struct tacho_chunk chunk = {
        .kind = TACHO_CHUNK_INCREMENT, .first = state->increment_number, .count = 1};
    state->payload.size = 0;
    tacho_buffer_add(&state->payload, state->increment.data, state->increment.size);
    state->increment_bytes += state->increment.size;
    state->increment.size = 0;
    state->increment_number++;
    tacho_map_clear(&pass->owners); // times are shared within an increment only
    return chunk_write(state, &chunk, false, pass->fail);
}

static int stream_write(struct pass *pass, struct stream *stream, unsigned kind, uint32_t part,
                        size_t in_memory)
{
    size_t count = stream->base + in_memory;
    size_t step = kind == TACHO_CHUNK_SAMPLES ? TACHO_CHUNK_SAMPLES_MAX : TACHO_CHUNK_ROWS_MAX;
    struct tacho_rows rows = {.run = pass->run,
                              .kind = kind,
                              .part = part,
                              .base = stream->base,
                              .series_bases = pass->series_bases.items};
    for (; count - stream->full >= step; stream->full += step) {
        rows.first = stream->full;
        rows.count = step;
        if (rows_write(pass, &rows) < 0)
            return pass->fail->code;
    }
    if (stream->sealed < stream->full)
        stream->sealed = stream->full;
    if (stream->journaled < stream->sealed)
        stream->journaled = stream->sealed;
    if (pass->seal) {
        rows.first = stream->full;
        rows.count = count - stream->full;
        if (stream->sealed < count) {
            if (rows_write(pass, &rows) < 0)
                return pass->fail->code;
            pass->tail_bytes += pass->state->data.size;
        }
        stream->sealed = stream->journaled = count;
        return 0;
    }
    if (stream->journaled == count)
        return 0;
    struct tacho_chunk chunk;
    rows.first = stream->journaled;
    rows.count = count - stream->journaled;
    tacho_rows_put(&rows, &pass->owners, false, &chunk, &pass->state->payload);
    tacho_chunk_small_put(&chunk, &pass->state->payload, &pass->state->increment);
    stream->journaled = count;
    return pass->state->increment.size < INCREMENT_SIZE_MAX ? 0 : increment_write(pass);
}

static int streams_write(struct pass *pass)
{
    struct tacho_run_writer_state *state = pass->state;
    const struct tacho_run *run = pass->run;
    struct streams *now = &state->now;
    while (now->of_series.count < run->series.count)
        tacho_array_push(&now->of_series, (struct stream){0});
    while (now->of_profiles.count < run->profiles.count)
        tacho_array_push(&now->of_profiles, (struct stream){0});
    for (size_t i = 0; i < now->of_series.count; i++)
        tacho_array_push(&pass->series_bases, now->of_series.items[i].base);
    int code = stream_write(pass, &now->frames, TACHO_CHUNK_FRAMES, 0, run->frames.count);
    if (code == 0)
        code = stream_write(pass, &now->nodes, TACHO_CHUNK_NODES, 0, run->nodes.count);
    if (code == 0)
        code = stream_write(pass, &now->events, TACHO_CHUNK_EVENTS, 0, run->events.count);
    if (code == 0)
        code = stream_write(pass, &now->spans, TACHO_CHUNK_SPANS, 0, run->spans.count);
    for (size_t i = 0; code == 0 && i < run->series.count; i++)
        code = stream_write(pass, &now->of_series.items[i], TACHO_CHUNK_SAMPLES, (uint32_t)i,
                            run->series.items[i].count);
    for (size_t i = 0; code == 0 && i < run->profiles.count; i++)
        code = stream_write(pass, &now->of_profiles.items[i], TACHO_CHUNK_STACKS, (uint32_t)i,
                            run->profiles.items[i].samples.count);
    return code ? code : increment_write(pass);
}

static void streams_copy(struct streams *to, const struct streams *from)
{
    to->of_series.count = to->of_profiles.count = 0;
    for (size_t i = 0; i < from->of_series.count; i++)
        tacho_array_push(&to->of_series, from->of_series.items[i]);
    for (size_t i = 0; i < from->of_profiles.count; i++)
        tacho_array_push(&to->of_profiles, from->of_profiles.items[i]);
    to->events = from->events;
    to->spans = from->spans;
    to->frames = from->frames;
    to->nodes = from->nodes;
}

static int run_delete(struct tacho_run_writer_state *state, const char *what,
                      struct tacho_fail *fail)
{
    char sql[120];
    sqlite3_snprintf(sizeof sql, sql, "DELETE FROM chunk WHERE run=%lld AND kind=%s",
                     (long long)state->number, what);
    return tacho_sql_run(state->store, sql, fail);
}

static int tables_write(struct tacho_run_writer_state *state, const struct tacho_run *run,
                        struct tacho_fail *fail)
{
    static const uint8_t whole[] = {
        TACHO_CHUNK_ENVIRONMENT, TACHO_CHUNK_CLOCKS,  TACHO_CHUNK_THREADS,
        TACHO_CHUNK_NOTES,       TACHO_CHUNK_MODULES, TACHO_CHUNK_ZONES,
        TACHO_CHUNK_ZONE_STATS,  TACHO_CHUNK_SERIES,  TACHO_CHUNK_PROFILES};
    for (size_t i = 0; i < sizeof whole; i++)
        if (table_write(state, run, whole[i], fail) < 0)
            return fail->code;
    return 0;
}

// While a run grows, chunks that were replaced count twice; at its end they are counted exactly.
static int bytes_count(struct tacho_run_writer_state *state, struct tacho_fail *fail)
{
    char sql[200];
    sqlite3_snprintf(sizeof sql, sql,
                     "UPDATE run SET stored_bytes=(SELECT sum(length(head)+length(data))"
                     " FROM chunk WHERE run=%lld) WHERE number=%lld",
                     (long long)state->number, (long long)state->number);
    return tacho_sql_run(state->store, sql, fail);
}

// Everything of one transaction but BEGIN and COMMIT.
static int write_all(struct tacho_run_writer_state *state, const struct tacho_run *run, bool finish,
                     struct tacho_fail *fail)
{
    struct pass pass = {.state = state, .run = run, .fail = fail};
    size_t limit = state->tail_bytes > SEAL_BYTES_MIN ? state->tail_bytes : SEAL_BYTES_MIN;
    pass.seal = finish || state->increments >= SEAL_FLUSHES || state->increment_bytes >= limit;
    int code = statement_need(state, fail);
    if (code == 0 && state->number == 0)
        code = tacho_run_line_insert(state->store, &run->info, &state->number, fail);
    if (code == 0)
        code = tables_write(state, run, fail);
    if (code == 0 && finish && state->now.frames.journaled) { // they have got names since
        state->now.frames = (struct stream){0};
        code = run_delete(state, "7", fail);
    }
    if (code == 0)
        code = streams_write(&pass);
    if (code == 0 && pass.seal && state->increment_number)
        code = run_delete(state, "17", fail);
    if (code == 0)
        code = tacho_run_line_update(state->store, state->number, &run->info, state->bytes, fail);
    if (code == 0 && finish)
        code = bytes_count(state, fail);
    if (code == 0 && pass.seal) {
        state->increments = 0;
        state->increment_bytes = 0;
        state->tail_bytes = pass.tail_bytes;
    } else if (code == 0) {
        state->increments++;
    }
    tacho_map_release(&pass.owners);
    tacho_array_release(&pass.series_bases);
    return code;
}

static int store_all(struct tacho_run_writer_state *state, const struct tacho_run *run, bool finish,
                     struct tacho_fail *fail)
{
    int64_t number = state->number;
    state->bytes = 0;
    state->increment.size = 0;
    int code = tacho_sql_run(state->store, "BEGIN IMMEDIATE", fail);
    if (code == 0)
        code = write_all(state, run, finish, fail);
    if (code == 0)
        code = tacho_sql_run(state->store, "COMMIT", fail);
    if (code == 0) {
        streams_copy(&state->stored, &state->now);
        return 0;
    }
    // Nothing of it is stored: the next attempt begins where the last commit ended.
    tacho_sql_rollback(state->store);
    streams_copy(&state->now, &state->stored);
    tacho_map_clear(&state->written);
    state->number = number;
    return code;
}

static size_t memory_of(const struct tacho_run *run)
{
    size_t bytes =
        run->spans.count * sizeof *run->spans.items + run->events.count * sizeof *run->events.items;
    for (size_t i = 0; i < run->series.count; i++)
        bytes += run->series.items[i].count * (sizeof(int64_t) + sizeof(double));
    for (size_t i = 0; i < run->profiles.count; i++)
        bytes += run->profiles.items[i].samples.count * sizeof *run->profiles.items->samples.items;
    return bytes;
}

// Forgets the rows of a table that are in full chunks: those are never written again.
static void table_forget(struct tacho_run *run, unsigned kind, uint32_t part, struct stream *stream)
{
    struct tacho_any_array array;
    size_t size = tacho_layout_item_size(tacho_layout_of(kind)), gone = stream->full - stream->base;
    if (gone == 0 || !tacho_layout_array(run, kind, part, &array))
        return;
    struct tacho_any_array kept = {0};
    kept.count = array.count - gone;
    kept.items = tacho_array_grow(NULL, &kept.capacity, kept.count + 1, size);
    memcpy(kept.items, (char *)array.items + gone * size, kept.count * size);
    free(array.items);
    tacho_layout_array_set(run, kind, part, &kept);
    stream->base = stream->full;
}

static void series_forget(struct tacho_run_series *series, struct stream *stream)
{
    size_t gone = stream->full - stream->base, kept = series->count - gone;
    size_t time_room = 0, room = 0;
    if (gone == 0)
        return;
    int64_t *time_ns = tacho_array_grow(NULL, &time_room, kept + 1, sizeof *time_ns);
    double *value = tacho_array_grow(NULL, &room, kept + 1, sizeof *value);
    memcpy(time_ns, series->time_ns + gone, kept * sizeof *time_ns);
    memcpy(value, series->value + gone, kept * sizeof *value);
    free(series->time_ns);
    free(series->value);
    series->time_ns = time_ns;
    series->value = value;
    series->count = kept;
    series->capacity = room;
    stream->base = stream->full;
}

// After a commit: `now` and `stored` are the same.
static void forget(struct tacho_run_writer_state *state, struct tacho_run *run)
{
    if (memory_of(run) <= state->memory_max)
        return;
    struct streams *now = &state->now;
    table_forget(run, TACHO_CHUNK_SPANS, 0, &now->spans);
    table_forget(run, TACHO_CHUNK_EVENTS, 0, &now->events);
    for (size_t i = 0; i < now->of_series.count; i++)
        series_forget(&run->series.items[i], &now->of_series.items[i]);
    for (size_t i = 0; i < now->of_profiles.count; i++)
        table_forget(run, TACHO_CHUNK_STACKS, (uint32_t)i, &now->of_profiles.items[i]);
    streams_copy(&state->stored, now);
    state->is_partial = true;
}

// A flush while the run is observed must not hold it up; the next one tries again.
static int flush_within(struct tacho_run_writer *writer, int wait_ms, bool finish,
                        struct tacho_fail *fail)
{
    struct tacho_run_writer_state *state = writer->state;
    int64_t now = tacho_time_monotonic_ns();
    state->puts_flushed = state->puts;
    if (!state->store || state->is_closed)
        return 0;
    sqlite3_busy_timeout(state->store->db, wait_ms);
    struct tacho_fail attempt = {0};
    int code = store_all(state, &writer->run, finish, &attempt);
    if (code == 0) {
        state->failure = (struct tacho_fail){0};
        state->flushed_ns = now;
        state->is_closed = finish;
        forget(state, &writer->run);
        return 0;
    }
    tacho_fail_add(&attempt, "cannot store the run");
    *fail = attempt;
    int64_t since = now - (state->flushed_ns ? state->flushed_ns : writer->run.info.start_host_ns);
    if (code != TACHO_ERR_BUSY || finish || since > TACHO_SQL_WAIT_MS * TACHO_NS_PER_MS)
        state->failure = attempt;
    return code;
}

int tacho_run_writer_flush(struct tacho_run_writer *writer, struct tacho_fail *fail)
{
    struct tacho_run_info *info = &writer->run.info;
    int64_t given = info->duration_ns; // the caller may have set it for finish already
    if (given == 0)
        info->duration_ns = tacho_time_monotonic_ns() - info->start_host_ns;
    int code = flush_within(writer, TACHO_SQL_WAIT_RUNNING_MS, false, fail);
    info->duration_ns = given;
    return code;
}

int64_t tacho_run_writer_tick(struct tacho_run_writer *writer, int64_t now_ns)
{
    struct tacho_run_writer_state *state = writer->state;
    struct tacho_fail fail = {0}; // kept in the state too
    if (now_ns >= state->due_ns) {
        tacho_run_writer_flush(writer, &fail);
        state->due_ns = tacho_time_monotonic_ns() + FLUSH_PERIOD_NS;
    }
    return state->due_ns;
}

static int put(struct tacho_sink *sink, const struct tacho_record *record, struct tacho_fail *fail)
{
    struct tacho_run_writer *writer = (struct tacho_run_writer *)sink; // its first member
    struct tacho_run_writer_state *state = writer->state;
    int code = tacho_sink_put(&writer->run.sink, record, fail);
    if (code < 0)
        return code;
    if (++state->puts % PUTS_PER_LOOK == 0) {
        if (state->puts - state->puts_flushed >= PUTS_PER_FLUSH)
            state->due_ns = 0;
        tacho_run_writer_tick(writer, tacho_time_monotonic_ns());
    }
    return 0;
}

static int id_make(char *id, struct tacho_fail *fail)
{
    uint8_t bytes[6];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return tacho_fail_errno(fail, "cannot get random bytes for the id of a run");
    for (size_t i = 0; i < sizeof bytes; i++) {
        static const char digits[] = "0123456789abcdef";
        id[2 * i] = digits[bytes[i] >> 4];
        id[2 * i + 1] = digits[bytes[i] & 15];
    }
    id[12] = '\0';
    return 0;
}

int tacho_run_writer_open(struct tacho_run_writer **writer, struct tacho_store *store,
                          const struct tacho_run_info *info, struct tacho_fail *fail)
{
    char id[13];
    *writer = NULL;
    if (id_make(id, fail) < 0 ||
        (info->name && *info->name && tacho_store_name_check(info->name, fail) < 0))
        return fail->code;
    struct tacho_run_writer *opened = calloc(1, sizeof *opened);
    struct tacho_run_writer_state *state = calloc(1, sizeof *state);
    if (!opened || !state) {
        free(opened);
        free(state);
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    }
    opened->sink.put = put;
    opened->state = state;
    state->store = store;
    tacho_run_init(&opened->run);
    struct tacho_run_info *own = &opened->run.info;
    struct tacho_strings *strings = &opened->run.strings;
    own->id = tacho_strings_keep(strings, id);
    own->name = tacho_strings_keep(strings, info->name ? info->name : "");
    own->target = tacho_strings_keep(strings, info->target ? info->target : "");
    own->command = tacho_strings_keep(strings, info->command ? info->command : "");
    own->version = tacho_strings_keep(strings, info->version ? info->version : "");
    own->start_unix_ns = info->start_unix_ns ? info->start_unix_ns : tacho_time_unix_ns();
    own->start_host_ns = info->start_host_ns ? info->start_host_ns : tacho_time_monotonic_ns();
    state->due_ns = tacho_time_monotonic_ns() + FLUSH_PERIOD_NS;
    state->memory_max = MEMORY_MAX;
    *writer = opened;
    return 0;
}

const struct tacho_fail *tacho_run_writer_failure(const struct tacho_run_writer *writer)
{
    return writer->state->failure.code ? &writer->state->failure : NULL;
}

// The whole run again, in place of what is left of it in memory.
static int read_back(struct tacho_run_writer *writer, struct tacho_fail *fail)
{
    const struct tacho_run_read_options options = {
        .points_max = POINTS_MAX, .stacks_max = ROWS_MAX, .spans_max = ROWS_MAX};
    struct tacho_run whole;
    struct tacho_run_writer_state *state = writer->state;
    int code = tacho_run_read(state->store, state->number, &options, &whole, fail);
    if (code < 0) {
        tacho_run_release(&whole);
        return tacho_fail_add(fail, "cannot read back a run that did not fit in memory");
    }
    tacho_run_release(&writer->run);
    writer->run = whole;
    return 0;
}

int tacho_run_writer_finish(struct tacho_run_writer *writer, struct tacho_fail *fail)
{
    struct tacho_run_info *info = &writer->run.info;
    if (info->duration_ns == 0)
        info->duration_ns = tacho_time_monotonic_ns() - info->start_host_ns;
    info->finished = true;
    int code = flush_within(writer, TACHO_SQL_WAIT_MS, true, fail);
    return code == 0 && writer->state->is_partial ? read_back(writer, fail) : code;
}

void tacho_run_writer_memory_max(struct tacho_run_writer *writer, size_t bytes)
{
    writer->state->memory_max = bytes;
}

static void state_free(struct tacho_run_writer_state *state)
{
    sqlite3_finalize(state->put_chunk);
    tacho_array_release(&state->now.of_series);
    tacho_array_release(&state->now.of_profiles);
    tacho_array_release(&state->stored.of_series);
    tacho_array_release(&state->stored.of_profiles);
    tacho_map_release(&state->written);
    tacho_buffer_release(&state->payload);
    tacho_buffer_release(&state->head);
    tacho_buffer_release(&state->data);
    tacho_buffer_release(&state->increment);
    free(state);
}

void tacho_run_writer_close(struct tacho_run_writer *writer)
{
    if (!writer)
        return;
    state_free(writer->state);
    tacho_run_release(&writer->run);
    free(writer);
}

static int exists(const struct tacho_store *store, const struct tacho_run_info *info, int code,
                  struct tacho_fail *fail)
{
    if (code != TACHO_ERR_EXISTS)
        return code;
    return tacho_fail_set(fail, code, "the store %s has the run %s already", store->path, info->id);
}

int tacho_run_store(struct tacho_store *store, const struct tacho_run *run, struct tacho_fail *fail)
{
    struct tacho_run_writer_state *state = calloc(1, sizeof *state);
    if (!state)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    state->store = store;
    int code = store_all(state, run, true, fail);
    state_free(state);
    return exists(store, &run->info, code, fail);
}

static int chunks_write(struct tacho_run_writer_state *state, struct tacho_chunk_source *source,
                        struct tacho_fail *fail)
{
    for (size_t i = 0; i < source->entries.count; i++) {
        const struct tacho_chunk *chunk = &source->entries.items[i].chunk;
        const struct tacho_layout *table = tacho_layout_of(chunk->kind);
        struct tacho_bytes payload;
        if (chunk->kind == TACHO_CHUNK_RUN || chunk->kind == TACHO_CHUNK_END)
            continue;
        if (source->fetch(source, &source->entries.items[i], &payload, fail) < 0)
            return fail->code;
        state->payload.size = 0;
        tacho_buffer_add(&state->payload, payload.at, (size_t)(payload.end - payload.at));
        if (chunk_write(state, chunk, table && tacho_layout_is_text(table), fail) < 0)
            return fail->code;
    }
    return 0;
}

int tacho_run_store_chunks(struct tacho_store *store, const struct tacho_run_info *info,
                           struct tacho_chunk_source *source, struct tacho_fail *fail)
{
    struct tacho_run_writer_state *state = calloc(1, sizeof *state);
    if (!state)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    state->store = store;
    int code = tacho_sql_run(store, "BEGIN IMMEDIATE", fail);
    if (code == 0)
        code = statement_need(state, fail);
    if (code == 0)
        code = tacho_run_line_insert(store, info, &state->number, fail);
    if (code == 0)
        code = chunks_write(state, source, fail);
    if (code == 0)
        code = bytes_count(state, fail);
    if (code == 0)
        code = tacho_sql_run(store, "COMMIT", fail);
    tacho_sql_rollback(store);
    state_free(state);
    return exists(store, info, code, fail);
}
