/* SPDX-License-Identifier: MIT */
/* Fault injection for disks: a library to be preloaded (LD_PRELOAD) into a server.
 *
 * It records every change to the files below the directory DISK_DIR (creations, writes, renames,
 * removals and syncs, in order, with the bytes) in the trace file DISK_TRACE. After the test has
 * killed the process, powerloss.py rebuilds from the trace what a loss of power could have left
 * on the disk.
 *
 *   DISK_NOSYNC=end    syncs of files whose name ends with `end` report success and do nothing
 *   DISK_FULL=path     writes fail with ENOSPC while a file of this name exists
 *   DISK_SLOW=path     syncs take ten seconds, or DISK_SLOW_MS milliseconds, while a file of this
 *                      name exists
 *   DISK_FAIL=operation:errno:end
 *                      the operation (open, read, write, sync, rename or mkdir) fails with this
 *                      number on files whose name ends with `end`
 *   DISK_KILL=n        the process is killed after the n-th change or sync
 *
 * A trace record is a head of five 8-byte words (operation, open ID, offset, length of the path,
 * length of the data), the path and the data. */
#undef _FILE_OFFSET_BITS /* defines open() and so on, not the macros' open64() */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OP_OPEN = 1, OP_WRITE, OP_SYNC, OP_RENAME, OP_UNLINK, OP_TRUNCATE, OP_MKDIR };
enum { FDS = 65536 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t open_ids[FDS]; /* 0: not a file below DISK_DIR */
static char nosync_fds[FDS];   /* syncs of this file do nothing */
static char fail_fds[FDS];     /* the operation of DISK_FAIL fails */
static uint64_t last_id;
static uint64_t records;
static int trace = -1;
static const char *dir;
static size_t dir_len;
static const char *full;
static const char *slow;
static unsigned slow_us = 10000000;
static const char *nosync;
static char fail_operation[16];
static int fail_errno;
static char fail_end[256];
static uint64_t kill_at; /* 0: never */
static uint64_t changes; /* and syncs */

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);

static void *next(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL) {
        abort();
    }
    return function;
}

#define REAL(type, name, parameters)   \
    static type(*real) parameters;     \
    if (real == NULL) {                \
        *(void **)&real = next(#name); \
    }

__attribute__((constructor)) static void prepare(void) {
    *(void **)&real_write = next("write");
    *(void **)&real_pwrite = next("pwrite");
    *(void **)&real_open = next("open");
    *(void **)&real_close = next("close");
    dir = getenv("DISK_DIR");
    dir_len = dir != NULL ? strlen(dir) : 0;
    full = getenv("DISK_FULL");
    slow = getenv("DISK_SLOW");
    nosync = getenv("DISK_NOSYNC");
    if (getenv("DISK_SLOW_MS") != NULL) {
        slow_us = (unsigned)atoi(getenv("DISK_SLOW_MS")) * 1000;
    }
    const char *fail = getenv("DISK_FAIL");
    if (fail != NULL &&
        sscanf(fail, "%15[a-z]:%d:%255s", fail_operation, &fail_errno, fail_end) != 3) {
        abort();
    }
    const char *text = getenv("DISK_KILL");
    kill_at = text != NULL ? strtoull(text, NULL, 10) : 0;
    const char *path = getenv("DISK_TRACE");
    if (dir != NULL && path != NULL) {
        trace = real_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (trace < 0) {
            abort();
        }
    }
}

/* Append a record to the trace. Call with the lock held. */
static void record(uint64_t op, uint64_t id, uint64_t offset, const char *path, const void *data,
                   size_t len) {
    uint64_t head[5] = {op, id, offset, path != NULL ? strlen(path) : 0, len};
    struct iovec parts[3] = {
        {head, sizeof head}, {(void *)path, (size_t)head[3]}, {(void *)data, len}};
    size_t total = sizeof head + head[3] + len;
    if (trace >= 0) {
        if (writev(trace, parts, 3) != (ssize_t)total) {
            abort(); /* an incomplete trace would make the test meaningless */
        }
        records++;
    }
    if (++changes == kill_at) {
        raise(SIGKILL);
    }
}

static int watched(const char *path) { return dir != NULL && strncmp(path, dir, dir_len) == 0; }

static uint64_t id_of(int fd) { return fd >= 0 && fd < FDS ? open_ids[fd] : 0; }

static int is_full(int fd) { return full != NULL && id_of(fd) != 0 && access(full, F_OK) == 0; }

/* --- names --------------------------------------------------------------- */

static int ends_with(const char *text, const char *end) {
    size_t text_len = strlen(text);
    size_t end_len = strlen(end);
    return text_len >= end_len && strcmp(text + text_len - end_len, end) == 0;
}

/* True, with errno set, if this operation must fail on this path. */
static int fails(const char *operation, const char *path) {
    if (strcmp(operation, fail_operation) != 0 || !ends_with(path, fail_end)) {
        return 0;
    }
    errno = fail_errno;
    return 1;
}

static int fails_fd(const char *operation, int fd) {
    if (fd < 0 || fd >= FDS || !fail_fds[fd] || strcmp(operation, fail_operation) != 0) {
        return 0;
    }
    errno = fail_errno;
    return 1;
}

static int opened(int fd, const char *path, int flags) {
    if (fd >= 0 && fd < FDS) {
        open_ids[fd] = 0;
        fail_fds[fd] = fail_errno != 0 && ends_with(path, fail_end);
        struct stat info;
        int is_dir = watched(path) && fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
        if (is_dir || (watched(path) && (flags & O_ACCMODE) != O_RDONLY)) {
            open_ids[fd] = ++last_id;
            nosync_fds[fd] = nosync != NULL && ends_with(path, nosync);
            record(OP_OPEN, last_id, (uint64_t)flags | (is_dir ? O_DIRECTORY : 0), path, NULL, 0);
        }
    }
    return fd;
}

int open(const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? (mode_t)va_arg(args, int) : 0;
    va_end(args);
    if (fails("open", path)) {
        return -1;
    }
    if (full != NULL && (flags & O_CREAT) && watched(path) && access(full, F_OK) == 0) {
        errno = ENOSPC;
        return -1;
    }
    pthread_mutex_lock(&lock);
    int fd = opened(real_open(path, flags, mode), path, flags);
    pthread_mutex_unlock(&lock);
    return fd;
}

int close(int fd) {
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < FDS) {
        open_ids[fd] = 0;
        fail_fds[fd] = 0;
    }
    int result = real_close(fd);
    pthread_mutex_unlock(&lock);
    return result;
}

