// Base units at rest, readable units at the edge: the only place that formats or reads quantities.
#ifndef TACHO_BASE_UNITS_H
#define TACHO_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"

#define TACHO_UNIT_TEXT_MAX 32

// "1.23 ms", "456 ns", "2 h 03 min"; "12.3 MiB"; "12.3 %"; "1,234"; NaN gives "n/a".
// Each writes into `text` (TACHO_UNIT_TEXT_MAX bytes) and returns it.
const char *tacho_format_seconds(double seconds, char *text);
const char *tacho_format_bytes(double bytes, char *text);
const char *tacho_format_ratio(double ratio, char *text); // 0.123 -> "12.3 %"
const char *tacho_format_count(double count, char *text);
// By the name of a unit of a metric: "seconds", "bytes", "ratio", "count", "bytes/s", "count/s",
// "celsius", "watts", "hertz"; another unit is written behind the number.
const char *tacho_format_unit(double value, const char *unit, char *text);

// "100ms", "2s", "1.5m", "1h", "250us", "10ns"; a bare number is seconds.
int tacho_read_duration(const char *text, int64_t *ns, struct tacho_fail *fail);
// "64MiB", "10MB", "512k", "4096": k M G T are powers of 1000 with B, of 1024 with iB or alone.
int tacho_read_size(const char *text, uint64_t *bytes, struct tacho_fail *fail);
int tacho_read_number(const char *text, double *value, struct tacho_fail *fail);
// "50 ms", "4 GiB", "90 %", "85 C", "150 /s", "2 MiB/s": the value in the base unit that metrics
// use, whose name becomes *unit ("seconds", "bytes", "ratio", ...); a bare number has the unit "".
// Sizes: kB MB GB are powers of 1000, KiB MiB GiB of 1024.
int tacho_read_measure(const char *text, double *value, const char **unit, struct tacho_fail *fail);

#endif
