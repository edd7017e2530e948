/* SPDX-License-Identifier: MIT */
/* A switch that handles every enumerator needs no default: header.py compiles this file as C and as
 * C++ with -Wswitch and -Wswitch-enum. A function per type returns a name. */
#include <raft.h>

const char *entry_name(enum raft_entry_type type);
const char *message_name(enum raft_message_type type);
const char *event_name(enum raft_event_type type);
const char *state_name(enum raft_state state);
const char *field_names(const struct raft_event *event, const struct raft_message *message,
                        const struct raft_entry *entry);

const char *entry_name(enum raft_entry_type type) {
    switch (type) {
        case RAFT_COMMAND:
            return "command";
        case RAFT_BARRIER:
            return "barrier";
        case RAFT_CHANGE:
            return "change";
    }
    return "unknown";
}

const char *message_name(enum raft_message_type type) {
    switch (type) {
        case RAFT_APPEND_ENTRIES:
            return "AppendEntries";
        case RAFT_APPEND_ENTRIES_RESULT:
            return "AppendEntries result";
        case RAFT_REQUEST_VOTE:
            return "RequestVote";
        case RAFT_REQUEST_VOTE_RESULT:
            return "RequestVote result";
        case RAFT_INSTALL_SNAPSHOT:
            return "InstallSnapshot";
        case RAFT_TIMEOUT_NOW:
            return "TimeoutNow";
    }
    return "unknown";
}

const char *event_name(enum raft_event_type type) {
    switch (type) {
        case RAFT_START:
        case RAFT_RECEIVE:
        case RAFT_PERSISTED_ENTRIES:
        case RAFT_PERSISTED_SNAPSHOT:
        case RAFT_CONFIGURATION:
        case RAFT_SNAPSHOT:
        case RAFT_TIMEOUT:
        case RAFT_SUBMIT:
        case RAFT_CATCH_UP:
        case RAFT_TRANSFER:
            return "published";
        case RAFT_BOOTSTRAP:
        case RAFT_RECONFIGURE:
        case RAFT_READ:
        case RAFT_UNREACHABLE:
        case RAFT_STORED:
        case RAFT_RECOVER:
        case RAFT_SENT:
        case RAFT_CAMPAIGN:
        case RAFT_WAKE:
            return "added";
    }
    return "unknown";
}

const char *state_name(enum raft_state state) {
    switch (state) {
        case RAFT_FOLLOWER:
            return "follower";
        case RAFT_CANDIDATE:
            return "candidate";
        case RAFT_LEADER:
            return "leader";
    }
    return "none";
}

const char *field_names(const struct raft_event *event, const struct raft_message *message,
                        const struct raft_entry *entry) {
    return event->type != RAFT_RECEIVE ? event_name(event->type)
           : entry->cookie != 0        ? entry_name(entry->type)
           : message->server_id != 0   ? message_name(message->type)
                                       : "nothing";
}
