// The inside of the collectors: what is remembered between two samples, and which file does what.
// Only the proc_*.c files include this.
#ifndef TACHO_CAPTURE_PROC_STATE_H
#define TACHO_CAPTURE_PROC_STATE_H

#include "adaptive.h"
#include "base/array.h"
#include "base/map.h"
#include "proc_cgroup.h"
#include "proc_host.h"
#include "proc_read.h"
#include "proc_series.h"
#include "proc_socket.h"
#include "proc_source.h"

#define TACHO_PROC_TEXT_MAX 16384u // no file of /proc that is read whole here is larger

#define TACHO_PROC_FOREIGN_MAX 32

struct tacho_thread {
    uint32_t tid, record;
    bool alive;
    struct tacho_proc_schedstat sched;
    uint64_t switches_voluntary, switches_involuntary;
    double run_seconds;              // since the observation began
    struct tacho_series_set *series; // NULL: has used too little to be shown
};

enum tacho_counted { TACHO_COUNTED_UNKNOWN = 0, TACHO_COUNTED_YES, TACHO_COUNTED_NO };

struct tacho_process {
    pid_t pid, ppid;
    uint64_t start;             // clock ticks since boot; with the pid it names a process for ever
    bool given;                 // asked for by pid, or the command
    bool old;                   // ran before the observation: its counters do not start at zero
    bool over;                  // given and a zombie: nothing more will come
    bool ended;                 // seen as gone; removed at the end of the sample
    enum tacho_counted counted; // of an ended one: whether somebody else has its totals
    bool is_new;                // not read yet
    bool active;                // has run since the last sample
    bool was_active;
    bool touched; // a slower reading has new values
    bool renamed; // its name is not the one that was described
    uint32_t samples;
    bool dirty_detail, dirty_rollup, dirty_threads, dirty_sockets; // has run since that was read
    bool io_refused, rollup_refused, fd_refused;
    uint32_t record; // id of its THREAD record
    int stat_fd, io_fd, children_fd;
    int64_t clock_ns;                                  // its CPU clock, -1: not to be had
    int64_t time_ns;                                   // when the clock was last read
    int64_t read_ns, detail_ns, rollup_ns, threads_ns; // when that was last read
    int64_t limits_ns;
    int64_t held_ns;                        // up to when its values are known to be unchanged
    struct tacho_proc_stat stat, first;     // `first`: of a process that is `old`, else zero
    double cpu_seconds;                     // at time_ns
    uint64_t faults_before, faults_claimed; // see tacho_tree_end
    double children_user, children_system, children_faults_minor, children_faults_major;
    double value[TACHO_AT_COUNT], base[TACHO_AT_COUNT]; // NaN: not known
    TACHO_ARRAY(struct tacho_thread) threads;           // ascending tid
    struct tacho_socket_holder sockets;
    struct tacho_series_set *series; // NULL until seen twice
};

enum tacho_proc_note { // each is said at most once
    TACHO_PROC_NOTE_IO,
    TACHO_PROC_NOTE_ROLLUP,
    TACHO_PROC_NOTE_FD,
    TACHO_PROC_NOTE_IO_WAIT,
    TACHO_PROC_NOTE_MANY_PROCESSES,
    TACHO_PROC_NOTE_MANY_THREADS,
    TACHO_PROC_NOTE_COUNT
};

