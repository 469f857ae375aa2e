// Two sorted arrays for each symbol: small enough that moving a few hundred bytes beats any tree.
#include "book.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void book_init(struct book *book)
{
    memset(book, 0, sizeof(*book));
    pthread_mutex_init(&book->lock, NULL);
}

void book_release(struct book *book)
{
    pthread_mutex_destroy(&book->lock);
}

// 1 where a price on `side` is at least as good for the other side as `limit_cents`.
static int price_serves(enum order_side side, int64_t price_cents, int64_t limit_cents)
{
    return side == ORDER_SELL ? price_cents <= limit_cents : price_cents >= limit_cents;
}

// Later orders go behind those of the same price, that is, in front of them in the array.
static void side_rest(struct book_side *waiting, enum order_side side, const struct order *order)
{
    struct resting rest = {order->id, order->quantity - order->filled, order->price_cents};
    int place = waiting->count;
    while (place > 0 &&
           price_serves(side, waiting->orders[place - 1].price_cents, rest.price_cents))
        place--;
    if (waiting->count == BOOK_DEPTH) {
        if (place == 0)
            return;
        place--;
        memmove(&waiting->orders[0], &waiting->orders[1], (size_t)place * sizeof(rest));
    } else {
        memmove(&waiting->orders[place + 1], &waiting->orders[place],
                (size_t)(waiting->count - place) * sizeof(rest));
        waiting->count++;
    }
    waiting->orders[place] = rest;
}

int book_match(struct book *book, struct order *order, struct fill fills[FILLS_MAX])
{
    enum order_side other = order->side == ORDER_BUY ? ORDER_SELL : ORDER_BUY;
    int count = 0;

    pthread_mutex_lock(&book->lock);
    struct book_side *offers = &book->sides[other];
    while (order->filled < order->quantity && offers->count > 0 && count < FILLS_MAX) {
        struct resting *best = &offers->orders[offers->count - 1];
        if (!price_serves(other, best->price_cents, order->price_cents))
            break;
        int64_t wanted = order->quantity - order->filled;
        int64_t quantity = best->left < wanted ? best->left : wanted;
        fills[count++] = (struct fill){best->id, quantity, best->price_cents};
        order->filled += quantity;
        best->left -= quantity;
        if (best->left == 0)
            offers->count--;
    }
    if (order->filled < order->quantity)
        side_rest(&book->sides[order->side], order->side, order);
    pthread_mutex_unlock(&book->lock);
    return count;
}

void book_text(struct book *book, char *text, uint64_t size)
{
    static const char *const names[2] = {"buy", "sell"};
    uint64_t used = 0;

    text[0] = '\0';
    pthread_mutex_lock(&book->lock);
    for (int side = 0; side < 2; side++) {
        const struct book_side *waiting = &book->sides[side];
        for (int i = waiting->count - 1; i >= 0 && i >= waiting->count - 8; i--) {
            const struct resting *rest = &waiting->orders[i];
            int length = snprintf(text + used, size - used, "%s %" PRId64 "x%" PRId64 " ",
                                  names[side], rest->left, rest->price_cents);
            if (length < 0 || (uint64_t)length >= size - used)
                break;
            used += (uint64_t)length;
        }
    }
    pthread_mutex_unlock(&book->lock);
}
