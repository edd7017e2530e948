/* SPDX-License-Identifier: MIT */
#include "address.h"

#include <stdlib.h>
#include <string.h>

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
    const char *slash = strchr(address, '/');
    return slash != NULL ? slash + 1 : "";
}

bool address_valid(const char *address) {
    struct endpoint e;
    return strlen(address) <= MAX_ADDRESS && address_peer(address, &e) &&
           endpoint_parse(address_client(address), &e);
}
