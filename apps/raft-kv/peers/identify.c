/* SPDX-License-Identifier: MIT */
#include "identify.h"

#include <stdio.h>
#include <stdlib.h>

#include "server.h"

enum { TIMEOUT = 3000 /* ms */, PAUSE = 100 /* ms before the next attempt */ };

struct identify {
    struct peer peer; /* not in the list of peers; it has no messages to send */
    identify_done done;
    void *context;
    raft_time deadline;
};

static void on_closed(uv_handle_t *handle) {
    struct peer *peer = handle->data;
    free(peer->address);
    free(peer->identify);
}

static void finish(struct identify *i, const struct welcome *answer, const char *error,
                   bool refused) {
    i->done(i->context, answer, error, refused);
    uv_close((uv_handle_t *)&i->peer.retry, on_closed);
}

void identify_failed(struct peer *peer, const char *why, bool refused) {
    struct identify *i = peer->identify;
    if (!refused && server_now() + PAUSE < i->deadline) {
        uv_timer_start(&peer->retry, link_on_retry, PAUSE, 0);
        return;
    }
    char error[MAX_REASON];
    snprintf(error, sizeof error, "%s", why);
    finish(i, NULL, error, refused);
}

void identify_answered(struct peer *peer, const struct welcome *answer) {
    struct identify *i = peer->identify;
    if (answer->told.id != peer->id) {
        finish(i, NULL, "the server at this address has another ID", false);
    } else {
        finish(i, answer, NULL, false);
    }
}

void peers_identify(struct peers *p, enum purpose purpose, raft_id id, const char *address,
                    identify_done done, void *context) {
    struct identify *i = xmalloc(sizeof *i);
    memset(i, 0, sizeof *i);
    i->peer = (struct peer){.peers = p,
                            .id = id,
                            .address = xstrdup(address),
                            .used = server_now(),
                            .purpose = purpose,
                            .identify = i};
    i->done = done;
    i->context = context;
    i->deadline = server_now() + TIMEOUT;
    uv_timer_init(p->server->loop, &i->peer.retry);
    i->peer.retry.data = &i->peer;
    uv_timer_start(&i->peer.retry, link_on_retry, 0, 0); /* makes the connection */
}
