// Exported runs: see run_file.h.
#include "store/run_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "store/rows.h"
#include "store/run_loader.h"

// The first byte says it is no text, the line ends show what a transfer as text does to a file.
static const uint8_t magic[8] = {0x89, 't', 'a', 'c', 'h', 'o', '\r', '\n'};

struct file_writer {
    struct tacho_out *out;
    struct tacho_buffer payload, head, data, line;
    struct tacho_map owners;
    uint32_t checksum, count;
};

static void bytes_write(struct file_writer *writer, const void *data, size_t size)
{
    tacho_out_write(writer->out, data, size);
    writer->checksum = (uint32_t)crc32_z(writer->checksum, data, size);
}

// Writes the chunk whose payload is in writer->payload.
static void chunk_write(struct file_writer *writer, const struct tacho_chunk *chunk, bool deflate)
{
    writer->head.size = writer->data.size = writer->line.size = 0;
    tacho_chunk_put(chunk, &writer->payload, deflate, &writer->head, &writer->data);
    tacho_buffer_varint(&writer->line, writer->head.size);
    tacho_buffer_varint(&writer->line, writer->data.size);
    bytes_write(writer, writer->line.data, writer->line.size);
    bytes_write(writer, writer->head.data, writer->head.size);
    bytes_write(writer, writer->data.data, writer->data.size);
    writer->count++;
}

static void stream_write(struct file_writer *writer, const struct tacho_run *run, unsigned kind,
                         uint32_t part, size_t count)
{
    const struct tacho_layout *table = tacho_layout_of(kind);
    size_t step = kind == TACHO_CHUNK_SAMPLES ? TACHO_CHUNK_SAMPLES_MAX : TACHO_CHUNK_ROWS_MAX;
    struct tacho_rows rows = {.run = run, .kind = kind, .part = part};
    for (; rows.first < count; rows.first += rows.count) {
        struct tacho_chunk chunk;
        rows.count = count - rows.first < step ? count - rows.first : step;
        tacho_rows_put(&rows, &writer->owners, true, &chunk, &writer->payload);
        chunk_write(writer, &chunk, table && tacho_layout_is_text(table));
    }
}

static void end_write(struct file_writer *writer)
{
    struct tacho_chunk chunk = {.kind = TACHO_CHUNK_END, .count = writer->count};
    writer->payload.size = 0;
    tacho_buffer_varint(&writer->payload, writer->checksum);
    chunk_write(writer, &chunk, false);
}

static void begin_write(struct file_writer *writer, const struct tacho_run_info *info)
{
    struct tacho_chunk line = {.kind = TACHO_CHUNK_RUN, .count = 1};
    bytes_write(writer, magic, sizeof magic);
    tacho_layout_put(tacho_layout_of(TACHO_CHUNK_RUN), info, 1, &writer->payload);
    chunk_write(writer, &line, true);
}

static void writer_release(struct file_writer *writer)
{
    tacho_buffer_release(&writer->payload);
    tacho_buffer_release(&writer->head);
    tacho_buffer_release(&writer->data);
    tacho_buffer_release(&writer->line);
    tacho_map_release(&writer->owners);
}

void tacho_run_file_write(const struct tacho_run *run, struct tacho_out *out)
{
    struct file_writer writer = {.out = out};
    struct tacho_any_array array;
    begin_write(&writer, &run->info);
    for (unsigned kind = TACHO_CHUNK_ENVIRONMENT; kind <= TACHO_CHUNK_SPANS; kind++)
        if (tacho_layout_array(run, kind, 0, &array))
            stream_write(&writer, run, kind, 0, array.count);
    for (size_t i = 0; i < run->series.count; i++)
        stream_write(&writer, run, TACHO_CHUNK_SAMPLES, (uint32_t)i, run->series.items[i].count);
    for (size_t i = 0; i < run->profiles.count; i++)
        stream_write(&writer, run, TACHO_CHUNK_STACKS, (uint32_t)i,
                     run->profiles.items[i].samples.count);
    end_write(&writer);
    writer_release(&writer);
}

