/* SPDX-License-Identifier: MIT */
/* Unit tests of values.h and stored.h: large values in files of their own. */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "data.h"
#include "dump.h"

enum { SEGMENT = 1024, LARGE = 50, VALUE = 900, KEYS = 60 };

/* A server's storage, without a server. */
struct node {
    struct store store;
    struct log log;
    struct data data;
};

static void node_open(struct node *n, raft_index *last) {
    struct base base;
    struct log_image image;
    store_open(&n->store, scratch, "test", 1, 100);
    n->store.values.large = LARGE;
    store_load_base(&n->store, BASE_KEY, &base);
    log_open(&n->log, &n->store, SEGMENT);
    log_load(&n->log, &base, &image);
    log_trim(&n->log);
    data_open(&n->data, &n->store);
    *last = n->log.last;
    log_image_free(&image);
    members_free(&base.members);
}

static void node_close(struct node *n) {
    data_close(&n->data);
    log_close(&n->log);
    store_close(&n->store);
}

static void text_of(char text[VALUE + 1], unsigned version) {
    memset(text, 'a' + (int)(version % 26), VALUE);
    text[VALUE] = '\0';
    text[snprintf(text, VALUE, "%u", version)] = '.';
}

static void put_argument(struct buf *b, const char *text) {
    buf_put_int(b, strlen(text), 4);
    buf_put(b, text, strlen(text));
}

static void node_sync(struct node *n) {
    struct values *v = &n->store.values;
    values_sync_begin(v);
    values_sync_run(v);
    sync_journal(&n->log.journal);
    values_sync_end(v);
}

/* Append SET key version to the log. */
static void node_append(struct node *n, const char *key, unsigned version) {
    char text[VALUE + 1];
    struct buf b = {0};
    text_of(text, version);
    buf_put_int(&b, OP_SET, 1);
    buf_put_int(&b, 2, 4);
    put_argument(&b, key);
    put_argument(&b, text);
    struct block *block = block_new(b.len);
    memcpy(block->data, b.data, b.len);
    struct log_entry e = {.term = 1,
                          .block = block,
                          .data = block->data,
                          .len = (uint32_t)b.len,
                          .type = RAFT_COMMAND};
    log_append(&n->log, n->log.last + 1, &e, 1);
    block_unref(block);
    buf_free(&b);
}

static void node_apply(struct node *n) {
    while (n->data.applied < n->log.last) {
        const struct log_entry *e = log_get(&n->log, n->data.applied + 1);
        CHECK(e != NULL && e->place.file != 0);
        CHECK(data_apply_at(&n->data, n->data.applied + 1, e->data, e->len, &e->place).kind ==
              RESULT_OK);
    }
}

static void node_set(struct node *n, const char *key, unsigned version) {
    node_append(n, key, version);
    log_write(&n->log);
    node_apply(n);
}

static bool has(struct node *n, const char *key, unsigned version) {
    char text[VALUE + 1];
    struct value value;
    text_of(text, version);
    bool equal = data_get(&n->data, key, strlen(key), &value) && value.len == VALUE &&
                 memcmp(value.text, text, VALUE) == 0;
    value_free(&value);
    return equal;
}

static void node_write(struct node *n) {
    data_write_begin(&n->data);
    data_write_run(&n->data);
    data_write_end(&n->data);
}

/* What the server does for a log compaction that keeps entries from `first` on; `synced`: up to its
 * end. */
static void node_compact_from(struct node *n, raft_index first, bool synced) {
    struct values *v = &n->store.values;
    node_sync(n);
    node_write(n);
    values_flush_begin(v, n->data.written);
    data_flush(&n->store);
    values_flush_end(v);
    struct base base = {.index = n->data.written, .term = 1};
    log_compact(&n->log, first, &base);
    values_base_begin(v);
    store_sync(&n->store);
    if (synced) {
        journal_reclaim(&n->log.journal, n->log.reclaim);
        values_base_end(v);
    }
}

static void node_compact(struct node *n, bool synced) { node_compact_from(n, n->log.last, synced); }

static bool exists(struct node *n, uint64_t number) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%020llu.log", n->store.values.dir, (unsigned long long)number);
    return access(path, F_OK) == 0;
}

static unsigned count_spares(const struct node *n) {
    DIR *all = opendir(n->store.values.dir);
    unsigned count = 0;
    const struct dirent *entry;
    while (all != NULL && (entry = readdir(all)) != NULL) {
        count += strncmp(entry->d_name, "spare", 5) == 0;
    }
    if (all != NULL) {
        closedir(all);
    }
    return count;
}

static uint64_t live_bytes(const struct node *n) { return values_live(&n->store.values); }

