/* SPDX-License-Identifier: MIT */
/* CRC-32C. x86-64 processors with SSE 4.2 and most 64-bit ARM processors compute it by an
 * instruction, several times as fast as tables. Whether there is one is found out at the start. */
#include "bytes.h"

static uint32_t tables[8][256];

static void prepare_tables(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1)));
        }
        tables[0][i] = crc;
    }
    for (int t = 1; t < 8; t++) {
        for (int i = 0; i < 256; i++) {
            uint32_t below = tables[t - 1][i];
            tables[t][i] = (below >> 8) ^ tables[0][below & 0xff];
        }
    }
}

uint32_t crc32c_tables(uint32_t crc, const void *data, size_t len) {
    const unsigned char *p = data;
    crc = ~crc;
    for (; len >= 8; p += 8, len -= 8) { /* slicing-by-8: eight independent lookups */
        uint32_t low = crc ^ (uint32_t)load_le(p, 4);
        crc = tables[7][low & 0xff] ^ tables[6][(low >> 8) & 0xff] ^ tables[5][(low >> 16) & 0xff] ^
              tables[4][low >> 24] ^ tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^
              tables[0][p[7]];
    }
    for (; len > 0; p++, len--) {
        crc = (crc >> 8) ^ tables[0][(crc ^ *p) & 0xff];
    }
    return ~crc;
}

#if defined(__x86_64__)

#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const void *data,
                                                                 size_t len) {
    const unsigned char *p = data;
    uint64_t sum = ~crc;
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        sum = _mm_crc32_u64(sum, word);
    }
    for (; len > 0; p++, len--) {
        sum = _mm_crc32_u8((uint32_t)sum, *p);
    }
    return ~(uint32_t)sum;
}

static bool has_instruction(void) { return __builtin_cpu_supports("sse4.2") != 0; }

#elif defined(__aarch64__) && defined(__AARCH64EL__)

#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

__attribute__((target("+crc"))) static uint32_t by_instruction(uint32_t crc, const void *data,
                                                               size_t len) {
    const unsigned char *p = data;
    crc = ~crc;
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        crc = __crc32cd(crc, word);
    }
    for (; len > 0; p++, len--) {
        crc = __crc32cb(crc, *p);
    }
    return ~crc;
}

static bool has_instruction(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }

#else

#define by_instruction crc32c_tables

static bool has_instruction(void) { return false; }

#endif

static uint32_t (*function)(uint32_t, const void *, size_t) = crc32c_tables;

__attribute__((constructor)) static void prepare(void) {
    prepare_tables();
    if (has_instruction()) {
        function = by_instruction;
    }
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len) { return function(crc, data, len); }
