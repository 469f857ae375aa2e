// A YAML text as nodes that know their place: the only file that sees libyaml.
#ifndef TACHO_BUDGET_YAML_FILE_H
#define TACHO_BUDGET_YAML_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "base/fail.h"

struct tacho_yaml {
    const char *path;
    yaml_document_t document;
    bool is_loaded;
};

// One document; TACHO_ERR_USAGE with the place for anything else. Closed also after a failure.
int tacho_yaml_open(struct tacho_yaml *yaml, const char *path, const char *text, size_t size,
                    struct tacho_fail *fail);
void tacho_yaml_close(struct tacho_yaml *yaml);
yaml_node_t *tacho_yaml_root(struct tacho_yaml *yaml); // NULL: an empty document
yaml_node_t *tacho_yaml_node(struct tacho_yaml *yaml, int number);
// The text of a scalar; NULL for a mapping, a list, or a scalar with a zero byte in it.
const char *tacho_yaml_text(const yaml_node_t *node);
// Sets "PATH:LINE:COLUMN: text" with TACHO_ERR_USAGE.
int tacho_yaml_fail(const struct tacho_yaml *yaml, const yaml_node_t *node, struct tacho_fail *fail,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

// A word that may stand somewhere; a table of them ends in NULL.
// The index of `word`, or -1.
int tacho_word_find(const char *const *words, const char *word);
// The nearest of `words`, or NULL when none is within two letters.
const char *tacho_word_nearest(const char *const *words, const char *word);
// "is not KIND; did you mean 'x'?", or with a list of all.
int tacho_yaml_unknown(const struct tacho_yaml *yaml, const yaml_node_t *node,
                       const char *const *words, const char *kind, struct tacho_fail *fail);

#endif
