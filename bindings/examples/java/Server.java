// SPDX-License-Identifier: MIT
import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.StringJoiner;
import java.util.TreeMap;

/** A server of the digest program, its state machine, and the lines of the transcript. */
final class Server {
    record Snapshot(long index, long term, List<Raft.Member> members, long membersIndex,
                    byte[] data) {}
    record Incoming(Snapshot head, ByteArrayOutputStream data) {}
    record Letter(Server from, Server to, Raft.Event event) {}

    private static final int CHUNK = 1000;
    private static final int EVERY =
        Integer.parseInt(System.getenv().getOrDefault("RAFT_GC", "0"));
    private static int taken;

    static final StringBuilder lines = new StringBuilder();
    static final TreeMap<Integer, Server> all = new TreeMap<>();
    static final ArrayDeque<Letter> network = new ArrayDeque<>();
    static long now;

    private final List<Raft.Entry> log = new ArrayList<>();
    private long term, vote, first = 1;
    private Snapshot snapshot;
    private Incoming incoming;

    final int id;
    Raft raft;
    boolean running, cut;
    int limit;
    long applied;
    ByteArrayOutputStream state;
    final List<Long> reads = new ArrayList<>();

    Server(int id) {
        this.id = id;
        all.put(id, this);
        start();
    }

    static Collection<Server> servers() { return all.values(); }
    boolean up() { return running && !cut; }
    boolean committed() { return RaftC.raft_commit_index(raft.c) == lastIndex(); }
    long lastIndex() { return RaftC.raft_last_index(raft.c); }
    private long snapshotIndex() { return snapshot == null ? 0 : snapshot.index(); }

    static String words(Object... words) {
        StringJoiner joiner = new StringJoiner(" ");
        for (Object word : words) {
            joiner.add(word instanceof Boolean yes ? (yes ? "1" : "0") : word.toString());
        }
        return joiner.toString();
    }

    static void line(Object... words) { lines.append(words(words)).append('\n'); }

    private static String hex(byte[] bytes) {
        return bytes.length == 0 ? "-" : HexFormat.of().formatHex(bytes);
    }

    private static String show(List<Raft.Member> members) {
        return members.isEmpty()
            ? "-" : String.join(",", members.stream().map(Raft.Member::toString).toList());
    }

    private static void trace(int type, RaftC.raft_tracer_info i) {
        line("t", i.server(), type, i.code(), i.time(), i.peer(), i.term(), i.index(),
             Raft.text(i.text()));
    }

    void start() {
        running = true;
        applied = 0;
        state = new ByteArrayOutputStream();
        reads.clear();
        raft = new Raft(id, String.valueOf(id), id == 1 ? Server::trace : null);
        raft.check(RaftC.raft_seed(raft.c, id * 1000));
        raft.check(RaftC.raft_set_features(raft.c, 30));
        raft.check(RaftC.raft_set_max_message_entries(raft.c, 50));
        Raft.Event event = new Raft.Event(RaftC.RAFT_START);
        RaftC.raft_event_start start = event.c.start();
        start.term(term);
        start.voted_for(vote);
        start.start_index(first);
        start.entries(event.entries(log));
        start.n_entries(log.size());
        if (snapshot != null) {
            var m = new RaftC.raft_snapshot_metadata(
                event.allocate(RaftC.raft_snapshot_metadata.SIZE));
            m.index(snapshot.index());
            m.term(snapshot.term());
            event.set(m.configuration(), snapshot.members());
            m.configuration_index(snapshot.membersIndex());
            start.metadata(m.p);
        }
        expect(event, 0);
    }

    void stop() {
        raft.close();
        running = false;
    }

    void expect(Raft.Event event, int wanted) {
        int code = step(event);
        if (code != wanted) {
            throw new IllegalStateException("status " + code + ", not " + wanted);
        }
    }

    private int step(Raft.Event event) {
        boolean forced = EVERY > 0 && ++taken % EVERY == 0;
        event.c.time(now);
        event.c.capacity(id * 100);
        if (forced) { System.gc(); }
        int code = raft.step(event);
        if (forced) { System.gc(); }
        var r = raft.c;
        String address = raft.leaderAddress();
        String text = words("u", id, now, event.c.type(), code, raft.update.flags(),
            RaftC.raft_current_term(r), RaftC.raft_voted_for(r), RaftC.raft_state(r),
            RaftC.raft_commit_index(r), RaftC.raft_timeout(r), RaftC.raft_last_index(r),
            RaftC.raft_first_index(r), RaftC.raft_last_stored(r), RaftC.raft_snapshot_index(r),
            RaftC.raft_role(r), raft.leaderId(), address == null ? "-" : address,
            RaftC.raft_transferee(r));
        line(code == 0 ? text : text + " " + raft.errmsg());
        if (code == 0) {
            carryOut(event.c.type(), raft.update);
        }
        return code;
    }

