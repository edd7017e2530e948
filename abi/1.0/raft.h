/* SPDX-License-Identifier: MIT */
/**
 * @file raft.h
 * The Raft consensus algorithm as a pure state machine.
 *
 * Every server of a cluster keeps a copy of one log, whose entries are commands. The servers elect
 * a leader, which adds entries to its log and replicates them to the others. An entry that a
 * majority has stored is committed: it is never lost or changed. The library makes all decisions
 * but performs no I/O, reads no clock, starts no thread and keeps no global state. When something
 * happens, the program passes it to raft_step() as an event (it *steps* the event), and then does
 * what the resulting update asks for:
 *
 * @code{.c}
 * struct raft r;             // one server of the cluster
 * struct raft_event event;   // what happened
 * struct raft_update update; // what to do about it
 * if (raft_init(&r, id, address) != 0) {
 *     return;
 * }
 * while (next_event(&event)) { // the first event is RAFT_START, which loads what is on disk
 *     event.time = read_clock(); // for each event; see "Time" below
 *     if (raft_step(&r, &event, &update) != 0) {
 *         report(raft_errmsg(&r)); // the step had no effect; there is nothing to do
 *         continue;
 *     }
 *     if (update.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) {
 *         save_and_sync(raft_current_term(&r), raft_voted_for(&r)); // duty 1
 *     }
 *     if (update.flags & RAFT_UPDATE_ENTRIES) {
 *         start_writing_entries(&update.entries); // duty 2
 *     }
 *     if (update.flags & RAFT_UPDATE_SNAPSHOT) {
 *         start_writing_snapshot(&update.snapshot); // duty 3
 *     }
 *     if (update.flags & RAFT_UPDATE_MESSAGES) {
 *         send_messages(&update.messages); // duty 4
 *     }
 *     if (update.flags & RAFT_UPDATE_COMMIT_INDEX) {
 *         apply_up_to(raft_commit_index(&r)); // duty 5
 *     }
 *     if (update.flags & RAFT_UPDATE_TIMEOUT) {
 *         set_timer(raft_timeout(&r)); // duty 6
 *     }
 * }
 * raft_close(&r);
 * @endcode
 *
 * **Six duties** follow a successful step, in this order:
 *
 * 1. *Term and vote.* Write both to disk in one atomic write and sync it. Until that is done, send
 *    no message of this update or a later one. The entries of duty 2 must not reach the disk
 *    earlier; the same write may contain them.
 * 2. *Entries.* Delete the stored log from `entries.index` on, append `entries.batch` and start
 *    writing. Writes must reach the disk in the order of the updates. When the entries are
 *    durable, step #RAFT_STORED. If `entries.n` is 0, there is nothing to acknowledge.
 * 3. *Snapshot.* Start writing the chunk of a snapshot that the leader sent. When the chunk is
 *    durable, step #RAFT_PERSISTED_SNAPSHOT.
 * 4. *Messages.* Send them. They need not wait for the writes of duties 2 and 3. A message may
 *    also be sent later: see #raft_message.
 * 5. *Commit index.* Apply the entries up to raft_commit_index() to the program's state machine.
 * 6. *Timer.* Set a timer for raft_timeout(), which may lie in the past: then it expires at once.
 *    When it expires, step #RAFT_TIMEOUT. Each successful #RAFT_TIMEOUT sets #RAFT_UPDATE_TIMEOUT
 *    and moves the deadline beyond the event's time, so that a one-shot timer is always set again.
 *
 * Finish reading an update before the next step on the same raft, which may overwrite the arrays.
 * If a write fails for good, close the raft and restart the server from what is durable. After
 * raft_close(), ignore writes of the closed raft that finish later: a ticket is valid for one
 * raft_init() only.
 *
 * **Time.** Read the clock for each event, directly before raft_step(). Many event loops offer a
 * time that they read once in each turn. After a slow callback that time is out of date, and a
 * leader that uses it may take an expired lease for a valid one. Use a monotonic clock that also
 * counts the time during which the machine is suspended: on Linux `CLOCK_BOOTTIME`, not
 * `CLOCK_MONOTONIC`. A deadline that has passed stays due until #RAFT_TIMEOUT is stepped, or until
 * the event happens for which this server waits, such as a message from its leader. Other events do
 * not move the deadline, so they may be stepped first.
 *
 * **Ownership.** Three phrases describe who owns memory, and for how long it is used:
 *
 * - *borrowed for the call*: the library reads the memory during the call only, and copies
 *   what it needs;
 * - *valid until the next step*: the memory belongs to the library. It stays unchanged until
 *   the next raft_step() on the same raft, successful or not, or until raft_close();
 * - *handed through*: the library neither reads nor copies the memory. The update of the same
 *   step returns the same pointer. The memory must stay valid until the caller has finished
 *   with that update.
 *
 * **Errors.** Functions that return an `int` return 0 on success, else a positive code of
 * #raft_error. A step or setter that fails changes nothing except the text of raft_errmsg().
 *
 * **Numbers.** Every number that the library hands out fits in a signed 64-bit integer, except
 * IDs, which the caller chooses.
 *
 * **Threads.** Different rafts may be used by different threads without locking. Calls on the
 * same raft must not overlap, except that several threads may call getters at once.
 *
 * **Sources.** Section numbers (§) and figures refer to Diego Ongaro's dissertation,
 * "Consensus: Bridging Theory and Practice" (Stanford, 2014).
 */
#ifndef RAFT_H
#define RAFT_H

#include <stddef.h>
#ifndef __cplusplus
#include <stdbool.h>
#endif

/* Marks the functions that the shared library exports. */
#ifndef RAFT_API
#if defined(__GNUC__) || defined(__clang__)
#define RAFT_API __attribute__((visibility("default")))
#else
#define RAFT_API
#endif
#endif

/** Version of this header. raft_version() returns that of the library. */
#define RAFT_VERSION_MAJOR 1
#define RAFT_VERSION_MINOR 0 /**< See #RAFT_VERSION_MAJOR. */
#define RAFT_VERSION_PATCH 0 /**< See #RAFT_VERSION_MAJOR. */
/** The version as one number that can be compared: 10000 * major + 100 * minor + patch. */
#define RAFT_VERSION (RAFT_VERSION_MAJOR * 10000 + RAFT_VERSION_MINOR * 100 + RAFT_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif

/* --------------------------------------------------------------------------
 * Base types and error codes
 * ------------------------------------------------------------------------ */

#ifndef DOXYGEN
/* Enums that are the type of a struct field have 4 bytes. Where the compiler would make them
 * smaller, one more enumerator prevents it. Elsewhere that enumerator is left out, because it
 * would make every switch over the types warn. */
#if defined(__ARM_SIZEOF_MINIMAL_ENUM) && __ARM_SIZEOF_MINIMAL_ENUM < 4
#define RAFT_ENUM_OF_4_BYTES(reserved) , reserved = 0x7fffffff
#else
#define RAFT_ENUM_OF_4_BYTES(reserved)
#endif
#ifdef __cplusplus
#define RAFT_ASSERT(condition, text) static_assert(condition, text)
#else
#define RAFT_ASSERT(condition, text) _Static_assert(condition, text)
#endif
#endif

/** Server ID, chosen by the caller. 0 means "no server". Never use an ID again: neither that of a
 * server that was removed, nor that of a server whose disk was emptied or set back. */
typedef unsigned long long raft_id;

/** Term: a number that identifies an election (§3.3). 0 means "no term". */
typedef unsigned long long raft_term;

/** Position of an entry in the log (§3.5). The first entry has index 1; 0 means "no entry". */
typedef unsigned long long raft_index;

/** Milliseconds of a monotonic clock that counts the time during which the machine is suspended.
 * The caller chooses when the clock is 0. */
typedef unsigned long long raft_time;

/** A block of memory. Its owner is stated at each use. */
struct raft_buffer {
    void *base; /**< First byte; may be NULL if @p len is 0. */
    size_t len; /**< Number of bytes. */
};

/**
 * Error codes. The event or function that can return a code says when it does.
 *
 * The library never returns the codes marked *never returned*. They keep the values of C-Raft's
 * published interface, and a program may use them for errors of its own.
 */
enum raft_error {
    RAFT_NOMEM = 1,        /**< Out of memory. Step the same event again later. */
    RAFT_BADID,            /**< A server ID is 0, is unknown, or cannot be used here. */
    RAFT_DUPLICATEID,      /**< Two servers in a configuration have the same ID. */
    RAFT_DUPLICATEADDRESS, /**< Two servers in a configuration have the same address. */
    RAFT_BADROLE,          /**< A role is unknown, or is not allowed in this operation. */
    RAFT_MALFORMED,        /**< A message, an entry or an encoded configuration is invalid. */
    RAFT_NOTLEADER,        /**< This server is not the leader, or is transferring leadership. */
    RAFT_LEADERSHIPLOST,   /**< Status of a read: the leader stepped down before it answered. */
    RAFT_SHUTDOWN,         /**< Never returned. */
    RAFT_CANTBOOTSTRAP,    /**< This server has entries, a snapshot, a vote or a term above 1. */
    RAFT_CANTCHANGE,       /**< The membership cannot be changed in this way at this time. */
    RAFT_CORRUPT,      /**< Stored data is inconsistent, or a committed entry is contradicted. */
    RAFT_CANCELED,     /**< Never returned. */
    RAFT_NAMETOOLONG,  /**< Never returned. */
    RAFT_TOOBIG,       /**< A term or index would exceed 2^62, or there are too many servers. */
    RAFT_NOCONNECTION, /**< A server that the operation needs was not heard from lately. */
    RAFT_BUSY,         /**< An operation is in progress, a limit is reached, or it is too early. */
    RAFT_IOERR,        /**< Never returned. */
    RAFT_NOTFOUND,     /**< There is no other voter, or no configuration for this index. */
    RAFT_INVALID,      /**< An argument or event is invalid, or is not allowed at this time. */
    RAFT_UNAUTHORIZED, /**< Never returned. */
    RAFT_NOSPACE,      /**< Too few voters report enough disk capacity. */
    RAFT_TOOMANY       /**< Never returned. */
};

