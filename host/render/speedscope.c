// The profile in speedscope's file format: one sampled profile per thread.
#include <stdio.h>
#include <string.h>

#include "base/json_writer.h"
#include "render/stacks.h"

static void write_frames(struct tacho_json *json, const struct tacho_report *report)
{
    tacho_json_key(json, "shared");
    tacho_json_object_begin(json);
    tacho_json_key(json, "frames");
    tacho_json_array_begin(json);
    for (size_t i = 0; i < report->tree.functions.items.count; i++) {
        const struct tacho_function *function = &report->tree.functions.items.items[i];

        tacho_json_object_begin(json);
        tacho_json_member_text(json, "name", function->name);
        if (function->file[0] != '\0')
            tacho_json_member_text(json, "file", function->file);
        else if (function->module[0] != '\0')
            tacho_json_member_text(json, "file", function->module);
        if (function->line > 0)
            tacho_json_member_u64(json, "line", function->line);
        tacho_json_object_end(json);
    }
    tacho_json_array_end(json);
    tacho_json_object_end(json);
}

// The text of a node's stack, "[f,f,f]" of functions from the outermost, is made once and kept.
struct stack_texts {
    struct tacho_buffer text;
    size_t *offset; // by node, plus one; 0: not made yet
    uint32_t *size;
    uint32_t path[4096];
};

static void stack_text(struct stack_texts *texts, const struct tacho_report *report,
                       const struct tacho_stacks *stacks, uint32_t node)
{
    unsigned count = 0;
    size_t start = texts->text.size;

    for (uint32_t at = node; at != TACHO_NO_INDEX && count < 4096;
         at = stacks->nodes.items[at].parent)
        texts->path[count++] = report->tree.functions.of_frame[stacks->nodes.items[at].frame];
    tacho_buffer_byte(&texts->text, '[');
    while (count-- > 0)
        tacho_buffer_printf(&texts->text, count > 0 ? "%u," : "%u", texts->path[count]);
    tacho_buffer_byte(&texts->text, ']');
    texts->offset[node] = start + 1;
    texts->size[node] = (uint32_t)(texts->text.size - start);
}

static void write_lists(struct tacho_json *json, const struct tacho_report *report,
                        const struct tacho_stacks *stacks, struct stack_texts *texts, size_t begin,
                        size_t end)
{
    const struct tacho_run_profile_sample *samples = report->profile->samples.items;

    // Plain lists without the writer's bookkeeping for each number.
    tacho_json_key(json, "samples");
    tacho_json_array_begin(json);
    for (size_t i = begin; i < end; i++) {
        uint32_t node = stacks->of_node[samples[stacks->samples.items[i]].node];

        if (i > begin)
            tacho_out_char(json->out, ',');
        if (node == TACHO_NO_INDEX) {
            tacho_out_text(json->out, "[]");
            continue;
        }
        if (texts->offset[node] == 0)
            stack_text(texts, report, stacks, node);
        tacho_out_write(json->out, texts->text.data + texts->offset[node] - 1, texts->size[node]);
    }
    tacho_json_array_end(json);
    tacho_json_key(json, "weights");
    tacho_json_array_begin(json);
    for (size_t i = begin; i < end; i++) {
        if (i > begin)
            tacho_out_char(json->out, ',');
        tacho_out_i64(json->out, samples[stacks->samples.items[i]].weight);
    }
    tacho_json_array_end(json);
}

static void write_thread(struct tacho_json *json, const struct tacho_report *report,
                         const struct tacho_stacks *stacks, struct stack_texts *texts, size_t begin,
                         size_t end)
{
    const struct tacho_run_profile *profile = report->profile;
    const struct tacho_run *run = report->run;
    uint32_t thread_index = profile->samples.items[stacks->samples.items[begin]].thread;
    const char *unit = strcmp(profile->unit, "nanoseconds") == 0 ? "nanoseconds"
                       : strcmp(profile->unit, "bytes") == 0     ? "bytes"
                                                                 : "none";
    char name[200] = "unknown thread";
    int64_t sum = 0;

    for (size_t i = begin; i < end; i++)
        sum += profile->samples.items[stacks->samples.items[i]].weight;
    if (thread_index < run->threads.count) {
        const struct tacho_run_thread *thread = &run->threads.items[thread_index];

        snprintf(name, sizeof name, "%.100s %u/%u", thread->name != NULL ? thread->name : "",
                 thread->pid, thread->tid);
    }
    tacho_json_object_begin(json);
    tacho_json_member_text(json, "type", "sampled");
    tacho_json_member_text(json, "name", name);
    tacho_json_member_text(json, "unit", unit);
    tacho_json_member_i64(json, "startValue", 0);
    tacho_json_member_i64(json, "endValue", sum);
    write_lists(json, report, stacks, texts, begin, end);
    tacho_json_object_end(json);
}

static void write_profiles(struct tacho_json *json, const struct tacho_report *report)
{
    const struct tacho_run_profile_sample *samples = report->profile->samples.items;
    struct tacho_stacks stacks;
    struct stack_texts texts = {0};
    size_t capacity = 0, bytes;

    tacho_stacks_build(&stacks, report);
    bytes = (stacks.nodes.count + 1) * sizeof *texts.offset;
    texts.offset = tacho_array_grow(NULL, &capacity, bytes, 1);
    memset(texts.offset, 0, bytes);
    capacity = 0;
    texts.size = tacho_array_grow(NULL, &capacity, stacks.nodes.count + 1, sizeof *texts.size);
    for (size_t i = 0; i < stacks.samples.count;) {
        size_t begin = i;
        uint32_t thread = samples[stacks.samples.items[begin]].thread;

        while (i < stacks.samples.count && samples[stacks.samples.items[i]].thread == thread)
            i++;
        write_thread(json, report, &stacks, &texts, begin, i);
    }
    free(texts.offset);
    free(texts.size);
    tacho_buffer_release(&texts.text);
    tacho_stacks_release(&stacks);
}

int tacho_report_speedscope(const struct tacho_report *report, struct tacho_out *out,
                            struct tacho_fail *fail)
{
    struct tacho_json json;

    if (report->profile == NULL)
        return tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "this run has no profile");
    tacho_json_init(&json, out, false);
    tacho_json_object_begin(&json);
    tacho_json_member_text(&json, "$schema", "https://www.speedscope.app/file-format-schema.json");
    tacho_json_member_text(&json, "name", report->run->info.command);
    tacho_json_member_text(&json, "exporter", "tacho");
    write_frames(&json, report);
    tacho_json_key(&json, "profiles");
    tacho_json_array_begin(&json);
    write_profiles(&json, report);
    tacho_json_array_end(&json);
    tacho_json_object_end(&json);
    tacho_out_char(out, '\n');
    return 0;
}
