// Turns what the kernel's performance events wrote into stacks, maps and threads.
#include "capture/sampler_perf.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/time.h"
#include "capture/sampler_state.h"
#include "unwind/cursor.h"

#define STACK_BYTES_MIN ((uint32_t)8 << 10)
#define STACK_BYTES_FULL                                                                           \
    ((uint32_t)32 << 10) // what is not there is not copied, so much costs little
#define STACK_BYTES_MAX     ((uint32_t)63 << 10) // a record's size has 16 bits
#define RING_SECONDS        0.12                 // how long a ring lasts without being read
#define RING_SECONDS_MIN    0.06                 // if that means smaller copies, down to this
#define RING_BYTES_MIN      ((size_t)512 << 10)  // what every user may lock for each CPU
#define RING_BYTES_MAX      ((size_t)4 << 20)
#define RINGS_BYTES_MAX     ((size_t)64 << 20)
#define OFF_CPU_STACK_BYTES ((uint32_t)8 << 10) // a switch is short, so its copy is too
#define RING_BYTES_OFF_CPU  ((size_t)4 << 20)
#define ADAPT_SAMPLES       200   // how many stacks a decision needs
#define ADAPT_SHARE         0.005 // of them cut off: then the copies grow
#define FIT_SHARE           0.998 // of the complete stacks fit into a smaller copy
#define SHRINK_HZ           250.0
#define SHRINK_THREADS_MAX  64
#define SCAN_ROUNDS_MAX     16

static struct tacho_perf_config config_of(const struct tacho_sampler *sampler)
{
    const struct tacho_perf_support *support = &sampler->perf.support;
    struct tacho_perf_config config = {.cycles = support->cycles,
                                       .kernel = support->kernel,
                                       .kernel_stacks =
                                           support->kernel && !sampler->config.no_kernel,
                                       .rate_hz = sampler->config.rate_hz,
                                       .stack_bytes = STACK_BYTES_FULL};
    if (sampler->config.stack_bytes)
        config.stack_bytes = (uint32_t)(sampler->config.stack_bytes & ~(size_t)7);
    if (config.stack_bytes > STACK_BYTES_MAX)
        config.stack_bytes = STACK_BYTES_MAX;
    return config;
}

static size_t ring_bytes(const struct tacho_perf_config *config)
{
    double wanted = config->rate_hz * config->stack_bytes * RING_SECONDS;
    size_t share = RINGS_BYTES_MAX / (size_t)sysconf(_SC_NPROCESSORS_CONF);
    size_t bytes = RING_BYTES_MIN;
    while (bytes < RING_BYTES_MAX && bytes * 2 <= share && (double)bytes < wanted)
        bytes *= 2;
    return bytes;
}

// The rings may have come out smaller than asked for: then each stack gets less of them.
static void fit_stack_bytes(struct tacho_sampler *sampler)
{
    struct tacho_perf_config *config = &sampler->perf.events.config;
    const struct tacho_perf_rings *rings = &sampler->perf.rings;
    double size = (double)rings->items.items[rings->items.count - 1].size;
    while (!sampler->config.stack_bytes && config->stack_bytes > STACK_BYTES_MIN &&
           config->rate_hz * config->stack_bytes * RING_SECONDS_MIN > size)
        config->stack_bytes /= 2;
    sampler->counts.stack_bytes = config->stack_bytes;
}

// --- records of the rings ---

static int take_fork(struct tacho_sampler *sampler, struct tacho_cursor *cursor, uint64_t id,
                     struct tacho_fail *fail)
{
    pid_t pid = (pid_t)tacho_cursor_u32(cursor), parent = (pid_t)tacho_cursor_u32(cursor);
    pid_t tid = (pid_t)tacho_cursor_u32(cursor);
    (void)tacho_cursor_u32(cursor);
    int64_t time_ns = (int64_t)tacho_cursor_u64(cursor);
    const uint64_t *mark = tacho_map_get(&sampler->perf.marks, id);
    struct tacho_sampled_thread *thread;
    if (cursor->bad)
        return 0;
    if (tacho_sampler_table_fork(&sampler->table, pid, parent, tid, time_ns, fail) < 0)
        return fail->code;
    thread = tacho_sampler_table_find(&sampler->table, tid);
    if (thread && mark && *mark > thread->mark)
        thread->mark = *mark; // it inherited the events that wrote this
    return 0;
}

