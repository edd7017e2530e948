/* SPDX-License-Identifier: MIT */
/* Whole reads and writes, renames, and directory syncs. On failure they end the process with a
 * message that begins with `name`, the path to report. */
#ifndef KV_FILE_H
#define KV_FILE_H

#include <stddef.h>

void file_write(const char *name, int fd, const char *data, size_t len, size_t offset);
/* Returns the number of bytes read: fewer than `len` only at the end of the file. */
size_t file_read(const char *name, int fd, char *data, size_t len, size_t offset);

void file_rename(const char *from, const char *to);
/* Make creations, renames and removals in a directory durable. */
void dir_sync(const char *dir);

#endif