int tacho_run_file_copy(struct tacho_chunk_source *source, const struct tacho_run_info *info,
                        struct tacho_out *out, struct tacho_fail *fail)
{
    struct file_writer writer = {.out = out};
    int code = 0;
    begin_write(&writer, info);
    for (size_t i = 0; i < source->entries.count && code == 0; i++) {
        const struct tacho_chunk *chunk = &source->entries.items[i].chunk;
        const struct tacho_layout *table = tacho_layout_of(chunk->kind);
        struct tacho_bytes payload;
        code = source->fetch(source, &source->entries.items[i], &payload, fail);
        if (code < 0)
            break;
        writer.payload.size = 0;
        tacho_buffer_add(&writer.payload, payload.at, (size_t)(payload.end - payload.at));
        chunk_write(&writer, chunk, table && tacho_layout_is_text(table));
    }
    end_write(&writer);
    writer_release(&writer);
    return code;
}

struct file_source {
    struct tacho_chunk_source source; // first, so that a pointer to it is one to this
    TACHO_ARRAY(struct tacho_bytes) heads;
    TACHO_ARRAY(struct tacho_bytes) data;
    struct tacho_buffer room;
};

static int fetch(struct tacho_chunk_source *source, const struct tacho_chunk_entry *entry,
                 struct tacho_bytes *payload, struct tacho_fail *fail)
{
    struct file_source *own = (struct file_source *)source;
    return tacho_chunk_data_take(own->heads.items[entry->place], own->data.items[entry->place],
                                 &own->room, payload, fail);
}

static int truncated(struct tacho_fail *fail, const struct file_source *own)
{
    return tacho_fail_set(fail, TACHO_ERR_FORMAT, "it is cut off after %zu chunks",
                          own->source.entries.count);
}

static int entry_take(struct file_source *own, struct tacho_bytes *from, struct tacho_fail *fail)
{
    uint64_t head_size, data_size;
    struct tacho_bytes head, data;
    struct tacho_chunk_entry entry = {.place = (int64_t)own->heads.count};
    if (tacho_bytes_varint(from, &head_size) || tacho_bytes_varint(from, &data_size) ||
        tacho_bytes_range(from, head_size, &head) || tacho_bytes_range(from, data_size, &data))
        return truncated(fail, own);
    if (tacho_chunk_head_take(head, &entry.chunk, fail) < 0)
        return fail->code;
    size_t count = own->source.entries.count;
    if (count > 0 &&
        !tacho_chunk_is_before(&own->source.entries.items[count - 1].chunk, &entry.chunk))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "its chunks are not in order");
    tacho_array_push(&own->source.entries, entry);
    tacho_array_push(&own->heads, head);
    tacho_array_push(&own->data, data);
    return 0;
}

static int end_check(struct file_source *own, const uint8_t *start, const uint8_t *end_start,
                     struct tacho_fail *fail)
{
    struct tacho_bytes payload;
    uint64_t checksum;
    size_t count = own->source.entries.count;
    const struct tacho_chunk_entry *end = &own->source.entries.items[count - 1];
    if (fetch(&own->source, end, &payload, fail) < 0)
        return fail->code;
    if (end->chunk.count != count - 1 || tacho_bytes_varint(&payload, &checksum) ||
        checksum != crc32_z(0, start, (size_t)(end_start - start)))
        return tacho_fail_set(fail, TACHO_ERR_CHECKSUM, "its checksum does not match");
    return 0;
}

static int entries_take(struct file_source *own, struct tacho_bytes bytes, struct tacho_fail *fail)
{
    struct tacho_bytes from = bytes, head;
    if (tacho_bytes_range(&from, sizeof magic, &head) || memcmp(head.at, magic, sizeof magic) != 0)
        return tacho_fail_set(
            fail, TACHO_ERR_FORMAT,
            "it is not an exported run (`tacho runs export` writes them; `tacho dump` "
            "reads flight recorders)");
    while (from.at < from.end) {
        const uint8_t *start = from.at;
        if (entry_take(own, &from, fail) < 0)
            return fail->code;
        if (own->source.entries.items[own->source.entries.count - 1].chunk.kind != TACHO_CHUNK_END)
            continue;
        if (from.at != from.end)
            return tacho_fail_set(fail, TACHO_ERR_FORMAT, "there are %zu bytes behind its end",
                                  (size_t)(from.end - from.at));
        return end_check(own, bytes.at, start, fail);
    }
    return truncated(fail, own);
}

