// The prices of all symbols: the last ones as they were traded, and the quotes cached from the
// store.
#ifndef ORDER_SERVICE_PRICES_H
#define ORDER_SERVICE_PRICES_H

#include <pthread.h>
#include <stdint.h>

#include "order.h"

enum { HISTORY_LENGTH = 128, QUOTE_LIFE_MS = 50 };

// The last HISTORY_LENGTH prices of each symbol, the oldest overwritten first.
struct price_history {
    double price[SYMBOL_COUNT][HISTORY_LENGTH];
    int next[SYMBOL_COUNT];
    uint64_t trades; // ever made, which is also the version of this history
};

struct quote {
    int64_t price_cents;
    int64_t last_id; // of the newest order for the symbol
    int64_t read_ms; // 0: not read yet
};

struct prices {
    pthread_mutex_t lock;
    struct price_history history;
    struct quote quotes[SYMBOL_COUNT];
};

// Starts every symbol with a walk of its own around 100.00, the same one each time.
void prices_init(struct prices *prices);
void prices_release(struct prices *prices);
// Records a trade; the quote cached for its symbol stays until its life is over.
void prices_trade(struct prices *prices, int symbol, int64_t price_cents);
// The last price of a symbol, and the number of trades so far.
int64_t prices_last_cents(struct prices *prices, int symbol);
uint64_t prices_trades(struct prices *prices);
void prices_copy(struct prices *prices, struct price_history *copy);
// 1 and the quote where a fresh one is cached, else 0.
int prices_quote_get(struct prices *prices, int symbol, int64_t now_ms, struct quote *quote);
void prices_quote_put(struct prices *prices, int symbol, const struct quote *quote);

#endif
