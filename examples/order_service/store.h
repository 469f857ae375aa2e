// The orders on disk: SQLite in WAL mode, one writer behind a lock and a reader for each worker.
#ifndef ORDER_SERVICE_STORE_H
#define ORDER_SERVICE_STORE_H

#include <pthread.h>
#include <stdint.h>

#include <sqlite3.h>

#include "book.h"
#include "order.h"
#include "prices.h"

enum { PATH_LENGTH_MAX = 4096, LIST_MAX = 20 };

struct store {
    char path[PATH_LENGTH_MAX];
    pthread_mutex_t write_lock;
    sqlite3 *database;
    sqlite3_stmt *begin, *insert, *fill, *commit, *rollback;
};

struct store_reader {
    sqlite3 *database;
    sqlite3_stmt *by_id, *by_customer, *totals, *quote;
};

// The orders of one customer: how many, what they are worth, and the newest of them.
struct customer_orders {
    int64_t count;
    int64_t value_cents;
    int listed;
    struct order newest[LIST_MAX];
};

// Opens or makes the database at `path`. With `index_customers` the orders of a customer are found
// by an index, else by looking at every order. Returns 0, or -1 with a sentence in `reason`.
int store_open(struct store *store, const char *path, int index_customers, char reason[REASON_MAX]);
void store_close(struct store *store);
// Adds made-up orders of the past until there are `count`; returns 0 or -1.
int store_fill_history(struct store *store, int64_t count);
// The highest id in use.
int64_t store_last_id(struct store *store);
// Writes the order and what it traded with in one transaction; returns 0 or -1.
int store_order(struct store *store, const struct order *order, const struct fill *fills,
                int fill_count);

int store_reader_open(struct store_reader *reader, const struct store *store);
void store_reader_close(struct store_reader *reader);
// These return 1 and the answer, 0 where there is none, -1 where reading failed.
int store_find(struct store_reader *reader, int64_t id, struct order *order);
int store_customer(struct store_reader *reader, const char *customer,
                   struct customer_orders *orders);
int store_quote(struct store_reader *reader, int symbol, struct quote *quote);

#endif
