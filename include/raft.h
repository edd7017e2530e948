/* SPDX-License-Identifier: MIT */
/**
 * @file raft.h
 * The Raft consensus algorithm as a pure state machine.
 *
 * The library performs no I/O, reads no clock, starts no thread and keeps no
 * global state. A program feeds it events with raft_step() and carries out the
 * update that each step returns.
 *
 * **Ownership.** Three fixed phrases are used throughout:
 *
 * - *borrowed for the call*: the library reads the memory during the call only
 *   and copies what it needs;
 * - *valid until the next step*: the memory is the library's and stays
 *   unchanged until the next raft_step() (successful or not) or raft_close() on
 *   the same raft;
 * - *handed through*: the library neither reads nor copies the memory but
 *   returns the same pointer in the update of the same step, so it must stay
 *   valid until the caller has carried out that update.
 *
 * **Errors.** Functions that return an `int` return 0 on success or one of the
 * positive error codes below. A step that fails changes nothing at all.
 *
 * **Time.** #raft_time and all durations are milliseconds.
 *
 * Section numbers (§) refer to Diego Ongaro's dissertation, "Consensus:
 * Bridging Theory and Practice" (Stanford, 2014).
 */
#ifndef RAFT_H
#define RAFT_H

#include <stddef.h>
#ifndef __cplusplus
#include <stdbool.h>
#endif

#ifndef RAFT_API
#if defined(__GNUC__) || defined(__clang__)
#define RAFT_API __attribute__((visibility("default")))
#else
#define RAFT_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Error codes. The values are part of the ABI. */
enum raft_error {
    RAFT_NOMEM = 1,        /**< Out of memory. Step the same event again later. */
    RAFT_BADID,            /**< A server ID is zero, unknown or not allowed here. */
    RAFT_DUPLICATEID,      /**< Two servers of a configuration share an ID. */
    RAFT_DUPLICATEADDRESS, /**< Two servers of a configuration share an address. */
    RAFT_BADROLE,          /**< A role is unknown or not allowed here. */
    RAFT_MALFORMED,        /**< A message, entry or encoded configuration is invalid. */
    RAFT_NOTLEADER,        /**< Only a leader that is not handing over can do this. */
    RAFT_LEADERSHIPLOST,   /**< Status of a read whose leader stepped down. */
    RAFT_SHUTDOWN,         /**< Not returned; reserved for callers. */
    RAFT_CANTBOOTSTRAP,    /**< The server already holds state. */
    RAFT_CANTCHANGE,       /**< This membership change is not possible now. */
    RAFT_CORRUPT,          /**< Persisted state, or a message, contradicts what is known. */
    RAFT_CANCELED,         /**< Not returned; reserved for callers. */
    RAFT_NAMETOOLONG,      /**< Not returned; reserved for callers. */
    RAFT_TOOBIG,           /**< A number would leave its range. */
    RAFT_NOCONNECTION,     /**< Not returned; reserved for callers. */
    RAFT_BUSY,             /**< The same kind of work is under way, or a limit is reached. */
    RAFT_IOERR,            /**< Not returned; reserved for callers. */
    RAFT_NOTFOUND,         /**< There is no such thing. */
    RAFT_INVALID,          /**< An argument or event is not valid, or not valid now. */
    RAFT_UNAUTHORIZED,     /**< Not returned; reserved for callers. */
    RAFT_NOSPACE,          /**< Not enough disk capacity on a quorum of voters. */
    RAFT_TOOMANY           /**< Not returned; reserved for callers. */
};

/** Server ID. Zero means "no server" and is never a valid ID. */
typedef unsigned long long raft_id;

/** Term number (§3.3). Zero means "no term". */
typedef unsigned long long raft_term;

/** Log index (§3.5). The first entry has index 1; zero means "no entry". */
typedef unsigned long long raft_index;

/** Milliseconds of a monotonic clock whose origin the caller chooses. */
typedef unsigned long long raft_time;

/** A piece of memory. */
struct raft_buffer {
    void *base; /**< First byte; may be NULL when @p len is zero. */
    size_t len; /**< Number of bytes. */
};

/** Roles of a server in a configuration (§4.2.1 and §4.3). */
enum raft_role {
    RAFT_STANDBY, /**< Receives the log, does not vote. */
    RAFT_VOTER,   /**< Receives the log and votes. */
    RAFT_SPARE,   /**< Neither receives the log nor votes. */
    /* Only while a joint change is under way (§4.3). In a configuration that a
     * caller hands in they are refused with RAFT_BADROLE. */
    RAFT_VOTER_OUTGOING,   /**< Votes in the old set only; leaves the cluster afterwards. */
    RAFT_VOTER_INCOMING,   /**< Votes in the new set only; becomes a voter. */
    RAFT_VOTER_TO_STANDBY, /**< Votes in the old set only; becomes a standby. */
    RAFT_VOTER_TO_SPARE    /**< Votes in the old set only; becomes a spare. */
};

/** One server of a configuration. Frozen: never grows. */
struct raft_server {
    raft_id id;          /**< Unique, not zero. */
    const char *address; /**< Unique, NUL-terminated; its form is the caller's business. */
    int role;            /**< One of #raft_role. */
};

/** The members of a cluster. Frozen: never grows. */
struct raft_configuration {
    struct raft_server *servers; /**< Array of @p n servers. */
    unsigned n;                  /**< Length of @p servers. */
};

/** Kinds of log entries. */
enum raft_entry_type {
    RAFT_COMMAND = 1,                     /**< A command for the caller's state machine. */
    RAFT_BARRIER,                         /**< Nothing to apply; marks a point in the log. */
    RAFT_CHANGE,                          /**< A configuration, encoded as the docs describe. */
    RAFT_ENTRY_TYPE_RESERVED = 0x7fffffff /**< Fixes the enum's size. */
};