int rename(const char *from, const char *to) {
    REAL(int, rename, (const char *, const char *));
    if (fails("rename", to)) {
        return -1;
    }
    pthread_mutex_lock(&lock);
    int result = real(from, to);
    if (result == 0 && watched(from)) {
        record(OP_RENAME, 0, 0, from, to, strlen(to));
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int unlink(const char *path) {
    REAL(int, unlink, (const char *));
    pthread_mutex_lock(&lock);
    int result = real(path);
    if (result == 0 && watched(path)) {
        record(OP_UNLINK, 0, 0, path, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, (const char *, mode_t));
    if (fails("mkdir", path)) {
        return -1;
    }
    pthread_mutex_lock(&lock);
    int result = real(path, mode);
    if (result == 0 && watched(path)) {
        record(OP_MKDIR, 0, 0, path, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

/* --- bytes --------------------------------------------------------------- */

ssize_t write(int fd, const void *data, size_t len) {
    if (fails_fd("write", fd)) {
        return -1;
    }
    if (id_of(fd) == 0) {
        return real_write(fd, data, len);
    }
    if (is_full(fd)) {
        errno = ENOSPC;
        return -1;
    }
    pthread_mutex_lock(&lock);
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t n = real_write(fd, data, len);
    if (n > 0) {
        record(OP_WRITE, open_ids[fd], (uint64_t)offset, NULL, data, (size_t)n);
    }
    pthread_mutex_unlock(&lock);
    return n;
}

ssize_t pread(int fd, void *data, size_t len, off_t offset) {
    REAL(ssize_t, pread, (int, void *, size_t, off_t));
    return fails_fd("read", fd) ? -1 : real(fd, data, len, offset);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset) {
    if (fails_fd("write", fd)) {
        return -1;
    }
    if (id_of(fd) == 0) {
        return real_pwrite(fd, data, len, offset);
    }
    if (is_full(fd)) {
        errno = ENOSPC;
        return -1;
    }
    pthread_mutex_lock(&lock);
    ssize_t n = real_pwrite(fd, data, len, offset);
    if (n > 0) {
        record(OP_WRITE, open_ids[fd], (uint64_t)offset, NULL, data, (size_t)n);
    }
    pthread_mutex_unlock(&lock);
    return n;
}

int ftruncate(int fd, off_t length) {
    REAL(int, ftruncate, (int, off_t));
    pthread_mutex_lock(&lock);
    int result = real(fd, length);
    if (result == 0 && id_of(fd) != 0) {
        record(OP_TRUNCATE, open_ids[fd], (uint64_t)length, NULL, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

/* A sync record covers the records that were in the trace before the sync began. */
static int synced(int fd, int (*real)(int)) {
    if (fails_fd("sync", fd)) {
        return -1;
    }
    if (slow != NULL && id_of(fd) != 0 && access(slow, F_OK) == 0) {
        usleep(slow_us);
    }
    pthread_mutex_lock(&lock);
    uint64_t id = id_of(fd);
    uint64_t covers = records;
    pthread_mutex_unlock(&lock);
    if (id == 0) {
        return real(fd);
    }
    if (nosync_fds[fd]) {
        return 0;
    }
    int result = real(fd);
    if (result == 0) {
        pthread_mutex_lock(&lock);
        record(OP_SYNC, id, covers, NULL, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    return result;
}

int fsync(int fd) {
    REAL(int, fsync, (int));
    return synced(fd, real);
}

int fdatasync(int fd) {
    REAL(int, fdatasync, (int));
    return synced(fd, real);
}

/* The names that programs built for large files use; identical functions on 64-bit machines. */
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
ssize_t pread64(int fd, void *data, size_t len, off_t offset) __attribute__((alias("pread")));
ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset)
    __attribute__((alias("pwrite")));
int ftruncate64(int fd, off_t length) __attribute__((alias("ftruncate")));

/* Only starts write-back and makes nothing durable, so it may do nothing. */
int sync_file_range(int fd, off_t offset, off_t len, unsigned flags) {
    (void)fd;
    (void)offset;
    (void)len;
    (void)flags;
    return 0;
}
