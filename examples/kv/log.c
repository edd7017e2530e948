/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <stdlib.h>

#include "limits.h"
#include "log_record.h"
#include "report.h"

enum {
    CACHE_ENTRIES = 32 * 1024,
    CACHE_BYTES = 32 * 1024 * 1024,
    RECORD_BYTES = 1024 * 1024 /* a record takes no more entries beyond this */
};

void log_open(struct log *l, struct store *s) {
    *l = (struct log){.store = s, .size = 1024, .cached = 1, .first = 1};
    l->ring = xmalloc(l->size * sizeof *l->ring);
}

static struct log_entry *slot(const struct log *l, raft_index index) {
    return &l->ring[index & (l->size - 1)];
}

static void page_free(struct log_page *page) {
    free(page->entries);
    block_unref(page->block);
    *page = (struct log_page){0};
}

/* --- the entries in memory ----------------------------------------------- */

static void forget(struct log *l, raft_index index) {
    struct log_entry *e = slot(l, index);
    l->bytes -= e->len;
    block_unref(e->block);
}

static void ring_grow(struct log *l) {
    size_t size = l->size * 2;
    struct log_entry *ring = xmalloc(size * sizeof *ring);
    for (raft_index i = l->cached; i <= l->last; i++) {
        ring[i & (size - 1)] = *slot(l, i);
    }
    free(l->ring);
    l->ring = ring;
    l->size = size;
}

static void cut(struct log *l, raft_index index) {
    for (; l->last >= index && l->last >= l->cached; l->last--) {
        forget(l, l->last);
    }
    if (index <= l->written) { /* what the database holds is replaced with the next write */
        l->dropped = l->dropped == 0 || index < l->dropped ? index : l->dropped;
        l->written = index - 1;
        page_free(&l->page);
    }
    l->last = index - 1;
    if (l->cached > index) {
        l->cached = index;
    }
}

void log_append(struct log *l, raft_index index, const struct log_entry *entries, unsigned n) {
    if (index <= l->last) {
        cut(l, index);
    } else if (index != l->last + 1) {
        die("the log would have a gap between %llu and %llu", l->last, index);
    }
    for (unsigned i = 0; i < n; i++) {
        if (l->last + 1 - l->cached >= l->size) {
            ring_grow(l);
        }
        l->last++;
        *slot(l, l->last) = entries[i];
        l->bytes += entries[i].len;
        block_ref(entries[i].block);
    }
}

static void evict(struct log *l) {
    while (l->cached <= l->written &&
           (l->last - l->cached >= CACHE_ENTRIES || l->bytes > CACHE_BYTES)) {
        forget(l, l->cached++);
    }
}

void log_reset(struct log *l, raft_index last) {
    for (; l->cached <= l->last; l->cached++) {
        forget(l, l->cached);
    }
    page_free(&l->page);
    l->last = l->written = last;
    l->cached = l->first = last + 1;
    l->dropped = 0;
    l->bytes_written = 0;
    l->tail_ticket = 0;
}

void log_close(struct log *l) {
    log_reset(l, l->last);
    free(l->ring);
}

/* --- the entries in the database ----------------------------------------- */

/* Add the removal of all entries from `dropped` on, keeping the head of a record
 * that began before. */
static void write_truncation(struct log *l, rocksdb_writebatch_t *batch) {
    char key[8];
    struct log_record record;
    rocksdb_iterator_t *it =
        rocksdb_create_iterator_cf(l->store->db, l->store->read, l->store->log);
    record_key(key, l->dropped);
    rocksdb_iter_seek_for_prev(it, key, sizeof key);
    while (record_at(it, &record) && record.first >= l->dropped) {
        rocksdb_iter_prev(it);
    }
    l->tail_ticket = 0;
    if (record_at(it, &record)) {
        size_t keep = record_prefix(&record, (unsigned)(l->dropped - record.first));
        record_key(key, record.first);
        rocksdb_writebatch_put_cf(batch, l->store->log, key, sizeof key, record.value, keep);
        l->tail_ticket = record.ticket;
    }
    record_key(key, l->dropped);
    rocksdb_writebatch_delete_range_cf(batch, l->store->log, key, sizeof key,
                                       RECORD_KEY_END, sizeof key);
    rocksdb_iter_destroy(it);
    l->dropped = 0;
}

bool log_write(struct log *l) {
    static struct buf value; /* kept between calls */
    if (l->written == l->last && l->dropped == 0) {
        return false;
    }
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    if (l->dropped != 0) {
        write_truncation(l, batch);
    }
    while (l->written < l->last) {
        char key[8];
        record_key(key, l->written + 1);
        value.len = 0;
        record_begin(&value, ++l->store->ticket, l->tail_ticket);
        do {
            record_add(&value, slot(l, ++l->written));
        } while (l->written < l->last && value.len < RECORD_BYTES);
        rocksdb_writebatch_put_cf(batch, l->store->log, key, sizeof key, value.data, value.len);
        l->bytes_written += value.len;
        l->tail_ticket = l->store->ticket;
    }
    store_write(l->store, l->store->write, batch);
    rocksdb_writebatch_destroy(batch);
    evict(l);
    return true;
}

