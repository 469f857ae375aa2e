// Private to this folder: whether the tables of a loaded run fit together.
#ifndef TACHO_STORE_RUN_CHECK_H
#define TACHO_STORE_RUN_CHECK_H

#include "run/model.h"

// Every index points into its table, the tree of stacks and the chains of inlined frames have no
// cycle, enumerations have known values: what readers of a run rely on. Linear time.
int tacho_run_check(const struct tacho_run *run, struct tacho_fail *fail);

#endif
