/* SPDX-License-Identifier: MIT */
/* Memory, and the end of the program. */
#ifndef BASE_H
#define BASE_H

#include <stddef.h>

/* Bytes that grow. An empty one is zeroed. */
struct bytes {
    char *base;
    size_t len, size;
};

/* Print a line and end the program at once: what is not synced counts as not written. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *resize(void *memory, size_t size);
char *copy_text(const char *text);
char *bytes_add(struct bytes *b, const void *data, size_t len); /* data NULL: only make room */
void bytes_drop(struct bytes *b, size_t len);                   /* from the beginning */

#endif
