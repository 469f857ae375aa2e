// The profile as gzipped profile.proto (github.com/google/pprof/proto/profile.proto), what `go tool
// pprof` reads. Samples with the same stack and thread are one sample with a count and a weight.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "render/protobuf.h"
#include "render/report.h"

// Field numbers of message Profile.
enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE = 2,
    PROFILE_MAPPING = 3,
    PROFILE_LOCATION = 4,
    PROFILE_FUNCTION = 5,
    PROFILE_STRING_TABLE = 6,
    PROFILE_TIME_NANOS = 9,
    PROFILE_DURATION_NANOS = 10,
    PROFILE_PERIOD_TYPE = 11,
    PROFILE_PERIOD = 12,
    PROFILE_COMMENT = 13,
    PROFILE_DEFAULT_SAMPLE_TYPE = 14,
};

struct writing {
    const struct tacho_report *report;
    struct tacho_buffer message, nested, inner;
    struct tacho_strings strings;
    uint8_t *frame_used; // by frame: a location for it is needed
    uint8_t *module_used;
};

static uint64_t string_of(struct writing *writing, const char *text)
{
    return tacho_strings_number(&writing->strings, text != NULL ? text : "");
}

static void write_value_type(struct writing *writing, unsigned field, const char *type,
                             const char *unit)
{
    tacho_pb_u64(&writing->nested, 1, string_of(writing, type));
    tacho_pb_u64(&writing->nested, 2, string_of(writing, unit));
    tacho_pb_message(&writing->message, field, &writing->nested);
}

// Location ids are frame indices plus one; a frame that others are inlined into needs no location.
static void write_sample(struct writing *writing, uint32_t node, uint32_t thread_index,
                         uint64_t count, int64_t weight)
{
    const struct tacho_run *run = writing->report->run;

    for (uint32_t at = node; at < run->nodes.count;) {
        uint32_t frame = run->nodes.items[at].frame, parent = run->nodes.items[at].parent;

        if (frame < run->frames.count) {
            tacho_buffer_varint(&writing->inner, (uint64_t)frame + 1);
            writing->frame_used[frame] = 1;
        }
        at = parent < at ? parent : TACHO_NO_INDEX;
    }
    tacho_pb_message(&writing->nested, 1, &writing->inner);
    tacho_buffer_varint(&writing->inner, count);
    tacho_buffer_varint(&writing->inner, (uint64_t)weight);
    tacho_pb_message(&writing->nested, 2, &writing->inner);
    if (thread_index < run->threads.count) {
        const struct tacho_run_thread *thread = &run->threads.items[thread_index];

        tacho_pb_u64(&writing->inner, 1, string_of(writing, "thread"));
        tacho_pb_u64(&writing->inner, 2, string_of(writing, thread->name));
        tacho_pb_message(&writing->nested, 3, &writing->inner);
        tacho_pb_u64(&writing->inner, 1, string_of(writing, "tid"));
        tacho_pb_u64(&writing->inner, 3, thread->tid);
        tacho_pb_message(&writing->nested, 3, &writing->inner);
        tacho_pb_u64(&writing->inner, 1, string_of(writing, "pid"));
        tacho_pb_u64(&writing->inner, 3, thread->pid);
        tacho_pb_message(&writing->nested, 3, &writing->inner);
    }
    tacho_pb_message(&writing->message, PROFILE_SAMPLE, &writing->nested);
}

struct weighed_stack {
    uint32_t node, thread;
    uint64_t count;
    int64_t weight;
};

static void write_samples(struct writing *writing)
{
    const struct tacho_report *report = writing->report;
    const struct tacho_profile_filter *filter = &report->options.filter;
    uint8_t *wanted = tacho_profile_nodes_wanted(report->run, filter, &report->tree.functions);
    TACHO_ARRAY(struct weighed_stack) stacks = {0};
    struct tacho_map index = {0};

    for (size_t i = 0; i < report->profile->samples.count; i++) {
        const struct tacho_run_profile_sample *sample = &report->profile->samples.items[i];
        uint64_t *place;
        bool added;

        if (!tacho_profile_sample_wanted(report->run, filter, sample) ||
            (wanted != NULL && wanted[sample->node] == 0))
            continue;
        place = tacho_map_put(&index, (uint64_t)sample->thread << 32 | sample->node, &added);
        if (added) {
            *place = stacks.count;
            tacho_array_push(&stacks, (struct weighed_stack){sample->node, sample->thread, 0, 0});
        }
        stacks.items[*place].count++;
        stacks.items[*place].weight += sample->weight;
    }
    for (size_t i = 0; i < stacks.count; i++)
        write_sample(writing, stacks.items[i].node, stacks.items[i].thread, stacks.items[i].count,
                     stacks.items[i].weight);
    tacho_array_release(&stacks);
    tacho_map_release(&index);
    free(wanted);
}

