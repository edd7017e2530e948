/* SPDX-License-Identifier: MIT */
/* The extern "C" functions, except for raft_step() (step.cpp): the handle, getters and setters.
 * They check pointers; the rules of Raft are elsewhere. */
#include "base/untrusted.hpp"
#include "rules/election_start.hpp"
#include "rules/snapshot_transfer.hpp"
#include "state/server.hpp"
#include "state/tracker.hpp"

#include <new>

static_assert(sizeof(struct raft) == 64);
static_assert(sizeof(raft_read) == 40);

using namespace libraft;

namespace {

/* May a setter change the raft? */
int check_setter(const Server *s) {
    if (s == nullptr) {
        return RAFT_INVALID;
    }
    return s->in_tracer ? int{RAFT_BUSY} : 0;
}

/* Return the code of a setter, and keep its reason for raft_errmsg(). */
int finish(Server &s, int code, const char *why) {
    s.why = why;
    return code;
}

/* An older text would be taken for this setter's. */
int succeed(Server &s) { return finish(s, 0, ""); }

/* Change a setting. Once the server is started, it must be able to run with the result.
 * `invalid`: why the argument is not allowed at any time; NULL if it is. */
template <class Change>
int set(struct raft *r, Change change, const char *invalid = nullptr) {
    Server *s = server_of(r);
    if (const int rv = check_setter(s); rv != 0) {
        return rv;
    }
    Settings &settings = settings_of(*r);
    Settings changed = settings;
    change(changed);
    changed.derive_features();
    if (invalid == nullptr && s->started) {
        invalid = changed.contradiction();
    }
    if (invalid != nullptr) {
        return finish(*s, RAFT_INVALID, invalid);
    }
    const Settings before = settings;
    settings = changed;
    s->fast_path = FastPath::kNone;
    if (s->started) {
        const UsesSettings uses(*s, *r);
        election_start::follow_settings(*s, before);
    }
    return succeed(*s);
}

/* What a leader knows of a member. */
int find_member(const struct raft *r, raft_id id, const void *result, const Peer **found) {
    const Server *s = server_of(r);
    if (s == nullptr || result == nullptr) {
        return RAFT_INVALID;
    }
    if (!s->leads()) {
        return RAFT_NOTLEADER;
    }
    *found = s->tracker->find(id);
    return *found != nullptr && !(*found)->departing ? 0 : int{RAFT_BADID};
}

} // namespace

int raft_init(struct raft *r, raft_id id, const char *address) {
    if (r == nullptr) {
        return RAFT_INVALID;
    }
    memset(r, 0, sizeof *r);
    if (address == nullptr) {
        return RAFT_INVALID;
    }
    if (id == 0) {
        return RAFT_BADID;
    }
    Server *s = new_server(id, address);
    if (s == nullptr) {
        return RAFT_NOMEM;
    }
    r->id = id;
    r->impl = s;
    new (&r->reserved) Settings;
    return 0;
}

int raft_close(struct raft *r) {
    if (r == nullptr) {
        return RAFT_INVALID;
    }
    Server *s = server_of(r);
    if (s != nullptr) {
        if (s->in_tracer) {
            return RAFT_BUSY;
        }
        release(s);
    }
    memset(r, 0, sizeof *r);
    return 0;
}

unsigned raft_version(const struct raft * /* may be NULL */) { return RAFT_VERSION; }

raft_term raft_current_term(const struct raft *r) {
    const Server *s = server_of(r);
    return s != nullptr ? s->term : 0;
}

raft_id raft_voted_for(const struct raft *r) {
    const Server *s = server_of(r);
    return s != nullptr ? s->voted_for : 0;
}

enum raft_state raft_state(struct raft *r) {
    const Server *s = server_of(r);
    return static_cast<enum raft_state>(s != nullptr ? s->state : 0);
}

raft_index raft_commit_index(const struct raft *r) {
    const Server *s = server_of(r);
    return s != nullptr ? s->commit : 0;
}

raft_time raft_timeout(const struct raft *r) {
    const Server *s = server_of(r);
    return s != nullptr ? s->deadline : 0;
}

raft_index raft_last_index(const struct raft *r) {
    const Server *s = server_of(r);
    return s != nullptr ? s->log.last() : 0;
}

raft_index raft_first_index(const struct raft *r) {
    const Server *s = server_of(r);
    return s != nullptr ? s->log.first() : 0;
}

raft_index raft_last_stored(const struct raft *r) {
    const Server *s = server_of(r);
    return s != nullptr ? s->last_stored : 0;
}

raft_index raft_snapshot_index(const struct raft *r) {
    const Server *s = server_of(r);
    return s != nullptr ? s->snapshot_index : 0;
}

raft_index raft_oldest_snapshot_index(const struct raft *r) {
    const Server *s = server_of(r);
    return s != nullptr ? snapshot_transfer::oldest(*s) : 0;
}

raft_term raft_term_of(const struct raft *r, raft_index index) {
    const Server *s = server_of(r);
    return s != nullptr ? s->log.term_of(index) : 0;
}

int raft_role(const struct raft *r) {
    const Server *s = server_of(r);
    const raft_server *own =
        s != nullptr && s->configuration != nullptr ? s->configuration->find(s->id) : nullptr;
    return own != nullptr ? own->role : -1;
}

void raft_leader(const struct raft *r, raft_id *id, const char **address) {
    const Server *s = server_of(r);
    if (id != nullptr) {
        *id = s != nullptr ? s->leader : 0;
    }
    if (address != nullptr) {
        *address = s != nullptr ? s->leader_address_told() : nullptr;
    }
}

