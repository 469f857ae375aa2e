// The tacho command: finds the command, reads its options, runs it, and is the only place that
// prints an error or decides the exit status.
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "capture/launch.h"
#include "cli/command.h"
#include "cli/version.h"

const struct tacho_command *const tacho_commands[] = {
#define TACHO_COMMAND(name) &tacho_command_##name,
#include "cli/commands.def"
#undef TACHO_COMMAND
    NULL,
};

const struct tacho_option tacho_global_options[] = {
    TACHO_OPTION(struct tacho_global_values, store, "store", 0, TEXT, "FILE",
                 "the store of runs (default $XDG_DATA_HOME/tacho/store.db)"),
    TACHO_OPTION(struct tacho_global_values, format, "format", 0, TEXT, "FORMAT",
                 "how to print the result"),
    TACHO_OPTION(struct tacho_global_values, colour, "colour", 0, CHOICE, "auto|always|never",
                 "colour in the output (default auto: on a terminal)"),
    TACHO_OPTION(struct tacho_global_values, quiet, "quiet", 'q', FLAG, NULL,
                 "no progress and no report unless asked for"),
    TACHO_OPTION(struct tacho_global_values, help, "help", 'h', FLAG, NULL,
                 "what the command does, its options, examples"),
    TACHO_OPTION(struct tacho_global_values, version, "version", 0, FLAG, NULL,
                 "the version of tacho"),
};
const size_t tacho_global_option_count = sizeof tacho_global_options / sizeof *tacho_global_options;

const struct tacho_command *tacho_command_find(const char *name)
{
    for (size_t i = 0; tacho_commands[i]; i++)
        if (strcmp(tacho_commands[i]->name, name) == 0)
            return tacho_commands[i];
    return NULL;
}

// Levenshtein distance of two short words.
static size_t distance(const char *a, const char *b)
{
    size_t row[32], columns = strlen(b);
    if (columns >= 32)
        return SIZE_MAX;
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < columns; j++) {
            size_t best = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j + 1] + 1 < best)
                best = row[j + 1] + 1;
            row[j + 1] = best;
        }
    }
    return row[columns];
}

const char *tacho_command_nearest(const char *name)
{
    const char *nearest = NULL;
    size_t best = 3; // farther is a guess that helps nobody
    for (size_t i = 0; tacho_commands[i]; i++) {
        size_t far = distance(name, tacho_commands[i]->name);
        if (far < best) {
            best = far;
            nearest = tacho_commands[i]->name;
        }
    }
    return nearest;
}

static void set_terminal(struct tacho_out *out, const char *colour)
{
    struct winsize size;
    bool is_terminal = isatty(out->fd);
    if (is_terminal && ioctl(out->fd, TIOCGWINSZ, &size) == 0)
        out->width = size.ws_col;
    const char *term = getenv("TERM");
    bool can = is_terminal && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
    out->colour = colour && strcmp(colour, "auto") != 0 ? strcmp(colour, "always") == 0 : can;
}

static int report_failure(const struct tacho_fail *fail)
{
    fprintf(stderr, "tacho: %s\n", fail->text);
    return fail->code == TACHO_ERR_USAGE ? TACHO_EXIT_USAGE : TACHO_EXIT_FAILED;
}

static int unknown_command(const char *name, struct tacho_fail *fail)
{
    const char *nearest = tacho_command_nearest(name);
    if (nearest)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "'%s' is not a command; did you mean '%s'?",
                              name, nearest);
    return tacho_fail_set(fail, TACHO_ERR_USAGE, "'%s' is not a command; see 'tacho --help'", name);
}

static int run_command(const struct tacho_command *command, int argc, char **argv,
                       struct tacho_session *session, struct tacho_global_values *global,
                       struct tacho_fail *fail)
{
    session->options = calloc(1, command->options_size ? command->options_size : 1);
    if (!session->options)
        return tacho_fail_set(fail, TACHO_ERR_MEMORY, "out of memory");
    int status = tacho_options_parse(command, argc, argv, session, global, fail);
    set_terminal(session->out, global->colour);
    set_terminal(session->error, global->colour);
    session->store_path = global->store;
    session->format = global->format;
    session->quiet = global->quiet;
    if (status == 0 && global->help)
        tacho_help_command(session->out, command);
    else if (status == 0)
        status = command->run(session, fail);
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].kind == TACHO_OPTION_LIST) {
            struct tacho_option_list *list =
                (void *)((char *)session->options + command->options[i].offset);
            tacho_array_release(list);
        }
    }
    free(session->options);
    return status;
}

// A reader that went away (`tacho report | head`) is no failure of ours.
static int finish_output(struct tacho_out *out, const char *what, int status,
                         struct tacho_fail *fail)
{
    struct tacho_fail late = {0};
    if (tacho_out_finish(out, what, &late) < 0 && status >= 0 && late.code != TACHO_ERR_LOST) {
        *fail = late;
        status = late.code;
    }
    tacho_out_release(out);
    return status;
}

int main(int argc, char **argv)
{
    struct tacho_fail fail = {0};
    struct tacho_inherited inherited;
    struct tacho_out out, error;
    struct tacho_global_values global = {0};
    struct tacho_session session = {
        .out = &out, .error = &error, .program = argv[0], .inherited = &inherited};
    int status = 0;
    tacho_inherited_save(&inherited);
    signal(SIGPIPE, SIG_IGN); // a write that fails says so
    tacho_out_init_fd(&out, STDOUT_FILENO);
    tacho_out_init_fd(&error, STDERR_FILENO);
    status = tacho_options_parse(NULL, argc > 0 ? argc - 1 : 0, argv + 1, &session, &global, &fail);
    if (status == 0 && global.version) {
        tacho_out_text(&out, "tacho " TACHO_VERSION "\n");
    } else if (status == 0 && session.argument_count == 0) {
        tacho_help_screen(global.help ? &out : &error);
        status = global.help ? 0 : TACHO_EXIT_USAGE;
    } else if (status == 0) {
        const struct tacho_command *command = tacho_command_find(session.arguments[0]);
        session.has_separator = false;
        status = command ? run_command(command, session.argument_count - 1, session.arguments + 1,
                                       &session, &global, &fail)
                         : unknown_command(session.arguments[0], &fail);
    }
    status = finish_output(&out, "the output", status, &fail);
    status = finish_output(&error, "to standard error", status, &fail);
    return status < 0 ? report_failure(&fail) : status;
}
