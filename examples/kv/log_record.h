/* SPDX-License-Identifier: MIT */
/* The payload of a log record: u64 index of the first entry, then per entry u64 term,
 * u8 type, u32 length and the bytes. */
#ifndef KV_LOG_RECORD_H
#define KV_LOG_RECORD_H

#include "log.h"

enum { RECORD_HEAD = 8, RECORD_ENTRY_HEAD = 13 };

/* Building a payload. */
void record_begin(struct buf *payload, raft_index first);
void record_add(struct buf *payload, const struct log_entry *entry);

/* Index of the first entry, whether there is one or not. */
raft_index record_first(const char *payload, size_t len);

/* Decode the entries; they point into `payload`. Free the array. */
struct log_entry *record_decode(const char *payload, size_t len, unsigned *n);

#endif
