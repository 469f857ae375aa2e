// Budgets from YAML: see budget_file.h.
#include "budget/budget_file.h"

#include <string.h>

#include "base/file.h"
#include "budget/rule_file.h"

#define RULES_MAX 10000

enum { KEY_NAME, KEY_NOTE, KEY_RULES, KEY_COUNT };
static const char *const keys[KEY_COUNT + 1] = {"name", "note", "rules", NULL};

static int read_rules(struct tacho_yaml *yaml, const yaml_node_t *list, struct tacho_budget *budget,
                      struct tacho_fail *fail)
{
    if (list->type != YAML_SEQUENCE_NODE ||
        list->data.sequence.items.start == list->data.sequence.items.top)
        return tacho_yaml_fail(yaml, list, fail, "expected a list of rules, each begins with '- '");
    for (yaml_node_item_t *item = list->data.sequence.items.start;
         item < list->data.sequence.items.top; item++) {
        const yaml_node_t *node = tacho_yaml_node(yaml, *item);
        struct tacho_budget_rule rule;

        if (tacho_rule_read(yaml, node, &budget->arena, &rule, fail) < 0)
            return fail->code;
        for (size_t i = 0; i < budget->rules.count; i++)
            if (strcmp(budget->rules.items[i].id, rule.id) == 0)
                return tacho_yaml_fail(yaml, node, fail,
                                       "the id '%s' is taken by the rule of line %u", rule.id,
                                       budget->rules.items[i].line);
        if (budget->rules.count == RULES_MAX)
            return tacho_yaml_fail(yaml, node, fail, "more than %d rules", RULES_MAX);
        tacho_array_push(&budget->rules, rule);
    }
    return 0;
}

static int read_text_of(struct tacho_yaml *yaml, const yaml_node_t *node,
                        struct tacho_budget *budget, const char **into, struct tacho_fail *fail)
{
    if (node == NULL)
        return 0;
    if (tacho_yaml_text(node) == NULL)
        return tacho_yaml_fail(yaml, node, fail, "expected a text");
    *into = tacho_arena_text(&budget->arena, tacho_yaml_text(node));
    return 0;
}

static int read_root(struct tacho_yaml *yaml, struct tacho_budget *budget, struct tacho_fail *fail)
{
    const yaml_node_t *root = tacho_yaml_root(yaml);
    yaml_node_t *at[KEY_COUNT];

    if (root == NULL)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "%s:1:1: it is empty; expected 'rules:'",
                              budget->path);
    if (tacho_yaml_keys(yaml, root, keys, "a key of a budget", at, fail) < 0)
        return fail->code;
    if (at[KEY_RULES] == NULL)
        return tacho_yaml_fail(yaml, root, fail, "expected 'rules:' with a list of rules");
    if (read_text_of(yaml, at[KEY_NAME], budget, &budget->name, fail) < 0 ||
        read_text_of(yaml, at[KEY_NOTE], budget, &budget->note, fail) < 0)
        return fail->code;
    return read_rules(yaml, at[KEY_RULES], budget, fail);
}

int tacho_budget_read_text(const char *path, const char *text, size_t size,
                           struct tacho_budget *budget, struct tacho_fail *fail)
{
    struct tacho_yaml yaml;
    int status;

    memset(budget, 0, sizeof *budget);
    budget->path = tacho_arena_text(&budget->arena, path);
    budget->name = "";
    status = tacho_yaml_open(&yaml, budget->path, text, size, fail);
    if (status == 0)
        status = read_root(&yaml, budget, fail);
    tacho_yaml_close(&yaml);
    return status;
}

int tacho_budget_read(const char *path, struct tacho_budget *budget, struct tacho_fail *fail)
{
    struct tacho_buffer text = {0};
    int status = tacho_file_read(path, &text, TACHO_BUDGET_BYTES_MAX, fail);

    memset(budget, 0, sizeof *budget);
    if (status == 0)
        status = tacho_budget_read_text(path, text.data ? text.data : "", text.size, budget, fail);
    budget->is_file = true;
    tacho_buffer_release(&text);
    return status;
}
