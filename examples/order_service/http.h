// The HTTP side: routes on the loopback interface, by libmicrohttpd.
#ifndef ORDER_SERVICE_HTTP_H
#define ORDER_SERVICE_HTTP_H

#include "service.h"

struct MHD_Daemon;

struct http {
    struct MHD_Daemon *daemon;
    struct service *service;
    int port; // the one in use
};

// Listens on 127.0.0.1; port 0 lets the system choose. Returns 0, or -1 with a sentence in
// `reason`.
int http_start(struct http *http, struct service *service, int port, char reason[REASON_MAX]);
// Takes no new connections, but still answers those there are.
void http_quiesce(struct http *http);
// Ends all connections; no job may be with the workers any more.
void http_stop(struct http *http);
// Sends the answer of a job; a worker calls this.
void http_answered(struct job *job);

#endif
