// Finds the entry of .eh_frame that covers a program counter.
#include "unwind/frame_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "unwind/cursor.h"

#define HEADER_TABLE_ENCODING (TACHO_POINTER_DATAREL | TACHO_POINTER_SDATA4)

struct common { // a CIE
    struct tacho_frame_entry entry;
    uint8_t pointer_encoding;
    bool has_augmentation;
};

static uint64_t address_of(const struct tacho_frame_table *table, const uint8_t *at)
{
    return table->image.frame_address + (uint64_t)(at - table->image.frame);
}

// Opens the record at `place`: the cursor is then behind its length, ends with it, and *place_next
// is the record behind it. False at the end of the table or where it makes no sense.
static bool open_record(const struct tacho_frame_table *table, size_t place,
                        struct tacho_cursor *cursor, size_t *place_next)
{
    const uint8_t *bytes = table->image.frame;
    uint64_t size;
    if (place >= table->image.frame_size)
        return false;
    *cursor = (struct tacho_cursor){bytes + place, bytes + table->image.frame_size, false};
    size = tacho_cursor_u32(cursor);
    if (size == 0xffffffff)
        size = tacho_cursor_u64(cursor);
    if (cursor->bad || size < 4 || size > (uint64_t)(cursor->end - cursor->at))
        return false;
    cursor->end = cursor->at + size;
    *place_next = (size_t)(cursor->end - bytes);
    return true;
}

static void read_augmentation(struct common *common, struct tacho_cursor *cursor, const char *text)
{
    uint64_t size = tacho_cursor_uleb(cursor);
    const uint8_t *end = cursor->at + size;
    if (size > (uint64_t)(cursor->end - cursor->at)) {
        cursor->bad = true;
        return;
    }
    for (text++; *text && !cursor->bad; text++) {
        if (*text == 'R') {
            common->pointer_encoding = tacho_cursor_u8(cursor);
        } else if (*text == 'L') {
            (void)tacho_cursor_u8(cursor);
        } else if (*text == 'P') {
            uint8_t encoding = tacho_cursor_u8(cursor);
            (void)tacho_cursor_pointer(cursor, encoding & TACHO_POINTER_FORMAT, 0, 0);
        } else if (*text == 'S') {
            common->entry.is_signal = true;
        } else {
            break; // an unknown letter: the size tells where the instructions begin
        }
    }
    cursor->at = end;
}

static bool read_common(const struct tacho_frame_table *table, size_t place, struct common *common)
{
    struct tacho_cursor cursor;
    const char *augmentation;
    size_t next;
    uint8_t version;
    memset(common, 0, sizeof *common);
    if (!open_record(table, place, &cursor, &next) || tacho_cursor_u32(&cursor) != 0)
        return false;
    version = tacho_cursor_u8(&cursor);
    augmentation = (const char *)cursor.at;
    if (!memchr(cursor.at, 0, (size_t)(cursor.end - cursor.at)))
        return false;
    (void)tacho_cursor_bytes(&cursor, strlen(augmentation) + 1);
    if (version == 4)
        (void)tacho_cursor_bytes(&cursor, 2);
    else if (version != 1 && version != 3)
        return false;
    common->entry.code_align = tacho_cursor_uleb(&cursor);
    common->entry.data_align = tacho_cursor_sleb(&cursor);
    uint64_t column = version == 1 ? tacho_cursor_u8(&cursor) : tacho_cursor_uleb(&cursor);
    if (column >= TACHO_REGISTER_COUNT)
        return false;
    common->entry.return_register = (uint8_t)column;
    if (augmentation[0] == 'z') {
        common->has_augmentation = true;
        read_augmentation(common, &cursor, augmentation);
    } else if (augmentation[0]) {
        return false;
    }
    common->entry.initial = cursor.at;
    common->entry.initial_end = cursor.end;
    return !cursor.bad;
}

