/* SPDX-License-Identifier: MIT */
/* Replies in the Redis protocol. */
#ifndef KV_REPLY_H
#define KV_REPLY_H

#include "client.h"

struct result;

/* Build a reply. reply_begin() empties the buffer and makes room for so many bytes, not more. */
void reply_begin(struct buf *b, size_t len);
void reply_array(struct buf *b, size_t n);
void reply_bulk(struct buf *b, const char *text, size_t len);
void reply_string(struct buf *b, const char *text); /* as a bulk string */
void reply_integer(struct buf *b, long long value);
void reply_nil(struct buf *b, const struct client *c);
void reply_map(struct buf *b, const struct client *c, size_t n); /* n names and values follow */
void reply_set(struct buf *b, const struct client *c, size_t n);
/* Text for people; not valid for binary data. */
void reply_text(struct buf *b, const struct client *c, const char *text, size_t len);

/* Send a reply. The text of an error begins with its code, as in "ERR reason". */
void client_error(struct client *c, uint64_t seq, const char *text);
void client_integer(struct client *c, uint64_t seq, long long value);
void client_status(struct client *c, uint64_t seq, const char *text);
/* Send the result of a command that was applied. */
void client_result(struct server *s, struct client *c, uint64_t seq, const struct result *result);
/* Send the reply that was built in the server's scratch buffer. */
void client_scratch(struct server *s, struct client *c, uint64_t seq);

/* Reply that libraft rejected a command with this error, so nothing was done. If another server is
 * the leader, the reply is MOVED. */
void client_raft_error(struct server *s, struct client *c, uint64_t seq, int error);
/* Reply "MOVED slot host:port" with the leader's address, or CLUSTERDOWN if no leader is known. The
 * leader has all slots, but some clients move only the one that is named. */
void client_moved(struct server *s, struct client *c, uint64_t seq, unsigned slot);

#endif
