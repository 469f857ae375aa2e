// How the verdicts of a budget are written: the table for people, and the choice of formats.
#include "render/verdict.h"

#include <math.h>
#include <string.h>

#include "base/units.h"
#include "render/table.h"
#include "render/text.h"

const char tacho_verdict_formats[] = "text|json|junit|github|markdown|sarif";

int tacho_verdict_render(const char *format, const struct tacho_verdict_report *report,
                         struct tacho_out *out, struct tacho_fail *fail)
{
    static const struct {
        const char *name;
        void (*write)(const struct tacho_verdict_report *report, struct tacho_out *out);
    } rows[] = {{"text", tacho_verdict_text},         {"json", tacho_verdict_json},
                {"junit", tacho_verdict_junit},       {"github", tacho_verdict_github},
                {"markdown", tacho_verdict_markdown}, {"sarif", tacho_verdict_sarif}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].name, format) == 0) {
            rows[i].write(report, out);
            return 0;
        }
    }
    return tacho_fail_set(fail, TACHO_ERR_USAGE, "'%s' is not a format; there are %s", format,
                          tacho_verdict_formats);
}

void tacho_verdict_bound(const struct tacho_budget_result *result, struct tacho_buffer *text)
{
    char number[TACHO_UNIT_TEXT_MAX];
    bool higher = result->rule->direction == TACHO_DIRECTION_HIGHER;

    if (result->rule->kind == TACHO_BUDGET_CHANGE)
        tacho_buffer_printf(text, "%s%s", higher ? "-" : "+",
                            tacho_format_ratio(result->bound, number));
    else
        tacho_buffer_printf(
            text, "%s %s", higher ? ">=" : "<=",
            tacho_format_unit(result->bound, *result->unit ? result->unit : "count", number));
}

void tacho_verdict_measured(const struct tacho_budget_result *result, struct tacho_buffer *text)
{
    char number[TACHO_UNIT_TEXT_MAX];

    tacho_buffer_text(text, tacho_format_unit(result->measured, result->unit, number));
}

void tacho_verdict_sentence(const struct tacho_budget_result *result, struct tacho_buffer *text)
{
    const struct tacho_budget_rule *rule = result->rule;

    tacho_buffer_printf(text, "%s: %s", tacho_budget_verdict_name(result->verdict), rule->name);
    if (result->verdict != TACHO_VERDICT_NO_DATA) {
        tacho_buffer_text(text, " is ");
        tacho_verdict_measured(result, text);
        tacho_buffer_text(text, ", ");
        tacho_buffer_text(text, tacho_budget_kind_name(rule->kind));
        tacho_buffer_text(text, " ");
        tacho_verdict_bound(result, text);
    }
    tacho_buffer_printf(text, " (%s)", result->evidence);
    if (rule->note)
        tacho_buffer_printf(text, "; %s", rule->note);
}

static const char *style_of(enum tacho_budget_verdict verdict)
{
    return verdict == TACHO_VERDICT_CRITICAL ? TACHO_STYLE_RED
           : verdict == TACHO_VERDICT_OK     ? TACHO_STYLE_GREEN
                                             : TACHO_STYLE_BOLD;
}

static void text_row(struct tacho_table *table, const struct tacho_budget_result *result)
{
    struct tacho_buffer measured = {0}, bound = {0};

    tacho_verdict_measured(result, &measured);
    tacho_verdict_bound(result, &bound);
    tacho_table_cell(table, tacho_budget_verdict_name(result->verdict));
    tacho_table_cell(table, result->rule->id);
    tacho_table_cell(table, measured.data);
    tacho_table_cell(table, bound.data);
    tacho_table_cell(table, tacho_budget_kind_name(result->rule->kind));
    tacho_table_cell(table, result->evidence);
    tacho_buffer_release(&measured);
    tacho_buffer_release(&bound);
}

void tacho_verdict_text(const struct tacho_verdict_report *report, struct tacho_out *out)
{
    const struct tacho_budget_check *check = report->check;
    bool fails = tacho_budget_check_fails(check, report->strict);
    struct tacho_table table = {0};
    enum tacho_budget_verdict worst = TACHO_VERDICT_NO_DATA;

    tacho_out_printf(out, "%s%s%s: run %s%s%s\n\n", report->budget->path,
                     *report->budget->name ? ", " : "", report->budget->name, report->run->info.id,
                     report->baseline ? " against " : "",
                     report->baseline ? report->baseline->info.id : "");
    tacho_table_column(&table, TACHO_COLUMN_LEFT, "verdict");
    tacho_table_column(&table, TACHO_COLUMN_LEFT, "rule");
    tacho_table_column(&table, TACHO_COLUMN_RIGHT, "measured");
    tacho_table_column(&table, TACHO_COLUMN_LEFT, "bound");
    tacho_table_column(&table, TACHO_COLUMN_LEFT, "kind");
    tacho_table_column(&table, TACHO_COLUMN_FLEXIBLE, "evidence");
    for (size_t i = 0; i < check->results.count; i++) {
        text_row(&table, &check->results.items[i]);
        if (check->results.items[i].verdict > worst)
            worst = check->results.items[i].verdict;
    }
    tacho_table_print(&table, out);
    tacho_out_printf(out, "\n%s%s%s: %zu critical, %zu warning, %zu no data, %zu ok%s\n",
                     tacho_out_style(out, style_of(fails ? TACHO_VERDICT_CRITICAL : worst)),
                     fails ? "failed" : "passed", tacho_out_style(out, TACHO_STYLE_END),
                     check->count[TACHO_VERDICT_CRITICAL], check->count[TACHO_VERDICT_WARNING],
                     check->count[TACHO_VERDICT_NO_DATA], check->count[TACHO_VERDICT_OK],
                     report->strict ? " (strict: only ok passes)" : "");
}
