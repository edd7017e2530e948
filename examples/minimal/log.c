/* SPDX-License-Identifier: MIT */
/* The file is a sequence of batches. A batch is its length (4 bytes), its checksum (4 bytes), and
 * records, which are messages of examples/wire: RequestVote for term and vote, AppendEntries for
 * entries, InstallSnapshot. Each batch is synced before the next is written, so that at most the
 * last one can be incomplete after a crash. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "log.h"

enum { HEADER = 8 };

/* --- the log in memory ----------------------------------------------------- */

raft_index log_last(const struct log *l) { return l->first + l->n - 1; }

struct raft_entry *log_range(const struct log *l, raft_index index, raft_index n) {
    bool there = index >= l->first && n <= l->n && index - l->first <= l->n - n;
    return there ? &l->entries[index - l->first] : NULL;
}

void log_drop(struct log *l, raft_index first) {
    unsigned n = 0;
    while (n < l->n && l->first + n < first) {
        free(l->entries[n++].buf.base);
    }
    l->n -= n;
    l->first = l->n == 0 ? first : l->first + n;
    if (n > 0) {
        memmove(l->entries, l->entries + n, l->n * sizeof *l->entries);
    }
}

static void append(struct log *l, raft_index index, const struct raft_entry *e, unsigned n) {
    while (l->n > 0 && log_last(l) >= index) {
        free(l->entries[--l->n].buf.base);
    }
    if (log_last(l) + 1 != index) { /* the log is replaced */
        log_drop(l, index);
    }
    l->entries = resize(l->entries, (l->n + (size_t)n) * sizeof *e);
    for (unsigned i = 0; i < n; i++) {
        struct raft_entry *copy = &l->entries[l->n++];
        *copy = e[i];
        copy->batch = l; /* any value but NULL */
        copy->buf.base = resize(NULL, e[i].buf.len);
        if (e[i].buf.len > 0) {
            memcpy(copy->buf.base, e[i].buf.base, e[i].buf.len);
        }
    }
}

/* --- the log in the file --------------------------------------------------- */

/* [records] */
static void record(struct log *l, const struct raft_message *m) {
    size_t size = wire_size(m, "");
    if (size == 0) {
        die("a record is too long");
    }
    if (l->batch.len == 0) {
        bytes_add(&l->batch, NULL, HEADER);
    }
    wire_encode(m, l->id, "", bytes_add(&l->batch, NULL, size));
}

void log_vote(struct log *l, raft_term term, raft_id vote) {
    struct raft_message m = {.type = RAFT_REQUEST_VOTE};
    m.request_vote.term = l->term = term;
    m.request_vote.candidate_id = l->vote = vote;
    record(l, &m);
}

static void record_entries(struct log *l, raft_index index, struct raft_entry *e, unsigned n) {
    struct raft_message m = {.type = RAFT_APPEND_ENTRIES};
    m.append_entries.prev_log_index = index - 1;
    m.append_entries.entries = e;
    m.append_entries.n_entries = n;
    record(l, &m);
}

void log_write(struct log *l, const struct raft_update_entries *u) {
    append(l, u->index, u->batch, u->n);
    record_entries(l, u->index, u->batch, u->n);
}
/* [records end] */

/* [sync] */
void log_sync(struct log *l) {
    struct bytes *b = &l->batch;
    if (b->len == 0) {
        return;
    }
    uLong sum = crc32_z(0, (unsigned char *)b->base + HEADER, b->len - HEADER);
    uint32_t header[2] = {htole32((uint32_t)(b->len - HEADER)), htole32((uint32_t)sum)};
    if (b->len - HEADER > UINT32_MAX) {
        die("a batch is too long");
    }
    memcpy(b->base, header, HEADER);
    for (size_t done = 0; done < b->len;) {
        ssize_t n = write(l->fd, b->base + done, b->len - done);
        if (n < 0 && errno != EINTR) {
            die("cannot write the log: %s", strerror(errno));
        }
        done += n > 0 ? (size_t)n : 0;
    }
    if (fdatasync(l->fd) != 0) { /* not again: the kernel may have dropped the data */
        die("cannot sync the log: %s", strerror(errno));
    }
    b->len = 0;
}
/* [sync end] */

