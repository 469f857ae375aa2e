// Puts load on the order service: many connections, one request after the other on each.
//
//   load --connections 16 --for 5 http://127.0.0.1:8080
//   load --requests 1000 http://127.0.0.1:8080/healthz
//
// Without a path it sends the mix of a trading day: 40 % orders, 35 % quotes, 15 % orders by id,
// 10 % lists of a customer's orders. The sequence of requests is the same each time.
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 1024,
    LATENCIES_MAX = 20000000,
    HEAD_MAX = 4096,
    REQUEST_MAX = 512,
    SILENCE_MS_MAX = 10000
};

struct options {
    int connections;
    int64_t requests; // 0: as many as the time allows
    double seconds;
    int port;
    char path[256]; // empty: the mix
};

struct connection {
    int socket;
    int busy; // a request is on its way
    char request[REQUEST_MAX];
    size_t request_length, sent;
    char head[HEAD_MAX + 1];
    size_t head_length;
    int64_t body_left; // -1: the head is not complete
    int status;
    int closes; // the server said it will close
    int64_t begun_ns;
};

struct load {
    struct options options;
    int poll;
    struct connection *connections;
    int open;
    int64_t begun, done, errors, by_class[6];
    uint64_t random;
    uint32_t *latencies_us;
    size_t latency_count, latency_room;
    int64_t end_ns;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static unsigned load_random(struct load *load, unsigned below)
{
    load->random ^= load->random << 13;
    load->random ^= load->random >> 7;
    load->random ^= load->random << 17;
    return (unsigned)((load->random >> 33) % below);
}

// The symbols the order service trades most.
static const char *const symbols[] = {"ACME", "BOLT", "CORE", "DUNE", "ECHO", "FLUX",
                                      "HAWK", "IRIS", "JADE", "KELP", "LUNA", "MIST",
                                      "NOVA", "OPAL", "REEF", "SAGE"};

static void request_get(struct connection *connection, const char *path)
{
    connection->request_length = (size_t)snprintf(
        connection->request, REQUEST_MAX, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
}

static void request_order(struct load *load, struct connection *connection)
{
    char body[256];
    int length = snprintf(
        body, sizeof(body),
        "{\"customer\": \"c%04u\", \"symbol\": \"%s\", \"side\": \"%s\", \"quantity\": %u, "
        "\"price\": %u.%02u}",
        load_random(load, 200), symbols[load_random(load, 16)],
        load_random(load, 2) ? "buy" : "sell", 1 + load_random(load, 100),
        98 + load_random(load, 4), load_random(load, 100));
    connection->request_length =
        (size_t)snprintf(connection->request, REQUEST_MAX,
                         "POST /orders HTTP/1.1\r\nHost: localhost\r\n"
                         "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                         length, body);
}

static void request_choose(struct load *load, struct connection *connection)
{
    char path[64];
    unsigned dice = load_random(load, 100);

    if (load->options.path[0] != '\0') {
        request_get(connection, load->options.path);
        return;
    }
    if (dice < 40) {
        request_order(load, connection);
        return;
    }
    if (dice < 75)
        snprintf(path, sizeof(path), "/quote/%s", symbols[load_random(load, 16)]);
    else if (dice < 90)
        snprintf(path, sizeof(path), "/orders/%u", 1 + load_random(load, 20000));
    else
        snprintf(path, sizeof(path), "/orders?customer=c%04u", load_random(load, 200));
    request_get(connection, path);
}

static int connection_open(struct load *load, struct connection *connection)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)load->options.port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = connection}};
    int one = 1;

    connection->busy = 0;
    connection->closes = 0;
    connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->socket < 0)
        return -1;
    if (connect(connection->socket, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
        epoll_ctl(load->poll, EPOLL_CTL_ADD, connection->socket, &event) < 0) {
        close(connection->socket);
        connection->socket = -1;
        return -1;
    }
    load->open++;
    return 0;
}

static void connection_close(struct load *load, struct connection *connection)
{
    if (connection->socket < 0)
        return;
    close(connection->socket);
    connection->socket = -1;
    load->open--;
}

// Whether another request is to be begun.
static int load_wants_more(const struct load *load)
{
    if (load->options.requests > 0)
        return load->begun < load->options.requests;
    return now_ns() < load->end_ns;
}

