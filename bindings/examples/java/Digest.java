// SPDX-License-Identifier: MIT
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.BooleanSupplier;

/**
 * The digest program in Java: see ../../digest/README.md.
 *
 * usage: java -cp jna.jar:CLASSES Digest TRANSCRIPT | --bench STEPS
 */
final class Digest {
    private static int command;

    private static void line(Object... words) { Server.line(words); }

    private static Server leader() {
        return Server.servers().stream()
            .filter(s -> s.up() && RaftC.raft_state(s.raft.c) == RaftC.RAFT_LEADER)
            .max(Comparator.<Server>comparingLong(s -> RaftC.raft_current_term(s.raft.c))
                           .thenComparing(s -> -s.id)).orElse(null);
    }

    private static boolean led() { return led(leader()); }

    private static boolean led(Server by) {
        return by != null && by == leader() && by.committed();
    }

    private static boolean level(Server s) {
        return Server.servers().stream().filter(Server::up)
            .allMatch(x -> x.applied == s.lastIndex());
    }

    private static boolean quiet() { return Server.network.isEmpty(); }

    private static Server nextDue() {
        return Server.servers().stream().filter(s -> s.running)
            .min(Comparator.<Server>comparingLong(s -> RaftC.raft_timeout(s.raft.c))
                           .thenComparing(s -> s.id)).get();
    }

    private static boolean asleep() {
        return quiet() && RaftC.raft_timeout(nextDue().raft.c) == Raft.NEVER;
    }

    private static void pump(BooleanSupplier until) {
        for (int i = 0; i < 100000; i++) {
            if (until.getAsBoolean()) {
                return;
            }
            Server.Letter letter = Server.network.poll();
            if (letter != null) {
                if (letter.to().up() && !letter.from().cut) {
                    letter.to().expect(letter.event(), 0);
                } else {
                    line("d", letter.from().id, letter.to().id);
                }
                continue;
            }
            Server s = nextDue();
            long due = RaftC.raft_timeout(s.raft.c);
            if (due == Raft.NEVER) {
                throw new IllegalStateException("no server has a deadline");
            }
            Server.now = Math.max(Server.now, due);
            s.expect(new Raft.Event(RaftC.RAFT_TIMEOUT), 0);
        }
        throw new IllegalStateException("the condition never holds");
    }

    private static void submit(Server s, int n, int wanted) {
        List<Raft.Entry> entries = new ArrayList<>();
        for (int i = 0; i < n; i++, command++) {
            String text = command % 500 == 499 ? "" : "cmd-" + command;
            entries.add(new Raft.Entry(0, RaftC.RAFT_COMMAND,
                                       text.getBytes(StandardCharsets.US_ASCII)));
        }
        var event = new Raft.Event(RaftC.RAFT_SUBMIT);
        event.c.submit().entries(event.entries(entries));
        event.c.submit().n(n);
        s.expect(event, wanted);
    }

    private static void load(Server s, int rounds) {
        for (int i = 0; i < rounds; i++) {
            submit(s, 10, 0);
            pump(Digest::quiet);
        }
        pump(() -> level(s));
    }

    private static List<Raft.Member> voters(int n, int last) {
        List<Raft.Member> members = new ArrayList<>();
        for (int i = 1; i <= n; i++) {
            members.add(new Raft.Member(i, String.valueOf(i), i == n ? last : RaftC.RAFT_VOTER));
        }
        return members;
    }

    private static Raft.Event bootstrap(List<Raft.Member> members) {
        var event = new Raft.Event(RaftC.RAFT_BOOTSTRAP);
        event.set(event.c.bootstrap().conf(), members);
        return event;
    }

    private static void reconfigure(Server s, List<Raft.Member> members, int wanted) {
        var event = new Raft.Event(RaftC.RAFT_RECONFIGURE);
        event.set(event.c.reconfigure().conf(), members);
        s.expect(event, wanted);
    }

    private static void recover(Server s) {
        var event = new Raft.Event(RaftC.RAFT_RECOVER);
        event.set(event.c.recover().conf(),
                  List.of(new Raft.Member(s.id, String.valueOf(s.id), RaftC.RAFT_VOTER)));
        s.expect(event, 0);
    }