/* --------------------------------------------------------------------------
 * The handle
 * ------------------------------------------------------------------------ */

struct raft_event;
struct raft_update;

/**
 * One server of a cluster: the handle `r` that every function takes.
 *
 * The caller owns the storage and may move it bytewise between calls. It is 64 bytes on every
 * platform. A zeroed struct is a raft that is not initialized. If `r` is NULL or not initialized,
 * raft_step(), setters, and getters with an error code return #RAFT_INVALID. Other getters return
 * 0 or NULL, except that raft_role() returns -1, raft_errmsg() a text that says so, and
 * raft_version() the version. Between raft_init() and #RAFT_START a raft is a follower.
 */
struct raft {
    raft_id id; /**< This server's ID. Do not write it. */
#ifndef DOXYGEN
    union {
        void *impl;
        unsigned long long impl_bits;
    };
    unsigned long long reserved[6]; /* the settings; for the library only */
#endif
};

/**
 * Initialize a raft. Then call setters if needed, and step #RAFT_START.
 *
 * @param r       storage; its previous content is ignored
 * @param id      this server's ID, not 0
 * @param address this server's own address, not NULL; copied. raft_leader() returns it while this
 *                server leads and the latest configuration has no address for it.
 * @return 0, #RAFT_INVALID (a NULL argument), #RAFT_BADID (@p id is 0) or #RAFT_NOMEM. After
 *         an error @p r is zeroed.
 */
RAFT_API int raft_init(struct raft *r, raft_id id, const char *address);

/**
 * Process one event and fill an update with the resulting duties.
 *
 * A step either succeeds completely or has no effect. If it fails, it returns an error code,
 * sets `update->flags` to 0 and changes only the text of raft_errmsg(). After #RAFT_NOMEM, step
 * the same event again.
 *
 * One exception: a tracer must not step the raft that it traces. Such a call returns #RAFT_BUSY and
 * does not even set `update->flags`, because @p update may be the one that the outer step is
 * filling.
 *
 * @param event  what happened; borrowed for the call
 * @param update receives the duties. Only `flags` and the members that it announces are
 *               written.
 * @return 0, or an error that the comment of the event's struct lists. #RAFT_NOMEM is possible
 *         for every event. #RAFT_INVALID also means: a NULL argument, an uninitialized raft, an
 *         unknown event type, a time above 2^62, or an event before #RAFT_START. #RAFT_BUSY also
 *         means: the call comes from this raft's own tracer.
 */
RAFT_API int raft_step(struct raft *r, struct raft_event *event, struct raft_update *update);

/**
 * Release everything that a raft holds, and zero it. Closing a zeroed raft is harmless. Arrays of
 * the last update and addresses that getters returned become invalid. The caller may free what
 * its last event pointed to, and its tracer.
 *
 * @return 0, #RAFT_INVALID if @p r is NULL, or #RAFT_BUSY in this raft's own tracer
 */
RAFT_API int raft_close(struct raft *r);

/* --------------------------------------------------------------------------
 * Configurations, entries and snapshots: used in updates, events and messages
 * ------------------------------------------------------------------------ */

/**
 * Role of a server in a configuration (§4.2.1).
 *
 * The last four exist only during a change by joint consensus (§4.3), when an old and a new set
 * of voters are both in force. A configuration that the caller provides must not use them.
 */
enum raft_server_role {
    RAFT_STANDBY,          /**< Receives the log, does not vote: a learner. */
    RAFT_VOTER,            /**< Receives the log and votes. */
    RAFT_SPARE,            /**< Is a member, but neither receives the log nor votes. */
    RAFT_VOTER_OUTGOING,   /**< Votes in the old set only, and will be removed. */
    RAFT_VOTER_INCOMING,   /**< Votes in the new set only, and will be a voter. */
    RAFT_VOTER_TO_STANDBY, /**< Votes in the old set only, and will be a standby. */
    RAFT_VOTER_TO_SPARE    /**< Votes in the old set only, and will be a spare. */
};

/** One server of a configuration. Frozen: it never gets new fields. */
struct raft_server {
    raft_id id; /**< Unique in the configuration, not 0. */
    /** Unique in the configuration, not NULL, NUL-terminated. The library compares addresses but
     * does not interpret them. Its lifetime is that of the configuration. */
    const char *address;
    int role; /**< One of #raft_server_role. */
};

/** The members of a cluster (§4.1). Frozen: it never gets new fields. */
struct raft_configuration {
    /** Array of @p n servers. Its lifetime is stated at each use of the configuration. */
    struct raft_server *servers;
    unsigned n; /**< Number of servers. */
};

/** Type of a log entry. */
enum raft_entry_type {
    RAFT_COMMAND = 1, /**< A command for the caller's state machine. */
    RAFT_BARRIER,     /**< No operation. A leader begins its term with one (§6.4). */
    /** A configuration (§4.1). The payload consists of the format, which is 1 (1 byte); the
     * number of servers (8 bytes); for each server its ID (8 bytes), its address with the NUL,
     * and its role (1 byte); zero bytes up to a multiple of 8. Numbers are little endian. */
    RAFT_CHANGE RAFT_ENUM_OF_4_BYTES(RAFT_ENTRY_TYPE_RESERVED)
};

/** One log entry (§3.5). Frozen: it never gets new fields. */
struct raft_entry {
    raft_term term;            /**< Term of the leader that created the entry. */
    enum raft_entry_type type; /**< What @p buf contains. */
    /** The payload. In an event it is handed through; but the library also reads it, during the
     * call, if the type is #RAFT_CHANGE. */
    struct raft_buffer buf;
#ifndef DOXYGEN
    union {
#endif
        /** Any value except NULL; handed through and never dereferenced. NULL in an update means
         * that the library created the entry: then the payload is valid until the next step. */
        void *batch;
        size_t cookie; /**< The same value as an integer, for languages whose objects move. */
#ifndef DOXYGEN
    };
#endif
};
#ifndef DOXYGEN
RAFT_ASSERT(sizeof(enum raft_entry_type) == 4, "compile without -fshort-enums");
#endif

/** The position and configuration of a snapshot (§5.1). Frozen: it never gets new fields. */
struct raft_snapshot_metadata {
    raft_index index;                        /**< Last entry that the snapshot covers. */
    raft_term term;                          /**< Term of that entry. */
    struct raft_configuration configuration; /**< Configuration in force at @p index. */
    raft_index configuration_index;          /**< Index of the entry that set it. */
};

/* --------------------------------------------------------------------------
 * Updates: what the caller must do after a step
 * ------------------------------------------------------------------------ */

struct raft_message;

/**
 * Bits of `raft_update.flags`: what a step changed.
 *
 * A flag is set if and only if this step changed what the flag names, with three exceptions:
 *
 * - #RAFT_UPDATE_VOTED_FOR is also set whenever #RAFT_UPDATE_CURRENT_TERM is;
 * - #RAFT_UPDATE_TIMEOUT is set by every successful #RAFT_TIMEOUT;
 * - in the update of #RAFT_START, the flags of term and vote say that these differ from those in
 *   the event.
 */
enum raft_update_flag {
    RAFT_UPDATE_CURRENT_TERM = 1 << 0,  /**< Duty 1: save raft_current_term(). */
    RAFT_UPDATE_VOTED_FOR = 1 << 1,     /**< Duty 1: save raft_voted_for(). */
    RAFT_UPDATE_ENTRIES = 1 << 2,       /**< Duty 2: write `entries`. */
    RAFT_UPDATE_SNAPSHOT = 1 << 3,      /**< Duty 3: write `snapshot`. */
    RAFT_UPDATE_MESSAGES = 1 << 4,      /**< Duty 4: send `messages`. */
    RAFT_UPDATE_STATE = 1 << 5,         /**< raft_state() changed. */
    RAFT_UPDATE_COMMIT_INDEX = 1 << 6,  /**< Duty 5: apply up to raft_commit_index(). */
    RAFT_UPDATE_TIMEOUT = 1 << 7,       /**< Duty 6: set the timer to raft_timeout(). */
    RAFT_UPDATE_CONFIGURATION = 1 << 8, /**< The latest configuration changed: connect to its
                                             members. See raft_configuration_at(). */
    RAFT_UPDATE_READS = 1 << 9,         /**< `reads` answers #RAFT_READ events. */
    RAFT_UPDATE_LEADER = 1 << 10,       /**< raft_leader() changed. */
    RAFT_UPDATE_CATCH_UP = 1 << 11,     /**< raft_catch_up() of a server changed. */
    RAFT_UPDATE_TRANSFER = 1 << 12      /**< raft_transferee() changed. */
};

