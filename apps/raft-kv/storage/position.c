/* SPDX-License-Identifier: MIT */
#include "position.h"

#include <sodium.h>

uint64_t position_of(const char *key, size_t len) {
    static const unsigned char hash_key[crypto_shorthash_KEYBYTES] = {
        'r', 'a', 'f', 't', '-', 'k', 'v', ' ', 'p', 'o', 's', 'i', 't', 'i', 'o', 'n'};
    unsigned char hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, (const unsigned char *)key, len, hash_key);
    uint64_t position = load_le(hash, sizeof hash) >> 1;
    return position > 0 ? position : 1;
}
