/* SPDX-License-Identifier: MIT */
/* The bytes of a log record: ticket, ticket of the record before it, entries. */
#ifndef KV_LOG_RECORD_H
#define KV_LOG_RECORD_H

#include "log.h"

enum { RECORD_HEAD = 16, RECORD_ENTRY_HEAD = 13 };
#define RECORD_KEY_END "\xff\xff\xff\xff\xff\xff\xff\xff" /* above every key */

struct log_record {
    raft_index first;
    uint64_t ticket;
    uint64_t prev;
    const char *value; /* the iterator's */
    size_t len;
};

void record_key(char key[8], raft_index index);

/* Building a value. */
void record_begin(struct buf *value, uint64_t ticket, uint64_t prev);
void record_add(struct buf *value, const struct log_entry *entry);

/* The record under an iterator; false at the end. Dies if it is corrupted. */
bool record_at(rocksdb_iterator_t *it, struct log_record *record);

/* Decode the entries; their payloads point into `value`, a copy of the record's
 * or the record's own. Free the array. */
struct log_entry *record_decode(const struct log_record *record, const char *value,
                                unsigned *n);

/* Length of the value when only its first `n` entries are kept. */
size_t record_prefix(const struct log_record *record, unsigned n);

#endif
