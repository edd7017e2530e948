// SPDX-License-Identifier: MIT
// The digest program in C#: see ../../digest/README.md.
//
// usage: digest.exe TRANSCRIPT | --bench STEPS
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using static RaftC;

static unsafe class Digest {
    const ulong Never = long.MaxValue;
    static int command;

    static IEnumerable<Server> All => Server.All.Values;
    static void Line(params object[] words) { Server.Line(words); }

    static Server Leader() => All
        .Where(s => s.Up && raft_state(s.C) == RAFT_LEADER)
        .OrderByDescending(s => raft_current_term(s.C)).ThenBy(s => s.Id).FirstOrDefault();

    static bool Led(Server by = null) {
        var leader = Leader();
        return leader != null && (by == null || leader == by) && leader.Committed;
    }

    static bool Level(Server s) =>
        All.Where(x => x.Up).All(x => x.Applied == raft_last_index(s.C));

    static bool Quiet() => Server.Network.Count == 0;

    static Server NextDue() =>
        All.Where(s => s.Running).OrderBy(s => raft_timeout(s.C)).ThenBy(s => s.Id).First();

    static bool Asleep() => Quiet() && raft_timeout(NextDue().C) == Never;

    static void Pump(Func<bool> until) {
        for (int i = 0; i < 100000; i++) {
            if (until()) {
                return;
            }
            if (!Quiet()) {
                var letter = Server.Network.Dequeue();
                if (letter.To.Up && !letter.From.Cut) {
                    letter.To.Expect(letter.Event);
                } else {
                    Line("d", letter.From.Id, letter.To.Id);
                }
                continue;
            }
            var s = NextDue();
            ulong due = raft_timeout(s.C);
            if (due == Never) {
                throw new Exception("no server has a deadline");
            }
            Server.Now = Math.Max(Server.Now, due);
            s.Expect(new Event(RAFT_TIMEOUT));
        }
        throw new Exception("the condition never holds");
    }

    static void Submit(Server s, int n, int wanted = 0) {
        var entries = new List<Entry>();
        for (int i = 0; i < n; i++, command++) {
            string text = command % 500 == 499 ? "" : "cmd-" + command;
            entries.Add(new Entry(0, RAFT_COMMAND, Encoding.ASCII.GetBytes(text)));
        }
        var e = new Event(RAFT_SUBMIT);
        e.C->submit.entries = e.Entries(entries);
        e.C->submit.n = (uint)n;
        s.Expect(e, wanted);
    }

    static void Load(Server s, int rounds) {
        for (int i = 0; i < rounds; i++) {
            Submit(s, 10);
            Pump(Quiet);
        }
        Pump(() => Level(s));
    }

    static List<Member> Voters(int n, int last = RAFT_VOTER) => Enumerable.Range(1, n)
        .Select(i => new Member((ulong)i, i.ToString(), i == n ? last : RAFT_VOTER)).ToList();

    static void Reconfigure(Server s, List<Member> members, int wanted = 0) {
        var e = new Event(RAFT_RECONFIGURE);
        e.C->reconfigure.conf = e.Members(members);
        s.Expect(e, wanted);
    }

    static void Bootstrap(Server s, List<Member> members) {
        var e = new Event(RAFT_BOOTSTRAP);
        e.C->bootstrap.conf = e.Members(members);
        s.Expect(e);
    }

    static void Recover(Server s) {
        var e = new Event(RAFT_RECOVER);
        e.C->recover.conf =
            e.Members(new List<Member> { new Member((ulong)s.Id, s.Id.ToString(), RAFT_VOTER) });
        s.Expect(e);
    }

    static void Read(Server s, ulong id, bool lease = false) {
        var e = new Event(RAFT_READ);
        e.C->read.id = id;
        e.C->read.lease = lease;
        s.Expect(e);
    }

    static void CatchUp(Server s, ulong id) {
        var e = new Event(RAFT_CATCH_UP);
        e.C->catch_up.server_id = id;
        s.Expect(e);
    }

    static void Transfer(Server s, ulong id, int wanted = 0) {
        var e = new Event(RAFT_TRANSFER);
        e.C->transfer.server_id = id;
        s.Expect(e, wanted);
    }

    static bool CaughtUp(Server s) {
        int status;
        s.Raft.Check(raft_catch_up(s.C, 4, &status));
        return status == RAFT_CATCH_UP_FINISHED;
    }

    static void Progress(Server s, ulong id) {
        raft_peer p;
        s.Raft.Check(raft_progress(s.C, id, &p));
        Line("p", id, p.mode, p.features, p.capacity, p.match, p.next, p.last_contact,
             p.snapshot_index, p.snapshot_offset, p.data_losses);
    }

