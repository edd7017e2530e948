/* SPDX-License-Identifier: MIT */
#include "address.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INCARNATION_DIGITS = 16 };

static bool parse(const char *text, size_t len, struct endpoint *e) {
    size_t colon = len;
    while (colon > 0 && text[colon - 1] != ':') {
        colon--;
    }
    if (colon < 2 || colon == len || len - colon >= sizeof e->port) {
        return false;
    }
    memcpy(e->port, text + colon, len - colon);
    e->port[len - colon] = '\0';
    size_t host_len = colon - 1;
    if (text[0] == '[' && text[host_len - 1] == ']') {
        text++;
        host_len -= 2;
    }
    if (host_len == 0 || host_len > MAX_ADDRESS) {
        return false;
    }
    memcpy(e->host, text, host_len);
    e->host[host_len] = '\0';
    char *end;
    long port = strtol(e->port, &end, 10);
    return *end == '\0' && port > 0 && port <= 65535 && strpbrk(e->host, " \t\r\n/,=") == NULL;
}

bool endpoint_parse(const char *text, struct endpoint *endpoint) {
    return parse(text, strlen(text), endpoint);
}

bool address_peer(const char *address, struct endpoint *endpoint) {
    const char *slash = strchr(address, '/');
    return slash != NULL && parse(address, (size_t)(slash - address), endpoint);
}

const char *address_client(const char *address) {
    static char client[MAX_ADDRESS + 1];
    const char *slash = strchr(address, '/');
    size_t len = slash != NULL ? strcspn(slash + 1, "/") : 0;
    if (len > MAX_ADDRESS) {
        len = 0;
    }
    if (len > 0) {
        memcpy(client, slash + 1, len);
    }
    client[len] = '\0';
    return client;
}

bool address_valid(const char *address) {
    struct endpoint e;
    const char *slash = strchr(address, '/');
    return slash != NULL && strlen(address) <= MAX_ADDRESS && address_peer(address, &e) &&
           endpoint_parse(slash + 1, &e);
}

void address_complete(const char *address, uint64_t incarnation, char full[MAX_FULL_ADDRESS + 1]) {
    snprintf(full, MAX_FULL_ADDRESS + 1, "%s/%016" PRIx64, address, incarnation);
}

bool address_incarnation(const char *full, uint64_t *incarnation) {
    char address[MAX_ADDRESS + 1];
    const char *slash = strrchr(full, '/');
    if (slash == NULL || slash - full > MAX_ADDRESS || strlen(slash + 1) != INCARNATION_DIGITS ||
        strspn(slash + 1, "0123456789abcdef") != INCARNATION_DIGITS) {
        return false;
    }
    memcpy(address, full, (size_t)(slash - full));
    address[slash - full] = '\0';
    *incarnation = strtoull(slash + 1, NULL, 16);
    return *incarnation != 0 && address_valid(address);
}