static int info_take(struct file_source *own, struct tacho_run *run, struct tacho_fail *fail)
{
    const struct tacho_chunk_entry *entry = &own->source.entries.items[0];
    struct tacho_bytes payload;
    if (entry->chunk.kind != TACHO_CHUNK_RUN || entry->chunk.count != 1)
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "it does not begin with the line of a run");
    if (fetch(&own->source, entry, &payload, fail) < 0 ||
        tacho_layout_take(tacho_layout_of(TACHO_CHUNK_RUN), payload, &run->info, 1, run, fail) < 0)
        return fail->code;
    if (strlen(run->info.id) != 12 || strspn(run->info.id, "0123456789abcdef") != 12)
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "its id is not 12 hexadecimal digits");
    return 0;
}

static void source_release(struct file_source *own)
{
    tacho_array_release(&own->source.entries);
    tacho_array_release(&own->heads);
    tacho_array_release(&own->data);
    tacho_buffer_release(&own->room);
}

// Reads into `run`, and, with a store, puts it there chunk by chunk.
static int take(struct tacho_bytes bytes, const char *name,
                const struct tacho_run_read_options *options, struct tacho_run *run,
                struct tacho_store *store, struct tacho_fail *fail)
{
    struct file_source own = {.source = {.fetch = fetch}};
    struct tacho_run_wanted wanted = {0};
    if (options)
        wanted.options = *options;
    int code = entries_take(&own, bytes, fail);
    if (code == 0)
        code = info_take(&own, run, fail);
    if (code == 0)
        code = tacho_run_load(&own.source, &wanted, run, fail);
    if (code < 0)
        tacho_fail_add(fail, "cannot read the exported run %s", name);
    else if (store)
        code = tacho_run_store_chunks(store, &run->info, &own.source, fail);
    source_release(&own);
    return code;
}

int tacho_run_file_take(struct tacho_bytes bytes, const char *name,
                        const struct tacho_run_read_options *options, struct tacho_run *run,
                        struct tacho_fail *fail)
{
    tacho_run_init(run);
    return take(bytes, name, options, run, NULL, fail);
}

static int read_path(const char *path, const struct tacho_run_read_options *options,
                     struct tacho_run *run, struct tacho_store *store, struct tacho_fail *fail)
{
    struct tacho_buffer text = {0};
    struct stat what;
    tacho_run_init(run);
    // Some never end.
    if (stat(path, &what) == 0 && (S_ISCHR(what.st_mode) || S_ISBLK(what.st_mode)))
        return tacho_fail_set(fail, TACHO_ERR_FORMAT,
                              "cannot read %s: it is a device, not an exported run", path);
    if (tacho_file_read(path, &text, 0, fail) < 0) {
        tacho_buffer_release(&text);
        return tacho_fail_add(fail, "cannot read the exported run");
    }
    const uint8_t *data = (const uint8_t *)text.data;
    int code = take((struct tacho_bytes){data, data ? data + text.size : data}, path, options, run,
                    store, fail);
    tacho_buffer_release(&text);
    return code;
}

int tacho_run_file_read(const char *path, const struct tacho_run_read_options *options,
                        struct tacho_run *run, struct tacho_fail *fail)
{
    return read_path(path, options, run, NULL, fail);
}

int tacho_run_file_import(struct tacho_store *store, const char *path, char id[13],
                          struct tacho_fail *fail)
{
    // Read once, so that nothing malformed gets in; reduced, so that any size does.
    const struct tacho_run_read_options options = {
        .points_max = 1000, .stacks_max = 100000, .spans_max = 100000};
    struct tacho_run run;
    int code = read_path(path, &options, &run, store, fail);
    if (code == 0)
        memcpy(id, run.info.id, 13);
    tacho_run_release(&run);
    return code;
}

bool tacho_run_file_is(const char *path)
{
    uint8_t start[sizeof magic];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is = read(fd, start, sizeof start) == (ssize_t)sizeof start &&
              memcmp(start, magic, sizeof magic) == 0;
    close(fd);
    return is;
}
