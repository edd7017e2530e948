/* SPDX-License-Identifier: MIT */
/* The journal's files: names, whole reads and writes. What fails ends the process. */
#ifndef KV_JOURNAL_FILE_H
#define KV_JOURNAL_FILE_H

#include <stddef.h>
#include <stdint.h>

enum { FILE_PATH = 4096 };

void file_path(const char *dir, const char *name, char path[FILE_PATH]);
void segment_path(const char *dir, uint64_t number, char path[FILE_PATH]);
void spare_path(const char *dir, const char *suffix, char path[FILE_PATH]);

void file_write(const char *dir, int fd, const char *data, size_t len, size_t offset);
/* As many bytes as there are; fewer only at the end of the file. */
size_t file_read(const char *dir, int fd, char *data, size_t len, size_t offset);

void file_rename(const char *from, const char *to);
void dir_sync(const char *dir);

#endif
