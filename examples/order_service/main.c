// The order service's command line: starts the service, waits for its end, prints what it did.
//
//   order_service --port 0 --for 10 --faults hotspot,slow-query,leak
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "metrics.h"

struct options {
    int port;
    const char *database; // NULL: one in a folder of its own, removed at the end
    double seconds;       // 0: until a signal
    int workers;
    int queue_depth;
    int64_t history;
    struct faults faults;
};

static const char usage[] =
    "usage: order_service [--port N] [--db FILE] [--for SECONDS] [--workers N] [--queue N]\n"
    "                     [--history N] [--faults LIST]\n"
    "\n"
    "Takes orders by HTTP on 127.0.0.1 and keeps them in an SQLite database.\n"
    "\n"
    "  --port N         the port, 8080 unless told; 0 chooses a free one\n"
    "  --db FILE        the database; without it one that is removed at the end\n"
    "  --for SECONDS    end after that time; without it on SIGINT or SIGTERM\n"
    "  --workers N      worker threads, 1 to 64 (4)\n"
    "  --queue N        requests that may wait for a worker, 1 to 100000 (256)\n"
    "  --history N      made-up orders in the database before the first one (20000)\n"
    "  --faults LIST    none, or a list of hotspot, slow-query, leak\n"
    "\n"
    "POST /orders {\"customer\": \"c0001\", \"symbol\": \"ACME\", \"side\": \"buy\",\n"
    "              \"quantity\": 10, \"price\": 99.50}\n"
    "GET /orders/ID  GET /orders?customer=NAME  GET /quote/SYMBOL  GET /metrics  GET /healthz\n";

static int refuse_option(const char *option, const char *value, const char *expected)
{
    fprintf(stderr, "order_service: --%s %s: %s\n", option, value, expected);
    return -1;
}

static int parse_whole(const char *option, const char *text, int64_t low, int64_t high,
                       int64_t *value)
{
    char expected[96];
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *value >= low && *value <= high)
        return 0;
    snprintf(expected, sizeof(expected), "must be a whole number from %" PRId64 " to %" PRId64, low,
             high);
    return refuse_option(option, text, expected);
}

static int parse_small(const char *option, const char *text, int low, int high, int *value)
{
    int64_t whole;
    if (parse_whole(option, text, low, high, &whole) < 0)
        return -1;
    *value = (int)whole;
    return 0;
}

static int parse_faults(const char *text, struct faults *faults)
{
    char list[128];
    char *rest = list;
    const char *word;

    memset(faults, 0, sizeof(*faults));
    if (snprintf(list, sizeof(list), "%s", text) >= (int)sizeof(list))
        return refuse_option("faults", text, "is too long");
    while ((word = strsep(&rest, ",")) != NULL) {
        if (strcmp(word, "hotspot") == 0)
            faults->hotspot = 1;
        else if (strcmp(word, "slow-query") == 0)
            faults->slow_query = 1;
        else if (strcmp(word, "leak") == 0)
            faults->leak = 1;
        else if (strcmp(word, "none") != 0)
            return refuse_option("faults", text, "knows none, hotspot, slow-query and leak");
    }
    return 0;
}

static int parse_seconds(const char *text, double *seconds)
{
    char *end;
    *seconds = strtod(text, &end);
    if (end != text && *end == '\0' && *seconds > 0 && *seconds <= 86400)
        return 0;
    return refuse_option("for", text, "must be a number of seconds up to 86400");
}

static int parse_option(struct options *options, int letter, const char *value)
{
    switch (letter) {
    case 'p':
        return parse_small("port", value, 0, 65535, &options->port);
    case 'd':
        options->database = value;
        return value[0] != '\0' && strlen(value) < PATH_LENGTH_MAX
                   ? 0
                   : refuse_option("db", value, "must be the path of a file");
    case 's':
        return parse_seconds(value, &options->seconds);
    case 'w':
        return parse_small("workers", value, 1, WORKERS_MAX, &options->workers);
    case 'q':
        return parse_small("queue", value, 1, 100000, &options->queue_depth);
    case 'n':
        return parse_whole("history", value, 0, 10000000, &options->history);
    case 'f':
        return parse_faults(value, &options->faults);
    default:
        return -1;
    }
}

