/* SPDX-License-Identifier: MIT */
#include "journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

void file_path(const char *dir, const char *name, char path[FILE_PATH]) {
    if (snprintf(path, FILE_PATH, "%s/%s", dir, name) >= FILE_PATH) {
        die("%s: the name is too long", dir);
    }
}

void segment_path(const char *dir, uint64_t number, char path[FILE_PATH]) {
    char name[32];
    snprintf(name, sizeof name, "%020llu.log", (unsigned long long)number);
    file_path(dir, name, path);
}

void spare_path(const char *dir, const char *suffix, char path[FILE_PATH]) {
    char name[32];
    snprintf(name, sizeof name, "spare.log%s", suffix);
    file_path(dir, name, path);
}

void file_write(const char *dir, int fd, const char *data, size_t len, size_t offset) {
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);
        if (n < 0 && errno != EINTR) {
            die("%s: write failed: %s", dir, strerror(errno));
        }
        if (n > 0) {
            data += n;
            len -= (size_t)n;
            offset += (size_t)n;
        }
    }
}

size_t file_read(const char *dir, int fd, char *data, size_t len, size_t offset) {
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(fd, data + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno != EINTR) {
            die("%s: read failed: %s", dir, strerror(errno));
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
        die("%s: cannot sync directory: %s", dir, strerror(errno));
    }
    close(fd);
}
