// Holds the run of the demo against the faults that were planted in the order service.
#ifndef TACHO_CLI_DEMO_FINDINGS_H
#define TACHO_CLI_DEMO_FINDINGS_H

#include <stdbool.h>

#include "base/fail.h"
#include "base/out.h"
#include "run/model.h"

#define TACHO_DEMO_FAULTS         3
#define TACHO_DEMO_FINDING_LENGTH 256

// One fault the service can have, and where the run shows it.
struct tacho_demo_finding {
    const char *fault;                        // as --faults calls it
    const char *mistake;                      // what was done wrong
    bool planted;                             // in this run
    bool found;                               // the numbers point at it
    char evidence[TACHO_DEMO_FINDING_LENGTH]; // what the report says, or what it lacks
};

// Names the faults, and marks those in `list` (as --faults takes it; NULL: all) as planted.
// TACHO_ERR_USAGE for a word that is no fault.
int tacho_demo_findings_plant(struct tacho_demo_finding findings[TACHO_DEMO_FAULTS],
                              const char *list, struct tacho_fail *fail);
// Looks for each fault in the run, planted or not.
void tacho_demo_findings_look(struct tacho_demo_finding findings[TACHO_DEMO_FAULTS],
                              const struct tacho_run *run);
// True when everything that was planted was found.
bool tacho_demo_findings_complete(const struct tacho_demo_finding findings[TACHO_DEMO_FAULTS]);
void tacho_demo_findings_print(const struct tacho_demo_finding *findings, struct tacho_out *out);

#endif
