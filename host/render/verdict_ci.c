// Verdicts for CI servers: JUnit XML, annotations of GitHub's workflow commands, Markdown.
#include <string.h>

#include "render/verdict.h"

// Text of XML 1.0: what would be markup is escaped, what no document may hold becomes '?'.
static void xml_text(struct tacho_out *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            tacho_out_text(out, "&amp;");
        else if (*text == '<')
            tacho_out_text(out, "&lt;");
        else if (*text == '>')
            tacho_out_text(out, "&gt;");
        else if (*text == '"')
            tacho_out_text(out, "&quot;");
        else
            tacho_out_char(out, (unsigned char)*text < ' ' ? '?' : *text);
    }
}

static void junit_case(const struct tacho_verdict_report *report,
                       const struct tacho_budget_result *result, struct tacho_out *out)
{
    struct tacho_buffer text = {0};
    bool fails = tacho_budget_verdict_fails(result->verdict, report->strict);

    tacho_verdict_sentence(result, &text);
    tacho_out_text(out, "    <testcase classname=\"");
    xml_text(out, *report->budget->name ? report->budget->name : "budget");
    tacho_out_text(out, "\" name=\"");
    xml_text(out, result->rule->id);
    tacho_out_text(out, "\">\n");
    tacho_out_text(out, fails                                      ? "      <failure message=\""
                        : result->verdict == TACHO_VERDICT_NO_DATA ? "      <skipped message=\""
                                                                   : "      <system-out>");
    xml_text(out, text.data);
    tacho_out_text(out, fails || result->verdict == TACHO_VERDICT_NO_DATA ? "\"/>\n"
                                                                          : "</system-out>\n");
    tacho_out_text(out, "    </testcase>\n");
    tacho_buffer_release(&text);
}

void tacho_verdict_junit(const struct tacho_verdict_report *report, struct tacho_out *out)
{
    const struct tacho_budget_check *check = report->check;
    size_t failures = 0, skipped;

    for (size_t i = 0; i < check->results.count; i++)
        failures += tacho_budget_verdict_fails(check->results.items[i].verdict, report->strict);
    skipped = report->strict ? 0 : check->count[TACHO_VERDICT_NO_DATA];
    tacho_out_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
                        "  <testsuite name=\"");
    xml_text(out, report->budget->path);
    tacho_out_printf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\">\n",
                     check->results.count, failures, skipped);
    for (size_t i = 0; i < check->results.count; i++)
        junit_case(report, &check->results.items[i], out);
    tacho_out_text(out, "  </testsuite>\n</testsuites>\n");
}

// A property's value must not hold ',' and ':' either.
static void github_text(struct tacho_out *out, const char *text, bool is_property)
{
    for (; *text; text++) {
        if (strchr("%\r\n", *text) || (is_property && strchr(",:", *text)))
            tacho_out_printf(out, "%%%02X", (unsigned char)*text);
        else
            tacho_out_char(out, *text);
    }
}

void tacho_verdict_github(const struct tacho_verdict_report *report, struct tacho_out *out)
{
    for (size_t i = 0; i < report->check->results.count; i++) {
        const struct tacho_budget_result *result = &report->check->results.items[i];
        struct tacho_buffer text = {0};

        if (result->verdict == TACHO_VERDICT_OK)
            continue;
        tacho_verdict_sentence(result, &text);
        tacho_out_text(out, tacho_budget_verdict_fails(result->verdict, report->strict) ? "::error "
                            : result->verdict == TACHO_VERDICT_WARNING ? "::warning "
                                                                       : "::notice ");
        if (report->budget->is_file) {
            tacho_out_text(out, "file=");
            github_text(out, report->budget->path, true);
            tacho_out_printf(out, ",line=%u,", result->rule->line);
        }
        tacho_out_text(out, "title=");
        github_text(out, result->rule->id, true);
        tacho_out_text(out, "::");
        github_text(out, text.data, false);
        tacho_out_char(out, '\n');
        tacho_buffer_release(&text);
    }
}

static void markdown_cell(struct tacho_out *out, const char *text)
{
    tacho_out_char(out, ' ');
    for (; *text; text++) {
        if (strchr("|\\`*_<>[]", *text))
            tacho_out_char(out, '\\');
        tacho_out_char(out, (unsigned char)*text < ' ' ? ' ' : *text);
    }
    tacho_out_text(out, " |");
}

void tacho_verdict_markdown(const struct tacho_verdict_report *report, struct tacho_out *out)
{
    const struct tacho_budget_check *check = report->check;

    tacho_out_printf(out, "**%s**: %zu critical, %zu warning, %zu no data, %zu ok\n\n",
                     tacho_budget_check_fails(check, report->strict) ? "failed" : "passed",
                     check->count[TACHO_VERDICT_CRITICAL], check->count[TACHO_VERDICT_WARNING],
                     check->count[TACHO_VERDICT_NO_DATA], check->count[TACHO_VERDICT_OK]);
    tacho_out_text(out, "| verdict | rule | measured | bound | evidence |\n"
                        "| --- | --- | ---: | --- | --- |\n");
    for (size_t i = 0; i < check->results.count; i++) {
        const struct tacho_budget_result *result = &check->results.items[i];
        struct tacho_buffer measured = {0}, bound = {0};

        tacho_verdict_measured(result, &measured);
        tacho_verdict_bound(result, &bound);
        tacho_out_char(out, '|');
        markdown_cell(out, tacho_budget_verdict_name(result->verdict));
        markdown_cell(out, result->rule->id);
        markdown_cell(out, measured.data);
        markdown_cell(out, bound.data);
        markdown_cell(out, result->evidence);
        tacho_out_char(out, '\n');
        tacho_buffer_release(&measured);
        tacho_buffer_release(&bound);
    }
}
