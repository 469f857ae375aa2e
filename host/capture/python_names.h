// Names the Python functions in a stack of CPython 3.11, from outside and without any change to it.
//
// The interpreter's loop (_PyEval_EvalFrameDefault) runs one or several Python calls. It keeps, in
// its own C frame, a struct that points to the innermost of their frames; that pointer is in the
// copy of the stack and so is exact for the instant of the sample. The frames and code objects are
// read from the process' memory a few milliseconds later. Whether they are still those of the
// sample is checked against the loop's instruction pointer, which is in a register or in the C
// frame and points into the code object; where the place of either is (it depends on how the
// interpreter was compiled) is learnt from stacks in which several loops are linked to each other.
// What does not agree is answered from what was seen before, or stays a native frame: a name is
// never guessed. Source: CPython 3.11, Include/internal/pycore_frame.h,
// Include/cpython/{code,pystate,unicodeobject}.h.
#ifndef TACHO_CAPTURE_PYTHON_NAMES_H
#define TACHO_CAPTURE_PYTHON_NAMES_H

#include "run/record.h"
#include "unwind/unwinder.h"

#define TACHO_PYTHON_NAMES_MAX 512

struct tacho_python;
struct tacho_python_layout; // what was learnt of one build of the interpreter

// For a mapping of a file that looks like CPython 3.11 by its name; NULL when it is not that, or
// lacks the symbols. Sets what the space watches. What is learnt is kept in the list `layouts`, for
// all processes that run the same build.
struct tacho_python *tacho_python_new(struct tacho_space *space, const struct tacho_space_map *map,
                                      struct tacho_python_layout **layouts);
// The same interpreter in a child.
struct tacho_python *tacho_python_fork(const struct tacho_python *python, pid_t pid);
void tacho_python_free(struct tacho_python *python);
void tacho_python_layouts_free(struct tacho_python_layout *layouts);

// What was read of the process' memory is old: to be called before each batch of stacks. True while
// stacks should come soon after their samples, because the layout is still being learnt.
bool tacho_python_begin(struct tacho_python *python);

// The names for the stack that was just walked, ascending place; their strings live as long as
// `python`. `first` is added to each place, `age_ns` is how long ago the sample was taken. Returns
// how many, at most TACHO_PYTHON_NAMES_MAX.
size_t tacho_python_names(struct tacho_python *python, const struct tacho_unwinder *unwinder,
                          const struct tacho_stack_copy *stack, pid_t tid, int64_t age_ns,
                          size_t first, struct tacho_stack_name *names);

#endif
