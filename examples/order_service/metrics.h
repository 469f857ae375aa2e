// What the service counts: for its own /metrics page, and for tacho when that is watching.
#ifndef ORDER_SERVICE_METRICS_H
#define ORDER_SERVICE_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct metrics {
    atomic_uint_fast64_t requests;
    atomic_uint_fast64_t orders_accepted;
    atomic_uint_fast64_t orders_rejected;
    atomic_uint_fast64_t requests_refused; // the queue was full
    atomic_uint_fast64_t errors;
    atomic_uint_fast64_t cache_hits;
    atomic_uint_fast64_t cache_misses;
    atomic_int_fast64_t connections;
    atomic_int_fast64_t queue_depth;
};

extern struct metrics metrics;

void metrics_request(void);
void metrics_order(int accepted);
void metrics_refused(void);
void metrics_error(void);
void metrics_cache(int hit);
void metrics_connections(int change);
void metrics_queue_depth(uint64_t depth);
// The /metrics page, in the text format that Prometheus reads; returns its length.
size_t metrics_text(char *text, size_t size);

#endif
