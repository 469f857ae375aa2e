// One rule of a budget's file: see rule_file.h.
#include "budget/rule_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "run/metrics.h"

#define TEXT_MAX 200

enum key {
    KEY_ID,
    KEY_METRIC,
    KEY_ZONE,
    KEY_SUMMARY,
    KEY_SUBJECT,
    KEY_STATISTIC,
    KEY_DIRECTION,
    KEY_UNIT,
    KEY_TARGET,
    KEY_LIMIT,
    KEY_BAND,
    KEY_CHANGE,
    KEY_FOR,
    KEY_KEEP,
    KEY_HYSTERESIS,
    KEY_COOLDOWN,
    KEY_SEVERITY,
    KEY_SOURCE,
    KEY_NOTE,
    KEY_COUNT
};

static const char *const keys[KEY_COUNT + 1] = {
    "id",         "metric",   "zone",     "summary", "subject", "statistic", "direction",
    "unit",       "target",   "limit",    "band",    "change",  "for",       "keep_firing_for",
    "hysteresis", "cooldown", "severity", "source",  "note",    NULL};

struct rule_reader {
    struct tacho_yaml *yaml;
    const yaml_node_t *node;
    yaml_node_t *at[KEY_COUNT];
    struct tacho_arena *arena;
    struct tacho_budget_rule *rule;
    struct tacho_fail *fail;
    const char *unit_text; // of bare numbers, NULL: none
};

int tacho_yaml_keys(struct tacho_yaml *yaml, const yaml_node_t *node, const char *const *words,
                    const char *kind, yaml_node_t **nodes, struct tacho_fail *fail)
{
    if (node->type != YAML_MAPPING_NODE)
        return tacho_yaml_fail(yaml, node, fail, "expected keys and values, 'key: value'");
    for (size_t i = 0; words[i]; i++)
        nodes[i] = NULL;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = tacho_yaml_node(yaml, pair->key);
        const char *word = tacho_yaml_text(key);
        int at = word ? tacho_word_find(words, word) : -1;

        if (at < 0)
            return tacho_yaml_unknown(yaml, key, words, kind, fail);
        if (nodes[at])
            return tacho_yaml_fail(yaml, key, fail, "'%s' is given twice", word);
        nodes[at] = tacho_yaml_node(yaml, pair->value);
    }
    return 0;
}

// A short text, or NULL with a failure.
static const char *text_of(struct rule_reader *reader, const yaml_node_t *node, const char *what)
{
    const char *text = tacho_yaml_text(node);

    if (text == NULL || *text == '\0' || strlen(text) > TEXT_MAX) {
        tacho_yaml_fail(reader->yaml, node, reader->fail,
                        "expected %s, a text of 1 to %d characters", what, TEXT_MAX);
        return NULL;
    }
    for (const char *at = text; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) {
            tacho_yaml_fail(reader->yaml, node, reader->fail,
                            "expected %s on one line, without control characters", what);
            return NULL;
        }
    }
    return tacho_arena_text(reader->arena, text);
}

static int read_text(struct rule_reader *reader, enum key key, const char *what, const char **into)
{
    if (reader->at[key] == NULL)
        return 0;
    *into = text_of(reader, reader->at[key], what);
    return *into ? 0 : reader->fail->code;
}

// The one of the keys first..last that is there; KEY_COUNT with a failure for none or several.
static enum key only_of(struct rule_reader *reader, enum key first, enum key last, const char *what)
{
    enum key found = KEY_COUNT;

    for (enum key key = first; key <= last; key++) {
        if (reader->at[key] == NULL)
            continue;
        if (found != KEY_COUNT) {
            tacho_yaml_fail(reader->yaml, reader->at[key], reader->fail,
                            "'%s' beside '%s'; a rule has one of %s", keys[key], keys[found], what);
            return KEY_COUNT;
        }
        found = key;
    }
    if (found == KEY_COUNT)
        tacho_yaml_fail(reader->yaml, reader->node, reader->fail, "expected one of %s in this rule",
                        what);
    return found;
}

