// Prepared statements on two kinds of connection; SQLite's WAL lets the readers go on while one
// writes.
#include "store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ORDER_COLUMNS "id, customer, symbol, side, quantity, filled, price_cents"

static const char schema[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "CREATE TABLE IF NOT EXISTS orders("
    "  id INTEGER PRIMARY KEY, customer TEXT NOT NULL, symbol INTEGER NOT NULL,"
    "  side INTEGER NOT NULL, quantity INTEGER NOT NULL, filled INTEGER NOT NULL,"
    "  price_cents INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS orders_by_symbol ON orders(symbol, id);";

// Holds all that a customer's totals need, so that they are read from the index alone.
static const char customer_index[] =
    "CREATE INDEX IF NOT EXISTS orders_by_customer ON orders(customer, id, quantity, "
    "price_cents);";

// A fixed sequence of customers, symbols and quantities, the same each time.
static const char history[] =
    "WITH RECURSIVE n(i) AS (SELECT coalesce(max(id), 0) + 1 FROM orders"
    "                        UNION ALL SELECT i + 1 FROM n WHERE i < %" PRId64 ")"
    "INSERT INTO orders SELECT i, printf('c%%04d', i * 7919 %% 200), i * 104729 %% 48, i %% 2,"
    "  1 + i * 31 %% 100, 0, 9500 + i * 613 %% 1000 FROM n WHERE i <= %" PRId64 ";";

static int prepare(sqlite3 *database, const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
                   SQLITE_OK
               ? 0
               : -1;
}

static int store_prepare(struct store *store, int index_customers)
{
    sqlite3_busy_timeout(store->database, 2000);
    if (sqlite3_exec(store->database, schema, NULL, NULL, NULL) != SQLITE_OK)
        return -1;
    if (index_customers &&
        sqlite3_exec(store->database, customer_index, NULL, NULL, NULL) != SQLITE_OK)
        return -1;
    if (prepare(store->database, "BEGIN IMMEDIATE", &store->begin) < 0 ||
        prepare(store->database, "COMMIT", &store->commit) < 0 ||
        prepare(store->database, "ROLLBACK", &store->rollback) < 0 ||
        prepare(store->database,
                "INSERT INTO orders(" ORDER_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                &store->insert) < 0)
        return -1;
    return prepare(store->database, "UPDATE orders SET filled = filled + ?2 WHERE id = ?1",
                   &store->fill);
}

int store_open(struct store *store, const char *path, int index_customers, char reason[REASON_MAX])
{
    memset(store, 0, sizeof(*store));
    pthread_mutex_init(&store->write_lock, NULL);
    snprintf(store->path, sizeof(store->path), "%s", path);
    if (sqlite3_open(path, &store->database) == SQLITE_OK &&
        store_prepare(store, index_customers) == 0)
        return 0;
    snprintf(reason, REASON_MAX, "%s", sqlite3_errmsg(store->database));
    store_close(store);
    return -1;
}

void store_close(struct store *store)
{
    sqlite3_finalize(store->begin);
    sqlite3_finalize(store->insert);
    sqlite3_finalize(store->fill);
    sqlite3_finalize(store->commit);
    sqlite3_finalize(store->rollback);
    sqlite3_close(store->database);
    pthread_mutex_destroy(&store->write_lock);
}

int store_fill_history(struct store *store, int64_t count)
{
    char sql[512];
    snprintf(sql, sizeof(sql), history, count, count);
    return sqlite3_exec(store->database, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

int64_t store_last_id(struct store *store)
{
    sqlite3_stmt *statement;
    int64_t id = 0;
    if (prepare(store->database, "SELECT coalesce(max(id), 0) FROM orders", &statement) < 0)
        return 0;
    if (sqlite3_step(statement) == SQLITE_ROW)
        id = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return id;
}

// Runs a statement that gives no rows; returns 0 or -1.
static int run(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? 0 : -1;
}

static int write_order(struct store *store, const struct order *order, const struct fill *fills,
                       int fill_count)
{
    sqlite3_stmt *insert = store->insert;
    sqlite3_bind_int64(insert, 1, order->id);
    sqlite3_bind_text(insert, 2, order->customer, -1, SQLITE_STATIC);
    sqlite3_bind_int(insert, 3, order->symbol);
    sqlite3_bind_int(insert, 4, (int)order->side);
    sqlite3_bind_int64(insert, 5, order->quantity);
    sqlite3_bind_int64(insert, 6, order->filled);
    sqlite3_bind_int64(insert, 7, order->price_cents);
    if (run(insert) < 0)
        return -1;
    for (int i = 0; i < fill_count; i++) {
        sqlite3_bind_int64(store->fill, 1, fills[i].id);
        sqlite3_bind_int64(store->fill, 2, fills[i].quantity);
        if (run(store->fill) < 0)
            return -1;
    }
    return run(store->commit);
}

int store_order(struct store *store, const struct order *order, const struct fill *fills,
                int fill_count)
{
    pthread_mutex_lock(&store->write_lock);
    int code = run(store->begin);
    if (code == 0 && write_order(store, order, fills, fill_count) < 0) {
        run(store->rollback);
        code = -1;
    }
    pthread_mutex_unlock(&store->write_lock);
    return code;
}

// The caches of the readers are small: the system caches the file for all of them.
int store_reader_open(struct store_reader *reader, const struct store *store)
{
    memset(reader, 0, sizeof(*reader));
    if (sqlite3_open_v2(store->path, &reader->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL) == SQLITE_OK &&
        sqlite3_busy_timeout(reader->database, 2000) == SQLITE_OK &&
        sqlite3_exec(reader->database, "PRAGMA cache_size = -256", NULL, NULL, NULL) == SQLITE_OK &&
        prepare(reader->database, "SELECT " ORDER_COLUMNS " FROM orders WHERE id = ?1",
                &reader->by_id) == 0 &&
        prepare(reader->database,
                "SELECT " ORDER_COLUMNS
                " FROM orders WHERE customer = ?1 ORDER BY id DESC LIMIT ?2",
                &reader->by_customer) == 0 &&
        prepare(reader->database,
                "SELECT count(*), sum(quantity * price_cents) FROM orders WHERE customer = ?1",
                &reader->totals) == 0 &&
        prepare(reader->database,
                "SELECT price_cents, id FROM orders WHERE symbol = ?1 ORDER BY id DESC LIMIT 1",
                &reader->quote) == 0)
        return 0;
    store_reader_close(reader);
    return -1;
}

void store_reader_close(struct store_reader *reader)
{
    sqlite3_finalize(reader->by_id);
    sqlite3_finalize(reader->by_customer);
    sqlite3_finalize(reader->totals);
    sqlite3_finalize(reader->quote);
    sqlite3_close(reader->database);
}

static void read_order(sqlite3_stmt *row, struct order *order)
{
    const char *customer = (const char *)sqlite3_column_text(row, 1);
    order->id = sqlite3_column_int64(row, 0);
    snprintf(order->customer, sizeof(order->customer), "%s", customer != NULL ? customer : "");
    order->symbol = sqlite3_column_int(row, 2);
    order->side = sqlite3_column_int(row, 3) == ORDER_BUY ? ORDER_BUY : ORDER_SELL;
    order->quantity = sqlite3_column_int64(row, 4);
    order->filled = sqlite3_column_int64(row, 5);
    order->price_cents = sqlite3_column_int64(row, 6);
}

static int answer_of(int code)
{
    return code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : -1;
}

int store_find(struct store_reader *reader, int64_t id, struct order *order)
{
    sqlite3_bind_int64(reader->by_id, 1, id);
    int code = sqlite3_step(reader->by_id);
    if (code == SQLITE_ROW)
        read_order(reader->by_id, order);
    sqlite3_reset(reader->by_id);
    return answer_of(code);
}

int store_customer(struct store_reader *reader, const char *customer,
                   struct customer_orders *orders)
{
    memset(orders, 0, sizeof(*orders));
    sqlite3_bind_text(reader->totals, 1, customer, -1, SQLITE_STATIC);
    int code = sqlite3_step(reader->totals);
    if (code == SQLITE_ROW) {
        orders->count = sqlite3_column_int64(reader->totals, 0);
        orders->value_cents = sqlite3_column_int64(reader->totals, 1);
    }
    sqlite3_reset(reader->totals);
    if (code != SQLITE_ROW)
        return -1;
    sqlite3_bind_text(reader->by_customer, 1, customer, -1, SQLITE_STATIC);
    sqlite3_bind_int(reader->by_customer, 2, LIST_MAX);
    while (orders->listed < LIST_MAX && (code = sqlite3_step(reader->by_customer)) == SQLITE_ROW)
        read_order(reader->by_customer, &orders->newest[orders->listed++]);
    sqlite3_reset(reader->by_customer);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return -1;
    return orders->count > 0;
}

int store_quote(struct store_reader *reader, int symbol, struct quote *quote)
{
    sqlite3_bind_int(reader->quote, 1, symbol);
    int code = sqlite3_step(reader->quote);
    if (code == SQLITE_ROW) {
        quote->price_cents = sqlite3_column_int64(reader->quote, 0);
        quote->last_id = sqlite3_column_int64(reader->quote, 1);
    }
    sqlite3_reset(reader->quote);
    return answer_of(code);
}
