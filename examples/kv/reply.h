/* SPDX-License-Identifier: MIT */
/* Answers in the Redis protocol. */
#ifndef KV_REPLY_H
#define KV_REPLY_H

#include "client.h"

/* Building an answer. */
void reply_array(struct buf *b, size_t n);
void reply_bulk(struct buf *b, const char *text, size_t len);
void reply_string(struct buf *b, const char *text); /* as a bulk string */
void reply_integer(struct buf *b, long long value);
void reply_nil(struct buf *b);

/* Answering at once. An error's text begins with its code, as in "ERR why". */
void client_error(struct client *c, uint64_t seq, const char *text);
void client_integer(struct client *c, uint64_t seq, long long value);
void client_status(struct client *c, uint64_t seq, const char *text);
/* Send the reply that was built in the server's scratch buffer. */
void client_scratch(struct server *s, struct client *c, uint64_t seq);

/* The raft refused a command with this error: nothing was done. Names the leader
 * if it is another server. */
void client_raft_error(struct server *s, struct client *c, uint64_t seq, int error);
/* "MOVED 0 host:port" of the leader, or that there is none. */
void client_moved(struct server *s, struct client *c, uint64_t seq);

#endif
