/* SPDX-License-Identifier: MIT */
/* What is checked: what Raft promises (figure 3.2), what clients see, and what disks keep. */
#include "simulator_impl.h"

#include <string.h>

static struct raft *raft_of(const struct host *host) { return host->sim->driver->raft(host->d); }

void sim_fail(struct host *host, const char *what) {
    struct sim *sim = host->sim;
    if (sim->result->failure[0] == '\0' && !host->dark) {
        snprintf(sim->result->failure, SIM_TEXT, "server %llu: %s", host->id, what);
        sim_note(sim, "FAILURE: %s", sim->result->failure);
    }
}

static void fail_at(struct host *host, const char *what, unsigned long long number) {
    char text[SIM_TEXT - 32]; /* sim_fail() adds the server */
    snprintf(text, sizeof text, "%s %llu", what, number);
    sim_fail(host, text);
}

raft_time sim_clock(const struct host *host) { return host->sim->now; }

/* --- what a disk keeps ----------------------------------------------------- */

/* [promises] */
void check_promise(struct host *host) {
    if (host->d != NULL) {
        host->promised_term = raft_current_term(raft_of(host));
        host->promised_vote = raft_voted_for(raft_of(host));
    }
}

void check_crash(struct host *host) {
    if (host->d != NULL) {
        host->stored = raft_last_stored(raft_of(host));
        host->stored_term = raft_term_of(raft_of(host), host->stored);
    }
}

void check_start(struct host *host) {
    struct raft *r = raft_of(host);
    raft_term term = raft_current_term(r);
    if (host->sim->options.outcomes_only) {
        return;
    }
    if (term < host->promised_term || (term == host->promised_term && host->promised_vote != 0 &&
                                       raft_voted_for(r) != host->promised_vote)) {
        fail_at(host, "has sent messages, and forgotten its term or vote in term",
                host->promised_term);
    }
    if (raft_last_index(r) < host->stored ||
        (host->stored > raft_snapshot_index(r) && host->stored_term != 0 &&
         raft_term_of(r, host->stored) != host->stored_term)) {
        fail_at(host, "told the library that it was durable, and has lost entry", host->stored);
    }
}
/* [promises end] */

void check_forget(struct host *host) { host->applied = host->committed = 0; }

/* --- what Raft promises ----------------------------------------------------- */

/* Election safety: one leader a term. Leader completeness: it has all that is committed. */
static void check_leader(struct host *host) {
    struct sim *sim = host->sim;
    struct raft *r = raft_of(host);
    raft_term term = raft_current_term(r);
    if (raft_state(r) != RAFT_LEADER) {
        return;
    }
    if (term >= SIM_TERMS) {
        sim_fail(host, "the simulator has no room for more terms");
        return;
    }
    if (sim->leaders[term].id == host->id && sim->leaders[term].life == host->life) {
        return;
    }
    if (sim->leaders[term].id != 0) {
        fail_at(host, "is the second leader of term", term);
        return;
    }
    sim->leaders[term].id = host->id;
    sim->leaders[term].life = host->life;
    sim->result->leaders++;
    sim_note(sim, "server %llu leads term %llu", host->id, term);
    for (raft_index i = 1; i <= sim->last_committed; i++) {
        if (i > raft_snapshot_index(r) && sim->committed[i] != 0 &&
            raft_term_of(r, i) != sim->committed[i]) {
            fail_at(host, "leads without the committed entry", i);
            return;
        }
    }
}

/* Committed entries stay. */
static void check_commits(struct host *host) {
    struct sim *sim = host->sim;
    struct raft *r = raft_of(host);
    for (; host->committed < raft_commit_index(r); host->committed++) {
        raft_index i = host->committed + 1;
        raft_term term = raft_term_of(r, i);
        if (i >= SIM_INDEXES) {
            sim_fail(host, "the simulator has no room for more entries");
            return;
        }
        if (term != 0 && sim->committed[i] != 0 && sim->committed[i] != term) {
            fail_at(host, "has committed another entry", i);
            return;
        }
        sim->committed[i] = term != 0 ? term : sim->committed[i];
        sim->last_committed = i > sim->last_committed ? i : sim->last_committed;
    }
}

void check_host(struct host *host) {
    if (host->applied > raft_commit_index(raft_of(host))) { /* when it started */
        fail_at(host, "has applied, before it was committed, entry", host->applied);
    }
    check_commits(host);
    check_leader(host);
}

