// Quantities for people: see units.h.
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

// Three significant digits for what is below 1000.
static const char *three_digits(double value, const char *unit, char *text)
{
    double size = fabs(value);
    int decimals = size >= 99.95 || value == 0 ? 0 : size >= 9.995 ? 1 : 2;
    snprintf(text, TACHO_UNIT_TEXT_MAX, "%.*f%s%s", decimals, value, *unit ? " " : "", unit);
    return text;
}

static const char *not_available(char *text)
{
    memcpy(text, "n/a", 4);
    return text;
}

const char *tacho_format_seconds(double seconds, char *text)
{
    static const struct {
        double low, scale;
        const char *unit;
    } rows[] = {{0.9995, 1, "s"}, {0.9995e-3, 1e3, "ms"}, {0.9995e-6, 1e6, "us"}, {0, 1e9, "ns"}};
    if (!isfinite(seconds))
        return not_available(text);
    double size = fabs(seconds);
    const char *sign = seconds < 0 ? "-" : "";
    if (size >= 3599.5) {
        long long minutes = llround(size / 60);
        snprintf(text, TACHO_UNIT_TEXT_MAX, "%s%lld h %02lld min", sign, minutes / 60,
                 minutes % 60);
        return text;
    }
    if (size >= 99.5) {
        long long whole = llround(size);
        snprintf(text, TACHO_UNIT_TEXT_MAX, "%s%lld min %02lld s", sign, whole / 60, whole % 60);
        return text;
    }
    if (size == 0)
        return three_digits(0, "s", text);
    size_t row = 0;
    while (size < rows[row].low)
        row++;
    return three_digits(seconds * rows[row].scale, rows[row].unit, text);
}

const char *tacho_format_bytes(double bytes, char *text)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    if (!isfinite(bytes))
        return not_available(text);
    size_t unit = 0;
    while (fabs(bytes) >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        bytes /= 1024;
        unit++;
    }
    if (unit == 0 && bytes == floor(bytes)) {
        snprintf(text, TACHO_UNIT_TEXT_MAX, "%.0f B", bytes);
        return text;
    }
    return three_digits(bytes, units[unit], text);
}

const char *tacho_format_ratio(double ratio, char *text)
{
    if (!isfinite(ratio))
        return not_available(text);
    double percent = ratio * 100;
    snprintf(text, TACHO_UNIT_TEXT_MAX, "%.*f %%", fabs(percent) < 0.1 && percent != 0 ? 2 : 1,
             percent);
    return text;
}

const char *tacho_format_count(double count, char *text)
{
    if (!isfinite(count))
        return not_available(text);
    if (count != floor(count) || fabs(count) >= 1e15)
        return three_digits(count, "", text);
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%.0f", fabs(count));
    char *at = text;
    if (count < 0)
        *at++ = '-';
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return text;
}

const char *tacho_format_unit(double value, const char *unit, char *text)
{
    char number[TACHO_UNIT_TEXT_MAX];
    if (!isfinite(value))
        return not_available(text);
    if (strcmp(unit, "seconds") == 0)
        return tacho_format_seconds(value, text);
    if (strcmp(unit, "nanoseconds") == 0)
        return tacho_format_seconds(value * 1e-9, text);
    if (strcmp(unit, "bytes") == 0)
        return tacho_format_bytes(value, text);
    if (strcmp(unit, "ratio") == 0)
        return tacho_format_ratio(value, text);
    if (strcmp(unit, "count") == 0)
        return tacho_format_count(value, text);
    if (strcmp(unit, "bytes/s") == 0) {
        snprintf(text, TACHO_UNIT_TEXT_MAX, "%s/s", tacho_format_bytes(value, number));
    } else if (strcmp(unit, "count/s") == 0) {
        snprintf(text, TACHO_UNIT_TEXT_MAX, "%s/s", tacho_format_count(value, number));
    } else if (strcmp(unit, "celsius") == 0) {
        return three_digits(value, "C", text);
    } else if (strcmp(unit, "watts") == 0) {
        return three_digits(value, "W", text);
    } else if (strcmp(unit, "hertz") == 0) {
        bool giga = fabs(value) >= 1e9;
        return three_digits(value / (giga ? 1e9 : 1e6), giga ? "GHz" : "MHz", text);
    } else {
        snprintf(text, TACHO_UNIT_TEXT_MAX, "%.15s %.14s", tacho_format_count(value, number), unit);
    }
    return text;
}

// Reads the number; `*rest` is what follows it, blanks skipped.
static int read_quantity(const char *text, const char *what, double *value, const char **rest,
                         struct tacho_fail *fail)
{
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    bool starts_well = *text && (isdigit((unsigned char)*text) || strchr("+-.", *text));
    bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    if (!starts_well || is_hex || end == text || errno || !isfinite(*value))
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "'%s' is not a %s", text, what);
    while (*end == ' ')
        end++;
    *rest = end;
    return 0;
}

