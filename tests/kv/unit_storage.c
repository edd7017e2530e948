/* SPDX-License-Identifier: MIT */
/* Unit tests of the modules that store the log and the data: log, data, dump. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "data.h"
#include "dump.h"

enum { SEGMENT = 1024 };

/* --- the log ------------------------------------------------------------- */

static void fresh_store(struct store *s) {
    remove_tree(scratch);
    store_open(s, scratch, "test", 1, 100);
}

static void append(struct log *l, raft_index index, raft_term term, unsigned n) {
    struct log_entry entries[100] = {0};
    for (unsigned i = 0; i < n; i++) {
        char text[64];
        snprintf(text, sizeof text, "entry %llu of term %llu", index + i, term);
        entries[i] = entry_of(term, RAFT_COMMAND, text);
    }
    log_append(l, index, entries, n);
    for (unsigned i = 0; i < n; i++) {
        block_unref(entries[i].block);
    }
}

static void expect(struct log *l, raft_index first, raft_index last,
                   raft_term (*term)(raft_index)) {
    for (raft_index i = first; i <= last; i++) {
        char text[64];
        snprintf(text, sizeof text, "entry %llu of term %llu", i, term(i));
        const struct log_entry *e = log_get(l, i);
        CHECK(e != NULL && e->term == term(i) && e->len == strlen(text));
        CHECK(memcmp(e->data, text, e->len) == 0);
    }
    CHECK(log_get(l, last + 1) == NULL);
}

/* Drop the log in memory and read it from the disk, as a start does. */
static void reload(struct log *l, struct store *s, raft_index first, raft_index last) {
    struct base base;
    struct log_image image;
    log_close(l);
    log_open(l, s, SEGMENT);
    store_load_base(s, BASE_KEY, &base);
    log_load(l, &base, &image);
    log_trim(l);
    CHECK(l->first == first && l->last == last);
    CHECK(image.n == last + 1 - first);
    log_image_free(&image);
    members_free(&base.members);
}

static raft_term rewritten_term(raft_index index) { return index < 37 ? 1 : index < 45 ? 2 : 3; }

static void open_log(struct log *l, struct store *s) {
    struct base base;
    struct log_image image;
    fresh_store(s);
    log_open(l, s, SEGMENT);
    store_load_base(s, BASE_KEY, &base);
    CHECK(log_load(l, &base, &image) == 0 && image.n == 0);
    log_trim(l);
    CHECK(!log_write(l));
}

/* What the server does after the sync that makes the base durable. */
static void reclaim(struct log *l) {
    sync_journal(&l->journal);
    journal_reclaim(&l->journal, l->reclaim);
}

void test_log(void) {
    struct store s;
    struct log l;
    open_log(&l, &s);
    for (raft_index i = 1; i <= 100; i += 10) {
        append(&l, i, 1, 10);
        CHECK(log_write(&l));
    }
    CHECK(l.journal.n > 3);
    append(&l, 37, 2, 20); /* replaces from the middle of a record that is written */
    append(&l, 45, 3, 5);  /* replaces entries that are not written yet */
    log_write(&l);
    expect(&l, 1, 49, rewritten_term);
    reload(&l, &s, 1, 49);
    expect(&l, 1, 49, rewritten_term);
    append(&l, 50, 3, 10);
    log_write(&l);
    struct base base = {.index = 30, .term = 1};
    log_compact(&l, 25, &base);
    reclaim(&l);
    raft_index first = l.first; /* only whole segments are removed */
    CHECK(first > 1 && first <= 25);
    CHECK(log_get(&l, first - 1) == NULL || l.cached < first);
    reload(&l, &s, first, 59);
    expect(&l, first, 59, rewritten_term);
    CHECK(log_get(&l, first - 1) == NULL);
    append(&l, 40, 7, 0); /* removes entries and adds none */
    log_write(&l);
    reload(&l, &s, first, 39);
    log_close(&l);
    store_close(&s);
}

/* A crash after the base was stored and before the log's files were changed: by a compaction, which
 * keeps the end of the log, and by an installation, which empties it. */
