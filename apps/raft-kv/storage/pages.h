/* SPDX-License-Identifier: MIT */
/* SCAN and KEYS: keys in the order of their positions (position.h), read on a worker thread in
 * bounded steps. A step looks at a limited number of keys and bytes. A SCAN takes one step. KEYS
 * takes as many as there are, all from the same snapshot of the database; other requests get their
 * steps in between. */
#ifndef KV_PAGES_H
#define KV_PAGES_H

#include <uv.h>

#include "store.h"

struct server;
struct client;
struct page;

struct pages {
    struct server *server;
    struct page *first; /* the queue, in order of arrival */
    struct page **last;
    unsigned n;
    uv_work_t work;
    struct page *steps[8]; /* the requests that take a step in the running job */
    unsigned n_steps;      /* 0: no job is running */
};

enum {
    MAX_PATTERN = 1024,    /* bytes */
    MAX_PAGE_COUNT = 10000 /* keys that a step looks at */
};

struct page_options {
    uint64_t position;   /* where to begin */
    size_t count;        /* keys to look at, as COUNT of SCAN */
    const char *pattern; /* NULL: all keys; copied */
    size_t pattern_len;
    bool nothing; /* for a TYPE that no key has */
    bool all;     /* KEYS */
};

void pages_init(struct pages *pages, struct server *server);

/* Queue a request. The reply holds the keys of the applied entries. */
void pages_add(struct server *s, struct client *client, uint64_t seq,
               const struct page_options *options);

/* Start the next steps if possible; true if they need the changes written to the database first. */
bool pages_resume(struct server *s);

#endif
