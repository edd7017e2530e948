/* SPDX-License-Identifier: MIT */
/* What a client has said about itself, and the modes that it has chosen. */
#ifndef KV_ABOUT_H
#define KV_ABOUT_H

#include <raft.h>

#include "bytes.h"

enum { MAX_CLIENT_NAME = 256 /* bytes */ };

struct about {
    uint64_t id;     /* numbers the connections since the start */
    raft_time since; /* when it was connected */
    bool resp3;      /* replies are in version 3 of the protocol */
    bool readonly;   /* this server answers its reads also as a follower */
    char *name;      /* NULL: none, as the others */
    char *library;
    char *library_version;
};

void about_init(struct about *a, uint64_t id, raft_time now);
void about_free(struct about *a);

/* Return to the modes of a new connection, without a name. */
void about_reset(struct about *a);

/* NULL, or the error that about_set() would return. */
const char *about_check(const char *to, size_t len);

/* Replace a text. An empty one removes it. Returns NULL, or the error. */
const char *about_set(char **text, const char *to, size_t len);

#endif
