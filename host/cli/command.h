// What a command is, and how to add one.
//
// To add the command `frob`:
//   1. host/cli/cmd_frob.c, ending in `const struct tacho_command tacho_command_frob = {...};`
//   2. a line `TACHO_COMMAND(frob)` in commands.def: its place there is its place in the help
//   3. the file's name in host/cli/CMakeLists.txt
//   4. `tools/gen_docs` writes docs/commands/frob.md from the descriptor
//   5. a golden case in tests/host/cli
// A test walks the table and fails while one of them is missing. Help, manual pages, completion and
// docs pages all come from the descriptor.
#ifndef TACHO_CLI_COMMAND_H
#define TACHO_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "base/fail.h"
#include "base/out.h"

// Exit statuses of every command; `tacho run -- COMMAND` gives COMMAND's own.
enum tacho_exit {
    TACHO_EXIT_OK = 0,
    TACHO_EXIT_VERDICT = 1,
    TACHO_EXIT_USAGE = 2,
    TACHO_EXIT_FAILED = 3
};

enum tacho_option_kind {
    TACHO_OPTION_FLAG,     // bool
    TACHO_OPTION_TEXT,     // const char *
    TACHO_OPTION_DURATION, // int64_t, nanoseconds
    TACHO_OPTION_SPAN,     // the same, more than nothing
    TACHO_OPTION_SIZE,     // uint64_t, bytes
    TACHO_OPTION_NUMBER,   // double
    TACHO_OPTION_COUNT,    // uint64_t
    TACHO_OPTION_CHOICE,   // const char *, one of `argument` ("auto|fp|table")
    TACHO_OPTION_LIST,     // struct tacho_option_list, may be given several times
};

struct tacho_option_list {
    const char **items;
    size_t count, capacity;
};

struct tacho_option {
    const char *name;     // "every" for --every
    char letter;          // 'e' for -e, 0: none
    uint8_t kind;         // enum tacho_option_kind
    size_t offset;        // of the field in the command's options struct
    const char *argument; // how help calls the value; the choices of a CHOICE; NULL for a FLAG
    const char *help;     // one line, starts in lower case, no full stop
};

#define TACHO_OPTION(type, field, name, letter, kind, argument, help)                              \
    {                                                                                              \
        name, letter, TACHO_OPTION_##kind, offsetof(type, field), argument, help                   \
    }

struct tacho_example {
    const char *command, *text;
};

struct tacho_inherited; // capture/launch.h

struct tacho_session {
    struct tacho_out *out;   // standard output
    struct tacho_out *error; // standard error: progress, and the report of `tacho run`
    const char *store_path;  // --store, NULL: the default
    const char *format;      // --format, NULL: the command's default
    const char *program;     // the path of this tacho
    bool quiet;
    const struct tacho_inherited *inherited; // signals and limits as they were before tacho's own
    void *options; // the command's options struct, zeroed before parsing: zero means default
    char **arguments;
    int argument_count;
    bool has_separator; // there was a "--"
    int separator;      // so many arguments stood before it
};

enum tacho_command_flag {
    TACHO_COMMAND_STOPS_AT_ARGUMENT = 1 << 0, // what follows the first argument is not tacho's
    TACHO_COMMAND_HIDDEN = 1 << 1,
};

struct tacho_command {
    const char *name;
    const char *summary;      // less than 60 characters, starts with a verb
    const char *const *usage; // lines without the leading "tacho ", ends in NULL
    const char *description;  // paragraphs separated by a blank line, `code` in backquotes
    const struct tacho_option *options;
    size_t option_count, options_size;
    const char *formats; // choices of --format, NULL: the command has none
    const struct tacho_example *examples;
    size_t example_count;
    unsigned flags; // enum tacho_command_flag
    // Returns the exit status, or a negative TACHO_ERR_* with the story in `fail` (exit status 3; 2
    // for TACHO_ERR_USAGE).
    int (*run)(struct tacho_session *session, struct tacho_fail *fail);
};

#define TACHO_COMMAND(name) extern const struct tacho_command tacho_command_##name;
#include "cli/commands.def"
#undef TACHO_COMMAND

// All commands in the order of the help, ends in NULL.
extern const struct tacho_command *const tacho_commands[];

// By name; NULL if there is none.
const struct tacho_command *tacho_command_find(const char *name);
// The known name nearest to a mistyped one, or NULL.
const char *tacho_command_nearest(const char *name);

// The options that every command takes.
struct tacho_global_values {
    const char *store, *format, *colour;
    bool quiet, help, version;
};
extern const struct tacho_option tacho_global_options[];
extern const size_t tacho_global_option_count;

// options.c: reads the options of `command` (NULL: only the global ones) from `argv` into
// session->options and `global`; what is left of argv, moved to its front, becomes
// session->arguments.
int tacho_options_parse(const struct tacho_command *command, int argc, char **argv,
                        struct tacho_session *session, struct tacho_global_values *global,
                        struct tacho_fail *fail);

// help.c: all from the descriptors.
void tacho_help_screen(struct tacho_out *out);
void tacho_help_command(struct tacho_out *out, const struct tacho_command *command);
void tacho_help_man(struct tacho_out *out, const struct tacho_command *command); // NULL: tacho(1)
void tacho_help_markdown(struct tacho_out *out, const struct tacho_command *command);
void tacho_help_completion(struct tacho_out *out, bool is_zsh);

#endif
