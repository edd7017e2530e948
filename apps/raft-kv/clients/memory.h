/* SPDX-License-Identifier: MIT */
/* The memory that is used for clients: input that is not parsed, parsed commands, queued reads,
 * waiting writes, replies.
 *
 * Three quarters of the memory go to whoever needs much: a client may use at most a quarter of what
 * is free of it. Of the last quarter every client may use a small part, so that clients that need
 * little are served however much the others want. A client that gets no more has to wait: its input
 * is not read and its reads are not served. A client that holds memory without making progress is
 * closed after some time, and soon while memory is scarce (client_watch.c). */
#ifndef KV_MEMORY_H
#define KV_MEMORY_H

#include <raft.h>

#include <stdbool.h>
#include <stddef.h>

struct server;
struct client;

struct client_memory {
    size_t limit;       /* bytes for all clients, see memory_used() */
    size_t held;        /* by clients, without waiting writes */
    size_t max_reply;   /* bytes of one reply */
    raft_time denied;   /* when a client was last told to wait for memory */
    bool freed;         /* memory was freed since the waiting clients were last tried */
    raft_time tried;    /* when they were */
    unsigned starved;   /* how many clients wait */
    size_t highest;     /* memory_used() since the last memory_return(), */
    raft_time returned; /* which was then */
};

void memory_init(struct client_memory *m, size_t limit);

/* Bytes that are used for all clients, waiting writes included. */
size_t memory_used(const struct server *s);

/* Update the account of a client after its buffers changed. */
void memory_account(struct client *c);

/* How many bytes more the client may use. */
size_t memory_room(const struct client *c);

/* True if the client may use so many bytes more. Otherwise it is to wait: memory_retry() resumes
 * it. */
bool memory_allows(struct client *c, size_t more);

/* Resume the client later, when memory_retry() is called. */
void memory_wait(struct client *c);

/* Resume the clients that wait for memory. With `now` false: only if some was freed, and not more
 * often than every few milliseconds. */
void memory_retry(struct server *s, bool now);

/* Give freed memory back to the operating system, where the C library would keep it. Called
 * regularly; acts after much was freed, and not often, because it takes some time. */
void memory_return(struct server *s);

/* By how many bytes more is used than three quarters. */
size_t memory_excess(const struct server *s);
/* True if more is used than that, or if clients had to wait for memory within the last second. */
bool memory_scarce(const struct server *s);

#endif
