// What a bench is to run: commands with their sweeps filled in, cut into words or left to the
// shell.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/bench.h"

#define COMMANDS_MAX   1000
#define SWEEP_MAX      8
#define SHELL_SPECIALS "|&;<>()$`\\\"'*?[]#~=%!{}\n"

struct sweep {
    const char *name;
    TACHO_ARRAY(const char *) values;
};

static int read_range(struct tacho_bench *bench, const char *text, struct sweep *sweep)
{
    char *end;
    long first = strtol(text, &end, 10);
    if (end == text || strncmp(end, "..", 2) != 0)
        return 0;
    const char *second = end + 2;
    long last = strtol(second, &end, 10);
    if (end == second || *end || last < first || last - first >= COMMANDS_MAX)
        return 0;
    for (long value = first; value <= last; value++)
        tacho_array_push(&sweep->values, tacho_arena_printf(&bench->arena, "%ld", value));
    return 1;
}

// NAME=a,b,c or NAME=1..8
static int read_sweep(struct tacho_bench *bench, const char *text, struct sweep *sweep,
                      struct tacho_fail *fail)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "--param '%s' is not NAME=a,b,c or NAME=1..8",
                              text);
    sweep->name = tacho_arena_text_n(&bench->arena, text, (size_t)(equals - text));
    if (read_range(bench, equals + 1, sweep))
        return 0;
    for (const char *at = equals + 1; at;) {
        size_t size = strcspn(at, ",");
        tacho_array_push(&sweep->values, tacho_arena_text_n(&bench->arena, at, size));
        at = at[size] ? at + size + 1 : NULL;
    }
    return 0;
}

// The text with every {NAME} of the parameters replaced.
static const char *fill(struct tacho_bench *bench, const char *text,
                        const struct tacho_bench_parameter *parameters, size_t count)
{
    struct tacho_buffer filled = {0};
    while (*text) {
        size_t taken = 0;
        for (size_t i = 0; i < count && *text == '{' && !taken; i++) {
            size_t size = strlen(parameters[i].name);
            if (strncmp(text + 1, parameters[i].name, size) == 0 && text[size + 1] == '}') {
                tacho_buffer_text(&filled, parameters[i].value);
                taken = size + 2;
            }
        }
        if (!taken)
            tacho_buffer_byte(&filled, (uint8_t)*text);
        text += taken ? taken : 1;
    }
    const char *kept =
        tacho_arena_text_n(&bench->arena, filled.data ? filled.data : "", filled.size);
    tacho_buffer_release(&filled);
    return kept;
}

static bool is_in_path(const char *word)
{
    char path[4096];
    if (strchr(word, '/'))
        return access(word, X_OK) == 0;
    for (const char *at = getenv("PATH"); at && *at;) {
        size_t size = strcspn(at, ":");
        size_t room = size + strlen(word) + 2;
        if (size && room <= sizeof path) {
            memcpy(path, at, size);
            path[size] = '/';
            memcpy(path + size + 1, word, strlen(word) + 1);
            if (access(path, X_OK) == 0)
                return true;
        }
        at += at[size] ? size + 1 : size;
    }
    return false;
}

static char **cut(struct tacho_bench *bench, const char *text)
{
    char **words = tacho_arena_take(&bench->arena, (strlen(text) / 2 + 2) * sizeof *words);
    size_t count = 0;
    for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
        size_t size = strcspn(text, " \t");
        words[count++] = tacho_arena_text_n(&bench->arena, text, size);
        text += size;
    }
    return words;
}

// Without anything that needs a shell a command is executed by itself: the shell's start is
// then in no figure and nothing has to be subtracted.
static int choose_words(struct tacho_bench *bench, struct tacho_bench_command *command,
                        struct tacho_fail *fail)
{
    const char *shell = bench->options->shell ? bench->options->shell : "auto";
    char **words = cut(bench, command->text);
    if (!words[0])
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "an empty command cannot be timed");
    command->in_shell = strcmp(shell, "sh") == 0;
    if (strcmp(shell, "auto") == 0)
        command->in_shell = strpbrk(command->text, SHELL_SPECIALS) != NULL || !is_in_path(words[0]);
    if (command->in_shell) {
        words = tacho_arena_take(&bench->arena, 4 * sizeof *words);
        words[0] = tacho_arena_text(&bench->arena, "/bin/sh");
        words[1] = tacho_arena_text(&bench->arena, "-c");
        words[2] = tacho_arena_text(&bench->arena, command->text);
    }
    command->words = words;
    return 0;
}