    private void carryOut(int type, RaftC.raft_update u) {
        int flags = u.flags();
        List<Raft.Event> follow = new ArrayList<>(), acks = new ArrayList<>();
        if ((flags & (RaftC.RAFT_UPDATE_CURRENT_TERM | RaftC.RAFT_UPDATE_VOTED_FOR)) != 0) {
            term = RaftC.raft_current_term(raft.c);
            vote = RaftC.raft_voted_for(raft.c);
        }
        if ((flags & RaftC.RAFT_UPDATE_ENTRIES) != 0) { write(u.entries(), acks); }
        if ((flags & RaftC.RAFT_UPDATE_SNAPSHOT) != 0) { write(u.snapshot(), acks); }
        if ((flags & RaftC.RAFT_UPDATE_MESSAGES) != 0) {
            for (int i = 0; i < u.messages().n(); i++) {
                post(RaftC.raft_message.at(u.messages().batch(), i), follow);
            }
        }
        if ((flags & RaftC.RAFT_UPDATE_READS) != 0) {
            for (int i = 0; i < u.reads().n(); i++) {
                var read = RaftC.raft_read.at(u.reads().batch(), i);
                line("r", read.id(), read.index(), read.status());
                reads.add(read.index());
            }
        }
        if (type == RaftC.RAFT_PERSISTED_SNAPSHOT &&
            RaftC.raft_snapshot_index(raft.c) != snapshotIndex()) {
            var head = incoming.head();
            snapshot = new Snapshot(head.index(), head.term(), head.members(),
                                    head.membersIndex(), incoming.data().toByteArray());
            log.clear();
            first = snapshot.index() + 1;
        }
        if ((flags & RaftC.RAFT_UPDATE_COMMIT_INDEX) != 0) { apply(); }
        follow.addAll(acks);
        for (Raft.Event event : follow) {
            expect(event, 0);
        }
    }

    private void write(RaftC.raft_update_entries e, List<Raft.Event> acks) {
        long index = e.index(), write = e.write();
        int n = e.n();
        line("e", index, n, write);
        if (log.isEmpty()) { first = index; }
        log.subList((int) (index - first), log.size()).clear();
        for (int i = 0; i < n; i++) {
            var x = RaftC.raft_entry.at(e.batch(), i);
            byte[] payload = Raft.bytes(x.buf());
            log.add(new Raft.Entry(x.term(), x.type(), payload));
            line("", x.term(), x.type(), x.cookie(), hex(payload));
        }
        if (n > 0) {
            var ack = new Raft.Event(RaftC.RAFT_STORED);
            ack.c.stored().index(index + n - 1);
            ack.c.stored().write(write);
            acks.add(ack);
        }
    }

    private void write(RaftC.raft_update_snapshot s, List<Raft.Event> acks) {
        var m = s.metadata();
        var members = Raft.members(m.configuration());
        byte[] chunk = Raft.bytes(s.chunk());
        line("s", m.index(), m.term(), m.configuration_index(), show(members), s.offset(),
             s.last(), hex(chunk));
        if (s.offset() == 0) {
            incoming = new Incoming(new Snapshot(m.index(), m.term(), members,
                                                 m.configuration_index(), null),
                                    new ByteArrayOutputStream());
        }
        if (incoming.data().size() != s.offset()) {
            throw new IllegalStateException("a chunk is missing");
        }
        incoming.data().writeBytes(chunk);
        var ack = new Raft.Event(RaftC.RAFT_PERSISTED_SNAPSHOT);
        var persisted = ack.c.persisted_snapshot();
        persisted.metadata().index(m.index());
        persisted.metadata().term(m.term());
        persisted.offset(s.offset());
        persisted.last(s.last());
        acks.add(ack);
    }

    /** Copy a message, attach what it asks for, and put it into the queue. */
    private void post(RaftC.raft_message m, List<Raft.Event> follow) {
        line("m", m.type(), m.server_id(), Raft.text(m.server_address()), fields(m));
        var event = new Raft.Event(RaftC.RAFT_RECEIVE);
        var copy = new RaftC.raft_message(event.allocate(RaftC.raft_message.SIZE));
        copy.p.write(0, m.p.getByteArray(0, RaftC.raft_message.SIZE), 0, RaftC.raft_message.SIZE);
        copy.server_id(id);
        copy.server_address(event.address(String.valueOf(id)));
        if (m.type() == RaftC.RAFT_APPEND_ENTRIES) {
            attach(event, copy.append_entries(), m.server_id(), follow);
        } else if (m.type() == RaftC.RAFT_INSTALL_SNAPSHOT) {
            attach(event, copy.install_snapshot());
        }
        event.c.receive().message(copy.p);
        network.add(new Letter(this, all.get((int) m.server_id()), event));
    }

