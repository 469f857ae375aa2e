// tacho presets: the budgets that are part of the command, and those of the user.
#include <string.h>

#include "budget/budget_file.h"
#include "budget/presets.h"
#include "cli/command.h"

static int list(struct tacho_session *session, struct tacho_fail *fail)
{
    struct tacho_buffer folder = {0};

    for (const struct tacho_preset *preset = tacho_presets; preset->name; preset++) {
        struct tacho_budget budget;
        int status =
            tacho_budget_read_text(preset->name, preset->text, preset->size, &budget, fail);

        if (status == 0)
            tacho_out_printf(session->out, "%-12s %2zu rules  %s\n", preset->name,
                             budget.rules.count, budget.note ? budget.note : "");
        tacho_budget_release(&budget);
        if (status < 0)
            return status;
    }
    tacho_preset_folder(&folder);
    if (folder.size > 0 && !session->quiet)
        tacho_out_printf(session->error, "tacho: your own go to %s/NAME.yaml\n", folder.data);
    tacho_buffer_release(&folder);
    return TACHO_EXIT_OK;
}

static int show(struct tacho_session *session, const char *name, struct tacho_fail *fail)
{
    struct tacho_buffer text = {0}, path = {0};
    int status = tacho_preset_read(name, &text, &path, fail);

    if (status == 0)
        tacho_out_write(session->out, text.data, text.size);
    else if (status == TACHO_ERR_NOT_FOUND)
        status = fail->code = TACHO_ERR_USAGE;
    tacho_buffer_release(&text);
    tacho_buffer_release(&path);
    return status;
}

static int run(struct tacho_session *session, struct tacho_fail *fail)
{
    int count = session->argument_count;
    const char *word = count > 0 ? session->arguments[0] : "list";

    if (strcmp(word, "list") == 0 && count <= 1)
        return list(session, fail);
    if (strcmp(word, "show") == 0 && count == 2)
        return show(session, session->arguments[1], fail);
    return tacho_fail_set(fail, TACHO_ERR_USAGE,
                          "say 'tacho presets list' or 'tacho presets show "
                          "NAME'");
}

static const char *const usage[] = {"presets [list]", "presets show NAME", NULL};

static const struct tacho_example examples[] = {
    {"tacho presets", "which there are"},
    {"tacho presets show trading > tacho.yaml", "begin a budget of your own"},
    {"tacho check trading", "hold the last run against one"},
};

const struct tacho_command tacho_command_presets = {
    .name = "presets",
    .summary = "list and show the budgets that come with tacho",
    .usage = usage,
    .description =
        "A preset is a budget with a name, for `tacho check NAME`. A file NAME.yaml in "
        "`$XDG_CONFIG_HOME/tacho/presets` (`~/.config/tacho/presets`) goes before the preset of "
        "the same name. Every rule says in `source` which table it is from.",
    .examples = examples,
    .example_count = sizeof examples / sizeof *examples,
    .run = run,
};
