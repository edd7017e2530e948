/* SPDX-License-Identifier: MIT */
/* Adding and removing servers. */
#include <stdlib.h>
#include <string.h>

#include "minimal.h"

/* [reconfigure] */
/* Put `changed` in the place of the member with its ID, or leave that one out. */
static int reconfigure(struct server *s, struct raft_configuration conf, raft_id id,
                       const struct raft_server *changed) {
    struct raft_server *servers = resize(NULL, (conf.n + 1) * sizeof *servers);
    struct raft_install_snapshot with_conf = {.conf = {servers, 0}};
    struct wire_message copy = {.memory = NULL};
    struct raft_event event = {.type = RAFT_RECONFIGURE};
    for (unsigned i = 0; i < conf.n; i++) {
        if (conf.servers[i].id != id) {
            servers[with_conf.conf.n++] = conf.servers[i];
        }
    }
    if (changed != NULL) {
        servers[with_conf.conf.n++] = *changed;
    }
    snapshot_copy(&copy, &with_conf); /* the addresses are the library's, until the next step */
    event.reconfigure.conf = copy.message.install_snapshot.conf;
    int error = step(s, &event);
    wire_free(&copy);
    free(servers);
    return error;
}
/* [reconfigure end] */

/* [change] */
/* Called in each turn while a client waits for a change; does the next thing that is due. */
void members_change(struct server *s, struct link *l) {
    struct raft_configuration conf = {0};
    raft_index at = 0;
    struct raft_server added = {.id = l->member, .address = l->argument, .role = RAFT_STANDBY};
    const struct raft_server *is = NULL;
    int status = RAFT_CATCH_UP_NONE, error = 0;
    raft_configuration_at(&s->raft, raft_last_index(&s->raft), &conf, &at);
    for (unsigned i = 0; i < conf.n; i++) {
        is = conf.servers[i].id == l->member ? &conf.servers[i] : is;
    }
    raft_catch_up(&s->raft, l->member, &status);
    raft_index commit = raft_commit_index(&s->raft);
    bool committed = raft_term_of(&s->raft, commit) == raft_current_term(&s->raft);
    if (raft_state(&s->raft) != RAFT_LEADER) {
        error = RAFT_NOTLEADER;
    } else if (!committed || at > commit || status == RAFT_CATCH_UP_RUNNING) {
        return; /* wait: for an entry of this leader's term, the last change, the catch-up */
    } else if (l->argument == NULL && is != NULL) {
        error = reconfigure(s, conf, l->member, NULL);
    } else if (l->argument == NULL) {
        reply(l, "ok");
    } else if (is == NULL) {
        error = reconfigure(s, conf, l->member, &added);
    } else if (strcmp(is->address, l->argument) != 0) {
        reply(l, "error the server has the address %s", is->address);
    } else if (is->role == RAFT_VOTER) {
        reply(l, "ok");
    } else if (status == RAFT_CATCH_UP_FINISHED) {
        added.role = RAFT_VOTER;
        error = reconfigure(s, conf, l->member, &added);
    } else if (l->catching_up) {
        reply(l, "error the server is too slow, and has become a standby");
    } else {
        struct raft_event event = {.type = RAFT_CATCH_UP};
        event.catch_up.server_id = l->member;
        l->catching_up = true;
        error = step(s, &event);
    }
    if (error != 0) {
        refuse(s, l, error);
    }
}
/* [change end] */
