/* SPDX-License-Identifier: MIT */
#include "background.h"

#include <string.h>
#include <sys/resource.h>

#include "report.h"

enum { NICENESS = 10 };

static void work(void *arg) {
    struct background *b = arg;
    setpriority(PRIO_PROCESS, 0, NICENESS); /* Linux applies this to the calling thread only */
    uv_mutex_lock(&b->lock);
    for (;;) {
        while (b->first == NULL) {
            uv_cond_wait(&b->some, &b->lock);
        }
        struct job *job = b->first;
        b->first = job->next;
        if (b->first == NULL) {
            b->last = &b->first;
        }
        uv_mutex_unlock(&b->lock);
        job->run(job->context);
        uv_mutex_lock(&b->lock);
        job->next = b->ended;
        b->ended = job;
        uv_async_send(&b->finished);
    }
}

static void on_finished(uv_async_t *async) {
    struct background *b = async->data;
    uv_mutex_lock(&b->lock);
    struct job *job = b->ended;
    b->ended = NULL;
    uv_mutex_unlock(&b->lock);
    while (job != NULL) {
        struct job *next = job->next;
        job->done(job->context);
        job = next;
    }
}

void background_start(struct background *b, uv_loop_t *loop) {
    memset(b, 0, sizeof *b);
    b->last = &b->first;
    b->finished.data = b;
    int error = uv_async_init(loop, &b->finished, on_finished);
    if (error != 0 || uv_mutex_init(&b->lock) != 0 || uv_cond_init(&b->some) != 0 ||
        uv_thread_create(&b->thread, work, b) != 0) {
        die("cannot start the background thread");
    }
}

void background_queue(struct background *b, struct job *job) {
    uv_mutex_lock(&b->lock);
    job->next = NULL;
    *b->last = job;
    b->last = &job->next;
    uv_cond_signal(&b->some);
    uv_mutex_unlock(&b->lock);
}
