// SPDX-License-Identifier: MIT
//! Numbers of the library. They are not enums of Rust: any value is legal.

use crate::sys;
use std::fmt;

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident: $t:ty { $($code:ident = $c:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $t);
        impl $name {
            $(
                #[doc = concat!("`", stringify!($c), "`")]
                pub const $code: $name = $name(sys::$c as $t);
            )*
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {
                    $($name::$code => f.write_str(stringify!($code)),)*
                    $name(other) => write!(f, "{}({})", stringify!($name), other),
                }
            }
        }
    };
}

codes! {
    /// Why a call failed.
    Code: i32 {
        NOMEM = RAFT_NOMEM, BADID = RAFT_BADID, DUPLICATEID = RAFT_DUPLICATEID,
        DUPLICATEADDRESS = RAFT_DUPLICATEADDRESS, BADROLE = RAFT_BADROLE,
        MALFORMED = RAFT_MALFORMED, NOTLEADER = RAFT_NOTLEADER,
        LEADERSHIPLOST = RAFT_LEADERSHIPLOST, CANTBOOTSTRAP = RAFT_CANTBOOTSTRAP,
        CANTCHANGE = RAFT_CANTCHANGE, CORRUPT = RAFT_CORRUPT, TOOBIG = RAFT_TOOBIG,
        NOCONNECTION = RAFT_NOCONNECTION, BUSY = RAFT_BUSY, NOTFOUND = RAFT_NOTFOUND,
        INVALID = RAFT_INVALID, NOSPACE = RAFT_NOSPACE,
    }
}
codes! {
    /// Role of a server in a configuration.
    Role: i32 {
        STANDBY = RAFT_STANDBY, VOTER = RAFT_VOTER, SPARE = RAFT_SPARE,
        VOTER_OUTGOING = RAFT_VOTER_OUTGOING, VOTER_INCOMING = RAFT_VOTER_INCOMING,
        VOTER_TO_STANDBY = RAFT_VOTER_TO_STANDBY, VOTER_TO_SPARE = RAFT_VOTER_TO_SPARE,
    }
}
codes! {
    /// Type of a log entry.
    EntryType: u32 { COMMAND = RAFT_COMMAND, BARRIER = RAFT_BARRIER, CHANGE = RAFT_CHANGE }
}
codes! {
    /// State of a server.
    State: u32 { FOLLOWER = RAFT_FOLLOWER, CANDIDATE = RAFT_CANDIDATE, LEADER = RAFT_LEADER }
}
codes! {
    /// How a leader replicates to a member.
    ProgressMode: i32 {
        NONE = RAFT_PROGRESS_NONE, PROBE = RAFT_PROGRESS_PROBE,
        PIPELINE = RAFT_PROGRESS_PIPELINE, SNAPSHOT = RAFT_PROGRESS_SNAPSHOT,
    }
}
codes! {
    /// Status of a catch-up.
    CatchUpStatus: i32 {
        NONE = RAFT_CATCH_UP_NONE, RUNNING = RAFT_CATCH_UP_RUNNING,
        ABORTED = RAFT_CATCH_UP_ABORTED, FINISHED = RAFT_CATCH_UP_FINISHED,
    }
}
codes! {
    /// Type of a trace record.
    TraceType: i32 {
        EVENT = RAFT_TRACE_EVENT, RECEIVED = RAFT_TRACE_RECEIVED, SENT = RAFT_TRACE_SENT,
        TERM = RAFT_TRACE_TERM, VOTE = RAFT_TRACE_VOTE, STATE = RAFT_TRACE_STATE,
        LEADER = RAFT_TRACE_LEADER, ENTRIES = RAFT_TRACE_ENTRIES, SNAPSHOT = RAFT_TRACE_SNAPSHOT,
        COMMIT = RAFT_TRACE_COMMIT, CONFIGURATION = RAFT_TRACE_CONFIGURATION,
        READ = RAFT_TRACE_READ, CATCH_UP = RAFT_TRACE_CATCH_UP, TRANSFER = RAFT_TRACE_TRANSFER,
        DATA_LOSS = RAFT_TRACE_DATA_LOSS, ASLEEP = RAFT_TRACE_ASLEEP, AWAKE = RAFT_TRACE_AWAKE,
    }
}

/// Bits of `Update::flags`.
pub mod flags {
    use crate::sys;
    macro_rules! bits { ($($name:ident = $c:ident),* $(,)?) => {
        $(#[doc = concat!("`", stringify!($c), "`")] pub const $name: u32 = sys::$c;)*
    } }
    bits! {
        CURRENT_TERM = RAFT_UPDATE_CURRENT_TERM, VOTED_FOR = RAFT_UPDATE_VOTED_FOR,
        ENTRIES = RAFT_UPDATE_ENTRIES, SNAPSHOT = RAFT_UPDATE_SNAPSHOT,
        MESSAGES = RAFT_UPDATE_MESSAGES, STATE = RAFT_UPDATE_STATE,
        COMMIT_INDEX = RAFT_UPDATE_COMMIT_INDEX, TIMEOUT = RAFT_UPDATE_TIMEOUT,
        CONFIGURATION = RAFT_UPDATE_CONFIGURATION, READS = RAFT_UPDATE_READS,
        LEADER = RAFT_UPDATE_LEADER, CATCH_UP = RAFT_UPDATE_CATCH_UP,
        TRANSFER = RAFT_UPDATE_TRANSFER,
    }
}

/// Bits for [`Raft::set_features`](crate::Raft::set_features): those whose fields
/// [`wire`](crate::wire) carries.
pub const ALL_FEATURES: u32 = sys::RAFT_FEATURE_ROUNDS
    | sys::RAFT_FEATURE_CHUNKS
    | sys::RAFT_FEATURE_JOINT
    | sys::RAFT_FEATURE_SLEEP;

/// Why a call failed. It changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The code of `raft.h`.
    pub code: Code,
    /// What exactly is wrong; may be empty.
    pub text: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() {
            write!(f, "raft: {:?}", self.code)
        } else {
            write!(f, "raft: {}", self.text)
        }
    }
}

impl std::error::Error for Error {}
