// Keeps what a sampler knows of processes and threads.
#include "capture/sampler_table.h"

#include <stdlib.h>
#include <string.h>

static void thread_free(struct tacho_sampled_thread *thread)
{
    free(thread->wait.addresses);
    free(thread);
}

static void process_free(struct tacho_sampled_process *process)
{
    tacho_space_release(&process->space);
    tacho_python_free(process->python);
    free(process);
}

void tacho_sampler_table_release(struct tacho_sampler_table *table)
{
    size_t at = 0;
    uint64_t key, value;
    while (tacho_map_next(&table->threads, &at, &key, &value))
        thread_free((struct tacho_sampled_thread *)(uintptr_t)value);
    at = 0;
    while (tacho_map_next(&table->processes, &at, &key, &value))
        process_free((struct tacho_sampled_process *)(uintptr_t)value);
    tacho_python_layouts_free(table->layouts);
    tacho_map_release(&table->threads);
    tacho_map_release(&table->processes);
}

static struct tacho_sampled_process *process_find(const struct tacho_sampler_table *table,
                                                  pid_t pid)
{
    const uint64_t *slot = tacho_map_get(&table->processes, (uint64_t)pid);
    return slot ? (struct tacho_sampled_process *)(uintptr_t)*slot : NULL;
}

static struct tacho_sampled_process *process_of(struct tacho_sampler_table *table, pid_t pid,
                                                struct tacho_fail *fail)
{
    struct tacho_sampled_process *process = process_find(table, pid);
    if (process)
        return process;
    process = calloc(1, sizeof *process);
    if (!process) {
        tacho_fail_set(fail, TACHO_ERR_MEMORY, "no memory for process %d", pid);
        return NULL;
    }
    process->space.pid = pid;
    *tacho_map_put(&table->processes, (uint64_t)pid, NULL) = (uint64_t)(uintptr_t)process;
    return process;
}

struct tacho_sampled_thread *tacho_sampler_table_find(const struct tacho_sampler_table *table,
                                                      pid_t tid)
{
    const uint64_t *slot = tacho_map_get(&table->threads, (uint64_t)tid);
    return slot ? (struct tacho_sampled_thread *)(uintptr_t)*slot : NULL;
}

static int push_thread(const struct tacho_sampler_table *table,
                       const struct tacho_thread_info *info, int64_t time_ns,
                       struct tacho_fail *fail)
{
    struct tacho_record record = {
        .kind = TACHO_RECORD_THREAD, .clock = TACHO_CLOCK_HOST, .time = time_ns, .thread = *info};
    return tacho_sink_put(table->sink, &record, fail);
}

struct tacho_sampled_thread *tacho_sampler_table_thread(struct tacho_sampler_table *table,
                                                        pid_t pid, pid_t tid, pid_t parent,
                                                        int64_t start_ns, struct tacho_fail *fail)
{
    struct tacho_sampled_thread *thread = tacho_sampler_table_find(table, tid);
    struct tacho_thread_info info = {.pid = (uint32_t)pid,
                                     .tid = (uint32_t)tid,
                                     .parent_pid = pid == tid ? (uint32_t)parent : 0,
                                     .start_ns = start_ns};
    if (thread)
        return thread;
    struct tacho_sampled_process *process = process_of(table, pid, fail);
    thread = process ? calloc(1, sizeof *thread) : NULL;
    if (!thread) {
        tacho_fail_set(fail, TACHO_ERR_MEMORY, "no memory for thread %d", tid);
        return NULL;
    }
    thread->pid = pid;
    thread->tid = tid;
    thread->record_id = info.id = tacho_record_id_new();
    thread->process = process;
    process->thread_count++;
    *tacho_map_put(&table->threads, (uint64_t)tid, NULL) = (uint64_t)(uintptr_t)thread;
    return push_thread(table, &info, start_ns, fail) < 0 ? NULL : thread;
}

static void forget(struct tacho_sampler_table *table, struct tacho_sampled_thread *thread)
{
    struct tacho_sampled_process *process = thread->process;
    tacho_map_remove(&table->threads, (uint64_t)thread->tid);
    if (--process->thread_count == 0) {
        tacho_map_remove(&table->processes, (uint64_t)thread->pid);
        process_free(process);
    }
    thread_free(thread);
}

