// The trace in Perfetto's protobuf format: one packet sequence with tracks for processes, threads
// and counters, slices, instants, and CPU samples with interned call stacks.
#include <math.h>
#include <string.h>

#include "render/protobuf.h"
#include "render/stacks.h"
#include "render/trace.h"

// Field numbers, by message; from protos/perfetto/trace of the Perfetto project.
enum { TRACE_PACKET = 1 };
enum {
    PACKET_TIMESTAMP = 8,
    PACKET_SEQUENCE_ID = 10,
    PACKET_TRACK_EVENT = 11,
    PACKET_INTERNED_DATA = 12,
    PACKET_SEQUENCE_FLAGS = 13,
    PACKET_DEFAULTS = 59,
    PACKET_TRACK_DESCRIPTOR = 60,
    PACKET_PERF_SAMPLE = 66,
};
enum { SEQUENCE_CLEARED = 1, SEQUENCE_NEEDS_STATE = 2 };
enum {
    TRACK_UUID = 1,
    TRACK_NAME = 2,
    TRACK_PROCESS = 3,
    TRACK_THREAD = 4,
    TRACK_PARENT = 5,
    TRACK_COUNTER = 8
};
enum {
    EVENT_DEBUG_ANNOTATION = 4,
    EVENT_TYPE = 9,
    EVENT_NAME_IID = 10,
    EVENT_TRACK_UUID = 11,
    EVENT_NAME = 23,
    EVENT_DOUBLE_VALUE = 44
};
enum { TYPE_BEGIN = 1, TYPE_END = 2, TYPE_INSTANT = 3, TYPE_COUNTER = 4 };
enum {
    INTERNED_EVENT_NAMES = 2,
    INTERNED_FUNCTION_NAMES = 5,
    INTERNED_FRAMES = 6,
    INTERNED_CALLSTACKS = 7,
    INTERNED_MAPPING_PATHS = 17,
    INTERNED_SOURCE_PATHS = 18,
    INTERNED_MAPPINGS = 19
};

#define SEQUENCE     1
#define UUID_RUN     1ull
#define UUID_PROCESS 0x100000000ull // + pid
#define UUID_THREAD  0x200000000ull // + index
#define UUID_SERIES  0x300000000ull // + index

struct writing {
    const struct tacho_report *report;
    struct tacho_trace trace;
    struct tacho_out *out;
    struct tacho_buffer packet, message, nested, inner;
};

static void write_packet(struct writing *writing)
{
    struct tacho_buffer *head = &writing->inner;

    tacho_pb_u64(&writing->packet, PACKET_SEQUENCE_ID, SEQUENCE);
    head->size = 0;
    tacho_buffer_byte(head, TRACE_PACKET << 3 | 2);
    tacho_buffer_varint(head, writing->packet.size);
    tacho_out_write(writing->out, head->data, head->size);
    tacho_out_write(writing->out, writing->packet.data, writing->packet.size);
    head->size = 0;
    writing->packet.size = 0;
}

// Run time may be negative by a little (a span that began before the run): the format has no such
// time.
static void packet_time(struct writing *writing, int64_t time_ns)
{
    tacho_pb_u64(&writing->packet, PACKET_TIMESTAMP, time_ns > 0 ? (uint64_t)time_ns : 0);
}

static void write_track(struct writing *writing)
{
    tacho_pb_message(&writing->packet, PACKET_TRACK_DESCRIPTOR, &writing->message);
    write_packet(writing);
}

static void write_process_track(struct writing *writing, uint32_t pid, const char *name,
                                const char *command)
{
    tacho_pb_u64(&writing->nested, 1, pid);
    if (command != NULL && command[0] != '\0')
        tacho_pb_text(&writing->nested, 2, command);
    tacho_pb_text(&writing->nested, 6, name != NULL ? name : "");
    tacho_pb_u64(&writing->message, TRACK_UUID, UUID_PROCESS + pid);
    tacho_pb_message(&writing->message, TRACK_PROCESS, &writing->nested);
    write_track(writing);
}

