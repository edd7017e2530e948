/* SPDX-License-Identifier: MIT */
#include "space.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "file.h"
#include "report.h"

#define MIB (1024ull * 1024)

enum {
    RESERVE = 1024,   /* MiB, but at most two thirds of the file system */
    FILE_PART = 4,    /* this part of the reserve is the file */
    SHRINK_ROOM = 640 /* MiB that the database needs at most to rewrite a part of its files */
};

/* Without its file, the usual reserve suffices for what the database does by itself: SHRINK_ROOM,
 * or on a small disk as much as all data. */

/* --- looking ------------------------------------------------------------- */

static void look(struct space *s) {
    struct statvfs info;
    struct stat file;
    if (statvfs(s->dir, &info) != 0) {
        file_fail(s->dir, "find out the free space", errno);
    }
    s->total = (uint64_t)info.f_blocks * info.f_frsize;
    s->available = (uint64_t)info.f_bavail * info.f_frsize;
    s->held = stat(s->path, &file) == 0 ? (uint64_t)file.st_size : 0;
}

static unsigned long long mib(uint64_t bytes) { return bytes / MIB; }

static void release(struct space *s) {
    if (s->held == 0) {
        return;
    }
    if (unlink(s->path) != 0 && errno != ENOENT) {
        file_fail(s->path, "remove the file", errno);
    }
    look(s);
}

/* Make the reserve file if it leaves enough free. A file system that cannot allocate a file in
 * advance has none. */
static void hold(struct space *s) {
    uint64_t size = s->reserve / FILE_PART;
    if (s->held > 0 || s->available < s->reserve + size) {
        return;
    }
    int fd = open(s->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 && (errno == ENOSPC || errno == EDQUOT)) {
        return;
    }
    if (fd < 0) {
        file_fail(s->path, "create the file", errno);
    }
    if (fallocate(fd, 0, 0, (off_t)size) == 0) {
        look(s);
    } else {
        unlink(s->path);
    }
    close(fd);
}

void space_open(struct space *s, const char *dir, unsigned reserve) {
    struct store at = {.dir = (char *)dir};
    *s = (struct space){.dir = dir, .path = store_path(&at, "reserve"), .level = SPACE_PLENTY};
    look(s);
    uint64_t most = s->total / 3 * 2; /* also of the option */
    uint64_t usual = most < RESERVE * MIB ? most : RESERVE * MIB;
    s->reserve = reserve > 0 && reserve * MIB < most ? reserve * MIB : usual;
    report("%s: %llu of %llu MiB free, reserve %llu MiB", dir, mib(space_free(s)), mib(s->total),
           mib(s->reserve));
    if (s->held > 0 && (s->available < s->reserve / 8 || s->held != s->reserve / FILE_PART)) {
        if (s->available < s->reserve / 8) {
            report_warn("%s: the disk is full (%llu MiB free): the reserve of %llu MiB is used",
                        dir, mib(s->available), mib(s->held));
        }
        release(s);
    }
}

/* --- levels -------------------------------------------------------------- */

static enum space_level level_of(const struct space *s) {
    uint64_t free = space_free(s);
    return free < s->reserve / 16           ? SPACE_FULL
           : free < s->reserve + s->pending ? SPACE_LOW
                                            : SPACE_PLENTY;
}

static void tell(struct space *s, enum space_level level) {
    static const char *const effects[] = {"all writes are refused",
                                          "writes other than deletions are refused"};
    unsigned long long free = mib(space_free(s));
    if (level < s->level) {
        report_error(
            "%s: the disk is nearly full: %llu of %llu MiB free; while a majority of the "
            "servers is like this, %s",
            s->dir, free, mib(s->total), effects[level]);
    } else if (level == SPACE_PLENTY && s->level < SPACE_PLENTY) {
        report("%s: there is room on the disk again: %llu MiB free", s->dir, free);
    }
    uint64_t margin = (s->total - s->reserve) / 4;
    bool little = space_free(s) < s->reserve + (margin < s->reserve ? margin : s->reserve);
    if (little && !s->warned && level == SPACE_PLENTY) {
        report_warn(
            "%s: the disk fills up: %llu of %llu MiB free; below %llu MiB writes are refused",
            s->dir, free, mib(s->total), mib(s->reserve));
    }
    s->warned = little;
    if (!little) {
        s->deletions = 0;
    }
}

void space_check(struct space *s, uint64_t pending) {
    s->pending = pending;
    look(s);
    hold(s);
    if (s->available < s->reserve / 8 && s->held > 0) {
        report_warn("%s: the disk is full (%llu MiB free): the reserve of %llu MiB is used", s->dir,
                    mib(s->available), mib(s->held));
        release(s);
    }
    enum space_level level = level_of(s);
    tell(s, level);
    s->level = level;
}

bool space_tight(const struct space *s) { return space_free(s) < s->reserve + 2 * s->pending; }

bool space_has(const struct space *s, uint64_t bytes) {
    return space_free(s) >= s->reserve + s->pending + bytes;
}

/* --- shrinking the database ---------------------------------------------- */

static uint64_t property(struct store *store, const char *name) {
    uint64_t value = 0;
    rocksdb_property_int_cf(store->db, store->data, name, &value);
    return value;
}

/* Only while there is little room. What was deleted before, the database may have removed. */
void space_deleted(struct space *s, long long n) {
    if (s->warned && n > 0) {
        s->deletions += (uint64_t)n;
    }
}

bool space_may_shrink(struct space *s, struct store *store) {
    if (s->deletions == 0) {
        return false;
    }
    uint64_t keys = property(store, "rocksdb.estimate-num-keys");
    uint64_t bytes = property(store, "rocksdb.estimate-live-data-size");
    double left = (double)keys / (double)(keys + s->deletions);
    uint64_t needed = (uint64_t)(left * (double)bytes);
    needed = (needed < SHRINK_ROOM * MIB ? needed : SHRINK_ROOM * MIB) + s->pending;
    if (needed > space_free(s)) {
        report_warn(
            "%s: deleted keys still take room: removing them needs %llu MiB and %llu are "
            "free",
            s->dir, mib(needed), mib(space_free(s)));
        return false;
    }
    s->deletions = 0;
    if (needed > s->available) {
        release(s);
    }
    return true;
}

void space_shrink(struct store *store) {
    rocksdb_compact_range_cf(store->db, store->data, NULL, 0, NULL, 0);
}