    static void Scenario() {
        Line("x start");
        for (int i = 1; i <= 3; i++) {
            new Server(i);
        }
        Bootstrap(Server.All[1], Voters(3));
        Pump(() => Led());
        var l = Leader();
        var f = Server.All[l.Id == 1 ? 2 : 1];
        Line("x submit", l.Id);
        Load(l, 100);
        Line("x errors");
        Submit(f, 1, RAFT_NOTLEADER);
        Submit(l, 0, RAFT_INVALID);
        Transfer(l, 9, RAFT_BADID);
        f.Expect(new Event(RAFT_CAMPAIGN), RAFT_BUSY);
        Line("x add");
        new Server(4);
        Reconfigure(l, Voters(4, RAFT_STANDBY));
        Pump(() => l.Committed);
        CatchUp(l, 4);
        Pump(() => CaughtUp(l));
        Reconfigure(l, Voters(4));
        Pump(() => l.Committed);
        Pump(() => Level(l));
        Line("x lag", f.Id);
        f.Cut = true;
        Load(l, 10);
        foreach (var s in All.Where(s => s != f)) {
            s.TakeSnapshot();
        }
        f.Cut = false;
        Pump(() => Level(l));
        Line("x installed", raft_snapshot_index(f.C));
        Line("x replace");
        l.Cut = true;
        Read(l, 101);
        Submit(l, 3);
        Pump(() => Led());
        var n = Leader();
        Submit(n, 5);
        Pump(() => n.Committed);
        l.Cut = false;
        Pump(() => Level(n));
        Line("x read", n.Id);
        for (ulong id = 102; id <= 103; id++) {
            n.Reads.Clear();
            Read(n, id, id == 103);
            Pump(() => n.Reads.Count > 0 && n.Applied >= n.Reads.Last());
            Line("x", id, n.State.Length);
        }
        Line("x transfer");
        Transfer(n, (ulong)f.Id);
        Pump(() => Led(f));
        Line("x restart", n.Id);
        n.Stop();
        n.Start();
        Pump(() => Level(f));
        SecondHalf(f);
    }

    static void SecondHalf(Server f) {
        Line("x events");
        var e = new Event(RAFT_UNREACHABLE);
        e.C->unreachable.server_id = 4;
        f.Expect(e);
        Progress(f, 4);
        e = new Event(RAFT_CONFIGURATION);
        e.C->configuration.index = 1;
        f.Expect(e);
        e = new Event(RAFT_PERSISTED_ENTRIES);
        e.C->persisted_entries.index = raft_last_stored(f.C);
        f.Expect(e);
        CatchUp(f, 0);
        Reconfigure(f, Voters(1, 99), RAFT_BADROLE);
        Pump(() => Level(f));
        Line("x sent");
        f.Limit = 4;
        Load(f, 3);
        f.Limit = 0;
        for (ulong id = 1; id <= 4; id++) {
            Progress(f, id);
        }
        Line("x sleep");
        var other = Server.All[f.Id == 1 ? 2 : 1];
        foreach (var s in All) { s.Raft.Check(raft_set_idle_timeout(s.C, 500)); }
        Pump(Asleep);
        Line("x asleep", Server.Now);
        other.Expect(new Event(RAFT_WAKE));
        Pump(Asleep);
        Line("x wake");
        Submit(f, 1);
        Pump(() => Level(f));
        foreach (var s in All) { s.Raft.Check(raft_set_idle_timeout(s.C, 0)); }
        Line("x recover", other.Id);
        foreach (var s in All.Where(s => s != other)) { s.Stop(); }
        Recover(other);
        Pump(() => Led(other));
        Submit(other, 1);
        Pump(() => Level(other));
        foreach (var s in All) { Line("z", s.Id, s.Applied, s.State.Length); }
        other.Stop();
    }

    // Of C: microseconds. The processor time that Mono tells has a resolution of 10 ms.
    [DllImport("libc.so.6")]
    static extern long clock();

    static double Cpu() => clock() * 1e3;

    static void Print(string what, double time) {
        Console.WriteLine(FormattableString.Invariant($"{what} {time:F1}"));
    }

    static void Step(Raft r, Event e, ulong time = 5000) {
        e.C->time = time;
        r.Check(r.Step(e));
    }

    static Raft Alone() {
        var r = new Raft(1, "1");
        Step(r, new Event(RAFT_START), 0);
        var e = new Event(RAFT_BOOTSTRAP);
        e.C->bootstrap.conf = e.Members(Voters(1));
        Step(r, e, 0);
        while (raft_state(r.C) != RAFT_LEADER ||
               raft_commit_index(r.C) != raft_last_index(r.C)) {
            if (raft_last_stored(r.C) == raft_last_index(r.C)) {
                Step(r, new Event(RAFT_TIMEOUT), raft_timeout(r.C));
            } else {
                e = new Event(RAFT_PERSISTED_ENTRIES);
                e.C->persisted_entries.index = raft_last_index(r.C);
                Step(r, e, 0);
            }
        }
        return r;
    }

    static void Bench(int steps) {
        var r = Alone();
        ulong sum = 0;
        double start = Cpu();
        for (int i = 0; i < steps; i++) {
            var e = new Event(RAFT_UNREACHABLE);
            e.C->unreachable.server_id = 99;
            Step(r, e);
            sum += r.Update->flags;
        }
        Print("null", (Cpu() - start) / steps);
        var entries = new List<Entry> {
            new Entry(0, RAFT_COMMAND, Encoding.ASCII.GetBytes("0123456789abcde\0")) };
        start = Cpu();
        for (int i = 0; i < steps / 2; i++) {
            var e = new Event(RAFT_SUBMIT);
            e.C->submit.entries = e.Entries(entries);
            e.C->submit.n = 1;
            Step(r, e);
            var stored = new Event(RAFT_STORED);
            stored.C->stored.index = r.Update->entries.index;
            stored.C->stored.write = r.Update->entries.write;
            sum += (ulong)Raft.Bytes(r.Update->entries.batch[0].buf).Length;
            Step(r, stored);
            sum += raft_commit_index(r.C);
        }
        Print("submit", (Cpu() - start) / steps);
        if (sum == 0) {
            throw new Exception("nothing happened");
        }
        r.Close();
    }

    static int Main(string[] arguments) {
        if (arguments.Length == 2 && arguments[0] == "--bench") {
            Bench(int.Parse(arguments[1]));
        } else if (arguments.Length == 1) {
            Scenario();
            File.WriteAllText(arguments[0], Server.Lines.ToString());
        } else {
            Console.Error.WriteLine("usage: digest.exe TRANSCRIPT | --bench STEPS");
            return 2;
        }
        return 0;
    }
}
