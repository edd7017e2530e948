/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <stdlib.h>

#include "file.h"
#include "limits.h"
#include "log_record.h"
#include "report.h"

enum {
    CACHE_ENTRIES = 32 * 1024,
    CACHE_BYTES = 32 * 1024 * 1024,
    RECORD_BYTES = 1024 * 1024, /* a record of this size takes no more entries */
    MANY_LARGE = 16,            /* so many times the size of a large payload are many bytes */
    VALUE_SEGMENTS = 4          /* size of a file of values, in segments */
};

void log_open(struct log *l, struct store *s, uint32_t segment_bytes) {
    *l = (struct log){.store = s, .size = 1024, .cached = 1, .first = 1};
    l->ring = xmalloc(l->size * sizeof *l->ring);
    char *path = store_path(s, "log");
    journal_open(&l->journal, path, segment_bytes);
    s->values.file_bytes = VALUE_SEGMENTS * (uint64_t)segment_bytes;
    free(path);
}

static struct log_entry *slot(const struct log *l, raft_index index) {
    return &l->ring[index & (l->size - 1)];
}

/* --- payloads that are stored outside ------------------------------------ */

/* True if the entries to write have so many bytes that a sync of another file is worth it. */
static bool many_bytes(const struct log *l) {
    size_t bytes = 0;
    size_t enough = MANY_LARGE * (size_t)l->store->values.large;
    for (raft_index i = l->written + 1; i <= l->last && bytes < enough; i++) {
        bytes += slot(l, i)->len;
    }
    return bytes >= enough;
}

/* Store the payload of a large command outside. Only applying commands makes use of its place. */
static void put_outside(struct log *l, struct log_entry *e, raft_index index) {
    if (e->type == RAFT_COMMAND && e->len >= l->store->values.large && e->place.file == 0) {
        e->place = values_append(&l->store->values, e->data, e->len, index);
        l->bytes_outside += e->len;
        l->bytes_written += e->len;
    }
}

/* Read the payloads of a page that are outside. */
static void page_fill(struct log *l, struct log_page *page) {
    size_t len = 0;
    for (unsigned i = 0; i < page->n; i++) {
        len += page->entries[i].place.len;
    }
    page->values.len = 0;
    char *to = buf_room(&page->values, len);
    for (unsigned i = 0; i < page->n; i++) {
        struct log_entry *e = &page->entries[i];
        if (e->place.file != 0) {
            if (!values_read(&l->store->values, &e->place, to)) {
                die("%s: the value of entry %llu is corrupted", l->store->dir, page->first + i);
            }
            e->data = to;
            to += e->len;
        }
    }
}

