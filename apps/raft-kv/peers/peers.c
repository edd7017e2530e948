/* SPDX-License-Identifier: MIT */
#include "peers.h"

#include <stdlib.h>

#include "link.h"
#include "report.h"
#include "server.h"

enum { MAX_PEERS = 256, EARLY_BYTES = 64 * 1024 /* bytes queued while connecting */ };

static struct peer *peer_of(struct peers *p, raft_id id, const char *address) {
    struct peer *peer = p->list;
    while (peer != NULL && peer->id != id) {
        peer = peer->next;
    }
    if (peer == NULL) {
        if (p->n == MAX_PEERS) {
            return NULL;
        }
        peer = xmalloc(sizeof *peer);
        memset(peer, 0, sizeof *peer);
        *peer = (struct peer){.next = p->list,
                              .peers = p,
                              .id = id,
                              .address = xstrdup(address),
                              .purpose = PURPOSE_RAFT,
                              .delay = RETRY_MIN};
        uv_timer_init(p->server->loop, &peer->retry);
        peer->retry.data = peer;
        p->list = peer;
        p->n++;
    } else if (strcmp(peer->address, address) != 0) { /* its address has changed */
        free(peer->address);
        peer->address = xstrdup(address);
        peer->n_logged = 0;
        if (peer->link != NULL) {
            link_fail(peer->link, "address changed");
        }
    }
    return peer;
}

void peers_send(struct peers *p, struct raft_message *message) {
    struct peer *peer = peer_of(p, message->server_id, message->server_address);
    if (peer == NULL) {
        return;
    }
    peer->used = server_now();
    if (peer->link == NULL && !uv_is_active((uv_handle_t *)&peer->retry)) {
        link_start(peer);
    }
    size_t limit = peer->link == NULL ? 0 : peer->link->ready ? MAX_PEER_OUTPUT : EARLY_BYTES;
    if (peer->out.len >= limit) {
        peer->unreachable = peer->unreachable || (limit > 0 && !peer->congested);
        peer->congested = limit > 0;
        return;
    }
    peer->congested = false;
    struct session *session = peer->link->ready ? &peer->link->session : NULL;
    if (!message_encode(&p->memory, &peer->out, p->server->options->id, message, &p->server->log,
                        session)) {
        report_warn("server %llu: dropped a message: its entries are not in the log any more",
                    peer->id);
        peer->unreachable = true;
    }
}

bool peers_put(struct peers *p, raft_id id, const struct buf *frame) {
    for (struct peer *peer = p->list; peer != NULL; peer = peer->next) {
        if (peer->id == id && peer->link != NULL && peer->link->ready &&
            peer->out.len < MAX_PEER_OUTPUT) {
            size_t begun = peer->out.len;
            buf_put(&peer->out, frame->data, frame->len);
            session_seal(&peer->link->session, &peer->out, begun);
            return true;
        }
    }
    return false;
}

void peers_flush(struct peers *p) {
    for (struct peer *peer = p->list; peer != NULL; peer = peer->next) {
        struct link *l = peer->link;
        if (peer->out.len > 0 && l != NULL && l->ready && !l->writing) {
            link_send(l, &peer->out);
        }
    }
}

void peers_unreachable(struct peers *p, raft_id id) {
    for (struct peer *peer = p->list; peer != NULL; peer = peer->next) {
        if (peer->id == id) {
            peer->unreachable = true;
        }
    }
}

void peers_report(struct peers *p) {
    for (struct peer *peer = p->list; peer != NULL; peer = peer->next) {
        if (peer->unreachable) {
            peer->unreachable = false;
            struct raft_event event = {.type = RAFT_UNREACHABLE};
            event.unreachable.server_id = peer->id;
            server_step(p->server, &event);
        }
    }
}

void peers_start(struct peers *p, struct server *server) {
    const char *secret_file = server->options->secret_file;
    *p = (struct peers){.server = server};
    p->secret = secret_file != NULL ? secret_load(secret_file) : NULL;
    inbound_listen(p);
}
