/* SPDX-License-Identifier: MIT */
/* Little-endian codec over memory that the caller provides. */
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace libraft {

/* A number of bytes, rounded up to whole words of 8. */
template <class Size>
constexpr Size in_words(Size size) {
    return (size + 7) & ~Size{7};
}

/* Reads forward. After the first read that fails, every later read fails, too. */
class Reader {
public:
    Reader(const void *base, size_t len)
        : next_(static_cast<const unsigned char *>(base)), left_(base != nullptr ? len : 0) {}

    bool u8(uint8_t *value) {
        if (left_ < 1) {
            return fail();
        }
        *value = *next_;
        advance(1);
        return true;
    }
    bool u64(uint64_t *value) {
        if (left_ < 8) {
            return fail();
        }
        *value = 0;
        for (unsigned i = 0; i < 8; i++) {
            *value |= uint64_t{next_[i]} << (8 * i);
        }
        advance(8);
        return true;
    }
    /* A string with its terminating NUL. */
    bool string(const char **value) {
        const void *nul = left_ > 0 ? memchr(next_, 0, left_) : nullptr;
        if (nul == nullptr) {
            return fail();
        }
        *value = reinterpret_cast<const char *>(next_);
        advance(static_cast<size_t>(static_cast<const unsigned char *>(nul) - next_) + 1);
        return true;
    }
    size_t left() const { return left_; }

private:
    bool fail() {
        left_ = 0;
        return false;
    }
    void advance(size_t n) {
        next_ += n;
        left_ -= n;
    }

    const unsigned char *next_;
    size_t left_;
};

/* Writes forward into memory that is known to be large enough. */
class Writer {
public:
    explicit Writer(void *base) : next_(static_cast<unsigned char *>(base)) {}

    void u8(uint8_t value) { *next_++ = value; }
    void u64(uint64_t value) {
        for (unsigned i = 0; i < 8; i++) {
            *next_++ = static_cast<unsigned char>(value >> (8 * i));
        }
    }
    void string(const char *value) {
        size_t n = strlen(value) + 1;
        memcpy(next_, value, n);
        next_ += n;
    }
    void *position() { return next_; }

private:
    unsigned char *next_;
};

} // namespace libraft
