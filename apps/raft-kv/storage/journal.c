/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "report.h"

enum { PATH_SIZE = 4096, HEADER = 32, HEAD = 32, FILL = 256 * 1024, MAX_PAYLOAD = 64 << 20 };
#define MAGIC 0x314c4e524a564b52u /* "RKVJRNL1" */

/* --- names --------------------------------------------------------------- */

static void path_of(const char *dir, const char *name, char path[PATH_SIZE]) {
    if (snprintf(path, PATH_SIZE, "%s/%s", dir, name) >= PATH_SIZE) {
        die("%s: the path is too long", dir);
    }
}

static void segment_path(const char *dir, uint64_t number, char path[PATH_SIZE]) {
    char name[32];
    snprintf(name, sizeof name, "%020llu.log", (unsigned long long)number);
    path_of(dir, name, path);
}

static void spare_path(const char *dir, const char *suffix, char path[PATH_SIZE]) {
    char name[32];
    snprintf(name, sizeof name, "spare.log%s", suffix);
    path_of(dir, name, path);
}

/* --- opening ------------------------------------------------------------- */

void journal_open(struct journal *j, const char *dir, uint32_t segment_bytes) {
    *j = (struct journal){.dir = xstrdup(dir), .next = 1, .spare = -1, .unsynced_dir = true};
    j->segment_bytes = segment_bytes;
    dir_make(dir);
    if (getrandom(&j->run, sizeof j->run, 0) != (ssize_t)sizeof j->run) {
        die("cannot get random numbers: %s", strerror(errno));
    }
}

static void retire(struct journal *j, int fd) {
    if (!j->syncing) {
        close(fd);
        return;
    }
    j->retired = xrealloc(j->retired, (j->n_retired + 1) * sizeof *j->retired);
    j->retired[j->n_retired++] = fd;
}

void journal_close(struct journal *j) {
    for (size_t i = 0; i < j->n; i++) {
        close(j->segments[i].fd);
    }
    if (j->spare >= 0) {
        close(j->spare);
    }
    free(j->segments);
    free(j->retired);
    free(j->sync.fds);
    free(j->dir);
    buf_free(&j->record);
}

static void add_segment(struct journal *j, uint64_t number, int fd) {
    j->segments = array_grow(j->segments, j->n, &j->cap, sizeof *j->segments);
    j->segments[j->n++] = (struct segment){number, j->ticket, fd, true};
    j->next = number + 1;
}

/* --- segments ------------------------------------------------------------ */

uint64_t journal_ticket_before(const struct journal *j, uint64_t segment) {
    for (size_t i = 0; i < j->n; i++) {
        if (j->segments[i].number == segment) {
            return j->segments[i].before;
        }
    }
    return j->ticket;
}

/* Begin a new segment: the spare, or if there is none a new file, which grows. */
static void begin_segment(struct journal *j) {
    char path[PATH_SIZE];
    segment_path(j->dir, j->next, path);
    int fd = j->spare;
    if (fd >= 0) {
        char spare[PATH_SIZE];
        spare_path(j->dir, "", spare);
        file_rename(spare, path);
        j->spare = -1;
    } else {
        fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0) {
            file_fail(path, "create the file", errno);
        }
    }
    char header[HEADER];
    store_le(header, MAGIC, 8);
    store_le(header + 8, j->next, 8);
    store_le(header + 16, j->ticket, 8);
    store_le(header + 24, j->seed, 4);
    store_le(header + 28, crc32c(0, header, 28), 4);
    file_write(j->dir, fd, header, sizeof header, 0);
    add_segment(j, j->next, fd);
    j->unsynced_dir = true;
    j->end = HEADER;
    j->ended = false;
}

/* Keep a segment's file as the spare if there is none, else remove it. */
static void recycle(struct journal *j, const struct segment *segment) {
    char path[PATH_SIZE];
    char spare[PATH_SIZE];
    struct stat info;
    segment_path(j->dir, segment->number, path);
    if (j->spare < 0 && !j->making && fstat(segment->fd, &info) == 0 &&
        info.st_size == (off_t)j->segment_bytes) {
        spare_path(j->dir, "", spare);
        file_rename(path, spare);
        j->spare = segment->fd;
        return;
    }
    if (unlink(path) != 0) {
        file_fail(path, "remove the file", errno);
    }
    retire(j, segment->fd);
}

void journal_reclaim(struct journal *j, uint64_t first) {
    size_t n = 0;
    while (n < j->n && j->segments[n].number < first) {
        recycle(j, &j->segments[n++]);
    }
    if (n > 0) {
        j->n -= n;
        memmove(j->segments, j->segments + n, j->n * sizeof *j->segments);
    }
}