/** Duty 2: delete the stored log from @p index on, append @p batch, start writing. */
struct raft_update_entries {
    raft_index index; /**< Index of the first entry of @p batch. */
    /** The entries. The array is valid until the next step. Their payloads were handed through,
     * or are valid until the next step: see #raft_entry. */
    struct raft_entry *batch;
    unsigned n; /**< Number of entries. 0: only delete; there is nothing to acknowledge. */
    /** Ticket of this write: `stored.write` of the #RAFT_STORED that acknowledges it. It is valid
     * until raft_close(). A later write has a higher ticket, but tickets are not consecutive. */
    unsigned long long write;
};

/**
 * Duty 3: write a chunk of the snapshot that the leader is sending (§5.1).
 *
 * The old log stays in force until #RAFT_PERSISTED_SNAPSHOT acknowledges the last chunk. That step
 * raises the commit index to the index of the snapshot: then restore the state machine from the
 * snapshot, and delete the old log afterwards. If an update contains entries before that step, or
 * this server becomes a candidate, the library has abandoned the installation: delete what was
 * written of the snapshot.
 */
struct raft_update_snapshot {
    /** Which snapshot; valid until the next step. Store it, including the configuration:
     * #RAFT_START needs it. */
    struct raft_snapshot_metadata metadata;
    /** Position of the chunk in the snapshot. 0: discard the earlier chunks, if any. */
    unsigned long long offset;
    struct raft_buffer chunk; /**< The bytes to write; handed through from the message. */
    bool last;                /**< The snapshot ends with this chunk. */
};

/** Duty 4: send messages, in the order of the array. Any message may be lost. */
struct raft_update_messages {
    /** The messages; valid until the next step. The caller may modify them, and must attach the
     * entries or snapshot bytes of some: see #raft_message. */
    struct raft_message *batch;
    unsigned n; /**< Number of messages. */
};

/** The answer to one #RAFT_READ event. */
struct raft_read {
    unsigned long long id; /**< `read.id` of the event. */
    raft_index index;      /**< If @p status is 0: serve the read after applying this entry. */
    int status;            /**< 0, or #RAFT_LEADERSHIPLOST: ask the new leader. */
    int reserved0;         /**< Always 0. */
    unsigned long long reserved[2]; /**< Always 0. */
};

/** Answers to #RAFT_READ events of this step or of earlier ones. */
struct raft_update_reads {
    struct raft_read *batch; /**< The answers; valid until the next step. */
    unsigned n;              /**< Number of answers. */
};

/**
 * What a step changed and what the caller must do: the six duties at the top of this file.
 *
 * Entries can be committed before this server's own disk holds them. So a state machine that is
 * durable itself must store, in the same write as its data, the index of the last entry that it
 * has applied.
 */
struct raft_update {
    unsigned flags;                       /**< Bits of #raft_update_flag. */
    struct raft_update_entries entries;   /**< Written if #RAFT_UPDATE_ENTRIES is set. */
    struct raft_update_snapshot snapshot; /**< Written if #RAFT_UPDATE_SNAPSHOT is set. */
    struct raft_update_messages messages; /**< Written if #RAFT_UPDATE_MESSAGES is set. */
    struct raft_update_reads reads;       /**< Written if #RAFT_UPDATE_READS is set. */
    unsigned long long reserved[16];      /**< Never written. */
};

/* --------------------------------------------------------------------------
 * Events: what the caller reports
 * ------------------------------------------------------------------------ */

/**
 * Type of an event, and the member of #raft_event that holds its fields.
 *
 * #RAFT_CAMPAIGN does what an expired election timeout does. Errors: #RAFT_INVALID (this server
 * leads, or may not campaign because it is not a voter, for example), #RAFT_BUSY (this server
 * started, or heard from a leader, less than an election timeout ago: the leader may hold a lease,
 * which relies on this server's own vote as well; or a chunk of a snapshot is being written),
 * #RAFT_NOMEM.
 *
 * #RAFT_TIMEOUT starts an election on a server that hears no leader. A leader sends heartbeats and
 * steps down if it did not hear from a quorum. Before the deadline the event does nothing. Error:
 * #RAFT_NOMEM.
 *
 * #RAFT_WAKE wakes a server that sleeps: see raft_set_idle_timeout(). It has no effect on one that
 * is awake. Error: #RAFT_NOMEM.
 */
enum raft_event_type {
    RAFT_START = 1,          /**< `start`: load what is on disk. The first event. */
    RAFT_RECEIVE,            /**< `receive`: a message arrived. */
    RAFT_PERSISTED_ENTRIES,  /**< `persisted_entries`: entries are durable. */
    RAFT_PERSISTED_SNAPSHOT, /**< `persisted_snapshot`: a chunk of a snapshot is durable. */
    RAFT_CONFIGURATION,      /**< `configuration`: has no effect. */
    RAFT_SNAPSHOT,           /**< `snapshot`: the caller has taken a snapshot. */
    RAFT_TIMEOUT,            /**< No fields: raft_timeout() has passed. Harmless if too early. */
    RAFT_SUBMIT,             /**< `submit`: replicate entries. */
    RAFT_CATCH_UP,           /**< `catch_up`: bring a server up to date before it votes. */
    RAFT_TRANSFER,           /**< `transfer`: transfer leadership. */
    RAFT_BOOTSTRAP,          /**< `bootstrap`: create a cluster. */
    RAFT_RECONFIGURE,        /**< `reconfigure`: change the members. */
    RAFT_READ,               /**< `read`: request a linearizable read. */
    RAFT_UNREACHABLE,        /**< `unreachable`: a message could not be delivered. */
    RAFT_STORED,             /**< `stored`: entries are durable; with the ticket of the write. */
    RAFT_RECOVER,            /**< `recover`: continue after a majority was lost. Unsafe. */
    RAFT_SENT,               /**< `sent`: some entries of the last update were not sent. */
    RAFT_CAMPAIGN,           /**< No fields: start an election now. */
    RAFT_WAKE                /**< No fields: the leader may be gone; wake up and look. */
        RAFT_ENUM_OF_4_BYTES(RAFT_EVENT_TYPE_RESERVED)
};

/**
 * Fields of #RAFT_START: load what is on disk. Step it once, before any other event.
 *
 * On an empty disk all fields are 0. If there is a snapshot, the log may overlap it, begin right
 * after it, or be empty. A log that ends before the snapshot's index, or has another term there, is
 * older than the snapshot: the server crashed before it deleted that log. The library ignores the
 * log, and the update has #RAFT_UPDATE_ENTRIES with `n == 0`: delete the whole stored log.
 *
 * The library reads the payloads of #RAFT_CHANGE entries only. Those of the others may be NULL, so
 * that a restart need not read the whole log.
 *
 * The commit index becomes the snapshot's index; without a snapshot it becomes 1 if the log has
 * entry 1, else 0.
 *
 * Starting counts as hearing from a leader: this server grants no vote for an election timeout,
 * unless a leader that is transferring leadership permits it (§4.2.3).
 *
 * A server that is the only voter of its configuration elects itself, in a new term, if its vote in
 * the current term is its own, or its last entry is of the current term, or it has led under this
 * configuration since it started. Otherwise its disk may have been emptied, and the configuration
 * may be an old one that it has received again: it then waits for a leader, or for #RAFT_CAMPAIGN.
 * It elects itself in the step of #RAFT_START if the configuration is known to be committed,
 * because it comes from the snapshot or from entry 1. If not, an earlier leader that is removing
 * itself may still hold a lease (§6.4.1), so this server first waits an election timeout.
 *
 * A server whose disk is intact lacks this evidence, too, if it crashed just after it had adopted a
 * leader's or candidate's term: its last entry is of an earlier term, and its vote in the new term
 * is not its own. It waits in the same way. If it is certainly the only voter, step #RAFT_CAMPAIGN.
 *
 * Errors: #RAFT_INVALID (started before; inconsistent settings; @p entries is NULL although
 * @p n_entries is not 0), #RAFT_CORRUPT (no correct server stores these values;
 * raft_errmsg() says why), #RAFT_MALFORMED (an entry of unknown type, or a configuration that
 * cannot be decoded), #RAFT_NOMEM.
 */
struct raft_event_start {
    raft_term term;    /**< Stored term; 0 on an empty disk. */
    raft_id voted_for; /**< Stored vote in that term; 0: none. */
    /** Last snapshot, or NULL; borrowed for the call. If `configuration_index` is 0, it was not
     * recorded, and the index of the snapshot is used. */
    struct raft_snapshot_metadata *metadata;
    raft_index start_index;     /**< Index of the first of @p entries; ignored if there is none. */
    struct raft_entry *entries; /**< The stored log; borrowed for the call, payloads too. */
    unsigned n_entries;         /**< Number of @p entries. */
};

/**
 * Fields of #RAFT_BOOTSTRAP: create a cluster (§4.4).
 *
 * The server appends entry 1, which has term 1 and contains @p conf. Bootstrap one server, or
 * several with identical configurations. Do not bootstrap a server that joins an existing
 * cluster.
 *
 * Errors: #RAFT_CANTBOOTSTRAP (this server has a vote, an entry, a snapshot or a term above 1),
 * #RAFT_BADID (an ID is 0, or this server is not in @p conf), #RAFT_DUPLICATEID,
 * #RAFT_DUPLICATEADDRESS, #RAFT_BADROLE, #RAFT_INVALID (no voter, or a NULL address),
 * #RAFT_TOOBIG, #RAFT_NOMEM.
 */
struct raft_event_bootstrap {
    struct raft_configuration conf; /**< The first members; borrowed for the call. */
};

