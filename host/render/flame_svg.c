// Flame graphs as SVG: boxes with tooltips, and a small script for zoom and search.
#include "render/flame_svg.h"

#include <math.h>
#include <string.h>

#include "base/map.h"
#include "render/assets.h"
#include "render/table.h"
#include "run/model.h"

#define WIDTH         1200.0
#define MARGIN        10.0
#define ROW           17.0
#define HEAD          58.0
#define TITLE_COLUMNS 118
#define FOOT          16.0
#define CHARACTER     6.6 // width of one of the monospaced font

void tacho_xml_text(struct tacho_out *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            tacho_out_text(out, "&lt;");
            break;
        case '>':
            tacho_out_text(out, "&gt;");
            break;
        case '&':
            tacho_out_text(out, "&amp;");
            break;
        case '"':
            tacho_out_text(out, "&quot;");
            break;
        default:
            if ((unsigned char)*text >= 0x20)
                tacho_out_char(out, *text);
        }
    }
}

static uint32_t from_hsl(double hue, double saturation, double lightness)
{
    double chroma = (1 - fabs(2 * lightness - 1)) * saturation;
    double second = chroma * (1 - fabs(fmod(hue / 60, 2) - 1)), low = lightness - chroma / 2;
    double rgb[3] = {0, 0, 0};
    int sector = (int)(hue / 60) % 6;

    rgb[((sector + 1) / 2) % 3] = chroma;
    rgb[(7 - sector) % 3] = second;
    return (uint32_t)((rgb[0] + low) * 255) << 16 | (uint32_t)((rgb[1] + low) * 255) << 8 |
           (uint32_t)((rgb[2] + low) * 255);
}

uint32_t tacho_flame_colour(const char *name, const char *module, uint32_t flags)
{
    static const double hues[] = {18, 32, 44, 158, 178, 198, 214, 262, 286, 330};
    uint64_t shade = tacho_hash_bytes(name, strlen(name), 1) % 1000;
    uint64_t chosen = tacho_hash_bytes(module, strlen(module), 2);
    double hue = hues[chosen % (sizeof hues / sizeof hues[0])];

    if (flags & TACHO_FRAME_KERNEL)
        return from_hsl(8, 0.35, 0.66 + 0.08 * (double)shade / 1000);
    return from_hsl(hue, 0.58, 0.66 + 0.12 * (double)shade / 1000);
}

static void cut_text(struct tacho_out *out, const char *text, size_t columns)
{
    struct tacho_out cut;

    tacho_out_init_memory(&cut);
    tacho_text_write(&cut, text, columns);
    tacho_out_char(&cut, '\0');
    tacho_xml_text(out, cut.buffer.data);
    tacho_out_release(&cut);
}

void tacho_flame_begin(struct tacho_flame *flame, struct tacho_out *out, unsigned rows,
                       const char *title, const char *subtitle)
{
    double height = HEAD + ROW * rows + FOOT;

    flame->out = out;
    tacho_out_printf(out,
                     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/"
                     "2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" "
                     "font-family=\"ui-monospace,DejaVu Sans Mono,monospace\" font-size=\"11\">\n",
                     WIDTH, height, WIDTH, height);
    tacho_out_text(out, "<style>rect{stroke:#fff;stroke-width:.5}g.f{cursor:pointer}"
                        "g.f:hover rect{stroke:#000}g.f text{pointer-events:none}"
                        ".hit rect{fill:#d2449b}.dim{opacity:.45}</style>\n"
                        "<rect width=\"100%\" height=\"100%\" fill=\"#fcfcfa\"/>\n");
    tacho_out_printf(out, "<text x=\"%.0f\" y=\"24\" font-size=\"15\" font-weight=\"600\">",
                     MARGIN);
    cut_text(out, title, TITLE_COLUMNS);
    tacho_out_printf(out, "</text>\n<text x=\"%.0f\" y=\"42\" fill=\"#666\">", MARGIN);
    tacho_xml_text(out, subtitle);
    tacho_out_printf(out,
                     "</text>\n<text id=\"search\" x=\"%.0f\" y=\"24\" text-anchor=\"end\" fill=\""
                     "#666\" style=\"cursor:pointer\">search</text>\n<text id=\"found\" x=\"%.0f\" "
                     "y=\"42\" text-anchor=\"end\" fill=\"#a02070\"></text>\n<g id=\"boxes\">\n",
                     WIDTH - MARGIN, WIDTH - MARGIN);
}

void tacho_flame_box(struct tacho_flame *flame, const struct tacho_flame_box *box)
{
    struct tacho_out *out = flame->out;
    double x = MARGIN + box->begin * (WIDTH - 2 * MARGIN);
    double y = HEAD + ROW * box->row;
    double width = box->width * (WIDTH - 2 * MARGIN);
    size_t columns = width > 2 * CHARACTER ? (size_t)((width - 4) / CHARACTER) : 0;

    tacho_out_text(out, "<g class=\"f\"><title>");
    tacho_xml_text(out, box->name);
    tacho_out_text(out, " ");
    tacho_xml_text(out, box->detail);
    tacho_out_printf(out,
                     "</title><rect x=\"%.2f\" y=\"%.0f\" width=\"%.2f\" height=\"%.0f\" rx=\"1\" "
                     "fill=\"#%06x\"/>",
                     x, y, width, ROW - 1, box->colour);
    if (columns >= 2) {
        tacho_out_printf(out, "<text x=\"%.2f\" y=\"%.1f\">", x + 3, y + 12);
        cut_text(out, box->name, columns);
        tacho_out_text(out, "</text>");
    }
    tacho_out_text(out, "</g>\n");
}

void tacho_flame_end(struct tacho_flame *flame)
{
    tacho_out_text(flame->out, "</g>\n<script><![CDATA[\n");
    tacho_out_write(flame->out, tacho_asset_flame_js, tacho_asset_flame_js_size);
    tacho_out_text(flame->out, "]]></script>\n</svg>\n");
}