void journal_reset(struct journal *j) { journal_reclaim(j, j->next); }

bool journal_wants_spare(struct journal *j) {
    if (j->spare >= 0 || j->making || j->end < j->segment_bytes / 4) {
        return false;
    }
    j->making = true;
    return true;
}

void journal_make_spare(struct journal *j) {
    char fresh[PATH_SIZE];
    char spare[PATH_SIZE];
    spare_path(j->dir, ".new", fresh);
    spare_path(j->dir, "", spare);
    int fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        file_fail(fresh, "create the file", errno);
    }
    size_t step = j->segment_bytes < FILL ? j->segment_bytes : FILL;
    char *zeros = xmalloc(step);
    memset(zeros, 0, step);
    for (size_t at = 0; at < j->segment_bytes; at += step) {
        size_t len = j->segment_bytes - at < step ? j->segment_bytes - at : step;
        file_write(j->dir, fd, zeros, len, at);
        file_sync(fresh, fd); /* in small steps, so that other syncs wait less */
    }
    free(zeros);
    close(fd);
    file_rename(fresh, spare);
}

void journal_spare_made(struct journal *j) {
    char spare[PATH_SIZE];
    spare_path(j->dir, "", spare);
    j->making = false;
    j->spare = open(spare, O_RDWR | O_CLOEXEC);
    if (j->spare < 0) {
        file_fail(spare, "open the file", errno);
    }
}

/* --- records ------------------------------------------------------------- */

struct journal_place journal_append(struct journal *j, const char *payload, size_t len) {
    if (j->n == 0 || j->ended || (j->end + HEAD + len > j->segment_bytes && j->end > HEADER)) {
        begin_segment(j);
    }
    struct segment *segment = &j->segments[j->n - 1];
    struct journal_place place = {segment->number, (uint32_t)j->end, (uint32_t)len, j->seed};
    j->record.len = 0;
    char *head = buf_room(&j->record, HEAD + len);
    store_le(head + 4, len, 4);
    store_le(head + 8, j->ticket + 1, 8);
    store_le(head + 16, j->ticket, 8);
    store_le(head + 24, j->run, 8);
    memcpy(head + HEAD, payload, len);
    j->seed = crc32c(j->seed, head + 4, HEAD - 4 + len);
    store_le(head, j->seed, 4);
    file_write(j->dir, segment->fd, head, HEAD + len, j->end);
    segment->unsynced = true;
    j->ticket++;
    j->end += HEAD + len;
    return place;
}

/* Read the record at an offset into `into`. Returns the length of its payload, or -1 if it is
 * damaged or does not continue the chain at `seed`. */
static ssize_t record_at(const struct journal *j, int fd, size_t offset, uint32_t seed,
                         struct buf *into) {
    into->len = 0;
    char *head = buf_room(into, HEAD);
    if (file_read(j->dir, fd, head, HEAD, offset) < HEAD) {
        return -1;
    }
    size_t len = (size_t)load_le(head + 4, 4);
    uint32_t sum = (uint32_t)load_le(head, 4);
    if (len > MAX_PAYLOAD) {
        return -1;
    }
    into->len = HEAD;
    char *payload = buf_room(into, len + 1);
    if (file_read(j->dir, fd, payload, len, offset + HEAD) < len ||
        crc32c(seed, into->data + 4, HEAD - 4 + len) != sum) {
        return -1;
    }
    into->len += len;
    return (ssize_t)len;
}

const char *journal_read(struct journal *j, const struct journal_place *place, struct buf *into) {
    size_t len = HEAD + place->len;
    into->len = 0;
    char *head = buf_room(into, len);
    for (size_t i = 0; i < j->n; i++) {
        if (j->segments[i].number == place->segment &&
            file_read(j->dir, j->segments[i].fd, head, len, place->offset) == len &&
            load_le(head + 4, 4) == place->len &&
            load_le(head, 4) == crc32c(place->seed, head + 4, len - 4)) {
            into->len = len;
            return head + HEAD;
        }
    }
    die("%s: the record at %u of segment %llu is corrupted; " REPLACE_SERVER, j->dir, place->offset,
        (unsigned long long)place->segment);
}

/* --- the start ----------------------------------------------------------- */

