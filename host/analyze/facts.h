// The headline of a run: what it cost, in the numbers that every report begins with.
#ifndef TACHO_ANALYZE_FACTS_H
#define TACHO_ANALYZE_FACTS_H

#include "analyze/calltree.h"
#include "analyze/growth.h"
#include "run/model.h"

// NaN: not measured.
struct tacho_facts {
    double wall_seconds, cpu_user_seconds, cpu_system_seconds, cpu_wait_seconds;
    double cpu_ratio_core, cpu_ratio_machine;
    // Peak of the largest single process; of all together at one instant, and their mean.
    double memory_peak_bytes, memory_together_peak_bytes, memory_mean_bytes, swap_peak_bytes;
    double page_faults_minor, page_faults_major;
    double switches_voluntary, switches_involuntary;
    double io_read_bytes, io_write_bytes, io_read_calls_bytes, io_write_calls_bytes;
    double io_wait_seconds;
    double start_exec_seconds, start_loading_seconds, start_first_output_seconds;
    double overhead_seconds, overhead_ratio;         // tacho's own CPU time, and per wall time
    double host_cpu_ratio_machine, host_steal_ratio; // means
    double pressure_cpu_ratio, pressure_memory_ratio,
        pressure_io_ratio; // means, of the run or host
    double processes, threads_peak, open_files_peak, open_files_limit;
    bool exited, signalled;
    int exit_code, signal;
    struct tacho_growth memory; // of the run's resident memory
    const char *memory_metric;  // which series `memory` is about, NULL: none
};

void tacho_facts_build(struct tacho_facts *facts, const struct tacho_run *run);

// A counter's total over the run: its last value where tacho saw the target from its start, else
// what was added while it was observed. NaN when there is no such series or no sample.
double tacho_run_counter(const struct tacho_run *run, const char *name, const char *subject);
// The mean and the greatest value of a gauge; NaN as above.
double tacho_run_gauge_mean(const struct tacho_run *run, const char *name, const char *subject);
double tacho_run_gauge_max(const struct tacho_run *run, const char *name, const char *subject);

// One process or thread with what it cost.
struct tacho_thread_cost {
    uint32_t thread;                       // index
    bool process;                          // the row stands for the whole process
    double cpu_seconds, memory_peak_bytes; // NaN: not measured
    uint64_t samples;                      // of the profile
    double share;                          // of the profile's weight, 0..1; NaN: no profile
};
struct tacho_thread_costs {
    TACHO_ARRAY(struct tacho_thread_cost) items; // greatest CPU time, then greatest share first
};
// Processes and threads; a process with one thread is one row.
void tacho_thread_costs_build(struct tacho_thread_costs *costs, const struct tacho_run *run,
                              const struct tacho_run_profile *profile);
void tacho_thread_costs_release(struct tacho_thread_costs *costs);

#endif