struct tacho_proc_source {
    struct tacho_source source; // first
    struct tacho_proc_config config;
    struct tacho_sink *sink;
    TACHO_ARRAY(struct tacho_process *) processes;
    struct tacho_map by_pid; // pid to pointer
    TACHO_ARRAY(int) pidfds; // of given pids, all in source.fd
    size_t given_alive;
    int loadavg_fd, own_children_fd;
    int64_t last_pid; // handed out before the last look; -1: /proc has to be listed
    int64_t pid_max;
    int64_t foreign[TACHO_PROC_FOREIGN_MAX]; // the last that were found to belong to others
    size_t foreign_at;
    bool look_again; // some of the newest pids may have been on their way at the last look
    int64_t scan_ns; // when /proc was last listed
    int64_t start_ns, tick_ns, boot_offset_ns; // boot_offset: CLOCK_BOOTTIME - CLOCK_MONOTONIC
    int64_t spent_ns;                          // CPU time of all calls
    double hz;                                 // clock ticks per second
    double page_bytes;
    double cores;
    bool io_wait_counted; // kernel.task_delayacct is on
    bool host_swaps;      // there is swap at all
    size_t fds_open, fds_max;
    size_t reaped_seen;
    struct tacho_map reaped; // pids waited for by the launch whose end was not seen yet
    uint64_t processes_seen, samples;
    size_t process_series, thread_series;
    struct tacho_adaptive adaptive;
    struct tacho_allowance detail, rollup, threads, sockets, scan;
    size_t detail_at, rollup_at, threads_at; // where the last round stopped
    int64_t sockets_ns;
    bool is_last; // the last sample
    int64_t surroundings_ns;
    bool has_run;                    // there are processes, not the host alone
    double departed[TACHO_AT_COUNT]; // what ended processes had used that nobody else counts
    double run[TACHO_AT_COUNT];
    int64_t run_ns; // when the last share of CPU time ended, and the time used by then
    double run_cpu_seconds;
    struct tacho_series_set run_series;
    struct tacho_host host;
    struct tacho_cgroup cgroup;
    struct tacho_socket_table socket_table;
    uint64_t said; // bits of enum tacho_proc_note
    char text[TACHO_PROC_TEXT_MAX];
};

// proc_source.c: says once that something is not to be had.
int tacho_proc_say(struct tacho_proc_source *self, enum tacho_proc_note note,
                   struct tacho_fail *fail, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// proc_tree.c: which processes are observed.
int tacho_tree_start(struct tacho_proc_source *self, struct tacho_fail *fail);
int tacho_tree_look(struct tacho_proc_source *self, int64_t now_ns, struct tacho_fail *fail);
// Takes processes that ended out, their totals to where they belong.
int tacho_tree_end(struct tacho_proc_source *self, int64_t now_ns, struct tacho_fail *fail);
void tacho_tree_close(struct tacho_proc_source *self);

// proc_process.c: one process.
int tacho_process_read(struct tacho_proc_source *self, struct tacho_process *process,
                       int64_t now_ns, struct tacho_fail *fail);
// Reads stat again and no more; false when the process is gone.
bool tacho_process_stat(struct tacho_proc_source *self, struct tacho_process *process);
int tacho_process_detail(struct tacho_proc_source *self, struct tacho_process *process,
                         int64_t now_ns, struct tacho_fail *fail);
int tacho_process_rollup(struct tacho_proc_source *self, struct tacho_process *process,
                         int64_t now_ns, struct tacho_fail *fail);
int tacho_process_push(struct tacho_proc_source *self, struct tacho_process *process,
                       int64_t now_ns, struct tacho_fail *fail);
int tacho_process_describe(struct tacho_proc_source *self, struct tacho_process *process,
                           int64_t end_ns, struct tacho_fail *fail);
// Pushes what was left out of its series, at its end or that of the observation.
int tacho_process_flush(struct tacho_process *process, struct tacho_fail *fail);
void tacho_process_free(struct tacho_proc_source *self, struct tacho_process *process);

// proc_thread.c: the threads of one process.
int tacho_threads_read(struct tacho_proc_source *self, struct tacho_process *process,
                       int64_t now_ns, struct tacho_fail *fail);
int tacho_threads_flush(struct tacho_process *process, struct tacho_fail *fail);
void tacho_threads_free(struct tacho_process *process);

// proc_totals.c: the tree as a whole.
int tacho_totals_push(struct tacho_proc_source *self, int64_t now_ns, struct tacho_fail *fail);

#endif