int tacho_sampler_table_fork(struct tacho_sampler_table *table, pid_t pid, pid_t parent_pid,
                             pid_t tid, int64_t time_ns, struct tacho_fail *fail)
{
    struct tacho_sampled_thread *thread = tacho_sampler_table_find(table, tid);
    if (thread && thread->pid != pid) // the number is used again and the exit record was lost
        forget(table, thread);
    bool is_new = !process_find(table, pid);
    thread = tacho_sampler_table_thread(table, pid, tid, parent_pid, time_ns, fail);
    if (!thread)
        return fail->code;
    const struct tacho_sampled_process *parent = process_find(table, parent_pid);
    if (is_new && parent && parent != thread->process) {
        tacho_space_copy(&thread->process->space, &parent->space);
        thread->process->python = tacho_python_fork(parent->python, pid);
        thread->process->has_unpushed_maps = true;
    }
    return 0;
}

static int push_map(const struct tacho_sampler_table *table, pid_t pid,
                    const struct tacho_space_map *map, struct tacho_fail *fail)
{
    struct tacho_record record = {.kind = TACHO_RECORD_MAP, .clock = TACHO_CLOCK_HOST};
    record.map = (struct tacho_map_info){.pid = (uint32_t)pid, .executable = true};
    if (map) {
        record.map.start = map->start;
        record.map.end = map->end;
        record.map.offset = map->offset;
        record.map.path = map->path;
        record.map.build_id = map->build_id_size ? map->build_id : NULL;
        record.map.build_id_size = map->build_id_size;
    }
    return tacho_sink_put(table->sink, &record, fail);
}

int tacho_sampler_table_push_maps(struct tacho_sampler_table *table,
                                  struct tacho_sampled_process *process, struct tacho_fail *fail)
{
    process->has_unpushed_maps = false;
    for (size_t i = 0; i < process->space.maps.count; i++)
        if (push_map(table, process->space.pid, &process->space.maps.items[i], fail) < 0)
            return fail->code;
    return 0;
}

int tacho_sampler_table_name(struct tacho_sampler_table *table, pid_t pid, pid_t tid,
                             const char *name, bool is_exec, struct tacho_fail *fail)
{
    struct tacho_sampled_thread *thread = tacho_sampler_table_thread(table, pid, tid, 0, 0, fail);
    if (!thread)
        return fail->code;
    if (is_exec) {
        thread->process->space.maps.count = 0;
        thread->process->space.watch_size = 0;
        tacho_python_free(thread->process->python);
        thread->process->python = NULL;
        thread->process->has_unpushed_maps = false;
        if (push_map(table, pid, NULL, fail) < 0)
            return fail->code;
    }
    struct tacho_thread_info info = {
        .id = thread->record_id, .pid = (uint32_t)pid, .tid = (uint32_t)tid, .name = name};
    return push_thread(table, &info, 0, fail);
}

int tacho_sampler_table_exit(struct tacho_sampler_table *table, pid_t tid, int64_t time_ns,
                             struct tacho_fail *fail)
{
    struct tacho_sampled_thread *thread = tacho_sampler_table_find(table, tid);
    if (!thread)
        return 0;
    struct tacho_thread_info info = {.id = thread->record_id,
                                     .pid = (uint32_t)thread->pid,
                                     .tid = (uint32_t)tid,
                                     .end_ns = time_ns};
    forget(table, thread);
    return push_thread(table, &info, time_ns, fail);
}

static void find_python(struct tacho_sampler_table *table, struct tacho_sampled_process *process,
                        const struct tacho_space_map *map)
{
    if (!process->python)
        process->python = tacho_python_new(&process->space, map, &table->layouts);
    if (process->python)
        table->has_python = table->is_learning_python = true;
}

int tacho_sampler_table_map(struct tacho_sampler_table *table, pid_t pid,
                            struct tacho_space_map *map, struct tacho_fail *fail)
{
    struct tacho_sampled_process *process = process_of(table, pid, fail);
    if (!process)
        return fail->code;
    tacho_modules_identify(&table->unwinder->modules, map);
    tacho_space_add(&process->space, map);
    find_python(table, process, map);
    return process->has_unpushed_maps ? 0 : push_map(table, pid, map, fail);
}

int tacho_sampler_table_read_maps(struct tacho_sampler_table *table, pid_t pid,
                                  struct tacho_fail *fail)
{
    struct tacho_sampled_process *process = process_of(table, pid, fail);
    if (!process || tacho_space_read(&process->space, &table->unwinder->modules, fail) < 0)
        return fail->code;
    process->has_unpushed_maps = true;
    for (size_t i = 0; i < process->space.maps.count; i++)
        find_python(table, process, &process->space.maps.items[i]);
    return 0;
}