void test_log_bases(void) {
    struct store s;
    struct log l;
    open_log(&l, &s);
    for (raft_index i = 1; i <= 100; i += 10) {
        append(&l, i, 1, 10);
        log_write(&l);
    }
    struct base base = {.index = 90, .term = 1};
    size_t segments = l.journal.n;
    log_compact(&l, 80, &base);
    CHECK(l.journal.n == segments); /* kept until the base is durable */
    raft_index first = l.first;
    reload(&l, &s, first, 100); /* a crash before the segments are removed */
    CHECK(l.journal.segments[0].number == base.segment && base.segment > 1);
    base = (struct base){.index = 500, .term = 2};
    log_end(&l, &base);
    store_save_base(&s, s.write, BASE_KEY, &base);
    reload(&l, &s, 501, 500); /* a crash before log_reset() */
    CHECK(l.journal.ticket == base.ticket && base.ticket > 0);
    log_reset(&l, 500);
    append(&l, 501, 2, 10);
    log_write(&l);
    reload(&l, &s, 501, 510);
    log_close(&l);
    store_close(&s);
}

/* --- data and dumps ------------------------------------------------------ */

static struct result run(struct data *d, raft_index index, enum op op, const char *key,
                         const char *value) {
    struct buf b = {0};
    buf_put_int(&b, op, 1);
    buf_put_int(&b, value != NULL ? 2 : 1, 4);
    buf_put_int(&b, strlen(key), 4);
    buf_put(&b, key, strlen(key));
    if (value != NULL) {
        buf_put_int(&b, strlen(value), 4);
        buf_put(&b, value, strlen(value));
    }
    struct result result = data_apply(d, index, b.data, b.len);
    buf_free(&b);
    return result;
}

static void write_all(struct data *d) {
    if (d->busy) {
        data_write_run(d);
        data_write_end(d);
    }
    data_write_begin(d);
    data_write_run(d);
    data_write_end(d);
}

void test_data(void) {
    struct store s;
    struct data d;
    fresh_store(&s);
    data_open(&d, &s);
    CHECK(run(&d, 1, OP_SET, "n", "41").kind == RESULT_OK);
    CHECK(run(&d, 2, OP_INCR, "n", NULL).integer == 42); /* sees what was applied before it */
    CHECK(run(&d, 3, OP_DEL, "n", NULL).integer == 1);
    CHECK(run(&d, 4, OP_DEL, "n", NULL).integer == 0);
    CHECK(run(&d, 5, OP_INCR, "n", NULL).integer == 1);
    data_write_begin(&d);
    CHECK(run(&d, 6, OP_INCR, "n", NULL).integer == 2); /* sees the table being written */
    CHECK(run(&d, 7, OP_SET, "gone", "x").kind == RESULT_OK);
    CHECK(d.applied == 7 && d.written == 0);
    write_all(&d);
    CHECK(d.written == 7);
    CHECK(run(&d, 8, OP_INCR, "n", NULL).integer == 3); /* sees what is in the database */
    CHECK(run(&d, 9, OP_DEL, "gone", NULL).integer == 1);
    write_all(&d);
    CHECK(run(&d, 10, OP_SET, "t", "text").kind == RESULT_OK);
    CHECK(run(&d, 11, OP_INCR, "t", NULL).kind == RESULT_ERROR);
    CHECK(data_apply(&d, 12, "", 0).kind == RESULT_ERROR); /* malformed */
    CHECK(data_apply(&d, 13, "\1\2\0\0\0\1\0\0\0k\xff\xff\xff\xff", 14).kind == RESULT_ERROR);
    CHECK(data_apply(&d, 14, NULL, 0).kind == RESULT_OK);
    CHECK(d.applied == 14);
    struct value value;
    CHECK(!data_get(&d, "k", 1, &value) && !data_get(&d, "gone", 4, &value));
    CHECK(data_get(&d, "n", 1, &value) && value.len == 1 && value.text[0] == '3');
    value_free(&value);
    CHECK(data_get(&d, "t", 1, &value) && value.len == 4);
    value_free(&value);
    write_all(&d);
    data_close(&d);
    data_open(&d, &s); /* everything now comes from the database */
    CHECK(d.applied == 14 && d.written == 14);
    CHECK(data_get(&d, "t", 1, &value) && memcmp(value.text, "text", 4) == 0);
    value_free(&value);
    data_reset(&d, 20);
    CHECK(d.applied == 20);
    data_close(&d);
    store_close(&s);
}

