/* SPDX-License-Identifier: MIT */
/* Unit tests of identities: addresses with incarnations, the records of a directory, and what other
 * servers remember of it. */
#include "unit.h"

#include <sodium.h>

#include "address.h"
#include "handshake.h"
#include "identity.h"
#include "peer_tickets.h"

static void check_addresses(void) {
    char full[MAX_FULL_ADDRESS + 1];
    uint64_t incarnation = 0;
    address_complete("a:1/b:2", 0xabc, full);
    CHECK(strcmp(full, "a:1/b:2/0000000000000abc") == 0);
    CHECK(address_incarnation(full, &incarnation) && incarnation == 0xabc);
    CHECK(strcmp(address_client(full), "b:2") == 0 && !address_valid(full));
    struct endpoint e;
    CHECK(address_peer(full, &e) && strcmp(e.host, "a") == 0);
    const char *const wrong[] = {"",
                                 "/",
                                 "a:1/b:2",
                                 "a:1/b:2/",
                                 "a:1/b:2/abc",
                                 "a:1/b:2/0000000000000ABC",
                                 "a:1/b:2/000000000000 abc",
                                 "a:1/b:2/0000000000000000",
                                 "a:1/b:2/c:3/0000000000000abc",
                                 "a:1/0000000000000abc"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(!address_incarnation(wrong[i], &incarnation));
    }
    char long_address[2 * MAX_ADDRESS];
    memset(long_address, 'a', sizeof long_address - 1);
    long_address[sizeof long_address - 1] = '\0';
    long_address[600] = '/';
    CHECK(!address_incarnation(long_address, &incarnation));
    CHECK(strcmp(address_client("a:1"), "") == 0);
    long_address[600] = 'a';
    long_address[3] = '/';
    CHECK(strcmp(address_client(long_address), "") == 0); /* too long */
}

static void open_again(struct store *s) {
    store_close(s);
    store_open(s, scratch, "test", 1, 100);
}

static void check_records(void) {
    struct store s;
    remove_tree(scratch);
    store_open(&s, scratch, "test", 1, 100);
    uint64_t incarnation = s.incarnation;
    CHECK(incarnation != 0 && s.cluster_id == 0);
    open_again(&s);
    CHECK(s.incarnation == incarnation && s.cluster_id == 0);
    store_set_cluster_id(&s, 77);
    open_again(&s);
    CHECK(s.cluster_id == 77);
    store_new_cluster_id(&s);
    uint64_t cluster_id = s.cluster_id;
    CHECK(cluster_id != 77 && cluster_id != 0);
    struct raft_server servers[] = {{1, "a:1/b:2/0000000000000abc", RAFT_VOTER},
                                    {2, "a:3/b:4/0000000000000abd", RAFT_VOTER}};
    struct raft_configuration conf = {servers, 2};
    struct members members = {0};
    CHECK(!store_load_founding(&s, &members));
    store_save_founding(&s, &conf);
    CHECK(s.cluster_id != cluster_id && s.cluster_id != 0);
    cluster_id = s.cluster_id;
    open_again(&s);
    CHECK(s.cluster_id == cluster_id && store_load_founding(&s, &members));
    CHECK(members.conf.n == 2 && strcmp(members.conf.servers[1].address, servers[1].address) == 0);
    members_free(&members);
    store_end_founding(&s);
    open_again(&s);
    CHECK(s.cluster_id == cluster_id && !store_load_founding(&s, &members));
    store_close(&s);
    remove_tree(scratch);
    store_open(&s, scratch, "test", 1, 100);
    CHECK(s.incarnation != incarnation);
    store_close(&s);
}

static struct peer_ticket ticket(raft_id id, uint64_t run, uint64_t hard, uint64_t log) {
    return (struct peer_ticket){
        .id = id, .incarnation = 7, .run = run, .synced = {.hard = hard, .log = log}};
}

static bool missing(const struct peer_tickets *t, struct peer_ticket told) {
    return peer_tickets_missing(t, &told) != NULL;
}