/** One log entry. Frozen: never grows. */
struct raft_entry {
    raft_term term;            /**< Term in which a leader created it. */
    enum raft_entry_type type; /**< Kind of entry. */
    struct raft_buffer buf;    /**< Payload. */
    /** The caller's cookie, carried from the event to the update and never
     * dereferenced. NULL in an update means that the library made the entry:
     * its payload is valid until the next step and must be copied. */
    void *batch;
};

/** What a snapshot stands for (§5.1). Frozen: never grows. */
struct raft_snapshot_metadata {
    raft_index index;                        /**< Last entry that the snapshot covers. */
    raft_term term;                          /**< Term of that entry. */
    struct raft_configuration configuration; /**< Configuration in force at @p index. */
    raft_index configuration_index;          /**< Index of the entry that set it. */
};

/** States of a server (§3.3, figure 3.3). */
enum raft_state {
    RAFT_FOLLOWER = 1, /**< Passive: answers leaders and candidates. */
    RAFT_CANDIDATE,    /**< Asks for votes or pre-votes. */
    RAFT_LEADER        /**< Replicates its log. */
};

/* --------------------------------------------------------------------------
 * Messages
 * ------------------------------------------------------------------------ */

/** What a server can do; a bit set, exchanged in result messages. */
enum raft_feature {
    RAFT_FEATURE_CAPACITY = 1, /**< Reports its disk capacity. Always announced. */
    RAFT_FEATURE_ROUNDS = 2,   /**< Echoes leadership-confirmation rounds. */
    RAFT_FEATURE_CHUNKS = 4,   /**< Takes snapshots in chunks. */
    RAFT_FEATURE_JOINT = 8     /**< Understands joint configurations. */
};

/** RequestVote (figure 3.1, §9.6 for pre-votes, §3.10 for transfers). Version 2. */
struct raft_request_vote {
    unsigned char version;     /**< Format version. */
    raft_term term;            /**< The candidate's term; in a pre-vote, the term it would start. */
    raft_id candidate_id;      /**< The candidate; equal to the sender. */
    raft_index last_log_index; /**< Last durable entry of the candidate. */
    raft_index last_log_term;  /**< Term of that entry. */
    bool disrupt_leader;       /**< The leader itself asked for this election. Since version 1. */
    bool pre_vote;             /**< Only ask; nobody changes state. Since version 1. */
};

/** Answer to a RequestVote (figure 3.1). Version 2. */
struct raft_request_vote_result {
    unsigned char version; /**< Format version. */
    /** The voter's term. Of a pre-vote: the request's term if granted, else the
     * higher of the request's and the voter's. */
    raft_term term;
    bool vote_granted;       /**< The vote, or pre-vote, is given. */
    bool pre_vote;           /**< This answers a pre-vote. Since version 2. */
    unsigned short features; /**< #raft_feature bits of the sender. Since version 2. */
    unsigned short capacity; /**< Disk capacity of the sender. Since version 2. */
};

/** AppendEntries, also the heartbeat (figure 3.1). Version 0, or 1 with a round. */
struct raft_append_entries {
    unsigned char version;     /**< Format version. */
    raft_term term;            /**< The leader's term. */
    raft_index prev_log_index; /**< Index of the entry before the new ones. */
    raft_term prev_log_term;   /**< Term of that entry. */
    raft_index leader_commit;  /**< The leader's commit index. */
    /** The entries `prev_log_index + 1 ...`. In an outgoing message NULL: the
     * caller attaches them from its own log before its next step. In an incoming
     * one: the array is borrowed for the call, the payloads are handed through. */
    struct raft_entry *entries;
    unsigned n_entries;       /**< Number of entries; the caller may send fewer. */
    unsigned long long round; /**< Leadership-confirmation round, 0: none. Since version 1. */
};

/** Answer to AppendEntries and InstallSnapshot. Version 2, or 3 with the last three fields. */
struct raft_append_entries_result {
    unsigned char version; /**< Format version. */
    raft_term term;        /**< The sender's current term. */
    raft_index rejected;   /**< 0, or the `prev_log_index` that did not match. */
    /** With `rejected == 0`: everything up to here is durable and matches the
     * leader's log. Otherwise a hint: nothing above it can match. */
    raft_index last_log_index;
    unsigned short features;   /**< #raft_feature bits of the sender. Since version 1. */
    unsigned short capacity;   /**< Disk capacity of the sender. Since version 1. */
    unsigned long long round;  /**< The latest round heard from this leader. Since version 3. */
    raft_index snapshot_index; /**< Snapshot being installed, 0: none. Since version 3. */
    unsigned long long snapshot_offset; /**< Its first byte not yet durable. Since version 3. */
};

/** InstallSnapshot (figure 5.3). Version 0 (whole snapshot) or 1 (chunk). */
struct raft_install_snapshot {
    unsigned char version;          /**< Format version. */
    raft_term term;                 /**< The leader's term. */
    raft_index last_index;          /**< Last entry that the snapshot covers. */
    raft_term last_term;            /**< Term of that entry. */
    struct raft_configuration conf; /**< Configuration in force at @p last_index. */
    raft_index conf_index;          /**< Index of the entry that set it. */
    /** Bytes of the snapshot. In an outgoing message empty: the caller attaches
     * any positive number of bytes starting at @p offset (the whole snapshot in
     * version 0). In an incoming one: handed through. */
    struct raft_buffer data;
    /** Offset of @p data in the snapshot. Since version 1. A receiver whose `size_t`
     * cannot count that far refuses the message with RAFT_MALFORMED. */
    unsigned long long offset;
    /** @p data ends the snapshot. In an outgoing message the caller sets it.
     * Since version 1; a version 0 message is always the last. */
    bool last;
};

