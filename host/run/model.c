// Builds a run in memory from records: see model.h.
#include "run/model.h"

#include <math.h>
#include <string.h>

#include "run/spaces.h"

static uint64_t hash_text(const char *text, uint64_t seed)
{
    return tacho_hash_bytes(text, strlen(text), seed);
}

static const char *keep(struct tacho_run *run, const char *text)
{
    return tacho_strings_keep(&run->strings, text);
}

// Ids of all kinds are unique in the process, so one map serves them all.
static void id_set(struct tacho_run *run, uint32_t id, size_t index)
{
    *tacho_map_put(&run->ids, id, NULL) = index;
}

static uint32_t id_index(const struct tacho_run *run, uint32_t id)
{
    const uint64_t *index = tacho_map_get(&run->ids, id);
    return index ? (uint32_t)*index : TACHO_NO_INDEX;
}

// Checked lookup: a record that names an id nobody described is refused, not guessed.
static int id_need(const struct tacho_run *run, uint32_t id, size_t count, uint32_t *index,
                   struct tacho_fail *fail)
{
    *index = id_index(run, id);
    if (*index >= count)
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "a record names the unknown id %u", id);
    return 0;
}

static int64_t host_time(const struct tacho_run *run, uint32_t clock, int64_t ticks)
{
    if (clock <= TACHO_CLOCK_HOST)
        return ticks;
    uint32_t index = id_index(run, clock);
    return index < run->clocks.count
               ? tacho_clock_to_host_ns(&run->clocks.items[index].clock, ticks)
               : ticks;
}

static int64_t run_time(const struct tacho_run *run, const struct tacho_record *record)
{
    return host_time(run, record->clock, record->time) - run->info.start_host_ns;
}

static int put_clock(struct tacho_run *run, const struct tacho_record *record,
                     struct tacho_fail *fail)
{
    const struct tacho_clock_info *info = &record->clock_info;
    uint32_t index = id_index(run, info->id);
    if (info->hz > 0) {
        struct tacho_run_clock clock = {.name = keep(run, info->name),
                                        .hz = info->hz,
                                        .resolution_ns = info->resolution_ns,
                                        .wrap_bits = info->wrap_bits,
                                        .clock = {.hz = info->hz}};
        if (index < run->clocks.count) {
            clock.clock = run->clocks.items[index].clock;
            run->clocks.items[index] = clock;
        } else {
            id_set(run, info->id, run->clocks.count);
            tacho_array_push(&run->clocks, clock);
        }
        return 0;
    }
    if (id_need(run, info->id, run->clocks.count, &index, fail) < 0)
        return fail->code;
    tacho_clock_point_add(&run->clocks.items[index].clock, record->time, info->host_ns);
    return 0;
}

struct tacho_run_series *tacho_run_series_add(struct tacho_run *run)
{
    tacho_array_push(&run->series, (struct tacho_run_series){0});
    struct tacho_run_series *series = &run->series.items[run->series.count - 1];
    series->name = series->subject = series->unit = series->help = keep(run, "");
    return series;
}

void tacho_run_series_push(struct tacho_run_series *series, int64_t time_ns, double value)
{
    if (series->count == series->capacity) {
        size_t times = series->capacity;
        series->time_ns =
            tacho_array_grow(series->time_ns, &times, series->count + 1, sizeof *series->time_ns);
        series->value = tacho_array_grow(series->value, &series->capacity, series->count + 1,
                                         sizeof *series->value);
    }
    series->time_ns[series->count] = time_ns;
    series->value[series->count++] = value;
}

static int put_metric(struct tacho_run *run, const struct tacho_record *record)
{
    const struct tacho_metric_info *info = &record->metric;
    const char *subject = info->subject ? info->subject : "";
    bool added;
    uint64_t *index =
        tacho_map_put(&run->series_index, hash_text(info->name, hash_text(subject, 0)), &added);
    if (added) {
        *index = run->series.count;
        struct tacho_run_series *series = tacho_run_series_add(run);
        series->name = keep(run, info->name);
        series->subject = keep(run, subject);
        series->unit = keep(run, info->unit);
        series->help = keep(run, info->help);
        series->kind = info->kind;
        series->direction = info->direction;
    }
    run->series.items[*index].flags |= record->flags;
    id_set(run, info->id, *index);
    return 0;
}

