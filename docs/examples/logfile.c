/* SPDX-License-Identifier: MIT */
/* The file is a sequence of batches. A batch has a header: its number, the number of bytes after
 * the header, and a checksum. Records follow: RECORD_VOTE (term, vote), RECORD_FIRST (index of the
 * first entry), RECORD_CUT (index from which entries are deleted) and RECORD_ENTRY (index, term,
 * type, length, payload). Numbers have 8 bytes. The file is read on the machine that wrote it, so
 * the order of bytes is that of the machine. */
#define _GNU_SOURCE
#include "logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORD_VOTE = 1, RECORD_FIRST, RECORD_CUT, RECORD_ENTRY };
enum { HEADER = 3 * 8 };

/* --- memory -------------------------------------------------------------- */

static void *resize(void *memory, size_t size) {
    void *p = realloc(memory, size > 0 ? size : 1);
    if (p == NULL) {
        fprintf(stderr, "out of memory\n");
        _exit(1); /* what was not synced counts as not written */
    }
    return p;
}

static raft_index last_index(const struct log *l) { return l->first + l->n - 1; }

/* Delete the entries from this index on. Where that leaves a gap, the whole log is replaced. */
static void cut(struct log *l, raft_index index) {
    while (l->n > 0 && (last_index(l) >= index || last_index(l) + 1 < index)) {
        free(l->entries[--l->n].buf.base);
    }
    l->first = l->n == 0 ? index : l->first;
}

static void append(struct log *l, const struct raft_entry *entry) {
    struct raft_entry *copy;
    l->entries = resize(l->entries, (l->n + (size_t)1) * sizeof *copy);
    copy = &l->entries[l->n++];
    *copy = *entry;
    copy->batch = l; /* any value but NULL */
    copy->buf.base = resize(NULL, entry->buf.len);
    if (entry->buf.len > 0) {
        memcpy(copy->buf.base, entry->buf.base, entry->buf.len);
    }
}

/* --- records ------------------------------------------------------------- */

static void put(struct log *l, const void *bytes, size_t len) {
    if (l->capacity - l->len < len) {
        l->capacity = 2 * l->capacity + len;
        l->buf = resize(l->buf, l->capacity);
    }
    if (len > 0) {
        memcpy(l->buf + l->len, bytes, len);
    }
    l->len += len;
}

static void put_numbers(struct log *l, unsigned n, const uint64_t *numbers) {
    static const unsigned char empty[HEADER];
    if (l->len == 0) {
        put(l, empty, HEADER); /* seal() fills it in */
    }
    put(l, numbers, n * sizeof *numbers);
}

/* [records] */
static void put_entry(struct log *l, raft_index index, const struct raft_entry *e) {
    put_numbers(l, 5, (uint64_t[]){RECORD_ENTRY, index, e->term, e->type, e->buf.len});
    put(l, e->buf.base, e->buf.len);
}

/* Duty 1. */
void log_vote(struct log *l, raft_term term, raft_id voted_for) {
    l->term = term;
    l->voted_for = voted_for;
    put_numbers(l, 3, (uint64_t[]){RECORD_VOTE, term, voted_for});
}

/* Duty 2. The old entries stay in the file: a record says from which index on they
 * do not count any more. */
void log_entries(struct log *l, const struct raft_update_entries *update) {
    cut(l, update->index);
    put_numbers(l, 2, (uint64_t[]){RECORD_CUT, update->index});
    for (unsigned i = 0; i < update->n; i++) {
        append(l, &update->batch[i]);
        put_entry(l, update->index + i, &update->batch[i]);
    }
}
/* [records end] */

void log_clear(struct log *l, raft_index first) {
    put_numbers(l, 4, (uint64_t[]){RECORD_CUT, l->first, RECORD_FIRST, first});
    cut(l, l->first);
    l->first = first;
}

/* CRC-32C. */
static uint64_t checksum(const unsigned char *bytes, size_t len, uint32_t crc) {
    for (crc = ~crc; len > 0; len--) {
        crc ^= *bytes++;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
        }
    }
    return ~crc & 0xffffffffu;
}