static int read_what(struct rule_reader *reader)
{
    struct tacho_budget_rule *rule = reader->rule;
    enum key key = only_of(reader, KEY_METRIC, KEY_SUMMARY, "metric, zone, summary");
    const char *words[128] = {NULL};
    size_t count = 0;

    if (key == KEY_COUNT)
        return reader->fail->code;
    rule->what = key == KEY_METRIC ? TACHO_BUDGET_METRIC
                 : key == KEY_ZONE ? TACHO_BUDGET_ZONE
                                   : TACHO_BUDGET_SUMMARY;
    if (read_text(reader, key, "a name", &rule->name) < 0)
        return reader->fail->code;
    if (key == KEY_SUMMARY && tacho_budget_fact_find(rule->name) == NULL) {
        for (const struct tacho_budget_fact *fact = tacho_budget_facts; fact->name; fact++)
            if (count + 1 < sizeof words / sizeof *words)
                words[count++] = fact->name;
        return tacho_yaml_unknown(reader->yaml, reader->at[key], words, "a fact of a run",
                                  reader->fail);
    }
    if (reader->at[KEY_SUBJECT] && key != KEY_METRIC)
        return tacho_yaml_fail(reader->yaml, reader->at[KEY_SUBJECT], reader->fail,
                               "only metrics have a subject");
    return read_text(reader, KEY_SUBJECT, "a pattern such as 'process * worker'", &rule->subject);
}

static int read_statistic(struct rule_reader *reader)
{
    static const char *const words[] = {"mean",  "min",         "max",  "p50",   "p90",
                                        "p95",   "p99",         "last", "total", "rate",
                                        "count", "error_ratio", NULL};
    struct tacho_budget_rule *rule = reader->rule;
    const yaml_node_t *node = reader->at[KEY_STATISTIC];
    int word;

    if (node == NULL)
        return 0;
    if (rule->what == TACHO_BUDGET_SUMMARY)
        return tacho_yaml_fail(reader->yaml, node, reader->fail,
                               "a fact of a run is one number and has no statistic");
    word = tacho_yaml_text(node) ? tacho_word_find(words, tacho_yaml_text(node)) : -1;
    if (word < 0)
        return tacho_yaml_unknown(reader->yaml, node, words, "a statistic", reader->fail);
    rule->statistic = (enum tacho_budget_statistic)(word + TACHO_BUDGET_MEAN);
    if (rule->what == TACHO_BUDGET_METRIC && rule->statistic >= TACHO_BUDGET_COUNT)
        return tacho_yaml_fail(reader->yaml, node, reader->fail,
                               "only zones have '%s'; a metric has mean, min, max, p50, p90, p95, "
                               "p99, last, total, rate",
                               words[word]);
    return 0;
}

// A time of at least 0.
static int read_time(struct rule_reader *reader, enum key key, int64_t *into)
{
    const yaml_node_t *node = reader->at[key];
    const char *unit = "", *text;
    double seconds = 0;

    if (node == NULL)
        return 0;
    text = tacho_yaml_text(node);
    if (text == NULL || tacho_read_measure(text, &seconds, &unit, reader->fail) < 0 ||
        strcmp(unit, "seconds") != 0 || seconds < 0 || seconds > 1e9)
        return tacho_yaml_fail(reader->yaml, node, reader->fail,
                               "'%s: %.60s': expected a time with its unit, such as 500 ms or 5 s",
                               keys[key], text ? text : "");
    *into = (int64_t)llround(seconds * 1e9);
    return 0;
}

static int read_ratio(struct rule_reader *reader, const yaml_node_t *node, enum key key, double max,
                      double *into)
{
    const char *unit = "", *text = tacho_yaml_text(node);

    if (text == NULL || tacho_read_measure(text, into, &unit, reader->fail) < 0 ||
        (strcmp(unit, "ratio") != 0 && *unit) || *into < 0 || *into > max)
        return tacho_yaml_fail(reader->yaml, node, reader->fail,
                               "'%s: %.60s': expected a share from 0 to %.0f %%, such as 10 %%",
                               keys[key], text ? text : "", max * 100);
    return 0;
}