static int put_sample(struct tacho_run *run, const struct tacho_record *record,
                      struct tacho_fail *fail)
{
    uint32_t index;
    if (id_need(run, record->sample.metric, run->series.count, &index, fail) < 0)
        return fail->code;
    struct tacho_run_series *series = &run->series.items[index];
    series->flags |= record->flags;
    tacho_run_series_push(series, run_time(run, record), record->sample.value);
    return 0;
}

uint32_t tacho_run_module_add(struct tacho_run *run, const char *path, const char *build_id)
{
    path = keep(run, path);
    build_id = keep(run, build_id);
    bool added;
    uint64_t *index =
        tacho_map_put(&run->module_index, hash_text(path, hash_text(build_id, 1)), &added);
    if (added) {
        *index = run->modules.count;
        tacho_array_push(&run->modules, (struct tacho_run_module){path, build_id});
    }
    return (uint32_t)*index;
}

uint32_t tacho_run_frame_add(struct tacho_run *run, uint32_t module, uint64_t address,
                             uint32_t flags)
{
    bool added;
    uint64_t key = tacho_hash_u64(address) ^ tacho_hash_u64(UINT64_C(0x9e3779b97f4a7c15) + module);
    uint64_t *index = tacho_map_put(&run->frame_index, key, &added);
    if (added) {
        *index = run->frames.count;
        tacho_array_push(&run->frames, (struct tacho_run_frame){.module = module,
                                                                .address = address,
                                                                .function = keep(run, ""),
                                                                .file = keep(run, ""),
                                                                .flags = flags,
                                                                .caller = TACHO_NO_INDEX});
    }
    return (uint32_t)*index;
}

// Two places with one name but other callers are two frames: each is one chain of inlined
// functions.
static uint32_t frame_add_text(struct tacho_run *run, struct tacho_run_frame frame)
{
    frame.function = keep(run, frame.function);
    frame.file = keep(run, frame.file);
    frame.flags |= TACHO_FRAME_SYMBOLISED;
    bool added;
    uint64_t seed = ((uint64_t)frame.module << 32 | frame.line) + 2;
    if (frame.caller != TACHO_NO_INDEX)
        seed = tacho_hash_u64(seed) ^ frame.caller;
    uint64_t key = hash_text(frame.function, hash_text(frame.file, seed));
    uint64_t *index = tacho_map_put(&run->frame_index, key, &added);
    if (added) {
        *index = run->frames.count;
        tacho_array_push(&run->frames, frame);
    }
    return (uint32_t)*index;
}

uint32_t tacho_run_frame_add_named(struct tacho_run *run, const char *function, const char *file,
                                   uint32_t line, uint32_t module, uint32_t flags)
{
    return frame_add_text(run, (struct tacho_run_frame){.module = module,
                                                        .function = function,
                                                        .file = file,
                                                        .line = line,
                                                        .flags = flags,
                                                        .caller = TACHO_NO_INDEX});
}

uint32_t tacho_run_frame_add_inlined(struct tacho_run *run, const char *function, const char *file,
                                     uint32_t line, uint32_t module, uint32_t caller)
{
    return frame_add_text(run, (struct tacho_run_frame){.module = module,
                                                        .function = function,
                                                        .file = file,
                                                        .line = line,
                                                        .flags = TACHO_FRAME_INLINED,
                                                        .caller = caller});
}

uint32_t tacho_run_node_add(struct tacho_run *run, uint32_t parent, uint32_t frame)
{
    bool added;
    uint64_t *index = tacho_map_put(&run->node_index, (uint64_t)parent << 32 | frame, &added);
    if (added) {
        *index = run->nodes.count;
        tacho_array_push(&run->nodes, (struct tacho_run_node){parent, frame});
    }
    return (uint32_t)*index;
}

