/* SPDX-License-Identifier: MIT */
#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "report.h"

size_t secret_file_read(const char *option, const char *path, size_t min,
                        char text[SECRET_MAX + 1]) {
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* so that a FIFO does not block */
    if (fd < 0 || fstat(fd, &info) != 0) {
        die("--%s: %s: %s", option, path, strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        die("--%s: %s: not a regular file", option, path);
    }
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        die("--%s: %s: only its owner may have access to it; run: chmod 600 %s", option, path,
            path);
    }
    size_t len = file_read(path, fd, text, SECRET_MAX + 1, 0);
    close(fd);
    if (len > SECRET_MAX) {
        die("--%s: %s: longer than %d bytes", option, path, SECRET_MAX);
    }
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--;
    }
    if (len < min) {
        die("--%s: %s: shorter than %zu bytes", option, path, min);
    }
    return len;
}