/** TimeoutNow (§3.10). Version 0. */
struct raft_timeout_now {
    unsigned char version;     /**< Format version. */
    raft_term term;            /**< The leader's term. */
    raft_index last_log_index; /**< The leader's last entry. */
    raft_term last_log_term;   /**< Term of that entry. */
};

/** Kinds of messages. */
enum raft_message_type {
    RAFT_APPEND_ENTRIES = 1,                /**< `append_entries` */
    RAFT_APPEND_ENTRIES_RESULT,             /**< `append_entries_result` */
    RAFT_REQUEST_VOTE,                      /**< `request_vote` */
    RAFT_REQUEST_VOTE_RESULT,               /**< `request_vote_result` */
    RAFT_INSTALL_SNAPSHOT,                  /**< `install_snapshot` */
    RAFT_TIMEOUT_NOW,                       /**< `timeout_now` */
    RAFT_MESSAGE_TYPE_RESERVED = 0x7fffffff /**< Fixes the enum's size. */
};

/** One message between servers, incoming or outgoing. */
struct raft_message {
    enum raft_message_type type; /**< Which member of the union is used. */
    raft_id server_id;           /**< Outgoing: the destination. Incoming: the sender. */
    /** Address of that server. Outgoing: the configuration's for a member, else
     * the one that the message being answered came with; valid until the next
     * step. Incoming: borrowed for the call. */
    const char *server_address;
#ifndef DOXYGEN
    union {
#endif
        struct raft_request_vote request_vote;                   /**< RAFT_REQUEST_VOTE */
        struct raft_request_vote_result request_vote_result;     /**< RAFT_REQUEST_VOTE_RESULT */
        struct raft_append_entries append_entries;               /**< RAFT_APPEND_ENTRIES */
        struct raft_append_entries_result append_entries_result; /**< RAFT_APPEND_ENTRIES_RESULT */
        struct raft_install_snapshot install_snapshot;           /**< RAFT_INSTALL_SNAPSHOT */
        struct raft_timeout_now timeout_now;                     /**< RAFT_TIMEOUT_NOW */
#ifndef DOXYGEN
        unsigned long long reserved_union[16]; /* the union is 128 bytes */
    };
#endif
};

/* --------------------------------------------------------------------------
 * Events
 * ------------------------------------------------------------------------ */

/** Kinds of events. */
enum raft_event_type {
    RAFT_START = 1,                       /**< `start`: what is on disk. */
    RAFT_RECEIVE,                         /**< `receive`: a message came. */
    RAFT_PERSISTED_ENTRIES,               /**< `persisted_entries`: entries are durable. */
    RAFT_PERSISTED_SNAPSHOT,              /**< `persisted_snapshot`: a chunk is durable. */
    RAFT_CONFIGURATION,                   /**< `configuration`: accepted, changes nothing. */
    RAFT_SNAPSHOT,                        /**< `snapshot`: the caller took a snapshot. */
    RAFT_TIMEOUT,                         /**< raft_timeout() has passed. */
    RAFT_SUBMIT,                          /**< `submit`: replicate entries. */
    RAFT_CATCH_UP,                        /**< `catch_up`: bring a non-voter up to date. */
    RAFT_TRANSFER,                        /**< `transfer`: hand leadership over. */
    RAFT_BOOTSTRAP,                       /**< `bootstrap`: found a cluster. */
    RAFT_RECONFIGURE,                     /**< `reconfigure`: change the membership. */
    RAFT_READ,                            /**< `read`: linearizable read barrier. */
    RAFT_UNREACHABLE,                     /**< `unreachable`: the transport gave up. */
    RAFT_STORED,                          /**< `stored`: entries are durable, with a ticket. */
    RAFT_RECOVER,                         /**< `recover`: disaster recovery. */
    RAFT_EVENT_TYPE_RESERVED = 0x7fffffff /**< Fixes the enum's size. */
};

/**
 * RAFT_START: everything that the server has persisted. Once, before any other
 * event.
 *
 * Legal are: nothing at all (term 0, a pristine server); trailing entries before
 * the snapshot's index; a log that starts right after it; no entries. A log that
 * ends before the snapshot's index, or holds another term there, is what a crash
 * between writing a snapshot and dropping the log leaves: it is discarded, and
 * the update carries an #RAFT_UPDATE_ENTRIES with `n == 0`.
 *
 * The commit index starts at the snapshot's index, else at 1 if the log holds
 * entry 1, else at 0. A sole voter elects itself at once, in a new term, if its
 * configuration is known to be committed (it is entry 1 or the snapshot's); else after
 * an election timeout, on which a leader that is removing itself may rely (§6.4.1).
 * Starting counts as hearing from a leader when deciding on votes (§4.2.3, §6.4.1).
 *
 * Errors: #RAFT_INVALID (started before; settings that contradict each other),
 * #RAFT_CORRUPT (state that no server can have left), #RAFT_MALFORMED (an entry
 * of unknown type, a configuration that cannot be decoded), #RAFT_NOMEM.
 */
struct raft_event_start {
    raft_term term;                          /**< Current term; 0: pristine. */
    raft_id voted_for;                       /**< Vote in that term, 0: none. */
    struct raft_snapshot_metadata *metadata; /**< Last snapshot or NULL. Borrowed for the call. */
    raft_index start_index;                  /**< Index of the first entry; ignored if none. */
    struct raft_entry *entries;              /**< The log. Borrowed for the call. */
    unsigned n_entries;                      /**< Length of @p entries. */
};

/**
 * RAFT_RECEIVE: a message came from another server.
 *
 * A message of an unknown type is ignored. Errors: #RAFT_MALFORMED (a field
 * that no correct server sends, sender ID 0 or no address), #RAFT_CORRUPT (a
 * conflict with a committed entry), #RAFT_NOMEM.
 */
