# SPDX-License-Identifier: MIT
"""What the server tells its operator: errors name the path, the reason and what to do; lines of the
log have time and level, are limited, and never delay the server."""
import datetime
import errno
import os
import re
import shutil
import socket

from harness import Cluster, DISK_FAULTS, Server, TIMEOUT_FACTOR, eventually, main


def leads(server):
    return eventually("it leads", lambda: server.status()["state"] == "leader")


def works(server):
    """Use the log and the database."""
    return server.call("SET", "k", "w") and server.call("RAFT.DIGEST")


def refused(server, *words):
    """The server must end by itself. Its last line must be fatal and contain all words."""
    code = server.wait_exit()
    last = server.messages().rstrip().rsplit("\n", 1)[-1]
    assert code == 1, (code, last)
    assert " fatal: " in last, last
    for word in words:
        assert word in last, (word, last)
    assert "corrupted" not in last, last


ADVICE = {errno.EACCES: "owner and mode", errno.EROFS: "mount it for writing",
          errno.EIO: "dmesg", errno.EMFILE: "ulimit -n", errno.ENOSPC: "make room",
          errno.ENOENT: "check --dir", errno.EDQUOT: "make room"}


def test_injected_errors():
    """Every kind of operation on every kind of file, at a start of a server that has data."""
    cases = [("open", errno.EACCES, "/fence"), ("open", errno.EIO, "/fence"),
             ("open", errno.EMFILE, "/fence"), ("read", errno.EIO, "/fence"),
             ("write", errno.ENOSPC, "/fence"), ("write", errno.EIO, "/fence"),
             ("open", errno.EROFS, "/db/LOCK"), ("open", errno.EACCES, "/db/CURRENT"),
             ("open", errno.EMFILE, ".sst"), ("read", errno.EIO, ".sst"),
             ("sync", errno.EIO, ".log"), ("open", errno.EACCES, "01.log"),
             ("read", errno.EIO, "01.log"), ("write", errno.EDQUOT, "01.log")]
    with Cluster(1) as cluster:
        server = cluster.servers[0]
        leads(server)
        assert server.call("SET", "k", "v") == "OK"
        server.stop()  # writes a table
        for operation, number, end in cases:
            server.env = {"LD_PRELOAD": DISK_FAULTS,
                          "DISK_FAIL": "%s:%d:%s" % (operation, number, end)}
            server.start()
            if operation in ("write", "sync") or end == ".sst":
                eventually("%s on %s fails" % (operation, end),  # maybe after it has come up
                           lambda: not server.alive() or works(server) and False)
            refused(server, os.strerror(number), ADVICE[number], server.dir)
        server.env = {}
        server.start()
        assert eventually("it serves", lambda: server.call("GET", "k")) in ("v", "w")


def test_injected_errors_of_a_new_server():
    cases = [("mkdir", errno.EACCES, "server1"), ("mkdir", errno.EROFS, "/log"),
             ("mkdir", errno.ENOENT, "server1"), ("open", errno.EROFS, "/fence.new"),
             ("sync", errno.EIO, "/fence.new"), ("rename", errno.EACCES, "/fence"),
             ("open", errno.ENOSPC, "/spare.log.new"), ("write", errno.ENOSPC, "/spare.log.new"),
             ("sync", errno.EIO, "/spare.log.new"), ("rename", errno.EROFS, "/spare.log")]
    with Cluster(1, start=False) as cluster:
        server = cluster.servers[0]
        for operation, number, end in cases:
            server.env = {"LD_PRELOAD": DISK_FAULTS,
                          "DISK_FAIL": "%s:%d:%s" % (operation, number, end)}
            server.start()
            refused(server, os.strerror(number), server.dir,
                    "directory above" if number == errno.ENOENT else ADVICE[number])
            shutil.rmtree(server.dir, ignore_errors=True)


