// Value at risk from positions and the covariance of prices: sqrt(w' C w), the textbook formula.
#include "risk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One in a hundred days is worse than this many standard deviations.
static const double var_quantile = 2.33;
static const double var_limit = 1000;

static double mean_return(const double *price)
{
    double sum = 0;
    for (int i = 1; i < HISTORY_LENGTH; i++)
        sum += price[i] - price[i - 1];
    return sum / (HISTORY_LENGTH - 1);
}

static double covariance_of(const double *left, const double *right)
{
    double left_mean = mean_return(left);
    double right_mean = mean_return(right);
    double sum = 0;
    for (int i = 1; i < HISTORY_LENGTH; i++)
        sum += (left[i] - left[i - 1] - left_mean) * (right[i] - right[i - 1] - right_mean);
    return sum / (HISTORY_LENGTH - 2);
}

// Every pair of symbols over their whole history: some hundred thousand steps.
static void covariance_compute(struct covariance *covariance, const struct price_history *history)
{
    for (int row = 0; row < SYMBOL_COUNT; row++) {
        for (int column = row; column < SYMBOL_COUNT; column++) {
            double value = covariance_of(history->price[row], history->price[column]);
            covariance->of[row][column] = value;
            covariance->of[column][row] = value;
        }
    }
    covariance->trades = history->trades;
}

int risk_init(struct risk *risk, struct prices *prices, uint64_t refresh_trades)
{
    memset(risk, 0, sizeof(*risk));
    risk->accounts = calloc(ACCOUNT_COUNT, sizeof(*risk->accounts));
    if (risk->accounts == NULL)
        return -1;
    risk->prices = prices;
    risk->refresh_trades = refresh_trades;
    pthread_mutex_init(&risk->accounts_lock, NULL);
    pthread_rwlock_init(&risk->covariance_lock, NULL);
    covariance_compute(&risk->covariance, &prices->history);
    return 0;
}

void risk_release(struct risk *risk)
{
    pthread_rwlock_destroy(&risk->covariance_lock);
    pthread_mutex_destroy(&risk->accounts_lock);
    free(risk->accounts);
}

// The customer's slot, or the free one where it belongs, or NULL where the table is full.
static struct account *account_find(struct risk *risk, const char *customer)
{
    uint32_t hash = 2166136261U;
    for (const char *c = customer; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619U;
    for (uint32_t probe = 0; probe < ACCOUNT_COUNT; probe++) {
        struct account *account = &risk->accounts[(hash + probe) % ACCOUNT_COUNT];
        if (account->customer[0] == '\0' || strcmp(account->customer, customer) == 0)
            return account;
    }
    return NULL;
}

static double value_at_risk(const struct covariance *covariance, const double *weight)
{
    double variance = 0;
    for (int row = 0; row < SYMBOL_COUNT; row++) {
        double sum = 0;
        for (int column = 0; column < SYMBOL_COUNT; column++)
            sum += covariance->of[row][column] * weight[column];
        variance += weight[row] * sum;
    }
    return var_quantile * sqrt(variance > 0 ? variance : 0);
}

// Too large for a stack, and made by several workers at once.
struct refresh {
    struct price_history history;
    struct covariance covariance;
};

// Without memory the covariance stays as old as it is.
static void covariance_refresh(struct risk *risk)
{
    struct refresh *fresh = malloc(sizeof(*fresh));
    if (fresh == NULL)
        return;
    prices_copy(risk->prices, &fresh->history);
    covariance_compute(&fresh->covariance, &fresh->history);
    pthread_rwlock_wrlock(&risk->covariance_lock);
    risk->covariance = fresh->covariance;
    pthread_rwlock_unlock(&risk->covariance_lock);
    free(fresh);
}

static double risk_of(struct risk *risk, const double *weight)
{
    uint64_t trades = prices_trades(risk->prices);
    pthread_rwlock_rdlock(&risk->covariance_lock);
    int stale = trades - risk->covariance.trades >= risk->refresh_trades;
    pthread_rwlock_unlock(&risk->covariance_lock);
    if (stale)
        covariance_refresh(risk);
    pthread_rwlock_rdlock(&risk->covariance_lock);
    double value = value_at_risk(&risk->covariance, weight);
    pthread_rwlock_unlock(&risk->covariance_lock);
    return value;
}

int risk_check(struct risk *risk, const struct order *order, char reason[REASON_MAX])
{
    double weight[SYMBOL_COUNT];
    int64_t change = order->side == ORDER_BUY ? order->quantity : -order->quantity;

    pthread_mutex_lock(&risk->accounts_lock);
    struct account *account = account_find(risk, order->customer);
    if (account != NULL) {
        memcpy(account->customer, order->customer, sizeof(account->customer));
        account->position[order->symbol] += change;
        for (int symbol = 0; symbol < SYMBOL_COUNT; symbol++)
            weight[symbol] = (double)account->position[symbol];
    }
    pthread_mutex_unlock(&risk->accounts_lock);
    if (account == NULL) {
        snprintf(reason, REASON_MAX, "no more customers can be taken");
        return -1;
    }
    double value = risk_of(risk, weight);
    if (value <= var_limit)
        return 0;
    pthread_mutex_lock(&risk->accounts_lock);
    account->position[order->symbol] -= change;
    pthread_mutex_unlock(&risk->accounts_lock);
    snprintf(reason, REASON_MAX, "value at risk would be %.0f, the limit is %.0f", value,
             var_limit);
    return -1;
}
