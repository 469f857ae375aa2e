// Finds, reads and removes the ring files of instrumented programs: see ring_source.h.
//
// Files are found by inotify on one folder, and read by pread every few milliseconds to a quarter
// of a second, as fast as the programs fill their rings. Memory is bounded: after SPANS_MAX spans
// only statistics go on, and the latest spans of each ring are taken at the end.
#include "capture/ring_source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/time.h"
#include "capture/ring_folder.h"
#include "decode/ring_file.h"
#include "link/ring_link.h"
#include "tacho/control.h"

#define PERIOD_NS_MIN        (2 * TACHO_NS_PER_MS)
#define PERIOD_NS_MAX        (250 * TACHO_NS_PER_MS)
#define SPANS_HURRY          8192u // so many in one period: read more often
#define SPANS_IDLE           512u
#define SPANS_MAX            UINT64_C(2000000)
#define STATISTICS_PERIOD_NS (1 * TACHO_NS_PER_S)
#define FILES_MAX            4096u // ring files followed at once

struct ring {
    struct tacho_ring_link link; // fd -1: given up
    uint32_t pid, mode_before;
    bool was_switched;                // the mode was set by this observation
    struct tacho_ring_reader *reader; // NULL: the file was not complete yet
};

struct ring_source {
    struct tacho_source source;
    struct tacho_sink gate; // lets everything but too many spans through
    struct tacho_sink *sink;
    struct tacho_ring_config config;
    struct tacho_buffer folder, environment[2];
    const char *words[3];
    TACHO_ARRAY(struct ring *) rings;
    TACHO_ARRAY(pid_t) pids;
    bool is_own_folder;
    int64_t period_ns, statistics_ns;
    uint64_t spans, spans_refused, files_refused;
    bool is_last_drain;
    struct tacho_fail *fail; // of the scan under way
};

static int gate_put(struct tacho_sink *gate, const struct tacho_record *record,
                    struct tacho_fail *fail)
{
    struct ring_source *own =
        (struct ring_source *)((char *)gate - offsetof(struct ring_source, gate));
    if (record->kind == TACHO_RECORD_SPAN) {
        if (own->spans >= SPANS_MAX && !own->is_last_drain) {
            own->spans_refused++;
            return 0;
        }
        own->spans++;
    }
    return tacho_sink_put(own->sink, record, fail);
}

static void add_clock_point(const struct ring *ring)
{
    uint64_t ticks;
    int64_t host_ns;
    if (tacho_ring_clock_now(&ticks, &host_ns))
        tacho_ring_reader_clock_point(ring->reader, ticks, host_ns);
}

// Processes that run already are switched on, and their file is kept until it was drained.
static void switch_on(const struct ring_source *own, struct ring *ring)
{
    struct tacho_fail ignored = {0}; // a program that cannot be switched goes on as it was
    ring->mode_before = tacho_ring_reader_identity(ring->reader)->mode;
    if (own->is_own_folder || tacho_ring_link_keep_set(&ring->link, true, &ignored) < 0)
        return;
    uint32_t wanted = ring->mode_before | TACHO_MODE_DETAILED;
    ring->was_switched = wanted != ring->mode_before &&
                         tacho_ring_link_mode_set(&ring->link, wanted, 0, &ignored) == 0;
}

// The program makes the file first and gives it its size then.
static bool has_head(const struct ring *ring)
{
    struct stat file;
    return fstat(ring->link.fd, &file) == 0 && file.st_size >= (off_t)TACHO_RING_HEADER_SIZE;
}

// Opens the reader of a file that is complete by now. A file that cannot be read is said and left.
static int begin_reading(struct ring_source *own, struct ring *ring, struct tacho_fail *fail)
{
    struct tacho_fail why = {0};
    if (!has_head(ring))
        return 0;
    int status = tacho_ring_reader_open(&ring->reader, &ring->link.input, &why);
    if (status == TACHO_ERR_EMPTY)
        return 0;
    if (status < 0) {
        ring->reader = NULL;
        tacho_ring_link_close(&ring->link);
        return tacho_sink_note(own->sink, TACHO_NOTE_WARNING, "zones", NAN, fail,
                               "%s was not read: %s", ring->link.path, why.text);
    }
    ring->pid = tacho_ring_reader_identity(ring->reader)->pid;
    add_clock_point(ring);
    switch_on(own, ring);
    return 0;
}

static bool is_known(const struct ring_source *own, const char *path)
{
    for (size_t i = 0; i < own->rings.count; i++)
        if (strcmp(own->rings.items[i]->link.path, path) == 0)
            return true;
    return false;
}