/* The checksum covers the number and the length, too. */
static uint64_t batch_checksum(const unsigned char *batch, size_t len) {
    return checksum(batch + HEADER, len - HEADER, (uint32_t)checksum(batch, 16, 0));
}

static void seal(struct log *l) {
    uint64_t header[2] = {l->number, l->len - HEADER}, sum;
    memcpy(l->buf, header, sizeof header);
    sum = batch_checksum(l->buf, l->len);
    memcpy(l->buf + sizeof header, &sum, sizeof sum);
}

/* --- writing ------------------------------------------------------------- */

static bool write_all(int fd, const void *bytes, size_t len, off_t at) {
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(fd, (const char *)bytes + done, len - done, at + (off_t)done);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* [sync] */
int log_sync(struct log *l) {
    if (l->failed) {
        return LOG_FAILED;
    }
    if (l->len == 0) {
        return LOG_OK;
    }
    seal(l);
    if (!write_all(l->fd, l->buf, l->len, l->size)) {
        /* The next attempt writes the batch to the same place, so a part of it does
         * no harm. */
        l->failed = errno != ENOSPC && errno != EDQUOT && errno != EFBIG;
        return l->failed ? LOG_FAILED : LOG_FULL;
    }
    if (l->sync(l->fd) != 0) {
        l->failed = true; /* do not try again: the kernel may have dropped the data */
        return LOG_FAILED;
    }
    l->size += (off_t)l->len;
    l->number++;
    l->len = 0;
    return LOG_OK;
}
/* [sync end] */

/* [replace] */
int replace_file(int dir, const char *name, const void *bytes, size_t len) {
    char draft[64];
    snprintf(draft, sizeof draft, "%s.new", name);
    int fd = openat(dir, draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return LOG_FAILED;
    }
    bool written = write_all(fd, bytes, len, 0) && fsync(fd) == 0; /* first the bytes */
    written = close(fd) == 0 && written;
    if (!written || renameat(dir, draft, dir, name) != 0) {
        return LOG_FAILED;
    }
    return fsync(dir) == 0 ? LOG_OK : LOG_FAILED; /* then the name */
}
/* [replace end] */

/* [compact] */
int log_compact(struct log *l, raft_index first) {
    raft_index gone = first > l->first ? first - l->first : 0;
    unsigned n = gone < l->n ? (unsigned)gone : l->n;
    for (unsigned i = 0; i < n; i++) {
        free(l->entries[i].buf.base);
    }
    if (n > 0) {
        l->n -= n;
        l->first = first;
        memmove(l->entries, l->entries + n, l->n * sizeof *l->entries);
    }
    l->len = 0; /* all that the next batch has is in memory, too */
    put_numbers(l, 2, (uint64_t[]){RECORD_FIRST, l->first});
    log_vote(l, l->term, l->voted_for);
    for (unsigned i = 0; i < l->n; i++) {
        put_entry(l, l->first + i, &l->entries[i]);
    }
    l->number = 0;
    seal(l);
    int fd = -1;
    if (replace_file(l->dir, "log", l->buf, l->len) == LOG_OK) {
        fd = openat(l->dir, "log", O_RDWR | O_CLOEXEC);
    }
    if (fd < 0) {
        l->failed = true;
        return LOG_FAILED;
    }
    if (l->fd >= 0) {
        close(l->fd);
    }
    l->fd = fd;
    l->size = (off_t)l->len;
    l->number = 1;
    l->len = 0;
    return LOG_OK;
}
/* [compact end] */

/* --- reading ------------------------------------------------------------- */

/* Apply the records of a batch. Returns false if they make no sense. */
static bool replay(struct log *l, const unsigned char *at, size_t len) {
    uint64_t number[5] = {0};
    while (len > 0) {
        memcpy(number, at, len < sizeof number ? len : sizeof number);
        size_t size = number[0] == RECORD_ENTRY ? 40 : number[0] == RECORD_VOTE ? 24 : 16;
        if (size > len || number[0] < RECORD_VOTE || number[0] > RECORD_ENTRY) {
            return false;
        }
        if (number[0] == RECORD_VOTE) {
            l->term = number[1];
            l->voted_for = number[2];
        } else if (number[0] == RECORD_ENTRY) {
            struct raft_entry e = {.term = number[2], .type = (enum raft_entry_type)number[3]};
            e.buf.base = (void *)(at + size);
            e.buf.len = (size_t)number[4];
            if (number[4] > len - size || number[1] != last_index(l) + 1) {
                return false;
            }
            append(l, &e);
            size += e.buf.len;
        } else {
            cut(l, number[1]);
        }
        at += size;
        len -= size;
    }
    return true;
}

/* [read] */
/* The length of the whole and intact batch with this number that begins here; 0:
 * there is none. */
static size_t batch_length(const unsigned char *at, size_t len, uint64_t number) {
    uint64_t header[3];
    if (len < HEADER) {
        return 0;
    }
    memcpy(header, at, HEADER);
    if (header[0] != number || header[1] > len - HEADER) {
        return 0;
    }
    size_t size = HEADER + (size_t)header[1];
    return batch_checksum(at, size) == header[2] ? size : 0;
}

static int read_batches(struct log *l, const unsigned char *file, size_t len) {
    size_t good = 0, size;
    while ((size = batch_length(file + good, len - good, l->number)) > 0) {
        if (!replay(l, file + good + HEADER, size - HEADER)) {
            return LOG_DAMAGED;
        }
        good += size;
        l->number++;
    }
    /* What follows is no intact batch. If it is the last one, a crash interrupted
     * its write: it was never acknowledged. If the next one follows, it was synced,
     * and is damaged now. */
    for (size_t at = good; at < len; at++) {
        if (batch_length(file + at, len - at, l->number + 1) > 0) {
            return LOG_DAMAGED;
        }
    }
    l->size = (off_t)good;
    /* The first batch was durable before the file got its name. */
    return l->number > 0 ? LOG_OK : LOG_DAMAGED;
}
/* [read end] */

static unsigned char *read_file(int fd, size_t *len) {
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return NULL;
    }
    unsigned char *bytes = resize(NULL, (size_t)status.st_size);
    for (*len = 0; *len < (size_t)status.st_size;) {
        ssize_t n = pread(fd, bytes + *len, (size_t)status.st_size - *len, (off_t)*len);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            free(bytes);
            return NULL;
        }
        *len += n > 0 ? (size_t)n : 0;
    }
    return bytes;
}

