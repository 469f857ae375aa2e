// The trace in Chrome's trace event format (JSON): spans as complete events, series as counters,
// events as instants. Names and ids are escaped once; an event is a few copies and two numbers.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json_writer.h"
#include "render/trace.h"

#define BLOCK_SIZE ((size_t)256 * 1024)

struct writing {
    const struct tacho_run *run;
    const struct tacho_trace *trace;
    struct tacho_out *out;
    bool first;
    struct tacho_buffer block;                    // events on their way to `out`
    TACHO_ARRAY(struct tacho_buffer) thread_head; // by thread: {"ph":"X","pid":1,"tid":2,"ts":
    TACHO_ARRAY(struct tacho_buffer) zone_tail;   // by zone: ,"name":"x"
};

static void escaped(struct tacho_buffer *buffer, const char *text)
{
    struct tacho_out out;
    struct tacho_json json;

    tacho_out_init_memory(&out);
    tacho_json_init(&json, &out, false);
    tacho_json_text(&json, text);
    tacho_buffer_add(buffer, out.buffer.data, out.buffer.size);
    tacho_out_release(&out);
}

static void prepare(struct writing *writing)
{
    const struct tacho_run *run = writing->run;

    for (size_t i = 0; i <= run->threads.count; i++) {
        struct tacho_buffer head = {0};
        bool known = i < run->threads.count;

        tacho_buffer_printf(&head, "{\"ph\":\"X\",\"pid\":%u,\"tid\":%u,\"ts\":",
                            known ? run->threads.items[i].pid : 0,
                            known ? run->threads.items[i].tid : 0);
        tacho_array_push(&writing->thread_head, head);
    }
    for (size_t i = 0; i < run->zones.count; i++) {
        struct tacho_buffer tail = {0};

        tacho_buffer_text(&tail, ",\"name\":");
        escaped(&tail, run->zones.items[i].name);
        tacho_array_push(&writing->zone_tail, tail);
    }
}

static void separate(struct writing *writing)
{
    if (!writing->first)
        tacho_out_write(writing->out, ",\n", 2);
    writing->first = false;
}

static void write_metadata(struct writing *writing, const char *what, uint32_t pid, uint32_t tid,
                           const char *name)
{
    struct tacho_buffer text = {0};

    escaped(&text, name);
    separate(writing);
    tacho_out_printf(writing->out,
                     "{\"ph\":\"M\",\"pid\":%u,\"tid\":%u,\"name\":\"%s\",\"args\":{\"name\":%s}}",
                     pid, tid, what, text.data);
    tacho_buffer_release(&text);
}

static void write_names(struct writing *writing)
{
    const struct tacho_run *run = writing->run;

    write_metadata(writing, "process_name", 0, 0, "observed by tacho");
    for (size_t i = 0; i < run->threads.count; i++) {
        const struct tacho_run_thread *thread = &run->threads.items[i];
        const char *name = thread->name != NULL ? thread->name : "";

        if (thread->pid == thread->tid)
            write_metadata(writing, "process_name", thread->pid, thread->tid, name);
        write_metadata(writing, "thread_name", thread->pid, thread->tid, name);
    }
}

