/* SPDX-License-Identifier: MIT */
#include "dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "data.h"
#include "limits.h"
#include "file.h"
#include "report.h"

enum {
    HEADER = 28,
    PIECE_HEAD = 8,
    PIECE = 256 * 1024,
    PIECE_MAX = PIECE + 8 + MAX_KEY + MAX_VALUE
};
#define MAGIC 0x31504d5544564b52u /* "RKVDUMP1" */

/* --- writing ------------------------------------------------------------- */

struct writer {
    int fd;
    int error; /* of errno; after one, nothing is written */
    uint64_t offset;
    uint32_t crc;
    struct buf piece;
};

static void writer_put(struct writer *w, const char *data, size_t len) {
    while (len > 0 && w->error == 0) {
        ssize_t n = write(w->fd, data, len);
        if (n <= 0) {
            w->error = n < 0 ? errno : EIO;
            w->error = w->error == EINTR ? 0 : w->error;
            continue;
        }
        data += n;
        len -= (size_t)n;
        w->offset += (uint64_t)n;
    }
}

static void write_header(struct writer *w, raft_index index, raft_term term) {
    char header[HEADER];
    store_le(header, MAGIC, 8);
    store_le(header + 8, index, 8);
    store_le(header + 16, term, 8);
    w->crc = crc32c(0, header, 24);
    store_le(header + 24, w->crc, 4);
    writer_put(w, header, sizeof header);
}

static void write_piece(struct writer *w) {
    char *piece = w->piece.data;
    size_t len = w->piece.len - PIECE_HEAD;
    store_le(piece, len, 4);
    w->crc = crc32c(w->crc, piece, 4);
    w->crc = crc32c(w->crc, piece + PIECE_HEAD, len);
    store_le(piece + 4, w->crc, 4);
    writer_put(w, piece, w->piece.len);
    w->piece.len = PIECE_HEAD;
}

static void write_data(struct writer *w, struct store *s, rocksdb_readoptions_t *read,
                       struct dump_info *info) {
    rocksdb_iterator_t *it = data_iterate(s, read, 0);
    size_t key_len;
    size_t value_len;
    const char *key;
    struct buf space = {0};
    buf_put_int(&w->piece, 0, PIECE_HEAD);
    for (; w->error == 0 && (key = data_key(it, &key_len)) != NULL; rocksdb_iter_next(it)) {
        const char *value = data_value(s, it, &value_len, &space);
        buf_put_int(&w->piece, key_len, 4);
        buf_put_int(&w->piece, value_len, 4);
        buf_put(&w->piece, key, key_len);
        buf_put(&w->piece, value, value_len);
        info->keys++;
        if (w->piece.len >= PIECE) {
            write_piece(w);
        }
    }
    rocksdb_iter_destroy(it);
    if (w->piece.len > PIECE_HEAD) {
        write_piece(w);
    }
    write_piece(w); /* the empty piece that ends the file */
    buf_free(&w->piece);
    buf_free(&space);
}

