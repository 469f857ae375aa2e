// A YAML text as nodes that know their place: see yaml_file.h.
#include "budget/yaml_file.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 64

int tacho_yaml_open(struct tacho_yaml *yaml, const char *path, const char *text, size_t size,
                    struct tacho_fail *fail)
{
    yaml_parser_t parser;
    yaml_document_t second;
    int status = 0;

    *yaml = (struct tacho_yaml){.path = path};
    if (!yaml_parser_initialize(&parser))
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "%s: out of memory", path);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    yaml->is_loaded = yaml_parser_load(&parser, &yaml->document);
    if (!yaml->is_loaded) {
        status = tacho_fail_set(fail, TACHO_ERR_USAGE, "%s:%zu:%zu: not YAML: %s", path,
                                parser.problem_mark.line + 1, parser.problem_mark.column + 1,
                                parser.problem ? parser.problem : "it cannot be read");
    } else if (yaml_document_get_root_node(&yaml->document) != NULL) {
        bool is_more = yaml_parser_load(&parser, &second);

        if (!is_more || yaml_document_get_root_node(&second) != NULL)
            status = tacho_fail_set(fail, TACHO_ERR_USAGE,
                                    "%s:%zu:1: something follows the document; one is expected",
                                    path, parser.mark.line + 1);
        if (is_more)
            yaml_document_delete(&second);
    }
    yaml_parser_delete(&parser);
    return status;
}

void tacho_yaml_close(struct tacho_yaml *yaml)
{
    if (yaml->is_loaded)
        yaml_document_delete(&yaml->document);
    yaml->is_loaded = false;
}

yaml_node_t *tacho_yaml_root(struct tacho_yaml *yaml)
{
    return yaml_document_get_root_node(&yaml->document);
}

yaml_node_t *tacho_yaml_node(struct tacho_yaml *yaml, int number)
{
    return yaml_document_get_node(&yaml->document, number);
}

const char *tacho_yaml_text(const yaml_node_t *node)
{
    const char *text;

    if (node->type != YAML_SCALAR_NODE)
        return NULL;
    text = (const char *)node->data.scalar.value;
    return strlen(text) == node->data.scalar.length ? text : NULL;
}

int tacho_yaml_fail(const struct tacho_yaml *yaml, const yaml_node_t *node, struct tacho_fail *fail,
                    const char *format, ...)
{
    char text[TACHO_FAIL_TEXT_MAX / 2];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return tacho_fail_set(fail, TACHO_ERR_USAGE, "%s:%zu:%zu: %s", yaml->path,
                          node->start_mark.line + 1, node->start_mark.column + 1, text);
}

int tacho_word_find(const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

// How many letters must be put in, taken out or changed.
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], width = strlen(b);

    if (width > WORD_MAX || strlen(a) > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[width];
}

const char *tacho_word_nearest(const char *const *words, const char *word)
{
    const char *nearest = NULL;
    size_t best = 3; // farther is a guess that helps nobody

    for (; *words; words++) {
        size_t far = distance(word, *words);

        if (far < best) {
            best = far;
            nearest = *words;
        }
    }
    return nearest;
}

int tacho_yaml_unknown(const struct tacho_yaml *yaml, const yaml_node_t *node,
                       const char *const *words, const char *kind, struct tacho_fail *fail)
{
    const char *word = tacho_yaml_text(node);
    const char *nearest = word ? tacho_word_nearest(words, word) : NULL;
    char all[TACHO_FAIL_TEXT_MAX / 2] = "";

    if (word == NULL)
        word = "this";
    if (nearest)
        return tacho_yaml_fail(yaml, node, fail, "'%.60s' is not %s; did you mean '%s'?", word,
                               kind, nearest);
    for (size_t used = 0; *words && used < sizeof all; words++)
        used +=
            (size_t)snprintf(all + used, sizeof all - used, " %s%s", *words, words[1] ? "," : "");
    return tacho_yaml_fail(yaml, node, fail, "'%.60s' is not %s; expected one of%.400s", word, kind,
                           all);
}
