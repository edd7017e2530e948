/* SPDX-License-Identifier: MIT */
/* Files that hold a secret or a password. */
#ifndef KV_SECRET_FILE_H
#define KV_SECRET_FILE_H

#include <stddef.h>

enum { SECRET_MAX = 4096 /* bytes */ };

/* Read the file, which must be accessible to its owner alone, into `text`, without the line ends at
 * its end. Returns the length. Errors, and fewer than `min` bytes, end the process with a message
 * that begins with the name of the option. */
size_t secret_file_read(const char *option, const char *path, size_t min,
                        char text[SECRET_MAX + 1]);

#endif