/* Log matching: below an entry that two logs share, they are equal. */
static void check_pair(struct host *a, struct host *b) {
    struct raft *ra = raft_of(a), *rb = raft_of(b);
    raft_index last = raft_last_index(ra), first = raft_first_index(ra);
    last = raft_last_index(rb) < last ? raft_last_index(rb) : last;
    first = raft_first_index(rb) > first ? raft_first_index(rb) : first;
    bool shared = false;
    for (raft_index i = last; i >= first && i > 0; i--) {
        if (raft_term_of(ra, i) == raft_term_of(rb, i)) {
            shared = true;
        } else if (shared) {
            fail_at(a, "has a log that matches another one above, but not at entry", i);
            return;
        }
    }
}

void check_logs(struct sim *sim) {
    for (unsigned i = 0; i < sim->n; i++) {
        for (unsigned j = i + 1; j < sim->n; j++) {
            if (sim->hosts[i].d != NULL && sim->hosts[j].d != NULL) {
                check_pair(&sim->hosts[i], &sim->hosts[j]);
            }
        }
    }
}

/* State machine safety: all apply the same entries, in order, once, when they are committed. */
void sim_applied(struct host *host, raft_index index, unsigned long long request) {
    struct sim *sim = host->sim;
    if (host->dark) {
        return;
    }
    if (host->d != NULL) {
        check_commits(host); /* now, because a snapshot may follow in the same step */
    }
    if (host->d != NULL && index > raft_commit_index(raft_of(host))) {
        fail_at(host, "has applied, before it was committed, entry", index);
    } else if (index != host->applied + 1 || index >= SIM_INDEXES) {
        fail_at(host, "has applied, out of order, entry", index);
    } else if (sim->applied[index] != 0 && sim->applied[index] != request + 1) {
        fail_at(host, "has applied another command as entry", index);
    } else {
        sim->applied[index] = request + 1;
        sim->value[index] = sim->value[index - 1] + (request != 0);
        host->applied = index;
    }
}

/* A snapshot has the state that results from the entries that it covers. */
void sim_restored(struct host *host, raft_index index, unsigned long long value) {
    struct sim *sim = host->sim;
    if (host->dark) {
        return;
    }
    if (index >= SIM_INDEXES || sim->applied[index] == 0 || sim->value[index] != value) {
        fail_at(host, "has restored another value than that of entry", index);
    }
    host->applied = index;
    sim->result->restored++;
}

/* --- what clients see -------------------------------------------------------- */

void client_begins(struct sim *sim, struct client *client, bool add) {
    *client = (struct client){++sim->n_requests, add, sim->told, sim->now + SIM_PATIENCE};
    sim->n_adds += add;
}

/* [counter] */
/* Is there an order of all operations in which each takes effect between its beginning and its
 * answer? For a counter that is so if no two additions give the same value, and each value is more
 * (of a read: not less) than any that was told before the operation began, and not more than the
 * number of additions that have begun. */
void sim_answer(struct host *host, unsigned long long request, unsigned long long value) {
    struct sim *sim = host->sim;
    struct client *client = sim->clients;
    while (client < sim->clients + SIM_CLIENTS && client->request != request) {
        client++;
    }
    if (host->dark || client == sim->clients + SIM_CLIENTS) {
        return; /* the client has given up */
    }
    if (value < client->at_least + client->add) {
        fail_at(host, "gave a client an old value:", value);
    } else if (value > sim->n_adds || value >= SIM_INDEXES) {
        fail_at(host, "gave a client a value that is too high:", value);
    } else if (client->add && sim->given[value]) {
        fail_at(host, "gave two clients the same value:", value);
    } else {
        sim->given[value] |= client->add;
        sim->told = value > sim->told ? value : sim->told;
        sim->result->answers++;
    }
    client->request = 0;
}
/* [counter end] */

/* Without trouble, all servers agree, and clients are served. */
void check_end(struct sim *sim) {
    check_logs(sim);
    for (unsigned i = 0; i < sim->n; i++) {
        struct host *host = &sim->hosts[i];
        if (host->d == NULL || host->applied != sim->last_committed ||
            sim->result->answers == sim->answers_before) {
            sim_fail(host, "has not recovered when the trouble was over");
        }
    }
}