/**
 * Fields of #RAFT_RECEIVE: a message arrived from another server.
 *
 * A message of unknown type is ignored. Errors: #RAFT_MALFORMED (a field has a value that no
 * correct server sends, the sender is 0 or this server, or the address is NULL), #RAFT_CORRUPT
 * (an entry conflicts with a committed one), #RAFT_INVALID (@p message is NULL), #RAFT_NOMEM.
 *
 * #RAFT_MALFORMED is also returned if the term exceeds both 2^61 and this server's own term by more
 * than 2^32, unless this server has no log. No correct cluster reaches such terms. Without this
 * limit, one forged message could raise the term so far that no server can campaign any more.
 */
struct raft_event_receive {
    /** The message; borrowed for the call. Payloads and snapshot bytes are handed through. */
    struct raft_message *message;
};

/**
 * Fields of #RAFT_STORED: all entries up to @p index are durable.
 *
 * One acknowledgement may cover several updates. If the log was truncated or replaced by a snapshot
 * since the write began, the ticket is out of date and the event is ignored. Never use a ticket of
 * a raft that was closed: after the next raft_init() it may stand for another write. Errors:
 * #RAFT_INVALID (the ticket is 0, or higher than that of any update), #RAFT_NOMEM.
 */
struct raft_event_stored {
    raft_index index;         /**< Highest durable index. */
    unsigned long long write; /**< `entries.write` of the update that brought that entry. */
};

/**
 * Fields of #RAFT_PERSISTED_ENTRIES: as #RAFT_STORED, without a ticket.
 *
 * Use it only if the disk cannot acknowledge entries after a later update has replaced them: the
 * library cannot detect that. An index beyond the end of the log is ignored. Error: #RAFT_NOMEM.
 */
struct raft_event_persisted_entries {
    raft_index index; /**< Highest durable index. */
};

/**
 * Fields of #RAFT_PERSISTED_SNAPSHOT: the chunk of the last #RAFT_UPDATE_SNAPSHOT is durable.
 *
 * If the chunk was the last one, the snapshot replaces the log in this step: see
 * #raft_update_snapshot. If the write failed, set `metadata.index` to 0: the library abandons
 * the installation and keeps the old log. An acknowledgement of another chunk is ignored.
 * Error: #RAFT_NOMEM.
 */
struct raft_event_persisted_snapshot {
    /** Index and term as in the update. The configuration is not read. */
    struct raft_snapshot_metadata metadata;
    unsigned long long offset; /**< As in the update. */
    bool last;                 /**< As in the update. */
};

/**
 * Fields of #RAFT_SUBMIT: replicate entries (§3.5).
 *
 * The library sets the term of each entry, and returns the entries in `update.entries` of this
 * step. Let an entry have index i and term t. It is committed when `raft_commit_index(r) >= i` and
 * `raft_term_of(r, i) == t`. It is lost when a later update has `entries.index <= i`. If a snapshot
 * from another leader covers i first, this server cannot know which of the two happened.
 *
 * A #RAFT_CHANGE entry must be submitted alone. It obeys the rules of #RAFT_RECONFIGURE without
 * `force`, and cannot change more than one voter.
 *
 * Errors: #RAFT_NOTLEADER, #RAFT_NOSPACE (see raft_set_capacity_threshold()), #RAFT_BUSY (see
 * raft_set_max_uncommitted_entries()), #RAFT_MALFORMED (an unknown type, a #RAFT_CHANGE that is
 * not alone or cannot be decoded), #RAFT_CANTCHANGE, #RAFT_NOCONNECTION, #RAFT_BADID,
 * #RAFT_BADROLE, #RAFT_INVALID (no entries, or a configuration without a voter), #RAFT_TOOBIG,
 * #RAFT_NOMEM.
 */
struct raft_event_submit {
    struct raft_entry *entries; /**< Borrowed for the call; payloads are handed through. */
    unsigned n;                 /**< Number of entries, at least 1. */
};

/**
 * Fields of #RAFT_READ: request a linearizable read, which sees every command that was committed
 * before it (§6.4).
 *
 * The answer is in `reads` of the update of this step or a later one. The leader answers when a
 * quorum has confirmed a round of heartbeats that began in this step or later; under a lease
 * (§6.4.1) it answers in this step. Neither writes to the log. If a quorum needs servers without
 * #RAFT_FEATURE_ROUNDS, the leader commits a #RAFT_BARRIER entry instead.
 *
 * Reads share rounds. Those that are stepped while a round is in progress share the next one, which
 * begins when the current one is confirmed, or at the next heartbeat. So the caller need not
 * collect reads. Barriers are shared in the same way. While the features of servers that a quorum
 * needs are unknown (see #raft_feature), reads wait for the next heartbeat.
 *
 * Errors: #RAFT_NOTLEADER, #RAFT_BUSY (too many reads are pending), #RAFT_NOMEM.
 */
struct raft_event_read {
    unsigned long long id; /**< Any number; the answer has the same. */
    /** Allow an answer under a lease. It is linearizable only if all servers have the same
     * election timeout, no clock runs over a tenth faster than another, every clock counts the time
     * during which its machine is suspended, and this event's time was read for this event. */
    bool lease;
};

/**
 * Fields of #RAFT_SNAPSHOT: the caller has made a snapshot of its state machine durable (§5.1).
 *
 * The library forgets the entries that the snapshot covers, except at least the last @p trailing
 * ones. After this step, delete what is no longer needed, and nothing else: stored entries below
 * raft_first_index(), and snapshots older than raft_oldest_snapshot_index().
 *
 * If this leader is sending an older snapshot to a server, it goes on with that one as long as the
 * server acknowledges chunks, and keeps the log from there on. If the disk runs full, step
 * #RAFT_UNREACHABLE for that server (raft_progress() says which it is): the transfer begins anew,
 * with the latest snapshot.
 *
 * Store the snapshot together with its whole #raft_snapshot_metadata, which #RAFT_START needs. Get
 * it from raft_term_of() and raft_configuration_at() before this step.
 *
 * Errors: #RAFT_INVALID (the index is above raft_commit_index(), or not above
 * raft_snapshot_index()), #RAFT_NOMEM.
 */
struct raft_event_snapshot {
    /** Only the index is read: the library knows the term, and the configuration, which
     * raft_configuration_at() returns. */
    struct raft_snapshot_metadata metadata;
    /** Number of entries to keep at least, up to and including the index, so that servers that are
     * a little behind need no snapshot. */
    unsigned trailing;
};

/**
 * Fields of #RAFT_RECONFIGURE: change the members (§4.1).
 *
 * If the sets of voters differ by at most one server, the change takes one entry. Otherwise the
 * leader goes through a joint configuration (§4.3), which it leaves without a further event. All
 * members that receive the log must then have #RAFT_FEATURE_JOINT, except those that are out of
 * contact and that the change removes. If @p conf equals the configuration in force, the step
 * succeeds and does nothing.
 *
 * An uncommitted change cannot be taken back. So the library refuses a change unless the servers
 * that are running and up to date are a majority of the present voters, and a majority of the
 * voters in @p conf. The leader itself counts. Another server counts if the leader heard from it in
 * this term and within an election timeout, if its mode is #RAFT_PROGRESS_PIPELINE, and if it lacks
 * no more entries than raft_set_max_inflight_entries() allows.
 *
 * An ID must never be used again: while an emptied server with an old ID receives the log, it
 * passes through old configurations, and may act on one of them. The library refuses to add an ID
 * that a configuration in its log, or in a snapshot that it may send, contains. It does not know
 * the logs of the other servers.
 *
 * Errors: #RAFT_NOTLEADER; #RAFT_CANTCHANGE (another change is uncommitted; a catch-up is running;
 * this leader has not yet committed an entry of its own term; a joint change is needed and a
 * member lacks #RAFT_FEATURE_JOINT); #RAFT_NOCONNECTION (the change could not be committed);
 * #RAFT_BADID (an ID is 0, or was used before); #RAFT_DUPLICATEID; #RAFT_DUPLICATEADDRESS;
 * #RAFT_BADROLE; #RAFT_INVALID (no voter, or a NULL address); #RAFT_TOOBIG; #RAFT_NOMEM.
 */
struct raft_event_reconfigure {
    struct raft_configuration conf; /**< All members after the change; borrowed for the call. */
    /** Make the change although it may be impossible to commit, or an ID was used before, or other
     * members have not announced #RAFT_FEATURE_JOINT. */
    bool force;
};

/**
 * Fields of #RAFT_CATCH_UP: bring a standby or spare up to date, before it is made a voter
 * (§4.2.1).
 *
 * The leader replicates in rounds: each round brings the entries that the log had when the round
 * began. The catch-up finishes when the server has the whole log, or when a round took less than
 * an election timeout. It is aborted when a limit is exceeded: see raft_set_max_catch_up_rounds()
 * and raft_set_max_catch_up_round_duration(). raft_catch_up() returns its status.
 *
 * Errors: #RAFT_NOTLEADER, #RAFT_BADID (no other member has it), #RAFT_BADROLE (it is a voter),
 * #RAFT_BUSY (another catch-up is running), #RAFT_NOMEM.
 */
struct raft_event_catch_up {
    raft_id server_id; /**< The standby or spare; 0: cancel the running catch-up. */
};

