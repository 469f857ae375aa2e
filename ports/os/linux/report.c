// The in-process report as text: zones by total time, then histograms, counters, gauges and losses.
#include "linux/linux.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/core.h"
#include "tacho/report.h"

#define ZONES_MAX 100 // more than a person reads; the file has them all

struct page {
    int fd, error;
    size_t size;
    char text[4096];
};

static void flush(struct page *page)
{
    size_t at = 0;
    while (at < page->size && !page->error) {
        ssize_t wrote = write(page->fd, page->text + at, page->size - at);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            page->error = TACHO_ERR_IO;
        else
            at += (size_t)wrote;
    }
    page->size = 0;
}

// A line of up to 512 bytes.
#define put(page, ...)                                                                             \
    do {                                                                                           \
        if ((page)->size + 512 > sizeof(page)->text)                                               \
            flush(page);                                                                           \
        int size_ = snprintf((page)->text + (page)->size, 512, __VA_ARGS__);                       \
        (page)->size += size_ < 0 ? 0 : size_ > 511 ? 511 : (size_t)size_;                         \
    } while (0)

// Three digits and a unit, 9 columns.
static const char *duration(double ns, char *text, size_t size)
{
    static const char *const units[] = {"ns", "us", "ms", "s "};
    unsigned unit = 0;
    if (ns < 0) {
        snprintf(text, size, "%9s", "n/a");
        return text;
    }
    while (ns >= 999.5 && unit < 3) {
        ns /= 1000;
        unit++;
    }
    snprintf(text, size, "%6.*f %s", ns >= 99.95 ? 0 : ns >= 9.995 ? 1 : 2, ns, units[unit]);
    return text;
}

static const char *name_of(const struct tacho_summary *zone, char *text, size_t size)
{
    if (zone->name[0])
        return zone->name;
    snprintf(text, size, "function %#llx", (unsigned long long)tacho_series_at(zone->id)->address);
    return text;
}

static void put_zone(struct page *page, const struct tacho_summary *zone)
{
    char name[64], text[10][24];
    const double values[10] = {zone->total, zone->self, zone->mean, zone->sd,   zone->min,
                               zone->p50,   zone->p95,  zone->p99,  zone->p999, zone->max};
    for (int i = 0; i < 10; i++)
        duration(values[i], text[i], sizeof text[i]);
    put(page, "%-28s %10llu %6llu %s %s %s %s %s %s %s %s %s %s\n",
        name_of(zone, name, sizeof name), (unsigned long long)zone->calls,
        (unsigned long long)zone->errors, text[0], text[1], text[2], text[3], text[4], text[5],
        text[6], text[7], text[8], text[9]);
}

static void put_zones(struct page *page)
{
    static const char *const columns[] = {"total", "self", "mean", "sd",    "min",
                                          "p50",   "p95",  "p99",  "p99.9", "max"};
    struct tacho_summary zones[ZONES_MAX];
    int count = tacho_zones_hotspots(zones, ZONES_MAX, TACHO_BY_TOTAL);
    if (count == 0) {
        put(page, "tacho: no zone was recorded in statistics mode\n");
        return;
    }
    put(page, "%-28s %10s %6s", "zone", "calls", "errors");
    for (int i = 0; i < 10; i++)
        put(page, " %9s", columns[i]);
    put(page, "\n");
    for (int i = 0; i < count; i++)
        put_zone(page, &zones[i]);
}

static void put_metric(struct page *page, uint32_t id)
{
    static const char *const kinds[] = {"", "", "counter", "gauge", "gauge", "histogram", "event"};
    struct tacho_summary one;
    uint32_t kind = tacho_series_at(id)->kind;
    double value = 0;
    if (kind < TACHO_SERIES_COUNTER || kind > TACHO_SERIES_EVENT ||
        !tacho_linux_summary(id, 1, &one))
        return;
    if (kind == TACHO_SERIES_HISTOGRAM) {
        put(page, "%-28s %10llu histogram  mean %.6g p50 %.6g p99 ", one.name,
            (unsigned long long)one.count, one.mean, one.p50);
        put(page, one.p99 < 0 ? "n/a" : "%.6g", one.p99);
        put(page, " max %.6g %s\n", one.max, one.unit);
    } else if (kind == TACHO_SERIES_EVENT) {
        put(page, "%-28s %10llu event\n", one.name, (unsigned long long)one.count);
    } else if (tacho_metric_get(one.name, &value) == 0) {
        put(page, "%-28s %10.12g %s %s\n", one.name, value, kinds[kind], one.unit);
    }
}

static void put_losses(struct page *page)
{
    const struct tacho_ring_header *header = tacho_core.header;
    uint64_t depth = 0;
    for (uint32_t at = header->slot_first; at != 0;) {
        const struct tacho_ring_slot *slot = tacho_at(at);
        depth += slot->lost_depth;
        at = __atomic_load_n(&slot->next, __ATOMIC_ACQUIRE);
    }
    if (header->lost_series || header->lost_threads || header->lost_memory || depth)
        put(page,
            "not recorded: %llu zones (directory full), %llu threads, %llu times no memory, "
            "%llu executions deeper than %u\n",
            (unsigned long long)header->lost_series, (unsigned long long)header->lost_threads,
            (unsigned long long)header->lost_memory, (unsigned long long)depth,
            (unsigned)TACHO_RING_DEPTH_MAX);
}

int tacho_report(int fd)
{
    struct page page = {.fd = fd};
    if (!tacho_core.base || tacho_linux.new_image) {
        put(&page, "tacho: nothing was recorded\n");
        flush(&page);
        return page.error;
    }
    put_zones(&page);
    uint32_t count = __atomic_load_n(&tacho_core.header->series_count, __ATOMIC_ACQUIRE);
    for (uint32_t id = 1; id <= count; id++)
        put_metric(&page, id);
    put_losses(&page);
    double hz = tacho_linux_clock_hz();
    put(&page, "clock %.6g GHz counter; histogram error at most %.1f %%\n", hz / 1e9,
        100.0 / (2 << TACHO_RING_HISTOGRAM_BITS));
    flush(&page);
    return page.error;
}