    private static void read(Server s, long id, boolean lease) {
        var event = new Raft.Event(RaftC.RAFT_READ);
        event.c.read().id(id);
        event.c.read().lease(lease);
        s.expect(event, 0);
    }

    private static void catchUp(Server s, long id) {
        var event = new Raft.Event(RaftC.RAFT_CATCH_UP);
        event.c.catch_up().server_id(id);
        s.expect(event, 0);
    }

    private static void transfer(Server s, long id, int wanted) {
        var event = new Raft.Event(RaftC.RAFT_TRANSFER);
        event.c.transfer().server_id(id);
        s.expect(event, wanted);
    }

    private static boolean caughtUp(Server s) {
        var status = new Raft.Keeper().allocate(4);
        s.raft.check(RaftC.raft_catch_up(s.raft.c, 4, status));
        return status.getInt(0) == RaftC.RAFT_CATCH_UP_FINISHED;
    }

    private static void progress(Server s, long id) {
        var p = new RaftC.raft_peer(new Raft.Keeper().allocate(RaftC.raft_peer.SIZE));
        s.raft.check(RaftC.raft_progress(s.raft.c, id, p.p));
        line("p", id, p.mode(), p.features(), p.capacity(), p.match(), p.next(),
             p.last_contact(), p.snapshot_index(), p.snapshot_offset(), p.data_losses());
    }

    private static void scenario() {
        line("x start");
        for (int i = 1; i <= 3; i++) {
            new Server(i);
        }
        Server.all.get(1).expect(bootstrap(voters(3, RaftC.RAFT_VOTER)), 0);
        pump(Digest::led);
        Server l = leader(), f = Server.all.get(l.id == 1 ? 2 : 1);
        line("x submit", l.id);
        load(l, 100);
        line("x errors");
        submit(f, 1, RaftC.RAFT_NOTLEADER);
        submit(l, 0, RaftC.RAFT_INVALID);
        transfer(l, 9, RaftC.RAFT_BADID);
        f.expect(new Raft.Event(RaftC.RAFT_CAMPAIGN), RaftC.RAFT_BUSY);
        line("x add");
        new Server(4);
        reconfigure(l, voters(4, RaftC.RAFT_STANDBY), 0);
        pump(l::committed);
        catchUp(l, 4);
        pump(() -> caughtUp(l));
        reconfigure(l, voters(4, RaftC.RAFT_VOTER), 0);
        pump(l::committed);
        pump(() -> level(l));
        line("x lag", f.id);
        f.cut = true;
        load(l, 10);
        Server.servers().stream().filter(s -> s != f).forEach(Server::takeSnapshot);
        f.cut = false;
        pump(() -> level(l));
        line("x installed", RaftC.raft_snapshot_index(f.raft.c));
        line("x replace");
        l.cut = true;
        read(l, 101, false);
        submit(l, 3, 0);
        pump(Digest::led);
        Server n = leader();
        submit(n, 5, 0);
        pump(n::committed);
        l.cut = false;
        pump(() -> level(n));
        line("x read", n.id);
        for (long id = 102; id <= 103; id++) {
            n.reads.clear();
            read(n, id, id == 103);
            pump(() -> !n.reads.isEmpty() && n.applied >= n.reads.get(n.reads.size() - 1));
            line("x", id, n.state.size());
        }
        line("x transfer");
        transfer(n, f.id, 0);
        pump(() -> led(f));
        line("x restart", n.id);
        n.stop();
        n.start();
        pump(() -> level(f));
        secondHalf(f);
    }

