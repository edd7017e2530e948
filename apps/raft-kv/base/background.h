/* SPDX-License-Identifier: MIT */
/* A worker thread of low priority for work that no client waits for, so that such work does not
 * take processor time from requests. Jobs run one at a time, in order. */
#ifndef KV_BACKGROUND_H
#define KV_BACKGROUND_H

#include <stdbool.h>
#include <uv.h>

struct job {
    struct job *next;
    void (*run)(void *context);  /* called on the worker thread */
    void (*done)(void *context); /* called afterwards on the event loop's thread */
    void *context;
};

struct background {
    uv_thread_t thread;
    uv_mutex_t lock;
    uv_cond_t some;
    uv_async_t finished;
    struct job *first;
    struct job **last;
    struct job *ended; /* jobs whose done() must be called */
};

void background_start(struct background *b, uv_loop_t *loop);

/* Queue a job. It must not be changed or freed until its done() is called. */
void background_queue(struct background *b, struct job *job);

#endif