void tacho_run_zones_name(struct tacho_run *run)
{
    for (size_t i = 0; i < run->zones.count; i++) {
        struct tacho_run_zone *zone = &run->zones.items[i];
        if (zone->frame >= run->frames.count || *zone->name)
            continue;
        const struct tacho_run_frame *frame = &run->frames.items[zone->frame];
        zone->name = zone->function = frame->function;
        zone->file = frame->file;
        zone->line = frame->line;
    }
}

// The frame of an address of a process, by the maps known now.
static uint32_t frame_of(struct tacho_run *run, uint32_t pid, uint64_t address, bool is_kernel)
{
    if (is_kernel) {
        uint32_t module = tacho_run_module_add(run, "[kernel]", "");
        return tacho_run_frame_add(run, module, address, TACHO_FRAME_KERNEL);
    }
    struct tacho_space_place place;
    if (!tacho_spaces_find(run->spaces, pid, address, &place)) {
        uint32_t module = tacho_run_module_add(run, "[unmapped]", "");
        return tacho_run_frame_add(run, module, address, 0);
    }
    bool is_jit = strncmp(run->modules.items[place.module].path, "[jit ", 5) == 0;
    return tacho_run_frame_add(run, place.module, is_jit ? address : place.address,
                               is_jit ? TACHO_FRAME_JIT : 0);
}

static int put_zone(struct tacho_run *run, const struct tacho_record *record)
{
    const struct tacho_zone_info *info = &record->zone;
    uint32_t frame = TACHO_NO_INDEX;
    if (info->address)
        frame = frame_of(run, info->pid, info->address, false);
    const char *name = info->name ? info->name : "", *file = info->file ? info->file : "";
    uint64_t key = hash_text(name, hash_text(file, ((uint64_t)frame << 32 | info->line) + 3));
    bool added;
    uint64_t *index = tacho_map_put(&run->zone_index, key, &added);
    if (added) {
        *index = run->zones.count;
        tacho_array_push(&run->zones, (struct tacho_run_zone){.name = keep(run, name),
                                                              .file = keep(run, file),
                                                              .function = keep(run, info->function),
                                                              .line = info->line,
                                                              .frame = frame});
    }
    id_set(run, info->id, *index);
    return 0;
}

// Rooms double, so that a histogram that fills up slowly does not fill the arena with its old
// copies.
static uint32_t room_for(uint32_t count)
{
    uint32_t room = 0;
    while (room < count)
        room = room ? room * 2 : 16;
    return room;
}

static int put_zone_stats(struct tacho_run *run, const struct tacho_record *record,
                          struct tacho_fail *fail)
{
    const struct tacho_zone_stats *from = &record->zone_stats;
    uint32_t zone, thread;
    if (id_need(run, from->zone, run->zones.count, &zone, fail) < 0 ||
        id_need(run, from->thread, run->threads.count, &thread, fail) < 0)
        return fail->code;
    bool added;
    uint64_t *index = tacho_map_put(&run->stats_index, (uint64_t)zone << 32 | thread, &added);
    if (added) {
        *index = run->zone_stats.count;
        tacho_array_push(&run->zone_stats, (struct tacho_run_zone_stats){0});
    }
    struct tacho_run_zone_stats *stats = &run->zone_stats.items[*index];
    struct tacho_histogram_bucket *buckets = (void *)stats->buckets;
    uint32_t room = room_for(stats->bucket_count);
    if (from->bucket_count > room)
        buckets = tacho_arena_take(&run->arena, room_for(from->bucket_count) * sizeof *buckets);
    if (from->bucket_count)
        memcpy(buckets, from->buckets, from->bucket_count * sizeof *buckets);
    *stats = (struct tacho_run_zone_stats){
        .zone = zone,
        .thread = thread,
        .count = from->count,
        .errors = from->errors,
        .total_ns = from->total_ns,
        .self_ns = from->self_ns,
        .min_ns = from->min_ns,
        .max_ns = from->max_ns,
        .last_ns = from->last_ns,
        .sub_bucket_bits = from->sub_bucket_bits,
        .bucket_count = from->bucket_count,
        .sampled_one_in = from->sampled_one_in ? from->sampled_one_in : 1,
        .buckets = buckets,
    };
    return 0;
}

