// The faults are known, so the question is only whether the numbers of the run point at them: the
// functions by CPU time, the zones by mean time, the memory by its growth.
#include "cli/demo_findings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analyze/calltree.h"
#include "analyze/facts.h"
#include "analyze/zones.h"
#include "base/units.h"

// A function is a hotspot from this share of the CPU time on; a query is slow when it takes so many
// times as long as the other one that looks at the same table.
static const double hotspot_ratio_min = 0.15;
static const double slow_query_ratio_min = 25;

// Memory that grows with the orders grows by this much for each; caches that fill grow by less.
static const double leak_bytes_min = 2048;

static const char hotspot_function[] = "covariance_compute";
static const char hotspot_zone[] = "risk";
static const char slow_zone[] = "database: orders by customer";
static const char fast_zone[] = "database: order by id";

// The function's place in its source, where the run knows it.
static void describe_place(const struct tacho_function *function, char *text, size_t size)
{
    text[0] = '\0';
    if (function->file[0] != '\0' && function->line > 0)
        snprintf(text, size, " (%s:%u)", tacho_path_base(function->file), function->line);
}

static const struct tacho_zone_summary *find_zone(const struct tacho_run *run,
                                                  const struct tacho_zones *zones, const char *name)
{
    for (size_t i = 0; i < zones->items.count; i++)
        if (strcmp(run->zones.items[zones->items.items[i].zone].name, name) == 0)
            return &zones->items.items[i];
    return NULL;
}

// "; zone NAME takes ..." where the run has the zone, else nothing.
static void describe_zone(const struct tacho_run *run, const char *name, char *text, size_t size)
{
    struct tacho_zones zones;
    char median[TACHO_UNIT_TEXT_MAX];
    tacho_zones_build(&zones, run, 0, 0);
    const struct tacho_zone_summary *zone = find_zone(run, &zones, name);
    text[0] = '\0';
    if (zone)
        snprintf(text, size, "; zone '%s' takes %s in the median", name,
                 tacho_format_seconds(zone->time_ns.quantile[TACHO_P50] * 1e-9, median));
    tacho_zones_release(&zones);
}

static void find_hotspot(const struct tacho_run *run, struct tacho_demo_finding *finding)
{
    const struct tacho_run_profile *profile = tacho_profile_find(run, "cpu");
    struct tacho_calltree tree;
    snprintf(finding->evidence, sizeof finding->evidence, "there is no CPU profile");
    if (!profile)
        return;
    tacho_calltree_build(&tree, run, profile, NULL);
    snprintf(finding->evidence, sizeof finding->evidence,
             "function %s is in none of the CPU profile's samples", hotspot_function);
    for (size_t i = 0; i < tree.functions.items.count && tree.total > 0; i++) {
        const struct tacho_function *function = &tree.functions.items.items[i];
        double ratio = (double)tree.weights[i].total / (double)tree.total;
        char place[64], zone[80], share[TACHO_UNIT_TEXT_MAX];
        if (strcmp(function->name, hotspot_function) != 0)
            continue;
        describe_place(function, place, sizeof place);
        describe_zone(run, hotspot_zone, zone, sizeof zone);
        snprintf(finding->evidence, sizeof finding->evidence,
                 "function %s%s has %s of the CPU time%s", hotspot_function, place,
                 tacho_format_ratio(ratio, share), zone);
        finding->found = ratio >= hotspot_ratio_min;
        break;
    }
    tacho_calltree_release(&tree);
}

static void find_slow_query(const struct tacho_run *run, struct tacho_demo_finding *finding)
{
    struct tacho_zones zones;
    char slow_text[TACHO_UNIT_TEXT_MAX], fast_text[TACHO_UNIT_TEXT_MAX];
    tacho_zones_build(&zones, run, 0, 0);
    const struct tacho_zone_summary *slow = find_zone(run, &zones, slow_zone);
    const struct tacho_zone_summary *fast = find_zone(run, &zones, fast_zone);
    if (slow && fast) {
        double slow_ns = slow->time_ns.quantile[TACHO_P50];
        double fast_ns = fast->time_ns.quantile[TACHO_P50];
        snprintf(finding->evidence, sizeof finding->evidence,
                 "zone '%s' takes %s in the median, '%s' %s", slow_zone,
                 tacho_format_seconds(slow_ns * 1e-9, slow_text), fast_zone,
                 tacho_format_seconds(fast_ns * 1e-9, fast_text));
        finding->found = slow_ns >= slow_query_ratio_min * fast_ns;
    } else {
        snprintf(finding->evidence, sizeof finding->evidence, "the run has no zone '%s'",
                 slow ? fast_zone : slow_zone);
    }
    tacho_zones_release(&zones);
}

