# SPDX-License-Identifier: MIT
"""Three servers of C-Raft with traffic on are replaced, one by one, by servers of libraft.

usage: replace.py C-RAFT-SERVER RAFT-CRAFT [--forget]

--forget: the disks are set back, which loses acknowledged writes. This must be noticed.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 30 * float(os.environ.get('CRAFT_TIMEOUT_FACTOR', '1'))
LEADER = 3
ROUNDS, CHUNKS, JOINT = 2, 4, 8


def free_address():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return '127.0.0.1:%d' % s.getsockname()[1]


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError('timed out: ' + what)


class Server:
    def __init__(self, program, folder, number):
        self.program, self.number, self.process = program, number, None
        self.folder = os.path.join(folder, str(number))
        self.address, self.clients = free_address(), free_address()
        os.mkdir(self.folder)

    def start(self, *arguments):
        self.process = subprocess.Popen([self.program, self.folder, str(self.number), self.address,
                                         self.clients, *arguments])
        wait_for('server %d to start' % self.number, self.status)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def runs(self):
        return self.process and self.process.poll() is None

    def ask(self, line):
        """The answer to one command; None if there is none, or none for a few seconds."""
        host, port = self.clients.split(':')
        try:
            with socket.create_connection((host, int(port)), timeout=5) as s:
                s.sendall((line + '\n').encode())
                with s.makefile('r') as answers:
                    return answers.readline().rstrip('\n') or None
        except OSError:
            return None

    def status(self):
        answer = self.ask('status')
        found = re.findall(r'(\w+)=(\d+)', answer or '')
        return {key: int(value) for key, value in found}


class Cluster:
    def __init__(self, servers):
        self.servers = servers
        self.acknowledged, self.stop, self.number = [], False, 0
        self.thread = threading.Thread(target=self.traffic)

    def leader(self):
        def find():
            for s in self.servers:
                if s.runs() and s.status().get('state') == LEADER:
                    return s
            return None
        return wait_for('a leader', find)

    def traffic(self):
        """Adds numbers, each once. Without an answer, it is open whether one was added."""
        leader = None
        while not self.stop:
            self.number += 1
            number = self.number
            answer = leader.ask('add %d' % number) if leader else None
            if answer == 'ok':
                self.acknowledged.append(number)
            else:
                time.sleep(0.01)
                leader = next((s for s in list(self.servers)
                               if s.runs() and s.status().get('state') == LEADER), None)

    def more(self, n):
        want = len(self.acknowledged) + n
        wait_for('%d writes' % n, lambda: len(self.acknowledged) >= want)

    def check(self):
        """Everything that was acknowledged is there, in order and once."""
        before = list(self.acknowledged)
        answer = wait_for('a list', lambda: next(
            (a for a in [self.leader().ask('list')] if a and a.endswith('.')), None))
        got = [int(word) for word in answer.split()[:-1]]
        lost = sorted(set(before) - set(got))
        assert not lost, '%d acknowledged writes are lost: %s...' % (len(lost), lost[:5])
        assert len(got) == len(set(got)), 'a write was applied twice'
        return len(got)

    def change(self, line):
        """Repeats a change until it is done. It may have been done without an answer."""
        def attempt():
            answer = self.leader().ask(line) or ''
            # Repeated after it was done: 2 and 20: no such server; 3: it is there; 5: its role.
            done = {'join': '3', 'promote': '5', 'remove': '2'}[line.split()[0]]
            return answer == 'ok' or answer.startswith('error %s ' % done)
        wait_for(line, attempt)

    def pass_leadership(self, target):
        def attempt():
            leader = self.leader()
            if leader is target:
                return True
            leader.ask('transfer %d' % target.number)
            return False
        wait_for('server %d to lead' % target.number, attempt)

    def has_everything(self, server):
        """`server` has applied what the leader has now."""
        index = wait_for('a status', lambda: self.leader().status().get('last'))
        wait_for('server %d to have everything' % server.number,
                 lambda: server.status().get('applied', 0) >= index)

    def replace(self, old, new):
        new.start()
        self.change('join %d %s' % (new.number, new.address))
        self.change('promote %d' % new.number)
        self.servers.append(new)
        self.has_everything(new)
        if self.leader() is old:
            self.pass_leadership(new)
        self.change('remove %d' % old.number)
        old.kill()
        self.servers.remove(old)
        self.check()


def test(craft, ours, folder):
    old = [Server(craft, folder, n) for n in (1, 2, 3)]
    new = [Server(ours, folder, n) for n in (4, 5, 6, 7)]
    cluster = Cluster(list(old))
    try:
        for s in old:
            s.start(*founding(old))
        cluster.leader()
        cluster.thread.start()
        cluster.more(300)
        say('three servers of C-Raft', cluster)

        # The first new server gets a snapshot of C-Raft, because the log was compacted.
        first = cluster.leader()
        followers = [s for s in old if s is not first]
        cluster.replace(followers[0], new[0])
        assert new[0].status()['snapshot'] >= 128 and new[0].status()['chunks'] >= 1
        say('one is replaced', cluster)

        # The new one is killed and comes back with its disk; then it leads, and the last follower
        # of C-Raft is down until it needs a snapshot of libraft.
        new[0].kill()
        cluster.more(20)
        new[0].start()
        cluster.has_everything(new[0])
        cluster.pass_leadership(new[0])
        cluster.more(50)
        followers[1].kill()
        last = new[0].status()['last']
        wait_for('a snapshot', lambda: new[0].status()['snapshot'] > last + 64)
        followers[1].start()
        cluster.has_everything(followers[1])
        assert followers[1].status()['snapshot'] > last
        say('C-Raft has installed a snapshot of libraft', cluster)

        # The leader of C-Raft leads again, is killed in this state, and comes back.
        cluster.pass_leadership(first)
        first.kill()
        cluster.more(20)
        first.start()
        cluster.has_everything(first)
        cluster.pass_leadership(first)
        say('a leader of C-Raft was killed', cluster)
        cluster.replace(first, new[1])
        cluster.replace(followers[1], new[2])
        say('all are replaced', cluster)

        # Features: one restart after the other. The leader sees what the others announce.
        for s in list(cluster.servers):
            s.kill()
            s.start('--features')
            cluster.has_everything(s)
            cluster.check()
        leader = cluster.leader()
        for s in cluster.servers:
            if s is not leader:
                wait_for('features', lambda s=s: 'features=%d ' % (1 | ROUNDS | CHUNKS | JOINT) in
                         (cluster.leader().ask('progress %d' % s.number) or
                          'features=15 ' * (s is cluster.leader())))
        # A read needs no entry any more, and a new server gets its snapshot in chunks.
        cluster.stop = True
        cluster.thread.join()
        last = wait_for('a status', lambda: cluster.leader().status().get('last'))
        cluster.check()
        assert cluster.leader().status()['last'] == last, 'a read has added an entry'
        cluster.servers.append(new[3])
        new[3].start('--features')
        cluster.change('join 7 ' + new[3].address)
        cluster.has_everything(new[3])
        assert new[3].status()['snapshot'] >= 128 and new[3].status()['chunks'] > 1
        cluster.change('promote 7')
        total = cluster.check()
        for s in cluster.servers:
            s.kill()
        for s in cluster.servers:
            s.start('--features')
        assert cluster.check() == total
        say('features are on', cluster)
    finally:
        cluster.stop = True
        for s in old + new:
            if s.runs():
                s.kill()


def forget(program, folder):
    servers = [Server(program, folder, n) for n in (1, 2, 3)]
    cluster = Cluster(servers)
    try:
        for s in servers:
            s.start(*founding(servers))
        cluster.thread.start()
        cluster.more(200)
        for s in servers:
            s.kill()
            shutil.copytree(s.folder, s.folder + '.old')
        for s in servers:
            s.start()
        cluster.more(50)
        cluster.stop = True
        cluster.thread.join()
        cluster.check()
        for s in servers:
            s.kill()
            shutil.rmtree(s.folder)
            os.rename(s.folder + '.old', s.folder)
        for s in servers:
            s.start()
        try:
            cluster.check()
        except AssertionError as error:
            assert 'acknowledged writes are lost' in str(error), error
            return
        raise AssertionError('lost writes were not noticed')
    finally:
        cluster.stop = True
        for s in servers:
            if s.runs():
                s.kill()


def founding(servers):
    return ['%d=%s' % (s.number, s.address) for s in servers]


def say(what, cluster):
    print('%s: %d acknowledged, %d there' % (what, len(cluster.acknowledged), cluster.check()),
          flush=True)


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as directory:
        if sys.argv[3:] == ['--forget']:
            forget(sys.argv[1], directory)
        else:
            test(sys.argv[1], sys.argv[2], directory)