int raft_match_index(const struct raft *r, raft_id id, raft_index *index) {
    const Peer *p;
    int rv = find_member(r, id, index, &p);
    if (rv == 0) {
        *index = p->match;
    }
    return rv;
}

int raft_progress(const struct raft *r, raft_id id, struct raft_peer *peer) {
    const Peer *p;
    int rv = find_member(r, id, peer, &p);
    if (rv == 0) {
        *peer = {p->is_replicated_to() ? p->mode : int{RAFT_PROGRESS_NONE},
                 p->features,
                 p->capacity,
                 p->match,
                 p->next,
                 p->contact,
                 p->is_sent_snapshot() ? p->snapshot_index : 0,
                 p->is_sent_snapshot() ? p->snapshot_offset() : 0,
                 p->losses,
                 {}};
    }
    return rv;
}

int raft_catch_up(const struct raft *r, raft_id id, int *status) {
    const Peer *p;
    int rv = find_member(r, id, status, &p);
    if (rv == 0) {
        *status = p->catch_up;
    }
    return rv;
}

raft_id raft_transferee(const struct raft *r) {
    const Server *s = server_of(r);
    return s != nullptr && s->tracker ? s->tracker->transfer.to : 0;
}

const char *raft_errmsg(const struct raft *r) {
    const Server *s = server_of(r);
    return s != nullptr ? s->why : "the raft is NULL or not initialized";
}

int raft_configuration_at(const struct raft *r, raft_index index, struct raft_configuration *conf,
                          raft_index *conf_index) {
    const Server *s = server_of(r);
    if (s == nullptr || conf == nullptr) {
        return RAFT_INVALID;
    }
    const bool held = index >= s->snapshot_index && index <= s->log.last();
    const Configuration *c = held ? s->configuration_at(index) : nullptr;
    if (c == nullptr) {
        return RAFT_NOTFOUND;
    }
    *conf = c->view();
    if (conf_index != nullptr) {
        *conf_index = c->index;
    }
    return 0;
}

int raft_seed(struct raft *r, unsigned seed) {
    Server *s = server_of(r);
    if (const int rv = check_setter(s); rv != 0) {
        return rv;
    }
    s->random = Random(s->id, seed);
    return succeed(*s);
}

int raft_set_election_timeout(struct raft *r, unsigned msecs) {
    return set(r, [=](Settings &s) { s.election_timeout = msecs; });
}

int raft_set_heartbeat_timeout(struct raft *r, unsigned msecs) {
    return set(r, [=](Settings &s) { s.heartbeat_timeout = msecs; });
}

int raft_set_install_snapshot_timeout(struct raft *r, unsigned msecs) {
    return set(r, [=](Settings &s) { s.snapshot_timeout = msecs; });
}

int raft_set_pre_vote(struct raft *r, unsigned enabled) {
    Server *s = server_of(r);
    const bool on = enabled != 0;
    const bool was_on = s != nullptr && settings_of(*r).pre_vote;
    const int rv = set(r, [=](Settings &settings) { settings.pre_vote = on; });
    if (rv == 0 && was_on) {
        s->pre_vote_terms = kDoubtfulTerms;
    }
    return rv;
}

int raft_set_max_catch_up_rounds(struct raft *r, unsigned rounds) {
    return set(r, [=](Settings &s) { s.max_catch_up_rounds = rounds; });
}

int raft_set_max_catch_up_round_duration(struct raft *r, unsigned msecs) {
    return set(r, [=](Settings &s) { s.max_catch_up_round_duration = msecs; });
}

int raft_set_max_inflight_entries(struct raft *r, unsigned n) {
    return set(r, [=](Settings &s) { s.max_inflight_entries = n; });
}

int raft_set_max_message_entries(struct raft *r, unsigned n) {
    return set(r, [=](Settings &s) { s.max_message_entries = n; });
}

int raft_set_max_uncommitted_entries(struct raft *r, unsigned n) {
    return set(r, [=](Settings &s) { s.max_uncommitted_entries = n; });
}

int raft_set_election_delay(struct raft *r, unsigned msecs) {
    return set(r, [=](Settings &s) { s.election_delay = msecs; });
}

int raft_set_eager_commit(struct raft *r, unsigned enabled) {
    return set(r, [=](Settings &s) { s.eager_commit = enabled != 0; });
}

int raft_set_idle_timeout(struct raft *r, unsigned msecs) {
    return set(r, [=](Settings &s) { s.idle_timeout = msecs; });
}

int raft_set_capacity_threshold(struct raft *r, unsigned short min) {
    return set(r, [=](Settings &s) { s.capacity_threshold = min; });
}

int raft_set_features(struct raft *r, unsigned mask) {
    constexpr unsigned kKnown = RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS |
                                RAFT_FEATURE_JOINT | RAFT_FEATURE_SLEEP;
    return set(
        r, [=](Settings &s) { s.transmitted = static_cast<uint16_t>(mask); },
        (mask & ~kKnown) != 0 ? "features: a bit is not known to this version" : nullptr);
}

int raft_set_tracer(struct raft *r, struct raft_tracer *t) {
    Server *s = server_of(r);
    if (const int rv = check_setter(s); rv != 0) {
        return rv;
    }
    if (t != nullptr && t->emit == nullptr) {
        return finish(*s, RAFT_INVALID, "tracer: emit is NULL");
    }
    s->tracer = t;
    s->fast_path = FastPath::kNone;
    return succeed(*s);
}
