// The order book: matches an order with those that wait, best price first, then oldest first.
#ifndef ORDER_SERVICE_BOOK_H
#define ORDER_SERVICE_BOOK_H

#include <pthread.h>

#include "order.h"

enum { BOOK_DEPTH = 128, FILLS_MAX = 32 };

// An order that waits; `left` is what is still to be traded.
struct resting {
    int64_t id;
    int64_t left;
    int64_t price_cents;
};

// The best order is the last one, so that taking it moves nothing.
struct book_side {
    int count;
    struct resting orders[BOOK_DEPTH];
};

struct book {
    pthread_mutex_t lock;
    struct book_side sides[2];
};

struct fill {
    int64_t id; // of the order that had waited
    int64_t quantity;
    int64_t price_cents;
};

void book_init(struct book *book);
void book_release(struct book *book);
// Trades what can be traded, at most FILLS_MAX times, and lets the rest wait; where the book is
// full the worst order falls out of it. Sets `order->filled`; returns the number of fills.
int book_match(struct book *book, struct order *order, struct fill fills[FILLS_MAX]);
// The best few orders of both sides as text, for the audit.
void book_text(struct book *book, char *text, uint64_t size);

#endif
