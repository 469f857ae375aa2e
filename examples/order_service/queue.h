// The bounded queue between HTTP and the workers: what does not fit is refused, not kept waiting.
#ifndef ORDER_SERVICE_QUEUE_H
#define ORDER_SERVICE_QUEUE_H

#include <pthread.h>

#include "job.h"

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct job *first, *last;
    uint64_t depth, depth_max;
    int closed;
};

void queue_init(struct queue *queue, uint64_t depth_max);
void queue_release(struct queue *queue);
// 0, or -1 where the queue is full or closed.
int queue_push(struct queue *queue, struct job *job);
// Waits for a job; NULL when the queue is closed and empty.
struct job *queue_pop(struct queue *queue);
// No more jobs are taken; those in the queue are still handed out.
void queue_close(struct queue *queue);

#endif
