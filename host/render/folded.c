// Folded stacks: one line per stack, frames from the outermost, ";" between them, then the weight.
#include <string.h>

#include "render/report.h"

// ";" and line ends would break a line in two.
static void add_name(struct tacho_buffer *path, const char *name)
{
    size_t start = path->size;

    tacho_buffer_text(path, name);
    for (size_t i = start; i < path->size; i++) {
        if (path->data[i] == ';')
            path->data[i] = ':';
        else if ((unsigned char)path->data[i] < 0x20)
            path->data[i] = ' ';
    }
}

int tacho_report_folded(const struct tacho_report *report, struct tacho_out *out,
                        struct tacho_fail *fail)
{
    const struct tacho_calltree *tree = &report->tree;
    struct tacho_buffer path = {0};
    TACHO_ARRAY(size_t) end = {0}; // by depth: the length of the path with the node there

    (void)fail;
    tacho_array_push(&end, 0);
    for (uint32_t at = tree->nodes.items[0].first_child; at != TACHO_NO_INDEX;
         at = tacho_calltree_next(tree, at)) {
        const struct tacho_calltree_node *node = &tree->nodes.items[at];
        const struct tacho_function *function = &tree->functions.items.items[node->function];

        path.size = end.items[node->depth - 1];
        if (node->depth > 1)
            tacho_buffer_byte(&path, ';');
        add_name(&path, function->name);
        // The marks that flame graph tools colour by.
        if (function->flags & TACHO_FRAME_KERNEL)
            tacho_buffer_text(&path, "_[k]");
        else if (node->flags & TACHO_FRAME_INLINED)
            tacho_buffer_text(&path, "_[i]");
        if (end.count <= node->depth)
            tacho_array_push(&end, 0);
        end.items[node->depth] = path.size;
        if (node->self > 0) {
            tacho_out_write(out, path.data, path.size);
            tacho_out_char(out, ' ');
            tacho_out_i64(out, node->self);
            tacho_out_char(out, '\n');
        }
    }
    tacho_array_release(&end);
    tacho_buffer_release(&path);
    return 0;
}