struct raft_event_receive {
    struct raft_message *message; /**< Borrowed for the call; payloads are handed through. */
};

/**
 * RAFT_PERSISTED_ENTRIES: all entries up to an index are durable.
 *
 * Taken at its word. A caller whose disk may acknowledge a write after its
 * entries were replaced uses #RAFT_STORED instead. An index that is not in the
 * log any more is ignored.
 */
struct raft_event_persisted_entries {
    raft_index index; /**< Highest durable index. */
};

/**
 * RAFT_PERSISTED_SNAPSHOT: a chunk of an incoming snapshot is durable.
 *
 * With @p last the snapshot is complete and replaces the log; the commit index of
 * that step's update means *restore the snapshot*. `metadata.index == 0` says
 * that the write failed: the installation is abandoned and the old log stands.
 * An acknowledgement that does not belong to the outstanding chunk is ignored.
 */
struct raft_event_persisted_snapshot {
    struct raft_snapshot_metadata metadata; /**< Only index and term are read. */
    size_t offset;                          /**< As in the update that asked for the write. */
    bool last;                              /**< As in the update that asked for the write. */
};

/** RAFT_CONFIGURATION: accepted for source compatibility, changes nothing.
 * Errors: #RAFT_INVALID if @p index is above the commit index. */
struct raft_event_configuration {
    raft_index index;               /**< Index of a configuration entry that was applied. */
    struct raft_configuration conf; /**< Not read. */
};

/**
 * RAFT_SNAPSHOT: the caller made a snapshot of its state machine durable (§5.1).
 *
 * Entries up to the snapshot's index are forgotten, but for @p trailing of them.
 * Term and configuration are the library's own knowledge: see
 * raft_configuration_at(). Errors: #RAFT_INVALID if the index is beyond the
 * commit index or not above raft_snapshot_index().
 */
struct raft_event_snapshot {
    struct raft_snapshot_metadata metadata; /**< Only the index is read. */
    unsigned trailing; /**< Entries to keep for slow followers, counted back from the index. */
};

/**
 * RAFT_SUBMIT: replicate entries (§3.5).
 *
 * The library stamps the terms; the entries come back in the same step's
 * #RAFT_UPDATE_ENTRIES with their index. A #RAFT_CHANGE entry comes alone and
 * obeys the rules of #RAFT_RECONFIGURE, without joint changes. Errors:
 * #RAFT_NOTLEADER (also while handing over leadership), #RAFT_NOSPACE,
 * #RAFT_BUSY (limit on uncommitted entries), #RAFT_CANTCHANGE, #RAFT_MALFORMED,
 * #RAFT_BADROLE, #RAFT_INVALID (no entries, or a configuration without a voter),
 * #RAFT_TOOBIG, #RAFT_NOMEM.
 */
struct raft_event_submit {
    struct raft_entry *entries; /**< Borrowed for the call; payloads are handed through. */
    unsigned n;                 /**< Length of @p entries, at least 1. */
};

/**
 * RAFT_CATCH_UP: bring a standby or spare up to date in rounds, before it is
 * promoted (§4.2.1). Progress is told by raft_catch_up(). Errors:
 * #RAFT_NOTLEADER, #RAFT_BADID (not a member), #RAFT_BADROLE (a voter),
 * #RAFT_BUSY (another one is running).
 */
struct raft_event_catch_up {
    raft_id server_id; /**< The server to catch up. */
};

/**
 * RAFT_TRANSFER: hand leadership to another voter (§3.10).
 *
 * Until the transfer ends, or is given up after an election timeout, new entries
 * are refused with #RAFT_NOTLEADER. Errors: #RAFT_NOTLEADER, #RAFT_BADID
 * (unknown, or this server), #RAFT_BADROLE (no voter), #RAFT_NOTFOUND (there is
 * no other voter), #RAFT_BUSY (a transfer is under way).
 */
struct raft_event_transfer {
    raft_id server_id; /**< The new leader; 0: the most up-to-date voter. */
};

/**
 * RAFT_BOOTSTRAP: found a cluster (§4.4).
 *
 * On a started server with no vote, entries or snapshot and a term of at most 1:
 * entry 1 of term 1 carries @p conf. Bootstrap one server, or several with
 * identical configurations. Errors: #RAFT_CANTBOOTSTRAP; #RAFT_BADID (an ID is
 * 0, or this server is not in @p conf), #RAFT_DUPLICATEID,
 * #RAFT_DUPLICATEADDRESS, #RAFT_BADROLE, #RAFT_INVALID (no voter, no address).
 */
struct raft_event_bootstrap {
    struct raft_configuration conf; /**< Borrowed for the call. */
};

/**
 * RAFT_RECONFIGURE: move to another configuration (§4.1, §4.3).
 *
 * Done in one step where the voter sets differ by at most one server, else by
 * joint consensus, which is left automatically. Errors: #RAFT_NOTLEADER;
 * #RAFT_CANTCHANGE (a change is uncommitted, a catch-up or joint change is under
 * way, nothing of this leader's own term is committed yet, a member does not know
 * joint changes); #RAFT_BADID, #RAFT_DUPLICATEID, #RAFT_DUPLICATEADDRESS,
 * #RAFT_BADROLE; #RAFT_INVALID (no voter left, no address); #RAFT_TOOBIG.
 */
struct raft_event_reconfigure {
    struct raft_configuration conf; /**< The whole new configuration. Borrowed for the call. */
};

/**
 * RAFT_READ: a linearizable read barrier (§6.4), answered in `update.reads`.
 *
 * Answered after a quorum has echoed a round that began at or after this step,
 * or at once under a lease (§6.4.1) when @p lease is true and the lease is held.
 * Where peers that do not echo rounds are needed for a quorum, a barrier entry
 * is committed instead. Errors: #RAFT_NOTLEADER, #RAFT_BUSY (too many pending).
 */
