/* SPDX-License-Identifier: MIT */
/* Chapter 3: the servers of examples/minimal, without the answers to clients. Each line that a
 * client sends to the leader is set in the map; every server prints what it applies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "minimal.h"

/* [watch] */
/* Print what has changed since the last turn. */
static void watch(struct server *s) {
    static raft_index printed;
    static bool led;
    bool leads = raft_state(&s->raft) == RAFT_LEADER;
    if (leads != led) {
        printf("server %llu %s in term %llu\n", s->raft.id,
               leads ? "leads" : "does not lead any more", raft_current_term(&s->raft));
    }
    led = leads;
    while (printed < s->applied) {
        const struct raft_entry *e = log_range(&s->log, ++printed, 1);
        if (e != NULL && e->type == RAFT_COMMAND) {
            printf("server %llu has applied: %s\n", s->raft.id, (char *)e->buf.base);
        }
    }
    fflush(stdout);
}
/* [watch end] */

/* [submit] */
static void submit(struct server *s, const char *text) {
    struct raft_entry entry = map_command(text, "");
    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = &entry;
    event.submit.n = 1;
    if (step(s, &event) != 0) {
        printf("server %llu has refused: %s\n", s->raft.id, raft_errmsg(&s->raft));
    }
    free(entry.buf.base); /* the log has a copy */
}

/* Called by the loop in each turn. */
bool clients_run(struct server *s) {
    bool more = false;
    for (struct link *l = s->links; l != NULL; l = l->next) {
        size_t len;
        char *line = transport_line(l, &len);
        if (line != NULL) {
            submit(s, line);
            bytes_drop(&l->in, len);
            more = true;
        }
    }
    watch(s);
    return more;
}
/* [submit end] */

void clients_read(struct server *s, const struct raft_read *read) {
    die("server %llu has answered a read, %llu, that nobody has asked", s->raft.id, read->id);
}
