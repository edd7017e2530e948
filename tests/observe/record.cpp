/* SPDX-License-Identifier: MIT */
#include "record.hpp"

#include <algorithm>
#include <cstring>

namespace observe {

void Record::clear() {
    items_.clear();
    contents_.clear();
}

void Record::put(const char *name, uint64_t value, Kind kind) {
    items_.push_back({name, value, static_cast<uint32_t>(contents_.size()), kind});
}

void Record::add(const char *name, const char *text) {
    if (text == nullptr) {
        put(name, 0, Kind::kNull);
        return;
    }
    const size_t length = strlen(text);
    put(name, length, Kind::kText);
    contents_.append(text, length);
}

void Record::bytes(const char *name, const void *base, size_t size) {
    put(name, size, Kind::kBytes);
    if (size > 0) {
        contents_.append(static_cast<const char *>(base), size);
    }
}

void Record::place(const char *name, const void *pointer) {
    put(name, reinterpret_cast<uintptr_t>(pointer), Kind::kPlace);
}

std::string Record::show(const Item &item) const {
    static const char *const kDigits = "0123456789abcdef";
    switch (item.kind) {
        case Kind::kSigned:
            return std::to_string(static_cast<int64_t>(item.value));
        case Kind::kFlags:
            return names_of_flags(static_cast<unsigned>(item.value));
        case Kind::kMessage:
            return name_of_message(static_cast<unsigned>(item.value));
        case Kind::kState:
            return name_of_state(static_cast<unsigned>(item.value));
        case Kind::kText:
            return '"' + contents_.substr(item.offset, static_cast<size_t>(item.value)) + '"';
        case Kind::kNull:
            return "NULL";
        case Kind::kBytes: {
            std::string text = "[";
            for (size_t i = 0; i < item.value; i++) {
                const auto byte = static_cast<unsigned char>(contents_[item.offset + i]);
                text += kDigits[byte >> 4];
                text += kDigits[byte & 15];
            }
            return text + ']';
        }
        default:
            return std::to_string(item.value);
    }
}

std::string Record::text() const {
    std::string text;
    for (const Item &item : items_) {
        if (begins_group(item)) {
            text += (text.empty() ? "" : "\n") + std::string(item.name) + ' ' + show(item) + ':';
        } else {
            text += (text.empty() ? "" : " ") + std::string(item.name) + '=' + show(item);
        }
    }
    return text;
}

bool Record::same(const Item &mine, const Record &other, const Item &others) const {
    if (mine.kind != others.kind || mine.value != others.value) {
        return false;
    }
    if (mine.kind != Kind::kText && mine.kind != Kind::kBytes) {
        return true;
    }
    return contents_.compare(mine.offset, static_cast<size_t>(mine.value), other.contents_,
                             others.offset, static_cast<size_t>(mine.value)) == 0;
}

std::string Record::difference(const Record &other) const {
    std::string group;
    for (size_t i = 0; i < std::max(items_.size(), other.items_.size()); i++) {
        if (i == items_.size() || i == other.items_.size()) {
            const bool more = i < items_.size();
            const Item &item = more ? items_[i] : other.items_[i];
            return group + item.name + '=' + (more ? show(item) : other.show(item)) +
                   (more ? " only in the first" : " only in the second");
        }
        const Item &mine = items_[i];
        const Item &others = other.items_[i];
        if (strcmp(mine.name, others.name) != 0) {
            return group + mine.name + '=' + show(mine) + " in the first, " + others.name + '=' +
                   other.show(others) + " in the second";
        }
        if (!same(mine, other, others)) {
            return group + mine.name + " is " + show(mine) + " in the first and " +
                   other.show(others) + " in the second";
        }
        if (begins_group(mine)) {
            group = std::string(mine.name) + ' ' + show(mine) + ": ";
        }
    }
    return "";
}

std::string Record::beyond_int64() const {
    std::string group;
    for (const Item &item : items_) {
        if (begins_group(item)) {
            group = std::string(item.name) + ' ' + show(item) + ": ";
        }
        if ((item.kind == Kind::kNumber || item.kind == Kind::kGroup) && item.value > INT64_MAX) {
            return group + item.name + '=' + std::to_string(item.value);
        }
    }
    return "";
}

namespace {

template <size_t N>
const char *pick(const char *const (&names)[N], unsigned number) {
    return number < N ? names[number] : "unknown";
}

} // namespace

std::string names_of_flags(unsigned flags) {
    static const char *const kNames[] = {"CURRENT_TERM",  "VOTED_FOR", "ENTRIES",      "SNAPSHOT",
                                         "MESSAGES",      "STATE",     "COMMIT_INDEX", "TIMEOUT",
                                         "CONFIGURATION", "READS",     "LEADER",       "CATCH_UP",
                                         "TRANSFER"};
    std::string text;
    for (unsigned bit = 0; bit < 32; bit++) {
        if ((flags >> bit & 1) != 0) {
            text += (text.empty() ? "" : "|") + std::string(pick(kNames, bit));
        }
    }
    return text.empty() ? "nothing" : text;
}

const char *name_of_message(unsigned type) {
    static const char *const kNames[] = {
        "0",           "AppendEntries",      "AppendEntries result",
        "RequestVote", "RequestVote result", "InstallSnapshot",
        "TimeoutNow"};
    return pick(kNames, type);
}

const char *name_of_event(unsigned type) {
    static const char *const kNames[] = {"0",
                                         "START",
                                         "RECEIVE",
                                         "PERSISTED_ENTRIES",
                                         "PERSISTED_SNAPSHOT",
                                         "CONFIGURATION",
                                         "SNAPSHOT",
                                         "TIMEOUT",
                                         "SUBMIT",
                                         "CATCH_UP",
                                         "TRANSFER",
                                         "BOOTSTRAP",
                                         "RECONFIGURE",
                                         "READ",
                                         "UNREACHABLE",
                                         "STORED",
                                         "RECOVER",
                                         "SENT",
                                         "CAMPAIGN",
                                         "WAKE"};
    return pick(kNames, type);
}

const char *name_of_state(unsigned state) {
    static const char *const kNames[] = {"none", "follower", "candidate", "leader"};
    return pick(kNames, state);
}

} // namespace observe