static int take_exit(struct tacho_sampler *sampler, struct tacho_cursor *cursor,
                     struct tacho_fail *fail)
{
    (void)tacho_cursor_bytes(cursor, 8);
    pid_t tid = (pid_t)tacho_cursor_u32(cursor);
    (void)tacho_cursor_u32(cursor);
    int64_t time_ns = (int64_t)tacho_cursor_u64(cursor);
    return cursor->bad ? 0 : tacho_sampler_table_exit(&sampler->table, tid, time_ns, fail);
}

static int take_comm(struct tacho_sampler *sampler, struct tacho_cursor *cursor, bool is_exec,
                     struct tacho_fail *fail)
{
    pid_t pid = (pid_t)tacho_cursor_u32(cursor), tid = (pid_t)tacho_cursor_u32(cursor);
    const char *name = (const char *)cursor->at;
    if (cursor->bad || !memchr(name, 0, (size_t)(cursor->end - cursor->at)))
        return 0;
    return tacho_sampler_table_name(&sampler->table, pid, tid, name, is_exec, fail);
}

static int take_mapping(struct tacho_sampler *sampler, struct tacho_cursor *cursor,
                        struct tacho_fail *fail)
{
    struct tacho_space_map map = {0};
    pid_t pid = (pid_t)tacho_cursor_u32(cursor);
    (void)tacho_cursor_u32(cursor);
    map.start = tacho_cursor_u64(cursor);
    map.end = map.start + tacho_cursor_u64(cursor);
    map.offset = tacho_cursor_u64(cursor);
    const uint8_t *identity = tacho_cursor_bytes(cursor, 24);
    (void)tacho_cursor_bytes(cursor, 8); // protection and flags
    const char *path = (const char *)cursor->at;
    if (cursor->bad || !identity || map.end < map.start ||
        !memchr(path, 0, (size_t)(cursor->end - cursor->at)))
        return 0;
    memcpy(&map.inode, identity + 8, 8); // behind the device
    map.path = tacho_strings_keep(&sampler->unwinder.modules.strings, path);
    return tacho_sampler_table_map(&sampler->table, pid, &map, fail);
}

struct sample {
    const struct tacho_perf_sample_head *head;
    uint64_t period;
    bool has_registers;
    struct tacho_registers registers;
    struct tacho_stack_copy stack;
    size_t kernel_count; // their addresses are in sampler->addresses
};

static void read_kernel_part(struct tacho_sampler *sampler, struct tacho_cursor *cursor,
                             struct sample *sample)
{
    size_t room = sizeof sampler->addresses / sizeof sampler->addresses[0] - TACHO_UNWIND_DEPTH_MAX;
    uint64_t count = tacho_cursor_u64(cursor);
    for (uint64_t i = 0; i < count && !cursor->bad; i++) {
        uint64_t address = tacho_cursor_u64(cursor);
        if (address < (uint64_t)PERF_CONTEXT_MAX && sample->kernel_count < room)
            sampler->addresses[sample->kernel_count++] = address;
    }
}