static int read_times(struct rule_reader *reader)
{
    struct tacho_budget_rule *rule = reader->rule;
    enum key first = KEY_COUNT;

    for (enum key key = KEY_FOR; key <= KEY_COOLDOWN && first == KEY_COUNT; key++)
        if (reader->at[key])
            first = key;
    if (first == KEY_COUNT)
        return 0;
    if (rule->what != TACHO_BUDGET_METRIC || reader->at[KEY_CHANGE])
        return tacho_yaml_fail(reader->yaml, reader->at[first], reader->fail,
                               "'%s' needs a metric with samples in time, and a target, limit or "
                               "band",
                               keys[first]);
    if (reader->at[KEY_STATISTIC])
        return tacho_yaml_fail(reader->yaml, reader->at[KEY_STATISTIC], reader->fail,
                               "a rule with '%s' judges each sample and has no statistic",
                               keys[first]);
    rule->is_timed = true;
    rule->statistic = TACHO_BUDGET_EACH;
    if (read_time(reader, KEY_FOR, &rule->for_ns) < 0 ||
        read_time(reader, KEY_KEEP, &rule->keep_ns) < 0 ||
        read_time(reader, KEY_COOLDOWN, &rule->cooldown_ns) < 0)
        return reader->fail->code;
    if (reader->at[KEY_HYSTERESIS])
        return read_ratio(reader, reader->at[KEY_HYSTERESIS], KEY_HYSTERESIS, 1, &rule->hysteresis);
    return 0;
}

// The unit that a bound must have; NULL: it is not known before the run is.
static const char *wanted_unit(const struct tacho_budget_rule *rule)
{
    const struct tacho_metric_row *row;
    enum tacho_budget_statistic statistic = rule->statistic;

    if (rule->what == TACHO_BUDGET_SUMMARY)
        return tacho_budget_fact_find(rule->name)->unit;
    if (rule->what == TACHO_BUDGET_ZONE)
        return statistic == TACHO_BUDGET_RATE     ? "count/s"
               : statistic == TACHO_BUDGET_COUNT  ? "count"
               : statistic == TACHO_BUDGET_ERRORS ? "ratio"
                                                  : "seconds";
    row = tacho_metric_row_find(rule->name);
    if (row == NULL)
        return NULL;
    if (row->kind != TACHO_METRIC_COUNTER || statistic == TACHO_BUDGET_DEFAULT ||
        statistic == TACHO_BUDGET_TOTAL || statistic == TACHO_BUDGET_LAST)
        return row->unit;
    return strcmp(row->unit, "bytes") == 0     ? "bytes/s"
           : strcmp(row->unit, "seconds") == 0 ? "ratio"
                                               : "count/s";
}

static const char *unit_example(const char *unit)
{
    static const char *const rows[][2] = {
        {"seconds", "50 ms"}, {"bytes", "4 GiB"},    {"ratio", "90 %"},
        {"count", "100"},     {"celsius", "85 C"},   {"bytes/s", "2 MiB/s"},
        {"watts", "5 W"},     {"count/s", "150 /s"}, {"hertz", "2 GHz"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i][0], unit) == 0)
            return rows[i][1];
    return "100";
}

