/* SPDX-License-Identifier: MIT */
/* Unit tests of raft-kv's modules, without a server. */
#ifndef KV_TESTS_UNIT_H
#define KV_TESTS_UNIT_H

#include <sys/types.h>

#include "../check.h"
#include "log.h"

/* An entry with this payload, in a block of its own. */
struct log_entry entry_of(raft_term term, int type, const char *text);

/* The directory of the tests that need a disk: removed at the end of the program. */
extern char *scratch;
void remove_tree(const char *path);

/* Sync a journal as the server does, but on this thread. */
void sync_journal(struct journal *j);

/* Replace the byte at an offset of a file by itself XOR `bits`. Calling it again restores it. */
void flip(int fd, off_t at, int bits);

/* unit_storage.c */
void test_log(void);
void test_log_bases(void);
void test_data(void);
void test_colliding_keys(void);
void test_dumps(void);
/* unit_values.c */
void test_values_log(void);
void test_values_removal(void);
void test_values_crash(void);
void test_values_in_use(void);
void test_values_move(void);
void test_values_dump(void);
/* unit_keys.c */
void test_glob(void);
void test_positions(void);
void test_malformed_commands(void);
/* unit_identity.c */
void test_identity(void);
/* unit_clients.c */
void test_pieces_of_output(void);
void test_shares_of_memory(void);
void test_replies_that_exceed(void);
void test_limits_of_requests(void);
void test_notices(void);
/* unit_compaction.c */
void test_compaction(void);
/* unit_journal.c */
void test_journal(void);
/* unit_report.c */
void test_limiter(void);
void test_limiter_places(void);
void test_advice(void);
void test_histogram(void);
void test_histogram_buckets(void);
/* unit_messages.c */
void test_messages(void);
void test_messages_with_random_bytes(void);
void test_messages_from_disk(void);
/* unit_session.c */
void test_sessions(void);
void test_session_attacks(void);
void test_session_secrets(void);
void test_session_random_bytes(void);

#endif