/* [open] */
int log_open(struct log *l, const char *dir) {
    *l = (struct log){.first = 1, .fd = -1, .sync = fdatasync};
    l->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    l->fd = l->dir >= 0 ? openat(l->dir, "log", O_RDWR | O_CLOEXEC) : -1;
    if (l->dir >= 0 && l->fd < 0 && errno == ENOENT) {
        return log_compact(l, 1); /* a new server: create an empty log */
    }
    size_t len;
    unsigned char *file = l->fd >= 0 ? read_file(l->fd, &len) : NULL;
    if (file == NULL) {
        return LOG_FAILED;
    }
    int status = read_batches(l, file, len);
    free(file);
    if (status != LOG_OK) {
        return status;
    }
    /* Cut the incomplete batch off. What was read may be in the kernel's memory
     * only, if just the process was killed: sync it before anybody is told of it. */
    return ftruncate(l->fd, l->size) == 0 && fsync(l->fd) == 0 ? LOG_OK : LOG_FAILED;
}
/* [open end] */

void log_close(struct log *l) {
    cut(l, l->first);
    free(l->entries);
    free(l->buf);
    if (l->fd >= 0) {
        close(l->fd);
    }
    if (l->dir >= 0) {
        close(l->dir);
    }
    *l = (struct log){.fd = -1, .dir = -1};
}
