// Puts the parts together in order, and takes them apart in the opposite one.
#include "service.h"

#include <stdio.h>
#include <string.h>

// A covariance may get this many trades old, unless that idea was missed.
enum { COVARIANCE_REFRESH_TRADES = 4096 };

void service_release(struct service *service)
{
    for (int i = 0; i < service->worker_count; i++)
        store_reader_close(&service->workers[i].reader);
    queue_release(&service->queue);
    audit_release(&service->audit);
    for (int symbol = 0; symbol < SYMBOL_COUNT; symbol++)
        book_release(&service->books[symbol]);
    risk_release(&service->risk);
    prices_release(&service->prices);
    store_close(&service->store);
}

static int workers_start(struct service *service, int count)
{
    for (int i = 0; i < count; i++) {
        struct worker *worker = &service->workers[i];
        char name[24];
        worker->service = service;
        if (store_reader_open(&worker->reader, &service->store) < 0)
            return -1;
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
            store_reader_close(&worker->reader);
            return -1;
        }
        service->worker_count++;
        snprintf(name, sizeof(name), "worker-%d", i);
        pthread_setname_np(worker->thread, name);
    }
    return 0;
}

int service_start(struct service *service, const struct service_config *config,
                  char reason[REASON_MAX])
{
    memset(service, 0, sizeof(*service));
    if (store_open(&service->store, config->database_path, !config->faults.slow_query, reason) < 0)
        return -1;
    prices_init(&service->prices);
    if (risk_init(&service->risk, &service->prices,
                  config->faults.hotspot ? 0 : COVARIANCE_REFRESH_TRADES) < 0) {
        prices_release(&service->prices);
        store_close(&service->store);
        snprintf(reason, REASON_MAX, "out of memory");
        return -1;
    }
    for (int symbol = 0; symbol < SYMBOL_COUNT; symbol++)
        book_init(&service->books[symbol]);
    audit_init(&service->audit, config->faults.leak);
    queue_init(&service->queue, (uint64_t)config->queue_depth);
    service->answered = config->answered;
    int code = store_fill_history(&service->store, config->history);
    service->last_id = store_last_id(&service->store);
    if (code < 0)
        snprintf(reason, REASON_MAX, "cannot write the history of orders");
    else if ((code = workers_start(service, config->workers)) < 0)
        snprintf(reason, REASON_MAX, "cannot start %d workers", config->workers);
    if (code < 0) {
        service_stop(service);
        service_release(service);
    }
    return code;
}

void service_stop(struct service *service)
{
    queue_close(&service->queue);
    for (int i = 0; i < service->worker_count; i++)
        pthread_join(service->workers[i].thread, NULL);
}
