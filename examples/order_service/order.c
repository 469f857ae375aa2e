// Reads an order from its JSON and says what is wrong with it.
#include "order.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

static const char symbol_names[SYMBOL_COUNT][5] = {
    "ACME", "ALTO", "BARK", "BIRD", "BOLT", "CALM", "CEDR", "CORE", "CROW", "DAWN", "DELT", "DUNE",
    "ECHO", "ELMS", "EMBR", "FERN", "FJRD", "FLUX", "GALE", "GLDE", "GROV", "HALO", "HAWK", "HIVE",
    "IRIS", "ISLE", "JADE", "JUNE", "KELP", "KITE", "LARK", "LIME", "LUNA", "MAPL", "MIST", "MOSS",
    "NOVA", "OAKS", "OPAL", "PINE", "QUAY", "REEF", "ROOK", "SAGE", "TIDE", "VALE", "WREN", "YARN"};

const char *symbol_name(int symbol)
{
    return symbol >= 0 && symbol < SYMBOL_COUNT ? symbol_names[symbol] : "?";
}

int symbol_find(const char *name)
{
    for (int symbol = 0; symbol < SYMBOL_COUNT; symbol++)
        if (strcmp(symbol_names[symbol], name) == 0)
            return symbol;
    return -1;
}

int customer_valid(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
            return 0;
    return length > 0 && length < CUSTOMER_MAX;
}

static int refuse(char reason[REASON_MAX], const char *sentence)
{
    snprintf(reason, REASON_MAX, "%s", sentence);
    return -1;
}

static int order_fill(struct order *order, const char *customer, const char *symbol,
                      const char *side, json_int_t quantity, double price, char reason[REASON_MAX])
{
    if (!customer_valid(customer))
        return refuse(reason, "customer must be 1 to 15 letters, digits, dashes or underscores");
    order->symbol = symbol_find(symbol);
    if (order->symbol < 0)
        return refuse(reason, "symbol is not traded here");
    if (strcmp(side, "buy") != 0 && strcmp(side, "sell") != 0)
        return refuse(reason, "side must be buy or sell");
    if (quantity < 1 || quantity > 10000)
        return refuse(reason, "quantity must be 1 to 10000");
    if (!(price >= 0.01 && price <= 1e6))
        return refuse(reason, "price must be 0.01 to 1000000");
    snprintf(order->customer, sizeof(order->customer), "%s", customer);
    order->side = side[0] == 'b' ? ORDER_BUY : ORDER_SELL;
    order->quantity = quantity;
    order->price_cents = llround(price * 100);
    return 0;
}

int order_parse(struct order *order, const char *text, uint64_t length, char reason[REASON_MAX])
{
    const char *customer, *symbol, *side;
    json_int_t quantity;
    double price;
    json_error_t error;

    memset(order, 0, sizeof(*order));
    json_t *root = json_loadb(text, length, 0, &error);
    if (root == NULL)
        return refuse(reason, "the body is not JSON");
    int code =
        json_unpack_ex(root, &error, 0, "{s:s, s:s, s:s, s:I, s:F}", "customer", &customer,
                       "symbol", &symbol, "side", &side, "quantity", &quantity, "price", &price);
    if (code < 0)
        code = refuse(reason, "an order needs customer, symbol, side, quantity and price");
    else
        code = order_fill(order, customer, symbol, side, quantity, price, reason);
    json_decref(root);
    return code;
}
