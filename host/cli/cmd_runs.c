// tacho runs: lists, shows, names, exports, imports and removes stored runs.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/runs_print.h"
#include "store/run_file.h"
#include "store/run_reader.h"

struct options {
    const char *output, *name;
    uint64_t limit, keep, size_max;
    int64_t older_than_ns;
    bool named, dry_run;
};

static const char *format_of(const struct tacho_session *session)
{
    return session->format ? session->format : "text";
}

static int need_arguments(const struct tacho_session *session, int least, int most,
                          const char *usage, struct tacho_fail *fail)
{
    int count = session->argument_count - 1;
    if (count >= least && (most < 0 || count <= most))
        return 0;
    return tacho_fail_set(fail, TACHO_ERR_USAGE, "usage: tacho runs %s", usage);
}

static int run_list(struct tacho_session *session, struct tacho_fail *fail)
{
    const struct options *options = session->options;
    struct tacho_store *store = NULL;
    struct tacho_store_list list = {0};
    if (need_arguments(session, 0, 0, "list", fail) < 0)
        return fail->code;
    int status = tacho_store_open(&store, session->store_path, TACHO_STORE_READ, fail);
    if (status == 0)
        status = tacho_store_list(store, &list, fail);
    bool is_empty = status == TACHO_ERR_NOT_FOUND || (status == 0 && list.runs.count == 0);
    if (is_empty && !session->quiet)
        tacho_out_text(session->error,
                       "tacho: no runs yet; `tacho run -- COMMAND` makes the first\n");
    if (status == TACHO_ERR_NOT_FOUND)
        status = 0;
    if (status == 0)
        tacho_runs_print_list(&list, (size_t)options->limit, format_of(session), session->out);
    tacho_store_list_release(&list);
    tacho_store_close(store);
    return status;
}

// The line of a stored run that a text names; a file has none, and that is no failure.
static void find_line(struct tacho_session *session, const char *text, struct tacho_store_list *one)
{
    struct tacho_store *store;
    struct tacho_fail ignored = {0};
    if (tacho_store_open(&store, session->store_path, TACHO_STORE_READ, &ignored) < 0)
        return;
    if (tacho_store_find(store, text, one, &ignored) < 0)
        tacho_store_list_release(one);
    tacho_store_close(store);
}

static int run_show(struct tacho_session *session, struct tacho_fail *fail)
{
    struct tacho_run run;
    struct tacho_store_list one = {0};
    if (need_arguments(session, 1, 1, "show RUN", fail) < 0)
        return fail->code;
    const char *text = session->arguments[1];
    int status = tacho_run_read_named(session->store_path, text, NULL, &run, fail);
    if (status == 0) {
        find_line(session, text, &one);
        tacho_runs_print_run(&run, one.runs.count ? &one.runs.items[0] : NULL, format_of(session),
                             session->out);
    }
    tacho_store_list_release(&one);
    tacho_run_release(&run);
    return status;
}

static int write_export(struct tacho_session *session, struct tacho_store *store,
                        const struct tacho_store_run *run, struct tacho_fail *fail)
{
    const struct options *options = session->options;
    struct tacho_buffer path = {0};
    if (options->output && strcmp(options->output, "-") == 0) {
        if (isatty(session->out->fd))
            return tacho_fail_set(fail, TACHO_ERR_USAGE,
                                  "an exported run is not for a terminal; give a file");
        return tacho_run_file_export(store, run->number, NULL, session->out, fail);
    }
    tacho_buffer_printf(&path, "%s%s", options->output ? options->output : run->info.id,
                        options->output ? "" : ".tacho");
    int status = tacho_run_file_export(store, run->number, path.data, NULL, fail);
    if (status == 0 && !session->quiet)
        tacho_out_printf(session->error, "tacho: run %s written to %s\n", run->info.id, path.data);
    tacho_buffer_release(&path);
    return status;
}

static int run_export(struct tacho_session *session, struct tacho_fail *fail)
{
    struct tacho_store *store;
    struct tacho_store_list one = {0};
    if (need_arguments(session, 1, 1, "export RUN [-o FILE]", fail) < 0)
        return fail->code;
    int status = tacho_store_open(&store, session->store_path, TACHO_STORE_READ, fail);
    if (status == 0)
        status = tacho_store_find(store, session->arguments[1], &one, fail);
    if (status == 0)
        status = write_export(session, store, &one.runs.items[0], fail);
    tacho_store_list_release(&one);
    tacho_store_close(store);
    return status;
}