int tacho_read_duration(const char *text, int64_t *ns, struct tacho_fail *fail)
{
    static const struct {
        const char *unit;
        double scale;
    } rows[] = {{"", 1e9},   {"ns", 1},     {"us", 1e3},   {"ms", 1e6},   {"s", 1e9},
                {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}, {"d", 86400e9}};
    double value;
    const char *unit;
    if (read_quantity(text, "duration", &value, &unit, fail) < 0)
        return tacho_fail_advise(fail, "write for example 100ms, 2s or 1h");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(unit, rows[i].unit) != 0)
            continue;
        value *= rows[i].scale;
        if (value < 0 || value > 9e18)
            return tacho_fail_set(fail, TACHO_ERR_USAGE, "'%s' is out of range", text);
        *ns = (int64_t)llround(value);
        return 0;
    }
    return tacho_fail_set(fail, TACHO_ERR_USAGE,
                          "'%s' is not a unit of time; write for example 100ms, 2s or 1h", unit);
}

int tacho_read_size(const char *text, uint64_t *bytes, struct tacho_fail *fail)
{
    double value;
    const char *unit;
    if (read_quantity(text, "size", &value, &unit, fail) < 0)
        return tacho_fail_advise(fail, "write for example 4096, 512k or 64MiB");
    double scale = 1;
    if (*unit && *unit != 'B') {
        static const char prefixes[] = "kmgt";
        const char *prefix = strchr(prefixes, tolower((unsigned char)*unit));
        const char *rest = unit + 1;
        bool decimal = strcmp(rest, "B") == 0, binary = !*rest || strcmp(rest, "iB") == 0;
        if (!prefix || (!decimal && !binary))
            return tacho_fail_set(fail, TACHO_ERR_USAGE,
                                  "'%s' is not a unit of size; write k, MB, MiB, G ...", unit);
        scale = pow(decimal ? 1000 : 1024, (double)(prefix - prefixes + 1));
    } else if (*unit && unit[1]) {
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "'%s' is not a unit of size", unit);
    }
    value *= scale;
    if (value < 0 || value >= 18e18)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "'%s' is out of range", text);
    *bytes = (uint64_t)value;
    return 0;
}

int tacho_read_number(const char *text, double *value, struct tacho_fail *fail)
{
    const char *rest;
    if (read_quantity(text, "number", value, &rest, fail) < 0)
        return fail->code;
    if (*rest)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "'%s' is not a number", text);
    return 0;
}

int tacho_read_measure(const char *text, double *value, const char **unit, struct tacho_fail *fail)
{
    static const struct {
        const char *sign, *unit;
        double scale;
    } rows[] = {{"", "", 1},
                {"ns", "seconds", 1e-9},
                {"us", "seconds", 1e-6},
                {"ms", "seconds", 1e-3},
                {"s", "seconds", 1},
                {"min", "seconds", 60},
                {"h", "seconds", 3600},
                {"B", "bytes", 1},
                {"kB", "bytes", 1e3},
                {"MB", "bytes", 1e6},
                {"GB", "bytes", 1e9},
                {"TB", "bytes", 1e12},
                {"KiB", "bytes", 1024},
                {"MiB", "bytes", 1048576},
                {"GiB", "bytes", 1073741824},
                {"TiB", "bytes", 1099511627776},
                {"%", "ratio", 0.01},
                {"C", "celsius", 1},
                {"mW", "watts", 1e-3},
                {"W", "watts", 1},
                {"Hz", "hertz", 1},
                {"MHz", "hertz", 1e6},
                {"GHz", "hertz", 1e9},
                {"/s", "count/s", 1},
                {"B/s", "bytes/s", 1},
                {"kB/s", "bytes/s", 1e3},
                {"MB/s", "bytes/s", 1e6},
                {"GB/s", "bytes/s", 1e9},
                {"KiB/s", "bytes/s", 1024},
                {"MiB/s", "bytes/s", 1048576},
                {"GiB/s", "bytes/s", 1073741824}};
    const char *sign;
    if (read_quantity(text, "number", value, &sign, fail) < 0)
        return tacho_fail_advise(fail, "write for example 50 ms, 4 GiB, 90 %% or 100");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(sign, rows[i].sign) != 0)
            continue;
        *value *= rows[i].scale;
        *unit = rows[i].unit;
        return 0;
    }
    return tacho_fail_set(fail, TACHO_ERR_USAGE,
                          "'%s' is not a unit; write for example 50 ms, 4 GiB, 90 %%, 85 C, 150 /s",
                          sign);
}
