// Help screens, manual pages, docs pages and shell completion, all from the commands' descriptors.
#include <ctype.h>
#include <string.h>

#include "cli/command.h"
#include "cli/version.h"

static const char *choice_or_name(const struct tacho_option *option)
{
    return option->argument ? option->argument : "";
}

void tacho_help_screen(struct tacho_out *out)
{
    tacho_out_text(out, "tacho: where time and memory go, and when they got worse\n\n"
                        "Usage: tacho COMMAND [OPTION...] [ARGUMENT...]\n\n");
    for (size_t i = 0; tacho_commands[i]; i++) {
        if (!(tacho_commands[i]->flags & TACHO_COMMAND_HIDDEN))
            tacho_out_printf(out, "  %-11s %s\n", tacho_commands[i]->name,
                             tacho_commands[i]->summary);
    }
    tacho_out_text(out, "\nTry:  tacho demo\n"
                        "      tacho run -- xz -k file     one report: time, memory, hotspots\n"
                        "      tacho report last --format html -o report.html\n"
                        "      tacho COMMAND --help        options and examples\n");
}

// `text` in lines of at most `width` columns, each after `indent` blanks.
static void wrap(struct tacho_out *out, const char *text, int indent, int width)
{
    int column = 0;
    for (const char *at = text; *at;) {
        if (*at == '\n') {
            tacho_out_char(out, '\n');
            column = 0;
            at++;
            continue;
        }
        size_t size = strcspn(at, " \n");
        if (column && column + 1 + (int)size > width - indent) {
            tacho_out_char(out, '\n');
            column = 0;
        }
        if (column == 0)
            tacho_out_printf(out, "%*s", indent, "");
        else
            tacho_out_char(out, ' ');
        column += (int)size + (column != 0);
        tacho_out_write(out, at, size);
        at += size;
        while (*at == ' ')
            at++;
    }
    tacho_out_char(out, '\n');
}

static void print_option(struct tacho_out *out, const struct tacho_option *option)
{
    struct tacho_out left;
    tacho_out_init_memory(&left);
    if (option->letter)
        tacho_out_printf(&left, "-%c, ", option->letter);
    tacho_out_printf(&left, "%s--%s%s%s", option->letter ? "" : "    ", option->name,
                     option->argument ? " " : "", choice_or_name(option));
    if (left.buffer.size <= 26)
        tacho_out_printf(out, "  %-26s  %s\n", left.buffer.data, option->help);
    else
        tacho_out_printf(out, "  %s\n  %-26s  %s\n", left.buffer.data, "", option->help);
    tacho_out_release(&left);
}

// Global options that make sense for the command, in the form that help shows.
static bool is_shown(const struct tacho_command *command, const struct tacho_option *option)
{
    if (strcmp(option->name, "version") == 0)
        return false;
    return command->formats || strcmp(option->name, "format") != 0;
}

static struct tacho_option shown_form(const struct tacho_command *command,
                                      const struct tacho_option *option)
{
    struct tacho_option shown = *option;
    if (strcmp(option->name, "format") == 0)
        shown.argument = command->formats;
    return shown;
}

void tacho_help_command(struct tacho_out *out, const struct tacho_command *command)
{
    tacho_out_printf(out, "tacho %s: %s\n\n", command->name, command->summary);
    for (size_t i = 0; command->usage[i]; i++)
        tacho_out_printf(out, "%s tacho %s\n", i ? "      " : "Usage:", command->usage[i]);
    tacho_out_char(out, '\n');
    wrap(out, command->description, 0, 96);
    tacho_out_text(out, "\nOptions:\n");
    for (size_t i = 0; i < command->option_count; i++)
        print_option(out, &command->options[i]);
    for (size_t i = 0; i < tacho_global_option_count; i++) {
        struct tacho_option shown = shown_form(command, &tacho_global_options[i]);
        if (is_shown(command, &tacho_global_options[i]))
            print_option(out, &shown);
    }
    if (command->example_count)
        tacho_out_text(out, "\nExamples:\n");
    for (size_t i = 0; i < command->example_count; i++)
        tacho_out_printf(out, "  %s\n      %s\n", command->examples[i].command,
                         command->examples[i].text);
}

// Text for roff: backslashes doubled, a leading dot or quote protected, minus signs that copy well.
static void roff(struct tacho_out *out, const char *text)
{
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            tacho_out_text(out, "\\&");
        line_start = *text == '\n';
        if (*text == '\\')
            tacho_out_text(out, "\\e");
        else if (*text == '-')
            tacho_out_text(out, "\\-");
        else if (*text != '`')
            tacho_out_char(out, *text);
    }
}