// The total of a counter of the program's own; NaN where the run does not have it.
static double counter_total(const struct tacho_run *run, const char *name)
{
    for (size_t i = 0; i < run->series.count; i++) {
        const struct tacho_run_series *series = &run->series.items[i];
        if (strcmp(series->name, name) == 0 && series->count > 0)
            return series->value[series->count - 1];
    }
    return NAN;
}

static void find_leak(const struct tacho_run *run, struct tacho_demo_finding *finding)
{
    struct tacho_facts facts;
    char peak[TACHO_UNIT_TEXT_MAX], slope[TACHO_UNIT_TEXT_MAX], each[TACHO_UNIT_TEXT_MAX];
    tacho_facts_build(&facts, run);
    if (!facts.memory_metric || facts.memory.verdict == TACHO_GROWTH_UNKNOWN) {
        snprintf(finding->evidence, sizeof finding->evidence,
                 "the run is too short to say whether memory grows");
        return;
    }
    double orders_per_s = counter_total(run, "orders_accepted") / facts.wall_seconds;
    double bytes = facts.memory.slope / orders_per_s;
    finding->found = facts.memory.verdict == TACHO_GROWTH_STEADY && bytes >= leak_bytes_min;
    tacho_format_bytes(facts.memory_peak_bytes, peak);
    if (finding->found)
        snprintf(finding->evidence, sizeof finding->evidence,
                 "metric %s rises steadily, by %s per second, %s for each order; peak %s",
                 facts.memory_metric, tacho_format_bytes(facts.memory.slope, slope),
                 tacho_format_bytes(bytes, each), peak);
    else
        snprintf(finding->evidence, sizeof finding->evidence,
                 "metric %s does not rise with the orders; peak %s", facts.memory_metric, peak);
}

static const struct {
    const char *fault, *mistake;
    void (*find)(const struct tacho_run *, struct tacho_demo_finding *);
} faults[TACHO_DEMO_FAULTS] = {
    {"hotspot", "the risk check computes the covariance of all prices anew for every order",
     find_hotspot},
    {"slow-query", "the table of orders has no index on the customer", find_slow_query},
    {"leak", "the audit trail forgets its old records without freeing them", find_leak},
};

int tacho_demo_findings_plant(struct tacho_demo_finding findings[TACHO_DEMO_FAULTS],
                              const char *list, struct tacho_fail *fail)
{
    for (size_t i = 0; i < TACHO_DEMO_FAULTS; i++)
        findings[i] = (struct tacho_demo_finding){
            .fault = faults[i].fault, .mistake = faults[i].mistake, .planted = !list};
    for (const char *word = list; word; word = *word == ',' ? word + 1 : NULL) {
        size_t size = strcspn(word, ","), i = 0;
        while (i < TACHO_DEMO_FAULTS &&
               (strlen(faults[i].fault) != size || strncmp(faults[i].fault, word, size) != 0))
            i++;
        if (i < TACHO_DEMO_FAULTS)
            findings[i].planted = true;
        else if (size != strlen("none") || strncmp(word, "none", size) != 0)
            return tacho_fail_set(fail, TACHO_ERR_USAGE,
                                  "--faults: '%.*s' is not hotspot, slow-query, leak or none",
                                  (int)size, word);
        word += size;
    }
    return 0;
}

void tacho_demo_findings_look(struct tacho_demo_finding findings[TACHO_DEMO_FAULTS],
                              const struct tacho_run *run)
{
    for (size_t i = 0; i < TACHO_DEMO_FAULTS; i++)
        faults[i].find(run, &findings[i]);
}

bool tacho_demo_findings_complete(const struct tacho_demo_finding findings[TACHO_DEMO_FAULTS])
{
    for (size_t i = 0; i < TACHO_DEMO_FAULTS; i++)
        if (findings[i].planted && !findings[i].found)
            return false;
    return true;
}

static const char *verdict(const struct tacho_demo_finding *finding)
{
    if (finding->planted)
        return finding->found ? "found" : "not found";
    return finding->found ? "not planted, and yet" : "not planted";
}

void tacho_demo_findings_print(const struct tacho_demo_finding *findings, struct tacho_out *out)
{
    for (size_t i = 0; i < TACHO_DEMO_FAULTS; i++) {
        const struct tacho_demo_finding *finding = &findings[i];
        bool as_planted = finding->found == finding->planted;
        tacho_out_printf(out, "  %-11s %s\n", finding->fault, finding->mistake);
        tacho_out_printf(out, "              %s%s%s: %s\n",
                         tacho_out_style(out, as_planted ? "\033[32m" : "\033[33m"),
                         verdict(finding), tacho_out_style(out, "\033[0m"), finding->evidence);
    }
}