// Returns 0, 1 where only help was asked for, or -1.
static int parse_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},
        {"db", required_argument, NULL, 'd'},
        {"for", required_argument, NULL, 's'},
        {"workers", required_argument, NULL, 'w'},
        {"queue", required_argument, NULL, 'q'},
        {"history", required_argument, NULL, 'n'},
        {"faults", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int letter;
    *options = (struct options){.port = 8080, .workers = 4, .queue_depth = 256, .history = 20000};
    while ((letter = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        if (letter == 'h')
            return 1;
        if (parse_option(options, letter, optarg) < 0)
            return -1;
    }
    if (optind < argc) {
        fprintf(stderr, "order_service: unexpected argument %s\n", argv[optind]);
        return -1;
    }
    return 0;
}

// Makes a folder for a database that nobody asked to keep, and writes the database's path.
static int scratch_make(char folder[PATH_LENGTH_MAX], char path[PATH_LENGTH_MAX])
{
    const char *temporary = getenv("TMPDIR");
    if (temporary == NULL || temporary[0] == '\0')
        temporary = "/tmp";
    if (snprintf(folder, PATH_LENGTH_MAX, "%s/order_service-XXXXXX", temporary) >=
            PATH_LENGTH_MAX - 16 ||
        mkdtemp(folder) == NULL) {
        fprintf(stderr, "order_service: cannot make a folder in %s: %s\n", temporary,
                strerror(errno));
        folder[0] = '\0';
        return -1;
    }
    size_t length = strlen(folder);
    memcpy(path, folder, length);
    memcpy(path + length, "/orders.db", sizeof("/orders.db"));
    return 0;
}

static void scratch_remove(const char *folder, const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    char name[PATH_LENGTH_MAX + 8];
    if (folder[0] == '\0')
        return;
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        unlink(name);
    }
    rmdir(folder);
}

// Signals are taken here and nowhere else: they are blocked before the first thread starts.
static void signals_block(sigset_t *endings)
{
    sigemptyset(endings);
    sigaddset(endings, SIGINT);
    sigaddset(endings, SIGTERM);
    sigaddset(endings, SIGHUP);
    pthread_sigmask(SIG_BLOCK, endings, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void wait_for_end(const sigset_t *endings, double seconds)
{
    struct timespec left = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    int number;
    if (seconds > 0) {
        while (sigtimedwait(endings, NULL, &left) < 0 && errno == EINTR)
            ;
        return;
    }
    sigwait(endings, &number);
}

static void print_totals(void)
{
    printf("requests %" PRIuFAST64 ", orders accepted %" PRIuFAST64 ", rejected %" PRIuFAST64
           ", refused %" PRIuFAST64 ", errors %" PRIuFAST64 "\n",
           metrics.requests, metrics.orders_accepted, metrics.orders_rejected,
           metrics.requests_refused, metrics.errors);
}

static int serve(const struct options *options, const char *path, const sigset_t *endings)
{
    static struct service service;
    struct http http;
    char reason[REASON_MAX];
    struct service_config config = {.database_path = path,
                                    .workers = options->workers,
                                    .queue_depth = options->queue_depth,
                                    .history = options->history,
                                    .faults = options->faults,
                                    .answered = http_answered};

    if (service_start(&service, &config, reason) < 0) {
        fprintf(stderr, "order_service: %s: %s\n", path, reason);
        return 1;
    }
    if (http_start(&http, &service, options->port, reason) < 0) {
        fprintf(stderr, "order_service: %s\n", reason);
        service_stop(&service);
        service_release(&service);
        return 1;
    }
    printf("listening on http://127.0.0.1:%d\n", http.port);
    fflush(stdout);
    wait_for_end(endings, options->seconds);
    http_quiesce(&http);
    service_stop(&service);
    http_stop(&http);
    service_release(&service);
    print_totals();
    return 0;
}

int main(int argc, char **argv)
{
    struct options options;
    char folder[PATH_LENGTH_MAX] = "", path[PATH_LENGTH_MAX];
    sigset_t endings;

    int asked = parse_options(&options, argc, argv);
    if (asked != 0) {
        fputs(asked > 0 ? usage : "Try order_service --help.\n", asked > 0 ? stdout : stderr);
        return asked > 0 ? 0 : 2;
    }
    signals_block(&endings);
    if (options.database == NULL && scratch_make(folder, path) < 0)
        return 1;
    int code = serve(&options, options.database != NULL ? options.database : path, &endings);
    scratch_remove(folder, path);
    return code;
}
