/* SPDX-License-Identifier: MIT */
#include "values.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "report.h"

enum { PATH_SIZE = 4096, FILE_BYTES = 64 * 1024 * 1024, LARGE = 4 * 1024 };

void place_encode(char to[PLACE_SIZE], const struct value_place *place) {
    store_le(to, place->file, 8);
    store_le(to + 8, place->offset, 8);
    store_le(to + 16, place->len, 4);
    store_le(to + 20, place->sum, 4);
}

struct value_place place_decode(const char from[PLACE_SIZE]) {
    return (struct value_place){load_le(from, 8), load_le(from + 8, 8),
                                (uint32_t)load_le(from + 16, 4), (uint32_t)load_le(from + 20, 4)};
}

static void make_path(const struct values *v, const char *format, uint64_t number,
                      char path[PATH_SIZE]) {
    char name[40];
    snprintf(name, sizeof name, format, (unsigned long long)number);
    if (snprintf(path, PATH_SIZE, "%s/%s", v->dir, name) >= PATH_SIZE) {
        die("%s: the path is too long", v->dir);
    }
}

static void path_of(const struct values *v, uint64_t number, char path[PATH_SIZE]) {
    make_path(v, "%020llu.log", number, path);
}

static void spare_path(const struct values *v, uint64_t number, char path[PATH_SIZE]) {
    make_path(v, "spare%llu", number, path);
}

