/* SPDX-License-Identifier: MIT */
#include "identity.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "report.h"

enum { FORMAT = 5 };
#define IDENTITY_KEY "identity"
#define CLUSTER_KEY "cluster"
#define FOUNDING_KEY "founding"

static uint64_t random_id(void) {
    uint64_t id = 0;
    while (id == 0) {
        if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id) {
            die("cannot get random numbers: %s", strerror(errno));
        }
    }
    return id;
}

static void put(rocksdb_writebatch_t *batch, struct store *s, const char *key,
                const struct buf *b) {
    rocksdb_writebatch_put_cf(batch, s->meta, key, strlen(key), b->data, b->len);
}

static void put_number(rocksdb_writebatch_t *batch, struct store *s, const char *key,
                       uint64_t value) {
    struct buf b = {0};
    buf_put_int(&b, value, 8);
    put(batch, s, key, &b);
    buf_free(&b);
}

static void write_synced(struct store *s, rocksdb_writebatch_t *batch) {
    store_write(s, s->write_sync, batch);
    rocksdb_writebatch_destroy(batch);
}

/* --- the identity -------------------------------------------------------- */

static void create(struct store *s, const char *cluster, raft_id id) {
    s->incarnation = random_id();
    struct buf b = {0};
    buf_put_int(&b, FORMAT, 2);
    buf_put_int(&b, id, 8);
    buf_put_string(&b, cluster);
    buf_put_int(&b, s->incarnation, 8);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    put(batch, s, IDENTITY_KEY, &b);
    write_synced(s, batch);
    buf_free(&b);
}

static void check(struct store *s, const char *record, size_t len, const char *cluster,
                  raft_id id) {
    struct cursor c = {record, record + len, false};
    if (cursor_int(&c, 2) != FORMAT) {
        die("%s: the database has an unknown format", s->dir);
    }
    raft_id their_id = cursor_int(&c, 8);
    const char *their_cluster = cursor_string(&c);
    s->incarnation = cursor_int(&c, 8);
    if (c.bad || cursor_left(&c) > 0 || s->incarnation == 0) {
        die("%s: the database is corrupted: malformed identity record", s->dir);
    }
    if (their_id != id || strcmp(their_cluster, cluster) != 0) {
        die("%s belongs to server %llu of cluster \"%s\", not to server %llu of \"%s\"", s->dir,
            their_id, their_cluster, id, cluster);
    }
}

void identity_open(struct store *s, const char *cluster, raft_id id) {
    size_t len = 0;
    char *record = store_get(s, IDENTITY_KEY, &len);
    if (record != NULL) {
        check(s, record, len, cluster, id);
    } else if (s->fresh) {
        create(s, cluster, id);
    } else {
        die("%s: the database is corrupted: it has no identity record", s->dir);
    }
    free(record);
    record = store_get(s, CLUSTER_KEY, &len);
    if (record != NULL && len != 8) {
        die("%s: the database is corrupted: malformed cluster ID", s->dir);
    }
    s->cluster_id = record != NULL ? load_le(record, 8) : 0;
    free(record);
}

/* --- the cluster --------------------------------------------------------- */

void store_set_cluster_id(struct store *s, uint64_t cluster_id) {
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    put_number(batch, s, CLUSTER_KEY, cluster_id);
    write_synced(s, batch);
    s->cluster_id = cluster_id;
}

void store_new_cluster_id(struct store *s) { store_set_cluster_id(s, random_id()); }

void store_save_founding(struct store *s, const struct raft_configuration *conf) {
    uint64_t cluster_id = random_id();
    struct buf b = {0};
    conf_encode(&b, conf);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    put_number(batch, s, CLUSTER_KEY, cluster_id);
    put(batch, s, FOUNDING_KEY, &b);
    write_synced(s, batch);
    buf_free(&b);
    s->cluster_id = cluster_id;
}

bool store_load_founding(struct store *s, struct members *members) {
    size_t len = 0;
    char *record = store_get(s, FOUNDING_KEY, &len);
    if (record == NULL) {
        return false;
    }
    struct cursor c = {record, record + len, false};
    if (!conf_decode(&c, members) || cursor_left(&c) > 0) {
        die("%s: the database is corrupted: malformed first configuration", s->dir);
    }
    free(record);
    return true;
}

void store_end_founding(struct store *s) {
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_writebatch_delete_cf(batch, s->meta, FOUNDING_KEY, strlen(FOUNDING_KEY));
    store_write(s, s->write, batch);
    rocksdb_writebatch_destroy(batch);
}
