// Verdicts for programs: JSON, and SARIF 2.1.0 for what collects findings of tools.
#include <math.h>

#include "base/json_writer.h"
#include "render/verdict.h"

static void json_result(struct tacho_json *json, const struct tacho_budget_result *result)
{
    const struct tacho_budget_rule *rule = result->rule;
    bool fired = result->alert.fired > 0;

    tacho_json_object_begin(json);
    tacho_json_member_text(json, "id", rule->id);
    tacho_json_member_text(json, "verdict", tacho_budget_verdict_name(result->verdict));
    tacho_json_member_text(json, "kind", tacho_budget_kind_name(rule->kind));
    tacho_json_member_text(json, "name", rule->name);
    tacho_json_member_text(json, "subject", result->subject);
    tacho_json_member_text(json, "statistic", tacho_budget_statistic_name(result->statistic));
    tacho_json_member_text(json, "direction",
                           rule->direction == TACHO_DIRECTION_HIGHER ? "higher" : "lower");
    tacho_json_member_double(json, "measured", result->measured);
    tacho_json_member_text(json, "unit", result->unit);
    tacho_json_member_double(json, "bound", result->bound);
    tacho_json_member_double(json, "warning", rule->warning);
    tacho_json_member_double(json, "critical", rule->critical);
    tacho_json_member_double(json, "base", result->base);
    tacho_json_member_double(json, "change_ratio", result->change);
    tacho_json_member_u64(json, "episodes", result->alert.fired);
    tacho_json_member_double(json, "first_seconds",
                             fired ? (double)result->alert.first_ns * 1e-9 : NAN);
    tacho_json_member_double(json, "beyond_seconds",
                             fired ? (double)result->alert.total_ns * 1e-9 : NAN);
    tacho_json_member_text(json, "evidence", result->evidence);
    tacho_json_member_text(json, "source", rule->source);
    tacho_json_member_text(json, "note", rule->note);
    tacho_json_member_u64(json, "line", rule->line);
    tacho_json_object_end(json);
}

void tacho_verdict_json(const struct tacho_verdict_report *report, struct tacho_out *out)
{
    const struct tacho_budget_check *check = report->check;
    struct tacho_json json;

    tacho_json_init(&json, out, true);
    tacho_json_object_begin(&json);
    tacho_json_member_text(&json, "budget", report->budget->path);
    tacho_json_member_text(&json, "name", report->budget->name);
    tacho_json_member_text(&json, "run", report->run->info.id);
    tacho_json_member_text(&json, "baseline", report->baseline ? report->baseline->info.id : NULL);
    tacho_json_member_bool(&json, "strict", report->strict);
    tacho_json_member_bool(&json, "passed", !tacho_budget_check_fails(check, report->strict));
    tacho_json_key(&json, "rules");
    tacho_json_array_begin(&json);
    for (size_t i = 0; i < check->results.count; i++)
        json_result(&json, &check->results.items[i]);
    tacho_json_array_end(&json);
    tacho_json_object_end(&json);
    tacho_out_char(out, '\n');
}

static void sarif_location(struct tacho_json *json, const struct tacho_verdict_report *report,
                           unsigned line)
{
    tacho_json_key(json, "locations");
    tacho_json_array_begin(json);
    tacho_json_object_begin(json);
    tacho_json_key(json, "physicalLocation");
    tacho_json_object_begin(json);
    tacho_json_key(json, "artifactLocation");
    tacho_json_object_begin(json);
    tacho_json_member_text(json, "uri", report->budget->path);
    tacho_json_object_end(json);
    tacho_json_key(json, "region");
    tacho_json_object_begin(json);
    tacho_json_member_u64(json, "startLine", line);
    tacho_json_object_end(json);
    tacho_json_object_end(json);
    tacho_json_object_end(json);
    tacho_json_array_end(json);
}

static void sarif_result(struct tacho_json *json, const struct tacho_verdict_report *report,
                         const struct tacho_budget_result *result)
{
    struct tacho_buffer text = {0};

    tacho_verdict_sentence(result, &text);
    tacho_json_object_begin(json);
    tacho_json_member_text(json, "ruleId", result->rule->id);
    tacho_json_member_text(json, "level",
                           tacho_budget_verdict_fails(result->verdict, report->strict) ? "error"
                           : result->verdict == TACHO_VERDICT_WARNING                  ? "warning"
                                                                                       : "note");
    tacho_json_key(json, "message");
    tacho_json_object_begin(json);
    tacho_json_member_text(json, "text", text.data);
    tacho_json_object_end(json);
    if (report->budget->is_file)
        sarif_location(json, report, result->rule->line);
    tacho_json_object_end(json);
    tacho_buffer_release(&text);
}

static void sarif_tool(struct tacho_json *json, const struct tacho_verdict_report *report)
{
    tacho_json_key(json, "tool");
    tacho_json_object_begin(json);
    tacho_json_key(json, "driver");
    tacho_json_object_begin(json);
    tacho_json_member_text(json, "name", "tacho");
    tacho_json_key(json, "rules");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < report->budget->rules.count; i++) {
        tacho_json_object_begin(json);
        tacho_json_member_text(json, "id", report->budget->rules.items[i].id);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
    tacho_json_object_end(json);
    tacho_json_object_end(json);
}

void tacho_verdict_sarif(const struct tacho_verdict_report *report, struct tacho_out *out)
{
    struct tacho_json json;

    tacho_json_init(&json, out, true);
    tacho_json_object_begin(&json);
    tacho_json_member_text(&json, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    tacho_json_member_text(&json, "version", "2.1.0");
    tacho_json_key(&json, "runs");
    tacho_json_array_begin(&json);
    tacho_json_object_begin(&json);
    sarif_tool(&json, report);
    tacho_json_key(&json, "results");
    tacho_json_array_begin(&json);
    for (size_t i = 0; i < report->check->results.count; i++)
        if (report->check->results.items[i].verdict != TACHO_VERDICT_OK)
            sarif_result(&json, report, &report->check->results.items[i]);
    tacho_json_array_end(&json);
    tacho_json_object_end(&json);
    tacho_json_array_end(&json);
    tacho_json_object_end(&json);
    tacho_out_char(out, '\n');
}
