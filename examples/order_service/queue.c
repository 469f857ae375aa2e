// A linked list under a lock; its depth is a gauge, because it tells first when workers fall
// behind.
#include "queue.h"

#include <string.h>

#include "metrics.h"

void queue_init(struct queue *queue, uint64_t depth_max)
{
    memset(queue, 0, sizeof(*queue));
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->filled, NULL);
    queue->depth_max = depth_max;
}

void queue_release(struct queue *queue)
{
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->lock);
}

int queue_push(struct queue *queue, struct job *job)
{
    pthread_mutex_lock(&queue->lock);
    int taken = !queue->closed && queue->depth < queue->depth_max;
    if (taken) {
        job->next = NULL;
        if (queue->last != NULL)
            queue->last->next = job;
        else
            queue->first = job;
        queue->last = job;
        metrics_queue_depth(++queue->depth);
        pthread_cond_signal(&queue->filled);
    }
    pthread_mutex_unlock(&queue->lock);
    return taken ? 0 : -1;
}

struct job *queue_pop(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->first == NULL && !queue->closed)
        pthread_cond_wait(&queue->filled, &queue->lock);
    struct job *job = queue->first;
    if (job != NULL) {
        queue->first = job->next;
        if (queue->first == NULL)
            queue->last = NULL;
        metrics_queue_depth(--queue->depth);
    }
    pthread_mutex_unlock(&queue->lock);
    return job;
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = 1;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}
