// SPDX-License-Identifier: MIT
// A server of the digest program, its state machine, and the lines of the transcript.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using static RaftC;

sealed class Snapshot {
    public ulong Index, Term, MembersIndex;
    public List<Member> Members;
    public byte[] Data;
}

sealed class Letter {
    public Server From, To;
    public Event Event;
}

sealed unsafe class Server {
    const int Chunk = 1000;
    static readonly int every = int.Parse(Environment.GetEnvironmentVariable("RAFT_GC") ?? "0");
    static int taken;

    public static readonly StringBuilder Lines = new StringBuilder();
    public static readonly SortedDictionary<int, Server> All = new SortedDictionary<int, Server>();
    public static readonly Queue<Letter> Network = new Queue<Letter>();
    public static ulong Now;

    readonly List<Entry> log = new List<Entry>();
    ulong term, vote, first = 1;
    Snapshot snapshot, incoming;

    public readonly int Id;
    public Raft Raft;
    public bool Running, Cut;
    public int Limit;
    public ulong Applied;
    public MemoryStream State;
    public List<ulong> Reads;

    public Server(int id) {
        Id = id;
        All[id] = this;
        Start();
    }

    public raft* C => Raft.C;
    public bool Up => Running && !Cut;
    public bool Committed => raft_commit_index(C) == raft_last_index(C);
    ulong SnapshotIndex => snapshot == null ? 0 : snapshot.Index;

    static string Words(params object[] words) =>
        string.Join(" ", words.Select(w => w is bool ? ((bool)w ? 1 : 0) : w));

    public static void Line(params object[] words) {
        Lines.Append(Words(words)).Append('\n');
    }

    static string Hex(byte[] bytes) => bytes.Length == 0
        ? "-" : BitConverter.ToString(bytes).Replace("-", "").ToLowerInvariant();

    static string Show(List<Member> members) =>
        members.Count == 0 ? "-" : string.Join(",", members);

    static void Trace(int type, raft_tracer_info* i) {
        Line("t", i->server, type, i->code, i->time, i->peer, i->term, i->index,
             Raft.Text(i->text));
    }

    public void Start() {
        Running = true;
        Applied = 0;
        State = new MemoryStream();
        Reads = new List<ulong>();
        Raft = new Raft((ulong)Id, Id.ToString(), Id == 1 ? Trace : (Tracer)null);
        Raft.Check(raft_seed(C, (uint)Id * 1000));
        Raft.Check(raft_set_features(C, 30));
        Raft.Check(raft_set_max_message_entries(C, 50));
        var e = new Event(RAFT_START);
        e.C->start.term = term;
        e.C->start.voted_for = vote;
        e.C->start.start_index = first;
        e.C->start.entries = e.Entries(log);
        e.C->start.n_entries = (uint)log.Count;
        if (snapshot != null) {
            var m = (raft_snapshot_metadata*)e.Allocate(sizeof(raft_snapshot_metadata));
            m->index = snapshot.Index;
            m->term = snapshot.Term;
            m->configuration = e.Members(snapshot.Members);
            m->configuration_index = snapshot.MembersIndex;
            e.C->start.metadata = m;
        }
        Expect(e);
    }

    public void Stop() {
        Raft.Close();
        Running = false;
    }

    public void Expect(Event e, int wanted = 0) {
        int code = Step(e);
        if (code != wanted) {
            throw new Exception($"status {code}, not {wanted}");
        }
    }

