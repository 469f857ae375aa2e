// Tables of text for a terminal: cells are collected, then printed in columns as wide as they need.
#ifndef TACHO_RENDER_TABLE_H
#define TACHO_RENDER_TABLE_H

#include "base/arena.h"
#include "base/array.h"
#include "base/out.h"

#define TACHO_TABLE_COLUMNS_MAX 16

enum tacho_table_column {
    TACHO_COLUMN_RIGHT, // numbers
    TACHO_COLUMN_LEFT,
    TACHO_COLUMN_FLEXIBLE, // left, and the first to be cut when the line is too long
};

struct tacho_table {
    unsigned columns;
    enum tacho_table_column kind[TACHO_TABLE_COLUMNS_MAX];
    const char *heading[TACHO_TABLE_COLUMNS_MAX];
    TACHO_ARRAY(const char *) cells;
    struct tacho_arena arena;
};

// Adds a column; all columns come before the first cell.
void tacho_table_column(struct tacho_table *table, enum tacho_table_column kind,
                        const char *heading);
// Adds the next cell, rows left to right (the text is copied).
void tacho_table_cell(struct tacho_table *table, const char *text);
void tacho_table_printf(struct tacho_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Prints with an indentation of two; a table without rows prints nothing. Empties the table.
void tacho_table_print(struct tacho_table *table, struct tacho_out *out);

// Columns that UTF-8 text takes (one per character), and its first `columns` written.
size_t tacho_text_columns(const char *text);
void tacho_text_write(struct tacho_out *out, const char *text, size_t columns);

#endif
