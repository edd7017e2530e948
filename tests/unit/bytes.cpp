/* SPDX-License-Identifier: MIT */
#include "base/bytes.hpp"
#include "base/untrusted.hpp"
#include "catch.hpp"

#include <cstring>
#include <string>

using namespace libraft;

TEST_CASE("bytes: numbers are written little-endian and read back") {
    for (uint64_t value : {uint64_t{0}, uint64_t{1}, uint64_t{0x0123456789abcdef}, UINT64_MAX}) {
        unsigned char memory[8 + 1 + 3];
        Writer writer(memory);
        writer.u64(value);
        writer.u8(0xfe);
        writer.string("ab");
        REQUIRE(writer.position() == memory + sizeof memory);
        for (unsigned i = 0; i < 8; ++i) {
            REQUIRE(memory[i] == ((value >> (8 * i)) & 0xff));
        }
        Reader reader(memory, sizeof memory);
        uint64_t u64 = 0;
        uint8_t u8 = 0;
        const char *text = nullptr;
        REQUIRE(reader.u64(&u64));
        REQUIRE(reader.u8(&u8));
        REQUIRE(reader.left() == 3);
        REQUIRE(reader.string(&text));
        REQUIRE(u64 == value);
        REQUIRE(u8 == 0xfe);
        REQUIRE(std::string(text) == "ab");
        REQUIRE(reader.left() == 0);
    }
}

TEST_CASE("bytes: reading past the end fails, and so does every later read") {
    const unsigned char memory[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (size_t n = 0; n < 8; ++n) {
        Reader reader(memory, n);
        uint64_t u64 = 77;
        uint8_t u8 = 77;
        REQUIRE_FALSE(reader.u64(&u64));
        REQUIRE(u64 == 77);
        REQUIRE_FALSE(reader.u8(&u8)); /* though a byte was there */
        REQUIRE(u8 == 77);
        REQUIRE(reader.left() == 0);
    }
    Reader unterminated(memory, sizeof memory);
    const char *text = nullptr;
    REQUIRE_FALSE(unterminated.string(&text));
    Reader null(nullptr, 5);
    uint8_t u8 = 0;
    REQUIRE_FALSE(null.u8(&u8));
    Reader empty(memory, 0);
    REQUIRE_FALSE(empty.string(&text));
}

TEST_CASE("untrusted: a hostile bool or enum is read as an integer") {
    for (unsigned bits = 0; bits < 256; ++bits) {
        alignas(bool) unsigned char byte = static_cast<unsigned char>(bits);
        REQUIRE(load_bool(reinterpret_cast<const bool &>(byte)) == (bits != 0));
    }
    enum Some : uint32_t { one = 1 };
    const uint32_t raw = 0xdeadbeef;
    Some hostile;
    std::memcpy(&hostile, &raw, sizeof hostile);
    REQUIRE(load_enum(hostile) == raw);
}

TEST_CASE("bytes: a number may end at the last byte, not after it") {
    const unsigned char bytes[8] = {1};
    uint64_t value = 0;
    Reader all(bytes, 8);
    REQUIRE(all.u64(&value));
    REQUIRE(value == 1);
    REQUIRE(all.left() == 0);
    Reader less(bytes, 7);
    REQUIRE_FALSE(less.u64(&value));
}
