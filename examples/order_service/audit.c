// A ring of pointers to records; what falls out of it is freed, unless that was forgotten.
#include "audit.h"

#include <stdlib.h>
#include <string.h>

void audit_init(struct audit *audit, int forget)
{
    memset(audit, 0, sizeof(*audit));
    pthread_mutex_init(&audit->lock, NULL);
    audit->forget = forget;
}

void audit_release(struct audit *audit)
{
    for (int i = 0; i < AUDIT_LENGTH; i++)
        free(audit->last[i]);
    pthread_mutex_destroy(&audit->lock);
}

struct audit_record *audit_record_new(const struct order *order, const char *request,
                                      uint64_t length)
{
    struct audit_record *record = malloc(sizeof(*record));
    if (record == NULL)
        return NULL;
    if (length >= sizeof(record->request))
        length = sizeof(record->request) - 1;
    memset(record, 0, sizeof(*record));
    record->order = *order;
    memcpy(record->request, request, length);
    return record;
}

void audit_append(struct audit *audit, struct audit_record *record)
{
    pthread_mutex_lock(&audit->lock);
    uint64_t slot = audit->count++ % AUDIT_LENGTH;
    struct audit_record *oldest = audit->last[slot];
    audit->last[slot] = record;
    pthread_mutex_unlock(&audit->lock);
    if (!audit->forget)
        free(oldest);
}
