/* SPDX-License-Identifier: MIT */
#include "timers.h"

#include <stdlib.h>

enum { SMALLEST = 64 }; /* timers that the heap keeps space for */

void timers_init(struct timers *t, uint32_t groups) {
    *t = (struct timers){.position = resize(NULL, groups * sizeof *t->position)};
    for (uint32_t i = 0; i < groups; i++) {
        t->position[i] = 0;
    }
}

void timers_free(struct timers *t) {
    free(t->heap);
    free(t->position);
}

/* Let the space follow the number: a host at rest keeps none for the groups that sleep. */
static void fit(struct timers *t) {
    uint32_t cap = t->cap;
    while (cap < t->n || cap < SMALLEST) {
        cap = cap == 0 ? SMALLEST : 2 * cap;
    }
    while (cap > SMALLEST && cap / 4 > t->n) {
        cap /= 2;
    }
    if (cap != t->cap) {
        t->cap = cap;
        t->heap = resize(t->heap, cap * sizeof *t->heap);
    }
}

static void place(struct timers *t, uint32_t at, struct timer timer) {
    t->heap[at] = timer;
    t->position[timer.group] = at + 1;
}

/* Move a timer to where it belongs, beginning at the free place `at`. */
static void settle(struct timers *t, uint32_t at, struct timer timer) {
    while (at > 0 && timer.due < t->heap[(at - 1) / 2].due) {
        place(t, at, t->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (uint32_t child; (child = 2 * at + 1) < t->n; at = child) {
        if (child + 1 < t->n && t->heap[child + 1].due < t->heap[child].due) {
            child++;
        }
        if (timer.due <= t->heap[child].due) {
            break;
        }
        place(t, at, t->heap[child]);
    }
    place(t, at, timer);
}

static void remove_at(struct timers *t, uint32_t at) {
    struct timer last = t->heap[--t->n];
    t->position[t->heap[at].group] = 0;
    if (at < t->n) {
        settle(t, at, last);
    }
    fit(t);
}

void timers_set(struct timers *t, uint32_t group, raft_time due) {
    uint32_t position = t->position[group];
    if (due < NEVER) {
        if (position == 0) {
            position = ++t->n;
            fit(t);
        }
        settle(t, position - 1, (struct timer){due, group});
    } else if (position > 0) {
        remove_at(t, position - 1);
    }
}

raft_time timers_next(const struct timers *t) { return t->n > 0 ? t->heap[0].due : NEVER; }

bool timers_expired(struct timers *t, raft_time now, uint32_t *group) {
    if (timers_next(t) > now) {
        return false;
    }
    *group = t->heap[0].group;
    remove_at(t, 0);
    return true;
}
