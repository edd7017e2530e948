/* SPDX-License-Identifier: MIT */
#include "apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "data.h"
#include "limits.h"

struct argument_text {
    const char *text;
    size_t len;
};

bool parse_integer(const char *text, size_t len, long long *value) {
    char copy[24];
    char back[24];
    if (len == 0 || len >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    *value = strtoll(copy, NULL, 10);
    int back_len = snprintf(back, sizeof back, "%lld", *value);
    return (size_t)back_len == len && memcmp(copy, back, len) == 0; /* false if out of range, too */
}

const char *set_option(const char *word, size_t len, unsigned *flags) {
    static const struct {
        const char *word;
        unsigned flag; /* 0: sets a time of expiry */
    } options[] = {{"nx", SET_NX}, {"xx", SET_XX}, {"get", SET_GET}, {"keepttl", SET_KEEPTTL},
                   {"ex", 0},      {"px", 0},      {"exat", 0},      {"pxat", 0}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (len == strlen(options[i].word) && strncasecmp(word, options[i].word, len) == 0) {
            *flags |= options[i].flag;
            if (options[i].flag == 0) {
                return "ERR expiry is not offered";
            }
            return (*flags & SET_NX) && (*flags & SET_XX) ? "ERR syntax error" : NULL;
        }
    }
    return "ERR syntax error";
}

/* --- results ------------------------------------------------------------- */

static struct result error(const char *text) {
    return (struct result){.kind = RESULT_ERROR, .text = text};
}

static struct result integer(long long value) {
    return (struct result){.kind = RESULT_INTEGER, .integer = value};
}

/* The value, or nil. It is copied, because it is about to be replaced. */
static struct result old_value(struct data *d, const struct argument_text *key) {
    struct value value;
    bool found = data_get(d, key->text, key->len, &value);
    d->old.len = 0;
    buf_put(&d->old, value.text, found ? value.len : 0);
    value_free(&value);
    return (struct result){
        .kind = found ? RESULT_VALUE : RESULT_NIL, .text = d->old.data, .len = d->old.len};
}

/* --- one key ------------------------------------------------------------- */

static bool exists(struct data *d, const struct argument_text *key) {
    size_t len;
    return data_find(d, key->text, key->len, &len);
}

static void set(struct data *d, const struct argument_text *key, const struct argument_text *to) {
    data_set(d, key->text, key->len, to->text != NULL ? to->text : "", to->len);
}

static struct result set_if(struct data *d, const struct argument_text *args, unsigned flags) {
    bool found = exists(d, &args[0]);
    bool refused = ((flags & SET_NX) && found) || ((flags & SET_XX) && !found);
    struct result result = {.kind = refused ? RESULT_NIL : RESULT_OK};
    if (flags & SET_GET) {
        result = old_value(d, &args[0]);
    }
    if (!refused) {
        set(d, &args[0], &args[1]);
    }
    return result;
}

static struct result set_options(struct data *d, const struct argument_text *args, size_t n) {
    unsigned flags = 0;
    for (size_t i = 2; i < n; i++) {
        const char *why = set_option(args[i].text, args[i].len, &flags);
        if (why != NULL) {
            return error(why);
        }
    }
    return set_if(d, args, flags);
}

static struct result getdel(struct data *d, const struct argument_text *key) {
    struct result result = old_value(d, key);
    if (result.kind == RESULT_VALUE) {
        data_set(d, key->text, key->len, NULL, 0);
    }
    return result;
}

static struct result append(struct data *d, const struct argument_text *args) {
    struct value value;
    bool found = data_get(d, args[0].text, args[0].len, &value);
    size_t len = found ? value.len : 0;
    if (len + args[1].len > MAX_VALUE) {
        value_free(&value);
        return error("ERR string exceeds maximum allowed size (1 MiB)");
    }
    d->old.len = 0;
    buf_put(&d->old, value.text, len);
    buf_put(&d->old, args[1].text, args[1].len);
    value_free(&value);
    if (!found || args[1].len > 0) {
        data_set(d, args[0].text, args[0].len, d->old.data != NULL ? d->old.data : "", d->old.len);
    }
    return integer((long long)d->old.len);
}

static struct result add(struct data *d, const struct argument_text *key, long long delta) {
    long long number = 0;
    struct value value;
    bool valid =
        !data_get(d, key->text, key->len, &value) || parse_integer(value.text, value.len, &number);
    value_free(&value);
    if (!valid) {
        return error(NOT_AN_INTEGER);
    }
    if (__builtin_add_overflow(number, delta, &number)) {
        return error("ERR increment or decrement would overflow");
    }
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", number);
    data_set(d, key->text, key->len, text, (size_t)len);
    return integer(number);
}

static struct result add_argument(struct data *d, const struct argument_text *args, bool negate) {
    long long delta;
    if (!parse_integer(args[1].text, args[1].len, &delta)) {
        return error(NOT_AN_INTEGER);
    }
    if (negate && delta == INT64_MIN) {
        return error("ERR decrement would overflow");
    }
    return add(d, &args[0], negate ? -delta : delta);
}

/* --- several keys -------------------------------------------------------- */

static struct result set_pairs(struct data *d, const struct argument_text *args, size_t n) {
    for (size_t i = 0; i < n; i += 2) {
        set(d, &args[i], &args[i + 1]);
    }
    return (struct result){.kind = RESULT_OK};
}

static struct result msetnx(struct data *d, const struct argument_text *args, size_t n) {
    for (size_t i = 0; i < n; i += 2) {
        if (exists(d, &args[i])) {
            return integer(0);
        }
    }
    set_pairs(d, args, n);
    return integer(1);
}

static struct result del(struct data *d, const struct argument_text *args, size_t n) {
    long long deleted = 0;
    for (size_t i = 0; i < n; i++) {
        if (exists(d, &args[i])) {
            data_set(d, args[i].text, args[i].len, NULL, 0);
            deleted++;
        }
    }
    return integer(deleted);
}

/* --- entries ------------------------------------------------------------- */

enum shape { KEYS, PAIRS, KEY_AND_MORE };

/* What the arguments of a command may be. */
static const struct {
    enum shape shape;
    size_t min;
    size_t max; /* 0: any number */
} shapes[OP_END] = {
    [OP_SET] = {PAIRS, 2, 0},
    [OP_SET_OPTIONS] = {KEY_AND_MORE, 3, 8},
    [OP_SETNX] = {PAIRS, 2, 2},
    [OP_GETSET] = {PAIRS, 2, 2},
    [OP_MSETNX] = {PAIRS, 2, 0},
    [OP_APPEND] = {PAIRS, 2, 2},
    [OP_DEL] = {KEYS, 1, 0},
    [OP_GETDEL] = {KEYS, 1, 1},
    [OP_INCR] = {KEYS, 1, 1},
    [OP_DECR] = {KEYS, 1, 1},
    [OP_INCRBY] = {KEY_AND_MORE, 2, 2},
    [OP_DECRBY] = {KEY_AND_MORE, 2, 2},
};

/* Read the arguments into d->arguments; false: malformed. */
static bool read_arguments(struct data *d, struct cursor *c, enum op op, size_t n) {
    if (op < OP_SET || op >= OP_END || n < shapes[op].min || n > MAX_ARGUMENTS ||
        (shapes[op].max > 0 && n > shapes[op].max) || (shapes[op].shape == PAIRS && n % 2 != 0)) {
        return false;
    }
    if (d->n_arguments < n) {
        d->arguments = xrealloc(d->arguments, n * sizeof *d->arguments);
        d->n_arguments = n;
    }
    for (size_t i = 0; i < n && !c->bad; i++) {
        bool key = i == 0 || shapes[op].shape == KEYS || (shapes[op].shape == PAIRS && i % 2 == 0);
        size_t len = (size_t)cursor_int(c, 4);
        d->arguments[i] = (struct argument_text){cursor_bytes(c, len), len};
        if (len > (key ? MAX_KEY : MAX_VALUE)) {
            return false;
        }
    }
    return !c->bad && cursor_left(c) == 0;
}

struct result apply_command(struct data *d, const char *payload, size_t len) {
    struct cursor c = {payload, payload + len, false};
    enum op op = (enum op)cursor_int(&c, 1);
    size_t n = (size_t)cursor_int(&c, 4);
    if (!read_arguments(d, &c, op, n)) {
        return error("ERR malformed command");
    }
    const struct argument_text *args = d->arguments;
    switch (op) {
        case OP_SET:
            return set_pairs(d, args, n);
        case OP_SET_OPTIONS:
            return set_options(d, args, n);
        case OP_SETNX:
            return integer(set_if(d, args, SET_NX).kind == RESULT_OK);
        case OP_GETSET:
            return set_if(d, args, SET_GET);
        case OP_MSETNX:
            return msetnx(d, args, n);
        case OP_APPEND:
            return append(d, args);
        case OP_DEL:
            return del(d, args, n);
        case OP_GETDEL:
            return getdel(d, args);
        case OP_INCR:
        case OP_DECR:
            return add(d, args, op == OP_INCR ? 1 : -1);
        case OP_INCRBY:
        case OP_DECRBY:
            return add_argument(d, args, op == OP_DECRBY);
        default:
            return error("ERR malformed command");
    }
}
