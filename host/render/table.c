// Tables of text for a terminal: cells are collected, then printed in columns as wide as they need.
#include "render/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_DEFAULT  120
#define FLEXIBLE_LEAST 16

void tacho_table_column(struct tacho_table *table, enum tacho_table_column kind,
                        const char *heading)
{
    if (table->columns == TACHO_TABLE_COLUMNS_MAX)
        return;
    table->kind[table->columns] = kind;
    table->heading[table->columns++] = heading;
}

void tacho_table_cell(struct tacho_table *table, const char *text)
{
    tacho_array_push(&table->cells, tacho_arena_text(&table->arena, text));
}

void tacho_table_printf(struct tacho_table *table, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tacho_table_cell(table, text);
}

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

size_t tacho_text_columns(const char *text)
{
    size_t columns = 0;

    for (; *text != '\0'; text++)
        columns += begins_character(*text) ? 1 : 0;
    return columns;
}

// Control characters of names that come from files must not reach a terminal.
static char printable(char byte)
{
    if (byte == '\n' || byte == '\t')
        return ' ';
    return (unsigned char)byte < 0x20 || byte == 0x7f ? '?' : byte;
}

void tacho_text_write(struct tacho_out *out, const char *text, size_t columns)
{
    size_t length = tacho_text_columns(text);
    bool cut = length > columns;
    size_t left = cut ? columns - (columns > 0) : length;

    for (; *text != '\0' && (left > 0 || !begins_character(*text)); text++) {
        left -= begins_character(*text) ? 1 : 0;
        tacho_out_char(out, printable(*text));
    }
    if (cut && columns > 0)
        tacho_out_text(out, "…");
}

static void spaces(struct tacho_out *out, size_t count)
{
    while (count-- > 0)
        tacho_out_char(out, ' ');
}

static void print_row(const struct tacho_table *table, struct tacho_out *out, const size_t *width,
                      const char *const *cells)
{
    size_t blank = 2; // columns that are due before the next text: none at the end of a line

    for (unsigned i = 0; i < table->columns; i++) {
        size_t columns = tacho_text_columns(cells[i]);
        size_t pad = columns < width[i] ? width[i] - columns : 0;

        if (table->kind[i] == TACHO_COLUMN_RIGHT)
            blank += pad;
        if (cells[i][0] != '\0') {
            spaces(out, blank);
            tacho_text_write(out, cells[i], width[i]);
            blank = 0;
        }
        if (table->kind[i] != TACHO_COLUMN_RIGHT)
            blank += pad;
        blank += 2;
    }
    tacho_out_char(out, '\n');
}

// Cuts the flexible columns, widest first, until a row fits.
static void fit(const struct tacho_table *table, size_t *width, size_t available)
{
    for (;;) {
        size_t sum = 2 * table->columns;
        unsigned widest = table->columns;

        for (unsigned i = 0; i < table->columns; i++) {
            sum += width[i];
            if (table->kind[i] == TACHO_COLUMN_FLEXIBLE && width[i] > FLEXIBLE_LEAST &&
                (widest == table->columns || width[i] > width[widest]))
                widest = i;
        }
        if (sum <= available || widest == table->columns)
            return;
        width[widest]--;
    }
}

void tacho_table_print(struct tacho_table *table, struct tacho_out *out)
{
    size_t width[TACHO_TABLE_COLUMNS_MAX], rows = table->cells.count / table->columns;

    for (unsigned i = 0; i < table->columns; i++) {
        width[i] = tacho_text_columns(table->heading[i]);
        for (size_t row = 0; row < rows; row++) {
            size_t columns = tacho_text_columns(table->cells.items[row * table->columns + i]);

            width[i] = columns > width[i] ? columns : width[i];
        }
    }
    fit(table, width, out->width > 20 ? (size_t)out->width : WIDTH_DEFAULT);
    if (rows > 0) {
        tacho_out_text(out, tacho_out_style(out, "\033[2m"));
        print_row(table, out, width, table->heading);
        tacho_out_text(out, tacho_out_style(out, "\033[0m"));
    }
    for (size_t row = 0; row < rows; row++)
        print_row(table, out, width, &table->cells.items[row * table->columns]);
    tacho_array_release(&table->cells);
    tacho_arena_release(&table->arena);
    table->columns = 0;
}
