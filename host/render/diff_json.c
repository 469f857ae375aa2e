// The difference of two runs as JSON; the data of the HTML page has the two trees as well.
#include "render/diff_json.h"

#include <math.h>

#include "render/json_parts.h"

static void write_run(struct tacho_json *json, const char *key, const struct tacho_run *run)
{
    struct tacho_facts facts;

    tacho_facts_build(&facts, run);
    tacho_json_key(json, key);
    tacho_json_object_begin(json);
    tacho_json_run_info(json, run, &facts);
    tacho_json_object_end(json);
}

static void write_metrics(struct tacho_json *json, const struct tacho_diff *diff)
{
    tacho_json_key(json, "metrics");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < diff->metrics.count; i++) {
        const struct tacho_diff_metric *row = &diff->metrics.items[i];
        static const char *const directions[] = {"none", "lower", "higher"};

        tacho_json_object_begin(json);
        tacho_json_member_text(json, "name", row->name);
        tacho_json_member_text(json, "subject", row->subject);
        tacho_json_member_text(json, "unit", row->unit);
        tacho_json_member_text(json, "direction",
                               row->direction < 3 ? directions[row->direction] : "none");
        tacho_json_member_double(json, "before", row->before);
        tacho_json_member_double(json, "after", row->after);
        tacho_json_member_double(json, "delta", row->delta);
        tacho_json_member_double(json, "relative", row->relative);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
}

static void write_functions(struct tacho_json *json, const struct tacho_diff *diff, size_t top)
{
    tacho_json_key(json, "functions");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < diff->functions.count && (top == 0 || i < top); i++) {
        const struct tacho_diff_function *row = &diff->functions.items[i];

        tacho_json_object_begin(json);
        tacho_json_member_text(json, "function", row->name);
        tacho_json_member_text(json, "module", row->module);
        tacho_json_member_i64(json, "before_self", row->before_self);
        tacho_json_member_i64(json, "after_self", row->after_self);
        tacho_json_member_i64(json, "before_total", row->before_total);
        tacho_json_member_i64(json, "after_total", row->after_total);
        tacho_json_member_double(json, "share_before", row->share_before);
        tacho_json_member_double(json, "share_after", row->share_after);
        tacho_json_member_double(json, "share_delta", row->share_delta);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
}

static void write_statistics(struct tacho_json *json, const char *key,
                             const struct tacho_statistics *statistics)
{
    tacho_json_key(json, key);
    if (statistics->count == 0) {
        tacho_json_null(json);
        return;
    }
    tacho_json_object_begin(json);
    tacho_json_statistics(json, statistics, "_ns");
    tacho_json_object_end(json);
}

void tacho_diff_json_members(struct tacho_json *json, const struct tacho_diff *diff, size_t top)
{
    write_run(json, "before", diff->before);
    write_run(json, "after", diff->after);
    write_metrics(json, diff);
    write_functions(json, diff, top);
    tacho_json_key(json, "zones");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < diff->zones.count; i++) {
        tacho_json_object_begin(json);
        tacho_json_member_text(json, "name", diff->zones.items[i].name);
        write_statistics(json, "before", &diff->zones.items[i].before);
        write_statistics(json, "after", &diff->zones.items[i].after);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
}

int tacho_diff_json(const struct tacho_diff *diff, size_t top, struct tacho_out *out,
                    struct tacho_fail *fail)
{
    struct tacho_json json;

    (void)fail;
    tacho_json_init(&json, out, true);
    tacho_json_object_begin(&json);
    tacho_json_member_i64(&json, "tacho_diff", 1);
    tacho_diff_json_members(&json, diff, top);
    tacho_json_object_end(&json);
    tacho_out_char(out, '\n');
    return 0;
}
