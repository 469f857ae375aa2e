// JSON as a stream: see json_writer.h. UTF-8 is checked after RFC 3629.
#include "base/json_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tacho_json_init(struct tacho_json *json, struct tacho_out *out, bool pretty)
{
    *json = (struct tacho_json){.out = out, .pretty = pretty};
}

static void new_line(struct tacho_json *json)
{
    static const char blanks[2 * TACHO_JSON_DEPTH_MAX + 1] =
        "                                                                ";
    tacho_out_char(json->out, '\n');
    tacho_out_write(json->out, blanks, 2 * (size_t)json->depth);
}

static void before_value(struct tacho_json *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->has_member[json->depth])
        tacho_out_char(json->out, ',');
    json->has_member[json->depth] = true;
    if (json->pretty && json->depth > 0)
        new_line(json);
}

static void begin(struct tacho_json *json, char bracket)
{
    before_value(json);
    tacho_out_char(json->out, bracket);
    if (json->depth + 1 < TACHO_JSON_DEPTH_MAX)
        json->depth++;
    json->has_member[json->depth] = false;
}

static void end(struct tacho_json *json, char bracket)
{
    bool had_member = json->has_member[json->depth];
    if (json->depth > 0)
        json->depth--;
    if (json->pretty && had_member)
        new_line(json);
    tacho_out_char(json->out, bracket);
}

void tacho_json_object_begin(struct tacho_json *json)
{
    begin(json, '{');
}

void tacho_json_object_end(struct tacho_json *json)
{
    end(json, '}');
}

void tacho_json_array_begin(struct tacho_json *json)
{
    begin(json, '[');
}

void tacho_json_array_end(struct tacho_json *json)
{
    end(json, ']');
}

// The length of the well-formed UTF-8 sequence at `text`, 0 if there is none.
static size_t utf8_length(const unsigned char *text)
{
    if (text[0] < 0x80)
        return 1;
    unsigned low = 0x80, high = 0xbf;
    size_t length;
    if (text[0] >= 0xc2 && text[0] <= 0xdf)
        length = 2;
    else if (text[0] >= 0xe0 && text[0] <= 0xef)
        length = 3;
    else if (text[0] >= 0xf0 && text[0] <= 0xf4)
        length = 4;
    else
        return 0;
    if (text[0] == 0xe0)
        low = 0xa0;
    else if (text[0] == 0xed)
        high = 0x9f;
    else if (text[0] == 0xf0)
        low = 0x90;
    else if (text[0] == 0xf4)
        high = 0x8f;
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static void escape(struct tacho_out *out, unsigned char character)
{
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    const char *name = character ? strchr(names, character) : NULL;
    if (name && (name - names) % 2 == 0)
        tacho_out_printf(out, "\\%c", name[1]);
    else
        tacho_out_printf(out, "\\u%04x", character);
}

static void write_text(struct tacho_out *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text, *from = at;
    tacho_out_char(out, '"');
    while (*at) {
        size_t length = utf8_length(at);
        bool plain = length > 0 && *at >= 0x20 && *at != '"' && *at != '\\' && *at != 0x7f;
        if (plain) {
            at += length;
            continue;
        }
        tacho_out_write(out, from, (size_t)(at - from));
        if (length)
            escape(out, *at);
        else
            tacho_out_text(out, "\\ufffd");
        from = ++at;
    }
    tacho_out_write(out, from, (size_t)(at - from));
    tacho_out_char(out, '"');
}

void tacho_json_key(struct tacho_json *json, const char *key)
{
    before_value(json);
    write_text(json->out, key);
    tacho_out_text(json->out, json->pretty ? ": " : ":");
    json->after_key = true;
}

void tacho_json_text(struct tacho_json *json, const char *text)
{
    before_value(json);
    if (text)
        write_text(json->out, text);
    else
        tacho_out_text(json->out, "null");
}

void tacho_json_i64(struct tacho_json *json, int64_t value)
{
    before_value(json);
    tacho_out_i64(json->out, value);
}

void tacho_json_u64(struct tacho_json *json, uint64_t value)
{
    before_value(json);
    tacho_out_u64(json->out, value);
}

void tacho_json_double(struct tacho_json *json, double value)
{
    char text[32];
    before_value(json);
    if (!isfinite(value)) {
        tacho_out_text(json->out, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    tacho_out_text(json->out, text);
}

void tacho_json_bool(struct tacho_json *json, bool value)
{
    before_value(json);
    tacho_out_text(json->out, value ? "true" : "false");
}

void tacho_json_null(struct tacho_json *json)
{
    before_value(json);
    tacho_out_text(json->out, "null");
}

void tacho_json_member_text(struct tacho_json *json, const char *key, const char *text)
{
    tacho_json_key(json, key);
    tacho_json_text(json, text);
}

void tacho_json_member_i64(struct tacho_json *json, const char *key, int64_t value)
{
    tacho_json_key(json, key);
    tacho_json_i64(json, value);
}

void tacho_json_member_u64(struct tacho_json *json, const char *key, uint64_t value)
{
    tacho_json_key(json, key);
    tacho_json_u64(json, value);
}

void tacho_json_member_double(struct tacho_json *json, const char *key, double value)
{
    tacho_json_key(json, key);
    tacho_json_double(json, value);
}

void tacho_json_member_bool(struct tacho_json *json, const char *key, bool value)
{
    tacho_json_key(json, key);
    tacho_json_bool(json, value);
}
