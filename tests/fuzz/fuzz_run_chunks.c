// Hostile chunks of a run, below the checksums: bytes, counts, kinds and places changed, chunks
// left out, doubled and exchanged. Whatever comes, loading ends, stays within its memory, and what
// it takes for a run can be used: it can be written as a file and read back. Run it under the
// sanitizers.
//
// usage: test_fuzz_run_chunks [ROUNDS [SEED]]
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../host/store/sample_run.h"
#include "store/run_file.h"
#include "store/run_loader.h"
#include "store/run_writer.h"

struct piece {
    struct tacho_chunk chunk;
    uint8_t *payload;
    size_t size;
};

struct fuzz_source {
    struct tacho_chunk_source source; // first, so that a pointer to it is one to this
    TACHO_ARRAY(struct piece) pieces;
};

static TACHO_ARRAY(struct piece) originals;
static unsigned long rounds = 1500;
static uint64_t random_state = 12345;

static uint64_t below(uint64_t limit)
{
    return limit ? sample_random(&random_state) % limit : 0;
}

static int fetch(struct tacho_chunk_source *source, const struct tacho_chunk_entry *entry,
                 struct tacho_bytes *payload, struct tacho_fail *fail)
{
    struct fuzz_source *own = (struct fuzz_source *)source;
    const struct piece *piece = &own->pieces.items[entry->place];
    (void)fail;
    *payload = (struct tacho_bytes){piece->payload, piece->payload + piece->size};
    return 0;
}

static uint8_t *copy(const void *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1); // so that a byte too far is seen
    assert_non_null(exact);
    if (size)
        memcpy(exact, data, size);
    return exact;
}

static void take_originals(const char *path)
{
    sqlite3 *db;
    sqlite3_stmt *select;
    struct tacho_buffer room = {0};
    struct tacho_fail fail = {0};
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT head, data FROM chunk ORDER BY kind, part, first",
                                        -1, &select, NULL),
                     SQLITE_OK);
    while (sqlite3_step(select) == SQLITE_ROW) {
        struct piece piece;
        const uint8_t *head = sqlite3_column_blob(select, 0),
                      *data = sqlite3_column_blob(select, 1);
        struct tacho_bytes heads = {head, head + sqlite3_column_bytes(select, 0)};
        struct tacho_bytes bytes = {data, data + sqlite3_column_bytes(select, 1)}, payload;
        assert_int_equal(tacho_chunk_head_take(heads, &piece.chunk, &fail), 0);
        assert_int_equal(tacho_chunk_data_take(heads, bytes, &room, &payload, &fail), 0);
        piece.size = (size_t)(payload.end - payload.at);
        piece.payload = copy(payload.at, piece.size);
        tacho_array_push(&originals, piece);
    }
    sqlite3_finalize(select);
    sqlite3_close(db);
    tacho_buffer_release(&room);
}

// The chunks of a run that is being written: full ones, sealed ones and increments.
static int set_up(void **state)
{
    char folder[64], path[96];
    struct tacho_store *store;
    struct tacho_run_writer *writer;
    struct sample_ids ids;
    struct tacho_fail fail = {0};
    (void)state;
    sample_folder_make(folder);
    snprintf(path, sizeof path, "%s/store.db", folder);
    assert_int_equal(tacho_store_open(&store, path, TACHO_STORE_WRITE, &fail), 0);
    assert_int_equal(tacho_run_writer_open(&writer, store, &(struct tacho_run_info){0}, &fail), 0);
    sample_begin(&ids, &writer->sink, writer->run.info.start_host_ns);
    for (int flush = 0; flush < 70; flush++) {
        for (int i = 0; i < (flush == 0 ? 8300 : 3); i++)
            sample_round(&ids, &writer->sink);
        assert_int_equal(tacho_run_writer_flush(writer, &fail), 0);
    }
    take_originals(path);
    tacho_run_writer_close(writer);
    tacho_store_close(store);
    sample_folder_remove(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < originals.count; i++)
        free(originals.items[i].payload);
    tacho_array_release(&originals);
    return 0;
}