static int read_bound(struct rule_reader *reader, const yaml_node_t *node, double *into)
{
    struct tacho_budget_rule *rule = reader->rule;
    const char *text = tacho_yaml_text(node), *wanted = wanted_unit(rule), *unit;

    if (text == NULL)
        return tacho_yaml_fail(reader->yaml, node, reader->fail,
                               "expected a number with its unit, such as 50 ms, 4 GiB, 90 %%");
    if (reader->unit_text && text[strspn(text, "+-.0123456789eE")] == '\0')
        text = tacho_arena_printf(reader->arena, "%s %s", text, reader->unit_text);
    if (tacho_read_measure(text, into, &unit, reader->fail) < 0)
        return tacho_yaml_fail(reader->yaml, node, reader->fail, "%s", strdupa(reader->fail->text));
    if (*unit == '\0' && wanted && (strcmp(wanted, "count") == 0 || strcmp(wanted, "ratio") == 0))
        unit = wanted;
    if (wanted && strcmp(unit, wanted) != 0)
        return tacho_yaml_fail(reader->yaml, node, reader->fail,
                               "'%.60s' is no value for '%s', which is in %s; write for example %s",
                               text, rule->name, wanted, unit_example(wanted));
    if (rule->unit && strcmp(rule->unit, unit) != 0)
        return tacho_yaml_fail(reader->yaml, node, reader->fail,
                               "the two bounds of a band have different units");
    rule->unit = unit;
    return 0;
}

static int read_direction(struct rule_reader *reader)
{
    static const char *const words[] = {"lower", "higher", NULL};
    struct tacho_budget_rule *rule = reader->rule;
    const yaml_node_t *node = reader->at[KEY_DIRECTION];
    const struct tacho_metric_row *row = tacho_metric_row_find(rule->name);
    int word;

    rule->direction = TACHO_DIRECTION_NONE;
    if (rule->what == TACHO_BUDGET_SUMMARY)
        rule->direction = tacho_budget_fact_find(rule->name)->direction;
    else if (rule->what == TACHO_BUDGET_METRIC && row)
        rule->direction = row->direction;
    if (node == NULL)
        return 0;
    word = tacho_yaml_text(node) ? tacho_word_find(words, tacho_yaml_text(node)) : -1;
    if (word < 0)
        return tacho_yaml_unknown(reader->yaml, node, words,
                                  "a direction (which values are better)", reader->fail);
    rule->direction = word == 0 ? TACHO_DIRECTION_LOWER : TACHO_DIRECTION_HIGHER;
    return 0;
}

static int read_band(struct rule_reader *reader)
{
    static const char *const words[] = {"warning", "critical", NULL};
    struct tacho_budget_rule *rule = reader->rule;
    const yaml_node_t *node = reader->at[KEY_BAND];
    yaml_node_t *bounds[2];
    uint8_t order;

    if (tacho_yaml_keys(reader->yaml, node, words, "a bound of a band", bounds, reader->fail) < 0)
        return reader->fail->code;
    if (bounds[0] == NULL || bounds[1] == NULL)
        return tacho_yaml_fail(reader->yaml, node, reader->fail,
                               "a band has two bounds: {warning: 50 ms, critical: 200 ms}");
    if (read_bound(reader, bounds[0], &rule->warning) < 0 ||
        read_bound(reader, bounds[1], &rule->critical) < 0)
        return reader->fail->code;
    order = rule->warning < rule->critical   ? TACHO_DIRECTION_LOWER
            : rule->warning > rule->critical ? TACHO_DIRECTION_HIGHER
                                             : TACHO_DIRECTION_NONE;
    if (order == TACHO_DIRECTION_NONE)
        return tacho_yaml_fail(reader->yaml, bounds[1], reader->fail,
                               "impossible band: warning and critical are the same");
    if (rule->direction == TACHO_DIRECTION_NONE)
        rule->direction = order;
    if (rule->direction != order)
        return tacho_yaml_fail(reader->yaml, bounds[1], reader->fail,
                               "impossible band: %s values of '%s' are better, so critical must "
                               "be %s warning",
                               order == TACHO_DIRECTION_LOWER ? "higher" : "lower", rule->name,
                               order == TACHO_DIRECTION_LOWER ? "below" : "above");
    return 0;
}

