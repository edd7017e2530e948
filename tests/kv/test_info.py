# SPDX-License-Identifier: MIT
"""INFO, and the lines of the log about what the server does."""
import os
import re
import signal
import time

from harness import Cluster, DISK_FAULTS, LONG_TIMEOUTS, eventually, main, raises


def info(server, *sections):
    return dict(line.split(":", 1) for line in server.call("INFO", *sections).splitlines()
                if ":" in line)


def peer(server, id):
    return dict(item.split("=", 1) for item in info(server)["peer_%d" % id].split(","))


def logged(server, pattern):
    return eventually("server %d logs %r" % (server.id, pattern),
                      lambda: re.search(pattern, server.messages()))


def test_sections():
    with Cluster(1) as cluster:
        server = cluster.leader()
        names = re.findall(r"^# (\w+)\r$", server.call("INFO"), re.M)
        assert names == ["Server", "Clients", "Memory", "Persistence", "Stats", "Replication",
                         "Raft", "Cluster", "Keyspace"], names
        assert server.call("INFO", "all").count("# ") == len(names)
        text = server.call("INFO", "memory", "RAFT")
        assert re.findall(r"# (\w+)", text) == ["Memory", "Raft"], text
        assert server.call("INFO", "nonsense") == ""
        assert all(line.endswith("\r") for line in text.split("\n") if line), text


def test_numbers():
    """The numbers follow what happens."""
    with Cluster(1) as cluster:
        server = cluster.leader()
        eventually("the leader's first entry is applied", lambda: server.status()[
            "applied-index"] == server.status()["last-index"])
        before = info(server)
        with server.connect() as c, server.connect():
            for i in range(20):
                assert c.call("SET", "k%d" % i, "v" * 10000) == "OK"
            for i in range(7):
                c.call("GET", "k0")
            for _ in range(3):
                raises("ERR", c.call, "NO-SUCH-COMMAND")
            after = info(server)

        def more(name):
            return int(after[name]) - int(before[name])
        assert more("total_writes") == 20 and more("total_reads") == 7, after
        assert more("total_error_replies") == 3, after
        assert more("connected_clients") == 2 and after["process_id"] == str(server.process.pid)
        assert more("sync_count") >= 1 and more("apply_count") >= 1, after
        for name in ("sync", "apply"):
            mean, p99, top = (int(after["%s_%s_us" % (name, x)]) for x in ("mean", "p99", "max"))
            assert 0 < mean <= top and p99 <= top, after
        assert more("log_bytes") >= 200000 and more("changes_bytes") >= 200000, after
        assert more("raft_applied_index") == 20 == more("log_last_index"), after
        assert more("written_bytes") >= 200000 or not os.path.exists("/proc/self/io"), after
        with open("/proc/%d/statm" % server.process.pid) as f:
            pages = int(f.read().split()[1])
        rss = int(after["used_memory_rss"])
        assert rss / 2 < pages * os.sysconf("SC_PAGESIZE") < rss * 2, (rss, pages)
        assert rss <= int(after["used_memory_peak"])
        disk = os.statvfs(server.dir)
        assert int(after["disk_total_bytes"]) == disk.f_blocks * disk.f_frsize
        assert after["disk_reserve_bytes"] == str(16 << 20) and after["disk_state"] == "plenty"
        assert after["cluster_enabled"] == "1" and after["cluster_name"] == "test"


def test_a_frozen_follower():
    """Its lag is told in entries and in milliseconds."""
    with Cluster(3, options=LONG_TIMEOUTS, fast=False) as cluster:
        leader = cluster.leader()
        frozen = cluster.followers()[0]
        eventually("all are up to date", lambda: peer(leader, frozen.id)["lag"] == "0")
        frozen.process.send_signal(signal.SIGSTOP)
        for i in range(25):
            assert leader.call("SET", "k", i) == "OK"
        time.sleep(0.5)
        lag = peer(leader, frozen.id)
        assert lag["lag"] == "25" and int(lag["last_answer_ms"]) >= 500, lag
        assert lag["address"].startswith(frozen.address)
        frozen.process.send_signal(signal.SIGCONT)
        eventually("it catches up", lambda: peer(leader, frozen.id)["lag"] == "0")
        assert "peer_%d" % leader.id not in info(leader)


