/* SPDX-License-Identifier: MIT */
#include "types.hpp"

#include <cstdarg>
#include <cstring>

namespace sim {

std::string format(const char *pattern, ...) {
    char text[1024];
    va_list args;
    va_start(args, pattern);
    vsnprintf(text, sizeof text, pattern, args);
    va_end(args);
    return text;
}

const char *address_of(raft_id id) {
    static const char *const names[] = {"?",  "s1", "s2", "s3", "s4",
                                        "s5", "s6", "s7", "s8", "s9"};
    return id <= kMaxServers ? names[id] : "?";
}

std::string describe(const Conf &conf) {
    static const char *const roles[] = {"standby", "",      "spare",    "-",
                                        "+",       ">standby", ">spare"};
    std::string text = "{";
    for (const Member &m : conf.members) {
        text += text.size() > 1 ? " " : "";
        text += address_of(m.id);
        text += roles[m.role];
    }
    return text + "}";
}

namespace {

void put64(std::vector<unsigned char> &out, uint64_t v) {
    for (int i = 0; i < 8; i++) {
        out.push_back(static_cast<unsigned char>(v >> (8 * i)));
    }
}

struct Reader {
    const unsigned char *p;
    size_t left;

    unsigned char byte() {
        if (left == 0) {
            throw Violation("configuration payload", "ends early");
        }
        left--;
        return *p++;
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
        while (char c = static_cast<char>(byte())) {
            s += c;
        }
        return s;
    }
};

} // namespace

std::vector<unsigned char> encode(const Conf &conf) {
    std::vector<unsigned char> out{1};
    put64(out, conf.members.size());
    for (const Member &m : conf.members) {
        put64(out, m.id);
        const char *address = address_of(m.id);
        out.insert(out.end(), address, address + strlen(address) + 1);
        out.push_back(static_cast<unsigned char>(m.role));
    }
    while (out.size() % 8 != 0) {
        out.push_back(0);
    }
    return out;
}

Conf decode(const void *base, size_t len) {
    Reader in{static_cast<const unsigned char *>(base), len};
    if (len % 8 != 0 || in.byte() != 1) {
        throw Violation("configuration payload", "wrong format or length");
    }
    Conf conf;
    uint64_t n = in.word();
    for (uint64_t i = 0; i < n; i++) {
        raft_id id = in.word();
        if (in.string() != address_of(id)) {
            throw Violation("configuration payload", "wrong address");
        }
        conf.members.push_back({id, in.byte()});
    }
    while (in.left > 0) {
        if (in.left >= 8 || in.byte() != 0) {
            throw Violation("configuration payload", "wrong padding");
        }
    }
    return conf;
}

raft_configuration view(const Conf &conf, std::vector<raft_server> &storage) {
    storage.clear();
    for (const Member &m : conf.members) {
        storage.push_back({m.id, address_of(m.id), m.role});
    }
    return {storage.data(), static_cast<unsigned>(storage.size())};
}

Conf copy(const raft_configuration &conf) {
    Conf out;
    out.members.reserve(conf.n);
    for (unsigned i = 0; i < conf.n; i++) {
        const raft_server &s = conf.servers[i];
        if (s.id == 0 || s.id > kMaxServers || strcmp(s.address, address_of(s.id)) != 0) {
            throw Violation("configuration", format("server %llu has a wrong address", s.id));
        }
        out.members.push_back({s.id, s.role});
    }
    return out;
}

} // namespace sim