def test_wrong_directories():
    with Cluster(1, start=False) as cluster:
        server = cluster.servers[0]
        loop = os.path.join(cluster.root, "loop")
        os.symlink(loop, loop)
        for path, words in ((os.path.join(server.log, "dir"), ("Not a directory", "--dir")),
                            (server.log, ("Not a directory", "--dir")),
                            (os.path.join(cluster.root, "no", "dir"), ("directory above",)),
                            (loop, ("symbolic link",)),
                            (os.path.join(loop, "dir"), ("symbolic link",))):
            server.dir = path
            server.start()
            refused(server, path, *words)


def test_a_directory_in_use():
    with Cluster(1) as cluster:
        leads(cluster.servers[0])
        second = Server(cluster.root, 1)
        second.log += ".second"
        second.start()
        refused(second, "another process uses this directory", second.dir)


def test_lines():
    """Every line has the time in UTC, the server and the level; --log-level leaves lines out."""
    pattern = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) raft-kv 1 (\w+): (.+)")
    with Cluster(1) as cluster:
        server = cluster.servers[0]
        leads(server)
        server.stop()
        lines = [pattern.fullmatch(x) for x in server.messages().splitlines()]
        assert len(lines) > 4 and all(lines), server.messages()
        for line in lines:
            when = datetime.datetime.strptime(line[1], "%Y-%m-%dT%H:%M:%S.%fZ")
            age = (datetime.datetime.utcnow() - when).total_seconds()
            assert -1 < age < 60 * TIMEOUT_FACTOR, line[0]
        assert {line[2] for line in lines} <= {"info", "warn"}, lines
        texts = [line[3] for line in lines]
        for begin in ("raft-kv 1.0.0 starts: cluster test, ", "started: ", "ready: ", "leader in",
                      "stopping", "stopped"):
            assert any(text.startswith(begin) for text in texts), (begin, texts)
        os.unlink(server.log)
        server.options += ["--log-level", "error"]
        server.start()
        leads(server)
        server.stop()
        assert server.messages() == "", server.messages()
        server.options[-1] = "debug"
        server.start()
        leads(server)
        server.call("DBSIZE")  # writes the changes to the database
        server.stop()
        assert " debug: wrote the changes up to entry" in server.messages(), server.messages()
        server.options[-1] = "loud"
        server.start()
        assert server.wait_exit() == 1
        assert "--log-level: expected" in server.messages()


def test_repeated_lines_are_limited():
    """Connections that send rubbish cause ten lines in ten seconds, and then one with a number."""
    with Cluster(1) as cluster:
        server = cluster.servers[0]
        leads(server)
        for _ in range(300):
            with socket.create_connection(("127.0.0.1", server.peer_port)) as s:
                s.sendall(b"\n\033rubbish" * 4)
                s.settimeout(10)
                try:
                    s.recv(1)  # the server closes the connection
                except OSError:
                    pass
        count = eventually("the rest is told", lambda: re.search(
            r"warn: (\d+) more like this: closed a connection", server.messages()))
        lines = server.messages().count(": closed a connection from")
        told = sum(int(n) for n in re.findall(r"(\d+) more like this", server.messages()))
        assert lines < 30, lines
        assert 200 < told < 300, (told, count)


def test_standard_error_that_blocks_or_is_closed():
    """Nobody reads the log, and the pipe is full: the server serves, logs and stops. When somebody
    reads again, the lines are there."""
    with Cluster(1, start=False, options=["--log-level", "debug"]) as cluster:
        server = cluster.servers[0]
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x" * 1024)
        except BlockingIOError:
            os.set_blocking(writer, True)
        server.log = "/proc/self/fd/%d" % writer
        server.messages = lambda: ""
        server.start()
        leads(server)
        for i in range(100):
            assert server.call("SET", "k", i) == "OK"
        os.close(writer)
        text = bytearray()
        os.set_blocking(reader, False)

        def read_on():
            text.extend(os.read(reader, 65536))
            return b"ready: " in text and b"leader in term" in text
        eventually("the lines arrive", read_on)
        os.close(reader)
        for i in range(20):  # each causes a line; the write fails with EPIPE
            with socket.create_connection(("127.0.0.1", server.peer_port)) as s:
                s.sendall(b"rubbish" * 4)
            assert server.call("SET", "k", i) == "OK"
        server.stop()


if __name__ == "__main__":
    main(globals())
