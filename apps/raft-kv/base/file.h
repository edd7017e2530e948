/* SPDX-License-Identifier: MIT */
/* Whole reads and writes, renames, and directory syncs. On failure they end the process with a
 * message that says what failed, on which path, why, and what the operator can do. */
#ifndef KV_FILE_H
#define KV_FILE_H

#include <stddef.h>

/* What to do if data are corrupted: the end of a message. */
#define REPLACE_SERVER                                                                            \
    "these data must not be used any more: replace this server by a new one with another ID and " \
    "an "                                                                                         \
    "empty directory (RAFT.REPLACE; see the README)"

/* End the process: an operation on a file has failed with this errno. `doing` completes the
 * sentence "cannot ...": "open the file". */
_Noreturn void file_fail(const char *path, const char *doing, int error);
/* The same for an open file. Its path is looked up; `name` is used if that fails. */
_Noreturn void file_fail_fd(const char *name, int fd, const char *doing, int error);
/* What the operator can do after an errno, or NULL. */
const char *file_advice(int error);
/* The same for a text that holds a message of strerror(), as errors of the database do. */
const char *file_advice_of(const char *text);

void file_write(const char *name, int fd, const char *data, size_t len, size_t offset);
/* Returns the number of bytes read: fewer than `len` only at the end of the file. */
size_t file_read(const char *name, int fd, char *data, size_t len, size_t offset);

void file_sync(const char *name, int fd);
void file_rename(const char *from, const char *to);
/* Create a directory if there is none. */
void dir_make(const char *path);
/* Make creations, renames and removals in a directory durable. */
void dir_sync(const char *dir);

#endif
