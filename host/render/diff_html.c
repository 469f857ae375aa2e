// The difference of two runs as a page: tables and the differential flame graph as a picture
// inside.
#include <string.h>

#include "render/assets.h"
#include "render/diff_json.h"
#include "render/html.h"

int tacho_diff_html(const struct tacho_diff *diff, size_t top, struct tacho_out *out,
                    struct tacho_fail *fail)
{
    const struct tacho_html_script scripts[] = {{tacho_asset_page_js, tacho_asset_page_js_size},
                                                {tacho_asset_diff_js, tacho_asset_diff_js_size}};
    struct tacho_out data, picture;
    struct tacho_json json;
    struct tacho_buffer title = {0};

    tacho_out_init_memory(&data);
    tacho_out_init_memory(&picture);
    tacho_json_init(&json, &data, false);
    tacho_json_object_begin(&json);
    tacho_diff_json_members(&json, diff, 2000);
    tacho_json_key(&json, "svg");
    if (diff->before_tree.total > 0 || diff->after_tree.total > 0) {
        tacho_diff_svg(diff, top, &picture, fail);
        tacho_out_char(&picture, '\0');
        tacho_json_text(&json, picture.buffer.data);
    } else {
        tacho_json_null(&json);
    }
    tacho_json_object_end(&json);
    tacho_buffer_printf(&title, "%.40s -> %.40s — tacho", diff->before->info.id,
                        diff->after->info.id);
    tacho_html_page(out, title.data, &data.buffer, scripts, sizeof scripts / sizeof scripts[0]);
    tacho_buffer_release(&title);
    tacho_out_release(&data);
    tacho_out_release(&picture);
    return 0;
}
