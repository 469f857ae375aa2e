// Reads command lines by the option tables of the commands: see command.h.
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/command.h"

static const struct tacho_option *find_in(const struct tacho_option *options, size_t count,
                                          const char *name, size_t size, char letter)
{
    for (size_t i = 0; i < count; i++) {
        if (letter ? options[i].letter == letter
                   : strncmp(options[i].name, name, size) == 0 && options[i].name[size] == '\0')
            return &options[i];
    }
    return NULL;
}

struct parse {
    const struct tacho_command *command; // NULL: only the global options
    struct tacho_session *session;
    struct tacho_global_values *global;
    struct tacho_fail *fail;
};

// Finds an option of the command or of all; `*into` is the struct it belongs to.
static const struct tacho_option *find(const struct parse *parse, const char *name, size_t size,
                                       char letter, char **into)
{
    const struct tacho_option *option = NULL;
    if (parse->command) {
        option = find_in(parse->command->options, parse->command->option_count, name, size, letter);
        *into = parse->session->options;
    }
    if (!option) {
        option = find_in(tacho_global_options, tacho_global_option_count, name, size, letter);
        *into = (char *)parse->global;
    }
    return option;
}

static bool is_choice(const char *choices, const char *value)
{
    size_t size = strlen(value);
    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (size && strncmp(at, value, size) == 0 && (at[size] == '|' || at[size] == '\0'))
            return true;
    return false;
}

static int set_number(const struct tacho_option *option, char *field, const char *value,
                      struct tacho_fail *fail)
{
    double number;
    if (tacho_read_number(value, &number, fail) < 0)
        return fail->code;
    if (option->kind == TACHO_OPTION_NUMBER) {
        *(double *)(void *)field = number;
        return 0;
    }
    if (number < 0 || number > 9e15 || number != (double)(uint64_t)number)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "'%s' is not a whole number", value);
    *(uint64_t *)(void *)field = (uint64_t)number;
    return 0;
}

static int set(const struct tacho_option *option, char *into, const char *value,
               struct tacho_fail *fail)
{
    char *field = into + option->offset;
    switch ((enum tacho_option_kind)option->kind) {
    case TACHO_OPTION_FLAG:
        *(bool *)field = true;
        return 0;
    case TACHO_OPTION_TEXT:
        *(const char **)(void *)field = value;
        return 0;
    case TACHO_OPTION_DURATION:
        return tacho_read_duration(value, (int64_t *)(void *)field, fail);
    case TACHO_OPTION_SPAN:
        if (tacho_read_duration(value, (int64_t *)(void *)field, fail) < 0)
            return fail->code;
        if (*(const int64_t *)(const void *)field <= 0)
            return tacho_fail_set(fail, TACHO_ERR_USAGE, "'%s' is no time at all", value);
        return 0;
    case TACHO_OPTION_SIZE:
        return tacho_read_size(value, (uint64_t *)(void *)field, fail);
    case TACHO_OPTION_NUMBER:
    case TACHO_OPTION_COUNT:
        return set_number(option, field, value, fail);
    case TACHO_OPTION_CHOICE:
        if (!is_choice(option->argument, value))
            return tacho_fail_set(fail, TACHO_ERR_USAGE, "'%s' is not one of %s", value,
                                  option->argument);
        *(const char **)(void *)field = value;
        return 0;
    case TACHO_OPTION_LIST: {
        struct tacho_option_list *list = (void *)field;
        tacho_array_push(list, value);
        return 0;
    }
    }
    return tacho_fail_set(fail, TACHO_ERR_INVALID, "option table of --%s", option->name);
}

// One option that begins at argv[*at]; moves *at behind it.
static int read_option(const struct parse *parse, int argc, char **argv, int *at)
{
    const char *word = argv[(*at)++], *name = word, *value = NULL;
    char letter = 0, *into = NULL;
    size_t size = 0;
    if (word[1] == '-') {
        name = word + 2;
        size = strcspn(name, "=");
        value = name[size] == '=' ? name + size + 1 : NULL;
    } else {
        letter = word[1];
        value = word[2] ? word + 2 : NULL;
    }
    const struct tacho_option *option = find(parse, name, size, letter, &into);
    const char *command = parse->command ? parse->command->name : NULL;
    if (!option)
        return tacho_fail_set(parse->fail, TACHO_ERR_USAGE,
                              "unknown option %s; see 'tacho %s%s--help'", word,
                              command ? command : "", command ? " " : "");
    if (option->kind == TACHO_OPTION_FLAG && value)
        return tacho_fail_set(parse->fail, TACHO_ERR_USAGE, "--%s takes no value", option->name);
    if (option->kind != TACHO_OPTION_FLAG && !value) {
        if (*at >= argc)
            return tacho_fail_set(parse->fail, TACHO_ERR_USAGE, "--%s needs a value: %s",
                                  option->name, option->argument);
        value = argv[(*at)++];
    }
    if (set(option, into, value, parse->fail) < 0)
        return tacho_fail_add(parse->fail, "--%s", option->name);
    return 0;
}

static int check_format(const struct parse *parse)
{
    const char *format = parse->global->format;
    if (!parse->command || !format)
        return 0;
    if (!parse->command->formats)
        return tacho_fail_set(parse->fail, TACHO_ERR_USAGE, "'%s' has no --format",
                              parse->command->name);
    if (!is_choice(parse->command->formats, format))
        return tacho_fail_set(parse->fail, TACHO_ERR_USAGE, "--format: '%s' is not one of %s",
                              format, parse->command->formats);
    return 0;
}

int tacho_options_parse(const struct tacho_command *command, int argc, char **argv,
                        struct tacho_session *session, struct tacho_global_values *global,
                        struct tacho_fail *fail)
{
    struct parse parse = {command, session, global, fail};
    bool stops = !command || (command->flags & TACHO_COMMAND_STOPS_AT_ARGUMENT);
    int at = 0, kept = 0;
    while (at < argc) {
        const char *word = argv[at];
        if (strcmp(word, "--") == 0) {
            session->has_separator = true;
            session->separator = kept;
            at++;
            break;
        }
        if (word[0] == '-' && word[1]) {
            if (read_option(&parse, argc, argv, &at) < 0)
                return fail->code;
        } else {
            if (stops)
                break;
            argv[kept++] = argv[at++];
        }
    }
    while (at < argc)
        argv[kept++] = argv[at++];
    argv[kept] = NULL;
    session->arguments = argv;
    session->argument_count = kept;
    return check_format(&parse);
}
