/* SPDX-License-Identifier: MIT */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* A batch: magic number (4 bytes), checksum of all that follows (4), length of the records (8),
 * number of the batch (8), records. A record: group (4), type (1), fields. */
enum { HEAD = 24, MAGIC = 0x4a544c4d, VOTE = 1, ENTRIES = 2, IMAGE = 3 };
enum { REWRITE_BATCH = 1024 * 1024 }; /* bytes in a batch while the journal is rewritten */

static uint32_t checksum(const char *data, size_t len) {
    return (uint32_t)crc32_z(0, (const Bytef *)data, len);
}

/* --- writing ------------------------------------------------------------- */

static void record(struct disk *d, uint32_t group, int type) {
    if (d->batch.len == 0) {
        put_space(&d->batch, HEAD); /* disk_sync() fills it */
    }
    put_int(&d->batch, group, 4);
    put_int(&d->batch, (uint64_t)type, 1);
}

void disk_put_vote(struct disk *d, uint32_t group, raft_term term, raft_id vote) {
    record(d, group, VOTE);
    put_int(&d->batch, term, 8);
    put_int(&d->batch, vote, 8);
}

static void put_entries(struct bytes *b, raft_index index, unsigned n, const char *packed,
                        size_t len) {
    put_int(b, index, 8);
    put_int(b, n, 4);
    put(b, packed, len);
}

void disk_put_entries(struct disk *d, uint32_t group, raft_index index, unsigned n,
                      const char *packed, size_t len) {
    record(d, group, ENTRIES);
    put_entries(&d->batch, index, n, packed, len);
}

void disk_put_image(struct disk *d, uint32_t group, const struct image *image) {
    record(d, group, IMAGE);
    put_int(&d->batch, image->term, 8);
    put_int(&d->batch, image->vote, 8);
    put_int(&d->batch, image->snapshot.index, 8);
    put_int(&d->batch, image->snapshot.term, 8);
    put_int(&d->batch, image->snapshot.conf_index, 8);
    put_int(&d->batch, image->snapshot.state.value, 8);
    put_int(&d->batch, image->snapshot.state.writes, 8);
    put_entries(&d->batch, image->log.first, image->log.n, image->log.bytes, image->log.len);
}

/* Write the batch without syncing it. */
static bool write_batch(struct disk *d) {
    if (d->batch.len == 0) {
        return false;
    }
    char *head = d->batch.data;
    store_int(head, MAGIC, 4);
    store_int(head + 8, d->batch.len - HEAD, 8);
    store_int(head + 16, d->next++, 8);
    store_int(head + 4, checksum(head + 8, d->batch.len - 8), 4);
    for (size_t done = 0; done < d->batch.len;) {
        ssize_t n = pwrite(d->fd, head + done, d->batch.len - done, (off_t)(d->size + done));
        if (n < 0 && errno != EINTR) {
            die("%s: %s", d->path, strerror(errno));
        }
        done += n > 0 ? (size_t)n : 0;
    }
    d->size += d->batch.len;
    bytes_drop(&d->batch, d->batch.len);
    return true;
}

static void sync_file(struct disk *d) {
    d->syncs++;
    if (fdatasync(d->fd) != 0) {
        die("%s: %s", d->path, strerror(errno));
    }
}

bool disk_sync(struct disk *d) {
    bool written = write_batch(d);
    if (written) {
        sync_file(d);
    }
    return written;
}

/* --- rewriting ----------------------------------------------------------- */

/* Make the creation, renaming or removal of the journal durable. */
static void sync_directory(struct disk *d) {
    char *copy = strdup(d->path);
    int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0 || fsync(fd) != 0) {
        die("%s: cannot sync the directory: %s", d->path, strerror(errno));
    }
    close(fd);
    free(copy);
}

static char *path_of_new(const struct disk *d) {
    size_t size = strlen(d->path) + sizeof ".new";
    char *path = resize(NULL, size);
    snprintf(path, size, "%s.new", d->path);
    return path;
}

bool disk_has_grown(const struct disk *d, uint64_t limit) {
    return d->size - d->live > limit && d->size / 2 > d->live;
}

void disk_rewrite_begin(struct disk *d) {
    char *path = path_of_new(d);
    close(d->fd);
    d->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (d->fd < 0) {
        die("%s: %s", path, strerror(errno));
    }
    d->size = 0;
    free(path);
}

void disk_rewrite_part(struct disk *d) {
    if (d->batch.len > REWRITE_BATCH) {
        write_batch(d);
    }
}

void disk_rewrite_end(struct disk *d) {
    char *path = path_of_new(d);
    write_batch(d);
    sync_file(d);
    if (rename(path, d->path) != 0) {
        die("%s: %s", path, strerror(errno));
    }
    sync_directory(d);
    d->live = d->size;
    d->rewritings++;
    free(path);
}

/* --- reading ------------------------------------------------------------- */

