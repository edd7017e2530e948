/* SPDX-License-Identifier: MIT */
/* A server whose internal state can be read between steps of the public interface. */
#pragma once

#include "catch.hpp"
#include "server.hpp"

#include <raft.h>

#include <string>

/* Its log has one configuration of term 1. A sole voter leads at once, in term 2. */
class Room {
public:
    explicit Room(std::initializer_list<raft_server> members,
                  void (*set)(struct raft *) = nullptr) {
        REQUIRE(raft_init(&handle_, 1, "s1") == 0);
        if (set != nullptr) {
            set(&handle_);
        }
        raft_configuration conf = {const_cast<raft_server *>(members.begin()),
                                   static_cast<unsigned>(members.size())};
        std::string payload(libraft::configuration::encoded_size(conf), '\0');
        libraft::configuration::encode(conf, payload.data());
        raft_entry entry = {1, RAFT_CHANGE, {payload.data(), payload.size()}, nullptr};
        raft_event e = event(RAFT_START);
        e.start = {1, 0, nullptr, 1, &entry, 1};
        REQUIRE(step(e) == 0);
    }
    ~Room() { REQUIRE(raft_close(&handle_) == 0); }
    Room(const Room &) = delete;
    Room &operator=(const Room &) = delete;

    raft_event event(raft_event_type type) const {
        raft_event e{};
        e.type = type;
        e.time = now;
        return e;
    }
    int step(raft_event &e) { return raft_step(&handle_, &e, &update); }
    libraft::Server &server() { return *static_cast<libraft::Server *>(handle_.impl); }
    libraft::Tracker &tracker() { return *server().tracker; }
    struct raft *handle() {
        return &handle_;
    }

    raft_time now = 1000;
    raft_update update;

private:
    struct raft handle_ {};
};