// Reads the FDE at `place`; *next is the record behind it. 1: an entry; 0: a common entry, which is
// skipped; negative: the end.
static int read_entry(const struct tacho_frame_table *table, size_t place,
                      struct tacho_frame_entry *entry, size_t *next)
{
    struct tacho_cursor cursor;
    struct common common;
    if (!open_record(table, place, &cursor, next))
        return -1;
    size_t id_place = (size_t)(cursor.at - table->image.frame);
    uint32_t back = tacho_cursor_u32(&cursor);
    if (back == 0)
        return 0;
    if (back > id_place || !read_common(table, id_place - back, &common))
        return 0;
    *entry = common.entry;
    entry->pc = tacho_cursor_pointer(&cursor, common.pointer_encoding, address_of(table, cursor.at),
                                     table->image.header_address);
    entry->size =
        tacho_cursor_pointer(&cursor, common.pointer_encoding & TACHO_POINTER_FORMAT, 0, 0);
    if (common.has_augmentation)
        (void)tacho_cursor_bytes(&cursor, tacho_cursor_uleb(&cursor));
    entry->program = cursor.at;
    entry->program_end = cursor.end;
    return cursor.bad ? 0 : 1;
}

// The linker's index: version, three encodings, the address of .eh_frame, a count, the pairs.
static bool use_linkers_index(struct tacho_frame_table *table)
{
    const struct tacho_image *image = &table->image;
    struct tacho_cursor cursor = {image->header, image->header + image->header_size, false};
    uint8_t frame_encoding, count_encoding, table_encoding;
    uint64_t count;
    if (image->header_size < 4 || tacho_cursor_u8(&cursor) != 1)
        return false;
    frame_encoding = tacho_cursor_u8(&cursor);
    count_encoding = tacho_cursor_u8(&cursor);
    table_encoding = tacho_cursor_u8(&cursor);
    (void)tacho_cursor_pointer(&cursor, frame_encoding, 0, 0);
    if (count_encoding == TACHO_POINTER_OMIT || table_encoding != HEADER_TABLE_ENCODING)
        return false;
    count = tacho_cursor_pointer(&cursor, count_encoding, 0, 0);
    if (cursor.bad || count == 0 || count > (uint64_t)(cursor.end - cursor.at) / 8)
        return false;
    table->search = cursor.at;
    table->count = count;
    return true;
}

static int compare_index(const void *a, const void *b)
{
    uint64_t left = ((const struct tacho_frame_index *)a)->pc;
    uint64_t right = ((const struct tacho_frame_index *)b)->pc;
    return left < right ? -1 : left > right;
}

static void make_own_index(struct tacho_frame_table *table)
{
    TACHO_ARRAY(struct tacho_frame_index) index = {0};
    size_t place = 0, next;
    struct tacho_frame_entry entry;
    int got;
    while ((got = read_entry(table, place, &entry, &next)) >= 0) {
        if (got > 0 && entry.size > 0)
            tacho_array_push(&index, (struct tacho_frame_index){entry.pc, place});
        place = next;
    }
    if (index.count)
        qsort(index.items, index.count, sizeof *index.items, compare_index);
    table->own = index.items;
    table->count = index.count;
}

void tacho_frame_table_init(struct tacho_frame_table *table, struct tacho_image *image)
{
    memset(table, 0, sizeof *table);
    table->image = *image;
    memset(image, 0, sizeof *image);
    if (table->image.frame_size && !use_linkers_index(table))
        make_own_index(table);
}

void tacho_frame_table_release(struct tacho_frame_table *table)
{
    tacho_image_release(&table->image);
    free(table->own);
    memset(table, 0, sizeof *table);
}

static uint64_t search_pc(const struct tacho_frame_table *table, size_t i)
{
    int32_t offset;
    if (table->own)
        return table->own[i].pc;
    memcpy(&offset, table->search + 8 * i, 4);
    return table->image.header_address + (uint64_t)(int64_t)offset;
}

static size_t search_entry(const struct tacho_frame_table *table, size_t i)
{
    int32_t offset;
    if (table->own)
        return table->own[i].entry;
    memcpy(&offset, table->search + 8 * i + 4, 4);
    uint64_t address = table->image.header_address + (uint64_t)(int64_t)offset;
    if (address < table->image.frame_address)
        return SIZE_MAX;
    return (size_t)(address - table->image.frame_address);
}

int tacho_frame_table_find(const struct tacho_frame_table *table, uint64_t pc,
                           struct tacho_frame_row *row)
{
    struct tacho_frame_entry entry;
    size_t low = 0, high = table->count, next;
    while (low < high) { // the first entry that begins behind pc
        size_t middle = low + (high - low) / 2;
        if (search_pc(table, middle) > pc)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == 0 || read_entry(table, search_entry(table, low - 1), &entry, &next) <= 0)
        return 0;
    if (pc < entry.pc || pc - entry.pc >= entry.size)
        return 0;
    return tacho_frame_program_run(&entry, table->image.frame, pc, row) ? 1 : 0;
}