/**
 * Fields of #RAFT_TRANSFER: transfer leadership to another voter (§3.10).
 *
 * The leader brings that voter up to date and asks it to campaign at once. During the transfer it
 * refuses new entries with #RAFT_NOTLEADER. It gives up after an election timeout.
 *
 * To cancel a transfer, use this server's own ID; if there is none, that has no effect. If the
 * other voter has already been asked to campaign, it may become leader nevertheless.
 *
 * Errors: #RAFT_NOTLEADER, #RAFT_BADID (no member has it), #RAFT_BADROLE (it is no voter, or has
 * #RAFT_FEATURE_NEVER_LEADS), #RAFT_NOCONNECTION (it was not heard from for an election timeout),
 * #RAFT_NOTFOUND (@p server_id is 0, and no other voter that may lead was heard from), #RAFT_BUSY
 * (a transfer is in progress), #RAFT_NOMEM.
 */
struct raft_event_transfer {
    /** The next leader. 0: the most up-to-date of the other voters that were heard from within an
     * election timeout and may lead. This server's own ID: cancel the transfer. */
    raft_id server_id;
};

/**
 * Fields of #RAFT_UNREACHABLE: the transport could not deliver a message or snapshot.
 *
 * The leader forgets the server's features (see #raft_feature). Until the server answers a
 * heartbeat, the leader sends it neither entries nor chunks of a snapshot. Then it searches for the
 * last entry that both logs have, with one message at a time, or sends the last chunk again. If it
 * was sending an older snapshot, it sends the latest one instead, from its beginning. Step this
 * event also if the entries or bytes of a message can no longer be read. The event is ignored on a
 * server that does not lead, and if the ID is unknown. Error: #RAFT_NOMEM.
 */
struct raft_event_unreachable {
    raft_id server_id; /**< The server that did not get the message. */
};

/**
 * Fields of #RAFT_RECOVER: continue after a majority of the voters is lost for good. **Unsafe.**
 *
 * The server, which must not be a leader, appends @p conf in a new term, which is 2^20 above its
 * current one, so that no term of the lost servers is used again. Committed entries that only the
 * lost servers had are lost. Two clusters can result if any server outside @p conf still runs.
 * Recover one server only: the one whose last durable entry has the highest term and, among those,
 * the highest index. Stop the other survivors, and add them afterwards with empty disks and new
 * IDs. If @p conf contains survivors that keep their disks, restart them: a running server that has
 * learned of a commit index beyond its log does not campaign.
 *
 * Errors: #RAFT_INVALID (this server is the leader; no voter; a NULL address), #RAFT_BADID (an ID
 * is 0, or this server is not in @p conf), #RAFT_DUPLICATEID, #RAFT_DUPLICATEADDRESS,
 * #RAFT_BADROLE, #RAFT_BUSY (a chunk of a snapshot is being written), #RAFT_TOOBIG, #RAFT_NOMEM.
 */
struct raft_event_recover {
    struct raft_configuration conf; /**< All members from now on; borrowed for the call. */
};

/**
 * Fields of #RAFT_SENT: the caller has sent fewer entries to a server than the update asked for.
 *
 * A caller that limits its messages, or what is in flight, in bytes sends fewer entries than a
 * #RAFT_APPEND_ENTRIES message asks for, or does not send the message. It then steps this event for
 * that server, directly after it has carried out the whole update (or that of another #RAFT_SENT),
 * because this step makes the arrays of that update invalid. The entries after @p index count as
 * not sent, and later messages of that update to the same server need not be sent.
 *
 * If at least one entry of the update's last message to that server has been sent, the update of
 * this step asks for the next entries, so that a caller can cut one long message into several. If
 * none was sent, the leader asks for them after the server's next acknowledgement, or at the next
 * heartbeat.
 *
 * The event is ignored if it does not apply: no entry after @p index was asked for, or the server
 * has already stored it. Without this event, cut messages are correct but slow: the leader takes
 * the missing entries for lost, and searches for the last entry that both logs have. Error:
 * #RAFT_NOMEM.
 */
struct raft_event_sent {
    raft_id server_id; /**< The server. */
    raft_index index;  /**< The last entry that was sent to it. */
};

/**
 * Fields of #RAFT_CONFIGURATION, which has no effect. Programs written for C-Raft step it after
 * they apply a #RAFT_CHANGE entry. Error: #RAFT_INVALID (@p index is above the commit index).
 */
struct raft_event_configuration {
    raft_index index;               /**< Index of the entry. */
    struct raft_configuration conf; /**< Not read. */
};

/** Something that happened. Zero it before filling it: reserved space may become fields. The
 * members from @p start on share memory. Fill the one that @p type selects, if it selects one. */
struct raft_event {
    /** Current time, read for this event (see "Time" in the first comment); at most 2^62. If it is
     * less than in the previous event, the library uses the previous time. */
    raft_time time;
    enum raft_event_type type; /**< What happened; selects one of the members below. */
    unsigned char unused;      /**< Not read. */
    /** Disk capacity that is free for log entries, in a unit of the caller's choice; needed in
     * every event if raft_set_capacity_threshold() is used on any server. */
    unsigned short capacity;
    unsigned char reserved[4]; /**< Not read. */
#ifndef DOXYGEN
    union {
#endif
        struct raft_event_start start;                           /**< What is on disk. */
        struct raft_event_receive receive;                       /**< The message that arrived. */
        struct raft_event_persisted_entries persisted_entries;   /**< What is durable. */
        struct raft_event_persisted_snapshot persisted_snapshot; /**< Which chunk is durable. */
        struct raft_event_configuration configuration;           /**< Which entry was applied. */
        struct raft_event_snapshot snapshot;       /**< Which snapshot the caller has taken. */
        struct raft_event_submit submit;           /**< The entries to replicate. */
        struct raft_event_catch_up catch_up;       /**< Which server to bring up to date. */
        struct raft_event_transfer transfer;       /**< Who is to lead next. */
        struct raft_event_bootstrap bootstrap;     /**< The first members of the cluster. */
        struct raft_event_reconfigure reconfigure; /**< The members to change to. */
        struct raft_event_read read;               /**< How to answer the read. */
        struct raft_event_unreachable unreachable; /**< Which server did not get a message. */
        struct raft_event_stored stored;           /**< What is durable, and the write's ticket. */
        struct raft_event_recover recover;         /**< The members that remain. */
        struct raft_event_sent sent;               /**< Which entries were sent. */
#ifndef DOXYGEN
        unsigned long long reserved_union[16]; /* the union is 128 bytes */
    };
#endif
};

#ifndef DOXYGEN
RAFT_ASSERT(sizeof(enum raft_event_type) == 4, "compile without -fshort-enums");
#endif

/* --------------------------------------------------------------------------
 * Messages: what servers send each other
 * ------------------------------------------------------------------------ */

/** Type of a message, and the member of #raft_message that holds its fields. */
enum raft_message_type {
    RAFT_APPEND_ENTRIES = 1,    /**< `append_entries`: entries, or a heartbeat. */
    RAFT_APPEND_ENTRIES_RESULT, /**< `append_entries_result`: answers entries and snapshots. */
    RAFT_REQUEST_VOTE,          /**< `request_vote`: a candidate asks for a vote. */
    RAFT_REQUEST_VOTE_RESULT,   /**< `request_vote_result`: answers it. */
    RAFT_INSTALL_SNAPSHOT,      /**< `install_snapshot`: a snapshot, or a chunk of one. */
    RAFT_TIMEOUT_NOW            /**< `timeout_now`: tells the receiver to campaign at once. */
        RAFT_ENUM_OF_4_BYTES(RAFT_MESSAGE_TYPE_RESERVED)
};

/**
 * Features of a server: bits that it announces in its answers.
 *
 * Rounds, chunks and joint configurations need message fields that C-Raft does not have. A server
 * announces them only if raft_set_features() says that the caller's codec transmits these fields.
 *
 * A server may come back as an older version. So when a server is reported unreachable
 * (#RAFT_UNREACHABLE) or was silent for an election timeout, the leader forgets its features, and
 * uses none of them until the server answers. Joint changes are an exception: they depend on the
 * features that a server announced last, however long ago.
 */
enum raft_feature {
    RAFT_FEATURE_CAPACITY = 1, /**< It reports its disk capacity. Always announced. */
    /** It echoes rounds, so that #RAFT_READ needs no log entry. Needs `round` in messages. */
    RAFT_FEATURE_ROUNDS = 2,
    /** It accepts a snapshot in chunks. Needs `offset`, `last`, `snapshot_index` and
     * `snapshot_offset` in messages. */
    RAFT_FEATURE_CHUNKS = 4,
    /** It supports joint configurations. Needs all values of #raft_server_role in messages. */
    RAFT_FEATURE_JOINT = 8,
    /** It sleeps while the group is idle (raft_set_idle_timeout()). Needs `sleep` in messages, and
     * #RAFT_FEATURE_ROUNDS. A server announces it only while it has an idle timeout and
     * pre-votes. */
    RAFT_FEATURE_SLEEP = 16,
    /** It never leads. raft_set_election_delay() sets this feature, raft_set_features() cannot. */
    RAFT_FEATURE_NEVER_LEADS = 32
};

/** RequestVote (figure 3.1; §9.6 for pre-votes; §3.10 for transfers). Sent as version 2. */
struct raft_request_vote {
    unsigned char version;     /**< 0 to 2: see #raft_message. */
    raft_term term;            /**< The candidate's term; in a pre-vote, that term + 1. */
    raft_id candidate_id;      /**< The candidate, which is also the sender. */
    raft_index last_log_index; /**< The candidate's last durable entry. */
    raft_index last_log_term;  /**< Term of that entry. */
    bool disrupt_leader;       /**< The leader asked for this election. From version 1. */
    bool pre_vote;             /**< Asks only whether a vote would be granted. From version 1. */
};

