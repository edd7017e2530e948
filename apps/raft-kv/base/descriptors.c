/* SPDX-License-Identifier: MIT */
#include "descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "limits.h"
#include "report.h"

enum {
    MIN_LIMIT = 256,
    MAX_LIMIT = 1024 * 1024,
    /* The database gets half of these. The log, dumps, libuv and name lookups share the rest. */
    MIN_FILES = 96,
    MAX_FILES = 1024
};

static unsigned at_most(unsigned n, unsigned max) { return n < max ? n : max; }

static unsigned raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        die("cannot read the limit of file descriptors: %s", strerror(errno));
    }
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max > MAX_LIMIT ? MAX_LIMIT : limit.rlim_max;
    if (limit.rlim_cur <= before || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        limit.rlim_cur = before;
    }
    return limit.rlim_cur > MAX_LIMIT ? MAX_LIMIT : (unsigned)limit.rlim_cur;
}

void descriptors_init(struct descriptors *d) {
    d->limit = raise_limit();
    if (d->limit < MIN_LIMIT) {
        die("%u file descriptors are too few: raise the limit (ulimit -n) to %d or more", d->limit,
            MIN_LIMIT);
    }
    unsigned files = d->limit / 4;
    files = files < MIN_FILES ? MIN_FILES : at_most(files, MAX_FILES);
    d->open_files = files / 2;
    d->inbound = at_most(d->limit / 8, MAX_PEER_CONNECTIONS);
    d->clients = at_most(d->limit - files - 2 * d->inbound, MAX_CLIENTS);
}