static void change_number(struct tacho_chunk *chunk)
{
    static const uint32_t odd[] = {0, 1, 2, 16384, 16385, 8192, 8193, UINT32_MAX, INT32_MAX};
    uint32_t number = below(2) ? odd[below(sizeof odd / sizeof *odd)] : (uint32_t)below(20000);
    switch (below(5)) {
    case 0:
        chunk->count = number;
        break;
    case 1:
        chunk->first = below(2) ? number : chunk->first + chunk->count;
        break;
    case 2:
        chunk->part = (uint32_t)below(6);
        break;
    case 3:
        chunk->kind = (uint8_t)below(20);
        break;
    default:
        chunk->has_times = below(2);
        chunk->has_values = below(2);
    }
}

static void change(struct fuzz_source *own)
{
    size_t victim = below(own->pieces.count);
    struct piece *piece = &own->pieces.items[victim];
    uint64_t what = below(10);
    if (what < 6) {
        for (uint64_t i = 0; i <= what && piece->size; i++)
            piece->payload[below(piece->size)] = (uint8_t)below(256);
    } else if (what == 6) {
        piece->size = below(piece->size + 1);
    } else if (what == 7) {
        change_number(&piece->chunk);
    } else if (what == 8) { // left out
        free(piece->payload);
        *piece = own->pieces.items[--own->pieces.count];
    } else { // the payload of another
        const struct piece *other = &originals.items[below(originals.count)];
        free(piece->payload);
        piece->payload = copy(other->payload, other->size);
        piece->size = other->size;
    }
}

static int compare_pieces(const void *a, const void *b)
{
    const struct tacho_chunk *x = &((const struct piece *)a)->chunk;
    const struct tacho_chunk *y = &((const struct piece *)b)->chunk;
    return tacho_chunk_is_before(y, x) - tacho_chunk_is_before(x, y);
}

static void use(struct tacho_run *run)
{
    struct tacho_out out;
    struct tacho_run back;
    struct tacho_fail fail = {0};
    run->info.id = tacho_strings_keep(&run->strings, "0123456789ab");
    tacho_out_init_memory(&out);
    tacho_run_file_write(run, &out);
    const uint8_t *data = (const uint8_t *)out.buffer.data;
    if (tacho_run_file_take((struct tacho_bytes){data, data + out.buffer.size}, "x", NULL, &back,
                            &fail) < 0)
        fail_msg("a run that was loaded does not read back: %s", fail.text);
    tacho_run_release(&back);
    tacho_out_release(&out);
}

static void load(struct fuzz_source *own, unsigned long round, unsigned long *refused)
{
    struct tacho_run run;
    struct tacho_fail fail = {0};
    const struct tacho_run_wanted wanted[] = {
        {.to_ns = 0},
        {.options = {.points_max = 3, .stacks_max = 5, .spans_max = 5}},
        {.options = {.points_max = 900}},
        {.series = "cpu_ratio_core", .subject = "run", .to_ns = 5000000000},
    };
    tacho_run_init(&run);
    int code = tacho_run_load(&own->source, &wanted[round % 4], &run, &fail);
    if (code < 0) {
        assert_true(fail.text[0]);
        ++*refused;
    } else if (round % 4 == 0) {
        use(&run);
    }
    tacho_run_release(&run);
}

static void hostile_chunks_are_refused_or_harmless(void **state)
{
    unsigned long refused = 0;
    (void)state;
    for (unsigned long round = 0; round < rounds; round++) {
        struct fuzz_source own = {.source = {.fetch = fetch}};
        for (size_t i = 0; i < originals.count; i++) {
            struct piece piece = originals.items[i];
            piece.payload = copy(piece.payload, piece.size);
            tacho_array_push(&own.pieces, piece);
        }
        for (uint64_t i = 0; i <= below(3); i++)
            change(&own);
        qsort(own.pieces.items, own.pieces.count, sizeof *own.pieces.items, compare_pieces);
        for (size_t i = 0; i < own.pieces.count; i++)
            tacho_array_push(&own.source.entries,
                             (struct tacho_chunk_entry){own.pieces.items[i].chunk, (int64_t)i});
        load(&own, round, &refused);
        for (size_t i = 0; i < own.pieces.count; i++)
            free(own.pieces.items[i].payload);
        tacho_array_release(&own.pieces);
        tacho_array_release(&own.source.entries);
    }
    assert_true(refused > rounds / 4);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        random_state = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_chunks_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