// One command with each combination of the sweeps' values, the last sweep turning fastest.
static int add_commands(struct tacho_bench *bench, const char *text, const char *name,
                        const struct sweep *sweeps, size_t sweep_count, struct tacho_fail *fail)
{
    size_t combinations = 1;
    for (size_t i = 0; i < sweep_count; i++) {
        combinations *= sweeps[i].values.count;
        if (combinations > COMMANDS_MAX)
            return tacho_fail_set(fail, TACHO_ERR_USAGE, "--param makes more than %d commands",
                                  COMMANDS_MAX);
    }
    for (size_t n = 0; n < combinations; n++) {
        struct tacho_bench_command command = {.parameter_count = sweep_count,
                                              .first_seconds = __builtin_nan("")};
        size_t rest = n;
        command.parameters =
            tacho_arena_take(&bench->arena, (sweep_count + 1) * sizeof *command.parameters);
        for (size_t i = sweep_count; i-- > 0;) {
            command.parameters[i].name = sweeps[i].name;
            command.parameters[i].value = sweeps[i].values.items[rest % sweeps[i].values.count];
            rest /= sweeps[i].values.count;
        }
        command.text = fill(bench, text, command.parameters, sweep_count);
        command.name = name ? fill(bench, name, command.parameters, sweep_count) : command.text;
        if (choose_words(bench, &command, fail) < 0)
            return fail->code;
        tacho_array_push(&bench->commands, command);
    }
    return 0;
}

static int read_threshold(struct tacho_bench *bench, struct tacho_fail *fail)
{
    const char *text = bench->options->threshold;
    bench->threshold = 0.02;
    if (!text)
        return 0;
    size_t size = strlen(text);
    bool percent = size && text[size - 1] == '%';
    char *number = tacho_arena_text_n(&bench->arena, text, percent ? size - 1 : size);
    if (tacho_read_number(number, &bench->threshold, fail) < 0)
        return tacho_fail_add(fail, "--threshold");
    bench->threshold = percent ? bench->threshold / 100 : bench->threshold;
    if (!(bench->threshold > 0 && bench->threshold <= 10))
        return tacho_fail_set(fail, TACHO_ERR_USAGE,
                              "--threshold %s is not a change such as 5%% or 0.05", text);
    return 0;
}

static int read_warmup(struct tacho_bench *bench, struct tacho_fail *fail)
{
    const char *text = bench->options->warmup;
    double number = 1;
    if (text && tacho_read_number(text, &number, fail) < 0)
        return tacho_fail_add(fail, "--warmup");
    if (!(number >= 0 && number <= 1e6) || number != (double)(uint64_t)number)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "--warmup %s is not a number of runs", text);
    bench->warmup = (uint64_t)number;
    return 0;
}

static int check(struct tacho_bench *bench, struct tacho_fail *fail)
{
    const struct tacho_bench_options *options = bench->options;
    size_t count = (size_t)bench->session->argument_count;
    if (count == 0)
        return tacho_fail_set(fail, TACHO_ERR_USAGE,
                              "which command is to be timed? tacho bench 'COMMAND'");
    if (options->names.count && options->names.count != count)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "%zu names were given for %zu commands",
                              options->names.count, count);
    if (options->runs > 1000000 || options->time_ns < 0)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "so long nobody can wait");
    if (options->parameters.count > SWEEP_MAX)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "more than %d --param", SWEEP_MAX);
    if (read_threshold(bench, fail) < 0)
        return fail->code;
    return read_warmup(bench, fail);
}

int tacho_bench_plan(struct tacho_bench *bench, struct tacho_fail *fail)
{
    const struct tacho_bench_options *options = bench->options;
    struct sweep sweeps[SWEEP_MAX] = {0};
    int status = check(bench, fail);
    for (size_t i = 0; i < options->parameters.count && status == 0; i++)
        status = read_sweep(bench, options->parameters.items[i], &sweeps[i], fail);
    for (int i = 0; i < bench->session->argument_count && status == 0; i++)
        status = add_commands(bench, bench->session->arguments[i],
                              options->names.count ? options->names.items[i] : NULL, sweeps,
                              options->parameters.count, fail);
    for (size_t i = 0; i < SWEEP_MAX; i++)
        tacho_array_release(&sweeps[i].values);
    if (status == 0 && options->compare && bench->commands.count < 2)
        return tacho_fail_set(fail, TACHO_ERR_USAGE,
                              "--compare needs two commands or more, the first is the base");
    return status;
}

void tacho_bench_release(struct tacho_bench *bench)
{
    for (size_t i = 0; i < bench->commands.count; i++)
        tacho_array_release(&bench->commands.items[i].runs);
    tacho_array_release(&bench->commands);
    tacho_arena_release(&bench->arena);
    free(bench->comparisons);
}
