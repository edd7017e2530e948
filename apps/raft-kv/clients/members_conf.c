/* SPDX-License-Identifier: MIT */
#include "members_conf.h"

#include "server.h"

void conf_copy(struct server *s, struct members *m, struct raft_configuration *next) {
    struct raft_configuration conf;
    server_configuration(s, &conf);
    members_copy(m, &conf);
    next->n = conf.n;
    next->servers = xmalloc((conf.n + 1) * sizeof *next->servers);
    memcpy(next->servers, m->conf.servers, conf.n * sizeof *next->servers);
}

struct raft_server *conf_find(struct raft_configuration *conf, raft_id id) {
    for (unsigned i = 0; i < conf->n; i++) {
        if (conf->servers[i].id == id) {
            return &conf->servers[i];
        }
    }
    return NULL;
}

/* The configuration may append further parts to what the operator has written. */
bool conf_address_is(const char *address, const char *written) {
    size_t len = strlen(written);
    return strncmp(address, written, len) == 0 && (address[len] == '\0' || address[len] == '/');
}

const struct raft_server *conf_at(const struct raft_configuration *conf, const char *written) {
    for (unsigned i = 0; i < conf->n; i++) {
        if (conf_address_is(conf->servers[i].address, written)) {
            return &conf->servers[i];
        }
    }
    return NULL;
}

int members_reconfigure(struct server *s, const struct raft_configuration *conf) {
    struct raft_event event = {.type = RAFT_RECONFIGURE};
    event.reconfigure.conf = *conf;
    proposals_submit(s); /* earlier commands precede the change in the log */
    return server_step(s, &event);
}