static void note(struct peer_tickets *t, struct peer_ticket told, bool direct) {
    peer_tickets_note(t, &told, direct);
}

static void check_tickets(void) {
    static struct peer_tickets t;
    CHECK(!missing(&t, ticket(1, 1, 0, 0)));
    note(&t, ticket(1, 1, 10, 20), true);
    CHECK(!missing(&t, ticket(1, 2, 10, 20)) && !missing(&t, ticket(1, 2, 11, 20)));
    CHECK(missing(&t, ticket(1, 2, 9, 30)) && missing(&t, ticket(1, 2, 30, 19)));
    CHECK(!missing(&t, ticket(1, 1, 9, 19))); /* the same process: an older message */
    CHECK(!missing(&t, ticket(2, 2, 0, 0)));
    struct peer_ticket other = ticket(1, 2, 0, 0);
    other.incarnation = 8;
    CHECK(!missing(&t, other));
    note(&t, ticket(1, 1, 5, 25), true); /* the highest of each is kept */
    CHECK(missing(&t, ticket(1, 2, 9, 25)) && missing(&t, ticket(1, 2, 10, 24)));
    note(&t, ticket(1, 2, 10, 25), true); /* the process was restarted */
    CHECK(!missing(&t, ticket(1, 2, 9, 9)) && missing(&t, ticket(1, 1, 9, 9)));
    note(&t, ticket(1, 1, 10, 20), false); /* an older message, passed on later */
    CHECK(!missing(&t, ticket(1, 2, 9, 9)));
    note(&t, ticket(1, 3, 10, 26), false);
    CHECK(missing(&t, ticket(1, 2, 10, 25)));
}

static void check_stored_tickets(void) {
    static struct peer_tickets t;
    struct store s;
    remove_tree(scratch);
    store_open(&s, scratch, "test", 1, 100);
    peer_tickets_load(&t, &s);
    CHECK(t.n == 0);
    for (raft_id id = 1; id <= MAX_PEER_TICKETS + 1; id++) { /* the first is forgotten */
        note(&t, ticket(id, 1, id, 2 * id), true);
    }
    CHECK(t.n == MAX_PEER_TICKETS && t.changed);
    peer_tickets_save(&t, &s, 499);
    CHECK(t.changed); /* not yet: too early after the last time, 0 */
    peer_tickets_save(&t, &s, 500);
    CHECK(!t.changed);
    note(&t, ticket(2, 1, 2, 4), true);
    CHECK(!t.changed); /* nothing new */
    open_again(&s);
    peer_tickets_load(&t, &s);
    CHECK(t.n == MAX_PEER_TICKETS && !missing(&t, ticket(1, 2, 0, 0)));
    for (raft_id id = 2; id <= MAX_PEER_TICKETS + 1; id++) {
        CHECK(missing(&t, ticket(id, 2, id - 1, 2 * id)) &&
              !missing(&t, ticket(id, 2, id, 2 * id)));
    }
    store_close(&s);
}

static void check_digests(void) {
    struct raft_server a = {1, "a:1/b:2", RAFT_VOTER};
    struct raft_server b = {2, "a:3/b:4", RAFT_VOTER};
    struct raft_server list[] = {a, b};
    struct raft_server reversed[] = {b, a};
    struct raft_configuration none = {NULL, 0};
    struct raft_configuration x = {list, 2};
    struct raft_configuration y = {reversed, 2};
    CHECK(sodium_init() >= 0);
    uint64_t digest = handshake_list_digest(&x);
    CHECK(handshake_list_digest(&none) == 0 && digest != 0);
    CHECK(handshake_list_digest(&y) == digest);
    y.n = 1;
    CHECK(handshake_list_digest(&y) != digest);
    y.n = 2;
    reversed[0].address = "a:3/b:5";
    CHECK(handshake_list_digest(&y) != digest);
    reversed[0] = b;
    reversed[0].id = 3;
    CHECK(handshake_list_digest(&y) != digest);
}

void test_identity(void) {
    check_addresses();
    check_records();
    check_tickets();
    check_stored_tickets();
    check_digests();
}
