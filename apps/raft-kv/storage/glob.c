/* SPDX-License-Identifier: MIT */
#include "glob.h"

/* Does the byte match the set at `p`, which begins after '['? Returns the end of the set in
 * `*end`. A set without ']' ends with the pattern. */
static bool in_set(const char *p, const char *stop, unsigned char byte, const char **end) {
    bool negated = p < stop && *p == '^';
    bool found = false;
    for (p += negated; p < stop && *p != ']'; p++) {
        if (*p == '\\' && p + 1 < stop) {
            p++;
        }
        unsigned char low = (unsigned char)*p;
        unsigned char high = low;
        if (stop - p > 2 && p[1] == '-') {
            high = (unsigned char)p[2];
            p += 2;
        }
        if (low > high) {
            unsigned char swap = low;
            low = high;
            high = swap;
        }
        found = found || (low <= byte && byte <= high);
    }
    *end = p < stop ? p + 1 : p;
    return found != negated;
}

/* Does the byte match the item at `*p`, which is not '*'? Then `*p` moves past the item. */
static bool match_one(const char **p, const char *stop, unsigned char byte) {
    const char *next = *p + 1;
    bool match = true;
    if (**p == '[') {
        match = in_set(*p + 1, stop, byte, &next);
    } else if (**p != '?') {
        if (**p == '\\' && next < stop) {
            next++;
        }
        match = (unsigned char)next[-1] == byte;
    }
    *p = match ? next : *p;
    return match;
}

/* After a mismatch it is enough to let the last '*' take one byte more: an earlier one could only
 * leave fewer bytes to the rest. */
bool glob_match(const char *pattern, size_t pattern_len, const char *text, size_t len,
                size_t *work) {
    const char *p = pattern;
    const char *stop = pattern + pattern_len;
    const char *after_star = NULL;
    size_t at = 0;
    size_t resume = 0;
    while (at < len) {
        ++*work;
        if (p < stop && *p == '*') {
            after_star = ++p;
            resume = at;
        } else if (p < stop && match_one(&p, stop, (unsigned char)text[at])) {
            at++;
        } else if (after_star != NULL) {
            p = after_star;
            at = ++resume;
        } else {
            return false;
        }
    }
    while (p < stop && *p == '*') {
        p++;
    }
    return p == stop;
}
