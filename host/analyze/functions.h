// The functions behind a run's frames: one function is a name in a module, whatever the address,
// line or inlining of its frames.
#ifndef TACHO_ANALYZE_FUNCTIONS_H
#define TACHO_ANALYZE_FUNCTIONS_H

#include "run/model.h"

struct tacho_function {
    const char *name;   // never ""
    const char *module; // basename of the module's path, "" if not known
    const char *file;   // source file, "" if not known
    uint32_t
        line; // of the frame with the highest self weight, see tacho_calltree_build; 0: not known
    uint32_t module_index; // or TACHO_NO_INDEX
    uint32_t flags;        // enum tacho_frame_flag; INLINED: each of its frames was inlined
    bool group;            // not a function: a process or thread that stacks were grouped under
};

struct tacho_functions {
    TACHO_ARRAY(struct tacho_function) items;
    uint32_t *of_frame; // by frame: index into items
    struct tacho_strings strings;
};

// Builds the table; names are borrowed from the run. A frame that has no name yet becomes
// "module+0xaddress".
void tacho_functions_build(struct tacho_functions *functions, const struct tacho_run *run);
void tacho_functions_release(struct tacho_functions *functions);

// Whether `name` matches what a user typed: a part of the name, or a pattern with * and ?.
bool tacho_name_matches(const char *name, const char *pattern);

// The last part of a path.
const char *tacho_path_base(const char *path);

#endif