// Requests are far smaller than a socket's buffer, so that sending one does not block.
static void connection_next(struct load *load, struct connection *connection)
{
    if (!load_wants_more(load)) {
        connection_close(load, connection);
        return;
    }
    request_choose(load, connection);
    connection->head_length = 0;
    connection->body_left = -1;
    connection->busy = 1;
    connection->begun_ns = now_ns();
    load->begun++;
    ssize_t sent =
        send(connection->socket, connection->request, connection->request_length, MSG_NOSIGNAL);
    if (sent != (ssize_t)connection->request_length) {
        load->errors++;
        connection_close(load, connection);
    }
}

static void latency_add(struct load *load, int64_t took_ns)
{
    if (load->latency_count == load->latency_room) {
        size_t room = load->latency_room > 0 ? load->latency_room * 2 : 65536;
        uint32_t *grown =
            room <= LATENCIES_MAX ? realloc(load->latencies_us, room * sizeof(*grown)) : NULL;
        if (grown == NULL)
            return;
        load->latencies_us = grown;
        load->latency_room = room;
    }
    int64_t took_us = took_ns / 1000;
    load->latencies_us[load->latency_count++] =
        took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX;
}

// Reads status and length from a complete head; returns 0, or -1 where it is not HTTP.
static int head_parse(struct connection *connection)
{
    if (sscanf(connection->head, "HTTP/1.%*d %d", &connection->status) != 1 ||
        connection->status < 100 || connection->status > 599)
        return -1;
    const char *length = strcasestr(connection->head, "\r\nContent-Length:");
    connection->body_left = 0;
    if (length != NULL)
        connection->body_left = strtoll(length + strlen("\r\nContent-Length:"), NULL, 10);
    connection->closes = strcasestr(connection->head, "\r\nConnection: close") != NULL;
    return connection->body_left >= 0 ? 0 : -1;
}

// Takes bytes of an answer; returns 1 when it is complete, 0 when not yet, -1 when it is malformed.
static int answer_take(struct connection *connection, const char *bytes, size_t length)
{
    if (connection->body_left >= 0) {
        connection->body_left -= (int64_t)length;
    } else {
        size_t old = connection->head_length;
        size_t room = HEAD_MAX - old;
        size_t taken = length < room ? length : room;
        memcpy(connection->head + old, bytes, taken);
        connection->head_length += taken;
        connection->head[connection->head_length] = '\0';
        const char *end = strstr(connection->head, "\r\n\r\n");
        if (end == NULL)
            return taken < length || connection->head_length == HEAD_MAX ? -1 : 0;
        if (head_parse(connection) < 0)
            return -1;
        size_t head_bytes = (size_t)(end - connection->head) + 4 - old;
        connection->body_left -= (int64_t)(length - head_bytes);
    }
    if (connection->body_left < 0)
        return -1;
    return connection->body_left == 0;
}

static void connection_readable(struct load *load, struct connection *connection)
{
    char bytes[HEAD_MAX];
    ssize_t length = recv(connection->socket, bytes, sizeof(bytes), 0);
    if (length < 0 && errno == EINTR)
        return;
    int state =
        length > 0 && connection->busy ? answer_take(connection, bytes, (size_t)length) : -1;
    if (state == 0)
        return;
    if (state < 0) {
        load->errors += connection->busy;
        connection_close(load, connection);
        return;
    }
    latency_add(load, now_ns() - connection->begun_ns);
    load->done++;
    load->by_class[connection->status / 100]++;
    connection->busy = 0;
    if (connection->closes)
        connection_close(load, connection);
    if (connection->socket >= 0 || connection_open(load, connection) == 0)
        connection_next(load, connection);
}

static int load_run(struct load *load)
{
    for (int i = 0; i < load->options.connections; i++) {
        if (connection_open(load, &load->connections[i]) < 0) {
            fprintf(stderr, "load: cannot connect to 127.0.0.1:%d: %s\n", load->options.port,
                    strerror(errno));
            return -1;
        }
        connection_next(load, &load->connections[i]);
    }
    while (load->open > 0) {
        struct epoll_event events[64];
        int count = epoll_wait(load->poll, events, 64, SILENCE_MS_MAX);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            fprintf(stderr, "load: no answer within %d s\n", SILENCE_MS_MAX / 1000);
            return -1;
        }
        for (int i = 0; i < count; i++)
            connection_readable(load, events[i].data.ptr);
    }
    return 0;
}

