/* SPDX-License-Identifier: MIT */
/* Every field of an update and of a message, listed once (fields.cpp). */
#pragma once

#include "record.hpp"

#include <raft.h>

namespace observe {

/* How to record the bytes that a caller handed in and that come back in an update. */
enum class Payloads {
    kPlaces,            /* their address and the cookie; they are not read */
    kContents,          /* their bytes; of the cookie only whether there is one */
    kContentsAndCookies /* the same, and the cookie as a number */
};

/* The flags and every member that they announce. */
void record(Record *record, const raft_update &update, Payloads payloads);
/* One message, entries and data included where they are attached. */
void record(Record *record, const raft_message &message, Payloads payloads);
void record(Record *record, const raft_configuration &configuration);
void record(Record *record, const raft_tracer_info &fact, int type);

template <class T>
Record recorded(const T &value, Payloads payloads = Payloads::kContents) {
    Record made;
    record(&made, value, payloads);
    return made;
}

/* Fills an update before a step, so that afterwards written_unannounced() can name a member
 * that the step wrote although no flag announces it. */
void fill(raft_update *update);
/* NULL: there is none. */
const char *written_unannounced(const raft_update &update);

} // namespace observe