// One location with a line for each inlined call, innermost first.
static void write_location(struct writing *writing, uint32_t index)
{
    const struct tacho_run *run = writing->report->run;
    const struct tacho_run_frame *frame = &run->frames.items[index];
    unsigned chain = 0;

    tacho_pb_u64(&writing->nested, 1, (uint64_t)index + 1);
    if (frame->module < run->modules.count) {
        tacho_pb_u64(&writing->nested, 2, (uint64_t)frame->module + 1);
        writing->module_used[frame->module] = 1;
    }
    tacho_pb_u64(&writing->nested, 3, frame->address);
    for (uint32_t at = index; at < run->frames.count && chain++ < 256;
         at = run->frames.items[at].caller) {
        uint32_t function = writing->report->tree.functions.of_frame[at];

        tacho_pb_u64(&writing->inner, 1, (uint64_t)function + 1);
        tacho_pb_u64(&writing->inner, 2, run->frames.items[at].line);
        tacho_pb_message(&writing->nested, 4, &writing->inner);
    }
    tacho_pb_message(&writing->message, PROFILE_LOCATION, &writing->nested);
}

static void write_tables(struct writing *writing)
{
    const struct tacho_run *run = writing->report->run;
    const struct tacho_functions *functions = &writing->report->tree.functions;

    for (size_t i = 0; i < run->frames.count; i++) {
        if (writing->frame_used[i])
            write_location(writing, (uint32_t)i);
    }
    for (size_t i = 0; i < run->modules.count; i++) {
        if (!writing->module_used[i])
            continue;
        tacho_pb_u64(&writing->nested, 1, i + 1);
        tacho_pb_u64(&writing->nested, 5, string_of(writing, run->modules.items[i].path));
        tacho_pb_u64(&writing->nested, 6, string_of(writing, run->modules.items[i].build_id));
        tacho_pb_u64(&writing->nested, 7, 1); // has_functions: nothing is left to symbolise
        tacho_pb_message(&writing->message, PROFILE_MAPPING, &writing->nested);
    }
    for (size_t i = 0; i < functions->items.count; i++) {
        uint64_t name = string_of(writing, functions->items.items[i].name);

        tacho_pb_u64(&writing->nested, 1, i + 1);
        tacho_pb_u64(&writing->nested, 2, name);
        tacho_pb_u64(&writing->nested, 3, name);
        tacho_pb_u64(&writing->nested, 4, string_of(writing, functions->items.items[i].file));
        tacho_pb_message(&writing->message, PROFILE_FUNCTION, &writing->nested);
    }
}

static int write_gzip(struct tacho_out *out, const struct tacho_buffer *message,
                      struct tacho_fail *fail)
{
    z_stream stream = {.next_in = (Bytef *)message->data, .avail_in = (uInt)message->size};
    unsigned char block[65536];
    int code;

    if (message->size > UINT32_MAX / 2)
        return tacho_fail_set(fail, TACHO_ERR_FULL, "the profile is larger than 2 GB");
    // 16 above the window bits asks for a gzip header; level 1: size matters less than the wait.
    if (deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "cannot begin to compress");
    do {
        stream.next_out = block;
        stream.avail_out = sizeof block;
        code = deflate(&stream, Z_FINISH);
        tacho_out_write(out, block, sizeof block - stream.avail_out);
    } while (code == Z_OK);
    deflateEnd(&stream);
    return code == Z_STREAM_END ? 0 : tacho_fail_set(fail, TACHO_ERR_IO, "cannot compress");
}

static void write_profile(struct writing *writing)
{
    const struct tacho_run_profile *profile = writing->report->profile;
    const struct tacho_run_info *info = &writing->report->run->info;
    const char *type = strcmp(profile->unit, "nanoseconds") == 0 ? profile->name : profile->unit;

    write_value_type(writing, PROFILE_SAMPLE_TYPE, "samples", "count");
    write_value_type(writing, PROFILE_SAMPLE_TYPE, type, profile->unit);
    write_samples(writing);
    write_tables(writing);
    if (!isnan(profile->period)) {
        write_value_type(writing, PROFILE_PERIOD_TYPE, profile->name, profile->unit);
        tacho_pb_u64(&writing->message, PROFILE_PERIOD, (uint64_t)profile->period);
    }
    tacho_pb_u64(&writing->message, PROFILE_TIME_NANOS, (uint64_t)info->start_unix_ns);
    tacho_pb_u64(&writing->message, PROFILE_DURATION_NANOS, (uint64_t)info->duration_ns);
    tacho_pb_u64(&writing->message, PROFILE_COMMENT, string_of(writing, info->command));
    tacho_pb_u64(&writing->message, PROFILE_DEFAULT_SAMPLE_TYPE, string_of(writing, type));
    for (unsigned i = 0; i < writing->strings.count; i++)
        tacho_pb_text(&writing->message, PROFILE_STRING_TABLE, writing->strings.items[i]);
}

int tacho_report_pprof(const struct tacho_report *report, struct tacho_out *out,
                       struct tacho_fail *fail)
{
    struct writing writing = {.report = report};
    size_t capacity = 0;
    int code;

    if (report->profile == NULL)
        return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "this run has no profile");
    writing.frame_used = tacho_array_grow(NULL, &capacity, report->run->frames.count + 1, 1);
    memset(writing.frame_used, 0, report->run->frames.count + 1);
    capacity = 0;
    writing.module_used = tacho_array_grow(NULL, &capacity, report->run->modules.count + 1, 1);
    memset(writing.module_used, 0, report->run->modules.count + 1);
    string_of(&writing, "");
    write_profile(&writing);
    code = write_gzip(out, &writing.message, fail);
    tacho_buffer_release(&writing.message);
    tacho_buffer_release(&writing.nested);
    tacho_buffer_release(&writing.inner);
    tacho_strings_release(&writing.strings);
    free(writing.frame_used);
    free(writing.module_used);
    return code;
}