static int put_span(struct tacho_run *run, const struct tacho_record *record,
                    struct tacho_fail *fail)
{
    const struct tacho_span *from = &record->span;
    uint32_t zone, thread;
    if (id_need(run, from->zone, run->zones.count, &zone, fail) < 0 ||
        id_need(run, from->thread, run->threads.count, &thread, fail) < 0)
        return fail->code;
    int64_t begin = host_time(run, record->clock, record->time);
    int64_t end = host_time(run, record->clock, record->time + from->duration_ticks);
    int64_t self = from->self_ticks;
    if (self > 0 && from->duration_ticks > 0)
        self =
            (int64_t)llround((double)(end - begin) * (double)self / (double)from->duration_ticks);
    tacho_array_push(&run->spans,
                     (struct tacho_run_span){.zone = zone,
                                             .thread = thread,
                                             .begin_ns = begin - run->info.start_host_ns,
                                             .duration_ns = end - begin,
                                             .self_ns = self,
                                             .depth = from->depth,
                                             .status = from->status});
    return 0;
}

static int put_event(struct tacho_run *run, const struct tacho_record *record)
{
    const struct tacho_event_info *from = &record->event;
    uint32_t thread = from->thread ? id_index(run, from->thread) : TACHO_NO_INDEX;
    tacho_array_push(&run->events, (struct tacho_run_event){.name = keep(run, from->name),
                                                            .text = keep(run, from->text),
                                                            .thread = thread,
                                                            .time_ns = run_time(run, record),
                                                            .value = from->value});
    return 0;
}

// Adds the frames of one native address, or of the names that replace it, below `node`.
static uint32_t add_frames(struct tacho_run *run, const struct tacho_stack *stack, uint16_t at,
                           uint32_t node)
{
    bool replaced = false;
    for (uint16_t i = stack->named_count; i-- > 0;) {
        const struct tacho_stack_name *named = &stack->named[i];
        if (named->at != at)
            continue;
        uint32_t frame =
            tacho_run_frame_add_named(run, named->function, named->file ? named->file : "",
                                      named->line, TACHO_NO_INDEX, TACHO_FRAME_INTERPRETED);
        node = tacho_run_node_add(run, node, frame);
        replaced = true;
    }
    if (replaced)
        return node;
    // A caller's address is where it goes on; the byte before belongs to the call itself.
    bool is_interrupted = at == 0 || at == stack->kernel_count;
    uint64_t address = stack->addresses[at] - (is_interrupted ? 0 : 1);
    return tacho_run_node_add(run, node,
                              frame_of(run, stack->pid, address, at < stack->kernel_count));
}

static int put_stack(struct tacho_run *run, const struct tacho_record *record,
                     struct tacho_fail *fail)
{
    const struct tacho_stack *stack = &record->stack;
    uint32_t profile, thread;
    if (id_need(run, stack->profile, run->profiles.count, &profile, fail) < 0 ||
        id_need(run, stack->thread, run->threads.count, &thread, fail) < 0)
        return fail->code;
    uint32_t node = TACHO_NO_INDEX;
    for (uint16_t at = stack->count; at-- > 0;)
        node = add_frames(run, stack, at, node);
    if (node == TACHO_NO_INDEX) { // no address at all
        uint32_t frame = tacho_run_frame_add_named(run, "[no stack]", "", 0, TACHO_NO_INDEX, 0);
        node = tacho_run_node_add(run, TACHO_NO_INDEX, frame);
    }
    tacho_array_push(&run->profiles.items[profile].samples,
                     (struct tacho_run_profile_sample){.time_ns = run_time(run, record),
                                                       .thread = thread,
                                                       .node = node,
                                                       .weight = stack->weight,
                                                       .flags = stack->flags});
    return 0;
}