static bool read_sample(struct tacho_sampler *sampler, const struct perf_event_header *header,
                        const struct tacho_perf_config *config, struct sample *sample)
{
    const uint8_t *bytes = (const uint8_t *)header;
    struct tacho_cursor cursor = {bytes + sizeof *sample->head, bytes + header->size, false};
    memset(sample, 0, sizeof *sample);
    sample->head = (const struct tacho_perf_sample_head *)(const void *)header;
    sample->period = tacho_cursor_u64(&cursor);
    if (config->kernel && config->kernel_stacks)
        read_kernel_part(sampler, &cursor, sample);
    uint64_t abi = tacho_cursor_u64(&cursor);
    if (abi != PERF_SAMPLE_REGS_ABI_NONE) {
        sample->has_registers = abi == PERF_SAMPLE_REGS_ABI_64;
        for (unsigned i = 0; i < TACHO_PERF_REGISTER_COUNT; i++)
            sample->registers.value[tacho_perf_register_order[i]] = tacho_cursor_u64(&cursor);
    }
    uint64_t size = tacho_cursor_u64(&cursor);
    if (size) {
        sample->stack.bytes = tacho_cursor_bytes(&cursor, size);
        sample->stack.size = tacho_cursor_u64(&cursor); // how much of it was readable
        sample->stack.address = sample->registers.value[TACHO_REGISTER_RSP];
        if (sample->stack.size > size)
            cursor.bad = true;
    }
    return !cursor.bad;
}

// Inside a system call the caller's stack was just written to; if it cannot be read, this is an
// exec that has already taken the old program away, and no program is there to blame.
static bool has_program(const struct sample *sample)
{
    bool is_system_call = sample->registers.value[TACHO_REGISTER_RAX] == (uint64_t)-ENOSYS;
    return sample->has_registers &&
           !(sample->kernel_count && sample->stack.size == 0 && is_system_call);
}

// Samples of a generation that is being replaced count until its successor's switch.
static bool counts(const struct tacho_sampler_perf *perf, uint64_t mark, uint64_t time)
{
    if (mark == perf->generation)
        return time >= (uint64_t)perf->switch_ns;
    return mark + 1 == perf->generation && time < (uint64_t)perf->switch_ns;
}

static int hold_wait(struct tacho_sampled_thread *thread, const struct tacho_stack *stack,
                     int64_t time_ns, struct tacho_fail *fail)
{
    struct tacho_sampled_wait *wait = &thread->wait;
    size_t size = stack->count * sizeof *wait->addresses;
    uint64_t *addresses = realloc(wait->addresses, size ? size : sizeof *wait->addresses);
    if (!addresses)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "no memory for a stack");
    memcpy(addresses, stack->addresses, size);
    *wait = (struct tacho_sampled_wait){.since_ns = time_ns,
                                        .count = stack->count,
                                        .kernel_count = stack->kernel_count,
                                        .flags = stack->flags,
                                        .addresses = addresses};
    return 0;
}

// The sizes that copies can have.
static const uint32_t sizes[TACHO_SAMPLER_SIZES] = {2048,  4096,  6144,  8192,
                                                    12288, 16384, 32768, STACK_BYTES_MAX};

// The smallest size that holds so many bytes.
static unsigned size_class(uint64_t bytes)
{
    unsigned i = 0;
    while (i + 1 < TACHO_SAMPLER_SIZES && sizes[i] < bytes)
        i++;
    return i;
}

