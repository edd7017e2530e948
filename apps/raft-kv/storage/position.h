/* SPDX-License-Identifier: MIT */
/* The order of keys in the database: by a hash, and keys of equal hash by their bytes.
 *
 * The hash of a key is its position. It is the same on every server and never changes. So a SCAN
 * needs no memory on the server: its cursor is the position at which the next page begins. Keys
 * that exist throughout a scan are returned exactly once, also if the servers change meanwhile.
 * A page ends between two positions; the keys of one position are not separated. The hash is
 * SipHash, so to find many keys of one position takes more work than anyone can do. */
#ifndef KV_POSITION_H
#define KV_POSITION_H

#include "bytes.h"

/* 1 to 2^63 - 1, so that clients with signed integers can hold a cursor. */
uint64_t position_of(const char *key, size_t len);

#endif
