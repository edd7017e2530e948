/* SPDX-License-Identifier: MIT */
#include "pages.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "glob.h"
#include "limits.h"
#include "position.h"
#include "reply.h"
#include "server.h"

enum {
    MAX_QUEUE = 256,
    MAX_STEPS = sizeof(((struct pages *)NULL)->steps) / sizeof(struct page *),
    STEP_WORK = 4 * 1024 * 1024 /* bytes read and comparisons made, after which a step ends */
};

struct page {
    struct page *next;
    struct client *client;
    uint64_t seq;
    struct page_options options;
    char *pattern;
    raft_index wanted; /* applied index when it was queued */
    const rocksdb_snapshot_t *snapshot;
    rocksdb_readoptions_t *read; /* NULL: it has not begun */
    bool ended;
    struct buf keys; /* found keys as bulk strings */
    size_t n;
    size_t max; /* bytes of `keys` */
};

void pages_init(struct pages *pages, struct server *server) {
    *pages = (struct pages){.server = server};
    pages->last = &pages->first;
}

void pages_add(struct server *s, struct client *client, uint64_t seq,
               const struct page_options *options) {
    struct pages *pages = &s->pages;
    if (pages->n >= MAX_QUEUE) {
        client_error(client, seq, "TRYAGAIN too many scans are queued; nothing was done");
        return;
    }
    struct page *p = xmalloc(sizeof *p);
    *p = (struct page){.client = client,
                       .seq = seq,
                       .options = *options,
                       .wanted = s->data.applied,
                       .max = s->memory.max_reply};
    if (options->pattern != NULL) {
        p->pattern = xmalloc(options->pattern_len);
        memcpy(p->pattern, options->pattern, options->pattern_len);
        p->options.pattern = p->pattern;
    }
    *pages->last = p;
    pages->last = &p->next;
    pages->n++;
}

/* --- on the worker thread ------------------------------------------------ */

static bool wanted(const struct page *p, const char *key, size_t len, size_t *work) {
    const struct page_options *o = &p->options;
    return !o->nothing &&
           (o->pattern == NULL || glob_match(o->pattern, o->pattern_len, key, len, work));
}

/* Look at the next keys. A step does not end between two keys of the same position. */
static void step(struct store *store, struct page *p) {
    rocksdb_iterator_t *it = data_iterate(store, p->read, p->options.position);
    size_t seen = 0;
    size_t work = 0;
    uint64_t last = 0;
    const char *key;
    size_t len;
    p->ended = true;
    for (; (key = data_key(it, &len)) != NULL; rocksdb_iter_next(it)) {
        uint64_t position = position_of(key, len);
        if (position != last && (seen >= p->options.count || work >= STEP_WORK)) {
            p->options.position = position;
            p->ended = false;
            break;
        }
        size_t value_len;
        rocksdb_iter_value(it, &value_len);
        last = position;
        seen++;
        work += len + value_len;
        if (wanted(p, key, len, &work)) {
            reply_bulk(&p->keys, key, len);
            p->n++;
        }
        if (p->keys.len > p->max) {
            break; /* it becomes an error */
        }
    }
    rocksdb_iter_destroy(it);
}

static void on_work(uv_work_t *work) {
    struct pages *pages = work->data;
    for (unsigned i = 0; i < pages->n_steps; i++) {
        step(&pages->server->store, pages->steps[i]);
    }
}

/* --- on the loop's thread ------------------------------------------------ */

static void page_free(struct server *s, struct page *p) {
    rocksdb_readoptions_destroy(p->read);
    rocksdb_release_snapshot(s->store.db, p->snapshot);
    free(p->pattern);
    buf_free(&p->keys);
    free(p);
}

static void reply(struct server *s, struct page *p) {
    struct buf *b = &s->scratch;
    char cursor[24];
    b->len = 0;
    if (p->keys.len > p->max) {
        char text[64];
        snprintf(text, sizeof text, "ERR the reply would exceed %zu MiB", p->max / 1024 / 1024);
        client_error(p->client, p->seq, text);
        return;
    }
    if (!p->options.all) {
        snprintf(cursor, sizeof cursor, "%" PRIu64, p->ended ? 0 : p->options.position);
        reply_array(b, 2);
        reply_string(b, cursor);
    }
    reply_array(b, p->n);
    buf_put(b, p->keys.data, p->keys.len);
    client_scratch(s, p->client, p->seq);
}

static bool finished(const struct page *p) {
    return p->ended || !p->options.all || p->keys.len > p->max;
}

static void unlink_page(struct pages *pages, struct page *p) {
    struct page **at = &pages->first;
    while (*at != p) {
        at = &(*at)->next;
    }
    *at = p->next;
    if (pages->last == &p->next) {
        pages->last = at;
    }
    pages->n--;
}

static void on_done(uv_work_t *work, int status) {
    (void)status;
    struct pages *pages = work->data;
    for (unsigned i = 0; i < pages->n_steps; i++) {
        struct page *p = pages->steps[i];
        if (finished(p)) {
            unlink_page(pages, p);
            reply(pages->server, p);
            page_free(pages->server, p);
        }
    }
    pages->n_steps = 0;
}

static void begin(struct server *s, struct page *p) {
    if (p->read == NULL) {
        p->snapshot = rocksdb_create_snapshot(s->store.db);
        p->read = rocksdb_readoptions_create();
        rocksdb_readoptions_set_snapshot(p->read, p->snapshot);
        rocksdb_readoptions_set_fill_cache(p->read, 0);
    }
    s->pages.steps[s->pages.n_steps++] = p;
}

/* A request takes part if the database contains the entries that were applied when it was queued.
 * One KEYS at a time, because each may need the memory of a whole reply. */
bool pages_resume(struct server *s) {
    struct pages *pages = &s->pages;
    bool all = false;
    bool waits = false;
    if (pages->first == NULL || pages->n_steps > 0 || s->install.loading || s->stopping != 0) {
        return false;
    }
    for (struct page *p = pages->first; p != NULL && pages->n_steps < MAX_STEPS; p = p->next) {
        if (p->read == NULL && s->data.written < p->wanted) {
            waits = true;
            break;
        }
        if (!p->options.all || !all) {
            begin(s, p);
        }
        all = all || p->options.all;
    }
    if (pages->n_steps > 0) {
        pages->work.data = pages;
        uv_queue_work(s->loop, &pages->work, on_work, on_done);
    }
    return waits;
}