struct raft_event_read {
    unsigned long long id; /**< The caller's name for the read; not interpreted. */
    bool lease;            /**< A lease is good enough: it trusts bounded clock drift. */
};

/**
 * RAFT_UNREACHABLE: the transport could not deliver a message, a snapshot
 * included. The leader stops pipelining to that server and probes it. Ignored on
 * a server that does not lead and for an unknown ID.
 */
struct raft_event_unreachable {
    raft_id server_id; /**< The server that could not be reached. */
};

/**
 * RAFT_STORED: as #RAFT_PERSISTED_ENTRIES, with the ticket of the update that
 * brought the entry at @p index. A ticket older than the last update that
 * replaced entries is stale and ignored, though index and term may match again.
 * Errors: #RAFT_INVALID for a ticket that was never issued.
 */
struct raft_event_stored {
    raft_index index;         /**< Highest durable index. */
    unsigned long long write; /**< `update.entries.write` of the write that ended. */
};

/**
 * RAFT_RECOVER: disaster recovery after a quorum was lost for good.
 *
 * On a server that does not lead, appends @p conf in a new term. **Unsafe** while
 * any server outside @p conf may still run: what it holds may be lost, and it may
 * still act. Recover one server only, the one whose last durable entry has the
 * highest term and, among those, the highest index; others come back empty and
 * under new IDs. Errors: #RAFT_BADID (an ID is
 * 0, or this server is not in @p conf), #RAFT_DUPLICATEID,
 * #RAFT_DUPLICATEADDRESS, #RAFT_BADROLE, #RAFT_INVALID (a leader; no voter, no
 * address), #RAFT_BUSY while a chunk of a snapshot is being written, #RAFT_TOOBIG.
 */
struct raft_event_recover {
    struct raft_configuration conf; /**< Borrowed for the call. */
};

/** An event: something that happened outside. Zero it before filling it. */
struct raft_event {
    raft_time time;            /**< Current time, always. At most 2^62. Running backwards,
                                    it is taken as standing still. */
    enum raft_event_type type; /**< Which member of the union is used. */
    unsigned char unused;      /**< Not read. */
    unsigned short capacity;   /**< Disk capacity reserved for log entries, in the caller's unit. */
    unsigned char reserved[4]; /**< Not read. */
#ifndef DOXYGEN
    union {
#endif
        struct raft_event_start start;                           /**< RAFT_START */
        struct raft_event_receive receive;                       /**< RAFT_RECEIVE */
        struct raft_event_persisted_entries persisted_entries;   /**< RAFT_PERSISTED_ENTRIES */
        struct raft_event_persisted_snapshot persisted_snapshot; /**< RAFT_PERSISTED_SNAPSHOT */
        struct raft_event_configuration configuration;           /**< RAFT_CONFIGURATION */
        struct raft_event_snapshot snapshot;                     /**< RAFT_SNAPSHOT */
        struct raft_event_submit submit;                         /**< RAFT_SUBMIT */
        struct raft_event_catch_up catch_up;                     /**< RAFT_CATCH_UP */
        struct raft_event_transfer transfer;                     /**< RAFT_TRANSFER */
        struct raft_event_bootstrap bootstrap;                   /**< RAFT_BOOTSTRAP */
        struct raft_event_reconfigure reconfigure;               /**< RAFT_RECONFIGURE */
        struct raft_event_read read;                             /**< RAFT_READ */
        struct raft_event_unreachable unreachable;               /**< RAFT_UNREACHABLE */
        struct raft_event_stored stored;                         /**< RAFT_STORED */
        struct raft_event_recover recover;                       /**< RAFT_RECOVER */
#ifndef DOXYGEN
        unsigned long long reserved_union[16]; /* the union is 128 bytes */
    };
#endif
};

/* --------------------------------------------------------------------------
 * Updates
 * ------------------------------------------------------------------------ */

/**
 * What a step changed. A flag is set if and only if what it names changed in
 * this step (for the term and vote of #RAFT_START: relative to what the event
 * gave), but #RAFT_UPDATE_VOTED_FOR is set whenever #RAFT_UPDATE_CURRENT_TERM is.
 */
enum raft_update_flag {
    RAFT_UPDATE_CURRENT_TERM = 1 << 0,  /**< raft_current_term(); make it durable first. */
    RAFT_UPDATE_VOTED_FOR = 1 << 1,     /**< raft_voted_for(); make it durable first. */
    RAFT_UPDATE_ENTRIES = 1 << 2,       /**< `entries`: write them. */
    RAFT_UPDATE_SNAPSHOT = 1 << 3,      /**< `snapshot`: write the chunk. */
    RAFT_UPDATE_MESSAGES = 1 << 4,      /**< `messages`: send them. */
    RAFT_UPDATE_STATE = 1 << 5,         /**< raft_state() */
    RAFT_UPDATE_COMMIT_INDEX = 1 << 6,  /**< raft_commit_index(): apply. */
    RAFT_UPDATE_TIMEOUT = 1 << 7,       /**< raft_timeout(): re-arm the timer. */
    RAFT_UPDATE_CONFIGURATION = 1 << 8, /**< raft_configuration_at() the last index. */
    RAFT_UPDATE_READS = 1 << 9,         /**< `reads`: answered reads. */
    RAFT_UPDATE_LEADER = 1 << 10,       /**< raft_leader() */
    RAFT_UPDATE_CATCH_UP = 1 << 11,     /**< raft_catch_up() of some server. */
    RAFT_UPDATE_TRANSFER = 1 << 12      /**< raft_transferee() */
};