static int take_sample(struct tacho_sampler *sampler, const struct perf_event_header *header,
                       struct tacho_fail *fail)
{
    struct tacho_sampler_perf *perf = &sampler->perf;
    const struct tacho_perf_sample_head *head =
        (const struct tacho_perf_sample_head *)(const void *)header;
    const uint64_t *mark = tacho_map_get(&perf->marks, head->id);
    bool is_off_cpu = mark && *mark == 0;
    struct sample sample;
    struct tacho_stack stack;
    if (!mark || (!is_off_cpu && !counts(perf, *mark, head->time)) ||
        !read_sample(sampler, header, is_off_cpu ? &perf->off_cpu.config : &perf->events.config,
                     &sample))
        return 0;
    struct tacho_sampler_taken taken = {
        .registers = has_program(&sample) ? &sample.registers : NULL,
        .stack = sample.stack,
        .kernel_count = sample.kernel_count,
        .time_ns = (int64_t)head->time,
        .interrupted = head->ip,
        .thread = tacho_sampler_table_thread(&sampler->table, (pid_t)head->pid, (pid_t)head->tid, 0,
                                             0, fail)};
    if (!taken.thread)
        return fail->code;
    enum tacho_unwind_end end = tacho_sampler_walk(sampler, &taken, &stack);
    if (is_off_cpu)
        return hold_wait(taken.thread, &stack, (int64_t)head->time, fail);
    perf->window_samples++;
    perf->cpu_samples++;
    perf->window_stack_end +=
        end == TACHO_UNWIND_STACK_END && sample.stack.size + 8 > perf->events.config.stack_bytes;
    if (end == TACHO_UNWIND_COMPLETE)
        perf->window_used[size_class(sampler->unwinder.stack_used + 8)]++;
    stack.profile = sampler->profile.id;
    stack.weight = (int64_t)sample.period;
    return tacho_sampler_push(sampler, taken.thread, &stack, (int64_t)head->time, fail);
}

// A wait begins with the sample at the switch and ends here, when the thread runs again. Threads
// that were only pushed off the CPU by others do not wait for anything.
static int end_wait(struct tacho_sampler *sampler, struct tacho_sampled_thread *thread,
                    int64_t now_ns, struct tacho_fail *fail)
{
    struct tacho_sampled_wait *wait = &thread->wait;
    struct tacho_stack stack = {.profile = sampler->off_cpu_profile.id,
                                .weight = now_ns - wait->since_ns,
                                .count = wait->count,
                                .kernel_count = wait->kernel_count,
                                .flags = wait->flags,
                                .addresses = wait->addresses};
    int64_t since_ns = wait->since_ns;
    wait->since_ns = 0;
    sampler->counts.off_cpu_samples++;
    return tacho_sampler_push(sampler, thread, &stack, since_ns, fail);
}

static int take_switch(struct tacho_sampler *sampler, const struct perf_event_header *header,
                       const struct tacho_perf_record_id *id, struct tacho_fail *fail)
{
    struct tacho_sampled_thread *thread = tacho_sampler_table_find(&sampler->table, (pid_t)id->tid);
    if (!thread || !thread->wait.since_ns)
        return 0;
    if (!(header->misc & PERF_RECORD_MISC_SWITCH_OUT))
        return end_wait(sampler, thread, (int64_t)id->time, fail);
    if (header->misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT)
        thread->wait.since_ns = 0;
    return 0;
}

static int take_record(struct tacho_sampler *sampler, const struct perf_event_header *header,
                       struct tacho_fail *fail)
{
    const struct tacho_perf_record_id *id = tacho_perf_record_id_of(header);
    const uint8_t *bytes = (const uint8_t *)header;
    struct tacho_cursor cursor = {bytes + sizeof *header, (const uint8_t *)id, false};
    if (header->type == PERF_RECORD_SAMPLE)
        return take_sample(sampler, header, fail);
    if (!id)
        return 0;
    switch (header->type) {
    case PERF_RECORD_FORK:
        return take_fork(sampler, &cursor, id->id, fail);
    case PERF_RECORD_EXIT:
        return take_exit(sampler, &cursor, fail);
    case PERF_RECORD_COMM:
        return take_comm(sampler, &cursor, header->misc & PERF_RECORD_MISC_COMM_EXEC, fail);
    case PERF_RECORD_MMAP2:
        return take_mapping(sampler, &cursor, fail);
    case PERF_RECORD_SWITCH:
        return take_switch(sampler, header, id, fail);
    case PERF_RECORD_LOST:
        (void)tacho_cursor_u64(&cursor);
        sampler->counts.lost += tacho_cursor_u64(&cursor);
        return 0;
    default:
        return 0;
    }
}

