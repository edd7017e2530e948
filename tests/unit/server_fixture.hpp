/* SPDX-License-Identifier: MIT */
/* A server that is driven through the public interface and whose internals a test can read. */
#pragma once

#include "catch.hpp"
#include "state/server.hpp"
#include "state/tracker.hpp"

#include <raft.h>

#include <string>

/* Its log is one configuration, of term 1; a sole voter leads at once, in term 2. */
class TestServer {
public:
    explicit TestServer(std::initializer_list<raft_server> members,
                        void (*set)(struct raft *) = nullptr) {
        REQUIRE(raft_init(&handle_, 1, "s1") == 0);
        if (set != nullptr) {
            set(&handle_);
        }
        raft_configuration conf = {const_cast<raft_server *>(members.begin()),
                                   static_cast<unsigned>(members.size())};
        std::string payload(libraft::configuration::encoded_size(conf), '\0');
        libraft::configuration::encode(conf, payload.data());
        raft_entry entry = {1, RAFT_CHANGE, {payload.data(), payload.size()}, {nullptr}};
        raft_event e = event(RAFT_START);
        e.start = {1, 0, nullptr, 1, &entry, 1};
        REQUIRE(step(e) == 0);
    }
    ~TestServer() { REQUIRE(raft_close(&handle_) == 0); }
    TestServer(const TestServer &) = delete;
    TestServer &operator=(const TestServer &) = delete;

    raft_event event(raft_event_type type) const {
        raft_event e{};
        e.type = type;
        e.time = now;
        return e;
    }
    int step(raft_event &e) { return raft_step(&handle_, &e, &update); }
    /* Its settings can be read until the next step. */
    libraft::Server &server() {
        auto &s = *static_cast<libraft::Server *>(handle_.impl);
        s.settings = libraft::SettingsPointer(handle_);
        return s;
    }
    libraft::Tracker &tracker() { return *server().tracker; }
    struct raft *handle() {
        return &handle_;
    }

    raft_time now = 1000;
    raft_update update;

private:
    struct raft handle_ {};
};
