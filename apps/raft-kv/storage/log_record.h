/* SPDX-License-Identifier: MIT */
/* The payload of a log record: u64 index of the first entry, then per entry u64 term,
 * u8 type, u32 length and the bytes. If the bytes are stored outside (values.h), RECORD_OUTSIDE is
 * added to the type, and their place follows instead of them. */
#ifndef KV_LOG_RECORD_H
#define KV_LOG_RECORD_H

#include "log.h"

enum { RECORD_HEAD = 8, RECORD_ENTRY_HEAD = 13, RECORD_OUTSIDE = 0x80 };

/* Build a payload. */
void record_begin(struct buf *payload, raft_index first);
void record_add(struct buf *payload, const struct log_entry *entry);

/* The index of the first entry. A record that only removes entries has an index but no entries. */
raft_index record_first(const char *payload, size_t len);

/* Decode the entries into an array, which the caller frees. They point into `payload`;
 * those stored outside have no data. */
struct log_entry *record_decode(const char *payload, size_t len, unsigned *n);

#endif