static char *put_digits(char *at, uint64_t value)
{
    char digits[20];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

// Microseconds with three decimals.
static char *put_us(char *at, int64_t ns)
{
    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    unsigned rest = (unsigned)(size % 1000);

    if (ns < 0)
        *at++ = '-';
    at = put_digits(at, size / 1000);
    *at++ = '.';
    *at++ = (char)('0' + rest / 100);
    *at++ = (char)('0' + rest / 10 % 10);
    *at++ = (char)('0' + rest % 10);
    return at;
}

static char *put(char *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

// One event is put together in a block of its own: a call per piece would cost more than the piece.
static void write_spans(struct writing *writing)
{
    static const char error[] = ",\"cname\":\"terrible\",\"args\":{\"status\":\"error\"}";
    static const char open[] = ",\"args\":{\"status\":\"open\"}";
    const struct tacho_run *run = writing->run;

    for (size_t i = 0; i < writing->trace->spans.count; i++) {
        const struct tacho_run_span *span = &run->spans.items[writing->trace->spans.items[i]];
        size_t thread = span->thread < run->threads.count ? span->thread : run->threads.count;
        const struct tacho_buffer *head = &writing->thread_head.items[thread];
        const struct tacho_buffer *tail = &writing->zone_tail.items[span->zone];
        size_t room = head->size + tail->size + 160;
        char *begin = tacho_buffer_room(&writing->block, room), *at = begin;

        if (!writing->first)
            at = put(at, ",\n", 2);
        writing->first = false;
        at = put(at, head->data, head->size);
        at = put_us(at, span->begin_ns);
        at = put(at, ",\"dur\":", 7);
        at = put_us(at, span->duration_ns > 0 ? span->duration_ns : 0);
        at = put(at, tail->data, tail->size);
        if (span->status == TACHO_SPAN_ERROR)
            at = put(at, error, sizeof error - 1);
        else if (span->status == TACHO_SPAN_OPEN)
            at = put(at, open, sizeof open - 1);
        *at++ = '}';
        writing->block.size += (size_t)(at - begin);
        if (writing->block.size >= BLOCK_SIZE) {
            tacho_out_write(writing->out, writing->block.data, writing->block.size);
            writing->block.size = 0;
        }
    }
    tacho_out_write(writing->out, writing->block.data != NULL ? writing->block.data : "",
                    writing->block.size);
    writing->block.size = 0;
}

static void write_series(struct writing *writing, const struct tacho_run_series *series)
{
    struct tacho_out *out = writing->out;
    struct tacho_buffer tail = {0}, name = {0};
    uint32_t tid, pid = tacho_trace_pid(writing->run, series, &tid);
    char head[80];

    snprintf(head, sizeof head, "{\"ph\":\"C\",\"pid\":%u,\"tid\":%u,\"ts\":", pid, tid);
    tacho_buffer_text(&name, series->name);
    if (pid == 0 && strcmp(series->subject, "run") != 0)
        tacho_buffer_printf(&name, " %s", series->subject);
    else if (tid != 0)
        tacho_buffer_printf(&name, " %u", tid);
    tacho_buffer_text(&tail, ",\"name\":");
    escaped(&tail, name.data);
    tacho_buffer_text(&tail, ",\"args\":{\"value\":");
    for (size_t i = 0; i < series->count; i++) {
        if (!tacho_trace_has(writing->trace, series->time_ns[i]) || isnan(series->value[i]))
            continue;
        separate(writing);
        tacho_out_text(out, head);
        tacho_out_fixed(out, series->time_ns[i], 3);
        tacho_out_write(out, tail.data, tail.size);
        tacho_out_printf(out, "%.10g}}", series->value[i]);
    }
    tacho_buffer_release(&tail);
    tacho_buffer_release(&name);
}

static void write_event(struct writing *writing, const struct tacho_run_event *event)
{
    struct tacho_out *out = writing->out;
    const struct tacho_run *run = writing->run;
    bool known = event->thread < run->threads.count;
    struct tacho_buffer name = {0}, text = {0};

    escaped(&name, event->name);
    escaped(&text, event->text != NULL ? event->text : "");
    separate(writing);
    tacho_out_printf(out,
                     "{\"ph\":\"i\",\"s\":\"%s\",\"pid\":%u,\"tid\":%u,\"ts\":", known ? "t" : "g",
                     known ? run->threads.items[event->thread].pid : 0,
                     known ? run->threads.items[event->thread].tid : 0);
    tacho_out_fixed(out, event->time_ns, 3);
    tacho_out_printf(out, ",\"name\":%s,\"args\":{\"text\":%s", name.data, text.data);
    if (!isnan(event->value))
        tacho_out_printf(out, ",\"value\":%.10g", event->value);
    tacho_out_text(out, "}}");
    tacho_buffer_release(&name);
    tacho_buffer_release(&text);
}

static void write_other(struct writing *writing)
{
    struct tacho_json json;

    tacho_out_text(writing->out, "\n],\n\"displayTimeUnit\":\"ns\",\"otherData\":");
    tacho_json_init(&json, writing->out, false);
    tacho_json_object_begin(&json);
    tacho_json_member_text(&json, "tacho_version", writing->run->info.version);
    tacho_json_member_text(&json, "run", writing->run->info.id);
    tacho_json_member_text(&json, "command", writing->run->info.command);
    tacho_json_member_text(&json, "note", writing->trace->note);
    tacho_json_object_end(&json);
    tacho_out_text(writing->out, "}\n");
}

int tacho_report_chrome(const struct tacho_report *report, struct tacho_out *out,
                        struct tacho_fail *fail)
{
    const struct tacho_run *run = report->run;
    struct tacho_trace trace;
    struct writing writing = {.run = run, .trace = &trace, .out = out, .first = true};
    int code = tacho_trace_open(&trace, report, false, fail);

    if (code < 0)
        return code;
    prepare(&writing);
    tacho_out_text(out, "{\"traceEvents\":[\n");
    write_names(&writing);
    write_spans(&writing);
    for (size_t i = 0; i < run->series.count; i++)
        write_series(&writing, &run->series.items[i]);
    for (size_t i = 0; i < run->events.count; i++) {
        if (tacho_trace_has(&trace, run->events.items[i].time_ns))
            write_event(&writing, &run->events.items[i]);
    }
    write_other(&writing);
    for (size_t i = 0; i < writing.thread_head.count; i++)
        tacho_buffer_release(&writing.thread_head.items[i]);
    for (size_t i = 0; i < writing.zone_tail.count; i++)
        tacho_buffer_release(&writing.zone_tail.items[i]);
    tacho_buffer_release(&writing.block);
    tacho_array_release(&writing.thread_head);
    tacho_array_release(&writing.zone_tail);
    tacho_trace_release(&trace);
    return 0;
}