/** Answer to RequestVote (figure 3.1). Sent as version 2. */
struct raft_request_vote_result {
    unsigned char version; /**< 0 to 2: see #raft_message. */
    /** The voter's term. If this answers a pre-vote: the request's term if it is granted, else the
     * higher one of the voter's term and the request's term. */
    raft_term term;
    bool vote_granted;       /**< The vote, or the pre-vote, is granted. */
    bool pre_vote;           /**< This answers a pre-vote. From version 2. */
    unsigned short features; /**< #raft_feature bits of the voter. From version 2. */
    unsigned short capacity; /**< Disk capacity of the voter. From version 2. */
};

/** AppendEntries and heartbeat (figure 3.1). Sent as version 0, as 1 if it has a round, and as 2 if
 * @p sleep is true. */
struct raft_append_entries {
    unsigned char version;     /**< 0 to 2: see #raft_message. */
    raft_term term;            /**< The leader's term. */
    raft_index prev_log_index; /**< Index of the entry before @p entries. */
    raft_term prev_log_term;   /**< Term of that entry. */
    raft_index leader_commit;  /**< The leader's commit index. */
    /** The entries from `prev_log_index + 1` on. In an update it is NULL: the caller attaches the
     * entries from its log, see #raft_message. In an event the array is borrowed for the call, and
     * the payloads are handed through. */
    struct raft_entry *entries;
    /** Number of entries. In an update the caller may attach fewer and reduce it; then step
     * #RAFT_SENT. */
    unsigned n_entries;
    /** Number of the round of heartbeats; the answer echoes it. 0: none. From version 1. */
    unsigned long long round;
    /** The group is idle: a receiver that has everything sleeps. See raft_set_idle_timeout(). From
     * version 2. */
    bool sleep;
};

/** Answer to AppendEntries and InstallSnapshot. Sent as version 2; to a leader that has sent
 * version 1 of one of these, as version 3. */
struct raft_append_entries_result {
    unsigned char version; /**< 0 to 3: see #raft_message. */
    raft_term term;        /**< The sender's term. */
    raft_index rejected;   /**< The `prev_log_index` that did not match; 0: nothing rejected. */
    /** If @p rejected is 0: the sender's log is durable and matches the leader's up to here.
     * Else a hint: no entry above this index can match. */
    raft_index last_log_index;
    unsigned short features; /**< #raft_feature bits of the sender. From version 1. */
    unsigned short capacity; /**< Disk capacity of the sender. From version 1. */
    /** The latest round that the sender has received from this leader. 0 in the answer that a
     * server sends because it has woken up. From version 3. */
    unsigned long long round;
    raft_index snapshot_index; /**< Snapshot that is being installed; 0: none. From version 3. */
    /** Number of bytes of that snapshot that are durable. From version 3. */
    unsigned long long snapshot_offset;
};

/**
 * InstallSnapshot (figure 5.3). Version 0 is a whole snapshot, version 1 a chunk.
 *
 * A leader sends it only to a server whose features it knows (see #raft_feature), so that a server
 * with #RAFT_FEATURE_CHUNKS never gets version 0. Chunks are sent one at a time. A chunk is sent
 * again if it is not acknowledged for raft_set_install_snapshot_timeout(), or if the server answers
 * after it was reported unreachable. Each term, leader and snapshot begins at offset 0.
 */
struct raft_install_snapshot {
    unsigned char version; /**< 0 or 1: see #raft_message. */
    raft_term term;        /**< The leader's term. */
    raft_index last_index; /**< Last entry that the snapshot covers. */
    raft_term last_term;   /**< Term of that entry. */
    /** Configuration in force at @p last_index. In an update it is valid until the next step; in
     * an event it is borrowed for the call. */
    struct raft_configuration conf;
    raft_index conf_index; /**< Index of the entry that set it. */
    /** Bytes of the snapshot. In an update it is empty: the caller attaches the bytes from
     * @p offset on, at least one unless that is the end, or the whole snapshot in version 0. In an
     * event it is handed through. */
    struct raft_buffer data;
    /** Position of @p data in the snapshot. From version 1. */
    unsigned long long offset;
    /** The snapshot ends with @p data. In an update the caller sets it. From version 1; version
     * 0 is always the end. */
    bool last;
};

/** TimeoutNow: asks the receiver to campaign at once (§3.10). Sent as version 0. */
struct raft_timeout_now {
    unsigned char version;     /**< 0: see #raft_message. */
    raft_term term;            /**< The leader's term. */
    raft_index last_log_index; /**< The leader's last entry. */
    raft_term last_log_term;   /**< Term of that entry. */
};

/**
 * One message between two servers.
 *
 * The caller encodes, transports and decodes messages. They may be lost, delayed, duplicated and
 * reordered. `version` says which fields a message has, so that old and new servers can form a
 * cluster: encode the version and the fields of that version; the receiver ignores the others.
 *
 * In an update, attach the entries to each #RAFT_APPEND_ENTRIES, from the log as it is after
 * duty 2, and the bytes to each #RAFT_INSTALL_SNAPSHOT. If the caller must read them from disk, it
 * may copy the message, and send it after later steps if raft_current_term() still equals the term
 * of the message. Otherwise it must drop the message, because the log may have been rewritten. If
 * the entries or bytes have been deleted, drop the message and step #RAFT_UNREACHABLE.
 *
 * The members from @p request_vote on share memory; @p type selects one.
 */
struct raft_message {
    enum raft_message_type type; /**< What the message is; selects one of the members below. */
    raft_id server_id;           /**< In an update: the receiver. In an event: the sender. */
    /** Address of that server. In an update: the address that came with the message which this
     * message answers; if it answers none, the address in the configuration; valid until the next
     * step. In an event: the address at which the sender accepts connections, which the sender must
     * state itself (it is not the address of its socket); not NULL; borrowed for the call. */
    const char *server_address;
#ifndef DOXYGEN
    union {
#endif
        struct raft_request_vote request_vote;                   /**< Asks for a vote. */
        struct raft_request_vote_result request_vote_result;     /**< Grants or refuses it. */
        struct raft_append_entries append_entries;               /**< Replicates entries. */
        struct raft_append_entries_result append_entries_result; /**< Acknowledges or rejects. */
        struct raft_install_snapshot install_snapshot;           /**< Replaces the log. */
        struct raft_timeout_now timeout_now;                     /**< Starts an election. */
#ifndef DOXYGEN
        unsigned long long reserved_union[16]; /* the union is 128 bytes */
    };
#endif
};

#ifndef DOXYGEN
RAFT_ASSERT(sizeof(enum raft_message_type) == 4, "compile without -fshort-enums");
#endif

/* --------------------------------------------------------------------------
 * Getters
 * ------------------------------------------------------------------------ */

/** State of a server (§3.3, figure 3.3). */
enum raft_state {
    RAFT_FOLLOWER = 1, /**< Answers leaders and candidates. */
    RAFT_CANDIDATE,    /**< Asks for votes or pre-votes. */
    RAFT_LEADER        /**< Replicates its log to the others. */
};

/** What raft_state() returns for a raft that has no state. */
enum {
    RAFT_UNAVAILABLE = 0 /**< The state of a raft that is NULL or not initialized. */
};

/** Returns the version of the library; #RAFT_VERSION is that of the header. @p r may be NULL. */
RAFT_API unsigned raft_version(const struct raft *r);

/** Returns this server's state; #RAFT_UNAVAILABLE for a raft that is NULL or not initialized. */
RAFT_API enum raft_state raft_state(struct raft *r);

/** Returns this server's current term (§3.3). It never decreases. */
RAFT_API raft_term raft_current_term(const struct raft *r);

/** Returns the server that got this server's vote in the current term (§3.4); 0: none. */
RAFT_API raft_id raft_voted_for(const struct raft *r);

/**
 * Get the leader of the current term, if this server knows it. A server that hears no leader for an
 * election timeout forgets it, unless it sleeps.
 *
 * @param id      receives the leader's ID, 0: unknown; may be NULL
 * @param address receives the leader's address, valid until the next step, or NULL if unknown;
 *                may be NULL
 */
RAFT_API void raft_leader(const struct raft *r, raft_id *id, const char **address);

/** Returns the time at which to step #RAFT_TIMEOUT, which may lie in the past: then step it at
 * once. 2^63 - 1 means never. Read it after each update with #RAFT_UPDATE_TIMEOUT, and after each
 * call of a setter. */
RAFT_API raft_time raft_timeout(const struct raft *r);

/** Returns the commit index: the last entry that this server knows to be committed (§3.5). It never
 * decreases. It may be above raft_last_stored(). 0: no entry. */
RAFT_API raft_index raft_commit_index(const struct raft *r);

/** Returns the index of the last entry in the log, durable or not. */
RAFT_API raft_index raft_last_index(const struct raft *r);

/** Returns the index of the oldest entry that a message can ask the caller to attach. The caller
 * may delete older ones that a snapshot covers, and no others. If the log is empty:
 * raft_last_index() + 1. */
RAFT_API raft_index raft_first_index(const struct raft *r);

/** Returns the highest index that is known to be durable on this server. */
RAFT_API raft_index raft_last_stored(const struct raft *r);

/** Returns the last entry that the latest snapshot covers (§5.1); 0: no snapshot. */
RAFT_API raft_index raft_snapshot_index(const struct raft *r);

/** Returns the last entry that the oldest snapshot covers among those that a message can ask the
 * caller to attach. Keep that snapshot and all newer ones. It is below raft_snapshot_index() while
 * this leader sends an older snapshot to a server. 0: no snapshot. */