static bool is_wanted(const struct ring_source *own, uint32_t pid)
{
    for (size_t i = 0; i < own->pids.count; i++)
        if ((uint32_t)own->pids.items[i] == pid)
            return true;
    return own->is_own_folder;
}

static int add_ring(void *context, const char *path, uint32_t pid)
{
    struct ring_source *own = context;
    struct tacho_fail why = {0};
    if (!is_wanted(own, pid) || is_known(own, path))
        return 0;
    if (own->rings.count >= FILES_MAX) {
        own->files_refused++;
        return 0;
    }
    struct ring *ring = calloc(1, sizeof *ring);
    if (!ring)
        return TACHO_ERR_MEMORY;
    if (tacho_ring_link_open(&ring->link, path, &why) < 0) { // gone again, or no ring file
        free(ring);
        return 0;
    }
    ring->pid = pid;
    tacho_array_push(&own->rings, ring);
    return begin_reading(own, ring, own->fail);
}

static int scan(struct ring_source *own, struct tacho_fail *fail)
{
    own->fail = fail;
    return tacho_ring_files_each(own->folder.data, add_ring, own, fail);
}

static int drain_all(struct ring_source *own, bool with_statistics, struct tacho_fail *fail)
{
    uint64_t before = own->spans + own->spans_refused;
    for (size_t i = 0; i < own->rings.count; i++) {
        struct ring *ring = own->rings.items[i];
        if (ring->link.fd < 0)
            continue;
        if (!ring->reader && begin_reading(own, ring, fail) < 0)
            return fail->code;
        if (!ring->reader)
            continue;
        struct tacho_fail why = {0};
        add_clock_point(ring); // the samples of metrics carry its time
        int status = with_statistics || own->spans < SPANS_MAX
                         ? tacho_ring_reader_drain(ring->reader, &own->gate, &why)
                         : 0;
        if (status == 0 && with_statistics)
            status = tacho_ring_reader_statistics(ring->reader, &own->gate, &why);
        if (status == TACHO_ERR_FORMAT) { // damaged while it was read: what came before stays
            tacho_ring_link_close(&ring->link);
            if (tacho_sink_note(own->sink, TACHO_NOTE_WARNING, "zones", NAN, fail, "%s: %s",
                                ring->link.path, why.text) < 0)
                return fail->code;
        } else if (status < 0) {
            *fail = why;
            return status;
        }
    }
    uint64_t count = own->spans + own->spans_refused - before;
    if (count > SPANS_HURRY)
        own->period_ns = own->period_ns / 2 > PERIOD_NS_MIN ? own->period_ns / 2 : PERIOD_NS_MIN;
    else if (count < SPANS_IDLE)
        own->period_ns = own->period_ns * 2 < PERIOD_NS_MAX ? own->period_ns * 2 : PERIOD_NS_MAX;
    return 0;
}

static void set_due(struct ring_source *own, int64_t now_ns)
{
    own->source.due_ns = own->rings.count ? now_ns + own->period_ns : 0;
}

static int start(struct tacho_source *source, struct tacho_sink *sink, struct tacho_fail *fail)
{
    struct ring_source *own = (struct ring_source *)source;
    own->sink = sink;
    if (!own->folder.data)
        return 0;
    int64_t now = tacho_time_monotonic_ns();
    own->statistics_ns = now + STATISTICS_PERIOD_NS;
    if (scan(own, fail) < 0)
        return fail->code;
    set_due(own, now);
    return 0;
}

static int poll(struct tacho_source *source, int64_t now_ns, struct tacho_fail *fail)
{
    struct ring_source *own = (struct ring_source *)source;
    char events[4096];
    bool is_new = false;
    if (!own->folder.data)
        return 0;
    while (source->fd >= 0 && read(source->fd, events, sizeof events) > 0)
        is_new = true;
    if (is_new && scan(own, fail) < 0)
        return fail->code;
    bool with_statistics = now_ns >= own->statistics_ns;
    if (with_statistics)
        own->statistics_ns = now_ns + STATISTICS_PERIOD_NS;
    if (drain_all(own, with_statistics, fail) < 0)
        return fail->code;
    set_due(own, tacho_time_monotonic_ns());
    return 0;
}

static int finish_ring(struct ring_source *own, struct ring *ring, struct tacho_fail *fail)
{
    if (ring->link.fd >= 0 && !ring->reader && begin_reading(own, ring, fail) < 0)
        return fail->code;
    if (!ring->reader || ring->link.fd < 0)
        return 0;
    struct tacho_fail why = {0};
    if (ring->was_switched)
        tacho_ring_link_mode_set(&ring->link, ring->mode_before, 0, &why);
    add_clock_point(ring);
    int status = tacho_ring_reader_finish(ring->reader, &own->gate, &why);
    if (status == TACHO_ERR_FORMAT)
        return tacho_sink_note(own->sink, TACHO_NOTE_WARNING, "zones", NAN, fail, "%s: %s",
                               ring->link.path, why.text);
    if (status < 0)
        *fail = why;
    return status;
}

