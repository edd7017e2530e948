/* SPDX-License-Identifier: MIT */
#include "drawing.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace story {

namespace {

constexpr std::string_view role_letters = "sVpoitu"; /* by role code; a voter has none */

class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    bool done() {
        while (at_ < text_.size() && text_[at_] == ' ') {
            ++at_;
        }
        return at_ == text_.size();
    }
    unsigned long long number() {
        if (done() || !std::isdigit(static_cast<unsigned char>(text_[at_]))) {
            throw std::logic_error("bad drawing: " + std::string(text_));
        }
        unsigned long long n = 0;
        while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) {
            n = n * 10 + static_cast<unsigned long long>(text_[at_++] - '0');
        }
        return n;
    }
    char letter() /* the one directly behind a number, or 0 */
    {
        if (at_ == text_.size() || text_[at_] == ' ') {
            return 0;
        }
        return text_[at_++];
    }
    std::string_view until(char end) {
        size_t from = at_;
        at_ = text_.find(end, from);
        if (at_ == std::string_view::npos) {
            throw std::logic_error("bad drawing: " + std::string(text_));
        }
        return text_.substr(from, at_++ - from);
    }

private:
    std::string_view text_;
    size_t at_ = 0;
};

void put64(std::string &out, unsigned long long v) {
    for (int i = 0; i < 8; ++i) {
        out.push_back(static_cast<char>(v >> (8 * i)));
    }
}

bool get64(std::string_view &in, unsigned long long *v) {
    if (in.size() < 8) {
        return false;
    }
    *v = 0;
    for (size_t i = 0; i < 8; ++i) {
        *v |= static_cast<unsigned long long>(static_cast<unsigned char>(in[i])) << (8 * i);
    }
    in.remove_prefix(8);
    return true;
}

} // namespace

std::string address_of(raft_id id) { return "s" + std::to_string(id); }

Members::Members(std::string_view drawing) {
    Scanner scan(drawing);
    while (!scan.done()) {
        raft_id id = scan.number();
        char c = scan.letter();
        size_t role = c == 0 ? size_t{RAFT_VOTER} : role_letters.find(c);
        if (role == std::string_view::npos) {
            throw std::logic_error("bad role in drawing: " + std::string(drawing));
        }
        list.push_back({id, static_cast<int>(role)});
        addresses.push_back(address_of(id));
    }
}

Members::Members(const raft_configuration &conf) {
    for (unsigned i = 0; i < conf.n; ++i) {
        list.push_back({conf.servers[i].id, conf.servers[i].role});
        addresses.push_back(conf.servers[i].address);
    }
}

raft_configuration Members::c_struct() const {
    servers_.clear();
    for (size_t i = 0; i < list.size(); ++i) {
        servers_.push_back({list[i].id, addresses[i].c_str(), list[i].role});
    }
    return {servers_.data(), static_cast<unsigned>(servers_.size())};
}

std::string Members::str() const { return render(c_struct()); }

Members Members::sorted() const {
    raft_configuration conf = c_struct();
    std::sort(conf.servers, conf.servers + conf.n,
              [](const raft_server &a, const raft_server &b) { return a.id < b.id; });
    return Members(conf);
}

std::string Members::encode() const { return encode_members(c_struct()); }

std::string render(const raft_configuration &conf) {
    std::string out;
    for (unsigned i = 0; i < conf.n; ++i) {
        const raft_server &s = conf.servers[i];
        out += (i > 0 ? " " : "") + std::to_string(s.id);
        if (s.role != RAFT_VOTER) {
            out += role_letters.at(static_cast<size_t>(s.role));
        }
        if (s.address == nullptr || s.address != address_of(s.id)) {
            out += std::string("@") + (s.address == nullptr ? "null" : s.address);
        }
    }
    return out;
}

std::vector<Entry> draw_log(std::string_view drawing, raft_index first) {
    std::vector<Entry> log;
    Scanner scan(drawing);
    while (!scan.done()) {
        Entry e;
        e.term = scan.number();
        switch (scan.letter()) {
            case '[':
                e.type = RAFT_CHANGE;
                e.payload = Members(scan.until(']')).encode();
                break;
            case 'b':
                e.type = RAFT_BARRIER;
                e.payload.assign(8, '\0');
                break;
            default:
                e.payload = std::to_string(e.term) + "." + std::to_string(first + log.size());
        }
        log.push_back(std::move(e));
    }
    return log;
}

std::vector<raft_entry> borrow(const std::vector<Entry> &entries, void *cookie) {
    std::vector<raft_entry> out;
    for (const Entry &e : entries) {
        raft_entry r{};
        r.term = e.term;
        r.type = e.type;
        r.buf.base = const_cast<char *>(e.payload.data());
        r.buf.len = e.payload.size();
        r.batch = cookie;
        out.push_back(r);
    }
    return out;
}

std::string encode_members(const raft_configuration &conf) {
    std::string out(1, '\1');
    put64(out, conf.n);
    for (unsigned i = 0; i < conf.n; ++i) {
        put64(out, conf.servers[i].id);
        out += conf.servers[i].address;
        out.push_back('\0');
        out.push_back(static_cast<char>(conf.servers[i].role));
    }
    while (out.size() % 8 != 0) {
        out.push_back('\0');
    }
    return out;
}

bool decode_members(std::string_view in, Members *members) {
    unsigned long long n = 0;
    if (in.empty() || in[0] != 1) {
        return false;
    }
    in.remove_prefix(1);
    if (!get64(in, &n)) {
        return false;
    }
    for (unsigned long long i = 0; i < n; ++i) {
        raft_id id = 0;
        size_t end;
        if (!get64(in, &id) || (end = in.find('\0')) == std::string_view::npos ||
            end + 1 >= in.size()) {
            return false;
        }
        members->list.push_back({id, in[end + 1]});
        members->addresses.emplace_back(in.substr(0, end));
        in.remove_prefix(end + 2);
    }
    return in.size() < 8;
}

} // namespace story
