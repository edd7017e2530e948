/* SPDX-License-Identifier: MIT */
/* The address of a server in the Raft configuration: "peerhost:port/clienthost:port". */
#ifndef KV_ADDRESS_H
#define KV_ADDRESS_H

#include "limits.h"

#include <stdbool.h>

struct endpoint {
    char host[MAX_ADDRESS + 1];
    char port[8];
};

/* Split "host:port". An IPv6 address is written in brackets. False: malformed. */
bool endpoint_parse(const char *text, struct endpoint *endpoint);

/* True if both parts of the address are present and well-formed. */
bool address_valid(const char *address);
/* The endpoint that the other servers connect to. False: malformed. */
bool address_peer(const char *address, struct endpoint *endpoint);
/* The endpoint that clients connect to, "host:port"; "" if the address has none. */
const char *address_client(const char *address);

#endif
