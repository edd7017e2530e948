/* SPDX-License-Identifier: MIT */
#include "peer_tickets.h"

#include <stdlib.h>

#include "report.h"

enum { PAUSE_MS = 500 };
#define KEY "peer-tickets"

static struct peer_ticket *find(struct peer_tickets *t, raft_id id, uint64_t incarnation) {
    for (unsigned i = 0; i < t->n; i++) {
        if (t->list[i].id == id && t->list[i].incarnation == incarnation) {
            return &t->list[i];
        }
    }
    return NULL;
}

void peer_ticket_encode(struct buf *b, const struct peer_ticket *ticket) {
    buf_put_int(b, ticket->id, 8);
    buf_put_int(b, ticket->incarnation, 8);
    buf_put_int(b, ticket->run, 8);
    buf_put_int(b, ticket->synced.hard, 8);
    buf_put_int(b, ticket->synced.log, 8);
}

void peer_ticket_decode(struct cursor *c, struct peer_ticket *ticket) {
    ticket->id = cursor_int(c, 8);
    ticket->incarnation = cursor_int(c, 8);
    ticket->run = cursor_int(c, 8);
    ticket->synced.hard = cursor_int(c, 8);
    ticket->synced.log = cursor_int(c, 8);
}

void peer_tickets_load(struct peer_tickets *t, struct store *s) {
    *t = (struct peer_tickets){0};
    size_t len = 0;
    char *record = store_get(s, KEY, &len);
    if (record == NULL) {
        return;
    }
    struct cursor c = {record, record + len, false};
    while (cursor_left(&c) > 0 && t->n < MAX_PEER_TICKETS && !c.bad) {
        peer_ticket_decode(&c, &t->list[t->n++]);
    }
    if (c.bad || cursor_left(&c) > 0) {
        die("%s: the record \"" KEY "\" is corrupted", s->dir);
    }
    free(record);
}

void peer_tickets_save(struct peer_tickets *t, struct store *s, raft_time now) {
    if (!t->changed || now < t->saved + PAUSE_MS) {
        return;
    }
    struct buf b = {0};
    for (unsigned i = 0; i < t->n; i++) {
        peer_ticket_encode(&b, &t->list[i]);
    }
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_writebatch_put_cf(batch, s->meta, KEY, strlen(KEY), b.data, b.len);
    store_write(s, s->write, batch);
    rocksdb_writebatch_destroy(batch);
    buf_free(&b);
    t->changed = false;
    t->saved = now;
}

static bool raise_to(uint64_t *value, uint64_t to) {
    bool higher = to > *value;
    *value = higher ? to : *value;
    return higher;
}

void peer_tickets_note(struct peer_tickets *t, const struct peer_ticket *told, bool direct) {
    struct peer_ticket *known = find(t, told->id, told->incarnation);
    if (known == NULL) {
        if (t->n == MAX_PEER_TICKETS) { /* forget the oldest; if it is alive, it tells again */
            memmove(t->list, t->list + 1, --t->n * sizeof t->list[0]);
        }
        t->list[t->n++] = *told;
        t->changed = true;
        return;
    }
    bool higher = raise_to(&known->synced.hard, told->synced.hard);
    higher = raise_to(&known->synced.log, told->synced.log) || higher;
    if (higher || direct) {
        t->changed = t->changed || higher || known->run != told->run;
        known->run = told->run;
    }
}

const struct fence *peer_tickets_missing(const struct peer_tickets *t,
                                         const struct peer_ticket *told) {
    const struct peer_ticket *known = find((struct peer_tickets *)t, told->id, told->incarnation);
    bool less = known != NULL && known->run != told->run &&
                (told->synced.hard < known->synced.hard || told->synced.log < known->synced.log);
    return less ? &known->synced : NULL;
}
