# SPDX-License-Identifier: MIT
"""Three servers of raft-minimal on this machine, then a fourth: writes, a killed leader, restarts,
snapshots, a torn tail and a damaged log.

usage: cluster.py RAFT-MINIMAL
"""
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

PATIENCE = 60 * float(os.environ.get('MINIMAL_TIMEOUT_FACTOR', '1'))


def free_address():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return '127.0.0.1:%d' % s.getsockname()[1]


class Server:
    def __init__(self, program, folder, number, address):
        self.program, self.number, self.address = program, number, address
        self.folder = os.path.join(folder, str(number))
        self.log = os.path.join(self.folder, 'log')
        self.process = None
        os.mkdir(self.folder)

    def command(self, founders=()):
        return [self.program, self.folder, str(self.number), self.address,
                *('%d=%s' % (s.number, s.address) for s in founders)]

    def start(self, founders=()):
        self.process = subprocess.Popen(self.command(founders), stderr=subprocess.PIPE)

    def kill(self):
        """Returns what the server has printed."""
        self.process.send_signal(signal.SIGKILL)
        return self.process.communicate()[1].decode()

    def fails_to_start(self, founders=()):
        done = subprocess.run(self.command(founders), stderr=subprocess.PIPE, timeout=PATIENCE,
                              check=False)
        assert done.returncode == 1, done
        return done.stderr.decode()

    def ask(self, *lines):
        """Send the lines at once; return as many answers, or None if the server is not there."""
        host, port = self.address.split(':')
        try:
            with socket.create_connection((host, int(port)), timeout=PATIENCE) as s:
                s.sendall(''.join(line + '\n' for line in lines).encode())
                with s.makefile('r') as answers:
                    got = [answers.readline().rstrip('\n') for _ in lines]
                return got if got[-1] else None
        except (ConnectionError, socket.timeout):
            return None

    def status(self):
        answer = self.ask('status')
        return dict(re.findall(r'(\w+)=(-?\w+)', answer[0])) if answer else None


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError('timed out: ' + what)


def leader(servers):
    def find():
        for s in servers:
            status = s.process.poll() is None and s.status()
            # A leader that has committed an entry of its own serves reads and changes.
            if status and status['state'] == 'leader' and s.ask('get x')[0] in ('none', 'value 0'):
                return s
        return None
    return wait_for('a leader', find)


def write(servers, pairs):
    """Write until all is acknowledged. To write a pair twice does no harm."""
    lines = ['set %s %s' % pair for pair in pairs.items()]
    wait_for('writes', lambda: leader(servers).ask(*lines) == ['ok'] * len(lines))


def check(servers, pairs):
    lines = ['get ' + key for key in pairs]
    expected = ['value ' + value for value in pairs.values()]

    def read():
        got = leader(servers).ask(*lines)
        # Another leader may have been elected meanwhile.
        return got if got and all(re.match('value |none$', x) for x in got) else None
    answers = wait_for('reads', read)
    assert answers == expected, [x for x in zip(lines, answers, expected) if x[1] != x[2]][:5]


def has_everything(server, servers):
    def compare():
        own, its = server.status(), leader(servers).status()
        if not own or not own['applied'] == its['applied'] == its['last']:
            return False
        assert own['sum'] == its['sum'], 'the maps differ: %s, %s' % (own, its)
        return True
    wait_for('server %d to have everything' % server.number, compare)


def refuses_noise(server):
    host, port = server.address.split(':')
    for noise in (b'\xff' * 100, b'\0' * 100, struct.pack('<I', 60) + b'x' * 56):
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as s:
            s.sendall(b'peer\n' + noise)
            try:
                assert s.recv(1) == b''
            except ConnectionResetError:
                pass


def endures_a_flood(server):
    """A client that sends and does not read is disconnected. Others do not notice."""
    host, port = server.address.split(':')
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as s:
        try:
            for _ in range(1000):
                s.sendall(b'status\n' * 2000)
            raise AssertionError('14 MB were accepted')
        except ConnectionError:
            pass
    assert len(server.ask(*['status'] * 5000)) == 5000


def batch(body):
    return struct.pack('<II', len(body), zlib.crc32(body)) + body