/** #RAFT_UPDATE_ENTRIES: drop the log from @p index on, append the batch, start writing. */
struct raft_update_entries {
    raft_index index;         /**< Index of the first entry of the batch. */
    struct raft_entry *batch; /**< Valid until the next step. */
    unsigned n;               /**< Length of @p batch; 0: only drop. */
    unsigned long long write; /**< Ticket of this write, for #RAFT_STORED. */
};

/** #RAFT_UPDATE_SNAPSHOT: write a chunk of an incoming snapshot. */
struct raft_update_snapshot {
    struct raft_snapshot_metadata metadata; /**< Which snapshot. Valid until the next step. */
    size_t offset;                          /**< Where the chunk begins; 0 starts it anew. */
    struct raft_buffer chunk;               /**< Handed through from the message. */
    bool last;                              /**< The chunk ends the snapshot. */
};

/** #RAFT_UPDATE_MESSAGES: messages to send, in order. */
struct raft_update_messages {
    struct raft_message *batch; /**< Valid until the next step; the caller may modify it. */
    unsigned n;                 /**< Length of @p batch. */
};

/** The answer to one #RAFT_READ. */
struct raft_read {
    unsigned long long id; /**< As in the event. */
    raft_index index;      /**< With status 0: serve the read once this index is applied. */
    int status;            /**< 0, or #RAFT_LEADERSHIPLOST. */
    int reserved0;         /**< Zero. */
    unsigned long long reserved[2]; /**< Zero. */
};

/** #RAFT_UPDATE_READS: answered reads. */
struct raft_update_reads {
    struct raft_read *batch; /**< Valid until the next step. */
    unsigned n;              /**< Length of @p batch. */
};

/**
 * What the caller must do after a step, in this order: (1) make term and vote
 * durable, both in one atomic write, before anything of this or a later update
 * leaves; (2) @p entries; (3) @p snapshot; (4) send @p messages, which may leave
 * before the writes of (2) finish; (5) apply up to raft_commit_index(); (6)
 * re-arm the timer. Only @p flags and the members that it announces are written.
 * A follower may learn that an entry is committed before its own disk holds it: what
 * is applied durably must be stored together with the applied index.
 * A write that fails for good: close the raft, restart from what is durable.
 */
struct raft_update {
    unsigned flags;                       /**< #raft_update_flag bits. */
    struct raft_update_entries entries;   /**< With #RAFT_UPDATE_ENTRIES. */
    struct raft_update_snapshot snapshot; /**< With #RAFT_UPDATE_SNAPSHOT. */
    struct raft_update_messages messages; /**< With #RAFT_UPDATE_MESSAGES. */
    struct raft_update_reads reads;       /**< With #RAFT_UPDATE_READS. */
    unsigned long long reserved[16];      /**< Not written. */
};

/* --------------------------------------------------------------------------
 * The handle
 * ------------------------------------------------------------------------ */

/**
 * One server. The caller owns the storage and may move it bytewise between
 * calls. 64 bytes on every platform. Distinct rafts may be used from distinct
 * threads; one raft needs the caller's own serialisation.
 */
struct raft {
    raft_id id; /**< Server ID. Readonly. */
#ifndef DOXYGEN
    union {
        void *impl;
        unsigned long long impl_bits;
    };
    unsigned long long reserved[6];
#endif
};

/**
 * Initialize a raft. It is a follower until #RAFT_START is stepped.
 *
 * @param r       storage to fill; what it held is not read
 * @param id      this server's ID, not zero
 * @param address this server's address; borrowed for the call
 * @return 0, #RAFT_INVALID (a null argument), #RAFT_BADID (id 0), #RAFT_NOMEM
 */
RAFT_API int raft_init(struct raft *r, raft_id id, const char *address);

/**
 * Release everything that a raft holds and zero it. Harmless on a zeroed one.
 *
 * @param r the raft
 * @return 0, or #RAFT_INVALID if @p r is NULL
 */
RAFT_API int raft_close(struct raft *r);

/**
 * Advance the state machine by one event.
 *
 * Either the step happens whole, or it returns an error, `update->flags` is 0
 * and it is as if it had never been called, but for raft_errmsg(). After
 * #RAFT_NOMEM the same event is to be stepped again. After every successful step
 * raft_timeout() is later than `event->time`.
 *
 * @param r      an initialized raft
 * @param event  what happened; borrowed for the call
 * @param update receives what to do
 * @return 0 or the error that the event's struct documents; #RAFT_INVALID for a
 *         null pointer, an unknown type, a time above 2^62, a raft that is not
 *         initialized, or any event before #RAFT_START
 */
RAFT_API int raft_step(struct raft *r, struct raft_event *event, struct raft_update *update);

/* --------------------------------------------------------------------------
 * Getters. A null or zeroed raft gives neutral values: 0, NULL, -1 for a role.
 * ------------------------------------------------------------------------ */

/** @param r the raft
 * @return the current term (§3.3) */
RAFT_API raft_term raft_current_term(const struct raft *r);

/** @param r the raft
 * @return the server voted for in the current term (§3.4), 0: none */
RAFT_API raft_id raft_voted_for(const struct raft *r);

/** @param r the raft
 * @return follower, candidate or leader (§3.3); 0 for a null or zeroed raft */
RAFT_API enum raft_state raft_state(struct raft *r);

/** @param r the raft
 * @return the commit index (§3.5); never falls */
RAFT_API raft_index raft_commit_index(const struct raft *r);

/** @param r the raft
 * @return when #RAFT_TIMEOUT is due; the largest value: there is no deadline */
RAFT_API raft_time raft_timeout(const struct raft *r);

/** @param r the raft
 * @return the index of the last entry in the log, durable or not */
RAFT_API raft_index raft_last_index(const struct raft *r);

/** @param r the raft
 * @return the index of the oldest entry that a message may name: entries before
 *         it can be deleted. One above raft_last_index() when the log is empty. */