static void write_tracks(struct writing *writing)
{
    const struct tacho_run *run = writing->report->run;
    struct tacho_map processes = {0};

    tacho_pb_u64(&writing->message, TRACK_UUID, UUID_RUN);
    tacho_pb_text(&writing->message, TRACK_NAME, run->info.command);
    write_track(writing);
    for (int pass = 0; pass < 2; pass++) {
        // First the processes whose first thread is known, then those that are only known by
        // others.
        for (size_t i = 0; i < run->threads.count; i++) {
            const struct tacho_run_thread *thread = &run->threads.items[i];

            if (tacho_map_get(&processes, thread->pid) != NULL ||
                (pass == 0 && thread->pid != thread->tid))
                continue;
            write_process_track(writing, thread->pid, thread->name, thread->command);
            *tacho_map_put(&processes, thread->pid, NULL) = 1;
        }
    }
    for (size_t i = 0; i < run->threads.count; i++) {
        const struct tacho_run_thread *thread = &run->threads.items[i];

        tacho_pb_u64(&writing->nested, 1, thread->pid);
        tacho_pb_u64(&writing->nested, 2, thread->tid);
        tacho_pb_text(&writing->nested, 5, thread->name != NULL ? thread->name : "");
        tacho_pb_u64(&writing->message, TRACK_UUID, UUID_THREAD + i);
        tacho_pb_u64(&writing->message, TRACK_PARENT, UUID_PROCESS + thread->pid);
        tacho_pb_message(&writing->message, TRACK_THREAD, &writing->nested);
        write_track(writing);
    }
    tacho_map_release(&processes);
}

static size_t put_varint(uint8_t *at, uint64_t value)
{
    size_t size = 0;

    for (; value >= 0x80; value >>= 7)
        at[size++] = (uint8_t)(value | 0x80);
    at[size++] = (uint8_t)value;
    return size;
}

// A number field whose tag is one byte, as those below all are.
static size_t put_field(uint8_t *at, unsigned field, uint64_t value)
{
    at[0] = (uint8_t)(field << 3);
    return 1 + put_varint(at + 1, value);
}

// An edge is two small messages of known shape: put together on the stack, several times faster
// than by the buffers that other packets use.
static void write_slice_edge(struct writing *writing, const struct tacho_run_span *span, bool begin,
                             int64_t time_ns)
{
    const struct tacho_run *run = writing->report->run;
    uint8_t event[64], packet[128], head[16];
    size_t event_size, packet_size, head_size;

    event_size = put_field(event, EVENT_TYPE, begin ? TYPE_BEGIN : TYPE_END);
    event_size +=
        put_field(event + event_size, EVENT_TRACK_UUID,
                  span->thread < run->threads.count ? UUID_THREAD + span->thread : UUID_RUN);
    if (begin)
        event_size += put_field(event + event_size, EVENT_NAME_IID, (uint64_t)span->zone + 1);
    if (begin && span->status == TACHO_SPAN_ERROR) {
        tacho_pb_text(&writing->inner, 10, "status");
        tacho_pb_text(&writing->inner, 6, "error");
        tacho_pb_message(&writing->nested, EVENT_DEBUG_ANNOTATION, &writing->inner);
        memcpy(event + event_size, writing->nested.data, writing->nested.size);
        event_size += writing->nested.size;
        writing->nested.size = 0;
    }
    packet_size = put_field(packet, PACKET_TIMESTAMP, time_ns > 0 ? (uint64_t)time_ns : 0);
    packet[packet_size++] = PACKET_TRACK_EVENT << 3 | 2;
    packet[packet_size++] = (uint8_t)event_size; // below 128: one byte
    memcpy(packet + packet_size, event, event_size);
    packet_size += event_size;
    packet_size += put_field(packet + packet_size, PACKET_SEQUENCE_FLAGS, SEQUENCE_NEEDS_STATE);
    packet_size += put_field(packet + packet_size, PACKET_SEQUENCE_ID, SEQUENCE);
    head[0] = TRACE_PACKET << 3 | 2;
    head_size = 1 + put_varint(head + 1, packet_size);
    tacho_out_write(writing->out, head, head_size);
    tacho_out_write(writing->out, packet, packet_size);
}

// Begins and ends in the order of a stack, so that equal times nest rightly.
static void write_spans(struct writing *writing)
{
    const struct tacho_run_span *spans = writing->report->run->spans.items;
    TACHO_ARRAY(uint32_t) open = {0};

    for (size_t i = 0; i <= writing->trace.spans.count; i++) {
        const struct tacho_run_span *span =
            i < writing->trace.spans.count ? &spans[writing->trace.spans.items[i]] : NULL;

        while (open.count > 0) {
            const struct tacho_run_span *top = &spans[open.items[open.count - 1]];
            int64_t end = top->begin_ns + (top->duration_ns > 0 ? top->duration_ns : 0);

            if (span != NULL && span->thread == top->thread &&
                (end > span->begin_ns || (end == span->begin_ns && span->depth > top->depth)))
                break;
            open.count--;
            if (top->status != TACHO_SPAN_OPEN)
                write_slice_edge(writing, top, false, end);
        }
        if (span != NULL) {
            write_slice_edge(writing, span, true, span->begin_ns);
            tacho_array_push(&open, writing->trace.spans.items[i]);
        }
    }
    tacho_array_release(&open);
}