def test(program, folder):
    servers = [Server(program, folder, n, free_address()) for n in (1, 2, 3)]
    everything = {}

    def more(name, count, to=None):
        new = {'%s%d' % (name, i): 'value %d of %s' % (i, name) for i in range(count)}
        write(to or [s for s in servers if s.process.poll() is None], new)
        everything.update(new)

    try:
        for s in servers:
            s.start(servers)
        more('first', 100)
        everything['first0'] = 'changed'
        write(servers, {'first0': 'changed'})

        # A follower tells where the leader is, for reads, too. Wrong lines are refused.
        first = leader(servers)
        followers = [s for s in servers if s is not first]
        for s in followers:
            wait_for('the leader to be known', lambda s=s: s.ask('set k v', 'get k') ==
                     ['leader ' + leader(servers).address] * 2)
        assert all(a.startswith('error ') for a in first.ask('set k', 'get', '', 'add 4', 'peers'))
        assert first.ask('set %s v' % ('k' * 5000)) is None

        refuses_noise(first)
        endures_a_flood(first)

        # The leader alone gets a write and is stopped; the others go on. When the leader continues,
        # its write must not be acknowledged. It needs a snapshot, because the log was compacted.
        before = first.status()['last']
        for s in followers:
            s.kill()
        host, port = first.address.split(':')
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as s:
            s.sendall(b'set lost x\n')
            wait_for('the write', lambda: first.status()['last'] != before or
                     first.status()['state'] != 'leader')
            first.process.send_signal(signal.SIGSTOP)
            for f in followers:
                f.start()
            check(followers, everything)
            more('second', 400, followers)
            status = leader(followers).status()
            assert int(status['snapshot']) >= 256, status
            assert int(status['first']) > 110, 'the log was not compacted: %s' % status
            first.process.send_signal(signal.SIGCONT)
            with s.makefile('r') as answer:
                assert re.match('error|leader', answer.readline())
        wait_for('a read', lambda: leader(servers).ask('get lost') == ['none'])
        first.kill()

        # Its log gets the beginning of a batch that was not synced.
        whole = os.path.getsize(first.log)
        for torn in (batch(b'x' * 1000)[:-1], b'\1\2\3', bytes(100),
                     batch(b'x' * 100)[:-1] + b'y'):
            with open(first.log, 'ab') as f:
                f.write(torn)
            first.start()
            wait_for('a start', first.status)
            if torn[0] == 0xe8:
                has_everything(first, servers)
                assert int(first.status()['snapshot']) >= 256, 'no snapshot was installed'
            assert 'cut off at %d of %d' % (whole, whole + len(torn)) in first.kill()
            whole = os.path.getsize(first.log)
        first.start()
        has_everything(first, servers)
        check(servers, everything)

        # The leader is killed. A founding list is for an empty directory only, and a directory for
        # one server.
        killed = leader(servers)
        killed.kill()
        assert 'cannot' in killed.fails_to_start(servers)
        stranger = Server(program, folder, 9, killed.address)
        os.rmdir(stranger.folder)
        os.symlink(killed.folder, stranger.folder)
        assert 'the log of server' in stranger.fails_to_start()
        more('third', 10)
        killed.start()
        has_everything(killed, servers)

        # A fourth server. It comes from nothing but a snapshot and the entries after it.
        fourth = Server(program, folder, 4, free_address())
        fourth.start()
        wait_for('a fourth server', lambda: leader(servers).ask(
            'add 4 ' + fourth.address) == ['ok'])
        servers.append(fourth)
        has_everything(fourth, servers)
        wait_for('its vote', lambda: fourth.status()['role'] == '1')
        wait_for('a repeated command', lambda: leader(servers).ask(
            'add 4 ' + fourth.address) == ['ok'])

        # A fifth server does not run, and so it must not become a voter. The answer takes five
        # seconds. The fourth votes: with one of the others gone, writes need it (three of four).
        asked = leader(servers)
        host, port = asked.address.split(':')
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as s:
            line = 'add 5 ' + free_address()
            s.sendall(line.encode() + b'\n')
            gone = next(x for x in servers if x not in (fourth, asked))
            gone.kill()
            more('fourth', 10)
            check([x for x in servers if x is not gone], everything)
            with s.makefile('r') as answers:
                answer = answers.readline()
            while 'standby' not in answer:  # another leader was elected meanwhile
                assert 'ok' not in answer, answer
                answer = (leader(servers).ask(line) or [''])[0]
        gone.start()
        has_everything(gone, servers)

        # All are killed at once. What was acknowledged is on the disks.
        for s in servers:
            s.kill()
        for s in servers:
            s.start()
        check(servers, everything)

        # The standby that does not run is removed, and its ID cannot be used again. Then the leader
        # is removed: it answers when the others have elected another one, or it is not a member.
        wait_for('a removal', lambda: leader(servers).ask('remove 5') == ['ok'])
        wait_for('a refusal', lambda: 'error' in leader(servers).ask(line)[0])
        removed = leader(servers)
        wait_for('the removal of the leader', lambda: leader(servers).ask(
            'remove %d' % removed.number) == ['ok'])
        wait_for('the end of its membership', lambda: removed.status()['role'] == '-1')
        removed.kill()
        servers.remove(removed)
        check(servers, everything)

        # A batch that was synced, with others after it, is damaged: no start.
        more('fifth', 3)
        victim = servers[0]
        has_everything(victim, servers)
        victim.kill()
        with open(victim.log, 'r+b') as f:
            first_batch = 8 + struct.unpack('<I', f.read(4))[0]
            f.seek(first_batch)
            assert first_batch + 8 + struct.unpack('<I', f.read(4))[0] < os.path.getsize(victim.log)
            f.seek(first_batch + 20)
            byte = f.read(1)[0]
            f.seek(first_batch + 20)
            f.write(bytes([byte ^ 1]))
        assert 'damaged at %d' % first_batch in victim.fails_to_start()
    finally:
        for s in servers:
            if s.process and not s.process.stderr.closed:
                sys.stderr.write(s.kill())


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as directory:
        test(sys.argv[1], directory)
