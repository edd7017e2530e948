/* SPDX-License-Identifier: MIT */
/* The payload of a configuration entry, written and read. A program needs this only to make or to
 * inspect a log without the library. */
#include "cluster.h"

/* [encode] */
static unsigned char *put(unsigned char *p, unsigned long long number) {
    for (int i = 0; i < 8; i++) { /* little endian */
        *p++ = (unsigned char)(number >> (8 * i));
    }
    return p;
}

/* Returns the number of bytes, a multiple of 8. */
static size_t encode(const struct raft_configuration *conf, unsigned char *bytes) {
    unsigned char *p = bytes;
    *p++ = 1; /* format */
    p = put(p, conf->n);
    for (unsigned i = 0; i < conf->n; i++) {
        size_t len = strlen(conf->servers[i].address) + 1;
        p = put(p, conf->servers[i].id);
        memcpy(p, conf->servers[i].address, len);
        p += len;
        *p++ = (unsigned char)conf->servers[i].role;
    }
    while ((p - bytes) % 8 != 0) {
        *p++ = 0;
    }
    return (size_t)(p - bytes);
}
/* [encode end] */

/* Let the library decode it: start a server whose log has this entry, and ask it. */
/* [decode] */
static void print(const unsigned char *bytes, size_t len) {
    struct raft r;
    struct raft_update update;
    struct raft_configuration conf;
    struct raft_entry entry = {.term = 1, .type = RAFT_CHANGE};
    struct raft_event event = {.type = RAFT_START};
    entry.buf.base = (void *)bytes;
    entry.buf.len = len;
    event.start.term = 1;
    event.start.start_index = 1;
    event.start.entries = &entry;
    event.start.n_entries = 1;
    CHECK(raft_init(&r, 999, "nobody") == 0);
    CHECK(raft_step(&r, &event, &update) == 0); /* RAFT_MALFORMED: cannot be decoded */
    CHECK(raft_configuration_at(&r, 1, &conf, NULL) == 0);
    for (unsigned i = 0; i < conf.n; i++) {
        printf("server %llu at %s has role %d\n", conf.servers[i].id, conf.servers[i].address,
               conf.servers[i].role);
    }
    raft_close(&r);
}
/* [decode end] */

int main(void) {
    static const unsigned char one[] = {1, 1, 0, 0, 0, 0,   0,   0,   0, 1, 0, 0,
                                        0, 0, 0, 0, 0, 'o', 'n', 'e', 0, 1, 0, 0};
    struct raft_server servers_of_one = {1, "one", RAFT_VOTER};
    struct raft_configuration conf = {&servers_of_one, 1};
    unsigned char bytes[256];
    CHECK(encode(&conf, bytes) == sizeof one && memcmp(bytes, one, sizeof one) == 0);

    /* The library encodes in the same way. */
    struct server *leader = cluster_start(3);
    struct raft_configuration all;
    CHECK(raft_configuration_at(&leader->raft, 1, &all, NULL) == 0);
    size_t len = encode(&all, bytes);
    CHECK(len == leader->log[1].len && memcmp(bytes, leader->log[1].bytes, len) == 0);
    print(bytes, len);
    cluster_stop();
    return 0;
}
