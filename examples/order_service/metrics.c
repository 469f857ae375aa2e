// Counts what happens, once for /metrics and once through libtacho, which costs a load and a branch
// while nobody watches.
#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>

#include <tacho/tacho.h>

struct metrics metrics;

TACHO_COUNTER(counter_requests, "requests", "count");
TACHO_COUNTER(counter_accepted, "orders_accepted", "count");
TACHO_COUNTER(counter_rejected, "orders_rejected", "count");
TACHO_COUNTER(counter_refused, "requests_refused", "count");
TACHO_COUNTER(counter_errors, "errors", "count");
TACHO_GAUGE_DOUBLE(gauge_cache_hits, "cache_hit_ratio", "ratio");
TACHO_GAUGE(gauge_connections, "connections", "count");
TACHO_GAUGE(gauge_queue_depth, "queue_depth", "count");

void metrics_request(void)
{
    atomic_fetch_add_explicit(&metrics.requests, 1, memory_order_relaxed);
    tacho_counter_add(&counter_requests, 1);
}

void metrics_order(int accepted)
{
    if (accepted) {
        atomic_fetch_add_explicit(&metrics.orders_accepted, 1, memory_order_relaxed);
        tacho_counter_add(&counter_accepted, 1);
    } else {
        atomic_fetch_add_explicit(&metrics.orders_rejected, 1, memory_order_relaxed);
        tacho_counter_add(&counter_rejected, 1);
    }
}

void metrics_refused(void)
{
    atomic_fetch_add_explicit(&metrics.requests_refused, 1, memory_order_relaxed);
    tacho_counter_add(&counter_refused, 1);
}

void metrics_error(void)
{
    atomic_fetch_add_explicit(&metrics.errors, 1, memory_order_relaxed);
    tacho_counter_add(&counter_errors, 1);
}

static double cache_hit_ratio(void)
{
    double hits = (double)atomic_load_explicit(&metrics.cache_hits, memory_order_relaxed);
    double misses = (double)atomic_load_explicit(&metrics.cache_misses, memory_order_relaxed);
    return hits + misses > 0 ? hits / (hits + misses) : 0;
}

void metrics_cache(int hit)
{
    atomic_fetch_add_explicit(hit ? &metrics.cache_hits : &metrics.cache_misses, 1,
                              memory_order_relaxed);
    tacho_gauge_set_double(&gauge_cache_hits, cache_hit_ratio());
}

void metrics_connections(int change)
{
    int64_t connections =
        atomic_fetch_add_explicit(&metrics.connections, change, memory_order_relaxed) + change;
    tacho_gauge_set(&gauge_connections, connections);
}

void metrics_queue_depth(uint64_t depth)
{
    atomic_store_explicit(&metrics.queue_depth, (int64_t)depth, memory_order_relaxed);
    tacho_gauge_set(&gauge_queue_depth, (int64_t)depth);
}

size_t metrics_text(char *text, size_t size)
{
    int length = snprintf(text, size,
                          "requests_total %" PRIuFAST64 "\n"
                          "orders_accepted_total %" PRIuFAST64 "\n"
                          "orders_rejected_total %" PRIuFAST64 "\n"
                          "requests_refused_total %" PRIuFAST64 "\n"
                          "errors_total %" PRIuFAST64 "\n"
                          "cache_hit_ratio %.3f\n"
                          "connections %" PRIdFAST64 "\n"
                          "queue_depth %" PRIdFAST64 "\n",
                          metrics.requests, metrics.orders_accepted, metrics.orders_rejected,
                          metrics.requests_refused, metrics.errors, cache_hit_ratio(),
                          metrics.connections, metrics.queue_depth);
    return length > 0 && (size_t)length < size ? (size_t)length : 0;
}
