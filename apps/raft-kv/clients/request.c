/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <hiredis/sds.h>
#include <stdlib.h>

#include "limits.h"
#include "report.h"

enum { KEEP = 4096 /* bytes that a client without a command keeps */ };

/* --- callbacks of hiredis' reader ---------------------------------------- */

static void *refuse(const redisReadTask *task, const char *why) {
    struct request *q = task->privdata;
    q->error = why;
    return NULL; /* hiredis treats this as out of memory and stops parsing for good */
}

/* The limit of the command; `request` is a member of `requests`. */
static size_t limit_of(const struct request *q) {
    return ((const struct requests *)((const char *)q - offsetof(struct requests, request)))->limit;
}

static bool add(struct request *q, const char *text, size_t len) {
    if (len > MAX_VALUE || q->bytes.len + len > limit_of(q) || q->n == MAX_ARGUMENTS) {
        return false;
    }
    q->arguments = array_grow(q->arguments, q->n, &q->cap, sizeof *q->arguments);
    q->arguments[q->n++] = (struct argument){q->bytes.len, len};
    buf_put(&q->bytes, text, len);
    buf_put(&q->bytes, "", 1);
    return true;
}

static void *on_string(const redisReadTask *task, char *text, size_t len) {
    if (task->type != REDIS_REPLY_STRING || task->parent == NULL) {
        return refuse(task, "expected '$'");
    }
    struct request *q = task->privdata;
    return add(q, text, len) ? q : refuse(task, "invalid bulk length");
}