    static void Collect() {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    int Step(Event e) {
        bool forced = every > 0 && ++taken % every == 0;
        e.C->time = Now;
        e.C->capacity = (ushort)(Id * 100);
        if (forced) { Collect(); }
        int code = Raft.Step(e);
        if (forced) { Collect(); }
        ulong leader;
        byte* address;
        raft_leader(C, &leader, &address);
        var words = new List<object> {
            "u", Id, Now, e.C->type, code, Raft.Update->flags, raft_current_term(C),
            raft_voted_for(C), raft_state(C), raft_commit_index(C), raft_timeout(C),
            raft_last_index(C), raft_first_index(C), raft_last_stored(C), raft_snapshot_index(C),
            raft_role(C), leader, Raft.Text(address) ?? "-", raft_transferee(C),
        };
        if (code != 0) {
            words.Add(Raft.Text(raft_errmsg(C)));
        }
        Line(words.ToArray());
        if (code == 0) {
            CarryOut(e.C->type, Raft.Update);
        }
        return code;
    }

    void CarryOut(int type, raft_update* u) {
        uint flags = u->flags;
        var follow = new List<Event>();
        var acks = new List<Event>();
        if ((flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) != 0) {
            term = raft_current_term(C);
            vote = raft_voted_for(C);
        }
        if ((flags & RAFT_UPDATE_ENTRIES) != 0) { Write(u->entries, acks); }
        if ((flags & RAFT_UPDATE_SNAPSHOT) != 0) { Write(u->snapshot, acks); }
        for (uint i = 0; (flags & RAFT_UPDATE_MESSAGES) != 0 && i < u->messages.n; i++) {
            Post(u->messages.batch + i, follow);
        }
        for (uint i = 0; (flags & RAFT_UPDATE_READS) != 0 && i < u->reads.n; i++) {
            var read = u->reads.batch[i];
            Line("r", read.id, read.index, read.status);
            Reads.Add(read.index);
        }
        if (type == RAFT_PERSISTED_SNAPSHOT && raft_snapshot_index(C) != SnapshotIndex) {
            snapshot = incoming;
            log.Clear();
            first = snapshot.Index + 1;
        }
        if ((flags & RAFT_UPDATE_COMMIT_INDEX) != 0) { Apply(); }
        foreach (var e in follow.Concat(acks)) {
            Expect(e);
        }
    }

    void Write(raft_update_entries e, List<Event> acks) {
        Line("e", e.index, e.n, e.write);
        if (log.Count == 0) { first = e.index; }
        int keep = (int)(e.index - first);
        log.RemoveRange(keep, log.Count - keep);
        for (uint i = 0; i < e.n; i++) {
            var x = e.batch[i];
            var payload = Raft.Bytes(x.buf);
            log.Add(new Entry(x.term, x.type, payload));
            Line("", x.term, x.type, x.cookie, Hex(payload));
        }
        if (e.n > 0) {
            var ack = new Event(RAFT_STORED);
            ack.C->stored.index = e.index + e.n - 1;
            ack.C->stored.write = e.write;
            acks.Add(ack);
        }
    }

    void Write(raft_update_snapshot s, List<Event> acks) {
        var m = s.metadata;
        var members = Raft.Members(m.configuration);
        var chunk = Raft.Bytes(s.chunk);
        Line("s", m.index, m.term, m.configuration_index, Show(members), s.offset, s.last,
             Hex(chunk));
        if (s.offset == 0) {
            incoming = new Snapshot { Index = m.index, Term = m.term, Members = members,
                                      MembersIndex = m.configuration_index, Data = new byte[0] };
        }
        if ((ulong)incoming.Data.Length != s.offset) {
            throw new Exception("a chunk is missing");
        }
        incoming.Data = incoming.Data.Concat(chunk).ToArray();
        var ack = new Event(RAFT_PERSISTED_SNAPSHOT);
        ack.C->persisted_snapshot.metadata.index = m.index;
        ack.C->persisted_snapshot.metadata.term = m.term;
        ack.C->persisted_snapshot.offset = s.offset;
        ack.C->persisted_snapshot.last = s.last;
        acks.Add(ack);
    }

    /// Copy a message, attach what it asks for, and put it into the queue.
    void Post(raft_message* m, List<Event> follow) {
        Line("m", m->type, m->server_id, Raft.Text(m->server_address), Fields(m));
        var e = new Event(RAFT_RECEIVE);
        var copy = (raft_message*)e.Allocate(sizeof(raft_message));
        *copy = *m;
        copy->server_id = (ulong)Id;
        copy->server_address = e.Address(Id.ToString());
        if (m->type == RAFT_APPEND_ENTRIES) {
            Attach(e, &copy->append_entries, m->server_id, follow);
        } else if (m->type == RAFT_INSTALL_SNAPSHOT) {
            Attach(e, &copy->install_snapshot);
        }
        e.C->receive.message = copy;
        Network.Enqueue(new Letter { From = this, To = All[(int)m->server_id], Event = e });
    }

    static string Fields(raft_message* m) {
        switch (m->type) {
        case RAFT_APPEND_ENTRIES: {
            var a = m->append_entries;
            return Words(a.version, a.term, a.prev_log_index, a.prev_log_term, a.leader_commit,
                         a.n_entries, a.round, a.sleep);
        }
        case RAFT_APPEND_ENTRIES_RESULT: {
            var a = m->append_entries_result;
            return Words(a.version, a.term, a.rejected, a.last_log_index, a.features, a.capacity,
                         a.round, a.snapshot_index, a.snapshot_offset);
        }
        case RAFT_REQUEST_VOTE: {
            var a = m->request_vote;
            return Words(a.version, a.term, a.candidate_id, a.last_log_index, a.last_log_term,
                         a.disrupt_leader, a.pre_vote);
        }
        case RAFT_REQUEST_VOTE_RESULT: {
            var a = m->request_vote_result;
            return Words(a.version, a.term, a.vote_granted, a.pre_vote, a.features, a.capacity);
        }
        case RAFT_INSTALL_SNAPSHOT: {
            var a = m->install_snapshot;
            return Words(a.version, a.term, a.last_index, a.last_term, a.conf_index,
                         Show(Raft.Members(a.conf)), a.offset);
        }
        case RAFT_TIMEOUT_NOW: {
            var a = m->timeout_now;
            return Words(a.version, a.term, a.last_log_index, a.last_log_term);
        }
        default:
            throw new Exception($"message {m->type}");
        }
    }

    void Attach(Event e, raft_append_entries* a, ulong to, List<Event> follow) {
        int n = (int)a->n_entries;
        if (Limit > 0 && n > Limit) {
            n = Limit;
            var sent = new Event(RAFT_SENT);
            sent.C->sent.server_id = to;
            sent.C->sent.index = a->prev_log_index + (ulong)n;
            follow.Add(sent);
        }
        int at = n == 0 ? 0 : (int)(a->prev_log_index + 1 - first);
        a->entries = e.Entries(log.GetRange(at, n));
        a->n_entries = (uint)n;
    }

    void Attach(Event e, raft_install_snapshot* a) {
        if (a->last_index != SnapshotIndex) {
            throw new Exception("an old snapshot is asked for");
        }
        a->conf = e.Members(Raft.Members(a->conf));
        var data = snapshot.Data.Skip((int)a->offset).Take(Chunk).ToArray();
        a->data = e.Bytes(data);
        a->last = a->offset + (ulong)data.Length == (ulong)snapshot.Data.Length;
    }

    void Apply() {
        while (Applied < raft_commit_index(C)) {
            if (Applied + 1 < first || Applied + 1 - first >= (ulong)log.Count) {
                if (SnapshotIndex <= Applied) {
                    throw new Exception("an entry is missing");
                }
                State = new MemoryStream();
                State.Write(snapshot.Data, 0, snapshot.Data.Length);
                Applied = snapshot.Index;
                continue;
            }
            var entry = log[(int)(Applied + 1 - first)];
            if (entry.Type == RAFT_COMMAND) {
                State.Write(entry.Payload, 0, entry.Payload.Length);
                State.WriteByte((byte)'\n');
            }
            Applied++;
        }
    }

    public void TakeSnapshot() {
        raft_configuration conf;
        ulong index;
        Raft.Check(raft_configuration_at(C, Applied, &conf, &index));
        snapshot = new Snapshot { Index = Applied, Term = raft_term_of(C, Applied),
                                  Members = Raft.Members(conf), MembersIndex = index,
                                  Data = State.ToArray() };
        var e = new Event(RAFT_SNAPSHOT);
        e.C->snapshot.metadata.index = Applied;
        e.C->snapshot.trailing = 5;
        Expect(e);
        ulong kept = raft_first_index(C);
        log.RemoveRange(0, (int)(kept - first));
        first = kept;
    }
}
