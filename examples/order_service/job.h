// A request on its way through the service: made by HTTP, answered by a worker.
#ifndef ORDER_SERVICE_JOB_H
#define ORDER_SERVICE_JOB_H

#include <stdatomic.h>
#include <stdint.h>

#include "order.h"

enum { BODY_MAX = 4096, ANSWER_MAX = 8192 };

enum job_kind { JOB_ORDER, JOB_FIND, JOB_LIST, JOB_QUOTE };

struct MHD_Connection;

struct job {
    struct MHD_Connection *connection;
    struct job *next;
    enum job_kind kind;
    int64_t id;                  // JOB_FIND
    char customer[CUSTOMER_MAX]; // JOB_LIST
    int symbol;                  // JOB_QUOTE
    uint64_t body_length;
    char body[BODY_MAX];
    atomic_int status; // of HTTP; 0 until it is answered
    uint64_t answer_length;
    char answer[ANSWER_MAX];
};

// Adds text to the answer; what does not fit any more is left out.
void job_write(struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Answers with {"error": sentence}.
void job_fail(struct job *job, int status, const char *sentence);

#endif