int tacho_sampler_perf_drain(struct tacho_sampler *sampler, uint64_t until_ns,
                             struct tacho_fail *fail)
{
    const struct perf_event_header *header;
    tacho_perf_rings_begin(&sampler->perf.rings);
    while ((header = tacho_perf_rings_next(&sampler->perf.rings, until_ns)))
        if (take_record(sampler, header, fail) < 0)
            return fail->code;
    return 0;
}

// --- attaching ---

// One attachment of the newest generation of events to processes that run.
struct attachment {
    struct tacho_sampler *sampler;
    TACHO_ARRAY(pid_t) pids; // also the children that were found on the way
    struct tacho_map seen;   // threads that were looked at once
    bool is_first_round, has_changed;
};

// Adds events to a thread that has none of this generation yet. A thread that appeared while we
// were attaching may have inherited them; its fork record says so, and may still be on its way, so
// the thread is only taken when a second look finds it without one.
static int attach_thread(struct attachment *attachment, pid_t pid, pid_t tid,
                         struct tacho_fail *fail)
{
    struct tacho_sampler *sampler = attachment->sampler;
    struct tacho_sampler_perf *perf = &sampler->perf;
    struct tacho_fail gone = {0};
    struct tacho_sampled_thread *thread =
        tacho_sampler_table_thread(&sampler->table, pid, tid, 0, 0, fail);
    bool added;
    if (!thread)
        return fail->code;
    if (thread->mark >= perf->generation)
        return 0;
    (void)tacho_map_put(&attachment->seen, (uint64_t)tid, &added);
    attachment->has_changed = true;
    if (added && !attachment->is_first_round)
        return 0;
    thread->mark = perf->generation;
    if (tacho_perf_events_add(&perf->events, &perf->rings, tid, false, &perf->marks,
                              perf->generation, &gone) < 0 ||
        (perf->off_cpu.purpose && perf->generation == 1 &&
         tacho_perf_events_add(&perf->off_cpu, &perf->rings, tid, false, &perf->marks, 0, &gone) <
             0)) {
        if (gone.code == TACHO_ERR_NOT_FOUND)
            return 0;
        *fail = gone;
        return fail->code;
    }
    return 0;
}

// Children that a thread of an attached process has already: they belong to the tree.
static int add_children(struct attachment *attachment, pid_t pid, pid_t tid,
                        struct tacho_fail *fail)
{
    char path[64];
    struct tacho_buffer text = {0};
    struct tacho_fail ignored;
    int result = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, tid);
    if (tacho_file_read(path, &text, 0, &ignored) < 0 || !text.size) {
        tacho_buffer_release(&text);
        return 0;
    }
    for (char *at = text.data, *end = NULL; result == 0; at = end) {
        pid_t child = (pid_t)strtol(at, &end, 10);
        if (end == at)
            break;
        if (tacho_map_get(&attachment->sampler->table.processes, (uint64_t)child))
            continue;
        if (!tacho_sampler_table_thread(&attachment->sampler->table, child, child, pid, 0, fail))
            result = fail->code;
        (void)tacho_sampler_table_read_maps(&attachment->sampler->table, child, &ignored);
        tacho_array_push(&attachment->pids, child);
        attachment->has_changed = true;
    }
    tacho_buffer_release(&text);
    return result;
}

static int attach_process(struct attachment *attachment, pid_t pid, struct tacho_fail *fail)
{
    char path[64];
    const struct dirent *entry;
    int result = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *folder = opendir(path);
    if (!folder)
        return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "there is no process %d", pid);
    while (result == 0 && (entry = readdir(folder))) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (tid <= 0)
            continue;
        result = attach_thread(attachment, pid, tid, fail);
        if (result == 0)
            result = add_children(attachment, pid, tid, fail);
    }
    closedir(folder);
    return result;
}

