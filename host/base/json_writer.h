// Writes JSON as a stream: no tree in memory, correct escapes, commas by itself. (Reading JSON is
// jansson's work.) NaN and infinity, which JSON does not have, become null.
#ifndef TACHO_BASE_JSON_WRITER_H
#define TACHO_BASE_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/out.h"

#define TACHO_JSON_DEPTH_MAX 32

struct tacho_json {
    struct tacho_out *out;
    unsigned depth;
    bool pretty; // newline and indentation for each member
    bool has_member[TACHO_JSON_DEPTH_MAX];
    bool after_key;
};

void tacho_json_init(struct tacho_json *json, struct tacho_out *out, bool pretty);
void tacho_json_object_begin(struct tacho_json *json);
void tacho_json_object_end(struct tacho_json *json);
void tacho_json_array_begin(struct tacho_json *json);
void tacho_json_array_end(struct tacho_json *json);
void tacho_json_key(struct tacho_json *json, const char *key);
void tacho_json_text(struct tacho_json *json, const char *text); // NULL: null; bad UTF-8: U+FFFD
void tacho_json_i64(struct tacho_json *json, int64_t value);
void tacho_json_u64(struct tacho_json *json, uint64_t value);
void tacho_json_double(struct tacho_json *json, double value); // shortest form that reads back
void tacho_json_bool(struct tacho_json *json, bool value);
void tacho_json_null(struct tacho_json *json);
// Key and value in one.
void tacho_json_member_text(struct tacho_json *json, const char *key, const char *text);
void tacho_json_member_i64(struct tacho_json *json, const char *key, int64_t value);
void tacho_json_member_u64(struct tacho_json *json, const char *key, uint64_t value);
void tacho_json_member_double(struct tacho_json *json, const char *key, double value);
void tacho_json_member_bool(struct tacho_json *json, const char *key, bool value);

#endif