    private static String fields(RaftC.raft_message m) {
        switch (m.type()) {
        case RaftC.RAFT_APPEND_ENTRIES: {
            var a = m.append_entries();
            return words(a.version(), a.term(), a.prev_log_index(), a.prev_log_term(),
                         a.leader_commit(), a.n_entries(), a.round(), a.sleep());
        }
        case RaftC.RAFT_APPEND_ENTRIES_RESULT: {
            var a = m.append_entries_result();
            return words(a.version(), a.term(), a.rejected(), a.last_log_index(), a.features(),
                         a.capacity(), a.round(), a.snapshot_index(), a.snapshot_offset());
        }
        case RaftC.RAFT_REQUEST_VOTE: {
            var a = m.request_vote();
            return words(a.version(), a.term(), a.candidate_id(), a.last_log_index(),
                         a.last_log_term(), a.disrupt_leader(), a.pre_vote());
        }
        case RaftC.RAFT_REQUEST_VOTE_RESULT: {
            var a = m.request_vote_result();
            return words(a.version(), a.term(), a.vote_granted(), a.pre_vote(), a.features(),
                         a.capacity());
        }
        case RaftC.RAFT_INSTALL_SNAPSHOT: {
            var a = m.install_snapshot();
            return words(a.version(), a.term(), a.last_index(), a.last_term(), a.conf_index(),
                         show(Raft.members(a.conf())), a.offset());
        }
        case RaftC.RAFT_TIMEOUT_NOW: {
            var a = m.timeout_now();
            return words(a.version(), a.term(), a.last_log_index(), a.last_log_term());
        }
        default:
            throw new IllegalStateException("message " + m.type());
        }
    }

    private void attach(Raft.Event event, RaftC.raft_append_entries a, long to,
                        List<Raft.Event> follow) {
        int n = a.n_entries();
        if (limit > 0 && n > limit) {
            n = limit;
            var sent = new Raft.Event(RaftC.RAFT_SENT);
            sent.c.sent().server_id(to);
            sent.c.sent().index(a.prev_log_index() + n);
            follow.add(sent);
        }
        int at = n == 0 ? 0 : (int) (a.prev_log_index() + 1 - first);
        a.entries(event.entries(log.subList(at, at + n)));
        a.n_entries(n);
    }

    private void attach(Raft.Event event, RaftC.raft_install_snapshot a) {
        if (a.last_index() != snapshotIndex()) {
            throw new IllegalStateException("an old snapshot is asked for");
        }
        event.set(a.conf(), Raft.members(a.conf()));
        int from = (int) a.offset(), to = Math.min(from + CHUNK, snapshot.data().length);
        event.set(a.data(), Arrays.copyOfRange(snapshot.data(), from, to));
        a.last(to == snapshot.data().length);
    }

    private void apply() {
        while (applied < RaftC.raft_commit_index(raft.c)) {
            long i = applied + 1 - first;
            if (i < 0 || i >= log.size()) {
                if (snapshotIndex() <= applied) {
                    throw new IllegalStateException("an entry is missing");
                }
                state = new ByteArrayOutputStream();
                state.writeBytes(snapshot.data());
                applied = snapshot.index();
                continue;
            }
            Raft.Entry entry = log.get((int) i);
            if (entry.type() == RaftC.RAFT_COMMAND) {
                state.writeBytes(entry.payload());
                state.write('\n');
            }
            applied++;
        }
    }

    void takeSnapshot() {
        var keeper = new Raft.Keeper();
        var conf = new RaftC.raft_configuration(
            keeper.allocate(RaftC.raft_configuration.SIZE));
        var index = keeper.allocate(8);
        raft.check(RaftC.raft_configuration_at(raft.c, applied, conf.p, index));
        snapshot = new Snapshot(applied, RaftC.raft_term_of(raft.c, applied),
                                Raft.members(conf), index.getLong(0), state.toByteArray());
        var event = new Raft.Event(RaftC.RAFT_SNAPSHOT);
        event.c.snapshot().metadata().index(applied);
        event.c.snapshot().trailing(5);
        expect(event, 0);
        long kept = RaftC.raft_first_index(raft.c);
        log.subList(0, (int) (kept - first)).clear();
        first = kept;
    }
}