static void digest(struct node *n, uint64_t *keys, uint32_t *sum) {
    dump_digest(&n->store, n->store.read, keys, sum);
}

/* Entries are found again in memory, on the disk, and after a restart. The end of the log is where
 * a payload is damaged. */
void test_values_log(void) {
    static struct node n;
    raft_index last;
    remove_tree(scratch);
    node_open(&n, &last);
    CHECK(last == 0 && n.store.values.n == 0);
    for (unsigned i = 1; i <= 20; i++) {
        node_set(&n, "key", i);
        CHECK(has(&n, "key", i));
    }
    CHECK(n.store.values.n > 4 && n.log.journal.n > 1);
    struct value_place place = log_get(&n.log, 15)->place;
    node_close(&n);
    node_open(&n, &last);
    CHECK(last == 20 && n.data.applied == 0);
    node_apply(&n); /* reads the payloads from the files */
    CHECK(has(&n, "key", 20));
    char path[4096];
    snprintf(path, sizeof path, "%s/%020llu.log", n.store.values.dir,
             (unsigned long long)place.file);
    node_close(&n);
    int fd = open(path, O_RDWR);
    flip(fd, (off_t)(place.offset + place.len - 1), 1);
    node_open(&n, &last);
    CHECK(last == 14);
    close(fd);
    node_set(&n, "key", 77); /* in the place of the damaged one */
    node_close(&n);
    node_open(&n, &last);
    CHECK(last == 15);
    node_apply(&n);
    CHECK(has(&n, "key", 77));
    node_close(&n);
}

/* A file is removed when neither a key nor the log refers to it, and not before that is durable. */
void test_values_removal(void) {
    static struct node n;
    raft_index last;
    remove_tree(scratch);
    node_open(&n, &last);
    for (unsigned i = 1; i <= 30; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%u", i == 1 ? 1 : i % 2 + 2);
        node_set(&n, key, i);
    }
    CHECK(exists(&n, 1) && exists(&n, 2));
    node_write(&n);
    CHECK(live_bytes(&n) == 3 * VALUE && n.store.values.files[0].live == VALUE);
    CHECK(n.store.values.files[1].live == 0);
    node_compact(&n, false);
    CHECK(exists(&n, 2)); /* a crash now: the next start must find what its log refers to */
    values_base_end(&n.store.values);
    CHECK(exists(&n, 1) && !exists(&n, 2)); /* key1 is in the first */
    size_t spares = n.store.values.n_spares;
    uint64_t next = n.store.values.next;
    CHECK(spares > 0 && spares <= MAX_SPARES);
    for (unsigned i = 31; n.store.values.next == next; i++) {
        node_set(&n, i % 2 == 0 ? "key2" : "key3", i);
    }
    CHECK(n.store.values.n_spares == spares - 1); /* the new file is one of them */
    CHECK(count_spares(&n) == spares - 1);
    values_drop_spares(&n.store.values);
    CHECK(n.store.values.n_spares == 0 && count_spares(&n) == 0);
    node_set(&n, "key3", 29);
    node_set(&n, "key2", 30);
    node_compact(&n, true);
    node_close(&n);
    node_open(&n, &last);
    CHECK(live_bytes(&n) == 3 * VALUE && exists(&n, 1) && !exists(&n, 2));
    CHECK(has(&n, "key1", 1) && has(&n, "key2", 30) && has(&n, "key3", 29));
    node_set(&n, "key1", 50);
    node_compact(&n, true); /* the log still has the entries of the last files */
    CHECK(!exists(&n, 1));
    uint64_t keys;
    uint32_t sum;
    digest(&n, &keys, &sum);
    CHECK(keys == 3);
    node_close(&n);
}

/* An overwritten key is dead only when that is durable: until then a crash brings it back. */
void test_values_crash(void) {
    static struct node n;
    raft_index last;
    remove_tree(scratch);
    node_open(&n, &last);
    for (unsigned i = 1; i <= 10; i++) {
        node_set(&n, i == 1 ? "old" : "other", i);
    }
    node_compact(&n, true);
    CHECK(n.store.values.files[0].live == VALUE);
    values_flush_begin(&n.store.values, n.data.written);
    node_set(&n, "old", 100);
    node_write(&n); /* during the flush: it may not be durable with it */
    CHECK(n.store.values.files[0].live == 0);
    values_flush_end(&n.store.values);
    values_base_begin(&n.store.values);
    values_base_end(&n.store.values);
    CHECK(exists(&n, 1));
    node_compact(&n, true);
    CHECK(!exists(&n, 1));
    node_close(&n);
}

