// tacho demo: the order service with its planted faults, under load and observed, in one command.
//
// The demo does what a user would do by hand, and shows the commands: `tacho run` observes the
// service, wrk (or the example's own load) asks it for orders, and when both are done the run is
// read from the store and held against what is known to be wrong with the service.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/time.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/demo_findings.h"
#include "render/report.h"
#include "store/run_reader.h"

extern char **environ;

enum {
    SECONDS = 15,
    SECONDS_MIN = 2,
    SECONDS_MAX = 3600,
    START_S_MAX = 30,
    CONNECTIONS = 8,
    FOLDER_MAX = PATH_MAX / 2
};

struct options {
    int64_t duration_ns;
    const char *html;
    const char *faults;
};

// A program that was started, and the pipe its standard output comes from (-1: goes where ours
// goes).
struct started {
    pid_t pid; // 0: not running
    int output;
    struct tacho_buffer text; // what came
};

struct demo {
    struct tacho_session *session;
    const struct options *options;
    char folder[FOLDER_MAX]; // where the examples are
    char tacho[PATH_MAX];
    const char *called; // how a user calls this tacho
    const char *html;   // the path of the HTML report
    int html_fd;
    int seconds;           // of load
    int64_t begin_unix_ns; // when the demo began
    struct started observer, load;
    char url[64];
    struct tacho_demo_finding findings[TACHO_DEMO_FAULTS];
};

// The examples lie beside the build's `host` folder, or where `cmake --install` puts them.
static int find_examples(struct demo *demo, struct tacho_fail *fail)
{
    static const char *const folders[] = {"../../examples", "../lib/tacho/examples"};
    char path[PATH_MAX + 64];
    ssize_t length = readlink("/proc/self/exe", demo->tacho, sizeof demo->tacho - 1);
    if (length < 0)
        return tacho_fail_errno(fail, "cannot read /proc/self/exe");
    demo->tacho[length] = '\0';
    char *slash = strrchr(demo->tacho, '/');
    int parent = slash ? (int)(slash - demo->tacho) : 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%.*s/%s", parent, demo->tacho, folders[i]);
        char *folder = realpath(path, NULL);
        snprintf(demo->folder, sizeof demo->folder, "%s", folder ? folder : "");
        free(folder);
        snprintf(path, sizeof path, "%s/order_service/order_service", demo->folder);
        demo->called = i == 0 ? "./tacho" : "tacho";
        if (access(path, X_OK) == 0)
            return 0;
    }
    tacho_fail_set(fail, TACHO_ERR_NOT_FOUND, "the example 'order_service' is not built");
    return tacho_fail_advise(fail, "run ./tacho demo, which builds it, or configure with "
                                   "-DTACHO_EXAMPLES=ON");
}

static int start(struct started *started, char *const *arguments, struct tacho_fail *fail)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return tacho_fail_errno(fail, "cannot make a pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    int code = posix_spawnp(&started->pid, arguments[0], &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (code != 0) {
        close(ends[0]);
        started->pid = 0;
        errno = code;
        return tacho_fail_errno(fail, "cannot start %s", arguments[0]);
    }
    started->output = ends[0];
    return 0;
}

// Reads what the program wrote until `until` was seen in it, or until its end where that is NULL.
static int read_output(struct started *started, const char *until, struct tacho_deadline deadline,
                       struct tacho_fail *fail)
{
    for (;;) {
        struct pollfd ready = {.fd = started->output, .events = POLLIN};
        if (until && started->text.data && strstr(started->text.data, until))
            return 0;
        int count = poll(&ready, 1, tacho_deadline_poll_ms(deadline));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return tacho_fail_set(fail, TACHO_ERR_TIMEOUT, "nothing came in time");
        char *room = tacho_buffer_room(&started->text, 4096 + 1);
        ssize_t size = read(started->output, room, 4096);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return until ? tacho_fail_set(fail, TACHO_ERR_LOST, "it ended") : 0;
        started->text.size += (size_t)size;
        started->text.data[started->text.size] = '\0';
    }
}

