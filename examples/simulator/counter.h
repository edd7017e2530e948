/* SPDX-License-Identifier: MIT */
/* A driver to be tested: a replicated counter. */
#ifndef COUNTER_H
#define COUNTER_H

#include "simulator.h"

extern const struct driver counter_driver;

/* Faults that the driver can have. Each is a mistake that is easily made. */
enum fault {
    NO_FAULT,
    SENDS_BEFORE_VOTE,    /* messages leave before the term and vote are durable */
    STORED_BEFORE_SYNC,   /* RAFT_STORED is stepped when the write begins, not when it is durable */
    APPLIES_UNCOMMITTED,  /* entries are applied as soon as they are in the log */
    KEEPS_OLD_ENTRIES,    /* the log is not truncated before entries are appended */
    READS_LOCALLY,        /* a read is answered from this server's state, without RAFT_READ */
    IGNORES_TERMS,        /* a client is answered although its entry was replaced by another one */
    ATTACHES_WRONG,       /* a message gets the entries from one index too low */
    STORES_WRONG_TERM,    /* entries are stored with the current term instead of their own */
    FORGETS_TO_SYNC,      /* what is written during a sync waits for the next write */
    STORES_FIRST_PAYLOAD, /* all entries of an update get the payload of its first one */
    INSTALLS_BEFORE_SYNC, /* RAFT_PERSISTED_SNAPSHOT is stepped when the write begins */
    FORGETS_TO_RESTORE,   /* a snapshot replaces the log, but not the state machine */
    N_FAULTS
};
extern enum fault counter_fault;

#endif
