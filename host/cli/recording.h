// An observation that becomes a stored run: sources, run writer and symboliser put together.
#ifndef TACHO_CLI_RECORDING_H
#define TACHO_CLI_RECORDING_H

#include "cli/command.h"
#include "cli/observe.h"
#include "store/run_writer.h"
#include "store/store.h"

struct tacho_recording_config {
    struct tacho_observe_config observe;
    const char *name; // of the run; NULL: none
    bool no_store;    // keep the run in memory only
};

struct tacho_recording {
    struct tacho_store *store; // NULL: nothing is stored
    struct tacho_run_writer *writer;
    struct tacho_observation *observation; // for tacho_observation_wait
    struct tacho_observe_result result;
    int exit_code; // of the command as a shell would give it, 0 for running processes
};

// Observes and stores. A store that cannot be opened or written is a warning on session->error and
// a note in the run: the observation goes on in memory. The caller reads recording->writer->run,
// then calls tacho_recording_close, also after a failure.
int tacho_recording_make(struct tacho_session *session, const struct tacho_recording_config *config,
                         struct tacho_recording *recording, struct tacho_fail *fail);
void tacho_recording_close(struct tacho_recording *recording);

// The command line as a person would type it: words with blanks or other signs are quoted.
void tacho_command_text(char *const *arguments, struct tacho_buffer *text);

#endif
