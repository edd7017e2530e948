/* SPDX-License-Identifier: MIT */
#include "secret.h"

#include <sodium.h>

#include "report.h"
#include "secret_file.h"

enum { SECRET_MIN = 32 /* bytes */ };

struct secret *secret_new(const char *text, size_t len) {
    struct secret *s = sodium_init() < 0 ? NULL : sodium_malloc(sizeof *s);
    if (s == NULL) {
        die("cannot allocate protected memory for the secret");
    }
    crypto_generichash(s->key, sizeof s->key, (const unsigned char *)text, len, NULL, 0);
    sodium_mprotect_readonly(s);
    return s;
}

void secret_free(struct secret *s) { sodium_free(s); }

struct secret *secret_load(const char *path) {
    char text[SECRET_MAX + 1];
    size_t len = secret_file_read("secret-file", path, SECRET_MIN, text);
    struct secret *s = secret_new(text, len);
    sodium_memzero(text, sizeof text);
    return s;
}
