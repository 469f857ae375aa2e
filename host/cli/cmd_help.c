// tacho help: help of a command, manual pages, docs pages, shell completion.
#include <string.h>

#include "cli/command.h"

struct options {
    const char *as;
};

static int show(struct tacho_out *out, const struct tacho_command *command, const char *as)
{
    if (strcmp(as, "man") == 0)
        tacho_help_man(out, command);
    else if (command && strcmp(as, "markdown") == 0)
        tacho_help_markdown(out, command);
    else if (command)
        tacho_help_command(out, command);
    else
        tacho_help_screen(out);
    return 0;
}

static int run(struct tacho_session *session, struct tacho_fail *fail)
{
    const struct options *options = session->options;
    const char *as = options->as ? options->as : "text";
    if (strcmp(as, "bash") == 0 || strcmp(as, "zsh") == 0) {
        tacho_help_completion(session->out, strcmp(as, "zsh") == 0);
        return 0;
    }
    if (session->argument_count == 0)
        return show(session->out, NULL, as);
    const struct tacho_command *command = tacho_command_find(session->arguments[0]);
    if (!command)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "'%s' is not a command; see 'tacho --help'",
                              session->arguments[0]);
    return show(session->out, command, as);
}

static const char *const usage[] = {"help [COMMAND] [--as text|man|markdown]", "help --as bash|zsh",
                                    NULL};

static const struct tacho_option option_table[] = {
    TACHO_OPTION(struct options, as, "as", 0, CHOICE, "text|man|markdown|bash|zsh",
                 "a text, a manual page, a docs page, or a completion script"),
};

static const struct tacho_example examples[] = {
    {"tacho help run", "options and examples of a command"},
    {"source <(tacho help --as bash)", "completion in this shell"},
    {"tacho help --as man run | man -l -", "the manual page of a command"},
};

const struct tacho_command tacho_command_help = {
    .name = "help",
    .summary = "explain a command, or write manual pages and completion",
    .usage = usage,
    .description =
        "Without a command it lists them all. Manual pages, docs pages and the completion "
        "scripts of bash and zsh are made from the same descriptions as this help.",
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct options),
    .examples = examples,
    .example_count = sizeof examples / sizeof *examples,
    .run = run,
};