// The file of a running process goes on as it was; one whose process has ended in the meantime was
// kept for this observation only.
static void let_go(const struct ring_source *own, struct ring *ring)
{
    struct tacho_fail ignored = {0};
    if (!own->is_own_folder && ring->link.fd >= 0 && ring->reader) {
        tacho_ring_link_keep_set(&ring->link, false, &ignored);
        if (!tacho_ring_is_alive(tacho_ring_reader_identity(ring->reader)))
            unlink(ring->link.path);
    }
}

static int stop(struct tacho_source *source, struct tacho_fail *fail)
{
    struct ring_source *own = (struct ring_source *)source;
    if (!own->folder.data)
        return 0;
    if (scan(own, fail) < 0)
        return fail->code;
    own->is_last_drain = true;
    for (size_t i = 0; i < own->rings.count; i++)
        if (finish_ring(own, own->rings.items[i], fail) < 0)
            return fail->code;
    if (own->spans_refused &&
        tacho_sink_note(own->sink, TACHO_NOTE_LOSS, "zones", (double)own->spans_refused, fail,
                        "spans beyond the first %llu were not kept one by one; the statistics "
                        "have them all",
                        (unsigned long long)SPANS_MAX) < 0)
        return fail->code;
    if (own->files_refused &&
        tacho_sink_note(own->sink, TACHO_NOTE_LOSS, "zones", (double)own->files_refused, fail,
                        "more than %u instrumented processes: the others were not read",
                        FILES_MAX) < 0)
        return fail->code;
    return 0;
}

static void close_source(struct tacho_source *source)
{
    struct ring_source *own = (struct ring_source *)source;
    for (size_t i = 0; i < own->rings.count; i++) {
        struct ring *ring = own->rings.items[i];
        let_go(own, ring);
        if (ring->reader)
            tacho_ring_reader_free(ring->reader);
        tacho_ring_link_close(&ring->link);
        free(ring);
    }
    if (own->is_own_folder && own->folder.data)
        tacho_ring_folder_remove(own->folder.data);
    if (source->fd >= 0)
        close(source->fd);
    tacho_array_release(&own->rings);
    tacho_array_release(&own->pids);
    tacho_buffer_release(&own->folder);
    tacho_buffer_release(&own->environment[0]);
    tacho_buffer_release(&own->environment[1]);
    free(own);
}

static const struct tacho_source_ops ops = {
    .name = "zones", .start = start, .poll = poll, .stop = stop, .close = close_source};

static int make_folder(struct ring_source *own, const char *zones, struct tacho_fail *fail)
{
    if (tacho_ring_folder_make(&own->folder, fail) < 0)
        return fail->code;
    own->is_own_folder = true;
    tacho_buffer_printf(&own->environment[0], "TACHO_DIR=%s", own->folder.data);
    tacho_buffer_printf(&own->environment[1], "TACHO=%s,keep", zones);
    own->words[0] = own->environment[0].data;
    own->words[1] = own->environment[1].data;
    return 0;
}

int tacho_ring_source_open(const struct tacho_ring_config *config, struct tacho_source **source,
                           struct tacho_fail *fail)
{
    const char *zones = config->zones ? config->zones : "detailed";
    char text[512];
    struct ring_source *own = calloc(1, sizeof *own);
    if (!own)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    own->source = (struct tacho_source){.ops = &ops, .fd = -1};
    own->gate.put = gate_put;
    own->period_ns = PERIOD_NS_MAX / 4;
    *source = &own->source;
    if (strcmp(zones, "off") == 0)
        return 0;
    for (size_t i = 0; i < config->pid_count; i++)
        tacho_array_push(&own->pids, config->pids[i]);
    if (config->pid_count)
        tacho_buffer_text(&own->folder, tacho_ring_folder(text, sizeof text));
    else if (make_folder(own, zones, fail) < 0) {
        close_source(&own->source);
        return fail->code;
    }
    own->source.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (own->source.fd >= 0)
        inotify_add_watch(own->source.fd, own->folder.data, IN_CREATE | IN_MOVED_TO);
    return 0;
}

const char *const *tacho_ring_source_environment(const struct tacho_source *source)
{
    const struct ring_source *own = (const struct ring_source *)source;
    return own->words;
}