static void read_entries(struct cursor *c, struct log *log) {
    raft_index index = get_int(c, 8);
    uint64_t n = get_int(c, 4);
    if (index < log->first || index > log->first + log->n) {
        c->bad = true;
    }
    for (log_truncate(log, index); n > 0 && !c->bad; n--) {
        struct raft_entry e;
        entry_unpack(c, &e, NULL);
        if (!c->bad) {
            log_append(log, &e);
        }
    }
}

static void read_image(struct cursor *c, struct image *image) {
    image->term = get_int(c, 8);
    image->vote = get_int(c, 8);
    image->snapshot.index = get_int(c, 8);
    image->snapshot.term = get_int(c, 8);
    image->snapshot.conf_index = get_int(c, 8);
    image->snapshot.state.value = get_int(c, 8);
    image->snapshot.state.writes = get_int(c, 8);
    if (bytes_left(c) >= 8) {
        log_reset(&image->log, load_int(c->at, 8)); /* the index of the first entry */
    }
    read_entries(c, &image->log);
}

/* Carry out the records of a batch. Returns false if they do not fit what came before. */
static bool replay(struct cursor c, struct image *images, uint32_t groups) {
    while (bytes_left(&c) > 0 && !c.bad) {
        uint64_t group = get_int(&c, 4);
        uint64_t type = get_int(&c, 1);
        if (group >= groups) {
            return false;
        }
        struct image *image = &images[group];
        switch (type) {
            case VOTE:
                image->term = get_int(&c, 8);
                image->vote = get_int(&c, 8);
                break;
            case ENTRIES:
                read_entries(&c, &image->log);
                break;
            case IMAGE:
                read_image(&c, image);
                break;
            default:
                return false;
        }
    }
    return !c.bad;
}

/* The length of the intact batch at `at` with at least this number; 0: there is none. */
static size_t batch_at(struct cursor at, uint64_t number) {
    const char *head = get(&at, HEAD);
    if (head == NULL || load_int(head, 4) != MAGIC || load_int(head + 8, 8) > bytes_left(&at) ||
        load_int(head + 16, 8) < number) {
        return 0;
    }
    size_t len = HEAD + (size_t)load_int(head + 8, 8);
    return load_int(head + 4, 4) == checksum(head + 8, len - 8) ? len : 0;
}

/* Replay the batches, and return the length of all that are intact. */
static size_t replay_all(struct disk *d, struct cursor file, struct image *images,
                         uint32_t groups) {
    const char *begin = file.at;
    for (size_t len; (len = batch_at(file, d->next)) > 0; file.at += len) {
        struct cursor records = {file.at + HEAD, file.at + len, false};
        d->next = load_int(file.at + 16, 8) + 1;
        if (!replay(records, images, groups)) {
            die("%s: the journal was written for other groups, or by another program", d->path);
        }
    }
    /* A batch is written after the sync of the one before. So an intact batch beyond this place
     * proves that the damaged one had been synced. */
    for (struct cursor c = file; bytes_left(&c) >= HEAD; c.at++) {
        if (batch_at(c, d->next) > 0) {
            die("%s: damaged at byte %zu: lost what had been synced", d->path,
                (size_t)(file.at - begin));
        }
    }
    return (size_t)(file.at - begin);
}

static void map_and_replay(struct disk *d, struct image *images, uint32_t groups) {
    struct stat info;
    if (fstat(d->fd, &info) != 0) {
        die("%s: %s", d->path, strerror(errno));
    }
    size_t size = (size_t)info.st_size;
    if (size > 0) {
        char *file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, d->fd, 0);
        if (file == MAP_FAILED) {
            die("%s: %s", d->path, strerror(errno));
        }
        d->size = replay_all(d, (struct cursor){file, file + size, false}, images, groups);
        munmap(file, size);
    }
    if (d->size < size && ftruncate(d->fd, (off_t)d->size) != 0) {
        die("%s: %s", d->path, strerror(errno));
    }
    sync_file(d); /* what was replayed may have been written, but not synced, before a crash */
}

void disk_open(struct disk *d, const char *dir, struct image *images, uint32_t groups) {
    size_t size = strlen(dir) + sizeof "/journal";
    *d = (struct disk){.path = resize(NULL, size), .next = 1};
    snprintf(d->path, size, "%s/journal", dir);
    if (mkdir(dir, 0755) != 0 && errno != EEXIST) {
        die("%s: %s", dir, strerror(errno));
    }
    char *unfinished = path_of_new(d);
    unlink(unfinished);
    free(unfinished);
    d->fd = open(d->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (d->fd < 0) {
        die("%s: %s", d->path, strerror(errno));
    }
    for (uint32_t i = 0; i < groups; i++) {
        images[i] = (struct image){.log = {.first = 1}};
    }
    map_and_replay(d, images, groups);
    sync_directory(d);
    d->live = d->size;
}

void disk_close(struct disk *d) {
    close(d->fd);
    bytes_free(&d->batch);
    free(d->path);
}