static void digest(struct store *s, uint64_t *keys, uint32_t *sum) {
    dump_digest(s, s->read, keys, sum);
}

void test_dumps(void) {
    struct store s;
    struct data d;
    fresh_store(&s);
    data_open(&d, &s);
    raft_index index = 0;
    for (int i = 0; i < 5000; i++) {
        char key[32];
        char text[300];
        snprintf(key, sizeof key, "key%d", i);
        memset(text, 'x', sizeof text);
        text[random_below(sizeof text)] = '\0';
        run(&d, ++index, OP_SET, key, text);
    }
    write_all(&d);
    uint64_t keys;
    uint64_t keys_after;
    uint32_t sum;
    uint32_t sum_after;
    digest(&s, &keys, &sum);
    CHECK(keys == 5000);
    char path[4096];
    snprintf(path, sizeof path, "%s/test.dump", scratch);
    struct dump_info info = {.index = index, .term = 7};
    struct dump_info found;
    CHECK(dump_write(&s, s.read, path, &info) == 0);
    CHECK(dump_inspect(path, &found) == NULL && found.keys == 5000 && found.bytes == info.bytes &&
          found.checksum == info.checksum && found.index == index && found.term == 7);
    CHECK(dump_write(&s, s.read, "/nonexistent/dump", &info) == ENOENT);
    CHECK(dump_write(&s, s.read, "/dev/full", &info) == ENOSPC);
    CHECK(dump_verify(path, index, 7));
    CHECK(!dump_verify(path, index + 1, 7) && !dump_verify(path, index, 8));
    run(&d, ++index, OP_SET, "later", "write");
    run(&d, ++index, OP_DEL, "key17", NULL);
    write_all(&d);
    dump_load(&s, path, index - 2, index - 2);
    digest(&s, &keys_after, &sum_after);
    CHECK(keys_after == keys && sum_after == sum);
    int fd = open(path, O_RDWR);
    off_t size = lseek(fd, 0, SEEK_END);
    for (int i = 0; i < 200; i++) { /* one flipped bit at a random place */
        off_t at = (off_t)random_below((unsigned)size);
        int bit = 1 << random_below(8);
        flip(fd, at, bit);
        CHECK(!dump_verify(path, index - 2, 7));
        flip(fd, at, bit);
    }
    CHECK(dump_verify(path, index - 2, 7));
    CHECK(ftruncate(fd, size - 1) == 0 && !dump_verify(path, index - 2, 7));
    CHECK(ftruncate(fd, size + 1) == 0 && !dump_verify(path, index - 2, 7));
    close(fd);
    data_close(&d);
    store_close(&s);
}

/* --- colliding keys ------------------------------------------------------ */

/* FNV-1a, a hash function without a secret. */
static uint64_t fnv(const char *key, size_t len) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)key[i]) * 0x100000001b3u;
    }
    return hash ^ hash >> 32;
}

/* The number of items in the longest sequence without a free item. */
static size_t longest_run(const struct overlay *o) {
    size_t longest = 0;
    size_t run = 0;
    for (size_t i = 0; i < 2 * o->size; i++) { /* twice: the table is circular */
        run = o->items[i & (o->size - 1)].hash != 0 ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* A client that knows the hash function can compute keys that fall into one place of the table. If
 * the function has no secret, all of them are in one sequence, which each access must search. */
void test_colliding_keys(void) {
    enum { KEYS = 4096, PLACES = 4 * KEYS };
    static struct overlay first;
    static struct overlay second;
    overlay_init(&first);
    overlay_init(&second);
    unsigned n = 0;
    for (uint64_t i = 0; n < KEYS; i++) {
        char key[8];
        store_le(key, i, sizeof key);
        if (fnv(key, sizeof key) % PLACES == 0) {
            overlay_set(&first, key, sizeof key, "", 0);
            overlay_set(&second, key, sizeof key, "", 0);
            n++;
        }
    }
    CHECK(first.used == KEYS && first.size <= PLACES);
    CHECK(longest_run(&first) < 200);
    /* Each table has its own secret. */
    unsigned equal = 0;
    for (size_t i = 0; i < first.size; i++) {
        equal += first.items[i].hash != 0 && first.items[i].hash == second.items[i].hash;
    }
    CHECK(equal < 10);
    overlay_free(&first);
    overlay_free(&second);
}
