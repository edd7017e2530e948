/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "address.h"
#include "client.h"
#include "commands.h"
#include "disk.h"
#include "report.h"

enum {
    BACKLOG = 1024,
    APPLY_ENTRIES = 4096, /* limits for one iteration of the event loop */
    APPLY_BYTES = 4 * 1024 * 1024,
    STOP_WAIT = 1000 /* ms */
};

raft_time server_now(void) { return uv_hrtime() / 1000000; }

bool server_leads(const struct server *s) {
    return raft_state((struct raft *)&s->raft) == RAFT_LEADER;
}

const char *server_state_name(const struct server *s) {
    static const char *const names[] = {"?", "follower", "candidate", "leader"};
    return names[raft_state((struct raft *)&s->raft) & 3];
}

void server_configuration(const struct server *s, struct raft_configuration *conf) {
    *conf = (struct raft_configuration){NULL, 0};
    raft_configuration_at(&s->raft, raft_last_index(&s->raft), conf, NULL);
}

const char *server_leader_address(const struct server *s) {
    static char client[MAX_ADDRESS + 1]; /* its own: that of address_client() is soon used again */
    const char *address = NULL;
    raft_leader(&s->raft, NULL, &address);
    snprintf(client, sizeof client, "%s", address != NULL ? address_client(address) : "");
    return client[0] != '\0' ? client : NULL;
}

/* --- carrying out an update ---------------------------------------------- */

/* Append an update's entries to the log. Entries of clients and of received messages have a block
 * that holds their payload. The payload of an entry made by libraft is copied into a new block. */
static void on_entries(struct server *s, const struct raft_update_entries *u) {
    static struct log_entry *entries;
    static unsigned cap;
    if (u->n > cap) {
        cap = u->n;
        entries = xrealloc(entries, cap * sizeof *entries);
    }
    for (unsigned i = 0; i < u->n; i++) {
        const struct raft_entry *e = &u->batch[i];
        struct block *block = e->batch;
        const char *data = e->buf.base;
        if (block == NULL) {
            block = block_new(e->buf.len);
            memcpy(block->data, data, e->buf.len);
            data = block->data;
        }
        entries[i] = (struct log_entry){.term = e->term,
                                        .block = block,
                                        .data = data,
                                        .len = (uint32_t)e->buf.len,
                                        .type = (uint8_t)e->type};
    }
    proposals_replaced(s, u->index);
    log_append(&s->log, u->index, entries, u->n);
    s->write = u->write;
    for (unsigned i = 0; i < u->n; i++) {
        if (u->batch[i].type == RAFT_CHANGE) {
            watch_configuration(s, u->index + i, false);
        }
        if (u->batch[i].batch == NULL) {
            block_unref(entries[i].block); /* the log has its own reference */
        }
    }
}

/* An update has at most one message with entries for each server, because the number of entries in
 * a message is not limited. */
static void send_entries(struct server *s, struct raft_message *message) {
    const struct raft_append_entries *m = &message->append_entries;
    unsigned asked = m->n_entries;
    peers_send(&s->peers, message);
    if (m->n_entries < asked && s->n_cuts < MAX_SERVERS) {
        s->cuts[s->n_cuts++] = (struct cut){message->server_id, m->prev_log_index + m->n_entries};
    }
}

static void on_messages(struct server *s, struct raft_message *messages, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        if (messages[i].type == RAFT_INSTALL_SNAPSHOT) {
            watch_snapshot(s, messages[i].server_id);
        }
        if (messages[i].type == RAFT_APPEND_ENTRIES) {
            send_entries(s, &messages[i]);
        } else if (messages[i].type != RAFT_INSTALL_SNAPSHOT ||
                   dump_attach(s, &messages[i].install_snapshot)) {
            peers_send(&s->peers, &messages[i]);
        }
    }
}

static void on_role(struct server *s) {
    raft_id leader;
    raft_leader(&s->raft, &leader, NULL);
    report("%s in term %llu, leader %llu", server_state_name(s), raft_current_term(&s->raft),
           leader);
}

void server_carry_out(struct server *s, struct raft_update *u) {
    if (u->flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) {
        store_save_hard_state(&s->store, raft_current_term(&s->raft), raft_voted_for(&s->raft));
    }
    if (u->flags & RAFT_UPDATE_ENTRIES) {
        on_entries(s, &u->entries);
    }
    if (u->flags & RAFT_UPDATE_SNAPSHOT) {
        install_chunk(s, &u->snapshot);
    }
    if (u->flags & RAFT_UPDATE_MESSAGES) {
        on_messages(s, u->messages.batch, u->messages.n);
    }
    if (u->flags & RAFT_UPDATE_READS) {
        reads_answered(s, u->reads.batch, u->reads.n);
    }
    if (u->flags & (RAFT_UPDATE_STATE | RAFT_UPDATE_LEADER)) {
        on_role(s);
    }
}

static int step(struct server *s, struct raft_event *event) {
    struct raft_update update;
    event->time = server_now();
    event->capacity = (unsigned short)s->space.level;
    int error = raft_step(&s->raft, event, &update);
    if (error == RAFT_NOMEM) {
        die("out of memory");
    }
    if (error == 0) {
        server_carry_out(s, &update);
        watch_committed(s);
        if (raft_last_index(&s->raft) != s->log.last) {
            die("internal error: the log ends at %llu, libraft's log at %llu", s->log.last,
                raft_last_index(&s->raft));
        }
    }
    return error;
}

/* Say which entries were too large for a message. The updates of these steps ask for the next ones,
 * which may be cut in turn. */
static void report_cuts(struct server *s) {
    while (s->n_cuts > 0) {
        const struct cut cut = s->cuts[--s->n_cuts];
        struct raft_event event = {.type = RAFT_SENT};
        event.sent.server_id = cut.id;
        event.sent.index = cut.sent;
        step(s, &event);
    }
}