static struct value_file *file_of(const struct values *v, uint64_t number) {
    size_t low = 0;
    size_t high = v->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (v->files[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < v->n && v->files[low].number == number ? &v->files[low] : NULL;
}

struct value_file *value_file_known(const struct values *v, uint64_t number) {
    struct value_file *file = file_of(v, number);
    if (file == NULL) {
        die("%s: file %llu, which holds values, is missing", v->dir, (unsigned long long)number);
    }
    return file;
}

/* --- opening ------------------------------------------------------------- */

static int by_number(const void *left, const void *right) {
    const struct value_file *a = left;
    const struct value_file *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

static void add(struct values *v, uint64_t number, uint64_t size) {
    v->files = array_grow(v->files, v->n, &v->cap, sizeof *v->files);
    v->files[v->n++] = (struct value_file){.number = number, .size = size, .fd = -1};
    if (number >= v->next) {
        v->next = number + 1;
    }
}

void values_open(struct values *v, const char *dir) {
    *v = (struct values){.dir = xstrdup(dir), .file_bytes = FILE_BYTES, .large = LARGE, .next = 1};
    dir_make(dir);
    DIR *all = opendir(dir);
    struct dirent *entry;
    if (all == NULL) {
        file_fail(dir, "read the directory", errno);
    }
    while ((entry = readdir(all)) != NULL) {
        char path[PATH_SIZE];
        char *end;
        struct stat info;
        unsigned long long number = strtoull(entry->d_name, &end, 10);
        if (end != entry->d_name && strcmp(end, ".log") == 0) {
            path_of(v, number, path);
            if (stat(path, &info) != 0) {
                file_fail(path, "read the size of the file", errno);
            }
            add(v, number, (uint64_t)info.st_size);
        } else if (strncmp(entry->d_name, "spare", 5) == 0) { /* of an earlier run */
            spare_path(v, strtoull(entry->d_name + 5, NULL, 10), path);
            unlink(path);
        }
    }
    closedir(all);
    if (v->n > 0) {
        qsort(v->files, v->n, sizeof *v->files, by_number);
    }
}

void values_close(struct values *v) {
    for (size_t i = 0; i < v->n; i++) {
        if (v->files[i].fd >= 0) {
            close(v->files[i].fd);
        }
    }
    free(v->files);
    free(v->sync.fds);
    free(v->dir);
}

void values_logged(struct values *v, const struct value_place *place, raft_index index) {
    struct value_file *file = value_file_known(v, place->file);
    if (index > file->last) {
        file->last = index;
    }
}

void values_count(struct values *v, uint64_t number, int64_t bytes) {
    struct value_file *file = value_file_known(v, number);
    file->live += (uint64_t)bytes;
}

uint64_t values_live(const struct values *v) {
    uint64_t live = 0;
    for (size_t i = 0; i < v->n; i++) {
        live += v->files[i].live;
    }
    return live;
}

void value_file_sync(const struct values *v, int fd) {
    if (fdatasync(fd) != 0) {
        file_fail_fd(v->dir, fd, "sync the file", errno);
    }
}

static void remove_file(struct values *v, const struct value_file *file) {
    char path[PATH_SIZE];
    path_of(v, file->number, path);
    if (v->n_spares < MAX_SPARES && file->size >= v->file_bytes / 2) {
        char spare[PATH_SIZE];
        spare_path(v, file->number, spare);
        file_rename(path, spare);
        v->spares[v->n_spares++] = file->number;
    } else if (unlink(path) != 0) {
        file_fail(path, "remove the file", errno);
    }
}

void values_drop_spares(struct values *v) {
    while (v->n_spares > 0) {
        char path[PATH_SIZE];
        spare_path(v, v->spares[--v->n_spares], path);
        unlink(path);
    }
}

static void remove_stage(struct values *v, enum value_stage stage) {
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        if (v->files[i].stage == stage) {
            remove_file(v, &v->files[i]);
        } else {
            v->files[n++] = v->files[i];
        }
    }
    v->n = n;
}

void values_start(struct values *v) {
    for (size_t i = 0; i < v->n; i++) {
        struct value_file *file = &v->files[i];
        if (file->live == 0 && file->last == 0) {
            file->stage = STAGE_REMOVED;
        } else if (file->last > 0) {
            char path[PATH_SIZE];
            path_of(v, file->number, path);
            int fd = open(path, O_RDWR | O_CLOEXEC);
            if (fd < 0) {
                file_fail(path, "open the file", errno);
            }
            value_file_sync(v, fd);
            close(fd);
        }
    }
    remove_stage(v, STAGE_REMOVED);
    dir_sync(v->dir);
}

/* --- appending ----------------------------------------------------------- */

int value_file_create(const struct values *v, uint64_t number, int flags) {
    char path[PATH_SIZE];
    path_of(v, number, path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0644);
    if (fd < 0) {
        file_fail(path, "open the file", errno);
    }
    return fd;
}

uint64_t values_reserve(struct values *v) {
    uint64_t number = v->next;
    add(v, number, 0);
    return number;
}

static struct value_file *begin_file(struct values *v) {
    v->current = values_reserve(v);
    struct value_file *file = &v->files[v->n - 1];
    if (v->n_spares > 0) {
        char spare[PATH_SIZE];
        char path[PATH_SIZE];
        spare_path(v, v->spares[--v->n_spares], spare);
        path_of(v, file->number, path);
        file_rename(spare, path);
    }
    file->fd = value_file_create(v, file->number, 0);
    v->unsynced_dir = true;
    return file;
}

struct value_place values_append(struct values *v, const char *data, size_t len, raft_index index) {
    struct value_file *file = v->current != 0 ? value_file_known(v, v->current) : begin_file(v);
    if (file->size > 0 && file->size + len > v->file_bytes) {
        file = begin_file(v);
    }
    struct value_place place = {file->number, file->size, (uint32_t)len, crc32c(0, data, len)};
    file_write(v->dir, file->fd, data, len, file->size);
    file->unsynced = true;
    file->size += len;
    if (index > file->last) {
        file->last = index;
    }
    return place;
}

bool values_read(const struct values *v, const struct value_place *place, char *to) {
    char path[PATH_SIZE];
    path_of(v, place->file, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT) {
        file_fail(path, "open the file", errno);
    }
    bool whole = fd >= 0 && file_read(path, fd, to, place->len, place->offset) == place->len &&
                 crc32c(0, to, place->len) == place->sum;
    if (fd >= 0) {
        close(fd);
    }
    return whole;
}

void values_get(const struct values *v, const struct value_place *place, char *to) {
    if (!values_read(v, place, to)) {
        die("%s: the value at %llu of file %llu is corrupted", v->dir,
            (unsigned long long)place->offset, (unsigned long long)place->file);
    }
}

/* --- syncs --------------------------------------------------------------- */

void values_sync_begin(struct values *v) {
    v->sync.n = 0;
    v->sync.dir = v->unsynced_dir;
    v->unsynced_dir = false;
    for (size_t i = v->n; i-- > 0;) { /* the few open ones are the last */
        struct value_file *file = &v->files[i];
        if (file->unsynced) {
            v->sync.fds = xrealloc(v->sync.fds, (v->sync.n + 1) * sizeof *v->sync.fds);
            v->sync.fds[v->sync.n++] = file->fd;
            file->unsynced = false;
        }
    }
}

void values_sync_run(struct values *v) {
    for (size_t i = 0; i < v->sync.n; i++) {
        value_file_sync(v, v->sync.fds[i]);
    }
    if (v->sync.dir) {
        dir_sync(v->dir);
    }
}

void values_sync_end(struct values *v) {
    for (size_t i = v->n; v->sync.n > 0 && i-- > 0;) {
        struct value_file *file = &v->files[i];
        if (file->fd >= 0 && file->number != v->current && !file->unsynced) {
            close(file->fd);
            file->fd = -1;
        }
    }
}

/* --- removing ------------------------------------------------------------ */

bool value_file_finished(const struct values *v, const struct value_file *file) {
    return file->number != v->current && file->fd < 0;
}

void values_flush_begin(struct values *v, raft_index written) {
    for (size_t i = 0; i < v->n; i++) {
        struct value_file *file = &v->files[i];
        if (file->stage <= STAGE_DYING) {
            bool dying = file->live == 0 && file->last <= written && value_file_finished(v, file);
            file->stage = dying ? STAGE_DYING : STAGE_USED;
        }
    }
}

static void advance(struct values *v, enum value_stage from, raft_index first) {
    for (size_t i = 0; i < v->n; i++) {
        if (v->files[i].stage == from && v->files[i].last < first) {
            v->files[i].stage = from + 1;
        }
    }
}

void values_flush_end(struct values *v) { advance(v, STAGE_DYING, UINT64_MAX); }

void values_base_begin(struct values *v) { advance(v, STAGE_DEAD, v->first); }

void values_base_end(struct values *v) { remove_stage(v, STAGE_REMOVED); }

void values_log_reset(struct values *v, raft_index first) {
    v->first = first;
    for (size_t i = 0; i < v->n; i++) {
        v->files[i].last = 0;
    }
}

void values_data_reset(struct values *v) {
    for (size_t i = 0; i < v->n; i++) {
        v->files[i].live = 0; /* removed after the next flush: a scan may still read the old data */
    }
}
