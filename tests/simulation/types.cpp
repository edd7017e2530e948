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

const char *name_of(raft_id id) {
    static const char *const names[] = {"?", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9"};
    return id <= kMaxServers ? names[id] : "?";
}

const char *address_of(raft_id id, unsigned port) {
    static const char *const addresses[][kPorts] = {
        {"?", "?", "?"},         {"s1", "s1:1", "s1:22"}, {"s2", "s2:1", "s2:22"},
        {"s3", "s3:1", "s3:22"}, {"s4", "s4:1", "s4:22"}, {"s5", "s5:1", "s5:22"},
        {"s6", "s6:1", "s6:22"}, {"s7", "s7:1", "s7:22"}, {"s8", "s8:1", "s8:22"},
        {"s9", "s9:1", "s9:22"}};
    return addresses[id <= kMaxServers ? id : 0][port];
}

int port_of(raft_id id, const char *address) {
    for (unsigned port = 0; id != 0 && id <= kMaxServers && port < kPorts; port++) {
        if (strcmp(address, address_of(id, port)) == 0) {
            return static_cast<int>(port);
        }
    }
    return -1;
}

std::string describe(const Conf &conf) {
    static const char *const roles[] = {"standby", "", "spare", "-", "+", ">standby", ">spare"};
    std::string text = "{";
    for (const Member &m : conf.members) {
        text += text.size() > 1 ? " " : "";
        text += address_of(m.id, m.port);
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
        const char *address = address_of(m.id, m.port);
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
        int port = port_of(id, in.string().c_str());
        if (port < 0) {
            throw Violation("configuration payload", "wrong address");
        }
        conf.members.push_back({id, in.byte(), static_cast<unsigned>(port)});
    }
    while (in.left > 0) {
        if (in.left >= 8 || in.byte() != 0) {
            throw Violation("configuration payload", "wrong padding");
        }
    }
    return conf;
}

Conf copy(const raft_configuration &conf) {
    Conf out;
    out.members.reserve(conf.n);
    for (unsigned i = 0; i < conf.n; i++) {
        const raft_server &s = conf.servers[i];
        int port = port_of(s.id, s.address);
        if (port < 0) {
            throw Violation("configuration", format("server %llu has a wrong address", s.id));
        }
        out.members.push_back({s.id, s.role, static_cast<unsigned>(port)});
    }
    return out;
}

} // namespace sim
