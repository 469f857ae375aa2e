// How the tables of a run are laid out as columns: one description of each drives both directions.
//
// To add a column to a table: append its line in layout.c (never insert or reorder: older runs have
// fewer columns and read back with zero in the new ones) and its row in docs/store.md.
#ifndef TACHO_STORE_LAYOUT_H
#define TACHO_STORE_LAYOUT_H

#include "run/model.h"
#include "store/column.h"

// What a chunk holds. The numbers are part of the format: add at the end, never renumber. Chunks
// are read in this order, so a table stands behind those that it needs.
enum tacho_chunk_kind {
    TACHO_CHUNK_RUN = 1, // only in exported files: the line of the run itself
    TACHO_CHUNK_ENVIRONMENT = 2,
    TACHO_CHUNK_CLOCKS = 3,
    TACHO_CHUNK_THREADS = 4,
    TACHO_CHUNK_NOTES = 5,
    TACHO_CHUNK_MODULES = 6,
    TACHO_CHUNK_FRAMES = 7,
    TACHO_CHUNK_NODES = 8,
    TACHO_CHUNK_ZONES = 9,
    TACHO_CHUNK_ZONE_STATS = 10,
    TACHO_CHUNK_SERIES = 11, // descriptions; the samples are in SAMPLES
    TACHO_CHUNK_PROFILES = 12,
    TACHO_CHUNK_EVENTS = 13,
    TACHO_CHUNK_SPANS = 14,
    TACHO_CHUNK_SAMPLES = 15,   // part: index of the series
    TACHO_CHUNK_STACKS = 16,    // part: index of the profile
    TACHO_CHUNK_INCREMENT = 17, // a journal entry: many small chunks of the kinds above
    TACHO_CHUNK_END = 18,       // only in exported files
};

#define TACHO_CHUNK_ROWS_MAX    16384u // of a table
#define TACHO_CHUNK_SAMPLES_MAX 8192u  // of a series

// The three fields of every TACHO_ARRAY, whatever it holds.
struct tacho_any_array {
    void *items;
    size_t count, capacity;
};

struct tacho_layout;

// The table of a kind; NULL for kinds that are not plain tables (SAMPLES, INCREMENT, END).
const struct tacho_layout *tacho_layout_of(unsigned kind);
const char *tacho_layout_name(const struct tacho_layout *table);
size_t tacho_layout_item_size(const struct tacho_layout *table);
// Whether the table is mostly text, which general compression makes much smaller.
bool tacho_layout_is_text(const struct tacho_layout *table);
// The array of a run that a kind (and part, for STACKS) is about; NULL when there is none. `run`
// may be changed through it: set it back with tacho_layout_array_set.
bool tacho_layout_array(const struct tacho_run *run, unsigned kind, uint32_t part,
                        struct tacho_any_array *array);
void tacho_layout_array_set(struct tacho_run *run, unsigned kind, uint32_t part,
                            const struct tacho_any_array *array);

// Appends the columns of items[0 .. count) as a chunk's payload.
void tacho_layout_put(const struct tacho_layout *table, const void *items, size_t count,
                      struct tacho_buffer *to);
// Fills items[0 .. count), which are zero, from a payload; texts and nested items become part of
// `run`. Values are checked against the type of their column, not against other tables.
int tacho_layout_take(const struct tacho_layout *table, struct tacho_bytes payload, void *items,
                      size_t count, struct tacho_run *run, struct tacho_fail *fail);

#endif
