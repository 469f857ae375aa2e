// The peer: a zone as two LTTng-UST events.
#ifndef TACHO_BENCH_LTTNG_ZONE_H
#define TACHO_BENCH_LTTNG_ZONE_H

void lttng_begin(void);
void lttng_end(void);

#endif