static int import_one(struct tacho_session *session, struct tacho_store *store, const char *path,
                      struct tacho_fail *fail)
{
    const struct options *options = session->options;
    struct tacho_store_list one = {0};
    char id[13];
    if (options->name && tacho_store_name_check(options->name, fail) < 0)
        return fail->code;
    int status = tacho_run_file_import(store, path, id, fail);
    if (status == 0 && options->name)
        status = tacho_store_find(store, id, &one, fail);
    if (status == 0 && options->name)
        status = tacho_store_rename(store, one.runs.items[0].number, options->name, fail);
    if (status == 0 && !session->quiet)
        tacho_out_printf(session->error, "tacho: %s is run %s\n", path, id);
    tacho_store_list_release(&one);
    return status;
}

static int run_import(struct tacho_session *session, struct tacho_fail *fail)
{
    struct tacho_store *store;
    if (need_arguments(session, 1, -1, "import FILE...", fail) < 0)
        return fail->code;
    int status = tacho_store_open(&store, session->store_path, TACHO_STORE_WRITE, fail);
    for (int i = 1; status == 0 && i < session->argument_count; i++)
        status = import_one(session, store, session->arguments[i], fail);
    tacho_store_close(store);
    return status;
}

static int run_rename(struct tacho_session *session, struct tacho_fail *fail)
{
    struct tacho_store *store;
    struct tacho_store_list one = {0};
    if (need_arguments(session, 2, 2, "rename RUN NAME", fail) < 0)
        return fail->code;
    int status = tacho_store_open(&store, session->store_path, TACHO_STORE_WRITE, fail);
    if (status == 0)
        status = tacho_store_find(store, session->arguments[1], &one, fail);
    if (status == 0)
        status = tacho_store_rename(store, one.runs.items[0].number, session->arguments[2], fail);
    tacho_store_list_release(&one);
    tacho_store_close(store);
    return status;
}

static int run_rm(struct tacho_session *session, struct tacho_fail *fail)
{
    struct tacho_store *store;
    TACHO_ARRAY(int64_t) numbers = {0};
    if (need_arguments(session, 1, -1, "rm RUN...", fail) < 0)
        return fail->code;
    int status = tacho_store_open(&store, session->store_path, TACHO_STORE_WRITE, fail);
    // All are found before the first goes: `rm last last~1` means what it says.
    for (int i = 1; status == 0 && i < session->argument_count; i++) {
        struct tacho_store_list one = {0};
        status = tacho_store_find(store, session->arguments[i], &one, fail);
        if (status == 0)
            tacho_array_push(&numbers, one.runs.items[0].number);
        tacho_store_list_release(&one);
    }
    for (size_t i = 0; status == 0 && i < numbers.count; i++) {
        status = tacho_store_remove(store, numbers.items[i], fail);
        if (status == 0 && !session->quiet)
            tacho_out_printf(session->error, "tacho: %s removed\n", session->arguments[i + 1]);
    }
    tacho_array_release(&numbers);
    tacho_store_close(store);
    return status;
}

static int run_gc(struct tacho_session *session, struct tacho_fail *fail)
{
    const struct options *options = session->options;
    struct tacho_store *store;
    char unit[TACHO_UNIT_TEXT_MAX];
    struct tacho_store_gc gc = {.age_ns_max = options->older_than_ns,
                                .count_max = options->keep,
                                .bytes_max = options->size_max,
                                .named_too = options->named,
                                .only_look = options->dry_run};
    if (need_arguments(session, 0, 0, "gc [--older-than SPAN] [--keep N] [--max-size SIZE]", fail) <
        0)
        return fail->code;
    int status = tacho_store_open(&store, session->store_path, TACHO_STORE_WRITE, fail);
    if (status == 0)
        status = tacho_store_gc(store, &gc, fail);
    if (status == 0 && !session->quiet)
        tacho_out_printf(session->error, "tacho: %llu run%s %s removed, %s\n",
                         (unsigned long long)gc.removed_count, gc.removed_count == 1 ? "" : "s",
                         options->dry_run        ? "would be"
                         : gc.removed_count == 1 ? "was"
                                                 : "were",
                         tacho_format_bytes((double)gc.removed_bytes, unit));
    tacho_store_close(store);
    return status;
}

