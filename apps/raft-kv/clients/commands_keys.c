/* SPDX-License-Identifier: MIT */
/* Commands that look at all keys: SCAN, KEYS, DBSIZE. Like other reads they are confirmed first;
 * then the keys are read in the background. */
#include <strings.h>

#include "apply.h"
#include "commands.h"
#include "limits.h"
#include "reply.h"
#include "server.h"

enum { DEFAULT_COUNT = 10, MAX_SCAN_ARGUMENTS = 7 };

struct word {
    const char *text;
    size_t len;
};

static bool is(const struct word *w, const char *word) {
    return w->len == strlen(word) && strncasecmp(w->text, word, w->len) == 0;
}

static bool parse_cursor(const struct word *w, uint64_t *cursor) {
    *cursor = 0;
    for (size_t i = 0; i < w->len; i++) {
        if (w->text[i] < '0' || w->text[i] > '9' || *cursor > (UINT64_MAX - 9) / 10) {
            return false;
        }
        *cursor = *cursor * 10 + (uint64_t)(w->text[i] - '0');
    }
    return w->len > 0;
}

static const char *set_pattern(struct page_options *o, const struct word *w) {
    o->pattern = w->text;
    o->pattern_len = w->len;
    return w->len > MAX_PATTERN ? "ERR a pattern has at most 1 KiB" : NULL;
}

static const char *scan_option(struct page_options *o, const struct word *w) {
    long long count;
    if (is(w, "match")) {
        return set_pattern(o, w + 1);
    }
    if (is(w, "type")) { /* every value is a string */
        o->nothing = !is(w + 1, "string");
        return NULL;
    }
    if (!is(w, "count")) {
        return "ERR syntax error";
    }
    if (!parse_integer(w[1].text, w[1].len, &count)) {
        return NOT_AN_INTEGER;
    }
    o->count = count > MAX_PAGE_COUNT ? MAX_PAGE_COUNT : (size_t)count;
    return count < 1 ? "ERR syntax error" : NULL;
}

/* Arguments of SCAN: cursor [MATCH pattern] [COUNT number] [TYPE type]. */
static const char *parse_scan(struct page_options *o, const struct word *words, size_t n) {
    *o = (struct page_options){.count = DEFAULT_COUNT};
    const char *why = n % 2 == 0 ? "ERR syntax error" : NULL;
    if (!parse_cursor(&words[0], &o->position)) {
        return "ERR invalid cursor";
    }
    for (size_t i = 1; i < n && why == NULL; i += 2) {
        why = scan_option(o, &words[i]);
    }
    return why;
}

static struct word next_word(struct cursor *arguments) {
    size_t len = (size_t)cursor_int(arguments, 4);
    return (struct word){cursor_bytes(arguments, len), len};
}

static void serve_scan(struct server *s, struct client *c, uint64_t seq, struct cursor *arguments,
                       size_t n) {
    struct page_options options;
    struct word words[MAX_SCAN_ARGUMENTS];
    for (size_t i = 0; i < n; i++) {
        words[i] = next_word(arguments);
    }
    parse_scan(&options, words, n);
    pages_add(s, c, seq, &options);
}

static void execute_scan(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    struct page_options options;
    struct word words[MAX_SCAN_ARGUMENTS];
    const char *why = q->n - 1 > MAX_SCAN_ARGUMENTS ? "ERR syntax error" : NULL;
    for (size_t i = 1; i < q->n && why == NULL; i++) {
        words[i - 1] = (struct word){request_argument(q, i), q->arguments[i].len};
    }
    if (why == NULL) {
        why = parse_scan(&options, words, q->n - 1);
    }
    if (why != NULL) {
        client_error(c, seq, why);
    } else {
        reads_add(s, c, seq, serve_scan, q);
    }
}

static void serve_keys(struct server *s, struct client *c, uint64_t seq, struct cursor *arguments,
                       size_t n) {
    (void)n;
    struct page_options options = {.count = MAX_PAGE_COUNT, .all = true};
    struct word pattern = next_word(arguments);
    set_pattern(&options, &pattern);
    pages_add(s, c, seq, &options);
}

static void execute_keys(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    struct page_options options = {0};
    struct word pattern = {request_argument(q, 1), q->arguments[1].len};
    const char *why = set_pattern(&options, &pattern);
    if (why != NULL) {
        client_error(c, seq, why);
    } else {
        reads_add(s, c, seq, serve_keys, q);
    }
}

static void serve_dbsize(struct server *s, struct client *c, uint64_t seq, struct cursor *arguments,
                         size_t n) {
    (void)arguments;
    (void)n;
    scan_for_client(s, SCAN_DBSIZE, c, seq);
}

static void execute_dbsize(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    reads_add(s, c, seq, serve_dbsize, q);
}

const struct command key_commands[] = {
    {"scan", -2, SLOT_READ, true, execute_scan},
    {"keys", 2, SLOT_READ, true, execute_keys},
    {"dbsize", 1, SLOT_READ, true, execute_dbsize},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