static void write_series(struct writing *writing, uint32_t index)
{
    const struct tacho_run *run = writing->report->run;
    const struct tacho_run_series *series = &run->series.items[index];
    uint32_t tid, pid = tacho_trace_pid(run, series, &tid);
    bool has_process = false;

    for (size_t i = 0; pid != 0 && i < run->threads.count && !has_process; i++)
        has_process = run->threads.items[i].pid == pid;
    tacho_buffer_text(&writing->inner, series->name);
    if (!has_process || tid != 0)
        tacho_buffer_printf(&writing->inner, " (%s)", series->subject);
    tacho_pb_u64(&writing->message, TRACK_UUID, UUID_SERIES + index);
    tacho_pb_message(&writing->message, TRACK_NAME, &writing->inner);
    tacho_pb_u64(&writing->message, TRACK_PARENT, has_process ? UUID_PROCESS + pid : UUID_RUN);
    tacho_pb_text(&writing->nested, 6, series->unit);
    tacho_pb_message(&writing->message, TRACK_COUNTER, &writing->nested);
    write_track(writing);
    for (size_t i = 0; i < series->count; i++) {
        if (!tacho_trace_has(&writing->trace, series->time_ns[i]) || isnan(series->value[i]))
            continue;
        packet_time(writing, series->time_ns[i]);
        tacho_pb_u64(&writing->message, EVENT_TYPE, TYPE_COUNTER);
        tacho_pb_u64(&writing->message, EVENT_TRACK_UUID, UUID_SERIES + index);
        tacho_pb_double(&writing->message, EVENT_DOUBLE_VALUE, series->value[i]);
        tacho_pb_message(&writing->packet, PACKET_TRACK_EVENT, &writing->message);
        write_packet(writing);
    }
}

static void write_instant(struct writing *writing, int64_t time_ns, uint64_t track,
                          const char *name, const char *text)
{
    packet_time(writing, time_ns);
    tacho_pb_u64(&writing->message, EVENT_TYPE, TYPE_INSTANT);
    tacho_pb_u64(&writing->message, EVENT_TRACK_UUID, track);
    tacho_pb_text(&writing->message, EVENT_NAME, name);
    if (text != NULL && text[0] != '\0') {
        tacho_pb_text(&writing->nested, 10, "text");
        tacho_pb_text(&writing->nested, 6, text);
        tacho_pb_message(&writing->message, EVENT_DEBUG_ANNOTATION, &writing->nested);
    }
    tacho_pb_message(&writing->packet, PACKET_TRACK_EVENT, &writing->message);
    write_packet(writing);
}

static void intern(struct writing *writing, unsigned field, uint64_t id, const char *text)
{
    tacho_pb_u64(&writing->nested, 1, id);
    tacho_pb_text(&writing->nested, 2, text);
    tacho_pb_message(&writing->message, field, &writing->nested);
}

// Ids: zones, functions, modules, frames and stack nodes by their index plus one.
static void intern_frames(struct writing *writing)
{
    const struct tacho_run *run = writing->report->run;
    const struct tacho_functions *functions = &writing->report->tree.functions;

    for (size_t i = 0; i < functions->items.count; i++) {
        intern(writing, INTERNED_FUNCTION_NAMES, i + 1, functions->items.items[i].name);
        if (functions->items.items[i].file[0] != '\0')
            intern(writing, INTERNED_SOURCE_PATHS, i + 1, functions->items.items[i].file);
    }
    for (size_t i = 0; i < run->modules.count; i++) {
        intern(writing, INTERNED_MAPPING_PATHS, i + 1, run->modules.items[i].path);
        tacho_pb_u64(&writing->nested, 1, i + 1);
        tacho_pb_u64(&writing->nested, 7, i + 1);
        tacho_pb_message(&writing->message, INTERNED_MAPPINGS, &writing->nested);
    }
    for (size_t i = 0; i < run->frames.count; i++) {
        const struct tacho_run_frame *frame = &run->frames.items[i];
        uint32_t function = functions->of_frame[i];

        tacho_pb_u64(&writing->nested, 1, i + 1);
        tacho_pb_u64(&writing->nested, 2, (uint64_t)function + 1);
        if (frame->module < run->modules.count) {
            tacho_pb_u64(&writing->nested, 3, (uint64_t)frame->module + 1);
            tacho_pb_u64(&writing->nested, 4, frame->address);
        }
        if (functions->items.items[function].file[0] != '\0')
            tacho_pb_u64(&writing->nested, 5, (uint64_t)function + 1);
        if (frame->line > 0)
            tacho_pb_u64(&writing->nested, 6, frame->line);
        tacho_pb_message(&writing->message, INTERNED_FRAMES, &writing->nested);
    }
}

