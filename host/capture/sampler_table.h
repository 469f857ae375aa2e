// The processes and threads a sampler knows, with their code maps; describes them to the sink.
#ifndef TACHO_CAPTURE_SAMPLER_TABLE_H
#define TACHO_CAPTURE_SAMPLER_TABLE_H

#include "capture/python_names.h"
#include "run/record.h"
#include "unwind/unwinder.h"

struct tacho_sampled_process {
    struct tacho_space space;
    uint32_t thread_count;
    bool has_unpushed_maps;      // inherited by fork, not yet described to the sink
    struct tacho_python *python; // NULL: it does not run Python
    uint64_t round;              // of the drain that read the Python frames
};

// A wait that is not over: its stack, until the thread runs again.
struct tacho_sampled_wait {
    int64_t since_ns; // 0: none
    uint16_t count, kernel_count, flags;
    uint64_t *addresses;
};

struct tacho_sampled_thread {
    uint32_t record_id; // of its THREAD record
    pid_t pid, tid;
    struct tacho_sampled_process *process;
    struct tacho_sampled_wait wait;
    uint64_t mark; // the newest generation of events that it has
};

struct tacho_sampler_table {
    struct tacho_sink *sink;
    struct tacho_unwinder *unwinder;
    struct tacho_map threads;   // tid: struct tacho_sampled_thread *
    struct tacho_map processes; // pid: struct tacho_sampled_process *
    uint64_t round;             // counts drains
    bool has_python;            // some process runs Python, whose frames do not keep for long
    bool is_learning_python;    // and should be looked at soon after each sample
    struct tacho_python_layout *layouts;
};

void tacho_sampler_table_release(struct tacho_sampler_table *table);

// The thread, made and described to the sink when it was not known; `parent` 0: not known.
struct tacho_sampled_thread *tacho_sampler_table_thread(struct tacho_sampler_table *table,
                                                        pid_t pid, pid_t tid, pid_t parent,
                                                        int64_t start_ns, struct tacho_fail *fail);
struct tacho_sampled_thread *tacho_sampler_table_find(const struct tacho_sampler_table *table,
                                                      pid_t tid);
// A new process begins with the maps of its parent.
int tacho_sampler_table_fork(struct tacho_sampler_table *table, pid_t pid, pid_t parent_pid,
                             pid_t tid, int64_t time_ns, struct tacho_fail *fail);
int tacho_sampler_table_name(struct tacho_sampler_table *table, pid_t pid, pid_t tid,
                             const char *name, bool is_exec, struct tacho_fail *fail);
int tacho_sampler_table_exit(struct tacho_sampler_table *table, pid_t tid, int64_t time_ns,
                             struct tacho_fail *fail);
// Adds a mapping, with its file's build id if it has none yet.
int tacho_sampler_table_map(struct tacho_sampler_table *table, pid_t pid,
                            struct tacho_space_map *map, struct tacho_fail *fail);
// Reads the maps of a process that runs already.
int tacho_sampler_table_read_maps(struct tacho_sampler_table *table, pid_t pid,
                                  struct tacho_fail *fail);
// Before the first stack of a process: what it inherited is described to the sink.
int tacho_sampler_table_push_maps(struct tacho_sampler_table *table,
                                  struct tacho_sampled_process *process, struct tacho_fail *fail);

#endif