static bool page_load(struct log *l, raft_index index) {
    page_free(&l->page);
    char key[8];
    struct log_record record;
    rocksdb_iterator_t *it =
        rocksdb_create_iterator_cf(l->store->db, l->store->read, l->store->log);
    record_key(key, index);
    rocksdb_iter_seek_for_prev(it, key, sizeof key);
    bool found = record_at(it, &record);
    if (found) {
        struct log_page *page = &l->page;
        page->block = block_new(record.len);
        memcpy(page->block->data, record.value, record.len);
        page->first = record.first;
        page->entries = record_decode(&record, page->block->data, &page->n);
    }
    rocksdb_iter_destroy(it);
    return found && index - l->page.first < l->page.n;
}

const struct log_entry *log_get(struct log *l, raft_index index) {
    if (index >= l->cached && index <= l->last) {
        return slot(l, index);
    }
    if (index < l->first || index > l->written) {
        return NULL;
    }
    if (index < l->page.first || index - l->page.first >= l->page.n) {
        if (!page_load(l, index)) {
            die("%s: entry %llu is missing from the log", l->store->dir, index);
        }
    }
    return &l->page.entries[index - l->page.first];
}

void log_compact(struct log *l, raft_index first, const struct base *base) {
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    store_put_base(l->store, batch, BASE_KEY, base);
    if (first > l->written + 1) {
        first = l->written + 1;
    }
    char begin[8];
    char end[8];
    struct log_record record;
    rocksdb_iterator_t *it =
        rocksdb_create_iterator_cf(l->store->db, l->store->read, l->store->log);
    record_key(end, first);
    rocksdb_iter_seek_for_prev(it, end, sizeof end);
    if (record_at(it, &record) && record.first > l->first) {
        record_key(begin, l->first); /* only whole records go */
        record_key(end, record.first);
        rocksdb_writebatch_delete_range_cf(batch, l->store->log, begin, sizeof begin, end,
                                           sizeof end);
        l->first = record.first;
    }
    rocksdb_iter_destroy(it);
    store_write(l->store, l->store->write, batch);
    rocksdb_writebatch_destroy(batch);
    l->bytes_written = 0;
    page_free(&l->page);
}

void log_clear(struct store *s, rocksdb_writebatch_t *batch) {
    char begin[8];
    record_key(begin, 0);
    rocksdb_writebatch_delete_range_cf(batch, s->log, begin, sizeof begin, RECORD_KEY_END,
                                       sizeof begin);
}

/* --- the start ----------------------------------------------------------- */

static void image_add(struct log_image *image, const struct log_entry *e) {
    if (image->n == image->cap) {
        image->cap = image->cap > 0 ? image->cap * 2 : 1024;
        image->entries = xrealloc(image->entries, image->cap * sizeof *image->entries);
    }
    struct raft_entry *to = &image->entries[image->n++];
    *to = (struct raft_entry){.term = e->term, .type = e->type};
    if (e->type == RAFT_CHANGE) {
        to->buf.base = xmalloc(e->len);
        to->buf.len = e->len;
        memcpy(to->buf.base, e->data, e->len);
    }
}

void log_image_free(struct log_image *image) {
    for (unsigned i = 0; i < image->n; i++) {
        free(image->entries[i].buf.base);
    }
    free(image->entries);
    *image = (struct log_image){0};
}

/* Behind `last_record` an unsynced write was lost in a crash, though a later one
 * reached the disk. Nothing there was ever acknowledged: the fence sees to that. */
static void drop_tail(struct log *l, raft_index last_record) {
    report("the log ends at entry %llu; what follows does not continue it", l->last);
    char begin[8];
    record_key(begin, last_record + 1);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_writebatch_delete_range_cf(batch, l->store->log, begin, sizeof begin, RECORD_KEY_END,
                                       sizeof begin);
    store_write(l->store, l->store->write_sync, batch);
    rocksdb_writebatch_destroy(batch);
}

uint64_t log_load(struct log *l, const struct base *base, struct log_image *image) {
    *image = (struct log_image){0};
    uint64_t highest = base->ticket;
    bool broken = false;
    raft_index last_record = 0;
    struct log_record record;
    rocksdb_iterator_t *it =
        rocksdb_create_iterator_cf(l->store->db, l->store->read, l->store->log);
    for (rocksdb_iter_seek_to_first(it); record_at(it, &record); rocksdb_iter_next(it)) {
        if (image->n == 0) {
            image->first = record.first;
        } else if (record.first != image->first + image->n || record.prev != l->tail_ticket) {
            broken = true;
            break;
        }
        last_record = record.first;
        unsigned n;
        struct log_entry *entries = record_decode(&record, record.value, &n);
        for (unsigned i = 0; i < n; i++) {
            image_add(image, &entries[i]);
        }
        free(entries);
        l->tail_ticket = record.ticket;
        l->bytes_written += record.len;
        highest = record.ticket > highest ? record.ticket : highest;
    }
    rocksdb_iter_destroy(it);
    l->first = image->n > 0 ? image->first : base->index + 1;
    l->last = l->written = l->first + image->n - 1;
    l->cached = l->last + 1;
    if (broken) {
        drop_tail(l, last_record);
    }
    return highest;
}
