/* SPDX-License-Identifier: MIT */
/* Moving the values that are alive out of files that hold mostly dead ones. */
#include <fcntl.h>
#include <unistd.h>

#include "file.h"
#include "values.h"

enum { KEPT_FILES = 4 }; /* so many files' worth of dead bytes are not collected */

static bool can_move(const struct values *v, const struct value_file *file) {
    return file->live > 0 && file->last < v->first && value_file_finished(v, file);
}

size_t values_victims(const struct values *v, uint64_t *numbers, size_t max) {
    uint64_t live = 0;
    uint64_t dead = 0;
    uint64_t moved = 0;
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        const struct value_file *file = &v->files[i];
        live += file->live;
        dead += can_move(v, file) ? file->size - file->live : 0;
    }
    while (n < max && moved < v->file_bytes && dead > live + KEPT_FILES * v->file_bytes) {
        const struct value_file *best = NULL;
        for (size_t i = 0; i < v->n; i++) {
            const struct value_file *file = &v->files[i];
            bool chosen = !can_move(v, file);
            for (size_t k = 0; k < n; k++) {
                chosen = chosen || numbers[k] == file->number;
            }
            if (!chosen && (best == NULL || file->live * best->size < best->live * file->size)) {
                best = file;
            }
        }
        if (best == NULL) {
            break;
        }
        numbers[n++] = best->number;
        moved += best->live;
        dead -= best->size - best->live;
    }
    return n;
}

int values_move_begin(const struct values *v, uint64_t number) {
    return value_file_create(v, number, O_TRUNC);
}

struct value_place values_move(const struct values *v, int fd, uint64_t number, uint64_t *end,
                               const char *data, size_t len) {
    struct value_place place = {number, *end, (uint32_t)len, crc32c(0, data, len)};
    file_write(v->dir, fd, data, len, *end);
    *end += len;
    return place;
}

void values_move_end(const struct values *v, int fd) {
    value_file_sync(v, fd);
    close(fd);
    dir_sync(v->dir);
}

void values_moved(struct values *v, uint64_t number, uint64_t size) {
    value_file_known(v, number)->size = size;
}
