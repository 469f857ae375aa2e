// How `tacho runs` prints: the list of runs, and what one run holds.
#ifndef TACHO_CLI_RUNS_PRINT_H
#define TACHO_CLI_RUNS_PRINT_H

#include "base/out.h"
#include "store/store.h"

// At most `count_max` runs (0: all). `format` is text, json or csv.
void tacho_runs_print_list(const struct tacho_store_list *list, size_t count_max,
                           const char *format, struct tacho_out *out);
// `stored` NULL: the run is from an exported file.
void tacho_runs_print_run(const struct tacho_run *run, const struct tacho_store_run *stored,
                          const char *format, struct tacho_out *out);

#endif
