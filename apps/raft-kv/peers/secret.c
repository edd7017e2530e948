/* SPDX-License-Identifier: MIT */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "report.h"

enum { SECRET_MIN = 32, SECRET_MAX = 4096 /* bytes */ };

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
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* so that a FIFO does not block */
    if (fd < 0 || fstat(fd, &info) != 0) {
        die("--secret-file: %s: %s", path, strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        die("--secret-file: %s: not a regular file", path);
    }
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        die("--secret-file: %s: only its owner may have access to it; run: chmod 600 %s", path,
            path);
    }
    size_t len = file_read(path, fd, text, sizeof text, 0);
    close(fd);
    if (len > SECRET_MAX) {
        die("--secret-file: %s: longer than %d bytes", path, SECRET_MAX);
    }
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--;
    }
    if (len < SECRET_MIN) {
        die("--secret-file: %s: shorter than %d bytes", path, SECRET_MIN);
    }
    struct secret *s = secret_new(text, len);
    sodium_memzero(text, sizeof text);
    return s;
}