static int put_map(struct tacho_run *run, const struct tacho_record *record)
{
    const struct tacho_map_info *map = &record->map;
    if (!map->path) {
        tacho_spaces_clear(run->spaces, map->pid);
        return 0;
    }
    char hex[2 * 64 + 1] = "";
    uint32_t size = map->build_id ? map->build_id_size : 0;
    for (uint32_t i = 0; i < size && i < 64; i++) {
        static const char digits[] = "0123456789abcdef";
        hex[2 * i] = digits[map->build_id[i] >> 4];
        hex[2 * i + 1] = digits[map->build_id[i] & 15];
    }
    const char *path = map->path;
    char jit[32];
    bool anonymous = !*path || strcmp(path, "//anon") == 0 || strncmp(path, "[heap]", 6) == 0 ||
                     strncmp(path, "[anon", 5) == 0 || strncmp(path, "/memfd:", 7) == 0;
    if (anonymous && map->executable) { // code that a program made: a JIT's
        char *end = jit + sizeof jit - 1;
        *end = '\0';
        *--end = ']';
        uint32_t rest = map->pid;
        do
            *--end = (char)('0' + rest % 10);
        while (rest /= 10);
        end -= 5;
        memcpy(end, "[jit ", 5);
        path = end;
    }
    uint32_t module = tacho_run_module_add(run, path, hex);
    tacho_spaces_map(run->spaces, map->pid, map->start, map->end, map->offset, module);
    return 0;
}

static int put_note(struct tacho_run *run, const struct tacho_record *record)
{
    const struct tacho_note *from = &record->note;
    const char *subject = keep(run, from->subject), *text = keep(run, from->text);
    for (size_t i = 0; i < run->notes.count;
         i++) { // the same remark again: the latest value counts
        struct tacho_run_note *note = &run->notes.items[i];
        if (note->kind == from->kind && note->subject == subject && note->text == text) {
            note->value = from->value;
            return 0;
        }
    }
    tacho_array_push(&run->notes, (struct tacho_run_note){from->kind, subject, text, from->value});
    return 0;
}

static int put_thread(struct tacho_run *run, const struct tacho_record *record)
{
    const struct tacho_thread_info *from = &record->thread;
    uint32_t index = id_index(run, from->id);
    if (index >= run->threads.count) {
        // Two sources may describe the same thread: the later joins the earlier, unless that ended.
        bool added;
        uint64_t *known =
            tacho_map_put(&run->thread_index, (uint64_t)from->pid << 32 | from->tid, &added);
        if (added ||
            (run->threads.items[*known].end_ns != INT64_MIN && from->start_ns &&
             from->start_ns - run->info.start_host_ns > run->threads.items[*known].end_ns)) {
            *known = run->threads.count;
            const char *none = keep(run, "");
            tacho_array_push(&run->threads, (struct tacho_run_thread){.pid = from->pid,
                                                                      .tid = from->tid,
                                                                      .name = none,
                                                                      .command = none,
                                                                      .start_ns = INT64_MIN,
                                                                      .end_ns = INT64_MIN});
            if (from->pid == from->tid && from->parent_pid)
                tacho_spaces_fork(run->spaces, from->parent_pid, from->pid);
        }
        index = (uint32_t)*known;
        id_set(run, from->id, index);
    }
    struct tacho_run_thread *thread = &run->threads.items[index];
    if (from->parent_pid)
        thread->parent_pid = from->parent_pid;
    if (from->name)
        thread->name = keep(run, from->name);
    if (from->command)
        thread->command = keep(run, from->command);
    if (from->start_ns)
        thread->start_ns = from->start_ns - run->info.start_host_ns;
    if (from->end_ns)
        thread->end_ns = from->end_ns - run->info.start_host_ns;
    if (from->has_exit) {
        thread->has_exit = true;
        thread->exit_status = from->exit_status;
    }
    return 0;
}

static int put_environment(struct tacho_run *run, const struct tacho_record *record)
{
    const char *key = keep(run, record->environment.key);
    const char *value = keep(run, record->environment.value);
    for (size_t i = 0; i < run->environment.count; i++) {
        if (run->environment.items[i].key == key) {
            run->environment.items[i].value = value;
            return 0;
        }
    }
    tacho_array_push(&run->environment, (struct tacho_run_environment){key, value});
    return 0;
}