RAFT_API raft_index raft_first_index(const struct raft *r);

/** @param r the raft
 * @return the highest index known to be durable here */
RAFT_API raft_index raft_last_stored(const struct raft *r);

/** @param r the raft
 * @return the index of the last snapshot (§5.1), 0: none */
RAFT_API raft_index raft_snapshot_index(const struct raft *r);

/** @param r     the raft
 * @param index a log index
 * @return the term of the entry at @p index, 0: unknown */
RAFT_API raft_term raft_term_of(const struct raft *r, raft_index index);

/** @param r the raft
 * @return this server's role in its latest configuration, -1: not a member */
RAFT_API int raft_role(const struct raft *r);

/**
 * The leader of the current term, as far as it is known.
 *
 * @param r       the raft
 * @param id      receives its ID, 0: unknown; may be NULL
 * @param address receives its address or NULL, valid until the next step; may be NULL
 */
RAFT_API void raft_leader(const struct raft *r, raft_id *id, const char **address);

/**
 * How far a server's log is known to match this leader's (§3.5).
 *
 * @param r     the raft
 * @param id    a member
 * @param index receives the match index
 * @return 0, #RAFT_NOTLEADER, #RAFT_BADID (not a member), #RAFT_INVALID (null)
 */
RAFT_API int raft_match_index(const struct raft *r, raft_id id, raft_index *index);

/** How a leader replicates to a server. */
enum raft_progress_mode {
    RAFT_PROGRESS_NONE,     /**< Not at all: this server itself, or a spare. */
    RAFT_PROGRESS_PROBE,    /**< Looking for the point where the logs agree. */
    RAFT_PROGRESS_PIPELINE, /**< Sending entries without waiting for answers. */
    RAFT_PROGRESS_SNAPSHOT  /**< Sending a snapshot. */
};

/** What a leader knows of a server; see raft_progress(). */
struct raft_progress {
    int mode;                /**< One of #raft_progress_mode. */
    unsigned short features; /**< #raft_feature bits that it announced. */
    unsigned short capacity; /**< Disk capacity that it reported last. */
    raft_index match;        /**< Its log is known to match up to here. */
    raft_index next;         /**< Next entry to send to it. */
    /** When it was last heard from; until then, when leadership or its membership began. */
    raft_time last_contact;
    unsigned long long reserved[8]; /**< Zero. */
};

/**
 * A leader's view of a server.
 *
 * @param r        the raft
 * @param id       a member
 * @param progress receives the view
 * @return 0, #RAFT_NOTLEADER, #RAFT_BADID (not a member), #RAFT_INVALID (null)
 */
#if defined(__cplusplus) && defined(__GNUC__)
/* In C a function and a struct may share a name; C++ warns of it, if asked to. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
RAFT_API int raft_progress(const struct raft *r, raft_id id, struct raft_progress *progress);
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/** States of a catch-up (§4.2.1). */
enum raft_catch_up_status {
    RAFT_CATCH_UP_NONE,    /**< None was asked for. */
    RAFT_CATCH_UP_RUNNING, /**< Under way. */
    RAFT_CATCH_UP_ABORTED, /**< The server was too slow. */
    RAFT_CATCH_UP_FINISHED /**< The server is up to date; promote it. */
};

/**
 * The state of a server's catch-up.
 *
 * @param r      the raft
 * @param id     a member
 * @param status receives one of #raft_catch_up_status
 * @return 0, #RAFT_NOTLEADER, #RAFT_BADID (not a member), #RAFT_INVALID (null)
 */
RAFT_API int raft_catch_up(const struct raft *r, raft_id id, int *status);

/** @param r the raft
 * @return the server that leadership is being handed to (§3.10), 0: none */
RAFT_API raft_id raft_transferee(const struct raft *r);

/** @param r the raft
 * @return why the last failed step failed, in words; never NULL, valid until the
 *         next step */
RAFT_API const char *raft_errmsg(const struct raft *r);

/**
 * The configuration in force at a log index: what a snapshot there must carry.
 *
 * @param r          the raft
 * @param index      from raft_snapshot_index() to raft_last_index()
 * @param conf       receives the configuration, valid until the next step
 * @param conf_index receives the index of the entry that set it; may be NULL
 * @return 0, #RAFT_NOTFOUND (outside that range, or there is none yet),
 *         #RAFT_INVALID (null)
 */
RAFT_API int raft_configuration_at(const struct raft *r, raft_index index,
                                   struct raft_configuration *conf, raft_index *conf_index);

/* --------------------------------------------------------------------------
 * Setters. They return 0, RAFT_INVALID or RAFT_NOMEM. Before RAFT_START they
 * come in any order and RAFT_START judges the whole; afterwards each must keep
 * the whole legal: a heartbeat shorter than the election timeout, nothing zero
 * that must not be.
 * ------------------------------------------------------------------------ */

/** Seed the generator that randomizes election timeouts (§3.4). Unseeded, it is
 * seeded by the server's ID.
 * @param r    the raft
 * @param seed any number
 * @return 0 or #RAFT_INVALID */
RAFT_API int raft_seed(struct raft *r, unsigned seed);

/** Minimum election timeout (§3.4); the actual ones lie between it and twice it.
 * Reads under a lease are safe only if it is the same on all servers (§6.4.1).
 * @param r     the raft
 * @param msecs milliseconds, not 0; default 1000
 * @return 0, #RAFT_INVALID or #RAFT_NOMEM */
RAFT_API int raft_set_election_timeout(struct raft *r, unsigned msecs);

/** Interval between a leader's heartbeats (§3.4).
 * @param r     the raft
 * @param msecs milliseconds, not 0; default 100
 * @return 0, #RAFT_INVALID or #RAFT_NOMEM */
RAFT_API int raft_set_heartbeat_timeout(struct raft *r, unsigned msecs);