static int run_check(struct tacho_session *session, struct tacho_fail *fail)
{
    struct tacho_store *store;
    if (need_arguments(session, 0, 0, "check", fail) < 0)
        return fail->code;
    int status = tacho_store_open(&store, session->store_path, TACHO_STORE_READ, fail);
    if (status == 0)
        status = tacho_store_check(store, fail);
    if (status == 0 && !session->quiet)
        tacho_out_printf(session->error, "tacho: the store %s is sound\n", tacho_store_path(store));
    tacho_store_close(store);
    return status;
}

static int run(struct tacho_session *session, struct tacho_fail *fail)
{
    static const struct {
        const char *name;
        int (*run)(struct tacho_session *session, struct tacho_fail *fail);
    } verbs[] = {{"list", run_list},     {"show", run_show},     {"export", run_export},
                 {"import", run_import}, {"rename", run_rename}, {"rm", run_rm},
                 {"gc", run_gc},         {"check", run_check}};
    if (session->argument_count == 0) {
        static char list[] = "list";
        static char *only[] = {list, NULL};
        session->arguments = only;
        session->argument_count = 1;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(session->arguments[0], verbs[i].name) == 0)
            return verbs[i].run(session, fail);
    return tacho_fail_set(fail, TACHO_ERR_USAGE,
                          "'%s' is nothing that can be done with runs; see 'tacho runs --help'",
                          session->arguments[0]);
}

static const char *const usage[] = {"runs [list] [--limit N]",
                                    "runs show RUN",
                                    "runs export RUN [-o FILE]",
                                    "runs import FILE... [--name NAME]",
                                    "runs rename RUN NAME",
                                    "runs rm RUN...",
                                    "runs gc [--older-than SPAN] [--keep N] [--max-size SIZE]",
                                    "runs check",
                                    NULL};

static const struct tacho_option option_table[] = {
    TACHO_OPTION(struct options, limit, "limit", 0, COUNT, "N", "list: only the N newest"),
    TACHO_OPTION(struct options, output, "output", 'o', TEXT, "FILE",
                 "export: the file (default ID.tacho; - is standard output)"),
    TACHO_OPTION(struct options, name, "name", 'n', TEXT, "NAME",
                 "import: call the run NAME in this store"),
    TACHO_OPTION(struct options, older_than_ns, "older-than", 0, DURATION, "SPAN",
                 "gc: remove runs that began longer ago (30d)"),
    TACHO_OPTION(struct options, keep, "keep", 0, COUNT, "N", "gc: keep only the N newest"),
    TACHO_OPTION(struct options, size_max, "max-size", 0, SIZE, "SIZE",
                 "gc: remove the oldest until the rest is not larger (1GiB)"),
    TACHO_OPTION(struct options, named, "named", 0, FLAG, NULL,
                 "gc: remove runs that have a name too"),
    TACHO_OPTION(struct options, dry_run, "dry-run", 0, FLAG, NULL,
                 "gc: only say what would be removed"),
};

static const struct tacho_example examples[] = {
    {"tacho runs", "what is in the store, the newest first"},
    {"tacho runs show last", "the newest run: what it holds, and the environment it was made in"},
    {"tacho runs rename last before", "a name: tacho diff before last"},
    {"tacho runs export before -o before.tacho", "one file, to send or to keep"},
    {"tacho report before.tacho", "any command takes such a file for a run"},
    {"tacho runs gc --older-than 30d --max-size 1GiB", "remove old runs that have no name"},
};

const struct tacho_command tacho_command_runs = {
    .name = "runs",
    .summary = "list, show, name, export, import and remove runs",
    .usage = usage,
    .description =
        "Every `tacho run` is kept in a store, one file. A RUN is named by `last`, `last~1` (the "
        "one before), its name (`--name`, or `runs rename`; the newest of that name), the "
        "beginning of its id, or the file of an exported run.\n"
        "\n"
        "`export` writes one file that holds everything and reads back to the same run, `import` "
        "puts such a file into the store. `gc` removes by age, number and size; runs that have a "
        "name (baselines) stay unless `--named` is given, and so does a run that is being "
        "recorded. `check` reads the whole store and verifies every checksum.",
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct options),
    .formats = "text|json|csv",
    .examples = examples,
    .example_count = sizeof examples / sizeof *examples,
    .run = run,
};