// Two events for each thread and CPU need many files; only this process' limit is raised, and no
// child of it is started after that.
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int attach_processes(struct tacho_sampler *sampler, const pid_t *pids, size_t count,
                            struct tacho_fail *fail)
{
    struct attachment attachment = {
        .sampler = sampler, .is_first_round = true, .has_changed = count > 0};
    int result = 0;
    for (size_t i = 0; i < count; i++)
        tacho_array_push(&attachment.pids, pids[i]);
    raise_file_limit();
    for (unsigned round = 0; attachment.has_changed && result == 0 && round < SCAN_ROUNDS_MAX;
         round++) {
        attachment.is_first_round = round == 0;
        attachment.has_changed = false;
        for (size_t i = 0; i < attachment.pids.count && result == 0; i++) {
            result = attach_process(&attachment, attachment.pids.items[i], fail);
            // One that ended meanwhile, or a child that became another user's: the others count.
            if (result == TACHO_ERR_NOT_FOUND ? sampler->is_started || i >= count
                                              : result == TACHO_ERR_PERMISSION && i >= count)
                result = 0;
        }
        if (result == 0)
            result = tacho_sampler_perf_drain(sampler, UINT64_MAX, fail);
    }
    tacho_array_release(&attachment.pids);
    tacho_map_release(&attachment.seen);
    return result;
}

static int start_child(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    struct tacho_sampler_perf *perf = &sampler->perf;
    struct tacho_sampled_thread *thread =
        tacho_sampler_table_thread(&sampler->table, sampler->child, sampler->child, 0, 0, fail);
    if (!thread || tacho_perf_events_add(&perf->events, &perf->rings, sampler->child, true,
                                         &perf->marks, perf->generation, fail) < 0)
        return fail->code;
    thread->mark = perf->generation;
    if (perf->off_cpu.purpose && tacho_perf_events_add(&perf->off_cpu, &perf->rings, sampler->child,
                                                       true, &perf->marks, 0, fail) < 0)
        return fail->code;
    return 0;
}

int tacho_sampler_perf_start(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    struct tacho_sampler_perf *perf = &sampler->perf;
    perf->events.purpose = TACHO_PERF_CPU;
    perf->events.config = config_of(sampler);
    perf->generation = 1;
    if (tacho_perf_rings_open(&perf->rings, ring_bytes(&perf->events.config), fail) < 0)
        return fail->code;
    fit_stack_bytes(sampler);
    sampler->source.fd = perf->rings.epoll_fd;
    if (sampler->config.off_cpu && perf->support.off_cpu) {
        perf->off_cpu.purpose = TACHO_PERF_OFF_CPU;
        perf->off_cpu.config = perf->events.config;
        perf->off_cpu.config.stack_bytes = OFF_CPU_STACK_BYTES;
        struct tacho_fail too_little = {0}; // then both share the first set
        if (tacho_perf_rings_add(&perf->rings, RING_BYTES_OFF_CPU, &too_little) == 0)
            perf->off_cpu.ring_set = 1;
    }
    if (sampler->child && start_child(sampler, fail) < 0)
        return fail->code;
    for (size_t i = 0; i < sampler->config.pid_count; i++)
        if (tacho_sampler_table_read_maps(&sampler->table, sampler->pids[i], fail) < 0)
            return fail->code;
    return attach_processes(sampler, sampler->pids, sampler->config.pid_count, fail);
}

// --- fitting the copies to the stacks ---

// Replaces the events by ones with copies of another size; the old ones stay where that is refused.
static void resize(struct tacho_sampler *sampler, uint32_t stack_bytes, struct tacho_fail *fail)
{
    struct tacho_sampler_perf *perf = &sampler->perf;
    struct tacho_perf_events old = perf->events;
    TACHO_ARRAY(pid_t) pids = {0};
    size_t at = 0;
    uint64_t pid, process;
    while (tacho_map_next(&sampler->table.processes, &at, &pid, &process))
        tacho_array_push(&pids, (pid_t)pid);
    memset(&perf->events.fds, 0, sizeof perf->events.fds);
    perf->events.config.stack_bytes = stack_bytes;
    perf->generation++;
    perf->switch_ns = INT64_MAX; // until every thread has the new events, the old ones count
    if (attach_processes(sampler, pids.items, pids.count, fail) < 0) {
        perf->cannot_change = true;
        tacho_perf_events_close(&perf->events);
        perf->events = old;
        perf->generation--;
        perf->switch_ns = 0;
    } else {
        perf->switch_ns = tacho_time_monotonic_ns();
        perf->running_ns += tacho_perf_events_running_ns(&old);
        tacho_perf_events_close(&old);
        sampler->counts.stack_bytes = stack_bytes;
    }
    tacho_array_release(&pids);
}

