/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

void file_write(const char *name, int fd, const char *data, size_t len, size_t offset) {
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);
        if (n < 0 && errno != EINTR) {
            die("%s: write failed: %s", name, strerror(errno));
        }
        if (n > 0) {
            data += n;
            len -= (size_t)n;
            offset += (size_t)n;
        }
    }
}

size_t file_read(const char *name, int fd, char *data, size_t len, size_t offset) {
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(fd, data + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno != EINTR) {
            die("%s: read failed: %s", name, strerror(errno));
        }
        if (n == 0) {
            break;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return done;
}

void file_rename(const char *from, const char *to) {
    if (rename(from, to) != 0) {
        die("%s: %s", to, strerror(errno));
    }
}

void dir_sync(const char *dir) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        die("%s: cannot sync the directory: %s", dir, strerror(errno));
    }
    close(fd);
}
