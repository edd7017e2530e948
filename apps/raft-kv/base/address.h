/* SPDX-License-Identifier: MIT */
/* The address of a server: "peerhost:port/clienthost:port". In the Raft configuration and between
 * servers a third part follows, "/" and the incarnation of the server's directory (identity.h) as
 * 16 hexadecimal digits. */
#ifndef KV_ADDRESS_H
#define KV_ADDRESS_H

#include "limits.h"

#include <stdbool.h>
#include <stdint.h>

enum { MAX_FULL_ADDRESS = MAX_ADDRESS + 17 /* bytes of an address with its incarnation */ };

struct endpoint {
    char host[MAX_ADDRESS + 1];
    char port[8];
};

/* Split "host:port". An IPv6 address is written in brackets. False: malformed. */
bool endpoint_parse(const char *text, struct endpoint *endpoint);

/* True if the address consists of two well-formed parts, without an incarnation. */
bool address_valid(const char *address);
/* Write the address with the incarnation as its third part. The address must be valid. */
void address_complete(const char *address, uint64_t incarnation, char full[MAX_FULL_ADDRESS + 1]);
/* The incarnation in an address. False: the address does not consist of three well-formed parts. */
bool address_incarnation(const char *full, uint64_t *incarnation);
/* The endpoint that the other servers connect to. False: malformed. */
bool address_peer(const char *address, struct endpoint *endpoint);
/* The endpoint that clients connect to, "host:port"; "" if the address has none. Valid until the
 * next call. */
const char *address_client(const char *address);

#endif