static int compare_latency(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

// A percentile needs enough samples beyond it to mean anything.
static void print_percentile(const struct load *load, double percent, size_t least)
{
    if (load->latency_count < least) {
        printf(" p%g n/a", percent);
        return;
    }
    size_t rank = (size_t)((double)load->latency_count * percent / 100);
    if (rank >= load->latency_count)
        rank = load->latency_count - 1;
    printf(" p%g %.2f ms", percent, (double)load->latencies_us[rank] / 1000);
}

static void load_print(struct load *load, double seconds)
{
    if (load->latency_count > 0)
        qsort(load->latencies_us, load->latency_count, sizeof(*load->latencies_us),
              compare_latency);
    printf("requests %" PRId64 " in %.2f s, %.0f per second, errors %" PRId64 "\n", load->done,
           seconds, seconds > 0 ? (double)load->done / seconds : 0, load->errors);
    printf("answers 2xx %" PRId64 ", 4xx %" PRId64 ", 5xx %" PRId64 "\n", load->by_class[2],
           load->by_class[4], load->by_class[5]);
    printf("latency");
    print_percentile(load, 50, 2);
    print_percentile(load, 90, 10);
    print_percentile(load, 99, 100);
    print_percentile(load, 99.9, 1000);
    printf("\n");
}

static int refuse(const char *what, const char *value)
{
    fprintf(stderr,
            "load: %s: %s\n"
            "usage: load [--connections 1..%d] [--requests N | --for SECONDS] "
            "http://127.0.0.1:PORT[/PATH]\n",
            what, value, CONNECTIONS_MAX);
    return -1;
}

static int parse_url(const char *url, struct options *options)
{
    char host[16];
    int length = 0;
    if (sscanf(url, "http://%15[^:/]:%d%n", host, &options->port, &length) != 2 ||
        (strcmp(host, "127.0.0.1") != 0 && strcmp(host, "localhost") != 0) || options->port < 1 ||
        options->port > 65535 || strlen(url + length) >= sizeof(options->path))
        return refuse("not a URL on this machine", url);
    if (strcmp(url + length, "/") != 0)
        snprintf(options->path, sizeof(options->path), "%s", url + length);
    if (options->path[0] != '\0' && options->path[0] != '/')
        return refuse("not a URL on this machine", url);
    return 0;
}

static int parse_number(const char *text, double low, double high, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && *value >= low && *value <= high ? 0 : -1;
}

static int parse_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {{"connections", required_argument, NULL, 'c'},
                                          {"requests", required_argument, NULL, 'n'},
                                          {"for", required_argument, NULL, 's'},
                                          {NULL, 0, NULL, 0}};
    double value;
    int letter;
    *options = (struct options){.connections = 16, .seconds = 5};
    while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (letter == '?')
            return refuse("unknown option", argv[optind - 1]);
        if (parse_number(optarg, letter == 's' ? 0.01 : 1,
                         letter == 'c' ? CONNECTIONS_MAX : LATENCIES_MAX, &value) < 0)
            return refuse("out of range", optarg);
        if (letter == 'c')
            options->connections = (int)value;
        else if (letter == 'n')
            options->requests = (int64_t)value;
        else
            options->seconds = value;
    }
    if (optind != argc - 1)
        return refuse("needs one URL", optind < argc ? argv[argc - 1] : "none given");
    return parse_url(argv[optind], options);
}

int main(int argc, char **argv)
{
    struct load load = {.random = 88172645463325252U};
    if (parse_options(&load.options, argc, argv) < 0)
        return 2;
    load.poll = epoll_create1(EPOLL_CLOEXEC);
    load.connections = calloc((size_t)load.options.connections, sizeof(*load.connections));
    if (load.poll < 0 || load.connections == NULL) {
        fprintf(stderr, "load: no room for %d connections\n", load.options.connections);
        return 1;
    }
    int64_t begin_ns = now_ns();
    load.end_ns = begin_ns + (int64_t)(load.options.seconds * 1e9);
    int code = load_run(&load);
    load_print(&load, (double)(now_ns() - begin_ns) * 1e-9);
    free(load.latencies_us);
    free(load.connections);
    close(load.poll);
    return code < 0 || load.errors > 0 ? 1 : 0;
}
