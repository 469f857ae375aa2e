// The risk check: an order is refused where it would put too much of a customer's money at risk.
#ifndef ORDER_SERVICE_RISK_H
#define ORDER_SERVICE_RISK_H

#include <pthread.h>

#include "order.h"
#include "prices.h"

enum { ACCOUNT_COUNT = 4096 };

struct account {
    char customer[CUSTOMER_MAX]; // empty: a free slot
    int64_t position[SYMBOL_COUNT];
};

// How the prices move together, and the trade count it was computed at.
struct covariance {
    double of[SYMBOL_COUNT][SYMBOL_COUNT];
    uint64_t trades;
};

struct risk {
    struct prices *prices;
    pthread_mutex_t accounts_lock;
    struct account *accounts;
    pthread_rwlock_t covariance_lock;
    struct covariance covariance;
    uint64_t refresh_trades; // how many trades old the covariance may get
};

// `refresh_trades` 0 computes the covariance anew for every order. Returns 0, or -1 without memory.
int risk_init(struct risk *risk, struct prices *prices, uint64_t refresh_trades);
void risk_release(struct risk *risk);
// Takes the order into the customer's position and returns 0, or -1 with a sentence in `reason`.
int risk_check(struct risk *risk, const struct order *order, char reason[REASON_MAX]);

#endif
