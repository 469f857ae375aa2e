// The stages of a request. Each is a zone, so that a report shows where its time goes.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <tacho/tacho.h>

#include "metrics.h"
#include "service.h"

void job_write(struct job *job, const char *format, ...)
{
    va_list arguments;
    uint64_t room = sizeof(job->answer) - job->answer_length;
    va_start(arguments, format);
    int length = vsnprintf(job->answer + job->answer_length, room, format, arguments);
    va_end(arguments);
    if (length > 0 && (uint64_t)length < room)
        job->answer_length += (uint64_t)length;
}

void job_fail(struct job *job, int status, const char *sentence)
{
    job->answer_length = 0;
    job_write(job, "{\"error\": \"%s\"}\n", sentence);
    job->status = status;
}

static void write_order(struct job *job, const struct order *order)
{
    job_write(job,
              "{\"id\": %" PRId64 ", \"customer\": \"%s\", \"symbol\": \"%s\", \"side\": \"%s\", "
              "\"quantity\": %" PRId64 ", \"filled\": %" PRId64 ", \"price\": %" PRId64
              ".%02" PRId64 "}",
              order->id, order->customer, symbol_name(order->symbol),
              order->side == ORDER_BUY ? "buy" : "sell", order->quantity, order->filled,
              order->price_cents / 100, order->price_cents % 100);
}

static int validate(struct job *job, struct order *order)
{
    TACHO_ZONE("validate");
    char reason[REASON_MAX];
    if (order_parse(order, job->body, job->body_length, reason) == 0)
        return 0;
    TACHO_ZONE_FAIL;
    job_fail(job, 400, reason);
    return -1;
}

static int check_risk(struct worker *worker, struct job *job, const struct order *order)
{
    TACHO_ZONE("risk");
    char reason[REASON_MAX];
    if (risk_check(&worker->service->risk, order, reason) == 0)
        return 0;
    TACHO_ZONE_FAIL;
    tacho_event("order_rejected", order->quantity);
    job_fail(job, 422, reason);
    return -1;
}

static int execute(struct worker *worker, const struct job *job, struct order *order,
                   struct fill *fills)
{
    TACHO_ZONE("execute");
    struct service *service = worker->service;
    struct book *book = &service->books[order->symbol];
    order->id = atomic_fetch_add(&service->last_id, 1) + 1;
    struct audit_record *record = audit_record_new(order, job->body, job->body_length);
    if (record != NULL) {
        book_text(book, record->book, sizeof(record->book));
        audit_append(&service->audit, record);
    }
    int count = book_match(book, order, fills);
    for (int i = 0; i < count; i++)
        prices_trade(&service->prices, order->symbol, fills[i].price_cents);
    return count;
}

static int save(struct worker *worker, struct job *job, const struct order *order,
                const struct fill *fills, int fill_count)
{
    TACHO_ZONE("database");
    if (store_order(&worker->service->store, order, fills, fill_count) == 0)
        return 0;
    TACHO_ZONE_FAIL;
    job_fail(job, 500, "the order could not be stored");
    return -1;
}

static void serve_order(struct worker *worker, struct job *job)
{
    struct order order;
    struct fill fills[FILLS_MAX];
    int fill_count;

    if (validate(job, &order) < 0)
        return;
    if (check_risk(worker, job, &order) < 0) {
        metrics_order(0);
        return;
    }
    fill_count = execute(worker, job, &order, fills);
    if (save(worker, job, &order, fills, fill_count) < 0) {
        metrics_error();
        return;
    }
    metrics_order(1);
    write_order(job, &order);
    job_write(job, "\n");
    job->status = 201;
}

// Turns the store's answer 1, 0 or -1 into that of HTTP; returns 1 where there is something to say.
static int found(struct job *job, int code, const char *missing)
{
    if (code < 0) {
        metrics_error();
        job_fail(job, 500, "the orders could not be read");
    } else if (code == 0) {
        job_fail(job, 404, missing);
    }
    return code > 0;
}

static void serve_find(struct worker *worker, struct job *job)
{
    TACHO_ZONE("database: order by id");
    struct order order;
    if (!found(job, store_find(&worker->reader, job->id, &order), "no such order"))
        return;
    write_order(job, &order);
    job_write(job, "\n");
    job->status = 200;
}

static void serve_list(struct worker *worker, struct job *job)
{
    TACHO_ZONE("database: orders by customer");
    struct customer_orders orders;
    int code = store_customer(&worker->reader, job->customer, &orders);
    if (!found(job, code, "no such customer"))
        return;
    job_write(job,
              "{\"customer\": \"%s\", \"count\": %" PRId64 ", \"value_cents\": %" PRId64
              ", \"newest\": [",
              job->customer, orders.count, orders.value_cents);
    for (int i = 0; i < orders.listed; i++) {
        job_write(job, "%s", i > 0 ? ", " : "");
        write_order(job, &orders.newest[i]);
    }
    job_write(job, "]}\n");
    job->status = 200;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void serve_quote(struct worker *worker, struct job *job)
{
    TACHO_ZONE("quote");
    struct prices *prices = &worker->service->prices;
    struct quote quote;
    if (!prices_quote_get(prices, job->symbol, now_ms(), &quote)) {
        TACHO_ZONE("database: quote");
        if (!found(job, store_quote(&worker->reader, job->symbol, &quote), "no quote yet"))
            return;
        quote.read_ms = now_ms();
        prices_quote_put(prices, job->symbol, &quote);
    }
    job_write(job,
              "{\"symbol\": \"%s\", \"price_cents\": %" PRId64 ", \"last_order\": %" PRId64 "}\n",
              symbol_name(job->symbol), quote.price_cents, quote.last_id);
    job->status = 200;
}

void *worker_main(void *argument)
{
    static void (*const serve[])(struct worker *, struct job *) = {
        [JOB_ORDER] = serve_order,
        [JOB_FIND] = serve_find,
        [JOB_LIST] = serve_list,
        [JOB_QUOTE] = serve_quote,
    };
    struct worker *worker = argument;
    struct job *job;
    while ((job = queue_pop(&worker->service->queue)) != NULL) {
        {
            TACHO_ZONE("request");
            serve[job->kind](worker, job);
        }
        worker->service->answered(job);
    }
    return NULL;
}