// Waits for the program's end; returns its exit status, 128 + the signal that ended it.
static int finish(struct started *started)
{
    int status = 0;
    if (started->pid <= 0)
        return 0;
    while (waitpid(started->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(started->output);
    tacho_buffer_release(&started->text);
    *started = (struct started){0};
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Runs the service for the demo's time under `tacho run`, whose report goes to standard error.
static int start_service(struct demo *demo, struct tacho_fail *fail)
{
    const struct options *options = demo->options;
    const char *store = demo->session->store_path;
    char service[PATH_MAX], seconds[32], store_option[PATH_MAX];
    char *arguments[24];
    int count = 0;
    snprintf(service, sizeof service, "%s/order_service/order_service", demo->folder);
    snprintf(seconds, sizeof seconds, "%d.5", demo->seconds); // so that nothing is cut off
    snprintf(store_option, sizeof store_option, "--store=%s", store ? store : "");
    arguments[count++] = demo->tacho;
    arguments[count++] = (char *)"run";
    arguments[count++] = (char *)"--name";
    arguments[count++] = (char *)"demo";
    if (store)
        arguments[count++] = store_option;
    if (demo->session->quiet)
        arguments[count++] = (char *)"--quiet";
    arguments[count++] = (char *)"--";
    arguments[count++] = service;
    arguments[count++] = (char *)"--port";
    arguments[count++] = (char *)"0";
    arguments[count++] = (char *)"--for";
    arguments[count++] = seconds;
    arguments[count++] = (char *)"--faults";
    arguments[count++] = (char *)(options->faults ? options->faults : "hotspot,slow-query,leak");
    arguments[count] = NULL;
    if (start(&demo->observer, arguments, fail) < 0)
        return fail->code;
    if (read_output(&demo->observer, "\n", tacho_deadline_after(START_S_MAX * TACHO_NS_PER_S),
                    fail) < 0)
        return tacho_fail_add(fail, "the order service did not start");
    const char *url = strstr(demo->observer.text.data, "http://");
    snprintf(demo->url, sizeof demo->url, "%.*s", url ? (int)strcspn(url, "\n") : 0,
             url ? url : "");
    if (!url)
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "the order service did not say its address");
    return 0;
}

// wrk where it is installed, else the load that comes with the example; both send the same mix.
static int start_load(struct demo *demo, struct tacho_fail *fail)
{
    char own[PATH_MAX], script[PATH_MAX], seconds[32], whole[32], connections[16], letter_c[16];
    snprintf(own, sizeof own, "%s/load/load", demo->folder);
    snprintf(script, sizeof script, "%s/load/orders.lua", demo->folder);
    snprintf(seconds, sizeof seconds, "%d", demo->seconds);
    snprintf(whole, sizeof whole, "-d%ds", demo->seconds);
    snprintf(connections, sizeof connections, "%d", CONNECTIONS);
    snprintf(letter_c, sizeof letter_c, "-c%d", CONNECTIONS);
    char *const wrk[] = {(char *)"wrk", (char *)"-t1", letter_c,  whole,
                         (char *)"-s",  script,        demo->url, NULL};
    char *const load[] = {
        own, (char *)"--connections", connections, (char *)"--for", seconds, demo->url, NULL};
    const char *name = "wrk";
    if (start(&demo->load, wrk, fail) < 0) {
        name = "examples/load";
        *fail = (struct tacho_fail){0};
        if (start(&demo->load, load, fail) < 0)
            return fail->code;
    }
    tacho_out_printf(demo->session->out, "load: %s, %d connections to %s\n", name, CONNECTIONS,
                     demo->url);
    return tacho_out_finish(demo->session->out, "the output", fail);
}

// SIGINT reaches the service and its load by themselves, as it comes from the terminal; other
// signals are passed on, so that nothing is left running. Either way what was recorded is reported.
static volatile sig_atomic_t demo_observer, demo_load;

static void pass_on(int number)
{
    int kept = errno;
    if (number != SIGINT && demo_observer > 0)
        kill(demo_observer, SIGINT);
    if (number != SIGINT && demo_load > 0)
        kill(demo_load, SIGTERM);
    errno = kept;
}

static void signals_take(bool take)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = take ? pass_on : SIG_DFL};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

// The one line of wrk's or the own load's output that says how much it was.
static void print_load(struct demo *demo)
{
    const char *text = demo->load.text.data ? demo->load.text.data : "";
    const char *line = strstr(text, "requests in");
    if (!line)
        line = strstr(text, "requests ");
    while (line && line > text && line[-1] != '\n')
        line--;
    if (line)
        line += strspn(line, " ");
    if (line)
        tacho_out_printf(demo->session->out, "load: %.*s\n", (int)strcspn(line, "\n"), line);
}

static int observe(struct demo *demo, struct tacho_fail *fail)
{
    int code = start_service(demo, fail);
    demo_observer = demo->observer.pid;
    if (code == 0) {
        code = start_load(demo, fail);
        demo_load = demo->load.pid;
    }
    if (code == 0) {
        int64_t most_ns = (demo->seconds + START_S_MAX) * TACHO_NS_PER_S;
        struct tacho_deadline deadline = tacho_deadline_after(most_ns);
        code = read_output(&demo->load, NULL, deadline, fail);
        if (code == 0)
            print_load(demo);
        if (code == 0)
            code = read_output(&demo->observer, NULL, deadline, fail);
    }
    if (code < 0) {
        if (demo->load.pid > 0)
            kill(demo->load.pid, SIGTERM);
        if (demo->observer.pid > 0)
            kill(demo->observer.pid, SIGINT);
    }
    finish(&demo->load);
    int status = finish(&demo->observer);
    demo_observer = demo_load = 0;
    if (code == 0 && status != 0)
        code = tacho_fail_set(fail, TACHO_ERR_LOST, "tacho run ended with status %d", status);
    return code;
}

static int write_html(const struct demo *demo, const struct tacho_run *run, struct tacho_fail *fail)
{
    const struct tacho_report_options report = {0};
    struct tacho_out out;
    const struct tacho_report_format *format = tacho_report_format_find("html", fail);
    if (!format)
        return fail->code;
    tacho_out_init_fd(&out, demo->html_fd);
    int code = tacho_report_render(format, run, &report, &out, fail);
    if (code == 0)
        code = tacho_out_finish(&out, demo->html, fail);
    tacho_out_release(&out);
    return code;
}

static void print_next(const struct demo *demo)
{
    const char *called = demo->called;
    tacho_out_printf(demo->session->out,
                     "\nThe report with its flame graph is in %s. Look further:\n\n"
                     "  %s report demo --callers covariance_compute\n"
                     "  %s demo --faults none && %s diff demo~1 demo\n"
                     "  %s report demo --format perfetto -o demo.pftrace\n"
                     "  %s run -- COMMAND      the same for a program of yours\n"
                     "  %s runs list\n",
                     demo->html, called, called, called, called, called, called);
}

static int conclude(struct demo *demo, struct tacho_fail *fail)
{
    const struct tacho_run_read_options read = {0};
    struct tacho_out *out = demo->session->out;
    struct tacho_run run;
    int code = tacho_run_read_named(demo->session->store_path, "demo", &read, &run, fail);
    // An older demo is not what was just seen.
    if (code == 0 && run.info.start_unix_ns < demo->begin_unix_ns)
        code = tacho_fail_set(fail, TACHO_ERR_NOT_FOUND,
                              "the run of this demo was not stored; see what tacho run says above");
    if (code == 0) {
        tacho_demo_findings_look(demo->findings, &run);
        tacho_out_text(out, "\nWhat is wrong with the service, and where the report shows it:\n\n");
        tacho_demo_findings_print(demo->findings, out);
        code = write_html(demo, &run, fail);
    }
    tacho_run_release(&run);
    if (code < 0)
        return code;
    print_next(demo);
    return tacho_demo_findings_complete(demo->findings) ? TACHO_EXIT_OK : TACHO_EXIT_VERDICT;
}

static int run(struct tacho_session *session, struct tacho_fail *fail)
{
    struct options *options = session->options;
    struct demo demo = {.session = session, .options = options};
    char span[TACHO_UNIT_TEXT_MAX];
    if (session->argument_count > 0)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "demo takes no arguments");
    demo.seconds = SECONDS;
    if (options->duration_ns != 0)
        demo.seconds = (int)(options->duration_ns / TACHO_NS_PER_S);
    if (options->duration_ns > SECONDS_MAX * TACHO_NS_PER_S || demo.seconds < SECONDS_MIN)
        return tacho_fail_set(fail, TACHO_ERR_USAGE, "--for: the demo takes %d to %d seconds",
                              SECONDS_MIN, SECONDS_MAX);
    if (tacho_demo_findings_plant(demo.findings, options->faults, fail) < 0 ||
        find_examples(&demo, fail) < 0)
        return fail->code;
    tacho_out_printf(session->out,
                     "An order service (HTTP, worker threads, SQLite) with planted faults is under "
                     "load for %s.\nIt is observed as any program would be: tacho run --name demo "
                     "-- order_service ...\n",
                     tacho_format_seconds(demo.seconds, span));
    if (tacho_out_finish(session->out, "the output", fail) < 0)
        return fail->code;
    // Opened first: it would be a pity to find out only at the end that it cannot be written.
    demo.html = options->html ? options->html : "tacho-demo.html";
    demo.html_fd = open(demo.html, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (demo.html_fd < 0)
        return tacho_fail_errno(fail, "cannot write %s", demo.html);
    demo.begin_unix_ns = tacho_time_unix_ns();
    signals_take(true);
    int code = observe(&demo, fail);
    signals_take(false);
    if (code == 0)
        code = conclude(&demo, fail);
    close(demo.html_fd);
    if (code < 0)
        unlink(demo.html);
    return code;
}

static const char *const usage[] = {"demo [--for SPAN] [--faults LIST] [--html FILE]", NULL};

static const struct tacho_option option_table[] = {
    TACHO_OPTION(struct options, duration_ns, "for", 0, SPAN, "SPAN",
                 "how long the service is under load (default 15s)"),
    TACHO_OPTION(struct options, faults, "faults", 0, TEXT, "LIST",
                 "which faults it has: hotspot, slow-query, leak or none (default all)"),
    TACHO_OPTION(struct options, html, "html", 0, TEXT, "FILE",
                 "where the HTML report goes (default tacho-demo.html)"),
};

static const struct tacho_example examples[] = {
    {"tacho demo", "fifteen seconds, then the report and what it found"},
    {"tacho demo --faults leak --for 30s", "one fault alone, for longer"},
    {"tacho demo --faults none && tacho diff demo~1 demo", "what the faults had cost"},
};

const struct tacho_command tacho_command_demo = {
    .name = "demo",
    .summary = "observe a real service under load, and find its faults",
    .usage = usage,
    .description =
        "Starts `examples/order_service`, a small order service with HTTP, worker threads and an "
        "SQLite database, puts it under load with wrk (or with the example's own load where wrk is "
        "not installed) and observes it with `tacho run --name demo`. The service has three "
        "planted "
        "faults: a hotspot, a slow query and a leak.\n\n"
        "Prints the report, then for each fault whether and where the report shows it, writes the "
        "HTML report and names the commands to try next. The run is kept in the store as `demo`.",
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct options),
    .examples = examples,
    .example_count = sizeof examples / sizeof *examples,
    .run = run,
};
