/* SPDX-License-Identifier: MIT */
/* Named values, in the order in which they were recorded. The lists of fields and accessors
 * (fields.hpp, answers.hpp) fill a record; text, digest and comparison are derived from it. */
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace observe {

enum class Kind : uint8_t {
    kGroup,      /* a line of its own: "message 2"; the values that follow belong to it */
    kGroupOfOwn, /* the same: its number is the caller's own */
    kNumber,
    kOwn, /* a number of the caller's own: an ID or a cookie */
    kSigned,
    kFlags,   /* #raft_update_flag bits */
    kMessage, /* #raft_message_type */
    kState,   /* #raft_state */
    kText,
    kBytes,
    kNull, /* a text that is not there */
    kPlace /* a pointer: compared and shown, but not part of a digest */
};

class Record {
public:
    void clear();
    void group(const char *name, uint64_t number) { put(name, number, Kind::kGroup); }
    void group_of_own(const char *name, uint64_t number) { put(name, number, Kind::kGroupOfOwn); }
    void add_own(const char *name, uint64_t value) { put(name, value, Kind::kOwn); }
    template <class T>
    void add(const char *name, T value) {
        static_assert(std::is_integral_v<T> || std::is_enum_v<T>);
        put(name, static_cast<uint64_t>(value),
            std::is_signed_v<T> ? Kind::kSigned : Kind::kNumber);
    }
    void add(const char *name, const char *text);
    void add(const char *name, uint64_t value, Kind kind) { put(name, value, kind); }
    void bytes(const char *name, const void *base, size_t size);
    void place(const char *name, const void *pointer);

    bool operator==(const Record &other) const = default;
    bool empty() const { return items_.empty(); }

    /* One line for each group. */
    std::string text() const;
    /* The first difference in words, with both values; empty: there is none. */
    std::string difference(const Record &other) const;
    /* The first number that does not fit a signed 64-bit integer, in words; empty: all do. The
     * caller's own numbers are left out. */
    std::string beyond_int64() const;
    /* `hash` is called with one number after another. They do not depend on the platform. */
    template <class Hash>
    void digest(Hash hash) const;

private:
    struct Item {
        const char *name;
        uint64_t value;  /* of a text or of bytes: the length */
        uint32_t offset; /* of a text or of bytes: where its contents begin */
        Kind kind;
        bool operator==(const Item &other) const {
            return value == other.value && offset == other.offset && kind == other.kind;
        }
    };
    void put(const char *name, uint64_t value, Kind kind);
    static bool begins_group(const Item &item) {
        return item.kind == Kind::kGroup || item.kind == Kind::kGroupOfOwn;
    }
    std::string show(const Item &item) const;
    bool same(const Item &mine, const Record &other, const Item &others) const;

    std::vector<Item> items_;
    std::string contents_;
};

template <class Hash>
void Record::digest(Hash hash) const {
    for (const Item &item : items_) {
        if (item.kind == Kind::kPlace) {
            continue;
        }
        hash(item.value);
        if (item.kind == Kind::kNull) {
            hash(256); /* differs from any text */
        } else if (item.kind == Kind::kText || item.kind == Kind::kBytes) {
            for (uint64_t i = 0; i < item.value; i++) {
                hash(static_cast<unsigned char>(contents_[item.offset + i]));
            }
        }
    }
}

/* RAFT_UPDATE_COMMIT_INDEX|RAFT_UPDATE_TIMEOUT, without the common prefix. */
std::string names_of_flags(unsigned flags);
const char *name_of_message(unsigned type);
const char *name_of_event(unsigned type);
const char *name_of_state(unsigned state);

} // namespace observe