def test_membership_and_transfers():
    with Cluster(3) as cluster:
        leader = cluster.leader()
        added = cluster.add_server(4).start()
        assert leader.call("RAFT.ADD", 4, added.address) == "OK"
        logged(leader, r"info: a client at 127\.0\.0\.1 asks for RAFT\.ADD 4 " + added.address)
        index = logged(leader, r"proposed the configuration of entry (\d+), 4 members: .*"
                               "4 standby " + added.address)[1]
        for s in cluster.servers:
            logged(s, "the configuration of entry %s is committed, 4 members" % index)
        logged(added, "received the configuration of entry %s, 4" % index)
        target = cluster.followers()[0]
        assert leader.call("RAFT.TRANSFER", target.id) == "OK"
        logged(leader, "transferring leadership to server %d" % target.id)
        logged(leader, r"handed leadership over to server %d in \d+ ms" % target.id)
        logged(target, r"info: leader in term \d+, leader %d" % target.id)


def test_a_transfer_that_is_given_up():
    with Cluster(3, options=LONG_TIMEOUTS, fast=False) as cluster:
        leader = cluster.leader()
        target = cluster.followers()[0]
        target.process.send_signal(signal.SIGSTOP)
        raises("ERR", leader.call, "RAFT.TRANSFER", target.id)
        logged(leader, r"warn: gave up the transfer of leadership to server %d" % target.id)
        target.process.send_signal(signal.SIGCONT)


def test_snapshots():
    """Taking, sending and installing a snapshot is logged, with sizes and times."""
    with Cluster(3, options=["--compact-entries", "100", "--trailing", "10"]) as cluster:
        leader = cluster.leader()
        behind = cluster.followers()[0]
        behind.kill()
        for i in range(150):
            assert leader.call("SET", "k%d" % i, "v" * 1000) == "OK"
        logged(leader, r"took a snapshot at entry \d+ in \d+ ms; the log begins at entry \d+")
        begin = leader.status()["first-index"]
        assert begin > 10, begin
        behind.start()
        size = logged(behind, r"installed the snapshot at entry \d+, (\d+) bytes, in \d+ ms")[1]
        assert int(size) > 150 * 1000, size
        logged(leader, r"server %d needs a snapshot: its log ends at \d+, this one begins at \d+"
               % behind.id)
        logged(leader, r"wrote a dump at entry \d+, %s bytes, in \d+ ms" % size)
        logged(leader, r"sent the snapshot at entry \d+ to server %d, %s bytes, in \d+ ms"
               % (behind.id, size))
        assert cluster.converged()


def test_a_slow_disk():
    """Syncs of one follower take 1.5 s: it applies entries that much after they are committed."""
    with Cluster(3, options=LONG_TIMEOUTS, fast=False, start=False) as cluster:
        for s in cluster.servers:
            s.env = {"LD_PRELOAD": DISK_FAULTS, "DISK_DIR": s.dir, "DISK_SLOW": s.dir + ".slow",
                     "DISK_SLOW_MS": "1500"}
            s.start()
        leader = cluster.leader()
        victim = cluster.followers()[0]
        open(victim.dir + ".slow", "w").close()
        for pattern in (r"warn: a sync of the log took 1[5-9]\d\d ms",
                        r"warn: entry \d+ was applied 1\d\d\d ms after it was committed",
                        r"warn: a sync of the log has not ended after 1\d\d\d ms"):
            eventually("it logs %r" % pattern, lambda: leader.call("SET", "k", "v") == "OK" and
                       re.search(pattern, victim.messages()))
        os.unlink(victim.dir + ".slow")
        assert int(info(victim)["sync_max_us"]) >= 1500000
        assert int(info(victim)["apply_max_us"]) >= 1000000
        assert "a sync of the log" not in leader.messages()


if __name__ == "__main__":
    main(globals())
