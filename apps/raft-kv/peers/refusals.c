/* SPDX-License-Identifier: MIT */
#include "refusals.h"

#include <stdio.h>

#include "report.h"
#include "server.h"

enum { KEEP_MS = 60000 };

static void drop(struct refusals *r, unsigned i) {
    r->n--;
    memmove(&r->list[i], &r->list[i + 1], (r->n - i) * sizeof r->list[0]);
}

static struct refusal *find(struct refusals *r, enum refusal_kind kind, raft_id id) {
    for (unsigned i = 0; i < r->n; i++) {
        if (r->list[i].id == id && r->list[i].kind == kind) {
            return &r->list[i];
        }
    }
    return NULL;
}

void refusals_clear(struct refusals *r, enum refusal_kind kind, raft_id id) {
    struct refusal *refusal = find(r, kind, id);
    if (refusal != NULL) {
        drop(r, (unsigned)(refusal - r->list));
    }
}

void refusals_expire(struct refusals *r) {
    raft_time now = server_now();
    while (r->n > 0 && now > r->list[0].at + KEEP_MS) {
        drop(r, 0);
    }
}

void refusals_note(struct refusals *r, enum refusal_kind kind, raft_id id, const char *reason) {
    refusals_expire(r);
    struct refusal *old = find(r, kind, id);
    if (old == NULL || strcmp(old->reason, reason) != 0) {
        report_warn(kind == REFUSED_BY_US ? "refused a connection from server %llu: %s"
                                          : "refused by server %llu: %s",
                    id, reason);
    }
    refusals_clear(r, kind, id);
    if (r->n == MAX_REFUSALS) {
        drop(r, 0);
    }
    struct refusal *refusal = &r->list[r->n++];
    *refusal = (struct refusal){.id = id, .kind = kind, .at = server_now()};
    snprintf(refusal->reason, sizeof refusal->reason, "%s", reason);
}
