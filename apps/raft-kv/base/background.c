/* SPDX-License-Identifier: MIT */
#include "background.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "report.h"

static void work(void *arg) {
    struct background *b = arg;
    if (b->niceness != 0) { /* Linux applies this to the calling thread only */
        setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + b->niceness);
    }
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
        bool first = job->next == NULL;
        uv_mutex_unlock(&b->lock); /* the event loop takes it as soon as it wakes up */
        const uint64_t one = 1;
        if (first && write(b->event, &one, sizeof one) != (ssize_t)sizeof one) {
            die("cannot wake up the event loop: %s", strerror(errno));
        }
        uv_mutex_lock(&b->lock);
    }
}

static void on_finished(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    struct background *b = poll->data;
    uint64_t count;
    ssize_t n = read(b->event, &count, sizeof count); /* makes it unreadable again */
    (void)n;
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

void background_start(struct background *b, uv_loop_t *loop, int niceness) {
    memset(b, 0, sizeof *b);
    b->niceness = niceness;
    b->last = &b->first;
    b->finished.data = b;
    b->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (b->event < 0 || uv_poll_init(loop, &b->finished, b->event) != 0 ||
        uv_poll_start(&b->finished, UV_READABLE, on_finished) != 0 ||
        uv_mutex_init(&b->lock) != 0 || uv_cond_init(&b->some) != 0 ||
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
