/* SPDX-License-Identifier: MIT */
#include "founding.h"

#include <inttypes.h>
#include <stdlib.h>

#include "address.h"
#include "backup.h"
#include "disk.h"
#include "identify.h"
#include "identity.h"
#include "report.h"
#include "server.h"

enum { PAUSE = 500 /* ms between two rounds */ };

struct asked {
    struct server *server;
    const struct raft_server *member;
    uint64_t incarnation;
    bool waiting; /* the log says so */
};

void founding_bootstrap(struct server *s, const struct raft_configuration *conf) {
    struct raft_event event = {.type = RAFT_BOOTSTRAP};
    event.bootstrap.conf = *conf;
    if (backup_restored(&s->store)) {
        server_found_from_backup(s, conf);
    } else if (server_step(s, &event) != 0) {
        die("cannot found the cluster: %s", raft_errmsg(&s->raft));
    }
    disk_sync_log(s); /* before any message is sent */
    store_end_founding(&s->store);
    report("founded cluster %016" PRIx64 " of %u servers", s->store.cluster_id, conf->n);
}

static void found(struct server *s) {
    const struct raft_configuration *list = &s->founding.list.conf;
    struct raft_configuration conf = {xmalloc(list->n * sizeof *conf.servers), list->n};
    char(*addresses)[MAX_FULL_ADDRESS + 1] = xmalloc(list->n * sizeof *addresses);
    for (unsigned i = 0; i < list->n; i++) {
        address_complete(list->servers[i].address, s->founding.asked[i].incarnation, addresses[i]);
        conf.servers[i] = list->servers[i];
        conf.servers[i].address = addresses[i];
    }
    store_save_founding(&s->store, &conf);
    founding_bootstrap(s, &conf);
    free(conf.servers);
    free(addresses);
}

static void ask_all(uv_timer_t *timer);

static void round_done(struct server *s) {
    struct founding *f = &s->founding;
    if (s->store.cluster_id != 0) {
        return; /* another cluster has added this server meanwhile */
    }
    if (f->missing == 0) {
        found(s);
    } else {
        uv_timer_start(&f->pause, ask_all, PAUSE, 0);
    }
}

static void on_answer(void *context, const struct welcome *answer, const char *error,
                      bool refused) {
    struct asked *a = context;
    struct founding *f = &a->server->founding;
    if (answer != NULL) {
        a->incarnation = answer->told.incarnation;
        a->waiting = false;
    } else {
        f->missing++;
        if (!refused && !a->waiting) {
            a->waiting = true;
            report_warn("waiting for server %llu at %s to found the cluster: %s", a->member->id,
                        a->member->address, error);
        }
    }
    if (--f->outstanding == 0) {
        round_done(a->server);
    }
}

static void ask_all(uv_timer_t *timer) {
    struct server *s = timer->data;
    struct founding *f = &s->founding;
    f->missing = 0;
    f->outstanding = f->list.conf.n - 1;
    for (unsigned i = 0; i < f->list.conf.n; i++) {
        struct asked *a = &f->asked[i];
        if (a->member->id == s->options->id) {
            a->incarnation = s->store.incarnation;
        } else {
            peers_identify(&s->peers, PURPOSE_FOUND, a->member->id, a->member->address, on_answer,
                           a);
        }
    }
    if (f->outstanding == 0) { /* this server alone */
        round_done(s);
    }
}

/* Check the list, and return the founder's ID. */
static raft_id check(const struct server *s, const struct raft_configuration *list) {
    const struct options *o = s->options;
    raft_id founder = o->id;
    bool found = false;
    for (unsigned i = 0; i < list->n; i++) {
        const struct raft_server *member = &list->servers[i];
        founder = member->id < founder ? member->id : founder;
        for (unsigned k = 0; k < i; k++) {
            if (list->servers[k].id == member->id) {
                die("--bootstrap: server %llu is in the list twice", member->id);
            }
        }
        if (member->id == o->id) {
            found = true;
            if (strcmp(member->address, o->advertise) != 0) {
                die("--bootstrap: this server's address is %s, but %s in --advertise or --listen",
                    member->address, o->advertise);
            }
        }
    }
    if (!found) {
        die("--bootstrap: server %llu, this one, is not in the list", o->id);
    }
    return founder;
}

void founding_begin(struct server *s) {
    struct founding *f = &s->founding;
    const struct raft_configuration *list = &s->options->bootstrap.conf;
    raft_id founder = check(s, list);
    if (founder != s->options->id) {
        report("waiting for server %llu, which founds the cluster", founder);
        return;
    }
    *f = (struct founding){0};
    members_copy(&f->list, list);
    f->asked = xmalloc(list->n * sizeof *f->asked);
    memset(f->asked, 0, list->n * sizeof *f->asked);
    for (unsigned i = 0; i < list->n; i++) {
        f->asked[i].server = s;
        f->asked[i].member = &f->list.conf.servers[i];
    }
    uv_timer_init(s->loop, &f->pause);
    f->pause.data = s;
    ask_all(&f->pause);
}
