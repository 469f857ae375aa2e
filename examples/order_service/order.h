// An order and the list of what can be traded: the nouns that every part of the service shares.
#ifndef ORDER_SERVICE_ORDER_H
#define ORDER_SERVICE_ORDER_H

#include <stdint.h>

enum { SYMBOL_COUNT = 48, CUSTOMER_MAX = 16, REASON_MAX = 96 };

enum order_side { ORDER_BUY, ORDER_SELL };

// Prices are whole cents. `filled` counts what was traded at once; the rest waits in the book.
struct order {
    int64_t id;
    char customer[CUSTOMER_MAX];
    int symbol;
    enum order_side side;
    int64_t quantity;
    int64_t filled;
    int64_t price_cents;
};

// The name of a symbol, and its number or -1.
const char *symbol_name(int symbol);
int symbol_find(const char *name);

// Fills `order` from the JSON text of a request. Returns 0, or -1 with a sentence in `reason`.
int order_parse(struct order *order, const char *text, uint64_t length, char reason[REASON_MAX]);
// 1 where a customer's name is 1 to 15 letters, digits, dashes or underscores.
int customer_valid(const char *name);

#endif
