/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <stdio.h>

#include "server.h"

static void put_line(struct buf *b, char kind, long long value) {
    char text[32];
    int len = snprintf(text, sizeof text, "%c%lld\r\n", kind, value);
    buf_put(b, text, (size_t)len);
}

void reply_array(struct buf *b, size_t n) { put_line(b, '*', (long long)n); }

void reply_bulk(struct buf *b, const char *text, size_t len) {
    put_line(b, '$', (long long)len);
    buf_put(b, text, len);
    buf_put(b, "\r\n", 2);
}

void reply_string(struct buf *b, const char *text) { reply_bulk(b, text, strlen(text)); }

void reply_integer(struct buf *b, long long value) { put_line(b, ':', value); }

void reply_nil(struct buf *b, const struct client *c) {
    if (c->about.resp3) {
        buf_put(b, "_\r\n", 3);
    } else {
        buf_put(b, "$-1\r\n", 5);
    }
}

void reply_map(struct buf *b, const struct client *c, size_t n) {
    put_line(b, c->about.resp3 ? '%' : '*', (long long)(c->about.resp3 ? n : 2 * n));
}

void reply_set(struct buf *b, const struct client *c, size_t n) {
    put_line(b, c->about.resp3 ? '~' : '*', (long long)n);
}

void reply_text(struct buf *b, const struct client *c, const char *text, size_t len) {
    if (c->about.resp3) {
        put_line(b, '=', (long long)len + 4);
        buf_put(b, "txt:", 4);
        buf_put(b, text, len);
        buf_put(b, "\r\n", 2);
    } else {
        reply_bulk(b, text, len);
    }
}

void reply_begin(struct buf *b, size_t len) {
    b->len = 0;
    if (len > b->cap) {
        buf_free(b);
        b->data = xmalloc(len);
        b->cap = len;
    }
}

void client_integer(struct client *c, uint64_t seq, long long value) {
    char text[32];
    int len = snprintf(text, sizeof text, ":%lld\r\n", value);
    client_reply(c, seq, text, (size_t)len);
}

void client_status(struct client *c, uint64_t seq, const char *text) {
    char line[128];
    int len = snprintf(line, sizeof line, "+%s\r\n", text);
    client_reply(c, seq, line, (size_t)len);
}

void client_result(struct server *s, struct client *c, uint64_t seq, const struct result *result) {
    struct buf *b = &s->scratch;
    b->len = 0;
    switch (result->kind) {
        case RESULT_OK:
            client_reply(c, seq, "+OK\r\n", 5);
            return;
        case RESULT_INTEGER:
            client_integer(c, seq, result->integer);
            return;
        case RESULT_ERROR:
            client_error(c, seq, result->text);
            return;
        case RESULT_VALUE:
            reply_bulk(b, result->text, result->len);
            break;
        case RESULT_NIL:
            reply_nil(b, c);
            break;
    }
    client_scratch(s, c, seq);
}

void client_scratch(struct server *s, struct client *c, uint64_t seq) {
    client_reply_buf(c, seq, &s->scratch);
}

void client_error(struct client *c, uint64_t seq, const char *text) {
    char line[1024];
    int len = snprintf(line, sizeof line - 2, "-%s", text);
    c->server->watch.errors++;
    if (len > (int)sizeof line - 3) {
        len = (int)sizeof line - 3;
    }
    for (int i = 0; i < len; i++) { /* the text may quote a client's input, but must be one line */
        if ((unsigned char)line[i] < ' ') {
            line[i] = ' ';
        }
    }
    memcpy(line + len, "\r\n", 2);
    client_reply(c, seq, line, (size_t)len + 2);
}

void client_moved(struct server *s, struct client *c, uint64_t seq, unsigned slot) {
    const char *leader = server_leader_address(s);
    if (leader == NULL) {
        client_error(c, seq, "CLUSTERDOWN no leader is known; nothing was done");
        return;
    }
    char text[700];
    snprintf(text, sizeof text, "MOVED %u %s", slot, leader);
    client_error(c, seq, text);
}

void client_raft_error(struct server *s, struct client *c, uint64_t seq, int error) {
    char text[512];
    switch (error) {
        case RAFT_NOTLEADER:
        case RAFT_LEADERSHIPLOST:
            if (raft_transferee(&s->raft) != 0) {
                client_error(c, seq,
                             "TRYAGAIN a leadership transfer is in progress; nothing was done");
            } else {
                client_moved(s, c, seq, 0);
            }
            return;
        case RAFT_BUSY:
            snprintf(text, sizeof text, "TRYAGAIN the server is busy; nothing was done");
            break;
        case RAFT_CANTCHANGE:   /* the previous change or the leader's first entry is uncommitted */
        case RAFT_NOCONNECTION: /* too few servers answer, or the target of a transfer does not */
            snprintf(text, sizeof text, "TRYAGAIN %s; nothing was done", raft_errmsg(&s->raft));
            break;
        case RAFT_NOSPACE:
            snprintf(
                text, sizeof text,
                "NOSPACE the disks of a majority of the servers are nearly full; nothing was done");
            break;
        default:
            snprintf(text, sizeof text, "ERR %s", raft_errmsg(&s->raft));
    }
    client_error(c, seq, text);
}