    private static void secondHalf(Server f) {
        line("x events");
        var event = new Raft.Event(RaftC.RAFT_UNREACHABLE);
        event.c.unreachable().server_id(4);
        f.expect(event, 0);
        progress(f, 4);
        event = new Raft.Event(RaftC.RAFT_CONFIGURATION);
        event.c.configuration().index(1);
        f.expect(event, 0);
        event = new Raft.Event(RaftC.RAFT_PERSISTED_ENTRIES);
        event.c.persisted_entries().index(RaftC.raft_last_stored(f.raft.c));
        f.expect(event, 0);
        catchUp(f, 0);
        reconfigure(f, voters(1, 99), RaftC.RAFT_BADROLE);
        pump(() -> level(f));
        line("x sent");
        f.limit = 4;
        load(f, 3);
        f.limit = 0;
        for (long id = 1; id <= 4; id++) {
            progress(f, id);
        }
        line("x sleep");
        Server other = Server.all.get(f.id == 1 ? 2 : 1);
        for (Server s : Server.servers()) {
            s.raft.check(RaftC.raft_set_idle_timeout(s.raft.c, 500));
        }
        pump(Digest::asleep);
        line("x asleep", Server.now);
        other.expect(new Raft.Event(RaftC.RAFT_WAKE), 0);
        pump(Digest::asleep);
        line("x wake");
        submit(f, 1, 0);
        pump(() -> level(f));
        for (Server s : Server.servers()) {
            s.raft.check(RaftC.raft_set_idle_timeout(s.raft.c, 0));
        }
        line("x recover", other.id);
        Server.servers().stream().filter(s -> s != other).forEach(Server::stop);
        recover(other);
        pump(() -> led(other));
        submit(other, 1, 0);
        pump(() -> level(other));
        Server.servers().forEach(s -> line("z", s.id, s.applied, s.state.size()));
        other.stop();
    }

    private static double cpu() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    private static void step(Raft r, Raft.Event event, long time) {
        event.c.time(time);
        r.check(r.step(event));
    }

    private static Raft alone() {
        Raft r = new Raft(1, "1", null);
        step(r, new Raft.Event(RaftC.RAFT_START), 0);
        step(r, bootstrap(voters(1, RaftC.RAFT_VOTER)), 0);
        while (RaftC.raft_state(r.c) != RaftC.RAFT_LEADER ||
               RaftC.raft_commit_index(r.c) != RaftC.raft_last_index(r.c)) {
            if (RaftC.raft_last_stored(r.c) == RaftC.raft_last_index(r.c)) {
                step(r, new Raft.Event(RaftC.RAFT_TIMEOUT), RaftC.raft_timeout(r.c));
            } else {
                var event = new Raft.Event(RaftC.RAFT_PERSISTED_ENTRIES);
                event.c.persisted_entries().index(RaftC.raft_last_index(r.c));
                step(r, event, 0);
            }
        }
        return r;
    }

    private static void bench(int steps) {
        Raft r = alone();
        long sum = 0;
        double start = cpu();
        for (int i = 0; i < steps; i++) {
            var event = new Raft.Event(RaftC.RAFT_UNREACHABLE);
            event.c.unreachable().server_id(99);
            step(r, event, 5000);
            sum += r.update.flags();
        }
        System.out.printf(Locale.ROOT, "null %.1f%n", (cpu() - start) / steps);
        var entries = List.of(new Raft.Entry(0, RaftC.RAFT_COMMAND,
            "0123456789abcde\0".getBytes(StandardCharsets.US_ASCII)));
        start = cpu();
        for (int i = 0; i < steps / 2; i++) {
            var event = new Raft.Event(RaftC.RAFT_SUBMIT);
            event.c.submit().entries(event.entries(entries));
            event.c.submit().n(1);
            step(r, event, 5000);
            var e = r.update.entries();
            var stored = new Raft.Event(RaftC.RAFT_STORED);
            stored.c.stored().index(e.index());
            stored.c.stored().write(e.write());
            sum += Raft.bytes(RaftC.raft_entry.at(e.batch(), 0).buf()).length;
            step(r, stored, 5000);
            sum += RaftC.raft_commit_index(r.c);
        }
        System.out.printf(Locale.ROOT, "submit %.1f%n", (cpu() - start) / steps);
        if (sum == 0) {
            throw new IllegalStateException("nothing happened");
        }
        r.close();
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length == 2 && arguments[0].equals("--bench")) {
            bench(Integer.parseInt(arguments[1]));
        } else if (arguments.length == 1) {
            scenario();
            Files.writeString(Path.of(arguments[0]), Server.lines);
        } else {
            System.err.println("usage: Digest TRANSCRIPT | --bench STEPS");
            System.exit(2);
        }
    }
}
