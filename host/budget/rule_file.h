// One rule of a budget's file.
#ifndef TACHO_BUDGET_RULE_FILE_H
#define TACHO_BUDGET_RULE_FILE_H

#include "analyze/budget.h"
#include "budget/yaml_file.h"

// Reads the mapping `node` into `rule`, whose strings go into `arena`.
int tacho_rule_read(struct tacho_yaml *yaml, const yaml_node_t *node, struct tacho_arena *arena,
                    struct tacho_budget_rule *rule, struct tacho_fail *fail);

// Finds the values of a mapping by the words that it may have as keys: nodes[i] is the value of
// words[i], or NULL. A key that is unknown, given twice or no text is a failure; `kind` is what it
// should have been ("a key of a rule").
int tacho_yaml_keys(struct tacho_yaml *yaml, const yaml_node_t *node, const char *const *words,
                    const char *kind, yaml_node_t **nodes, struct tacho_fail *fail);

#endif