// "10 %", or the word of what is compared: memory, timing, cpu, latency (I13).
static int read_change(struct rule_reader *reader, double *into)
{
    static const struct {
        const char *word;
        double threshold;
    } rows[] = {{"memory", 0.10}, {"timing", 0.20}, {"cpu", 0.15}, {"latency", 0.15}};
    const yaml_node_t *node = reader->at[KEY_CHANGE];
    const char *text = tacho_yaml_text(node);

    for (size_t i = 0; text && i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(text, rows[i].word) == 0) {
            *into = rows[i].threshold;
            return 0;
        }
    }
    if (read_ratio(reader, node, KEY_CHANGE, 100, into) < 0)
        return tacho_yaml_fail(reader->yaml, node, reader->fail,
                               "'change: %.60s': expected a share such as 10 %%, or one of memory "
                               "(10 %%), timing (20 %%), cpu (15 %%), latency (15 %%)",
                               text ? text : "");
    return 0;
}

static int read_severity(struct rule_reader *reader, bool *is_critical)
{
    static const char *const words[] = {"warning", "critical", NULL};
    const yaml_node_t *node = reader->at[KEY_SEVERITY];
    int word;

    if (node == NULL)
        return 0;
    if (reader->at[KEY_BAND])
        return tacho_yaml_fail(reader->yaml, node, reader->fail,
                               "a band has its own severities; take 'severity' away");
    word = tacho_yaml_text(node) ? tacho_word_find(words, tacho_yaml_text(node)) : -1;
    if (word < 0)
        return tacho_yaml_unknown(reader->yaml, node, words, "a severity", reader->fail);
    *is_critical = word == 1;
    return 0;
}

static int read_kind(struct rule_reader *reader)
{
    struct tacho_budget_rule *rule = reader->rule;
    enum key key = only_of(reader, KEY_TARGET, KEY_CHANGE, "target, limit, band, change");
    bool is_critical = key != KEY_TARGET;
    double bound = NAN;

    rule->warning = rule->critical = NAN;
    if (key == KEY_COUNT || read_direction(reader) < 0 || read_severity(reader, &is_critical) < 0)
        return reader->fail->code;
    rule->kind = (enum tacho_budget_kind)(TACHO_BUDGET_TARGET + (key - KEY_TARGET));
    if ((key == KEY_BAND && read_band(reader) < 0) ||
        (key == KEY_CHANGE && read_change(reader, &bound) < 0) ||
        (key != KEY_BAND && key != KEY_CHANGE && read_bound(reader, reader->at[key], &bound) < 0))
        return reader->fail->code;
    if (key != KEY_BAND)
        *(is_critical ? &rule->critical : &rule->warning) = bound;
    if (rule->unit == NULL)
        rule->unit = "";
    if (rule->direction == TACHO_DIRECTION_NONE)
        rule->direction = TACHO_DIRECTION_LOWER;
    return 0;
}

int tacho_rule_read(struct tacho_yaml *yaml, const yaml_node_t *node, struct tacho_arena *arena,
                    struct tacho_budget_rule *rule, struct tacho_fail *fail)
{
    struct rule_reader reader = {
        .yaml = yaml, .node = node, .arena = arena, .rule = rule, .fail = fail};

    memset(rule, 0, sizeof *rule);
    rule->line = (unsigned)node->start_mark.line + 1;
    if (tacho_yaml_keys(yaml, node, keys, "a key of a rule", reader.at, fail) < 0)
        return fail->code;
    if (reader.at[KEY_ID] == NULL)
        return tacho_yaml_fail(yaml, node, fail, "expected 'id: NAME' in this rule");
    if (read_text(&reader, KEY_ID, "an id", &rule->id) < 0 ||
        read_text(&reader, KEY_SOURCE, "where the rule comes from", &rule->source) < 0 ||
        read_text(&reader, KEY_NOTE, "a sentence", &rule->note) < 0 ||
        read_text(&reader, KEY_UNIT, "a unit", &reader.unit_text) < 0 || read_what(&reader) < 0 ||
        read_statistic(&reader) < 0 || read_times(&reader) < 0)
        return fail->code;
    return read_kind(&reader);
}