static void man_paragraphs(struct tacho_out *out, const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t size = end ? (size_t)(end - text) : strlen(text);
        struct tacho_out part;
        tacho_out_init_memory(&part);
        tacho_out_write(&part, text, size);
        roff(out, part.buffer.data ? part.buffer.data : "");
        tacho_out_release(&part);
        tacho_out_text(out, "\n.PP\n");
        text += size + (end ? 2 : 0);
    }
}

static void man_option(struct tacho_out *out, const struct tacho_option *option)
{
    tacho_out_text(out, ".TP\n");
    if (option->letter)
        tacho_out_printf(out, "\\fB\\-%c\\fR, ", option->letter);
    tacho_out_text(out, "\\fB\\-\\-");
    roff(out, option->name);
    tacho_out_text(out, "\\fR");
    if (option->argument) {
        tacho_out_text(out, " \\fI");
        roff(out, option->argument);
        tacho_out_text(out, "\\fR");
    }
    tacho_out_char(out, '\n');
    roff(out, option->help);
    tacho_out_char(out, '\n');
}

static void man_overview(struct tacho_out *out)
{
    tacho_out_text(out, ".SH NAME\ntacho \\- where time and memory go, and when they got worse\n"
                        ".SH SYNOPSIS\n.B tacho\nCOMMAND [OPTION...] [ARGUMENT...]\n"
                        ".SH COMMANDS\n");
    for (size_t i = 0; tacho_commands[i]; i++) {
        tacho_out_printf(out, ".TP\n.BR tacho\\-%s (1)\n", tacho_commands[i]->name);
        roff(out, tacho_commands[i]->summary);
        tacho_out_char(out, '\n');
    }
    tacho_out_text(out, ".SH OPTIONS\n");
    for (size_t i = 0; i < tacho_global_option_count; i++)
        man_option(out, &tacho_global_options[i]);
}

static void man_command(struct tacho_out *out, const struct tacho_command *command)
{
    tacho_out_printf(out, ".SH NAME\ntacho\\-%s \\- ", command->name);
    roff(out, command->summary);
    tacho_out_text(out, "\n.SH SYNOPSIS\n");
    for (size_t i = 0; command->usage[i]; i++) {
        tacho_out_text(out, i ? ".br\n.B tacho " : ".B tacho ");
        roff(out, command->usage[i]);
        tacho_out_char(out, '\n');
    }
    tacho_out_text(out, ".SH DESCRIPTION\n");
    man_paragraphs(out, command->description);
    tacho_out_text(out, ".SH OPTIONS\n");
    for (size_t i = 0; i < command->option_count; i++)
        man_option(out, &command->options[i]);
    for (size_t i = 0; i < tacho_global_option_count; i++) {
        struct tacho_option shown = shown_form(command, &tacho_global_options[i]);
        if (is_shown(command, &tacho_global_options[i]))
            man_option(out, &shown);
    }
    if (command->example_count)
        tacho_out_text(out, ".SH EXAMPLES\n");
    for (size_t i = 0; i < command->example_count; i++) {
        tacho_out_text(out, ".TP\n.B ");
        roff(out, command->examples[i].command);
        tacho_out_char(out, '\n');
        roff(out, command->examples[i].text);
        tacho_out_char(out, '\n');
    }
}

void tacho_help_man(struct tacho_out *out, const struct tacho_command *command)
{
    tacho_out_text(out, ".TH TACHO");
    for (const char *at = command ? command->name : ""; *at; at++)
        tacho_out_printf(out, "%s%c", command && at == command->name ? "\\-" : "",
                         toupper((unsigned char)*at));
    tacho_out_text(out, " 1 \"\" \"tacho " TACHO_VERSION "\" \"User Commands\"\n");
    if (command)
        man_command(out, command);
    else
        man_overview(out);
    tacho_out_text(out, ".SH EXIT STATUS\n"
                        "0: fine; 1: the verdict is bad; 2: wrong usage; 3: it failed. "
                        "\\fBtacho run\\fR gives the exit status of the command it ran.\n");
}

// A choice list such as a|b inside a table cell would end the cell.
static void markdown_cell(struct tacho_out *out, const char *text)
{
    for (; *text; text++)
        tacho_out_printf(out, *text == '|' ? "\\|" : "%c", *text);
}