static void page_free(struct log_page *page) {
    free(page->entries);
    page->entries = NULL;
    page->first = 0;
    page->n = 0;
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
    if (index <= l->written) { /* the next record must replace entries in the journal */
        l->cut = true;
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
        die("internal error: entry %llu appended after entry %llu", index, l->last);
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

static void entries_reset(struct log *l, raft_index last) {
    for (; l->cached <= l->last; l->cached++) {
        forget(l, l->cached);
    }
    page_free(&l->page);
    l->last = l->written = last;
    l->cached = l->first = last + 1;
    l->cut = false;
    l->bytes_written = 0;
    l->n_marks = 0;
    l->bytes_outside = 0;
}

void log_reset(struct log *l, raft_index last) {
    entries_reset(l, last);
    l->reclaim = 0;
    journal_reset(&l->journal);
    values_log_reset(&l->store->values, l->first);
}

void log_close(struct log *l) {
    entries_reset(l, l->last);
    journal_close(&l->journal);
    buf_free(&l->page.bytes);
    buf_free(&l->page.values);
    free(l->marks);
    free(l->ring);
}

/* --- the entries in the journal ------------------------------------------ */

/* Add a mark for a record written or read. It replaces the marks from its first entry on. */
static void mark_add(struct log *l, raft_index first, const struct journal_place *place) {
    while (l->n_marks > 0 && l->marks[l->n_marks - 1].first >= first) {
        l->n_marks--;
    }
    l->marks = array_grow(l->marks, l->n_marks, &l->cap_marks, sizeof *l->marks);
    l->marks[l->n_marks++] = (struct log_mark){first, *place};
}

/* Find the record that holds an entry: the last one that begins at or before it. */
static size_t mark_of(const struct log *l, raft_index index) {
    size_t low = 0;
    size_t high = l->n_marks;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (l->marks[middle].first <= index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low - 1; /* SIZE_MAX if there is none */
}

bool log_write(struct log *l) {
    static struct buf payload; /* kept between calls */
    if (l->written == l->last && !l->cut) {
        return false;
    }
    bool many = many_bytes(l);
    do {
        raft_index first = l->written + 1;
        size_t outside = l->bytes_outside;
        payload.len = 0;
        record_begin(&payload, first);
        while (l->written < l->last && payload.len + (l->bytes_outside - outside) < RECORD_BYTES) {
            struct log_entry *e = slot(l, ++l->written);
            if (many) {
                put_outside(l, e, l->written);
            }
            record_add(&payload, e);
        }
        struct journal_place place = journal_append(&l->journal, payload.data, payload.len);
        mark_add(l, first, &place);
        l->bytes_written += payload.len;
        l->cut = false;
        if (l->bytes_outside > l->store->values.file_bytes) {
            journal_end_segment(&l->journal); /* so that a compaction can drop these entries */
            l->bytes_outside = 0;
        }
    } while (l->written < l->last);
    evict(l);
    return true;
}

static bool page_load(struct log *l, raft_index index) {
    struct log_page *page = &l->page;
    size_t i = mark_of(l, index);
    page_free(page);
    if (i >= l->n_marks) {
        return false;
    }
    const struct log_mark *mark = &l->marks[i];
    const char *payload = journal_read(&l->journal, &mark->place, &page->bytes);
    page->first = mark->first;
    page->entries = record_decode(payload, mark->place.len, &page->n);
    raft_index end = l->written + 1; /* entries behind `written` were replaced */
    if (i + 1 < l->n_marks && mark[1].first < end) {
        end = mark[1].first;
    }
    if (page->first + page->n > end) {
        page->n = (unsigned)(end - page->first);
    }
    page_fill(l, page);
    return index - page->first < page->n;
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
            die("%s: entry %llu is missing from the log; " REPLACE_SERVER, l->store->dir, index);
        }
    }
    return &l->page.entries[index - l->page.first];
}

void log_compact(struct log *l, raft_index first, struct base *base) {
    if (l->n_marks > 0) {
        size_t keep = first > l->marks[0].first ? mark_of(l, first) : 0;
        base->segment = l->marks[keep].place.segment; /* only whole segments are removed */
        while (keep > 0 && l->marks[keep - 1].place.segment == base->segment) {
            keep--;
        }
        l->n_marks -= keep;
        memmove(l->marks, l->marks + keep, l->n_marks * sizeof *l->marks);
        l->first = l->marks[0].first;
        base->ticket = journal_ticket_before(&l->journal, base->segment);
    } else {
        log_end(l, base);
    }
    store_save_base(l->store, l->store->write, BASE_KEY, base);
    l->store->values.first = l->first;
    l->reclaim = base->segment;
    l->bytes_written = 0;
    page_free(&l->page);
}

void log_end(const struct log *l, struct base *base) {
    base->segment = l->journal.next;
    base->ticket = l->journal.ticket;
}

/* --- the start ----------------------------------------------------------- */

static void image_add(struct log_image *image, const struct log_entry *e) {
    image->entries = array_grow(image->entries, image->n, &image->cap, sizeof *image->entries);
    struct raft_entry *to = &image->entries[image->n++];
    *to = (struct raft_entry){.term = e->term, .type = e->type};
    if (e->type == RAFT_CHANGE) {
        to->buf.base = xmalloc(e->len);
        to->buf.len = e->len;
        memcpy(to->buf.base, e->data, e->len);
    }
}

static void image_cut(struct log_image *image, unsigned n) {
    while (image->n > n) {
        free(image->entries[--image->n].buf.base);
    }
}

void log_image_free(struct log_image *image) {
    image_cut(image, 0);
    free(image->entries);
    *image = (struct log_image){0};
}

struct loading {
    struct log *log;
    struct log_image *image;
};

/* True if the payloads outside are intact. Otherwise the record was not synced before a crash. */
static bool check_outside(struct log *l, raft_index first, const struct log_entry *entries,
                          unsigned n) {
    struct buf space = {0};
    bool intact = true;
    for (unsigned i = 0; intact && i < n; i++) {
        if (entries[i].place.file != 0) {
            space.len = 0;
            intact = values_read(&l->store->values, &entries[i].place,
                                 buf_room(&space, entries[i].place.len));
        }
    }
    for (unsigned i = 0; intact && i < n; i++) {
        if (entries[i].place.file != 0) {
            values_logged(&l->store->values, &entries[i].place, first + i);
            l->bytes_outside += entries[i].len;
            l->bytes_written += entries[i].len;
        }
    }
    buf_free(&space);
    return intact;
}

static bool on_record(void *context, const struct journal_place *place, const char *payload) {
    struct loading *loading = context;
    struct log_image *image = loading->image;
    raft_index first = record_first(payload, place->len);
    unsigned n;
    struct log_entry *entries = record_decode(payload, place->len, &n);
    if (!check_outside(loading->log, first, entries, n)) {
        free(entries);
        return false;
    }
    if (image->n == 0 || first < image->first) {
        image_cut(image, 0);
        image->first = first;
    } else if (first > image->first + image->n) {
        die("%s: the log is corrupted: entries before %llu are missing; " REPLACE_SERVER,
            loading->log->store->dir, first);
    }
    image_cut(image, (unsigned)(first - image->first));
    for (unsigned i = 0; i < n; i++) {
        image_add(image, &entries[i]);
    }
    free(entries);
    mark_add(loading->log, first, place);
    loading->log->bytes_written += place->len;
    return true;
}

uint64_t log_load(struct log *l, const struct base *base, struct log_image *image) {
    *image = (struct log_image){0};
    struct loading loading = {l, image};
    journal_replay(&l->journal, base->segment, base->ticket, on_record, &loading);
    l->first = image->n > 0 ? image->first : base->index + 1;
    l->last = l->written = l->first + image->n - 1;
    l->cached = l->last + 1;
    l->store->values.first = l->first;
    return l->journal.ticket;
}

void log_trim(struct log *l) { journal_trim(&l->journal); }
