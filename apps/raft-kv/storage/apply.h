/* SPDX-License-Identifier: MIT */
/* The commands that change data. The effect and the result of a command depend only on the command
 * and on the data before it, so every server computes the same. */
#ifndef KV_APPLY_H
#define KV_APPLY_H

#include <stdbool.h>
#include <stddef.h>

struct data;

/* Payload of a command entry: u8 op, u32 number of arguments; per argument u32 length and the
 * bytes. The arguments are those of the Redis command. */
enum { COMMAND_HEAD = 5, COMMAND_ARGUMENT_HEAD = 4 };

enum op {
    OP_SET = 1,     /* SET key value, and MSET key value [key value ...] */
    OP_SET_OPTIONS, /* SET key value option ..., see set_option() */
    OP_SETNX,
    OP_GETSET,
    OP_MSETNX,
    OP_APPEND,
    OP_DEL,
    OP_GETDEL,
    OP_INCR,
    OP_DECR,
    OP_INCRBY,
    OP_DECRBY,
    OP_END
};

enum result_kind { RESULT_OK, RESULT_INTEGER, RESULT_VALUE, RESULT_NIL, RESULT_ERROR };

struct result {
    enum result_kind kind;
    long long integer;
    const char *text; /* RESULT_ERROR: a string literal; RESULT_VALUE: valid until the next call */
    size_t len;       /* of a value */
};

/* Carry out the command of an entry, which may come from another server: it is checked first. */
struct result apply_command(struct data *d, const char *payload, size_t len);

/* Options of SET. */
enum { SET_NX = 1, SET_XX = 2, SET_GET = 4, SET_KEEPTTL = 8 };
/* Add an option to `*flags`. Returns NULL, or the error. */
const char *set_option(const char *word, size_t len, unsigned *flags);

/* Parse a decimal number as Redis does: no spaces, no leading zeros, no '+'. */
bool parse_integer(const char *text, size_t len, long long *value);

#define NOT_AN_INTEGER "ERR value is not an integer or out of range"

#endif
