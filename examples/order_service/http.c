// One thread of libmicrohttpd reads requests and writes answers. A request that needs work is
// suspended, goes through the queue, and is resumed by the worker that answered it.
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "metrics.h"

enum { IDLE_SECONDS_MAX = 30, CONNECTIONS_MAX = 1024 };

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *type,
                             const char *text, size_t length)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static int parse_id(const char *text, int64_t *id)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *id = value;
    return errno == 0 && end != text && *end == '\0' && value > 0 ? 0 : -1;
}

// Decides what a job is about; returns 0 where a worker has to answer it, else it is answered.
static int route(struct job *job, struct MHD_Connection *connection, const char *url,
                 const char *method)
{
    int get = strcmp(method, "GET") == 0;
    if (strcmp(url, "/orders") == 0 && strcmp(method, "POST") == 0) {
        job->kind = JOB_ORDER;
        return 0;
    }
    if (get && strcmp(url, "/orders") == 0) {
        const char *customer =
            MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "customer");
        job->kind = JOB_LIST;
        if (customer != NULL && customer_valid(customer)) {
            snprintf(job->customer, sizeof(job->customer), "%s", customer);
            return 0;
        }
        job_fail(job, MHD_HTTP_BAD_REQUEST, "ask for /orders?customer=NAME");
    } else if (get && strncmp(url, "/orders/", 8) == 0) {
        job->kind = JOB_FIND;
        if (parse_id(url + 8, &job->id) == 0)
            return 0;
        job_fail(job, MHD_HTTP_BAD_REQUEST, "an order's id is a number");
    } else if (get && strncmp(url, "/quote/", 7) == 0) {
        job->kind = JOB_QUOTE;
        job->symbol = symbol_find(url + 7);
        if (job->symbol >= 0)
            return 0;
        job_fail(job, MHD_HTTP_NOT_FOUND, "no such symbol");
    } else {
        job_fail(job, MHD_HTTP_NOT_FOUND, "nothing here");
    }
    return -1;
}

static enum MHD_Result reply_job(struct MHD_Connection *connection, const struct job *job)
{
    return reply(connection, (unsigned)job->status, "application/json", job->answer,
                 job->answer_length);
}

// Hands a complete request to the workers, or answers it where it needs none or they are too busy.
static enum MHD_Result dispatch(struct http *http, struct job *job,
                                struct MHD_Connection *connection, const char *url,
                                const char *method)
{
    metrics_request();
    if (job->body_length > BODY_MAX)
        job_fail(job, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too long");
    else if (route(job, connection, url, method) == 0) {
        job->connection = connection;
        MHD_suspend_connection(connection);
        if (queue_push(&http->service->queue, job) == 0)
            return MHD_YES;
        metrics_refused();
        job_fail(job, MHD_HTTP_SERVICE_UNAVAILABLE, "too busy");
        MHD_resume_connection(connection);
        return MHD_YES;
    }
    return reply_job(connection, job);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_length, void **memory)
{
    struct job *job = *memory;
    (void)version;
    if (job == NULL) {
        *memory = job = calloc(1, sizeof(*job));
        return job != NULL ? MHD_YES : MHD_NO;
    }
    if (*upload_length > 0) {
        if (*upload_length <= BODY_MAX - job->body_length && job->body_length <= BODY_MAX) {
            memcpy(job->body + job->body_length, upload, *upload_length);
            job->body_length += *upload_length;
        } else {
            job->body_length = BODY_MAX + 1;
        }
        *upload_length = 0;
        return MHD_YES;
    }
    if (job->status != 0)
        return reply_job(connection, job);
    if (strcmp(url, "/healthz") == 0)
        return reply(connection, MHD_HTTP_OK, "text/plain", "ok\n", 3);
    if (strcmp(url, "/metrics") == 0) {
        size_t length = metrics_text(job->answer, sizeof(job->answer));
        return reply(connection, MHD_HTTP_OK, "text/plain", job->answer, length);
    }
    return dispatch(context, job, connection, url, method);
}

static void completed(void *context, struct MHD_Connection *connection, void **memory,
                      enum MHD_RequestTerminationCode code)
{
    (void)context, (void)connection, (void)code;
    free(*memory);
    *memory = NULL;
}

static void connected(void *context, struct MHD_Connection *connection, void **memory,
                      enum MHD_ConnectionNotificationCode code)
{
    (void)context, (void)connection, (void)memory;
    metrics_connections(code == MHD_CONNECTION_NOTIFY_STARTED ? 1 : -1);
}

int http_start(struct http *http, struct service *service, int port, char reason[REASON_MAX])
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    http->service = service;
    errno = 0;
    http->daemon = MHD_start_daemon(
        MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        handle, http, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, connected, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS_MAX,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_END);
    if (http->daemon == NULL) {
        snprintf(reason, REASON_MAX, "cannot listen on 127.0.0.1:%d: %s", port,
                 errno != 0 ? strerror(errno) : "libmicrohttpd does not start");
        return -1;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    http->port = info != NULL ? info->port : port;
    return 0;
}

void http_quiesce(struct http *http)
{
    int listener = MHD_quiesce_daemon(http->daemon);
    if (listener >= 0)
        close(listener);
}

void http_stop(struct http *http)
{
    MHD_stop_daemon(http->daemon);
}

void http_answered(struct job *job)
{
    MHD_resume_connection(job->connection);
}