RAFT_API raft_index raft_oldest_snapshot_index(const struct raft *r);

/**
 * Get the term of a log entry.
 *
 * @param index index of the entry
 * @return its term, which is known from raft_first_index() to raft_last_index(); 0: not known
 */
RAFT_API raft_term raft_term_of(const struct raft *r, raft_index index);

/**
 * Get the configuration in force at a log index. A snapshot there must contain it (§5.1). At
 * raft_last_index() it is the latest one, committed or not.
 *
 * @param index      from raft_snapshot_index() to raft_last_index()
 * @param conf       receives the configuration, valid until the next step
 * @param conf_index receives the index of the entry that set it; may be NULL
 * @return 0, #RAFT_NOTFOUND (@p index is out of range, or no configuration is set yet), or
 *         #RAFT_INVALID (@p conf is NULL)
 */
RAFT_API int raft_configuration_at(const struct raft *r, raft_index index,
                                   struct raft_configuration *conf, raft_index *conf_index);

/** Returns this server's #raft_server_role in the latest configuration; -1: it is not a member. */
RAFT_API int raft_role(const struct raft *r);

/**
 * Get the match index of a member: its log is known to match this leader's up to there (§3.5).
 * raft_progress() returns it together with all else that a leader knows.
 *
 * @param id    the member
 * @param index receives the match index
 * @return 0, #RAFT_NOTLEADER, #RAFT_BADID (not a member) or #RAFT_INVALID (@p index is NULL)
 */
RAFT_API int raft_match_index(const struct raft *r, raft_id id, raft_index *index);

/** How a leader replicates to a member. */
enum raft_progress_mode {
    RAFT_PROGRESS_NONE,     /**< It does not: the member is a spare, or the leader itself. */
    RAFT_PROGRESS_PROBE,    /**< It searches for the last entry that both logs have. */
    RAFT_PROGRESS_PIPELINE, /**< It sends entries without waiting for answers. */
    RAFT_PROGRESS_SNAPSHOT  /**< It sends a snapshot. */
};

/** What a leader knows of a member, as raft_progress() returns it. */
struct raft_peer {
    int mode;                /**< One of #raft_progress_mode. */
    unsigned short features; /**< #raft_feature bits that the member announced last. */
    unsigned short capacity; /**< Disk capacity that the member reported last. */
    raft_index match;        /**< The member's log is known to match up to here. */
    raft_index next;         /**< Next entry to send to the member. */
    /** Time of the member's last answer. Before the first answer: the time at which this server
     * became leader or the member joined. */
    raft_time last_contact;
    raft_index snapshot_index; /**< Last entry of the snapshot that is being sent; 0: none. */
    /** How many bytes of that snapshot the member has acknowledged. */
    unsigned long long snapshot_offset;
    /** How often, in this leader's term, the member came back with less than it had acknowledged:
     * its disk was emptied or set back. Committed entries may be lost, because Raft relies on
     * acknowledged entries being kept. Remove the member. See also #RAFT_TRACE_DATA_LOSS.
     *
     * The leader counts a loss when the member rejects what it had acknowledged, unless the answer
     * may be older than the acknowledgement. With #RAFT_FEATURE_ROUNDS, the answer must echo a
     * round that began after the member's last progress. Then @p match becomes 0, and only answers
     * to later rounds count again. Without rounds, the member must reject for an election timeout,
     * and no answer meanwhile may show that it still has what it acknowledged; @p match then stays
     * as it is. In both cases the leader sends what the member lacks. A snapshot that is being sent
     * goes on. */
    unsigned long long data_losses;
    unsigned long long reserved[8]; /**< Always 0. */
};

/**
 * Get what this leader knows of a member.
 *
 * @param id   the member
 * @param peer receives the data
 * @return 0, #RAFT_NOTLEADER, #RAFT_BADID (not a member) or #RAFT_INVALID (@p peer is NULL)
 */
RAFT_API int raft_progress(const struct raft *r, raft_id id, struct raft_peer *peer);

/** Status of a catch-up (§4.2.1): see #RAFT_CATCH_UP and raft_catch_up(). */
enum raft_catch_up_status {
    RAFT_CATCH_UP_NONE,    /**< #RAFT_CATCH_UP was not stepped for this server. */
    RAFT_CATCH_UP_RUNNING, /**< The server is being brought up to date. */
    RAFT_CATCH_UP_ABORTED, /**< The server was too slow. */
    RAFT_CATCH_UP_FINISHED /**< The server is up to date and can be made a voter. */
};

/**
 * Get the status of a member's catch-up: see #raft_event_catch_up.
 *
 * @param id     the member
 * @param status receives one of #raft_catch_up_status
 * @return 0, #RAFT_NOTLEADER, #RAFT_BADID (not a member) or #RAFT_INVALID (@p status is NULL)
 */
RAFT_API int raft_catch_up(const struct raft *r, raft_id id, int *status);

/** Returns the server to which this leader is transferring leadership (§3.10); 0: none. */
RAFT_API raft_id raft_transferee(const struct raft *r);

/** Returns a text that says why the latest failure of a step or setter happened. A setter that
 * succeeds makes it empty; a step that succeeds leaves it as it was. Never NULL; valid until the
 * next step, setter or raft_close(). */
RAFT_API const char *raft_errmsg(const struct raft *r);

/* --------------------------------------------------------------------------
 * Setters
 * ------------------------------------------------------------------------ */

/**
 * @defgroup raft_setters Setters
 *
 * Every setting has a default, which its setter's comment states. The settings are valid if the
 * heartbeat timeout is less than the election timeout, and settings that must not be 0 are not.
 * Before #RAFT_START, setters may be called in any order, and #RAFT_START checks the settings.
 * After it, a call that would make the settings invalid returns #RAFT_INVALID. A setter that
 * returns an error changes nothing. A setter that is called from the raft's own tracer returns
 * #RAFT_BUSY. Setters allocate no memory: the settings are stored in the handle.
 *
 * A timeout that is set while the server runs takes effect at once. A lower election timeout brings
 * a running deadline forward. A higher one puts it off, to at least the new minimum from now. A
 * setter has no update: read raft_timeout() after the call.
 *
 * @{
 */

/**
 * Seed the generator that randomizes election timeouts (§3.4). The library mixes the server's ID
 * into the seed, so that servers with the same seed do not time out together. Two rafts with the
 * same ID, settings, seed and events produce the same updates.
 *
 * @param seed any number; default 0
 * @return 0 or #RAFT_INVALID
 */
RAFT_API int raft_seed(struct raft *r, unsigned seed);

/**
 * Set the minimum election timeout (§3.4). Each timeout is chosen at random between this and
 * twice this. A leader that does not hear from a quorum for the minimum steps down (§6.2).
 *
 * For reads under a lease, the leader's timeout must not be longer than any voter's (§6.4.1). To
 * raise it on a running cluster, set it on the leader last. To lower it, set it on the leader
 * first, and on the others one old timeout later. If another server may become leader in between,
 * step #RAFT_READ with `lease` false until all servers have the new timeout.
 *
 * @param msecs milliseconds, not 0; default 1000
 * @return 0 or #RAFT_INVALID
 */
RAFT_API int raft_set_election_timeout(struct raft *r, unsigned msecs);

/**
 * Set the interval between a leader's heartbeats (§3.4).
 *
 * @param msecs milliseconds, not 0; default 100
 * @return 0 or #RAFT_INVALID
 */
RAFT_API int raft_set_heartbeat_timeout(struct raft *r, unsigned msecs);

/**
 * Set how long a leader waits for the acknowledgement of a chunk before it sends the chunk again
 * (§5.1). Make it longer than a server needs to receive and write one chunk. A server without
 * #RAFT_FEATURE_CHUNKS acknowledges only the whole snapshot: then make it longer than a transfer.
 * If a server acknowledges no chunk for that time, the transfer of an older snapshot ends, and the
 * latest one is sent.
 *
 * @param msecs milliseconds, not 0; default 30000
 * @return 0 or #RAFT_INVALID
 */
RAFT_API int raft_set_install_snapshot_timeout(struct raft *r, unsigned msecs);

/**
 * Enable or disable pre-votes (§9.6): a server asks whether it could win before it begins an
 * election, so that a server that cannot win does not disturb a leader.
 *
 * @param enabled 0: disable; else enable; default 1
 * @return 0 or #RAFT_INVALID
 */
RAFT_API int raft_set_pre_vote(struct raft *r, unsigned enabled);

/**
 * Set the number of rounds after which a catch-up is aborted (§4.2.1).
 *
 * @param rounds number of rounds, not 0; default 10
 * @return 0 or #RAFT_INVALID
 */
RAFT_API int raft_set_max_catch_up_rounds(struct raft *r, unsigned rounds);

/**
 * Set how long one round of a catch-up may take before the catch-up is aborted (§4.2.1).
 *
 * @param msecs milliseconds, not 0; default 5000
 * @return 0 or #RAFT_INVALID
 */
RAFT_API int raft_set_max_catch_up_round_duration(struct raft *r, unsigned msecs);

/**
 * Set how many unacknowledged entries a leader may have sent to one server (§10.2.2). To limit
 * bytes instead, see #RAFT_SENT.
 *
 * @param n number of entries, not 0; default 1024
 * @return 0 or #RAFT_INVALID
 */
RAFT_API int raft_set_max_inflight_entries(struct raft *r, unsigned n);

