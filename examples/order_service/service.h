// The service: what its parts share, and the workers that take requests through their stages.
#ifndef ORDER_SERVICE_SERVICE_H
#define ORDER_SERVICE_SERVICE_H

#include <pthread.h>
#include <stdatomic.h>

#include "audit.h"
#include "book.h"
#include "prices.h"
#include "queue.h"
#include "risk.h"
#include "store.h"

enum { WORKERS_MAX = 64 };

// The planted faults: mistakes as they are made in earnest, which a performance report should find.
struct faults {
    int hotspot;    // the risk check computes the covariance of all prices anew for every order
    int slow_query; // the table of orders has no index on the customer
    int leak;       // the audit trail forgets its old records without freeing them
};

struct service;

struct worker {
    pthread_t thread;
    struct service *service;
    struct store_reader reader;
};

struct service {
    struct prices prices;
    struct risk risk;
    struct book books[SYMBOL_COUNT];
    struct audit audit;
    struct store store;
    struct queue queue;
    atomic_int_fast64_t last_id;
    // Hands an answered job back to whoever asked.
    void (*answered)(struct job *job);
    int worker_count;
    struct worker workers[WORKERS_MAX];
};

struct service_config {
    const char *database_path;
    int workers;
    int queue_depth;
    int64_t history;
    struct faults faults;
    void (*answered)(struct job *job);
};

// Opens the store and starts the workers. Returns 0, or -1 with a sentence in `reason`.
int service_start(struct service *service, const struct service_config *config,
                  char reason[REASON_MAX]);
// Takes no more jobs, lets the workers finish what is queued, and ends them.
void service_stop(struct service *service);
// Lets go of everything; nobody may hand in jobs any more.
void service_release(struct service *service);
// What a worker thread runs; its argument is a struct worker.
void *worker_main(void *worker);

#endif
