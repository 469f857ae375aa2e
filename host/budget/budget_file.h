// Budgets from YAML: see docs/budgets.md for the file.
#ifndef TACHO_BUDGET_BUDGET_FILE_H
#define TACHO_BUDGET_BUDGET_FILE_H

#include <stddef.h>

#include "analyze/budget.h"
#include "base/fail.h"

#define TACHO_BUDGET_BYTES_MAX (1u << 20)

// Reads `size` bytes of YAML; `path` is what failures call it: "PATH:LINE:COLUMN: what was found,
// and what was expected" with TACHO_ERR_USAGE. The budget is released by the caller, also after a
// failure. No file is opened; takes memory in proportion to the text.
int tacho_budget_read_text(const char *path, const char *text, size_t size,
                           struct tacho_budget *budget, struct tacho_fail *fail);
// The same from a file of at most TACHO_BUDGET_BYTES_MAX.
int tacho_budget_read(const char *path, struct tacho_budget *budget, struct tacho_fail *fail);

#endif
