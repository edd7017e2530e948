/* SPDX-License-Identifier: MIT */
/* The secret that all servers of a cluster share: option --secret-file. */
#ifndef KV_SECRET_H
#define KV_SECRET_H

#include <stddef.h>

enum { SECRET_KEY = 32 };

/* What is left of a secret: a hash, which serves as a key. */
struct secret {
    unsigned char key[SECRET_KEY];
};

/* Read the secret from a file. Errors end the process with a message. */
struct secret *secret_load(const char *path);

/* The secret with this text, in memory that is neither swapped out nor part of a core dump. */
struct secret *secret_new(const char *text, size_t len);
void secret_free(struct secret *s);

#endif
