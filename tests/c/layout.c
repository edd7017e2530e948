/* SPDX-License-Identifier: MIT */
/* Compile-time assertions about the layout of every public struct, as C and as C++. Changing a
 * number here changes the ABI: read abi/README.md first. */
#include <raft.h>

#include <limits.h>
#include <stddef.h>

#ifdef __cplusplus
#define ASSERT(condition, text) static_assert(condition, text)
#else
#define ASSERT(condition, text) _Static_assert(condition, text)
#endif
#define SIZE(type, bytes) ASSERT(sizeof(type) == (bytes), "the size of " #type)
#define OFFSET(type, field, bytes) \
    ASSERT(offsetof(type, field) == (bytes), "the offset of " #field " in " #type)

/* On every platform. */
SIZE(raft_id, 8);
SIZE(raft_term, 8);
SIZE(raft_index, 8);
SIZE(raft_time, 8);
SIZE(enum raft_entry_type, 4);
SIZE(enum raft_message_type, 4);
SIZE(enum raft_event_type, 4);
SIZE(((struct raft_message *)0)->reserved_union, 128);
SIZE(((struct raft_event *)0)->reserved_union, 128);
SIZE(((struct raft_update *)0)->reserved, 128);
SIZE(((struct raft_entry *)0)->cookie, sizeof(void *));
SIZE(((struct raft_install_snapshot *)0)->offset, 8);
SIZE(((struct raft_append_entries_result *)0)->snapshot_offset, 8);
SIZE(((struct raft_event_persisted_snapshot *)0)->offset, 8);
SIZE(((struct raft_update_snapshot *)0)->offset, 8);
OFFSET(struct raft, id, 0);
OFFSET(struct raft, impl, 8);
OFFSET(struct raft, reserved, 16);
SIZE(struct raft, 64);

/* On platforms with 64-bit pointers. */
#if defined(__LP64__) || defined(_WIN64)
OFFSET(struct raft_buffer, base, 0);
OFFSET(struct raft_buffer, len, 8);
SIZE(struct raft_buffer, 16);

OFFSET(struct raft_server, id, 0);
OFFSET(struct raft_server, address, 8);
OFFSET(struct raft_server, role, 16);
SIZE(struct raft_server, 24);

OFFSET(struct raft_configuration, servers, 0);
OFFSET(struct raft_configuration, n, 8);
SIZE(struct raft_configuration, 16);

OFFSET(struct raft_entry, term, 0);
OFFSET(struct raft_entry, type, 8);
OFFSET(struct raft_entry, buf, 16);
OFFSET(struct raft_entry, batch, 32);
OFFSET(struct raft_entry, cookie, 32);
SIZE(struct raft_entry, 40);

OFFSET(struct raft_snapshot_metadata, index, 0);
OFFSET(struct raft_snapshot_metadata, term, 8);
OFFSET(struct raft_snapshot_metadata, configuration, 16);
OFFSET(struct raft_snapshot_metadata, configuration_index, 32);
SIZE(struct raft_snapshot_metadata, 40);

OFFSET(struct raft_request_vote, version, 0);
OFFSET(struct raft_request_vote, term, 8);
OFFSET(struct raft_request_vote, candidate_id, 16);
OFFSET(struct raft_request_vote, last_log_index, 24);
OFFSET(struct raft_request_vote, last_log_term, 32);
OFFSET(struct raft_request_vote, disrupt_leader, 40);
OFFSET(struct raft_request_vote, pre_vote, 41);
SIZE(struct raft_request_vote, 48);

OFFSET(struct raft_request_vote_result, version, 0);
OFFSET(struct raft_request_vote_result, term, 8);
OFFSET(struct raft_request_vote_result, vote_granted, 16);
OFFSET(struct raft_request_vote_result, pre_vote, 17);
OFFSET(struct raft_request_vote_result, features, 18);
OFFSET(struct raft_request_vote_result, capacity, 20);
SIZE(struct raft_request_vote_result, 24);

OFFSET(struct raft_append_entries, version, 0);
OFFSET(struct raft_append_entries, term, 8);
OFFSET(struct raft_append_entries, prev_log_index, 16);
OFFSET(struct raft_append_entries, prev_log_term, 24);
OFFSET(struct raft_append_entries, leader_commit, 32);
OFFSET(struct raft_append_entries, entries, 40);
OFFSET(struct raft_append_entries, n_entries, 48);
OFFSET(struct raft_append_entries, round, 56);
OFFSET(struct raft_append_entries, sleep, 64);
SIZE(struct raft_append_entries, 72);

OFFSET(struct raft_append_entries_result, version, 0);
OFFSET(struct raft_append_entries_result, term, 8);
OFFSET(struct raft_append_entries_result, rejected, 16);
OFFSET(struct raft_append_entries_result, last_log_index, 24);
OFFSET(struct raft_append_entries_result, features, 32);
OFFSET(struct raft_append_entries_result, capacity, 34);
OFFSET(struct raft_append_entries_result, round, 40);
OFFSET(struct raft_append_entries_result, snapshot_index, 48);
OFFSET(struct raft_append_entries_result, snapshot_offset, 56);
SIZE(struct raft_append_entries_result, 64);

OFFSET(struct raft_install_snapshot, version, 0);
OFFSET(struct raft_install_snapshot, term, 8);
OFFSET(struct raft_install_snapshot, last_index, 16);
OFFSET(struct raft_install_snapshot, last_term, 24);
OFFSET(struct raft_install_snapshot, conf, 32);
OFFSET(struct raft_install_snapshot, conf_index, 48);
OFFSET(struct raft_install_snapshot, data, 56);
OFFSET(struct raft_install_snapshot, offset, 72);
OFFSET(struct raft_install_snapshot, last, 80);
SIZE(struct raft_install_snapshot, 88);

OFFSET(struct raft_timeout_now, version, 0);
OFFSET(struct raft_timeout_now, term, 8);
OFFSET(struct raft_timeout_now, last_log_index, 16);
OFFSET(struct raft_timeout_now, last_log_term, 24);
SIZE(struct raft_timeout_now, 32);

OFFSET(struct raft_message, type, 0);
OFFSET(struct raft_message, server_id, 8);
OFFSET(struct raft_message, server_address, 16);
OFFSET(struct raft_message, request_vote, 24);
OFFSET(struct raft_message, request_vote_result, 24);
OFFSET(struct raft_message, append_entries, 24);
OFFSET(struct raft_message, append_entries_result, 24);
OFFSET(struct raft_message, install_snapshot, 24);
OFFSET(struct raft_message, timeout_now, 24);
SIZE(struct raft_message, 152);

OFFSET(struct raft_event_start, term, 0);
OFFSET(struct raft_event_start, voted_for, 8);
OFFSET(struct raft_event_start, metadata, 16);
OFFSET(struct raft_event_start, start_index, 24);
OFFSET(struct raft_event_start, entries, 32);
OFFSET(struct raft_event_start, n_entries, 40);
SIZE(struct raft_event_start, 48);

OFFSET(struct raft_event_receive, message, 0);
SIZE(struct raft_event_receive, 8);

OFFSET(struct raft_event_persisted_entries, index, 0);
SIZE(struct raft_event_persisted_entries, 8);

OFFSET(struct raft_event_persisted_snapshot, metadata, 0);
OFFSET(struct raft_event_persisted_snapshot, offset, 40);
OFFSET(struct raft_event_persisted_snapshot, last, 48);
SIZE(struct raft_event_persisted_snapshot, 56);

OFFSET(struct raft_event_configuration, index, 0);
OFFSET(struct raft_event_configuration, conf, 8);
SIZE(struct raft_event_configuration, 24);

OFFSET(struct raft_event_snapshot, metadata, 0);
OFFSET(struct raft_event_snapshot, trailing, 40);
SIZE(struct raft_event_snapshot, 48);

OFFSET(struct raft_event_submit, entries, 0);
OFFSET(struct raft_event_submit, n, 8);
SIZE(struct raft_event_submit, 16);

OFFSET(struct raft_event_catch_up, server_id, 0);
SIZE(struct raft_event_catch_up, 8);

OFFSET(struct raft_event_transfer, server_id, 0);
SIZE(struct raft_event_transfer, 8);

OFFSET(struct raft_event_bootstrap, conf, 0);
SIZE(struct raft_event_bootstrap, 16);

OFFSET(struct raft_event_reconfigure, conf, 0);
OFFSET(struct raft_event_reconfigure, force, 16);
SIZE(struct raft_event_reconfigure, 24);

OFFSET(struct raft_event_read, id, 0);
OFFSET(struct raft_event_read, lease, 8);
SIZE(struct raft_event_read, 16);

OFFSET(struct raft_event_unreachable, server_id, 0);
SIZE(struct raft_event_unreachable, 8);

OFFSET(struct raft_event_stored, index, 0);
OFFSET(struct raft_event_stored, write, 8);
SIZE(struct raft_event_stored, 16);

OFFSET(struct raft_event_recover, conf, 0);
SIZE(struct raft_event_recover, 16);

OFFSET(struct raft_event_sent, server_id, 0);
OFFSET(struct raft_event_sent, index, 8);
SIZE(struct raft_event_sent, 16);

OFFSET(struct raft_event, time, 0);
OFFSET(struct raft_event, type, 8);
OFFSET(struct raft_event, unused, 12);
OFFSET(struct raft_event, capacity, 14);
OFFSET(struct raft_event, reserved, 16);
OFFSET(struct raft_event, start, 24);
OFFSET(struct raft_event, recover, 24);
OFFSET(struct raft_event, sent, 24);
SIZE(struct raft_event, 152);

OFFSET(struct raft_update_entries, index, 0);
OFFSET(struct raft_update_entries, batch, 8);
OFFSET(struct raft_update_entries, n, 16);
OFFSET(struct raft_update_entries, write, 24);
SIZE(struct raft_update_entries, 32);

OFFSET(struct raft_update_snapshot, metadata, 0);
OFFSET(struct raft_update_snapshot, offset, 40);
OFFSET(struct raft_update_snapshot, chunk, 48);
OFFSET(struct raft_update_snapshot, last, 64);
SIZE(struct raft_update_snapshot, 72);

OFFSET(struct raft_update_messages, batch, 0);
OFFSET(struct raft_update_messages, n, 8);
SIZE(struct raft_update_messages, 16);

OFFSET(struct raft_read, id, 0);
OFFSET(struct raft_read, index, 8);
OFFSET(struct raft_read, status, 16);
OFFSET(struct raft_read, reserved0, 20);
OFFSET(struct raft_read, reserved, 24);
SIZE(struct raft_read, 40);

OFFSET(struct raft_update_reads, batch, 0);
OFFSET(struct raft_update_reads, n, 8);
SIZE(struct raft_update_reads, 16);

OFFSET(struct raft_update, flags, 0);
OFFSET(struct raft_update, entries, 8);
OFFSET(struct raft_update, snapshot, 40);
OFFSET(struct raft_update, messages, 112);
OFFSET(struct raft_update, reads, 128);
OFFSET(struct raft_update, reserved, 144);
SIZE(struct raft_update, 272);

OFFSET(struct raft_peer, mode, 0);
OFFSET(struct raft_peer, features, 4);
OFFSET(struct raft_peer, capacity, 6);
OFFSET(struct raft_peer, match, 8);
OFFSET(struct raft_peer, next, 16);
OFFSET(struct raft_peer, last_contact, 24);
OFFSET(struct raft_peer, snapshot_index, 32);
OFFSET(struct raft_peer, snapshot_offset, 40);
OFFSET(struct raft_peer, data_losses, 48);
OFFSET(struct raft_peer, reserved, 56);
SIZE(struct raft_peer, 120);

OFFSET(struct raft_tracer_info, version, 0);
OFFSET(struct raft_tracer_info, code, 4);
OFFSET(struct raft_tracer_info, time, 8);
OFFSET(struct raft_tracer_info, server, 16);
OFFSET(struct raft_tracer_info, peer, 24);
OFFSET(struct raft_tracer_info, term, 32);
OFFSET(struct raft_tracer_info, index, 40);
OFFSET(struct raft_tracer_info, text, 48);
OFFSET(struct raft_tracer_info, reserved, 56);
SIZE(struct raft_tracer_info, 88);

OFFSET(struct raft_tracer, impl, 0);
OFFSET(struct raft_tracer, version, 8);
OFFSET(struct raft_tracer, emit, 16);
SIZE(struct raft_tracer, 24);
#endif

/* Codes that are part of the ABI. */
ASSERT(RAFT_NOMEM == 1 && RAFT_TOOMANY == 23, "error codes");
ASSERT(RAFT_BADID == 2 && RAFT_MALFORMED == 6 && RAFT_NOTLEADER == 7 && RAFT_CORRUPT == 12,
       "error codes");
ASSERT(RAFT_BUSY == 17 && RAFT_NOTFOUND == 19 && RAFT_INVALID == 20 && RAFT_NOSPACE == 22,
       "error codes");
ASSERT(RAFT_STANDBY == 0 && RAFT_VOTER == 1 && RAFT_SPARE == 2 && RAFT_VOTER_TO_SPARE == 6,
       "roles");
ASSERT(RAFT_COMMAND == 1 && RAFT_BARRIER == 2 && RAFT_CHANGE == 3, "entry types");
ASSERT(RAFT_FOLLOWER == 1 && RAFT_CANDIDATE == 2 && RAFT_LEADER == 3, "states");
ASSERT(RAFT_UNAVAILABLE == 0, "the state of a raft that is not initialized");
ASSERT(RAFT_APPEND_ENTRIES == 1 && RAFT_TIMEOUT_NOW == 6, "message types");
ASSERT(RAFT_START == 1 && RAFT_RECEIVE == 2 && RAFT_PERSISTED_ENTRIES == 3 &&
           RAFT_PERSISTED_SNAPSHOT == 4 && RAFT_CONFIGURATION == 5 && RAFT_SNAPSHOT == 6 &&
           RAFT_TIMEOUT == 7 && RAFT_SUBMIT == 8 && RAFT_CATCH_UP == 9 && RAFT_TRANSFER == 10 &&
           RAFT_BOOTSTRAP == 11 && RAFT_RECONFIGURE == 12 && RAFT_READ == 13 &&
           RAFT_UNREACHABLE == 14 && RAFT_STORED == 15 && RAFT_RECOVER == 16 && RAFT_SENT == 17 &&
           RAFT_CAMPAIGN == 18 && RAFT_WAKE == 19,
       "event types");
ASSERT(RAFT_UPDATE_CURRENT_TERM == 1 && RAFT_UPDATE_VOTED_FOR == 2 && RAFT_UPDATE_ENTRIES == 4 &&
           RAFT_UPDATE_SNAPSHOT == 8 && RAFT_UPDATE_MESSAGES == 16 && RAFT_UPDATE_STATE == 32 &&
           RAFT_UPDATE_COMMIT_INDEX == 64 && RAFT_UPDATE_TIMEOUT == 128 &&
           RAFT_UPDATE_CONFIGURATION == 256 && RAFT_UPDATE_READS == 512 &&
           RAFT_UPDATE_LEADER == 1024 && RAFT_UPDATE_CATCH_UP == 2048 &&
           RAFT_UPDATE_TRANSFER == 4096,
       "update flags");
ASSERT(RAFT_FEATURE_CAPACITY == 1 && RAFT_FEATURE_ROUNDS == 2 && RAFT_FEATURE_CHUNKS == 4 &&
           RAFT_FEATURE_JOINT == 8 && RAFT_FEATURE_SLEEP == 16 && RAFT_FEATURE_NEVER_LEADS == 32,
       "features");
ASSERT(RAFT_CATCH_UP_NONE == 0 && RAFT_CATCH_UP_RUNNING == 1 && RAFT_CATCH_UP_ABORTED == 2 &&
           RAFT_CATCH_UP_FINISHED == 3,
       "catch-up states");
ASSERT(RAFT_TRACE_EVENT == 1 && RAFT_TRACE_TRANSFER == 14 && RAFT_TRACE_DATA_LOSS == 15 &&
           RAFT_TRACE_ASLEEP == 16 && RAFT_TRACE_AWAKE == 17,
       "types of trace records");
ASSERT(RAFT_PROGRESS_NONE == 0 && RAFT_PROGRESS_PROBE == 1 && RAFT_PROGRESS_PIPELINE == 2 &&
           RAFT_PROGRESS_SNAPSHOT == 3,
       "modes of a peer");
ASSERT(RAFT_VERSION == RAFT_VERSION_MAJOR * 10000 + RAFT_VERSION_MINOR * 100 + RAFT_VERSION_PATCH,
       "the version");
#if RAFT_VERSION < 10000
#error "the preprocessor must be able to compare the version"
#endif
