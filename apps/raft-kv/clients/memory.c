/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <stdlib.h> /* __GLIBC__ */

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "client.h"
#include "server.h"

enum {
    RETURN_MIN = 32 * 1024 * 1024, /* bytes freed before memory_return() acts, */
    RETURN_PERIOD = 1000,          /* and ms between */
    /* What every client needs. It is part of what is used, but not of what the client has taken. */
    BASE = sizeof(struct client) + sizeof(redisReader),
    OWN_MAX = 32 * 1024, /* bytes that a client may have when the common part is used up */
    SHARE = 4,           /* a client may use the SHAREth part of the free memory */
    RETRY_MIN = 10,      /* ms between two runs of memory_retry() */
    DENIED_LATELY = 1000 /* ms */
};

void memory_init(struct client_memory *m, size_t limit) {
    /* With nothing else in memory, one client may hold MAX_CLIENT_OUTPUT bytes and a reply. */
    *m = (struct client_memory){.limit = limit, .max_reply = limit / 8};
    if (m->max_reply > MAX_REPLY) {
        m->max_reply = MAX_REPLY;
    }
}

size_t memory_used(const struct server *s) { return s->memory.held + s->proposals.bytes; }

void memory_account(struct client *c) {
    struct client_memory *m = &c->server->memory;
    size_t held = sizeof *c + c->n_slots * sizeof *c->slots + requests_memory(&c->requests) +
                  c->out.cap + c->sending.cap + c->slot_bytes + c->read_bytes;
    m->freed |= held < c->held;
    m->held += held - c->held;
    c->held = held;
}

static size_t common(const struct client_memory *m) { return m->limit / 4 * 3; }

size_t memory_room(const struct client *c) {
    const struct client_memory *m = &c->server->memory;
    size_t used = memory_used(c->server);
    size_t share = used < common(m) ? (common(m) - used) / SHARE : 0;
    /* Only a part of it: a client keeps what it took while there were fewer clients, and buffers
     * grow by doubling. */
    size_t own = (m->limit - common(m)) / 4 / (c->server->n_clients + 1);
    size_t most = own < OWN_MAX ? own : OWN_MAX;
    most = share > most ? share : most;
    size_t mine = c->held + c->write_bytes;
    mine -= mine > BASE ? BASE : mine;
    return most > mine ? most - mine : 0;
}

bool memory_allows(struct client *c, size_t more) {
    size_t room = memory_room(c);
    if (room > 0 && more <= room) {
        return true;
    }
    c->server->memory.denied = server_now();
    return false;
}

void memory_wait(struct client *c) {
    if (!c->starved) {
        c->starved = true;
        c->server->memory.starved++;
    }
}

void memory_retry(struct server *s, bool now) {
    struct client_memory *m = &s->memory;
    if (m->starved == 0 || (!now && (!m->freed || server_now() < m->tried + RETRY_MIN))) {
        return;
    }
    m->freed = false;
    m->tried = server_now();
    m->starved = 0;
    for (struct client *c = s->clients; c != NULL; c = c->next) {
        if (c->starved) {
            c->starved = false;
            client_resume(c);
        }
    }
}

void memory_return(struct server *s) {
    struct client_memory *m = &s->memory;
    size_t used = memory_used(s);
    if (used > m->highest) {
        m->highest = used;
    } else if (m->highest - used > RETURN_MIN && server_now() >= m->returned + RETURN_PERIOD) {
        m->highest = used;
        m->returned = server_now();
#ifdef __GLIBC__
        malloc_trim(0);
#endif
    }
}

size_t memory_excess(const struct server *s) {
    size_t used = memory_used(s);
    return used > common(&s->memory) ? used - common(&s->memory) : 0;
}

bool memory_scarce(const struct server *s) {
    return memory_excess(s) > 0 ||
           (s->memory.denied != 0 && server_now() < s->memory.denied + DENIED_LATELY);
}