// The size with some room above what nearly all complete stacks of this window used.
static uint32_t size_that_fits(const struct tacho_sampler_perf *perf)
{
    uint64_t total = 0, seen = 0;
    unsigned i = 0;
    for (unsigned j = 0; j < TACHO_SAMPLER_SIZES; j++)
        total += perf->window_used[j];
    while (i + 1 < TACHO_SAMPLER_SIZES &&
           (double)(seen += perf->window_used[i]) < FIT_SHARE * (double)total)
        i++;
    return sizes[i + 2 < TACHO_SAMPLER_SIZES ? i + 1 : i];
}

// The size that the copies should have now. Copying what no walk looks at costs the program, but
// only at high rates more than changing does.
static uint32_t size_wanted(const struct tacho_sampler *sampler)
{
    const struct tacho_sampler_perf *perf = &sampler->perf;
    uint32_t now = perf->events.config.stack_bytes, fits;
    double samples = (double)perf->window_samples;
    if ((double)perf->window_stack_end > ADAPT_SHARE * samples)
        return now * 2 > STACK_BYTES_MAX ? STACK_BYTES_MAX : now * 2;
    if (perf->has_grown || perf->events.config.rate_hz < SHRINK_HZ ||
        sampler->table.threads.count > SHRINK_THREADS_MAX)
        return now;
    fits = size_that_fits(perf);
    return fits * 2 <= now ? fits : now;
}

int tacho_sampler_perf_adapt(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    struct tacho_sampler_perf *perf = &sampler->perf;
    uint32_t now = perf->events.config.stack_bytes, wanted;
    struct tacho_fail refused = {0};
    if (perf->window_samples < ADAPT_SAMPLES || perf->cannot_change || sampler->config.stack_bytes)
        return 0;
    wanted = size_wanted(sampler);
    perf->window_samples = perf->window_stack_end = 0;
    memset(perf->window_used, 0, sizeof perf->window_used);
    if (wanted == now)
        return 0;
    perf->has_grown |= wanted > now;
    resize(sampler, wanted, &refused);
    if (!perf->cannot_change || wanted < now)
        return 0;
    return tacho_sink_note(sampler->sink, TACHO_NOTE_WARNING, "sampler", NAN, fail,
                           "stacks deeper than %u KiB are cut off: larger copies were refused (%s)",
                           now >> 10, refused.text);
}

int tacho_sampler_perf_finish(struct tacho_sampler *sampler, struct tacho_fail *fail)
{
    struct tacho_sampler_perf *perf = &sampler->perf;
    int64_t now_ns = tacho_time_monotonic_ns();
    size_t at = 0;
    uint64_t tid, value;
    perf->running_ns += tacho_perf_events_running_ns(&perf->events);
    while (tacho_map_next(&sampler->table.threads, &at, &tid, &value)) {
        struct tacho_sampled_thread *thread = (struct tacho_sampled_thread *)(uintptr_t)value;
        if (thread->wait.since_ns && end_wait(sampler, thread, now_ns, fail) < 0)
            return fail->code;
    }
    return 0;
}

void tacho_sampler_perf_close(struct tacho_sampler *sampler)
{
    tacho_perf_events_close(&sampler->perf.events);
    tacho_perf_events_close(&sampler->perf.off_cpu);
    tacho_perf_rings_close(&sampler->perf.rings);
    tacho_map_release(&sampler->perf.marks);
}
