/* SPDX-License-Identifier: MIT */
/* A server's address, as Raft sees it: "peerhost:port/clienthost:port". */
#ifndef KV_ADDRESS_H
#define KV_ADDRESS_H

#include "limits.h"

#include <stdbool.h>

struct endpoint {
    char host[MAX_ADDRESS + 1];
    char port[8];
};

/* Split "host:port"; an IPv6 address stands in brackets. */
bool endpoint_parse(const char *text, struct endpoint *endpoint);

/* Is this a whole address? */
bool address_valid(const char *address);
/* Where the other servers connect to. */
bool address_peer(const char *address, struct endpoint *endpoint);
/* Where clients connect to, "host:port"; "" if the address has none. */
const char *address_client(const char *address);

#endif
