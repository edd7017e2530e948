/* SPDX-License-Identifier: MIT */
/* A worker thread of low priority, for work that nobody waits for: what clients wait
 * for goes first when processors are scarce. Jobs run one after the other. */
#ifndef KV_BACKGROUND_H
#define KV_BACKGROUND_H

#include <stdbool.h>
#include <uv.h>

struct job {
    struct job *next;
    void (*run)(void *context);  /* on the worker */
    void (*done)(void *context); /* on the loop's thread */
    void *context;
};

struct background {
    uv_thread_t thread;
    uv_mutex_t lock;
    uv_cond_t some;
    uv_async_t finished;
    struct job *first;
    struct job **last;
    struct job *ended; /* their done() is to be called */
};

void background_start(struct background *b, uv_loop_t *loop);

/* The job belongs to the background until done() is called. */
void background_queue(struct background *b, struct job *job);

#endif
