/* SPDX-License-Identifier: MIT */
#include "limiter.h"

#include <stdio.h>
#include <string.h>

static bool over(const struct limiter_place *p, uint64_t now) {
    return now >= p->begun + LIMITER_PERIOD;
}

/* The place of a format. If all places are taken, the oldest one that has left nothing out. */
static struct limiter_place *place_of(struct limiter *l, const char *format) {
    struct limiter_place *best = &l->places[0];
    for (size_t i = 0; i < LIMITER_PLACES; i++) {
        struct limiter_place *p = &l->places[i];
        if (p->format == format) {
            return p;
        }
        if (p->format == NULL) {
            best = p;
            break;
        }
        bool silent = p->left_out == 0;
        if (silent != (best->left_out == 0) ? silent : p->begun < best->begun) {
            best = p;
        }
    }
    memset(best, 0, sizeof *best);
    best->format = format;
    return best;
}

static void take_rest(struct limiter_place *p, struct limiter_rest *rest) {
    rest->n = p->left_out;
    rest->level = p->level;
    memcpy(rest->last, p->last, sizeof rest->last);
    p->left_out = 0;
}

bool limiter_pass(struct limiter *l, const char *format, int level, const char *text, uint64_t now,
                  struct limiter_rest *rest) {
    struct limiter_place *p = place_of(l, format);
    rest->n = 0;
    if (p->lines == 0 || over(p, now)) {
        take_rest(p, rest);
        p->begun = now;
        p->lines = 0;
    }
    if (p->lines < LIMITER_LINES) {
        p->lines++;
        return true;
    }
    p->left_out++;
    p->level = level;
    snprintf(p->last, sizeof p->last, "%s", text);
    return false;
}

bool limiter_next(struct limiter *l, uint64_t now, struct limiter_rest *rest) {
    for (size_t i = 0; i < LIMITER_PLACES && l->places[i].format != NULL; i++) {
        if (l->places[i].left_out > 0 && over(&l->places[i], now)) {
            take_rest(&l->places[i], rest);
            return true;
        }
    }
    return false;
}