int dump_write(struct store *s, rocksdb_readoptions_t *read, const char *path,
               struct dump_info *info) {
    struct writer w = {.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (w.fd < 0) {
        return errno;
    }
    info->keys = 0;
    write_header(&w, info->index, info->term);
    write_data(&w, s, read, info);
    if (w.error == 0 && fsync(w.fd) != 0) {
        w.error = errno;
    }
    close(w.fd);
    info->bytes = w.offset;
    info->checksum = w.crc;
    return w.error;
}

/* --- reading ------------------------------------------------------------- */

struct reader {
    int fd;
    uint32_t crc;
    struct buf piece;
};

static bool read_all(int fd, char *data, size_t len) {
    while (len > 0) {
        ssize_t n = read(fd, data, len);
        if (n <= 0) {
            if (n < 0 && errno == EINTR) {
                continue;
            }
            if (n < 0) {
                file_fail_fd("snapshot file", fd, "read the file", errno);
            }
            return false;
        }
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* Returns NULL, or what is wrong. */
static const char *reader_open(struct reader *r, const char *path, struct dump_info *info) {
    char header[HEADER];
    *r = (struct reader){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (r->fd < 0) {
        return strerror(errno);
    }
    if (!read_all(r->fd, header, sizeof header)) {
        return "the file is too short";
    }
    if (load_le(header, 8) != MAGIC) {
        return "the file is not a dump of raft-kv, or has another format";
    }
    r->crc = crc32c(0, header, 24);
    info->index = load_le(header + 8, 8);
    info->term = load_le(header + 16, 8);
    return load_le(header + 24, 4) == r->crc ? NULL : "the header is damaged";
}

static void reader_close(struct reader *r) {
    if (r->fd >= 0) {
        close(r->fd);
    }
    buf_free(&r->piece);
}

/* Read the next piece; false if it is damaged. The last piece is empty. */
static bool reader_next(struct reader *r) {
    char head[PIECE_HEAD];
    if (!read_all(r->fd, head, sizeof head) || load_le(head, 4) > PIECE_MAX) {
        return false;
    }
    r->piece.len = 0;
    size_t len = (size_t)load_le(head, 4);
    if (!read_all(r->fd, buf_room(&r->piece, len + 1), len)) {
        return false;
    }
    r->piece.len = len;
    r->crc = crc32c(crc32c(r->crc, head, 4), r->piece.data, len);
    return load_le(head + 4, 4) == r->crc;
}

struct record {
    const char *key;
    const char *value;
    size_t key_len;
    size_t value_len;
};

static bool next_record(struct cursor *c, struct record *record) {
    record->key_len = (size_t)cursor_int(c, 4);
    record->value_len = (size_t)cursor_int(c, 4);
    if (record->key_len > MAX_KEY || record->value_len > MAX_VALUE) {
        c->bad = true;
    }
    record->key = cursor_bytes(c, record->key_len);
    record->value = cursor_bytes(c, record->value_len);
    return !c->bad;
}

static bool count_records(const struct buf *piece, uint64_t *keys) {
    struct cursor c = {piece->data, piece->data + piece->len, false};
    struct record record;
    while (cursor_left(&c) > 0) {
        if (!next_record(&c, &record)) {
            return false;
        }
        ++*keys;
    }
    return true;
}

const char *dump_inspect(const char *path, struct dump_info *info) {
    struct reader r;
    *info = (struct dump_info){0};
    const char *wrong = reader_open(&r, path, info);
    info->bytes = HEADER;
    do {
        if (wrong == NULL && (!reader_next(&r) || !count_records(&r.piece, &info->keys))) {
            wrong = "the file is damaged or incomplete";
        }
        info->bytes += PIECE_HEAD + r.piece.len;
    } while (wrong == NULL && r.piece.len > 0);
    char more;
    if (wrong == NULL && read(r.fd, &more, 1) != 0) {
        wrong = "the file has more data than it should";
    }
    info->checksum = r.crc;
    reader_close(&r);
    return wrong;
}

bool dump_verify(const char *path, raft_index index, raft_term term) {
    struct dump_info info;
    return dump_inspect(path, &info) == NULL && info.index == index && info.term == term;
}

static void load_piece(struct store *s, const struct buf *piece, const char *path) {
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    struct cursor c = {piece->data, piece->data + piece->len, false};
    struct record record;
    while (cursor_left(&c) > 0) {
        if (!next_record(&c, &record)) {
            die("%s: the snapshot file is corrupted; " REPLACE_SERVER, path);
        }
        data_batch_put(s, batch, record.key, record.key_len, record.value, record.value_len);
    }
    store_write(s, s->write_data, batch);
    rocksdb_writebatch_destroy(batch);
}

void dump_load(struct store *s, const char *path, raft_index index, raft_index as) {
    struct reader r;
    struct dump_info info;
    const char *wrong = reader_open(&r, path, &info);
    if (wrong != NULL) {
        die("%s: %s; " REPLACE_SERVER, path, wrong);
    }
    if (info.index != index) {
        die("%s: the file is not the snapshot at entry %llu; " REPLACE_SERVER, path, index);
    }
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    data_batch_clear(s, batch);
    store_write(s, s->write_data, batch);
    do {
        if (!reader_next(&r)) {
            die("%s: the snapshot file is corrupted; " REPLACE_SERVER, path);
        }
        load_piece(s, &r.piece, path);
    } while (r.piece.len > 0);
    reader_close(&r);
    rocksdb_writebatch_clear(batch);
    data_batch_applied(s, batch, as);
    store_write(s, s->write_data, batch);
    rocksdb_writebatch_destroy(batch);
    data_flush(s);
}

void dump_digest(struct store *s, rocksdb_readoptions_t *read, uint64_t *keys, uint32_t *digest) {
    *keys = 0;
    *digest = 0;
    struct buf space = {0};
    rocksdb_iterator_t *it = data_iterate(s, read, 0);
    size_t key_len;
    size_t value_len;
    const char *key;
    for (; (key = data_key(it, &key_len)) != NULL; rocksdb_iter_next(it)) {
        const char *value = data_value(s, it, &value_len, &space);
        char lengths[8];
        store_le(lengths, key_len, 4);
        store_le(lengths + 4, value_len, 4);
        *digest = crc32c(*digest, lengths, sizeof lengths);
        *digest = crc32c(*digest, key, key_len);
        *digest = crc32c(*digest, value, value_len);
        ++*keys;
    }
    buf_free(&space);
    rocksdb_iter_destroy(it);
}
