// The peer: LTTng-UST's tracepoints behind two functions, as its own examples use them.
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng_provider.def"

#include "lttng_zone.h"

void lttng_begin(void)
{
    lttng_ust_tracepoint(bench_zone, begin, 1);
}

void lttng_end(void)
{
    lttng_ust_tracepoint(bench_zone, end, 1);
}
