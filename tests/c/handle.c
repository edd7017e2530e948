/* SPDX-License-Identifier: MIT */
/* Calls on a NULL, zeroed, unstarted or closed raft. Compiled as C and as C++. */
#include <raft.h>

#include <stdio.h>
#include <string.h>

static int failures;
static int checks;

#define CHECK(condition)                                                          \
    do {                                                                          \
        ++checks;                                                                 \
        if (!(condition)) {                                                       \
            printf("%s:%d: this is false: %s\n", __FILE__, __LINE__, #condition); \
            ++failures;                                                           \
        }                                                                         \
    } while (0)

static int all_zero(const void *base, size_t len) {
    const unsigned char *byte = (const unsigned char *)base;
    size_t i;
    for (i = 0; i < len; ++i) {
        if (byte[i] != 0) {
            return 0;
        }
    }
    return 1;
}

static struct raft_event event_of(enum raft_event_type type) {
    struct raft_event e;
    memset(&e, 0, sizeof e);
    e.time = 1;
    e.type = type;
    return e;
}

/* Getters return 0 or NULL, or -1 for a role. */
static void check_getters(struct raft *r) {
    struct raft_configuration conf;
    struct raft_peer progress;
    raft_index index = 7;
    raft_id id = 7;
    const char *address = "untouched";
    int status = 7;
    CHECK(raft_current_term(r) == 0);
    CHECK(raft_voted_for(r) == 0);
    CHECK((int)raft_state(r) == RAFT_UNAVAILABLE);
    CHECK(raft_commit_index(r) == 0);
    CHECK(raft_timeout(r) == 0);
    CHECK(raft_last_index(r) == 0);
    CHECK(raft_first_index(r) == 0);
    CHECK(raft_last_stored(r) == 0);
    CHECK(raft_snapshot_index(r) == 0);
    CHECK(raft_oldest_snapshot_index(r) == 0);
    CHECK(raft_term_of(r, 1) == 0);
    CHECK(raft_role(r) == -1);
    raft_leader(r, &id, &address);
    CHECK(id == 0);
    CHECK(address == NULL);
    raft_leader(r, NULL, NULL);
    CHECK(raft_match_index(r, 1, &index) == RAFT_INVALID);
    CHECK(raft_progress(r, 1, &progress) == RAFT_INVALID);
    CHECK(raft_catch_up(r, 1, &status) == RAFT_INVALID);
    CHECK(raft_transferee(r) == 0);
    CHECK(raft_configuration_at(r, 1, &conf, &index) == RAFT_INVALID);
    CHECK(raft_errmsg(r) != NULL && raft_errmsg(r)[0] != 0);
    CHECK(raft_version(r) == RAFT_VERSION);
}

static void check_step(struct raft *r) {
    int type;
    for (type = 0; type <= 21; ++type) {
        struct raft_event e = event_of((enum raft_event_type)type);
        struct raft_update u;
        memset(&u, 0xff, sizeof u);
        CHECK(raft_step(r, &e, &u) == RAFT_INVALID);
        CHECK(u.flags == 0);
    }
}

static void check_setters(struct raft *r) {
    CHECK(raft_seed(r, 1) == RAFT_INVALID);
    CHECK(raft_set_election_timeout(r, 500) == RAFT_INVALID);
    CHECK(raft_set_heartbeat_timeout(r, 50) == RAFT_INVALID);
    CHECK(raft_set_install_snapshot_timeout(r, 50) == RAFT_INVALID);
    CHECK(raft_set_pre_vote(r, 1) == RAFT_INVALID);
    CHECK(raft_set_max_catch_up_rounds(r, 5) == RAFT_INVALID);
    CHECK(raft_set_max_catch_up_round_duration(r, 5) == RAFT_INVALID);
    CHECK(raft_set_max_inflight_entries(r, 5) == RAFT_INVALID);
    CHECK(raft_set_max_message_entries(r, 5) == RAFT_INVALID);
    CHECK(raft_set_max_uncommitted_entries(r, 5) == RAFT_INVALID);
    CHECK(raft_set_election_delay(r, 5) == RAFT_INVALID);
    CHECK(raft_set_eager_commit(r, 1) == RAFT_INVALID);
    CHECK(raft_set_idle_timeout(r, 5) == RAFT_INVALID);
    CHECK(raft_set_capacity_threshold(r, 5) == RAFT_INVALID);
    CHECK(raft_set_features(r, 2) == RAFT_INVALID);
    CHECK(raft_set_tracer(r, NULL) == RAFT_INVALID);
}

static void check_unusable(struct raft *r) {
    check_getters(r);
    check_step(r);
    check_setters(r);
}

static void check_init_errors(void) {
    struct raft r;
    memset(&r, 0, sizeof r);
    CHECK(raft_init(NULL, 1, "one") == RAFT_INVALID);
    CHECK(raft_init(&r, 1, NULL) == RAFT_INVALID);
    CHECK(raft_init(&r, 0, "one") == RAFT_BADID);
    CHECK(raft_close(&r) == 0); /* a raft can be closed after raft_init() failed */
}

static void check_init_start_close(void) {
    struct raft r;
    struct raft_event e;
    struct raft_update u;
    struct raft_configuration conf;
    struct raft_peer progress;
    memset(&r, 0xa5, sizeof r); /* raft_init() ignores the previous content */
    CHECK(raft_init(&r, 42, "forty-two") == 0);
    CHECK(r.id == 42);
    CHECK(raft_state(&r) == RAFT_FOLLOWER);
    CHECK(raft_role(&r) == -1);
    CHECK(raft_errmsg(&r) != NULL && raft_errmsg(&r)[0] == 0);
    CHECK(raft_version(&r) == RAFT_VERSION);
    CHECK(raft_timeout(&r) == 0x7fffffffffffffffULL);
    /* Before RAFT_START, every other event is an error. */
    {
        int type;
        for (type = 2; type <= 19; ++type) {
            e = event_of((enum raft_event_type)type);
            CHECK(raft_step(&r, &e, &u) == RAFT_INVALID);
            CHECK(u.flags == 0);
        }
    }
    /* NULL arguments. */
    e = event_of(RAFT_START);
    CHECK(raft_step(&r, NULL, &u) == RAFT_INVALID);
    CHECK(raft_step(&r, &e, NULL) == RAFT_INVALID);
    CHECK(raft_step(NULL, &e, &u) == RAFT_INVALID);
    CHECK(u.flags == 0);
    CHECK(raft_match_index(&r, 1, NULL) == RAFT_INVALID);
    CHECK(raft_progress(&r, 1, NULL) == RAFT_INVALID);
    CHECK(raft_catch_up(&r, 1, NULL) == RAFT_INVALID);
    CHECK(raft_configuration_at(&r, 1, NULL, NULL) == RAFT_INVALID);
    CHECK(raft_configuration_at(&r, 1, &conf, NULL) == RAFT_NOTFOUND);
    CHECK(raft_step(&r, &e, &u) == 0);
    CHECK(raft_first_index(&r) == 1);
    CHECK(raft_progress(&r, 1, &progress) == RAFT_NOTLEADER);
    CHECK(raft_close(&r) == 0);
    CHECK(all_zero(&r, sizeof r));
    CHECK(raft_close(&r) == 0); /* a second close is harmless */
    check_unusable(&r);
}

/* A step or close of one raft does not affect another. */
static void check_distinct(void) {
    struct raft a;
    struct raft b;
    struct raft_event e = event_of(RAFT_START);
    struct raft_update u;
    CHECK(raft_init(&a, 1, "a") == 0);
    CHECK(raft_init(&b, 2, "b") == 0);
    CHECK(raft_step(&a, &e, &u) == 0);
    CHECK(raft_step(&a, &e, &u) == RAFT_INVALID);
    CHECK(raft_step(&b, &e, &u) == 0);
    CHECK(raft_close(&a) == 0);
    CHECK(raft_last_index(&b) == 0);
    CHECK(raft_state(&b) == RAFT_FOLLOWER);
    CHECK(raft_close(&b) == 0);
}

int main(void) {
    struct raft zeroed;
    memset(&zeroed, 0, sizeof zeroed);
    CHECK(raft_close(NULL) == RAFT_INVALID);
    check_unusable(NULL);
    check_unusable(&zeroed);
    CHECK(all_zero(&zeroed, sizeof zeroed));
    CHECK(raft_close(&zeroed) == 0);
    check_init_errors();
    check_init_start_close();
    check_distinct();
    printf("%d checks, %d failed\n", checks, failures);
    return failures == 0 ? 0 : 1;
}
