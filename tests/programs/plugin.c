// The library that plugin_host loads while it runs.
#include "truth.h"

enum { PLUGIN_STEPS = 400000 };

uint64_t plugin_work(uint64_t state);

TRUTH_OUTLINE uint64_t plugin_work(uint64_t state)
{
    for (int step = 0; step < PLUGIN_STEPS; step++)
        state = truth_mix(state + 13);
    return state;
}
