// Stored runs for the commands that report them: see stored_run.h.
#include "cli/stored_run.h"

#include "store/run_reader.h"
#include "symbol/symboliser.h"

#define REDUCE_ABOVE 200000u
#define POINTS_MAX   5000u
#define ROWS_MAX     2000000u // of stacks and spans, where memory is short

static int symbolise(struct tacho_run *run, struct tacho_fail *fail)
{
    size_t nameless = 0;
    for (size_t i = 0; i < run->frames.count; i++)
        nameless += !(run->frames.items[i].flags & TACHO_FRAME_SYMBOLISED);
    if (nameless == 0)
        return 0;
    struct tacho_symboliser *symboliser =
        tacho_symboliser_new(&(struct tacho_symboliser_config){0});
    int status = tacho_symboliser_run(symboliser, run, fail);
    tacho_symboliser_free(symboliser);
    tacho_run_zones_name(run);
    return status;
}

int tacho_stored_run_read(struct tacho_session *session, const char *text, bool every_sample,
                          struct tacho_run *run, struct tacho_fail *fail)
{
    struct tacho_run_read_options options = {.points_max = every_sample ? 0 : POINTS_MAX,
                                             .reduce_above = REDUCE_ABOVE};
    int status = tacho_run_read_named(session->store_path, text, &options, run, fail);
    if (status == TACHO_ERR_MEMORY) {
        tacho_out_printf(session->error, "tacho: %s: it is shown reduced\n", fail->text);
        tacho_run_release(run);
        options = (struct tacho_run_read_options){
            .points_max = POINTS_MAX, .stacks_max = ROWS_MAX, .spans_max = ROWS_MAX};
        status = tacho_run_read_named(session->store_path, text, &options, run, fail);
    }
    return status < 0 ? status : symbolise(run, fail);
}
