/* SPDX-License-Identifier: MIT */
/* Limits on the resources that clients and other servers can make this server use. */
#ifndef KV_LIMITS_H
#define KV_LIMITS_H

enum {
    MAX_KEY = 64 * 1024,                     /* bytes of a key */
    MAX_VALUE = 1024 * 1024,                 /* bytes of a value */
    MAX_COMMAND = 4 * 1024 * 1024,           /* bytes of all arguments of a command */
    MAX_ARGUMENTS = 64 * 1024,               /* arguments of a command */
    MAX_INLINE = 64 * 1024,                  /* bytes of an inline command */
    MAX_REPLY = 32 * 1024 * 1024,            /* bytes of one reply */
    MAX_CLIENTS = 10000,                     /* client connections, see descriptors.h */
    MAX_CLIENT_SLOTS = 1024,                 /* unanswered commands of one client */
    MAX_CLIENT_OUTPUT = 4 * 1024 * 1024,     /* unsent bytes; above, a client has to read first */
    MAX_CLIENT_QUEUED = 8 * 1024 * 1024,     /* bytes of a client's commands in progress; above, no
                                              * further one is executed */
    MAX_UNAUTHENTICATED = 4096,              /* bytes of a command before AUTH */
    REPLY_HEAD = 32,                         /* bytes that a reply has besides its text */
    PROGRESS = 64 * 1024,                    /* bytes that a client has to take or to send within
                                              * --client-timeout, or if memory is scarce */
    SCARCE_PATIENCE = 3000,                  /* within so many ms, if it has replies to read or the
                                              * rest of a command to send */
    MAX_TIMEOUT = 3600000,                   /* ms, for --write-timeout and --client-timeout */
    MIN_CLIENT_MEMORY = 64,                  /* MiB, for --max-client-memory */
    MAX_CLIENT_MEMORY = 1024 * 1024,         /* MiB, likewise */
    MAX_UNCOMMITTED = 64 * 1024,             /* entries */
    MAX_INFLIGHT_ENTRIES = 16 * 1024,        /* entries that were sent to a server */
    MAX_FRAME = 8 * 1024 * 1024,             /* bytes of a message between servers */
    MAX_MESSAGE_ENTRIES_BYTES = 1024 * 1024, /* payload bytes after which a message takes no more */
    MAX_PEER_OUTPUT = 64 * 1024 * 1024, /* unsent bytes to a peer; above, messages are dropped */
    MAX_PEER_CONNECTIONS = 256,         /* incoming, see descriptors.h */
    MAX_SERVERS = 128,                  /* members of a cluster */
    MAX_ADDRESS = 512,                  /* bytes of an address */
    SNAPSHOT_CHUNK = 256 * 1024         /* bytes of a snapshot in one message */
};

#endif
