// Keeps prices under one lock: every operation is a few loads and stores, but for the copy.
#include "prices.h"

#include <string.h>

#include "metrics.h"

// A step of the walk, -50 to +50 cents, from a fixed sequence.
static double walk_step(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return ((double)(*state >> 8) / (double)(1U << 24) - 0.5);
}

void prices_init(struct prices *prices)
{
    uint32_t state = 20240229;
    memset(prices, 0, sizeof(*prices));
    pthread_mutex_init(&prices->lock, NULL);
    for (int symbol = 0; symbol < SYMBOL_COUNT; symbol++) {
        double price = 100;
        for (int i = 0; i < HISTORY_LENGTH; i++) {
            price += walk_step(&state);
            prices->history.price[symbol][i] = price;
        }
    }
}

void prices_release(struct prices *prices)
{
    pthread_mutex_destroy(&prices->lock);
}

void prices_trade(struct prices *prices, int symbol, int64_t price_cents)
{
    struct price_history *history = &prices->history;
    pthread_mutex_lock(&prices->lock);
    history->price[symbol][history->next[symbol]] = (double)price_cents / 100;
    history->next[symbol] = (history->next[symbol] + 1) % HISTORY_LENGTH;
    history->trades++;
    pthread_mutex_unlock(&prices->lock);
}

int64_t prices_last_cents(struct prices *prices, int symbol)
{
    const struct price_history *history = &prices->history;
    pthread_mutex_lock(&prices->lock);
    int last = (history->next[symbol] + HISTORY_LENGTH - 1) % HISTORY_LENGTH;
    double price = history->price[symbol][last];
    pthread_mutex_unlock(&prices->lock);
    return (int64_t)(price * 100 + 0.5);
}

uint64_t prices_trades(struct prices *prices)
{
    pthread_mutex_lock(&prices->lock);
    uint64_t trades = prices->history.trades;
    pthread_mutex_unlock(&prices->lock);
    return trades;
}

void prices_copy(struct prices *prices, struct price_history *copy)
{
    pthread_mutex_lock(&prices->lock);
    *copy = prices->history;
    pthread_mutex_unlock(&prices->lock);
}

int prices_quote_get(struct prices *prices, int symbol, int64_t now_ms, struct quote *quote)
{
    pthread_mutex_lock(&prices->lock);
    *quote = prices->quotes[symbol];
    pthread_mutex_unlock(&prices->lock);
    int hit = quote->read_ms > 0 && now_ms - quote->read_ms < QUOTE_LIFE_MS;
    metrics_cache(hit);
    return hit;
}

void prices_quote_put(struct prices *prices, int symbol, const struct quote *quote)
{
    pthread_mutex_lock(&prices->lock);
    prices->quotes[symbol] = *quote;
    pthread_mutex_unlock(&prices->lock);
}
