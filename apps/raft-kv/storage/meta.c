/* SPDX-License-Identifier: MIT */
#include "meta.h"

#include <stdlib.h>

#include "limits.h"

void members_copy(struct members *m, const struct raft_configuration *conf) {
    size_t size = 0;
    for (unsigned i = 0; i < conf->n; i++) {
        size += strlen(conf->servers[i].address) + 1;
    }
    m->conf.n = conf->n;
    m->conf.servers = xmalloc(conf->n * sizeof *m->conf.servers);
    m->text = xmalloc(size);
    char *text = m->text;
    for (unsigned i = 0; i < conf->n; i++) {
        m->conf.servers[i] = conf->servers[i];
        m->conf.servers[i].address = text;
        size_t len = strlen(conf->servers[i].address) + 1;
        memcpy(text, conf->servers[i].address, len);
        text += len;
    }
}

void members_free(struct members *m) {
    free(m->conf.servers);
    free(m->text);
    *m = (struct members){0};
}

void conf_encode(struct buf *b, const struct raft_configuration *conf) {
    buf_put_int(b, conf->n, 4);
    for (unsigned i = 0; i < conf->n; i++) {
        buf_put_int(b, conf->servers[i].id, 8);
        buf_put_int(b, (uint64_t)conf->servers[i].role, 1);
        buf_put_string(b, conf->servers[i].address);
    }
}

bool conf_decode(struct cursor *c, struct members *m) {
    struct raft_server servers[MAX_SERVERS];
    struct raft_configuration conf = {servers, (unsigned)cursor_int(c, 4)};
    if (conf.n > MAX_SERVERS) {
        c->bad = true;
    }
    for (unsigned i = 0; i < conf.n && !c->bad; i++) {
        servers[i].id = cursor_int(c, 8);
        servers[i].role = (int)cursor_int(c, 1);
        servers[i].address = cursor_string(c);
    }
    if (c->bad) {
        return false;
    }
    members_copy(m, &conf);
    return true;
}

void hard_state_encode(struct buf *b, const struct hard_state *hard) {
    buf_put_int(b, hard->term, 8);
    buf_put_int(b, hard->voted_for, 8);
    buf_put_int(b, hard->ticket, 8);
}

bool hard_state_decode(const char *data, size_t len, struct hard_state *hard) {
    struct cursor c = {data, data + len, false};
    hard->term = cursor_int(&c, 8);
    hard->voted_for = cursor_int(&c, 8);
    hard->ticket = cursor_int(&c, 8);
    return !c.bad && cursor_left(&c) == 0;
}

void base_encode(struct buf *b, const struct base *base) {
    buf_put_int(b, base->index, 8);
    buf_put_int(b, base->term, 8);
    buf_put_int(b, base->conf_index, 8);
    buf_put_int(b, base->segment, 8);
    buf_put_int(b, base->ticket, 8);
    conf_encode(b, &base->members.conf);
}

bool base_decode(const char *data, size_t len, struct base *base) {
    struct cursor c = {data, data + len, false};
    base->index = cursor_int(&c, 8);
    base->term = cursor_int(&c, 8);
    base->conf_index = cursor_int(&c, 8);
    base->segment = cursor_int(&c, 8);
    base->ticket = cursor_int(&c, 8);
    return conf_decode(&c, &base->members) && cursor_left(&c) == 0;
}
