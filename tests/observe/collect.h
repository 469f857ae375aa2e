// A sink that keeps what tests ask about.
#ifndef TACHO_TESTS_COLLECT_H
#define TACHO_TESTS_COLLECT_H

#include "base/array.h"
#include "run/record.h"

struct collected_name {
    uint32_t id;
    char name[96];
    uint64_t address;
};

struct collected_event {
    char name[64];
    double value;
    int64_t time;
};

struct collect {
    struct tacho_sink sink;
    TACHO_ARRAY(struct collected_name) zones;
    TACHO_ARRAY(struct collected_name) metrics;
    TACHO_ARRAY(struct tacho_sample) samples;
    TACHO_ARRAY(struct tacho_record) spans;
    TACHO_ARRAY(struct tacho_zone_stats) stats; // without the buckets
    TACHO_ARRAY(struct collected_event) events;
    TACHO_ARRAY(struct tacho_thread_info) threads; // without the texts
    TACHO_ARRAY(struct collected_name) maps;       // address: start
    double lost;                                   // sum of the loss notes
    double hz;
    uint64_t bucket_sum; // of the latest statistics
    size_t records;
};

void collect_init(struct collect *collect);
void collect_release(struct collect *collect);
// The record id of the zone or metric called `name`, 0 if none.
uint32_t collect_zone(const struct collect *collect, const char *name);
uint32_t collect_metric(const struct collect *collect, const char *name);
// The last sample of the metric, NaN if none.
double collect_value(const struct collect *collect, const char *name);
// How many spans of `name` with that status.
size_t collect_spans(const struct collect *collect, const char *name, unsigned status);
// The statistics of `name` added up over threads, latest record of each.
struct tacho_zone_stats collect_stats(const struct collect *collect, const char *name);

#endif