/* A file that an entry of the log is in is kept, whether the entry is applied or not. */
void test_values_in_use(void) {
    static struct node n;
    raft_index last;
    remove_tree(scratch);
    node_open(&n, &last);
    for (unsigned i = 1; i <= 20; i++) {
        node_set(&n, "key", i);
    }
    node_compact_from(&n, 7, true);
    raft_index first = n.log.first;
    CHECK(first > 1 && first <= 7 && n.store.values.files[0].number > 1);
    node_close(&n);
    node_open(&n, &last); /* reads all payloads that the log refers to */
    CHECK(last == 20 && n.log.first == first && log_get(&n.log, first)->len > VALUE);
    for (unsigned i = 21; i <= 30; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%u", i);
        node_append(&n, key, i); /* and do not apply it yet */
        log_write(&n.log);
    }
    node_compact_from(&n, first, true);
    node_apply(&n);
    node_compact(&n, true);
    for (unsigned i = 21; i <= 30; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%u", i);
        CHECK(has(&n, key, i));
    }
    /* A payload without a record: the crash was between the two. */
    uint64_t number = values_append(&n.store.values, "lost", 4, 31).file;
    CHECK(exists(&n, number));
    for (unsigned i = 0; i < 5; i++) {
        number = values_append(&n.store.values, "lost", 4, 31).file;
        n.store.values.current = 0;
    }
    CHECK(exists(&n, number));
    node_close(&n);
    node_open(&n, &last);
    CHECK(!exists(&n, number) && has(&n, "key30", 30));
    node_close(&n);
}

/* Files with much dead are emptied: the data stay the same, the size is bounded. */
void test_values_move(void) {
    static struct node n;
    raft_index last;
    unsigned versions[KEYS] = {0};
    remove_tree(scratch);
    node_open(&n, &last);
    size_t most = 0;
    bool moved = false;
    for (unsigned i = 1; i <= 1500; i++) {
        char key[16];
        unsigned k = random_below(4) > 0 ? random_below(2) : random_below(KEYS);
        snprintf(key, sizeof key, "key%u", k);
        versions[k] = i;
        node_set(&n, key, i);
        if (i % 20 == 0) {
            uint64_t keys;
            uint64_t keys_after;
            uint32_t sum;
            uint32_t sum_after;
            node_write(&n);
            digest(&n, &keys, &sum);
            node_compact(&n, true);
            digest(&n, &keys_after, &sum_after);
            CHECK(keys == keys_after && sum == sum_after);
            moved = moved || n.data.moving.n > 0;
            most = n.store.values.n > most ? n.store.values.n : most;
        }
        if (i % 500 == 0) {
            node_close(&n);
            node_open(&n, &last);
            CHECK(last == i);
            node_apply(&n);
        }
    }
    CHECK(moved);
    CHECK(live_bytes(&n) == KEYS * VALUE);
    CHECK(most < 56); /* with all dead bytes kept: 70 */
    for (unsigned k = 0; k < KEYS; k++) {
        char key[16];
        snprintf(key, sizeof key, "key%u", k);
        CHECK(has(&n, key, versions[k]));
    }
    node_close(&n);
}

/* A dump holds the values themselves. Loading it leaves nothing outside. */
void test_values_dump(void) {
    static struct node n;
    raft_index last;
    remove_tree(scratch);
    node_open(&n, &last);
    for (unsigned i = 1; i <= 10; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%u", i);
        node_set(&n, key, i);
    }
    node_write(&n);
    uint64_t keys;
    uint64_t keys_after;
    uint32_t sum;
    uint32_t sum_after;
    char path[4096];
    snprintf(path, sizeof path, "%s/test.dump", scratch);
    digest(&n, &keys, &sum);
    struct dump_info info = {.index = n.data.written, .term = 1};
    CHECK(dump_write(&n.store, n.store.read, path, &info) == 0 && info.keys == 10);
    CHECK(dump_verify(path, n.data.written, 1));
    dump_load(&n.store, path, n.data.written, n.data.written);
    struct base base = {.index = n.data.written, .term = 1};
    log_end(&n.log, &base);
    store_save_base(&n.store, n.store.write_sync, BASE_KEY, &base);
    log_reset(&n.log, n.data.written);
    data_reset(&n.data, n.data.written);
    digest(&n, &keys_after, &sum_after);
    CHECK(keys == 10 && keys_after == keys && sum_after == sum);
    CHECK(live_bytes(&n) == 0 && has(&n, "key3", 3));
    node_set(&n, "key3", 100);
    node_compact(&n, true);
    CHECK(!exists(&n, 1) && has(&n, "key3", 100) && has(&n, "key4", 4));
    node_close(&n);
    node_open(&n, &last);
    CHECK(live_bytes(&n) == VALUE && has(&n, "key3", 100));
    node_close(&n);
}