int server_step(struct server *s, struct raft_event *event) {
    int error = step(s, event);
    report_cuts(s);
    return error;
}

/* --- applying ------------------------------------------------------------ */

/* While an idle handle is active the event loop does not wait. Stop it after one iteration. */
static void on_again(uv_idle_t *again) { uv_idle_stop(again); }

void server_again(struct server *s) { uv_idle_start(&s->again, on_again); }

/* Apply entries that are committed. They need not be durable on this server, so that the fastest
 * majority decides how long a write takes. But the data are written to the database only when all
 * applied entries are durable here: then they are never ahead of the log after a crash. */
static void apply(struct server *s) {
    raft_index limit = raft_commit_index(&s->raft);
    if (s->hold_data && limit > raft_last_stored(&s->raft)) {
        limit = raft_last_stored(&s->raft);
    }
    size_t bytes = 0; /* of entries and of the replies to them */
    raft_index index = s->data.applied + 1;
    raft_index end = index + APPLY_ENTRIES;
    if (index > limit || s->install.loading || data_full(&s->data)) {
        return;
    }
    for (; index <= limit && index < end && bytes < APPLY_BYTES && !data_full(&s->data); index++) {
        const struct log_entry *e = log_get(&s->log, index);
        if (e == NULL) {
            die("internal error: entry %llu is committed but not in the log", index);
        }
        bool command = e->type == RAFT_COMMAND;
        if (index > s->log.written && e->len >= s->store.values.large) {
            return; /* its place is not known before it is written: see values.h */
        }
        raft_term term = e->term;
        struct result result =
            data_apply_at(&s->data, index, command ? e->data : NULL, command ? e->len : 0,
                          e->place.file != 0 ? &e->place : NULL);
        uint64_t before = s->reply_bytes;
        bytes += e->len;
        if (command && e->len > 0 && e->data[0] == OP_DEL) {
            space_deleted(&s->space, result.integer);
        }
        if (e->type == RAFT_CHANGE) {
            watch_configuration(s, index, true);
        }
        proposals_applied(s, index, term, &result);
        bytes += s->reply_bytes - before;
    }
    if (index <= limit) {
        server_again(s);
    }
}

/* --- the loop ------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer) {
    struct server *s = timer->data;
    struct raft_event event = {.type = RAFT_TIMEOUT};
    s->armed = 0;
    server_step(s, &event);
}

static void arm(struct server *s) {
    raft_time due = raft_timeout(&s->raft);
    if (due == s->armed) {
        return;
    }
    s->armed = due;
    raft_time now = server_now();
    uv_update_time(s->loop);
    uv_timer_start(&s->timer, on_timer, due > now ? due - now : 0, 0);
}

void server_stop(struct server *s) {
    struct raft_event event = {.type = RAFT_TRANSFER}; /* to any server */
    report("stopping");
    s->stopping = server_now();
    uv_close((uv_handle_t *)&s->listener, NULL);
    proposals_submit(s);
    if (server_leads(s) && server_step(s, &event) != 0) {
        report_warn("cannot hand leadership over: %s", raft_errmsg(&s->raft));
    }
}

/* While leadership is handed over, the loop runs on: the next leader may need entries. */
static bool may_stop(struct server *s) {
    const struct proposals *p = &s->proposals;
    bool transferring = server_leads(s) && raft_transferee(&s->raft) != 0;
    bool unanswered = p->head != p->tail || s->reads.in_flight > 0;
    return (!transferring && !unanswered) || server_now() >= s->stopping + STOP_WAIT;
}

/* Runs once per iteration of the event loop, after all input and before waiting. */
void server_on_turn(uv_prepare_t *prepare) {
    struct server *s = prepare->data;
    reads_turn(s);
    do {
        proposals_submit(s);
        reads_begin(s);
        peers_report(&s->peers);
        peers_flush(&s->peers); /* first, so that the other servers write while this one does */
        disk_write_log(s);
        apply(s);
        if (!s->install.loading) {
            reads_serve(s);
        }
        members_progress(s);
    } while (clients_resume(s) || s->proposals.n > 0);
    compaction_check(s);
    disk_write_data(s);
    peers_flush(&s->peers);
    clients_flush(s);
    watch_turn(s);
    if (s->resumed != NULL) { /* all replies were sent at once, or the reads take another turn */
        server_again(s);
    }
    arm(s);
    if (s->stopping != 0 && may_stop(s)) {
        uv_stop(s->loop);
    }
}

static bool is_loopback(const struct sockaddr *at) {
    if (at->sa_family == AF_INET) {
        return ntohl(((const struct sockaddr_in *)at)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    const struct in6_addr *six = &((const struct sockaddr_in6 *)at)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(six) ||
           (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == IN_LOOPBACKNET);
}

void server_listen(uv_loop_t *loop, uv_tcp_t *listener, const char *at,
                   uv_connection_cb on_connection, const char *beyond) {
    struct endpoint e;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    if (!endpoint_parse(at, &e) || getaddrinfo(e.host, e.port, &hints, &found) != 0) {
        die("cannot listen at %s: invalid address", at);
    }
    if (beyond != NULL && !is_loopback(found->ai_addr)) {
        die("refusing to listen at %s, %s", at, beyond);
    }
    uv_tcp_init(loop, listener);
    int error = uv_tcp_bind(listener, found->ai_addr, 0);
    if (error == 0) {
        error = uv_listen((uv_stream_t *)listener, BACKLOG, on_connection);
    }
    if (error != 0) {
        die("cannot listen at %s: %s", at, uv_strerror(error));
    }
    freeaddrinfo(found);
}
