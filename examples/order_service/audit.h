// The audit trail: the last orders as they came, with the book they met.
#ifndef ORDER_SERVICE_AUDIT_H
#define ORDER_SERVICE_AUDIT_H

#include <pthread.h>

#include "order.h"

enum { AUDIT_LENGTH = 256, AUDIT_REQUEST_MAX = 3072, AUDIT_BOOK_MAX = 1024 };

struct audit_record {
    struct order order;
    char request[AUDIT_REQUEST_MAX];
    char book[AUDIT_BOOK_MAX];
};

struct audit {
    pthread_mutex_t lock;
    struct audit_record *last[AUDIT_LENGTH];
    uint64_t count;
    int forget; // old records are forgotten, not freed
};

void audit_init(struct audit *audit, int forget);
void audit_release(struct audit *audit);
// A record with the order and the text of its request; its `book` is the caller's to fill. NULL
// without memory.
struct audit_record *audit_record_new(const struct order *order, const char *request,
                                      uint64_t length);
// Takes the record over and lets go of the oldest.
void audit_append(struct audit *audit, struct audit_record *record);

#endif