static void markdown_option(struct tacho_out *out, const struct tacho_option *option)
{
    tacho_out_text(out, "| `");
    if (option->letter)
        tacho_out_printf(out, "-%c`, `", option->letter);
    tacho_out_printf(out, "--%s", option->name);
    if (option->argument) {
        tacho_out_char(out, ' ');
        markdown_cell(out, option->argument);
    }
    tacho_out_text(out, "` | ");
    markdown_cell(out, option->help);
    tacho_out_text(out, " |\n");
}

void tacho_help_markdown(struct tacho_out *out, const struct tacho_command *command)
{
    tacho_out_printf(out, "# tacho %s\n\n%c%s.\n\n```\n", command->name,
                     toupper((unsigned char)command->summary[0]), command->summary + 1);
    for (size_t i = 0; command->usage[i]; i++)
        tacho_out_printf(out, "tacho %s\n", command->usage[i]);
    tacho_out_printf(out, "```\n\n%s\n\n| option | meaning |\n|---|---|\n", command->description);
    for (size_t i = 0; i < command->option_count; i++)
        markdown_option(out, &command->options[i]);
    for (size_t i = 0; i < tacho_global_option_count; i++) {
        struct tacho_option shown = shown_form(command, &tacho_global_options[i]);
        if (is_shown(command, &tacho_global_options[i]))
            markdown_option(out, &shown);
    }
    if (command->example_count)
        tacho_out_text(out, "\n## Examples\n");
    for (size_t i = 0; i < command->example_count; i++)
        tacho_out_printf(out, "\n%s:\n\n```\n%s\n```\n", command->examples[i].text,
                         command->examples[i].command);
}

static void completion_words(struct tacho_out *out, const struct tacho_command *command)
{
    for (size_t i = 0; i < command->option_count; i++)
        tacho_out_printf(out, " --%s", command->options[i].name);
    for (size_t i = 0; i < tacho_global_option_count; i++)
        if (is_shown(command, &tacho_global_options[i]))
            tacho_out_printf(out, " --%s", tacho_global_options[i].name);
}

static void completion_choices(struct tacho_out *out, const char *command, const char *option,
                               const char *choices)
{
    tacho_out_printf(out, "    %s:--%s) words=\"", command, option);
    for (; *choices; choices++)
        tacho_out_char(out, *choices == '|' ? ' ' : *choices);
    tacho_out_text(out, "\"; command= ;;\n"); // no file names beside the choices
}

void tacho_help_completion(struct tacho_out *out, bool is_zsh)
{
    if (is_zsh)
        tacho_out_text(out, "#compdef tacho\nautoload -U +X bashcompinit && bashcompinit\n");
    tacho_out_text(out, "# Completion of tacho's commands, options and choices.\n"
                        "_tacho() {\n  local word=${COMP_WORDS[COMP_CWORD]} words= command= i\n"
                        "  local before=${COMP_WORDS[COMP_CWORD-1]}\n"
                        "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                        "    case ${COMP_WORDS[i]} in\n"
                        "    --) COMPREPLY=($(compgen -c -- \"$word\") $(compgen -f -- \"$word\"));"
                        " return ;;\n    -*) ;;\n"
                        "    *) command=${COMP_WORDS[i]}; break ;;\n    esac\n  done\n"
                        "  case $command:$before in\n    :*) words=\"--help --version");
    for (size_t i = 0; tacho_commands[i]; i++)
        tacho_out_printf(out, " %s", tacho_commands[i]->name);
    tacho_out_text(out, "\" ;;\n");
    for (size_t i = 0; tacho_commands[i]; i++) {
        const struct tacho_command *command = tacho_commands[i];
        if (command->formats)
            completion_choices(out, command->name, "format", command->formats);
        completion_choices(out, command->name, "colour", "auto|always|never");
        for (size_t j = 0; j < command->option_count; j++)
            if (command->options[j].kind == TACHO_OPTION_CHOICE)
                completion_choices(out, command->name, command->options[j].name,
                                   command->options[j].argument);
        tacho_out_printf(out, "    %s:*) words=\"", command->name);
        completion_words(out, command);
        tacho_out_text(out, "\" ;;\n");
    }
    tacho_out_text(out, "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                        "  [[ $word == -* || -z $command ]] || "
                        "COMPREPLY+=($(compgen -f -- \"$word\"))\n}\n"
                        "complete -o filenames -F _tacho tacho\n");
}
