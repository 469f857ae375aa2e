// Stored runs for the commands that report them.
#ifndef TACHO_CLI_STORED_RUN_H
#define TACHO_CLI_STORED_RUN_H

#include "cli/command.h"
#include "run/model.h"

// Reads the run that `text` names. Series of more than 200,000 samples are reduced to about 5,000
// points unless `every_sample`; a run that does not fit into half of the memory is read reduced in
// any case, and session->error says so. A run that tacho could not close gets its symbols now, as
// far as its files are still there. `run` is initialised by this and released by the caller, also
// after a failure.
int tacho_stored_run_read(struct tacho_session *session, const char *text, bool every_sample,
                          struct tacho_run *run, struct tacho_fail *fail);

#endif
