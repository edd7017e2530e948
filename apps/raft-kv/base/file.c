/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

/* --- words --------------------------------------------------------------- */

#define ROOM "make room and start the server again; nothing that was acknowledged is lost"
#define RIGHTS "let the user of the server read and write it (owner and mode of the path)"
#define DISK \
    "look into the kernel's log (dmesg); if the disk fails again, replace the disk and the server"
#define DESCRIPTORS "raise the limit of open files (ulimit -n, sysctl fs.file-max)"

static const struct {
    int error;
    const char *advice;
} advices[] = {
    {EACCES, RIGHTS},
    {EPERM, RIGHTS},
    {EROFS,
     "the file system is mounted read-only: mount it for writing; the kernel makes it "
     "read-only after disk errors (dmesg)"},
    {ENOTDIR, "a part of the path is a file and not a directory: correct --dir"},
    {EISDIR, "there is a directory where a file belongs: move it away"},
    {ENOENT,
     "a file or directory is missing: check --dir and that its file system is mounted; if "
     "the file is lost, replace this server (RAFT.REPLACE; see the README)"},
    {ELOOP, "a part of the path is a symbolic link that leads to itself: correct --dir"},
    {ENAMETOOLONG, "choose a shorter --dir"},
    {EMFILE, DESCRIPTORS},
    {ENFILE, DESCRIPTORS},
    {ENOSPC, ROOM},
    {EDQUOT, ROOM},
    {EFBIG, "raise the limit of file sizes (ulimit -f)"},
    {ENOMEM, "give the machine more memory"},
    {EIO, DISK},
    {ESTALE, "the network file system has gone; use a local disk"},
};
enum { ADVICES = sizeof advices / sizeof advices[0] };

const char *file_advice(int error) {
    for (size_t i = 0; i < ADVICES; i++) {
        if (advices[i].error == error) {
            return advices[i].advice;
        }
    }
    return NULL;
}

const char *file_advice_of(const char *text) {
    for (size_t i = 0; i < ADVICES; i++) {
        if (strstr(text, strerror(advices[i].error)) != NULL) {
            return advices[i].advice;
        }
    }
    return NULL;
}

void file_fail(const char *path, const char *doing, int error) {
    const char *advice = file_advice(error);
    die("%s: cannot %s: %s%s%s", path, doing, strerror(error), advice != NULL ? "; " : "",
        advice != NULL ? advice : "");
}

void file_fail_fd(const char *name, int fd, const char *doing, int error) {
    char link[40];
    char path[900];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    file_fail(n > 0 ? path : name, doing, error);
}

/* --- files --------------------------------------------------------------- */

void file_write(const char *name, int fd, const char *data, size_t len, size_t offset) {
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);
        if (n < 0 && errno != EINTR) {
            file_fail_fd(name, fd, "write to the file", errno);
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
            file_fail_fd(name, fd, "read the file", errno);
        }
        if (n == 0) {
            break;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return done;
}

void file_sync(const char *name, int fd) {
    if (fsync(fd) != 0) {
        file_fail_fd(name, fd, "sync the file", errno);
    }
}

void file_rename(const char *from, const char *to) {
    if (rename(from, to) != 0) {
        file_fail(to, "rename a file to this name", errno);
    }
}

/* --- directories --------------------------------------------------------- */

void dir_make(const char *path) {
    struct stat info;
    if (mkdir(path, 0755) == 0) {
        return;
    }
    int error = errno;
    if (error == ENOENT) {
        die("%s: cannot create the directory: %s; create the directory above it, and check that "
            "its file system is mounted",
            path, strerror(error));
    }
    if (error != EEXIST) {
        file_fail(path, "create the directory", error);
    }
    if (stat(path, &info) != 0) {
        file_fail(path, "use the directory", errno);
    }
    if (!S_ISDIR(info.st_mode)) {
        file_fail(path, "use it as a directory", ENOTDIR);
    }
}

void dir_sync(const char *dir) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        file_fail(dir, "sync the directory", errno);
    }
    close(fd);
}
