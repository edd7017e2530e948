/* SPDX-License-Identifier: MIT */
/* A worker thread. Jobs run one at a time, in order. One of low priority does work that no client
 * waits for, so that such work does not take processor time from requests.
 *
 * Why not uv_async_t: while a worker is inside uv_async_send(), the loop's thread spins. If both
 * share a processor, the wake-up itself interrupts the worker there; with few processors, a tenth
 * of a follower's processor time went into that. An eventfd has no such state. */
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
    int niceness;
    int event; /* file descriptor: becomes readable when a job has ended */
    uv_poll_t finished;
    struct job *first;
    struct job **last;
    struct job *ended; /* jobs whose done() must be called */
};

/* `niceness` is added to that of the process. */
void background_start(struct background *b, uv_loop_t *loop, int niceness);

/* Queue a job. It must not be changed or freed until its done() is called. */
void background_queue(struct background *b, struct job *job);

#endif
