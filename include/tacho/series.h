// What zones and metrics have in common: a name that gets a number at its first use, and the
// switch.
#ifndef TACHO_SERIES_H
#define TACHO_SERIES_H

#include <stdint.h>

#define TACHO_API __attribute__((visibility("default")))
// Not instrumented by -finstrument-functions: the hooks would time the measuring itself.
#define TACHO_INLINE static inline __attribute__((no_instrument_function, unused))
// A declaration and a statement that is nothing.
#ifdef __cplusplus
#define TACHO_NOTHING static_assert(true, "tacho is off")
#else
#define TACHO_NOTHING _Static_assert(1, "tacho is off")
#endif

// The kinds are part of the ring file's format: add at the end, never renumber.
enum tacho_series_kind {
    TACHO_SERIES_ZONE = 1,
    TACHO_SERIES_COUNTER = 2,
    TACHO_SERIES_GAUGE = 3,        // int64_t
    TACHO_SERIES_GAUGE_DOUBLE = 4, // double
    TACHO_SERIES_HISTOGRAM = 5,
    TACHO_SERIES_EVENT = 6,
    TACHO_SERIES_FUNCTION = 7, // a zone that the compiler's hooks found, known by its address
};

// A named thing of the program. Lives as long as code uses it; its strings are copied into the ring
// file at first use, so that a library may be unloaded afterwards.
struct tacho_series {
    const char *name, *unit, *file, *function;
    uint32_t line;
    uint32_t kind; // enum tacho_series_kind
    uint32_t id;   // 0: not used yet
    uint32_t reserved;
};

#define TACHO_SERIES_INIT(name, unit, kind, function)                                              \
    {                                                                                              \
        name, unit, __FILE__, function, __LINE__, kind, 0, 0                                       \
    }

#ifdef __cplusplus
extern "C" {
#endif

// The control words: the head of the ring file itself, so that an observer can switch a running
// program with one store. Word TACHO_CONTROL_MODE holds enum tacho_mode bits.
#define TACHO_CONTROL_MODE 16
TACHO_API extern uint32_t tacho_control[];

// Whether anything is recorded: one load and one branch.
TACHO_INLINE int tacho_is_on(void)
{
    uint32_t mode = __atomic_load_n(&tacho_control[TACHO_CONTROL_MODE], __ATOMIC_RELAXED);
    return __builtin_expect(mode != 0, 0) != 0;
}

#ifdef __cplusplus
}
#endif

#endif