static void write_interned(struct writing *writing)
{
    const struct tacho_run *run = writing->report->run;
    const struct tacho_run_profile *profile = writing->report->profile;

    for (size_t i = 0; i < run->zones.count; i++)
        intern(writing, INTERNED_EVENT_NAMES, i + 1, run->zones.items[i].name);
    if (profile != NULL)
        intern_frames(writing);
    tacho_pb_u64(&writing->packet, PACKET_SEQUENCE_FLAGS, SEQUENCE_CLEARED);
    tacho_pb_message(&writing->packet, PACKET_INTERNED_DATA, &writing->message);
    if (profile != NULL) {
        if (!isnan(profile->rate_hz) && profile->rate_hz >= 1)
            tacho_pb_u64(&writing->nested, 2, (uint64_t)(profile->rate_hz + 0.5));
        tacho_pb_text(&writing->nested, 10, profile->name);
        tacho_pb_message(&writing->inner, 1, &writing->nested);
        tacho_pb_message(&writing->message, 12, &writing->inner);
        tacho_pb_message(&writing->packet, PACKET_DEFAULTS, &writing->message);
    }
    write_packet(writing);
}

// The call stack of a node, outermost first, as a packet of its own when it is first needed.
static void intern_stack(struct writing *writing, const struct tacho_stacks *stacks, uint32_t node)
{
    uint32_t path[4096];
    unsigned count = 0;

    for (uint32_t at = node; at != TACHO_NO_INDEX && count < 4096;
         at = stacks->nodes.items[at].parent)
        path[count++] = stacks->nodes.items[at].frame;
    tacho_pb_u64(&writing->nested, 1, (uint64_t)node + 1);
    while (count-- > 0)
        tacho_pb_u64(&writing->nested, 2, (uint64_t)path[count] + 1);
    tacho_pb_message(&writing->message, INTERNED_CALLSTACKS, &writing->nested);
    tacho_pb_message(&writing->packet, PACKET_INTERNED_DATA, &writing->message);
    tacho_pb_u64(&writing->packet, PACKET_SEQUENCE_FLAGS, SEQUENCE_NEEDS_STATE);
    write_packet(writing);
}

static void write_samples(struct writing *writing)
{
    const struct tacho_run *run = writing->report->run;
    struct tacho_stacks stacks;
    uint8_t *known;
    size_t capacity = 0;

    tacho_stacks_build(&stacks, writing->report);
    known = tacho_array_grow(NULL, &capacity, stacks.nodes.count + 1, 1);
    memset(known, 0, stacks.nodes.count + 1);
    for (size_t i = 0; i < stacks.samples.count; i++) {
        const struct tacho_run_profile_sample *sample =
            &writing->report->profile->samples.items[stacks.samples.items[i]];
        uint32_t node = stacks.of_node[sample->node];

        if (node == TACHO_NO_INDEX || sample->thread >= run->threads.count ||
            !tacho_trace_has(&writing->trace, sample->time_ns))
            continue;
        if (!known[node])
            intern_stack(writing, &stacks, node);
        known[node] = 1;
        packet_time(writing, sample->time_ns);
        tacho_pb_u64(&writing->message, 2, run->threads.items[sample->thread].pid);
        tacho_pb_u64(&writing->message, 3, run->threads.items[sample->thread].tid);
        tacho_pb_u64(&writing->message, 4, (uint64_t)node + 1);
        tacho_pb_message(&writing->packet, PACKET_PERF_SAMPLE, &writing->message);
        tacho_pb_u64(&writing->packet, PACKET_SEQUENCE_FLAGS, SEQUENCE_NEEDS_STATE);
        write_packet(writing);
    }
    free(known);
    tacho_stacks_release(&stacks);
}

int tacho_report_perfetto(const struct tacho_report *report, struct tacho_out *out,
                          struct tacho_fail *fail)
{
    struct writing writing = {.report = report, .out = out};
    const struct tacho_run *run = report->run;
    int code = tacho_trace_open(&writing.trace, report, true, fail);

    if (code < 0)
        return code;
    tacho_trace_order(&writing.trace, run);
    write_interned(&writing);
    write_tracks(&writing);
    write_spans(&writing);
    for (size_t i = 0; i < run->series.count; i++)
        write_series(&writing, (uint32_t)i);
    for (size_t i = 0; i < run->events.count; i++) {
        const struct tacho_run_event *event = &run->events.items[i];

        if (tacho_trace_has(&writing.trace, event->time_ns))
            write_instant(&writing, event->time_ns,
                          event->thread < run->threads.count ? UUID_THREAD + event->thread
                                                             : UUID_RUN,
                          event->name, event->text);
    }
    if (writing.trace.note[0] != '\0')
        write_instant(&writing, writing.trace.begin_ns, UUID_RUN, "tacho: a part of the run",
                      writing.trace.note);
    if (report->profile != NULL)
        write_samples(&writing);
    tacho_buffer_release(&writing.packet);
    tacho_buffer_release(&writing.message);
    tacho_buffer_release(&writing.nested);
    tacho_buffer_release(&writing.inner);
    tacho_trace_release(&writing.trace);
    return 0;
}