/* True if the file has a valid header with this number. Sets the beginning of its chain. */
static bool header_at(const struct journal *j, int fd, uint64_t number, uint64_t *ticket,
                      uint32_t *seed) {
    char header[HEADER];
    if (file_read(j->dir, fd, header, HEADER, 0) < HEADER || load_le(header, 8) != MAGIC ||
        load_le(header + 8, 8) != number || load_le(header + 28, 4) != crc32c(0, header, 28)) {
        return false;
    }
    *ticket = load_le(header + 16, 8);
    *seed = (uint32_t)load_le(header + 24, 4);
    return true;
}

/* Visit the records of a segment and advance j->end, j->seed and j->ticket. */
static void replay_segment(struct journal *j, const struct segment *segment, journal_visit visit,
                           void *context) {
    ssize_t len;
    j->end = HEADER;
    while ((len = record_at(j, segment->fd, j->end, j->seed, &j->record)) >= 0) {
        const char *head = j->record.data;
        if (load_le(head + 16, 8) != j->ticket || load_le(head + 8, 8) != j->ticket + 1) {
            return;
        }
        struct journal_place place = {segment->number, (uint32_t)j->end, (uint32_t)len, j->seed};
        if (!visit(context, &place, head + HEAD)) {
            return;
        }
        j->ticket = load_le(head + 8, 8);
        j->seed = (uint32_t)load_le(head, 4);
        j->end += HEAD + (size_t)len;
    }
}

void journal_replay(struct journal *j, uint64_t first, uint64_t ticket, journal_visit visit,
                    void *context) {
    j->next = first > 0 ? first : 1;
    j->ticket = ticket;
    for (;;) {
        char path[PATH_SIZE];
        uint64_t before;
        uint32_t seed;
        segment_path(j->dir, j->next, path);
        int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0 && errno != ENOENT) {
            file_fail(path, "open the file", errno);
        }
        if (fd < 0 || !header_at(j, fd, j->next, &before, &seed) || before != j->ticket ||
            (j->n > 0 && seed != j->seed)) {
            if (fd >= 0) {
                close(fd);
            }
            return;
        }
        j->seed = seed;
        add_segment(j, j->next, fd);
        replay_segment(j, &j->segments[j->n - 1], visit, context);
    }
}

/* Use the spare segment of an earlier run if it has the right size. */
static bool keep_spare(struct journal *j, const char *path) {
    struct stat info;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &info) == 0 && info.st_size == (off_t)j->segment_bytes) {
        j->spare = fd;
        return true;
    }
    if (fd >= 0) {
        close(fd);
    }
    return false;
}

void journal_trim(struct journal *j) {
    struct dirent *entry;
    DIR *dir = opendir(j->dir);
    if (dir == NULL) {
        file_fail(j->dir, "list the directory", errno);
    }
    while ((entry = readdir(dir)) != NULL) {
        char path[PATH_SIZE];
        char *end;
        unsigned long long number = strtoull(entry->d_name, &end, 10);
        bool segment = end != entry->d_name && strcmp(end, ".log") == 0;
        bool kept = segment && j->n > 0 && number >= j->segments[0].number && number < j->next;
        path_of(j->dir, entry->d_name, path);
        if (entry->d_name[0] != '.' && !kept &&
            (strcmp(entry->d_name, "spare.log") != 0 || !keep_spare(j, path)) &&
            unlink(path) != 0) {
            file_fail(path, "remove the file", errno);
        }
    }
    closedir(dir);
    if (j->n == 0 && j->spare < 0) { /* make the first segment */
        journal_make_spare(j);
        journal_spare_made(j);
    }
    journal_sync_begin(j);
    journal_sync_run(j);
    journal_sync_end(j);
}

/* --- syncs --------------------------------------------------------------- */

void journal_sync_begin(struct journal *j) {
    j->syncing = true;
    j->sync.n = 0;
    j->sync.dir = j->unsynced_dir;
    j->unsynced_dir = false;
    j->sync.fds = xrealloc(j->sync.fds, (j->n + 1) * sizeof *j->sync.fds);
    for (size_t i = 0; i < j->n; i++) {
        if (j->segments[i].unsynced) {
            j->segments[i].unsynced = false;
            j->sync.fds[j->sync.n++] = j->segments[i].fd;
        }
    }
}

void journal_sync_run(struct journal *j) {
    for (size_t i = 0; i < j->sync.n; i++) {
        if (fdatasync(j->sync.fds[i]) != 0) {
            file_fail_fd(j->dir, j->sync.fds[i], "sync the file", errno);
        }
    }
    if (j->sync.dir) {
        dir_sync(j->dir);
    }
}

void journal_sync_end(struct journal *j) {
    j->syncing = false;
    for (size_t i = 0; i < j->n_retired; i++) {
        close(j->retired[i]);
    }
    j->n_retired = 0;
}
