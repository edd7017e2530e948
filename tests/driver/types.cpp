/* SPDX-License-Identifier: MIT */
#include "types.hpp"

#include <algorithm>
#include <cctype>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <unordered_set>

namespace driver {

std::string format(const char *pattern, ...) {
    char text[1024];
    va_list args;
    va_start(args, pattern);
    vsnprintf(text, sizeof text, pattern, args);
    va_end(args);
    return text;
}

Payloads &payloads() {
    static thread_local Payloads all;
    return all;
}

/* ----------------------------------------------------------------- drawings -- */

namespace {

constexpr std::string_view kRoleLetters = "sVpoitu"; /* by role; a voter has none */

class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    bool done() {
        at_ = std::min(text_.find_first_not_of(' ', at_), text_.size());
        return at_ == text_.size();
    }
    unsigned long long number() {
        require(!done() && std::isdigit(static_cast<unsigned char>(text_[at_])));
        unsigned long long n = 0;
        while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) {
            n = n * 10 + static_cast<unsigned long long>(text_[at_++] - '0');
        }
        return n;
    }
    /* The character directly after a number, 0 if there is none. */
    char letter() { return at_ == text_.size() || text_[at_] == ' ' ? '\0' : text_[at_++]; }
    std::string_view until(char end) {
        const size_t from = at_;
        at_ = text_.find(end, from);
        require(at_ != std::string_view::npos);
        return text_.substr(from, at_++ - from);
    }
    void require(bool legal) const {
        if (!legal) {
            throw std::logic_error("malformed drawing: " + std::string(text_));
        }
    }

private:
    std::string_view text_;
    size_t at_ = 0;
};

} // namespace

std::vector<Entry> draw_log(std::string_view drawing, raft_index first) {
    std::vector<Entry> log;
    Scanner scan(drawing);
    while (!scan.done()) {
        const raft_term term = scan.number();
        switch (scan.letter()) {
            case '[':
                log.emplace_back(term, RAFT_CHANGE, encode(Configuration(scan.until(']'))));
                break;
            case 'b':
                log.emplace_back(term, RAFT_BARRIER, std::string(8, '\0'));
                break;
            default:
                log.emplace_back(term, RAFT_COMMAND,
                                 std::to_string(term) + "." + std::to_string(first + log.size()));
        }
    }
    return log;
}

Configuration::Configuration(std::string_view drawing) {
    Scanner scan(drawing);
    while (!scan.done()) {
        const raft_id id = scan.number();
        const char letter = scan.letter();
        const size_t role = letter == '\0' ? size_t{RAFT_VOTER} : kRoleLetters.find(letter);
        scan.require(role != std::string_view::npos);
        add(id, static_cast<int>(role));
    }
}

std::string Configuration::str() const {
    std::string out;
    for (const Member &m : members) {
        out += (out.empty() ? "" : " ") + std::to_string(m.id);
        if (m.role != RAFT_VOTER) {
            const auto role = static_cast<size_t>(m.role);
            out += role < kRoleLetters.size() ? std::string(1, kRoleLetters[role])
                                              : ":" + std::to_string(m.role);
        }
        if (m.address != driver::address_of(m.id)) {
            out += std::string("@") + (m.address == nullptr ? "null" : m.address);
        }
    }
    return out;
}

/* ----------------------------------------------------------- configurations -- */

const char *intern(const char *address) {
    static thread_local std::unordered_set<std::string> all; /* its elements never move */
    return address == nullptr ? nullptr : all.insert(address).first->c_str();
}

const char *address_of(raft_id id) {
    constexpr size_t kFew = 10;
    static thread_local const char *few[kFew] = {};
    if (id >= kFew) {
        return intern(("s" + std::to_string(id)).c_str());
    }
    if (few[id] == nullptr) {
        few[id] = intern(("s" + std::to_string(id)).c_str());
    }
    return few[id];
}

Configuration::Configuration(const raft_configuration &conf) {
    members.reserve(conf.n);
    for (unsigned i = 0; i < conf.n; i++) {
        const raft_server &s = conf.servers[i];
        members.push_back({s.id, s.role, intern(s.address)});
    }
}

void Configuration::add(raft_id id, int role, const char *address) {
    members.push_back({id, role, address != nullptr ? intern(address) : driver::address_of(id)});
}

bool Configuration::joint() const {
    return std::any_of(members.begin(), members.end(),
                       [](const Member &m) { return m.role > RAFT_SPARE; });
}

unsigned Configuration::voters() const {
    return static_cast<unsigned>(std::count_if(
        members.begin(), members.end(), [](const Member &m) { return m.role == RAFT_VOTER; }));
}

bool Configuration::is(const raft_configuration &conf) const {
    bool same = members.size() == conf.n;
    for (unsigned i = 0; same && i < conf.n; i++) {
        const raft_server &s = conf.servers[i];
        const Member &m = members[i];
        same = s.id == m.id && s.role == m.role && m.address != nullptr && s.address != nullptr &&
               strcmp(s.address, m.address) == 0;
    }
    return same;
}

Configuration Configuration::sorted() const {
    Configuration out = *this;
    std::sort(out.members.begin(), out.members.end(),
              [](const Member &a, const Member &b) { return a.id < b.id; });
    return out;
}

namespace {

void put64(std::string &out, uint64_t v) {
    for (int i = 0; i < 8; i++) {
        out.push_back(static_cast<char>(v >> (8 * i)));
    }
}

struct Reader {
    std::string_view left;

    unsigned char byte() {
        if (left.empty()) {
            throw Violation("configuration payload", "ends early");
        }
        const char c = left.front();
        left.remove_prefix(1);
        return static_cast<unsigned char>(c);
    }
    uint64_t word() {
        uint64_t v = 0;
        for (int i = 0; i < 8; i++) {
            v |= static_cast<uint64_t>(byte()) << (8 * i);
        }
        return v;
    }
    std::string string() {
        std::string s;
        while (const char c = static_cast<char>(byte())) {
            s += c;
        }
        return s;
    }
};

} // namespace

std::string encode(const Configuration &conf) {
    std::string out(1, '\1');
    put64(out, conf.members.size());
    for (const Member &m : conf.members) {
        put64(out, m.id);
        out += m.address;
        out.push_back('\0');
        out.push_back(static_cast<char>(m.role));
    }
    out.append((8 - out.size() % 8) % 8, '\0');
    return out;
}

Configuration decode(std::string_view payload) {
    Reader in{payload};
    if (payload.size() % 8 != 0 || in.byte() != 1) {
        throw Violation("configuration payload", "wrong format or length");
    }
    Configuration conf;
    for (uint64_t n = in.word(); n > 0; n--) {
        const raft_id id = in.word();
        const std::string address = in.string();
        conf.add(id, in.byte(), address.c_str());
    }
    while (!in.left.empty()) {
        if (in.left.size() >= 8 || in.byte() != 0) {
            throw Violation("configuration payload", "wrong padding");
        }
    }
    return conf;
}

} // namespace driver
