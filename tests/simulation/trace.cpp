/* SPDX-License-Identifier: MIT */
#include "trace.hpp"

#include <algorithm>
#include <cstring>

namespace sim {
namespace {

constexpr double kLane = 64, kTop = 60, kLeft = 60, kSecondWidth = 240;

const char *role_color(int state) {
    static const char *const colors[] = {"#d0d0d0", "#9dc6e8", "#f4cf6d", "#7cc98b"};
    return colors[state & 3];
}

const char *message_color(int type) {
    static const char *const colors[] = {"#000", "#4a7", "#8cb", "#c60", "#da6", "#a3c", "#d22"};
    return colors[type >= 0 && type <= 6 ? type : 0];
}

std::string escape(const std::string &text) {
    std::string out;
    for (char c : text) {
        out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
    }
    return out;
}

} // namespace

void Trace::line(Time at, raft_id id, const char *text) {
    if (print_) {
        printf("%9.3f ms  %-3s %s\n", static_cast<double>(at) / 1000.0, id == 0 ? "" : name_of(id),
               text);
    }
    if (strncmp(text, "crashes", 7) == 0) {
        kept_[id] = {};
        facts_.push_back({Fact::CRASH, at, at, id, 0, 0, 0, text});
    } else if (strncmp(text, "boots", 5) == 0) {
        facts_.push_back({Fact::BOOT, at, at, id, 0, 0, 0, text});
    } else if (strncmp(text, "receives", 8) != 0 && strncmp(text, "message", 7) != 0) {
        facts_.push_back({Fact::NOTE, at, at, id, 0, 0, 0, text});
    }
}

void Trace::role(Time at, raft_id id, int state, raft_term term) {
    facts_.push_back({Fact::ROLE, at, at, id, 0, state, term, ""});
}

void Trace::commit(Time at, raft_id id, raft_index index) {
    facts_.push_back({Fact::COMMIT, at, at, id, 0, 0, index, ""});
}

void Trace::message(Time sent, Time at, raft_id from, raft_id to, const raft_message &m,
                    bool lost) {
    facts_.push_back(
        {lost ? Fact::LOST : Fact::MESSAGE, sent, at, from, to, m.type, 0, describe(m)});
}

void Trace::violation(Time at, const char *text) {
    facts_.push_back({Fact::VIOLATION, at, at, 0, 0, 0, 0, text});
}

bool Trace::draw(const char *path, unsigned servers, Time seconds, const std::string &title) const {
    FILE *f = fopen(path, "w");
    if (f == nullptr) {
        return false;
    }
    Time end = 0;
    for (const Fact &fact : facts_) {
        end = std::max(end, fact.at);
    }
    Time begin = end > seconds * kSecond ? end - seconds * kSecond : 0;
    auto x = [&](Time t) {
        return kLeft + static_cast<double>(std::max(t, begin) - begin) / kSecond * kSecondWidth;
    };
    auto y = [](raft_id id) { return kTop + static_cast<double>(id) * kLane; };
    fprintf(f,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' "
            "font-family='sans-serif' font-size='10'>\n<rect width='100%%' height='100%%' "
            "fill='white'/>\n<text x='10' y='20' font-size='14'>%s</text>\n<text x='10' y='38'>"
            "blue follower, yellow candidate, green leader; lines are messages: green "
            "AppendEntries, orange RequestVote, purple InstallSnapshot, red TimeoutNow</text>\n",
            x(end) + 60, y(servers + 1), escape(title).c_str());
    for (Time t = begin / kSecond * kSecond; t <= end; t += kSecond / 2) {
        fprintf(f, "<text x='%.1f' y='56' fill='#888'>%.1f s</text>\n", x(t),
                static_cast<double>(t) / kSecond);
    }
    struct Span {
        Time since = 0;
        int state = 0; /* 0: down */
        unsigned long long term = 0;
    };
    std::vector<Span> spans(servers + 1);
    auto close = [&](raft_id id, Time at) {
        Span &s = spans[static_cast<size_t>(id)];
        if (s.state != 0 && at >= begin) {
            fprintf(f,
                    "<rect x='%.1f' y='%.1f' width='%.1f' height='12' fill='%s'><title>%s term "
                    "%llu</title></rect>\n<text x='%.1f' y='%.1f'>%llu</text>\n",
                    x(s.since), y(id) - 6, x(at) - x(s.since), role_color(s.state), name_of(id),
                    s.term, x(s.since) + 1, y(id) - 8, s.term);
        }
    };
    for (const Fact &fact : facts_) {
        if (fact.id == 0 || fact.id > servers) {
            continue;
        }
        Span &s = spans[static_cast<size_t>(fact.id)];
        if (fact.kind == Fact::ROLE) {
            close(fact.id, fact.at);
            s = {fact.at, fact.code, fact.number};
        } else if (fact.kind == Fact::CRASH || fact.kind == Fact::BOOT) {
            close(fact.id, fact.at);
            s = {fact.at, fact.kind == Fact::BOOT ? 1 : 0, s.term};
        }
    }
    for (raft_id id = 1; id <= servers; id++) {
        close(id, end);
        fprintf(f, "<text x='10' y='%.1f' font-size='14'>%s</text>\n", y(id) + 4, name_of(id));
    }
    for (const Fact &fact : facts_) {
        if (fact.at < begin || fact.id > servers) {
            continue;
        }
        if (fact.kind == Fact::MESSAGE) {
            fprintf(f,
                    "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='%s' "
                    "stroke-width='0.6'/>\n",
                    x(fact.at), y(fact.id), x(fact.until), y(fact.to), message_color(fact.code));
        } else if (fact.kind == Fact::CRASH) {
            fprintf(f,
                    "<text x='%.1f' y='%.1f' fill='#d00' font-size='16'>&#10005;<title>%s"
                    "</title></text>\n",
                    x(fact.at) - 4, y(fact.id) + 6, escape(fact.text).c_str());
        } else if (fact.kind == Fact::COMMIT) {
            fprintf(f,
                    "<circle cx='%.1f' cy='%.1f' r='2' fill='#050'><title>commit index %llu"
                    "</title></circle>\n",
                    x(fact.at), y(fact.id) + 10, fact.number);
        } else if (fact.kind == Fact::NOTE) {
            fprintf(f, "<circle cx='%.1f' cy='%.1f' r='3' fill='#d60'><title>%s</title></circle>\n",
                    x(fact.at), fact.id == 0 ? kTop + 20 : y(fact.id) + 18,
                    escape(fact.text).c_str());
        }
    }
    fprintf(f, "</svg>\n");
    return fclose(f) == 0;
}

} // namespace sim