#ifdef HIREDIS_HAS_RESP3 /* and, since the same release, a size_t here */
static void *on_array(const redisReadTask *task, size_t n) {
#else
static void *on_array(const redisReadTask *task, int n) {
#endif
    if (task->parent != NULL) {
        return refuse(task, "expected '$', got '*'");
    }
    if ((size_t)n > MAX_ARGUMENTS || (size_t)n > limit_of(task->privdata)) {
        return refuse(task, "invalid multibulk length");
    }
    return task->privdata;
}

static void *on_integer(const redisReadTask *task, long long value) {
    (void)value;
    return refuse(task, "expected '$', got ':'");
}

static void *on_nil(const redisReadTask *task) {
    return task->parent == NULL ? task->privdata : refuse(task, "invalid bulk length");
}

#ifdef HIREDIS_HAS_RESP3 /* without callbacks hiredis would accept these types */
static void *on_double(const redisReadTask *task, double value, char *text, size_t len) {
    (void)value;
    (void)text;
    (void)len;
    return refuse(task, "expected '$', got ','");
}

static void *on_bool(const redisReadTask *task, int value) {
    (void)value;
    return refuse(task, "expected '$', got '#'");
}
#endif

static void on_free(void *object) { (void)object; /* the request is not allocated by hiredis */ }

static redisReplyObjectFunctions functions = {.createString = on_string,
                                              .createArray = on_array,
                                              .createInteger = on_integer,
                                              .createNil = on_nil,
#ifdef HIREDIS_HAS_RESP3
                                              .createDouble = on_double,
                                              .createBool = on_bool,
#endif
                                              .freeObject = on_free};

void requests_init(struct requests *r) {
    *r = (struct requests){.reader = redisReaderCreateWithFunctions(&functions),
                           .limit = MAX_COMMAND};
    if (r->reader == NULL) {
        die("out of memory");
    }
    r->reader->privdata = &r->request;
}

static void request_free(struct request *q) {
    free(q->arguments);
    buf_free(&q->bytes);
    *q = (struct request){0};
}

void requests_free(struct requests *r) {
    redisReaderFree(r->reader);
    r->reader = NULL;
    request_free(&r->request);
}

/* Bytes of the reader's buffer. It has none after an error. */
static size_t buffer_size(const redisReader *reader) {
    return reader->buf != NULL ? sdsalloc(reader->buf) : 0;
}

size_t requests_memory(const struct requests *r) {
    if (r->reader == NULL) {
        return 0;
    }
    return sizeof *r->reader + buffer_size(r->reader) + r->request.bytes.cap +
           r->request.cap * sizeof *r->request.arguments;
}

void requests_feed(struct requests *r, const char *data, size_t len) {
    if (redisReaderFeed(r->reader, data, len) != REDIS_OK && r->reader->err == 0) {
        die("out of memory");
    }
}

/* --- commands ------------------------------------------------------------ */

static void request_clear(struct request *q) {
    if (q->bytes.cap > MAX_INLINE || q->cap * sizeof *q->arguments > MAX_INLINE) {
        request_free(q); /* the memory of a large command */
    }
    q->n = 0;
    q->bytes.len = 0;
}

/* True if the reader is between two commands. */
static bool at_command_start(const redisReader *reader) {
#ifdef HIREDIS_HAS_RSTACK
    const redisReadTask *first = &reader->rstack[0];
#else
    const redisReadTask *first = reader->task[0];
#endif
    return reader->ridx == -1 || (reader->ridx == 0 && first->type < 0);
}

/* Free the consumed part of the reader's buffer. The reader does this only when it parses, so after
 * inline commands the rest is moved to a new reader. */
static void discard(struct requests *r) {
    struct requests fresh;
    requests_init(&fresh);
    requests_feed(&fresh, r->reader->buf + r->reader->pos, r->reader->len - r->reader->pos);
    redisReaderFree(r->reader);
    r->reader = fresh.reader;
    r->reader->privdata = &r->request;
}

bool requests_unfinished(const struct requests *r) {
    return !at_command_start(r->reader) || r->reader->pos < r->reader->len;
}

void requests_trim(struct requests *r) {
    if (!requests_unfinished(r) && buffer_size(r->reader) > KEEP) {
        discard(r);
    }
    if (at_command_start(r->reader) && r->request.bytes.cap > KEEP) {
        request_free(&r->request);
    }
}

/* Parse an inline command: one line of words. */
static int next_inline(struct requests *r) {
    redisReader *reader = r->reader;
    const char *line = reader->buf + reader->pos;
    size_t left = reader->len - reader->pos;
    const char *end = memchr(line, '\n', left);
    if (end == NULL && left <= MAX_INLINE) {
        return 0;
    }
    if (end == NULL || end - line > MAX_INLINE) {
        r->request.error = "too big inline request";
        return -1;
    }
    for (const char *at = line; at < end;) {
        if (*at == ' ' || *at == '\t' || *at == '\r') {
            at++;
            continue;
        }
        const char *word = at;
        while (at < end && *at != ' ' && *at != '\t' && *at != '\r') {
            at++;
        }
        if (!add(&r->request, word, (size_t)(at - word))) {
            r->request.error = "too big inline request";
            return -1;
        }
    }
    reader->pos += (size_t)(end - line) + 1;
    if (reader->pos >= MAX_INLINE) {
        discard(r);
    }
    return 1;
}

int requests_next(struct requests *r) {
    for (;;) {
        redisReader *reader = r->reader;
        if (at_command_start(reader)) {
            request_clear(&r->request);
            if (reader->pos == reader->len) {
                return 0;
            }
            if (reader->buf[reader->pos] != '*') {
                int result = next_inline(r);
                if (result == 1 && r->request.n == 0) {
                    continue; /* an empty line */
                }
                return result;
            }
        }
        void *whole = NULL;
        if (redisReaderGetReply(reader, &whole) != REDIS_OK) {
            if (r->request.error == NULL) {
                r->request.error = reader->errstr;
            }
            return -1;
        }
        if (whole == NULL) {
            size_t value = r->limit < MAX_VALUE ? r->limit : MAX_VALUE;
            if (reader->len - reader->pos > value + MAX_INLINE) {
                r->request.error = "invalid bulk length";
                return -1;
            }
            return 0;
        }
        if (r->request.n > 0) {
            return 1;
        }
    }
}
