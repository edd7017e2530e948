// SPDX-License-Identifier: MIT

package raftcore

// Server is one server of a configuration.
type Server struct {
	ID      uint64
	Address string
	Role    Role // The zero value is Standby.
}

// Entry is one log entry.
type Entry struct {
	Term    uint64
	Type    EntryType // In an event, 0 stands for Command.
	Payload []byte
	// Context is of the caller's choice, such as a channel that waits for the entry. An update
	// returns it. It has nothing to do with context.Context.
	Context any
	// Cookie is set in updates: the position of the entry in the event, from 1; 0: the library
	// created the entry.
	Cookie uint64
}

// Snapshot is the position and the configuration of a snapshot.
type Snapshot struct {
	Index, Term        uint64
	Configuration      []Server
	ConfigurationIndex uint64
}

// Message is one message. In an update, the server is the receiver; in an event, and in the bytes
// of a message, the sender.
type Message struct {
	ServerID      uint64
	ServerAddress string
	Body          Body
}

// Body is what a message contains: a pointer to one of the structs below.
type Body interface{ Type() MessageType }

// AppendEntries replicates entries, or is a heartbeat. In an update, NEntries says how many entries
// from PrevLogIndex + 1 on to attach: assign them to Entries. NEntries is not read in an event.
type AppendEntries struct {
	Version                                       uint8
	Term, PrevLogIndex, PrevLogTerm, LeaderCommit uint64
	NEntries                                      uint32
	Entries                                       []Entry
	Round                                         uint64
	Sleep                                         bool
}

// AppendEntriesResult answers entries and snapshots.
type AppendEntriesResult struct {
	Version                              uint8
	Term, Rejected, LastLogIndex         uint64
	Features, Capacity                   uint16
	Round, SnapshotIndex, SnapshotOffset uint64
}

// RequestVote asks for a vote.
type RequestVote struct {
	Version                                      uint8
	Term, CandidateID, LastLogIndex, LastLogTerm uint64
	DisruptLeader, PreVote                       bool
}

// RequestVoteResult grants or refuses a vote.
type RequestVoteResult struct {
	Version              uint8
	Term                 uint64
	VoteGranted, PreVote bool
	Features, Capacity   uint16
}

// InstallSnapshot brings a snapshot, or a chunk of one. In an update, assign bytes of the snapshot
// from Offset on to Data, and to Last whether the snapshot ends there.
type InstallSnapshot struct {
	Version                   uint8
	Term, LastIndex, LastTerm uint64
	Configuration             []Server
	ConfigurationIndex        uint64
	Data                      []byte
	Offset                    uint64
	Last                      bool
}

// TimeoutNow asks the receiver to campaign at once.
type TimeoutNow struct {
	Version                         uint8
	Term, LastLogIndex, LastLogTerm uint64
}

// UnknownMessage is a message of a type that this version does not know. The library ignores it.
type UnknownMessage struct{ Kind MessageType }

// Type returns TypeAppendEntries.
func (*AppendEntries) Type() MessageType { return TypeAppendEntries }

// Type returns TypeAppendEntriesResult.
func (*AppendEntriesResult) Type() MessageType { return TypeAppendEntriesResult }

// Type returns TypeRequestVote.
func (*RequestVote) Type() MessageType { return TypeRequestVote }

// Type returns TypeRequestVoteResult.
func (*RequestVoteResult) Type() MessageType { return TypeRequestVoteResult }

// Type returns TypeInstallSnapshot.
func (*InstallSnapshot) Type() MessageType { return TypeInstallSnapshot }

// Type returns TypeTimeoutNow.
func (*TimeoutNow) Type() MessageType { return TypeTimeoutNow }

// Type returns the type that arrived.
func (m *UnknownMessage) Type() MessageType { return m.Kind }

// Update says what a step changed and what to do. It is a copy and stays valid.
type Update struct {
	Flags    UpdateFlag
	Entries  *EntriesToWrite // nil: none
	Snapshot *ChunkToWrite   // nil: none
	Messages []Message
	Reads    []ReadResult
}

// Has reports whether one of the bits is set.
func (u *Update) Has(flags UpdateFlag) bool { return u.Flags&flags != 0 }

// MustSave is duty 1: save Raft.CurrentTerm and Raft.VotedFor before any message is sent.
func (u *Update) MustSave() bool { return u.Has(UpdateCurrentTerm | UpdateVotedFor) }

// EntriesToWrite is duty 2: delete the stored log from Index on, append Batch and, if it is not
// empty, step Stored{Index + len(Batch) - 1, Write} when it is durable.
type EntriesToWrite struct {
	Index uint64
	Batch []Entry
	Write uint64
}

// ChunkToWrite is duty 3: write a chunk of the snapshot that the leader is sending.
type ChunkToWrite struct {
	Metadata Snapshot
	Offset   uint64
	Chunk    []byte
	Last     bool
}

// ReadResult answers a Read. If Err returns nil, serve it after applying the entry at Index.
// Otherwise Status is ErrLeadershipLost.
type ReadResult struct {
	ID, Index uint64
	Status    Code // 0: success. As an error, a Code of 0 is not nil: use Err.
}

// Err returns nil if the read may be served, else the status.
func (r ReadResult) Err() error {
	if r.Status == 0 {
		return nil
	}
	return r.Status
}

// Peer is what a leader knows of a member.
type Peer struct {
	Mode                                      ProgressMode
	Features, Capacity                        uint16
	Match, Next, LastContact                  uint64
	SnapshotIndex, SnapshotOffset, DataLosses uint64
}

// TraceRecord is one record of a tracer.
type TraceRecord struct {
	Type                            TraceType
	Code                            int
	Time, Server, Peer, Term, Index uint64
	Text                            string // Name of the type.
}