/* [rewrite] */
void log_rewrite(struct log *l) {
    char path[4096], new_path[4096];
    snprintf(path, sizeof path, "%s/log", l->dir);
    snprintf(new_path, sizeof new_path, "%s/log.new", l->dir);
    int old = l->fd, dir = open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    l->fd = open(new_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    l->batch.len = 0; /* what was not written yet is in memory, too */
    log_vote(l, l->term, l->vote);
    if (l->snapshot.memory != NULL) {
        record(l, &l->snapshot.message);
    }
    record_entries(l, l->first, NULL, 0);
    for (unsigned i = 0; i < l->n; i++) { /* one by one: all might be too long for a record */
        record_entries(l, l->first + i, &l->entries[i], 1);
    }
    log_sync(l);
    if (dir < 0 || rename(new_path, path) != 0 || fsync(dir) != 0) {
        die("%s: %s", path, strerror(errno));
    }
    close(dir);
    if (old >= 0) {
        close(old);
    }
}
/* [rewrite end] */

void snapshot_copy(struct wire_message *to, const struct raft_install_snapshot *s) {
    struct raft_message m = {.type = RAFT_INSTALL_SNAPSHOT};
    m.install_snapshot = *s;
    size_t size = wire_size(&m, "");
    char *encoded = resize(NULL, size);
    if (size > 0) {
        wire_encode(&m, 1, "", encoded);
    }
    wire_free(to);
    if (size == 0 || wire_decode(encoded, size, to) != 0) {
        die("a snapshot is too long");
    }
    free(encoded);
}

/* [replay] */
static bool replay(struct log *l, const char *at, size_t left) {
    while (left > 0) {
        struct wire_message w;
        size_t len = wire_length(at, left);
        if (len == 0 || len > left || wire_decode(at, len, &w) != 0) {
            return false;
        }
        const struct raft_append_entries *a = &w.message.append_entries;
        if (w.message.server_id != l->id) {
            die("%s: the log of server %llu", l->dir, w.message.server_id);
        } else if (w.message.type == RAFT_REQUEST_VOTE) {
            l->term = w.message.request_vote.term;
            l->vote = w.message.request_vote.candidate_id;
        } else if (w.message.type == RAFT_APPEND_ENTRIES) {
            append(l, a->prev_log_index + 1, a->entries, a->n_entries);
        } else {
            snapshot_copy(&l->snapshot, &w.message.install_snapshot);
        }
        wire_free(&w);
        at += len;
        left -= len;
    }
    return true;
}

/* The size of the intact batch that begins at `at`. 0: the file ends here, or with an incomplete
 * batch, which a crash has left. */
static size_t next_batch(const char *path, const struct bytes *file, size_t at) {
    size_t left = file->len - at, len;
    uint32_t header[2];
    if (left < HEADER) {
        return 0;
    }
    const char *batch = file->base + at;
    memcpy(header, batch, HEADER);
    len = le32toh(header[0]);
    if (len == 0 || len > left - HEADER) {
        return 0;
    }
    if (crc32_z(0, (const unsigned char *)batch + HEADER, len) == le32toh(header[1])) {
        return HEADER + len;
    }
    if (HEADER + len < left) { /* others follow, so this one was synced */
        die("%s: damaged at %zu", path, at);
    }
    return 0;
}

void log_open(struct log *l, const char *dir, raft_id id) {
    char path[4096];
    struct bytes file = {0};
    *l = (struct log){.dir = dir, .id = id, .first = 1};
    snprintf(path, sizeof path, "%s/log", dir);
    l->fd = open(path, O_RDWR | O_CLOEXEC);
    if (l->fd < 0 && errno == ENOENT) {
        log_rewrite(l); /* a new server */
        return;
    }
    off_t size = lseek(l->fd, 0, SEEK_END);
    if (size < 0 || pread(l->fd, bytes_add(&file, NULL, (size_t)size), (size_t)size, 0) != size) {
        die("%s: cannot be read", path);
    }
    size_t good = 0, len;
    while ((len = next_batch(path, &file, good)) != 0) {
        if (!replay(l, file.base + good + HEADER, len - HEADER)) {
            die("%s: damaged at %zu", path, good);
        }
        good += len;
    }
    if (good == 0) { /* the first batch was synced before the file got its name */
        die("%s: damaged at 0", path);
    }
    if (good < file.len) {
        fprintf(stderr, "%s: cut off at %zu of %zu\n", path, good, file.len);
    }
    if (ftruncate(l->fd, (off_t)good) != 0 || lseek(l->fd, 0, SEEK_END) < 0 || fsync(l->fd) != 0) {
        die("%s: %s", path, strerror(errno));
    }
    free(file.base);
}
/* [replay end] */
