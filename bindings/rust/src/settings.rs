// SPDX-License-Identifier: MIT
//! Plain getters, and the settings: the comments of `raft.h` say more.

use crate::codes::Error;
use crate::raft::Raft;
use crate::sys;

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident = $c:ident;)*) => {
        /// Getters.
        impl Raft { $(
            $(#[$doc])*
            pub fn $name(&self) -> u64 {
                // SAFETY: a getter.
                unsafe { sys::$c(&self.c) }
            }
        )* }
    };
}

getters! {
    /// The current term.
    current_term = raft_current_term;
    /// The server that got this server's vote in the current term; 0: none.
    voted_for = raft_voted_for;
    /// Entries up to here are committed.
    commit_index = raft_commit_index;
    /// Index of the last entry in the log, durable or not.
    last_index = raft_last_index;
    /// Index of the oldest entry that a message can ask for.
    first_index = raft_first_index;
    /// The highest index that is known to be durable here.
    last_stored = raft_last_stored;
    /// The last entry that the latest snapshot covers; 0: no snapshot.
    snapshot_index = raft_snapshot_index;
    /// The same of the oldest snapshot that a message can ask for.
    oldest_snapshot_index = raft_oldest_snapshot_index;
    /// The server to which leadership is being transferred; 0: none.
    transferee = raft_transferee;
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($t:ty as $ct:ty) = $c:ident;)*) => {
        /// Settings. Read [`Raft::timeout`] after a change while the server runs.
        impl Raft { $(
            $(#[$doc])*
            pub fn $name(&mut self, value: $t) -> Result<(), Error> {
                // SAFETY: a setter.
                match unsafe { sys::$c(&mut self.c, value as $ct) } {
                    0 => Ok(()),
                    code => Err(self.error(code)),
                }
            }
        )* }
    };
}

setters! {
    /// Seed the generator of election timeouts.
    set_seed(u32 as u32) = raft_seed;
    /// The minimum election timeout in milliseconds; default 1000.
    set_election_timeout(u32 as u32) = raft_set_election_timeout;
    /// The interval of heartbeats in milliseconds; default 100.
    set_heartbeat_timeout(u32 as u32) = raft_set_heartbeat_timeout;
    /// When a chunk is sent again, in milliseconds; default 30000.
    set_install_snapshot_timeout(u32 as u32) = raft_set_install_snapshot_timeout;
    /// Use pre-votes; default true.
    set_pre_vote(bool as u32) = raft_set_pre_vote;
    /// Limit of the rounds of a catch-up; default 10.
    set_max_catch_up_rounds(u32 as u32) = raft_set_max_catch_up_rounds;
    /// Limit of one round in milliseconds; default 5000.
    set_max_catch_up_round_duration(u32 as u32) = raft_set_max_catch_up_round_duration;
    /// Limit of the unacknowledged entries of a member; default 1024.
    set_max_inflight_entries(u32 as u32) = raft_set_max_inflight_entries;
    /// Limit of the entries in a message; 0, the default: none.
    set_max_message_entries(u32 as u32) = raft_set_max_message_entries;
    /// Limit of a leader's uncommitted entries; 0, the default: none.
    set_max_uncommitted_entries(u32 as u32) = raft_set_max_uncommitted_entries;
    /// Milliseconds to wait before a campaign; `u32::MAX`: never lead.
    set_election_delay(u32 as u32) = raft_set_election_delay;
    /// Announce commits at once; default false.
    set_eager_commit(bool as u32) = raft_set_eager_commit;
    /// Sleep when the group rests for so many milliseconds; 0, the default: never.
    set_idle_timeout(u32 as u32) = raft_set_idle_timeout;
    /// The capacity that a majority must report; default 0.
    set_capacity_threshold(u16 as u16) = raft_set_capacity_threshold;
    /// Which message fields the codec carries: [`ALL_FEATURES`](crate::ALL_FEATURES) for `wire`.
    set_features(u32 as u32) = raft_set_features;
}
