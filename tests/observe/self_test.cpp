/* SPDX-License-Identifier: MIT */
/* Is every field recorded? Each byte of each struct is changed alone, then the texts, payloads and
 * lengths. The record, its text, its digest and the difference in words must tell each time. */
#include "answers.hpp"
#include "fields.hpp"

#include <cstdio>
#include <cstring>
#include <initializer_list>

using namespace observe;

namespace {

unsigned changes = 0;
unsigned unseen = 0;

/* An update with everything in it, and a fact of a tracer. */
struct Sample {
    char payload[4] = {1, 2, 3, 4};
    char text[3] = {'a', 'b', 0};
    raft_server servers[2] = {{1, "x", 1}, {2, text, 1}};
    raft_entry entries[2] = {{1, RAFT_COMMAND, {payload, 4}, {payload}},
                             {1, RAFT_BARRIER, {payload, 4}, {nullptr}}};
    raft_message messages[6] = {};
    raft_read reads[2] = {};
    raft_update update = {};
    raft_tracer_info fact = {1, 2, 3, 4, 5, 6, 7, text, {}};

    Sample() {
        for (unsigned i = 0; i < 6; i++) {
            messages[i].type = static_cast<raft_message_type>(i + 1);
            messages[i].server_id = 1;
            messages[i].server_address = text;
        }
        messages[0].append_entries.version = 2; /* with all fields */
        messages[0].append_entries.entries = entries;
        messages[0].append_entries.n_entries = 1;
        messages[4].install_snapshot.conf = {servers, 2};
        messages[4].install_snapshot.data = {payload, 3};
        update.flags = (1U << 13) - 1;
        update.entries = {1, entries, 2, 1};
        update.snapshot = {{1, 1, {servers, 2}, 1}, 0, {payload, 3}, false};
        update.messages = {messages, 6};
        update.reads = {reads, 2};
    }
    Sample(const Sample &) = delete;
    Sample &operator=(const Sample &) = delete;
};

struct View {
    explicit View(const Sample &sample) {
        record(&all, sample.update, Payloads::kContents);
        record(&all, sample.fact, 1);
        all.digest([this](uint64_t value) { digest = (digest ^ value) * 0x9fb21c651e98df25ULL; });
    }
    Record all;
    uint64_t digest = 1;
};

void must_differ(const View &before, const Sample &sample, const char *what, size_t where) {
    const View after(sample);
    changes++;
    if (before.all == after.all || before.digest == after.digest ||
        before.all.text() == after.all.text() || before.all.difference(after.all).empty()) {
        printf("%s: the change of byte %zu is not recorded\n", what, where);
        unseen++;
    }
}

/* The bytes of an object that hold a value. */
template <class T>
void find_values(unsigned char (&mask)[sizeof(T)]) {
    memset(mask, 0xff, sizeof mask);
#if defined(__GNUC__) && !defined(__clang__)
    T object;
    memset(static_cast<void *>(&object), 0xff, sizeof object);
    __builtin_clear_padding(&object);
    memcpy(mask, static_cast<void *>(&object), sizeof object);
#else
    memset(mask, 0, sizeof mask); /* it is not known what is padding */
#endif
}

struct Range {
    template <class T>
    explicit Range(const T &member) : base(&member), size(sizeof member) {}
    const void *base;
    size_t size;
};

/* Every byte but those of pointers and lengths. */
template <class T>
void change_bytes(const Sample &sample, const char *what, T *object,
                  std::initializer_list<Range> left_out = {}) {
    unsigned char mask[sizeof(T)];
    find_values<T>(mask);
    auto *bytes = reinterpret_cast<unsigned char *>(object);
    for (const Range &range : left_out) {
        memset(mask + (static_cast<const unsigned char *>(range.base) - bytes), 0, range.size);
    }
    const View before(sample);
    for (size_t i = 0; i < sizeof(T); i++) {
        if (mask[i] != 0) {
            bytes[i]++;
            must_differ(before, sample, what, i);
            bytes[i]--;
        }
    }
}

template <class T>
void change(const Sample &sample, const char *what, T *member, T value) {
    const View before(sample);
    const T old = *member;
    *member = value;
    must_differ(before, sample, what, 0);
    *member = old;
}

void change_updates(Sample &s) {
    raft_update_entries &e = s.update.entries;
    raft_update_snapshot &u = s.update.snapshot;
    change_bytes(s, "entries", &e, {Range(e.batch), Range(e.n)});
    change_bytes(s, "entry", &s.entries[1], {Range(s.entries[1].buf), Range(s.entries[1].batch)});
    change_bytes(s, "snapshot", &u, {Range(u.metadata.configuration), Range(u.chunk)});
    change_bytes(s, "read", &s.reads[1]);
    change_bytes(s, "server", &s.servers[1], {Range(s.servers[1].address)});
    change_bytes(s, "payload", &s.payload);
    change_bytes(s, "fact", &s.fact, {Range(s.fact.text)});
    change(s, "address", &s.text[1], 'c');
    change(s, "no address", &s.messages[5].server_address, static_cast<const char *>(nullptr));
    change(s, "empty address", &s.text[0], '\0');
    change(s, "cookie", &s.entries[1].batch, static_cast<void *>(s.payload));
    change(s, "flags", &s.update.flags, s.update.flags & ~unsigned{RAFT_UPDATE_STATE});
    change(s, "n of entries", &e.n, 1U);
    change(s, "n of messages", &s.update.messages.n, 5U);
    change(s, "n of reads", &s.update.reads.n, 1U);
    change(s, "n of servers", &u.metadata.configuration.n, 1U);
    change(s, "length of a payload", &s.entries[0].buf.len, size_t{3});
    change(s, "length of a chunk", &u.chunk.len, size_t{2});
}

void change_messages(Sample &s) {
    raft_append_entries &a = s.messages[0].append_entries;
    raft_install_snapshot &i = s.messages[4].install_snapshot;
    change(s, "type", &s.messages[5].type, RAFT_REQUEST_VOTE);
    change(s, "server_id", &s.messages[5].server_id, raft_id{2});
    change_bytes(s, "append_entries", &a, {Range(a.entries), Range(a.n_entries)});
    change(s, "n_entries", &a.n_entries, 2U);
    change(s, "no entries", &a.entries, static_cast<raft_entry *>(nullptr));
    change_bytes(s, "append_entries_result", &s.messages[1].append_entries_result);
    change_bytes(s, "request_vote", &s.messages[2].request_vote);
    change_bytes(s, "request_vote_result", &s.messages[3].request_vote_result);
    change_bytes(s, "install_snapshot", &i, {Range(i.conf), Range(i.data)});
    change(s, "conf.n", &i.conf.n, 1U);
    change(s, "data.len", &i.data.len, size_t{2});
    change_bytes(s, "timeout_now", &s.messages[5].timeout_now);
}

/* Below version 2, the field may hold anything. */
void ignore_sleep_of_old_messages(Sample &s) {
    raft_append_entries &a = s.messages[0].append_entries;
    a.version = 1;
    const View before(s);
    a.sleep = true;
    changes++;
    if (!(View(s).all == before.all)) {
        printf("append_entries: sleep is recorded in version 1\n");
        unseen++;
    }
    a.sleep = false;
    a.version = 2;
}

/* Numbers that do not fit a signed 64-bit integer: the caller's own may, no other. */
void find_large_numbers(Sample &s) {
    constexpr unsigned long long kLarge = 1ULL << 63;
    const auto expect = [&](const char *what, unsigned long long *member, bool own) {
        const unsigned long long old = *member;
        *member = kLarge;
        changes++;
        if (View(s).all.beyond_int64().empty() != own) {
            printf("%s: a number that does not fit 64 bits with a sign is %s\n", what,
                   own ? "reported, but is the caller's own" : "not reported");
            unseen++;
        }
        *member = old;
    };
    expect("entries", &s.update.entries.index, false);
    expect("write", &s.update.entries.write, false);
    expect("term of an entry", &s.entries[1].term, false);
    expect("snapshot", &s.update.snapshot.metadata.index, false);
    expect("offset of a chunk", &s.update.snapshot.offset, false);
    expect("index of a read", &s.reads[1].index, false);
    expect("ID of a read", &s.reads[1].id, true);
    expect("receiver", &s.messages[5].server_id, true);
    expect("candidate", &s.messages[2].request_vote.candidate_id, true);
    expect("member", &s.servers[1].id, true);
    expect("round", &s.messages[0].append_entries.round, false);
    expect("offset", &s.messages[1].append_entries_result.snapshot_offset, false);
    expect("time of a fact", &s.fact.time, false);
    expect("peer of a fact", &s.fact.peer, true);
}

/* What a step wrote without a flag that announces it. */
void write_unannounced() {
    raft_update update;
    fill(&update);
    update.flags = 0;
    for (size_t i = sizeof update.flags; i < sizeof update; i++) {
        auto *byte = reinterpret_cast<unsigned char *>(&update) + i;
        if (i < offsetof(raft_update, entries)) {
            continue; /* padding */
        }
        (*byte)++;
        changes++;
        if (written_unannounced(update) == nullptr) {
            printf("update: the change of byte %zu is not noticed\n", i);
            unseen++;
        }
        (*byte)--;
    }
    unseen += written_unannounced(update) != nullptr;
}

/* Which accessors and flags two sets of answers differ in. */
void compare_answers() {
    Answers before;
    before.state = RAFT_LEADER;
    before.conf = driver::Configuration("1 2");
    before.peers.resize(2);
    before.positions.resize(2);
    before.earlier = {{1, before.conf}};
    const auto expect = [&](const char *word, unsigned flags, auto change_it) {
        Answers after = before;
        change_it(after);
        changes++;
        const unsigned told = flags_between(before, after, RAFT_RECEIVE);
        if (difference(before, after).find(word) == std::string::npos || before == after ||
            told != flags ||
            flags_between(before, after, RAFT_TIMEOUT) != (flags | RAFT_UPDATE_TIMEOUT)) {
            printf("%s: the difference is \"%s\", the flags are %s\n", word,
                   difference(before, after).c_str(), names_of_flags(told).c_str());
            unseen++;
        }
    };
#define EXPECT_ACCESSOR(name, type, function, flags) \
    expect(#function, flags, [](Answers &a) { a.name++; });
    OBSERVE_ACCESSORS(EXPECT_ACCESSOR)
    expect("raft_leader", RAFT_UPDATE_LEADER, [](Answers &a) { a.leader = 1; });
    expect("raft_leader's", RAFT_UPDATE_LEADER, [](Answers &a) { a.leader_address = ""; });
    expect("contradiction", 0, [](Answers &a) { a.contradiction = "some"; });
    constexpr unsigned kChange = RAFT_UPDATE_CONFIGURATION;
    expect("raft_configuration_at", kChange, [](Answers &a) { a.conf_index++; });
    expect("role", kChange, [](Answers &a) { a.conf.members[1].role++; });
    expect("address", kChange, [](Answers &a) { a.conf.members[1].address = "b"; });
    expect("servers", kChange, [](Answers &a) { a.conf.add(3, RAFT_VOTER); });
    expect("mode", 0, [](Answers &a) { a.peers[1].mode++; });
    expect("raft_catch_up", RAFT_UPDATE_CATCH_UP, [](Answers &a) { a.peers[1].catch_up++; });
    expect("raft_match_index", 0, [](Answers &a) { a.peers[1].match++; });
    expect("next", 0, [](Answers &a) { a.peers[1].next++; });
    expect("last_contact", 0, [](Answers &a) { a.peers[1].contact++; });
    expect("features", 0, [](Answers &a) { a.peers[1].features++; });
    expect("capacity", 0, [](Answers &a) { a.peers[1].capacity++; });
    expect("snapshot_index", 0, [](Answers &a) { a.peers[1].snapshot++; });
    expect("snapshot_offset", 0, [](Answers &a) { a.peers[1].offset++; });
    expect("data_losses", 0, [](Answers &a) { a.peers[1].losses++; });
    expect("raft_term_of", 0, [](Answers &a) { a.positions[1].term++; });
    expect("raft_configuration_at", 0, [](Answers &a) { a.positions[1].code++; });
    expect("set by entry", 0, [](Answers &a) { a.positions[1].conf_index++; });
    expect("configuration of entry", 0, [](Answers &a) { a.earlier[0].first++; });
    expect("role", 0, [](Answers &a) { a.earlier[0].second.members[1].role++; });
}

} // namespace

int main() {
    Sample sample;
    change_updates(sample);
    change_messages(sample);
    ignore_sleep_of_old_messages(sample);
    find_large_numbers(sample);
    write_unannounced();
    compare_answers();
    printf("%u changes, %u of them not noticed\n", changes, unseen);
    return unseen != 0;
}