/** How long a leader waits for a snapshot chunk to be acknowledged before it
 * sends it again (§5.1).
 * @param r     the raft
 * @param msecs milliseconds, not 0; default 30000
 * @return 0, #RAFT_INVALID or #RAFT_NOMEM */
RAFT_API int raft_set_install_snapshot_timeout(struct raft *r, unsigned msecs);

/** Ask for pre-votes before campaigning (§9.6).
 * @param r       the raft
 * @param enabled default true
 * @return 0, #RAFT_INVALID or #RAFT_NOMEM */
RAFT_API int raft_set_pre_vote(struct raft *r, bool enabled);

/** Catch-up rounds before giving up (§4.2.1).
 * @param r      the raft
 * @param rounds not 0; default 10
 * @return 0, #RAFT_INVALID or #RAFT_NOMEM */
RAFT_API int raft_set_max_catch_up_rounds(struct raft *r, unsigned rounds);

/** Longest catch-up round before giving up (§4.2.1).
 * @param r     the raft
 * @param msecs milliseconds, not 0; default 5000
 * @return 0, #RAFT_INVALID or #RAFT_NOMEM */
RAFT_API int raft_set_max_catch_up_round_duration(struct raft *r, unsigned msecs);

/** Entries that a leader sends to one server without having had an answer.
 * @param r the raft
 * @param n not 0; default 1024
 * @return 0, #RAFT_INVALID or #RAFT_NOMEM */
RAFT_API int raft_set_max_inflight_entries(struct raft *r, unsigned n);

/** Entries in one AppendEntries message.
 * @param r the raft
 * @param n 0: no limit (default)
 * @return 0, #RAFT_INVALID or #RAFT_NOMEM */
RAFT_API int raft_set_max_message_entries(struct raft *r, unsigned n);

/** Uncommitted entries in a leader's log, above which #RAFT_SUBMIT gets
 * #RAFT_BUSY. Barriers and the entry that leaves a joint configuration are exempt.
 * @param r the raft
 * @param n 0: no limit (default)
 * @return 0, #RAFT_INVALID or #RAFT_NOMEM */
RAFT_API int raft_set_max_uncommitted_entries(struct raft *r, unsigned n);

/** Disk capacity that a majority of voters must report, below which
 * #RAFT_SUBMIT gets #RAFT_NOSPACE. Voters that report none count as having
 * enough. Barriers and the entry that leaves a joint configuration are exempt.
 * @param r   the raft
 * @param min in the unit of `raft_event.capacity`; 0: off (default)
 * @return 0, #RAFT_INVALID or #RAFT_NOMEM */
RAFT_API int raft_set_capacity_threshold(struct raft *r, unsigned short min);

/** Say that the caller's message codec carries the fields behind these features.
 * @param r    the raft
 * @param mask #raft_feature bits; default 0; #RAFT_FEATURE_CAPACITY is implied
 * @return 0, #RAFT_INVALID (an unknown bit) or #RAFT_NOMEM */
RAFT_API int raft_set_features(struct raft *r, unsigned mask);

/* --------------------------------------------------------------------------
 * Tracing
 * ------------------------------------------------------------------------ */

/** What a trace fact is about; `code`, `peer`, `term`, `index` say more. */
enum raft_trace_type {
    RAFT_TRACE_EVENT = 1,     /**< A step begins; code: #raft_event_type. */
    RAFT_TRACE_RECEIVED,      /**< Message from peer; code: #raft_message_type. */
    RAFT_TRACE_SENT,          /**< Message to peer; code: #raft_message_type. */
    RAFT_TRACE_TERM,          /**< The current term is now term. */
    RAFT_TRACE_VOTE,          /**< The vote is now for peer (0: none). */
    RAFT_TRACE_STATE,         /**< Code: the new #raft_state. */
    RAFT_TRACE_LEADER,        /**< The leader is now peer (0: unknown). */
    RAFT_TRACE_ENTRIES,       /**< Entries from index on; code: how many. */
    RAFT_TRACE_SNAPSHOT,      /**< A chunk of the snapshot at index. */
    RAFT_TRACE_COMMIT,        /**< The commit index is now index. */
    RAFT_TRACE_CONFIGURATION, /**< The configuration of index is in force; code: servers. */
    RAFT_TRACE_READ,          /**< A read is answered at index; code: its status. */
    RAFT_TRACE_CATCH_UP,      /**< A catch-up changed. */
    RAFT_TRACE_TRANSFER       /**< Leadership is being handed to peer (0: no more). */
};

/** One trace fact. Borrowed by the tracer for the call. */
struct raft_tracer_info {
    int version;                    /**< 1. */
    int code;                       /**< Depends on the type. */
    raft_time time;                 /**< The raft's clock. */
    raft_id server;                 /**< This server. */
    raft_id peer;                   /**< Another server, or 0. */
    raft_term term;                 /**< A term, or 0. */
    raft_index index;               /**< An index, or 0. */
    const char *text;               /**< A short static name of the type; never NULL. */
    unsigned long long reserved[4]; /**< Zero. */
};

/** Receives trace facts. It must not call back into the raft that traces. */
struct raft_tracer {
    void *impl;  /**< The caller's own. */
    int version; /**< 1. */
    /** @p info points to a struct raft_tracer_info. */
    void (*emit)(struct raft_tracer *t, int type, const void *info);
};

/** Trace successful steps: typed facts, never formatted text.
 * @param r the raft
 * @param t retained until replaced, and owned by the caller; NULL: no tracing (default)
 * @return 0, #RAFT_INVALID (no emit function) or #RAFT_NOMEM */
RAFT_API int raft_set_tracer(struct raft *r, struct raft_tracer *t);

#ifdef __cplusplus
}
#endif

#endif /* RAFT_H */
