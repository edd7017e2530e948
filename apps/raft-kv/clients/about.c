/* SPDX-License-Identifier: MIT */
#include "about.h"

#include <stdlib.h>

void about_init(struct about *a, uint64_t id, raft_time now) {
    *a = (struct about){.id = id, .since = now};
}

void about_free(struct about *a) {
    free(a->name);
    free(a->library);
    free(a->library_version);
}

void about_reset(struct about *a) {
    free(a->name);
    a->name = NULL;
    a->resp3 = a->readonly = false;
}

const char *about_check(const char *to, size_t len) {
    if (len > MAX_CLIENT_NAME) {
        return "ERR a client's name has at most 256 bytes";
    }
    for (size_t i = 0; i < len; i++) {
        if (to[i] < '!' || to[i] > '~') {
            return "ERR Client names cannot contain spaces, newlines or special characters.";
        }
    }
    return NULL;
}

const char *about_set(char **text, const char *to, size_t len) {
    const char *why = about_check(to, len);
    if (why != NULL) {
        return why;
    }
    free(*text);
    *text = NULL;
    if (len > 0) {
        *text = xmalloc(len + 1);
        memcpy(*text, to, len);
        (*text)[len] = '\0';
    }
    return NULL;
}
