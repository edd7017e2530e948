/* SPDX-License-Identifier: MIT */
#include "notice.h"

#include <stdio.h>

enum { PERIOD = 10000 /* ms */, LINES = 10 };

bool notice_due(struct notice *n, raft_time now) {
    if (n->written > 0 && now >= n->begin + PERIOD) {
        n->written = 0;
    }
    if (n->written == LINES) {
        n->left_out++;
        return false;
    }
    if (n->written++ == 0) {
        n->begin = now;
    }
    return true;
}

const char *notice_more(struct notice *n) {
    n->text[0] = '\0';
    if (n->left_out > 0) {
        snprintf(n->text, sizeof n->text, " (%llu such lines were left out)", n->left_out);
        n->left_out = 0;
    }
    return n->text;
}