/**
 * Set how many entries one AppendEntries message may have. To limit bytes instead, see #RAFT_SENT.
 *
 * @param n number of entries; 0: no limit (default)
 * @return 0 or #RAFT_INVALID
 */
RAFT_API int raft_set_max_message_entries(struct raft *r, unsigned n);

/**
 * Set how many entries of a leader's log may be uncommitted. #RAFT_SUBMIT fails with #RAFT_BUSY
 * if it would exceed the limit. Entries that the library creates may exceed it.
 *
 * @param n number of entries; 0: no limit (default)
 * @return 0 or #RAFT_INVALID
 */
RAFT_API int raft_set_max_uncommitted_entries(struct raft *r, unsigned n);

/**
 * Set a time that this server waits in addition to its election timeout before it campaigns, so
 * that servers with a shorter delay are more likely to lead. The delay changes neither leases nor
 * when this server votes. The target of a transfer does not wait.
 *
 * @param msecs milliseconds; default 0. UINT_MAX: this server never leads, neither after a
 *              transfer nor as the only voter. It still votes, and announces
 *              #RAFT_FEATURE_NEVER_LEADS. A leader steps down at its next heartbeat.
 * @return 0 or #RAFT_INVALID
 */
RAFT_API int raft_set_election_delay(struct raft *r, unsigned msecs);

/**
 * Choose when a leader tells the other servers that its commit index has increased: with the next
 * message that it sends to them anyway, or at once, if need be in a message without entries. The
 * latter lets followers apply an entry sooner. It costs up to one message, and its answer, for each
 * server and commit.
 *
 * @param enabled 0: with the next message (default); else at once
 * @return 0 or #RAFT_INVALID
 */
RAFT_API int raft_set_eager_commit(struct raft *r, unsigned enabled);

/**
 * Let the servers of a group sleep while it is idle, so that a host can run very many groups.
 * A server that sleeps has no deadline: raft_timeout() returns 2^63 - 1, and no messages are sent.
 *
 * Set the idle timeout on all members, with pre-votes enabled, and with #RAFT_FEATURE_ROUNDS and
 * #RAFT_FEATURE_SLEEP in raft_set_features(). Then:
 *
 * - **Falling asleep.** When the leader has not been asked for anything (#RAFT_SUBMIT, #RAFT_READ,
 *   #RAFT_RECONFIGURE, #RAFT_CATCH_UP, #RAFT_TRANSFER) for the idle timeout, everything is
 *   committed and every member that it replicates to has everything, its heartbeats tell the
 *   members to sleep. When all of them have answered, it sleeps, too. Members that were silent for
 *   ten election timeouts are left out if the others include a quorum. Then the leader asks those
 *   once every hundred heartbeat timeouts, which is the only deadline that it has, whether they are
 *   back. It also asks a member that is reported by #RAFT_UNREACHABLE.
 * - **Waking up.** The events above wake a leader that sleeps if they succeed, and the whole group
 *   with it. So does any message from a server that does not sleep. A server also wakes up for
 *   #RAFT_WAKE, and when raft_set_idle_timeout(), raft_set_pre_vote(), raft_set_features() or
 *   raft_set_election_delay() has changed a setting so that it may not sleep any more. The time
 *   that it slept does not count as silence. A leader that was woken although nothing was asked
 *   sends the group to sleep again at once.
 * - **Voting.** A server that sleeps behaves as if it had just heard from its leader: it grants no
 *   vote for an election timeout after it woke up, unless the leader permits it. #RAFT_CAMPAIGN
 *   returns #RAFT_BUSY. No lease survives sleep.
 *
 * **The caller must detect that a leader is gone.** If the host of a leader that sleeps fails, no
 * member of the group finds out, because none of them expects messages. Watch the other hosts, with
 * one connection to each host instead of one for each group. When a host fails, step #RAFT_WAKE for
 * the groups whose raft_leader() is there. Also step it when a client of this group reports that it
 * cannot reach the leader. A false alarm does no harm. The group elects a leader as soon as one
 * voter that may campaign is awake.
 *
 * Three things to know:
 *
 * - A standby, or a voter that never leads, that restarts while its group sleeps learns the leader
 *   and the commit index only when the group wakes up. When a host returns, step #RAFT_WAKE for the
 *   groups that are led here and have such a member there.
 * - A server that was removed, but still runs, asks for votes again and again, and so wakes its old
 *   group each time. Stop it.
 * - Transfer leadership away before you tell a leader that it never leads. If it steps down while
 *   the other servers sleep, only #RAFT_WAKE may help.
 *
 * A server gives the memory of a large step back after some small steps, such as eight heartbeats.
 * So let the idle timeout be longer than these.
 *
 * @param msecs milliseconds; 0: the server does not sleep (default)
 * @return 0 or #RAFT_INVALID
 */
RAFT_API int raft_set_idle_timeout(struct raft *r, unsigned msecs);

/**
 * Set the disk capacity that a majority of the voters must report; otherwise #RAFT_SUBMIT fails
 * with #RAFT_NOSPACE. A voter without #RAFT_FEATURE_CAPACITY counts as having enough. Entries
 * that the library creates are exempt.
 *
 * @param min capacity in the unit of `raft_event.capacity`; 0: no check (default)
 * @return 0 or #RAFT_INVALID
 */
RAFT_API int raft_set_capacity_threshold(struct raft *r, unsigned short min);

/**
 * Declare which optional message fields the caller's codec transmits. Enable a feature only if
 * all its fields reach the receiver.
 *
 * #RAFT_FEATURE_SLEEP is announced only while the server may sleep: see raft_set_idle_timeout().
 *
 * @param mask #raft_feature bits; default 0. #RAFT_FEATURE_CAPACITY is always included.
 * @return 0 or #RAFT_INVALID (an unknown bit, or #RAFT_FEATURE_NEVER_LEADS)
 */
RAFT_API int raft_set_features(struct raft *r, unsigned mask);

/** @} */

/* --------------------------------------------------------------------------
 * Tracing
 * ------------------------------------------------------------------------ */

/** What a trace record reports, and the fields of #raft_tracer_info that it uses. The fields
 * `time`, `server` and `text` are always set. */
enum raft_trace_type {
    RAFT_TRACE_EVENT = 1,     /**< An event was stepped; `code`: its #raft_event_type. */
    RAFT_TRACE_RECEIVED,      /**< A message from `peer`; `code`: its #raft_message_type. */
    RAFT_TRACE_SENT,          /**< A message to `peer`; `code`: its #raft_message_type. */
    RAFT_TRACE_TERM,          /**< The current term is now `term`. */
    RAFT_TRACE_VOTE,          /**< This server's vote is now for `peer`; 0: none. */
    RAFT_TRACE_STATE,         /**< The state is now `code`, a #raft_state. */
    RAFT_TRACE_LEADER,        /**< The known leader is now `peer`; 0: unknown. */
    RAFT_TRACE_ENTRIES,       /**< `code` entries, from `index` on, are to be written. */
    RAFT_TRACE_SNAPSHOT,      /**< A chunk of the snapshot at `index` is to be written. */
    RAFT_TRACE_COMMIT,        /**< The commit index is now `index`. */
    RAFT_TRACE_CONFIGURATION, /**< The latest configuration is now that of the entry at
                                   `index`; `code`: the number of servers. */
    RAFT_TRACE_READ,          /**< A read is answered with `index` and the status `code`. */
    RAFT_TRACE_CATCH_UP,      /**< The status of a catch-up changed. */
    RAFT_TRACE_TRANSFER,      /**< Leadership is being transferred to `peer`; 0: to no one. */
    RAFT_TRACE_DATA_LOSS,     /**< `peer` lost entries that it had acknowledged, up to `index`. */
    RAFT_TRACE_ASLEEP,        /**< The server fell asleep: see raft_set_idle_timeout(). */
    RAFT_TRACE_AWAKE          /**< The server woke up. */
};

/** One trace record: something that a step changed or did. #raft_trace_type says which fields each
 * type of record uses. */
struct raft_tracer_info {
    int version;      /**< Version of this struct: 1. */
    int code;         /**< See #raft_trace_type; else 0. */
    raft_time time;   /**< Time of the step. */
    raft_id server;   /**< This server. */
    raft_id peer;     /**< The other server, if the type has one; else 0. */
    raft_term term;   /**< This server's term; for a snapshot, that of its last entry. */
    raft_index index; /**< The index, if the type has one; else 0. */
    const char *text; /**< Name of the type: a static string, never NULL. */
    unsigned long long reserved[4]; /**< Always 0. */
};

/** A function of the caller that receives trace records: see raft_set_tracer(). */
struct raft_tracer {
    void *impl;  /**< For the caller; the library does not read it. */
    int version; /**< Version of this struct: set it to 1. */
    /** The library calls this function for each record. @p t is the tracer, @p type is a
     * #raft_trace_type, and @p info points to a #raft_tracer_info, which is valid during the call.
     * The function may call getters of the raft that is being stepped. raft_step(), raft_close()
     * and setters return #RAFT_BUSY there. It must return: no longjmp(), no exception. */
    void (*emit)(struct raft_tracer *t, int type, const void *info);
};

/**
 * Set a tracer: a function that learns what each step does, for logs and tests. Each successful
 * step emits its records just before it returns.
 *
 * @param t a tracer, which must stay valid until another is set or the raft is closed; NULL: no
 *          tracing (default)
 * @return 0 or #RAFT_INVALID (no emit function)
 */
RAFT_API int raft_set_tracer(struct raft *r, struct raft_tracer *t);

#ifdef __cplusplus
}
#endif

#endif /* RAFT_H */