static int put_profile(struct tacho_run *run, const struct tacho_record *record)
{
    const struct tacho_profile_info *from = &record->profile;
    uint32_t index = id_index(run, from->id);
    if (index >= run->profiles.count) {
        index = (uint32_t)run->profiles.count;
        id_set(run, from->id, index);
        tacho_array_push(&run->profiles, (struct tacho_run_profile){0});
    }
    struct tacho_run_profile *profile = &run->profiles.items[index];
    profile->name = keep(run, from->name);
    profile->unit = keep(run, from->unit);
    profile->sampler = keep(run, from->sampler);
    profile->period = from->period;
    profile->rate_hz = from->rate_hz;
    return 0;
}

static int put(struct tacho_sink *sink, const struct tacho_record *record, struct tacho_fail *fail)
{
    struct tacho_run *run = (struct tacho_run *)sink; // the sink is the first member
    switch ((enum tacho_record_kind)record->kind) {
    case TACHO_RECORD_CLOCK:
        return put_clock(run, record, fail);
    case TACHO_RECORD_METRIC:
        return put_metric(run, record);
    case TACHO_RECORD_SAMPLE:
        return put_sample(run, record, fail);
    case TACHO_RECORD_ZONE:
        return put_zone(run, record);
    case TACHO_RECORD_ZONE_STATS:
        return put_zone_stats(run, record, fail);
    case TACHO_RECORD_SPAN:
        return put_span(run, record, fail);
    case TACHO_RECORD_EVENT:
        return put_event(run, record);
    case TACHO_RECORD_STACK:
        return put_stack(run, record, fail);
    case TACHO_RECORD_MAP:
        return put_map(run, record);
    case TACHO_RECORD_NOTE:
        return put_note(run, record);
    case TACHO_RECORD_THREAD:
        return put_thread(run, record);
    case TACHO_RECORD_ENVIRONMENT:
        return put_environment(run, record);
    case TACHO_RECORD_PROFILE:
        return put_profile(run, record);
    case TACHO_RECORD_NONE:
        break;
    }
    return tacho_fail_set(fail, TACHO_ERR_FORMAT, "a record of unknown kind %u", record->kind);
}

void tacho_run_init(struct tacho_run *run)
{
    *run = (struct tacho_run){.sink = {put}, .spaces = tacho_spaces_new()};
    const char *none = keep(run, "");
    run->info = (struct tacho_run_info){
        .id = none, .name = none, .target = none, .command = none, .version = none};
}

void tacho_run_release(struct tacho_run *run)
{
    for (size_t i = 0; i < run->series.count; i++) {
        free(run->series.items[i].time_ns);
        free(run->series.items[i].value);
        free(run->series.items[i].low);
        free(run->series.items[i].high);
    }
    for (size_t i = 0; i < run->profiles.count; i++)
        tacho_array_release(&run->profiles.items[i].samples);
    tacho_array_release(&run->clocks);
    tacho_array_release(&run->threads);
    tacho_array_release(&run->series);
    tacho_array_release(&run->zones);
    tacho_array_release(&run->zone_stats);
    tacho_array_release(&run->spans);
    tacho_array_release(&run->events);
    tacho_array_release(&run->notes);
    tacho_array_release(&run->environment);
    tacho_array_release(&run->modules);
    tacho_array_release(&run->frames);
    tacho_array_release(&run->nodes);
    tacho_array_release(&run->profiles);
    tacho_strings_release(&run->strings);
    tacho_arena_release(&run->arena);
    struct tacho_map *const maps[] = {&run->ids,        &run->module_index, &run->frame_index,
                                      &run->node_index, &run->stats_index,  &run->thread_index,
                                      &run->zone_index, &run->series_index};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        tacho_map_release(maps[i]);
    tacho_spaces_free(run->spaces);
    run->spaces = NULL;
}

const struct tacho_run_series *tacho_run_series_find(const struct tacho_run *run, const char *name,
                                                     const char *subject)
{
    for (size_t i = 0; i < run->series.count; i++) {
        const struct tacho_run_series *series = &run->series.items[i];
        if (strcmp(series->name, name) == 0 && strcmp(series->subject, subject) == 0)
            return series;
    }
    return NULL;
}

const char *tacho_run_environment_find(const struct tacho_run *run, const char *key)
{
    for (size_t i = 0; i < run->environment.count; i++)
        if (strcmp(run->environment.items[i].key, key) == 0)
            return run->environment.items[i].value;
    return NULL;
}
