// Zones: instrumented pieces of code, timed where they begin and end (L9, G17, I10).
//
//     void order_place(struct order *order)
//     {
//         TACHO_FUNCTION();                     // the whole function, under its own name
//         {
//             TACHO_ZONE("risk check");         // until the end of this block
//             if (!risk_check(order))
//                 TACHO_ZONE_FAIL;              // counts as an error of "risk check"
//         }
//         TACHO_ZONE_BEGIN(write, "write");     // ... or by hand, both ends in one block
//         order_write(order);
//         TACHO_ZONE_END(write);
//     }
//
// What: begin and end are timed with the CPU's own counter; nesting gives self and total time.
// Context: any thread and signal handlers. A zone left by longjmp or by a thread's end is closed by
//   the next zone around it that ends. C++ scopes end on exceptions too; in C they do with
//   -fexceptions.
// Time: switched off, one load and one branch; switched on, bounded, without lock, system call or
//   allocation, but for the first zone of a thread and the first pass through a zone.
// Memory: one static struct per zone here; the rest in the process's ring file (docs/library.md).
// Failure: nothing to check. What could not be recorded is counted, and the count is reported.
// With TACHO_OFF defined everything here compiles to nothing.
#ifndef TACHO_ZONE_H
#define TACHO_ZONE_H

#include "tacho/series.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tacho_zone {
    struct tacho_series series;
};

// One open execution of a zone; all zero when it is not recorded.
struct tacho_scope {
    uint64_t start; // ticks
    uint64_t place; // depth + 1 in the lower half, how it is recorded in the upper; 0: not recorded
};

#define TACHO_ZONE_INIT(name, function)                                                            \
    {                                                                                              \
        TACHO_SERIES_INIT(name, "", TACHO_SERIES_ZONE, function)                                   \
    }

// The recording halves of begin and end; call the inline ones below.
TACHO_API struct tacho_scope tacho_zone_enter(struct tacho_zone *zone);
TACHO_API void tacho_zone_leave(struct tacho_zone *zone, struct tacho_scope scope);
// Marks the innermost open zone of this thread as failed; it is counted once when it ends.
TACHO_API void tacho_zone_fail_on(void);

// Begin and end of a zone whose ends are not in one block, for example a request that one callback
// starts and another finishes on the same thread. Zones begun after it are closed with it.
TACHO_INLINE struct tacho_scope tacho_zone_begin(struct tacho_zone *zone)
{
    struct tacho_scope scope = {0, 0};
    if (tacho_is_on())
        scope = tacho_zone_enter(zone);
    return scope;
}

TACHO_INLINE void tacho_zone_end(struct tacho_zone *zone, struct tacho_scope scope)
{
    if (__builtin_expect(scope.place != 0, 0))
        tacho_zone_leave(zone, scope);
}

TACHO_INLINE void tacho_zone_fail(void)
{
    if (tacho_is_on())
        tacho_zone_fail_on();
}

// What TACHO_ZONE puts on the stack.
struct tacho_guard {
    struct tacho_zone *zone;
    struct tacho_scope scope;
};

TACHO_INLINE struct tacho_guard tacho_guard_open(struct tacho_zone *zone)
{
    struct tacho_guard guard;
    guard.zone = zone;
    guard.scope = tacho_zone_begin(zone);
    return guard;
}

TACHO_INLINE void tacho_guard_close(struct tacho_guard *guard)
{
    tacho_zone_end(guard->zone, guard->scope);
}

#ifdef __cplusplus
}
#endif

#define TACHO_JOIN_(a, b) a##b
#define TACHO_JOIN(a, b)  TACHO_JOIN_(a, b)

#ifndef TACHO_OFF
#define TACHO_ZONE_NAMED_(name, zone, guard)                                                       \
    static struct tacho_zone zone = TACHO_ZONE_INIT(name, __func__);                               \
    __attribute__((unused, cleanup(tacho_guard_close))) struct tacho_guard guard =                 \
        tacho_guard_open(&zone)
#define TACHO_ZONE(name)                                                                           \
    TACHO_ZONE_NAMED_(name, TACHO_JOIN(tacho_zone_, __LINE__), TACHO_JOIN(tacho_guard_, __LINE__))
#define TACHO_FUNCTION() TACHO_ZONE(__func__)
#define TACHO_ZONE_BEGIN(id, name)                                                                 \
    static struct tacho_zone tacho_zone_##id = TACHO_ZONE_INIT(name, __func__);                    \
    struct tacho_scope tacho_scope_##id = tacho_zone_begin(&tacho_zone_##id)
#define TACHO_ZONE_END(id) tacho_zone_end(&tacho_zone_##id, tacho_scope_##id)
#define TACHO_ZONE_FAIL    tacho_zone_fail()
#else
#define TACHO_ZONE(name)           TACHO_NOTHING
#define TACHO_FUNCTION()           TACHO_NOTHING
#define TACHO_ZONE_BEGIN(id, name) TACHO_NOTHING
#define TACHO_ZONE_END(id)         TACHO_NOTHING
#define TACHO_ZONE_FAIL            TACHO_NOTHING
#endif

#endif
