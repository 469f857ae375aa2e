// Runs made by hand for the tests of analysis and reports: a small one in which every figure can be
// worked out on paper, and large ones for speed and limits.
#ifndef TACHO_TESTS_MADE_RUN_H
#define TACHO_TESTS_MADE_RUN_H

#include "run/model.h"

// A program of two processes and three threads: main calls parse (which inlines copy) and serve,
// serve calls itself, the kernel is under read. Zones, spans, events, notes, metrics, an off-cpu
// profile.
void made_run_small(struct tacho_run *run);
// The same program a week later: parse takes more, serve less, one function is new, one is gone.
void made_run_small_after(struct tacho_run *run);
// `samples` samples over some thousand distinct stacks of 10 to 60 frames on 16 threads.
void made_run_samples(struct tacho_run *run, size_t samples);
// `spans` spans on 8 threads, nested three deep.
void made_run_spans(struct tacho_run *run, size_t spans);

// One frame by name in a module, with a line; made on the first use.
uint32_t made_frame(struct tacho_run *run, const char *function, const char *module,
                    const char *file, uint32_t line, uint32_t flags);
// A node for the stack "a;b;c" (outermost first) of functions of "program".
uint32_t made_stack(struct tacho_run *run, const char *functions);
// A profile; then samples of it.
struct tacho_run_profile *made_profile(struct tacho_run *run, const char *name, const char *unit);
void made_sample(struct tacho_run_profile *profile, uint32_t node, uint32_t thread, int64_t time_ns,
                 int64_t weight);

#endif
