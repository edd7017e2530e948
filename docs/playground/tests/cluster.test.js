// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import test from 'node:test';

import { create, MAX_FRAMES, replay } from '../engine/index.js';
import { library, notesOf, serverOf } from './library.js';

/** A cluster with a leader. */
function led(recording) {
  const cluster = create(library, recording);
  cluster.until(() => cluster.leader() !== 0 && cluster.view.committed > 1);
  return { cluster, leader: cluster.leader() };
}

test('a cluster elects a leader and commits a command', () => {
  const { cluster, leader } = led({ servers: 5, seed: 3 });
  assert.equal(cluster.frames[0].view.servers.length, 5);
  assert.deepEqual(cluster.frames[0].view.servers.map(({ lastStored }) => lastStored),
    [1, 1, 1, 1, 1]);
  cluster.act({ do: 'submit', server: leader, command: 'x=1' });
  cluster.until((view) => view.servers.every(({ commitIndex }) => commitIndex === 3));
  for (const server of cluster.view.servers) {
    assert.deepEqual(server.applied_commands, ['x=1']);
    assert.deepEqual(server.log.map(({ type, text, stored }) => [type, text, stored]),
      [['change', '1 2 3 4 5', true], ['barrier', '', true], ['command', 'x=1', true]]);
  }
  assert.equal(cluster.view.requests[0].status, 'done');
  assert.deepEqual(notesOf(cluster, 'violation'), []);
  assert.ok(notesOf(cluster, 'role').includes(`${leader}: becomes leader of term 2`));
  cluster.close();
});

test('frames have their numbers, and share what did not change', () => {
  const { cluster } = led({});
  cluster.frames.forEach((frame, i) => {
    assert.equal(frame.number, i);
    assert.equal(frame.at, frame.view.at);
    if (i > 0) {
      const before = cluster.frames[i - 1].view;
      assert.ok(frame.at >= before.at);
      frame.view.servers.forEach((server, k) => {
        if (server !== before.servers[k]) {
          assert.notDeepEqual(server, before.servers[k]);
          assert.equal(server.id, frame.server);
        }
      });
      const arrived = before.messages.find(({ id }) => id === frame.arrived);
      assert.equal(arrived !== undefined, frame.cause === 'message');
      for (const id of frame.sent) {
        assert.ok(frame.view.messages.some((flight) => flight.id === id));
      }
    }
  });
  cluster.close();
});

test('no message leaves before term and vote are on disk', () => {
  const cluster = create(library, { disk: 70, latency: [5, 5] });
  cluster.until((view) => view.servers.some(({ votes }) => votes?.preVote === false));
  const { server } = cluster.frames.at(-1);
  const candidate = () => serverOf(cluster.view, server);
  const begun = cluster.now;
  assert.deepEqual(candidate().writes, [{ until: begun + 70, index: 0 }]);
  cluster.until(() => candidate().writes.length === 0);
  assert.equal(cluster.now, begun + 70);
  const asked = (frame) => frame.sent
    .map((id) => frame.view.messages.find((flight) => flight.id === id))
    .filter(({ from, message }) => from === server && message.type === 'requestVote' &&
      !message.preVote);
  const asking = cluster.frames.filter((frame) => asked(frame).length > 0);
  assert.deepEqual(asking, [cluster.frames.at(-1)]);
  cluster.act({ do: 'kill', server, lose: 'unwritten' });
  assert.equal(candidate().term, 2);
  assert.equal(candidate().votedFor, server);
  cluster.close();
});

test('what a killed server keeps', () => {
  for (const [lose, last, term] of [['nothing', 3, 2], ['unwritten', 2, 2], ['all', 0, 0]]) {
    const { cluster, leader } = led({});
    cluster.run(1000);
    cluster.act({ do: 'submit', server: leader, command: 'x=1' });
    assert.deepEqual(serverOf(cluster.view, leader).writes.map(({ index }) => index), [3]);
    cluster.act({ do: 'kill', server: leader, lose });
    const dead = serverOf(cluster.view, leader);
    assert.deepEqual([dead.up, dead.state, dead.lastIndex, dead.term],
      [false, 'unavailable', last, term]);
    assert.match(cluster.view.requests[0].answer, /unknown/);
    cluster.act({ do: 'restart', server: leader });
    assert.deepEqual([serverOf(cluster.view, leader).lastIndex, serverOf(cluster.view, leader).up],
      [last, true]);
    cluster.act({ do: 'restart', server: leader });
    assert.match(notesOf(cluster, 'refused').join(), /is running/);
    cluster.close();
  }
});

test('links: cut in one direction, slow, lossy; messages: dropped, delayed, doubled', () => {
  const { cluster, leader } = led({ latency: [10, 10] });
  const to = leader % 3 + 1;
  cluster.run(500);
  cluster.act({ do: 'cut', from: leader, to });
  assert.deepEqual(cluster.view.links, [{ from: leader, to, cut: true, by: 0 }]);
  const at = cluster.frames.length;
  cluster.run(600);
  const lost = cluster.frames.slice(at).filter(({ cause }) => cause === 'lost');
  assert.ok(lost.length >= 2);
  assert.ok(lost.every(({ what }) => what === `AppendEntries from ${leader} to ${to} is lost`));
  cluster.act({ do: 'healAll' });
  cluster.act({ do: 'slowLink', from: leader, to, by: 100 });
  const sent = () => cluster.view.messages.find((m) => m.from === leader && m.to === to && !m.lost);
  cluster.until(() => sent() !== undefined);
  assert.equal(sent().arrivesAt, sent().sentAt + 110);
  const message = sent().id;
  cluster.act({ do: 'duplicate', message });
  cluster.act({ do: 'delay', message, by: 50 });
  const find = (id) => cluster.view.messages.find((m) => m.id === id);
  assert.equal(find(message).arrivesAt, find(message).sentAt + 160);
  const copy = cluster.view.messages.at(-1);
  assert.deepEqual(copy.message, find(message).message);
  cluster.act({ do: 'drop', message: copy.id });
  assert.equal(find(copy.id), undefined);
  cluster.act({ do: 'deliver', message });
  assert.equal(find(message), undefined);
  assert.equal(cluster.frames.at(-1).steps[0].event.message.serverId, leader);
  cluster.act({ do: 'deliver', message });
  assert.match(notesOf(cluster, 'refused').join(), /is not on its way/);
  cluster.act({ do: 'loss', share: 1 });
  cluster.until(() => cluster.leader() === 0, 5000);
  cluster.close();
});

test('the clock of a server', () => {
  const { cluster, leader } = led({});
  const other = leader % 3 + 1;
  cluster.run(100);
  const before = serverOf(cluster.view, other).timeout - cluster.now;
  cluster.act({ do: 'clock', server: other, rate: 0.5 });
  assert.ok(Math.abs(serverOf(cluster.view, other).timeout - cluster.now - 2 * before) <= 2);
  cluster.act({ do: 'clock', server: other, rate: 0 });
  assert.equal(serverOf(cluster.view, other).timeout, Infinity);
  cluster.act({ do: 'clock', server: other, rate: 3 });
  cluster.run(10000);
  const times = cluster.frames.filter(({ server }) => server === other)
    .flatMap(({ steps }) => steps.map(({ time }) => time));
  assert.deepEqual(times, [...times].sort((a, b) => a - b));
  assert.ok(times.at(-1) > 30000);
  cluster.close();
});

test('members: a standby is caught up and votes; a joint change; one is removed', () => {
  const { cluster, leader } = led({});
  cluster.act({ do: 'add', server: leader, id: 4 });
  cluster.until((view) => serverOf(view, 4).commitIndex > 0);
  cluster.act({ do: 'promote', server: leader, id: 4 });
  cluster.until((view) => serverOf(view, 4).role === 'voter');
  cluster.act({ do: 'add', server: leader, id: 4 });
  assert.match(notesOf(cluster, 'refused').join(), /never used again/);
  cluster.run(1000);
  cluster.act({ do: 'add', server: leader, id: 5 });
  cluster.run(1000);
  const others = [1, 2, 3].filter((id) => id !== leader);
  cluster.act({ do: 'change', server: leader, voters: [leader, 4, 5] });
  const joint = serverOf(cluster.view, leader).configuration.servers;
  const idsOf = (role) => joint.filter((server) => server.role === role).map(({ id }) => id);
  assert.deepEqual(idsOf('voterOutgoing'), others);
  assert.deepEqual(idsOf('voterIncoming'), [5]);
  cluster.until((view) => serverOf(view, 5).role === 'voter');
  cluster.act({ do: 'demote', server: leader, id: 4 });
  cluster.run(1000);
  cluster.act({ do: 'remove', server: leader, id: 4 });
  cluster.run(1000);
  assert.deepEqual(serverOf(cluster.view, leader).configuration.servers.map(({ id }) => id),
    [leader, 5].sort());
  assert.deepEqual(notesOf(cluster, 'violation'), []);
  cluster.close();
});

test('a snapshot reaches a server in chunks', () => {
  const { cluster, leader } = led({});
  const behind = leader % 3 + 1;
  cluster.act({ do: 'partition', group: [behind] });
  for (let i = 0; i < 30; i++) {
    cluster.act({ do: 'submit', server: leader, command: `k${i}=${i}` });
    cluster.run(100);
  }
  cluster.act({ do: 'snapshot', server: leader, trailing: 2 });
  assert.ok(serverOf(cluster.view, leader).firstIndex > 25);
  cluster.act({ do: 'healAll' });
  const from = cluster.frames.length;
  cluster.until((view) => serverOf(view, behind).applied === view.committed);
  const chunks = cluster.frames.slice(from).flatMap(({ steps }) => steps)
    .filter(({ update }) => update?.snapshot).map(({ update }) => update.snapshot);
  assert.equal(chunks.length, 4);
  assert.deepEqual(chunks.map(({ last }) => last), [false, false, false, true]);
  assert.deepEqual(serverOf(cluster.view, behind).applied_commands,
    serverOf(cluster.view, leader).applied_commands);
  cluster.act({ do: 'kill', server: behind, lose: 'unwritten' });
  cluster.act({ do: 'restart', server: behind });
  cluster.until((view) => serverOf(view, behind).applied === view.committed);
  assert.deepEqual(serverOf(cluster.view, behind).applied_commands,
    serverOf(cluster.view, leader).applied_commands);
  cluster.act({ do: 'kill', server: leader, lose: 'nothing' });
  assert.ok(serverOf(cluster.view, leader).firstIndex > 25); // on its disk
  cluster.close();
});

test('the same recording gives the same frames, and the past can be changed', () => {
  const { cluster, leader } = led({ seed: 11 });
  for (const act of [{ do: 'loss', share: 0.1 }, { do: 'submit', server: leader, command: 'a=1' },
    { do: 'read', server: leader, lease: false }, { do: 'clock', server: leader, rate: 0.3 },
    { do: 'kill', server: leader, lose: 'unwritten' }, { do: 'restart', server: leader },
    { do: 'configure', server: leader, settings: { electionDelay: 300 } }]) {
    cluster.run(777);
    cluster.act(act);
  }
  const whole = cluster.frames.length;
  cluster.run(5000);
  const again = replay(library, cluster.recording);
  assert.equal(again.frames.length, whole);
  again.run(5000 - (again.now - again.view.at));
  assert.deepEqual(again.frames, cluster.frames);
  const part = replay(library, cluster.recording, 40);
  assert.deepEqual(part.frames, cluster.frames.slice(0, 41));
  part.act({ do: 'kill', server: leader, lose: 'nothing' });
  assert.equal(part.recording.acts.length, cluster.recording.acts
    .filter(([frame]) => frame <= 40).length + 1);
  const other = create(library, { seed: 12 });
  other.run(2000);
  assert.notDeepEqual(other.frames.at(-1).view, cluster.frames[other.frames.length - 1].view);
  [cluster, again, part, other].forEach((one) => one.close());
});

test('the history is limited, and nonsense is refused', () => {
  const cluster = create(library, {});
  const begun = performance.now();
  cluster.run(1e9);
  assert.ok(performance.now() - begun < 20000);
  assert.equal(cluster.frames.length, MAX_FRAMES);
  assert.equal(cluster.full, true);
  assert.equal(cluster.step(), false);
  assert.throws(() => cluster.act({ do: 'healAll' }), RangeError);
  cluster.close();
  const fresh = create(library, {});
  for (const act of [{}, null, { do: 'fly' }, { do: 'kill', server: 1 }, { do: 'toString' },
    { do: 'submit', server: 0, command: '' }, { do: 'submit', server: 1, command: 'x'.repeat(101) },
    { do: 'clock', server: 1, rate: NaN }, { do: 'healAll', more: 1 },
    { do: 'configure', server: 1, settings: { seed: 1 } }]) {
    assert.throws(() => fresh.act(act), TypeError, JSON.stringify(act));
  }
  assert.throws(() => create(library, { servers: 8 }), TypeError);
  assert.equal(fresh.frames.length, 1);
  fresh.act({ do: 'submit', server: 1, command: 'x' });
  fresh.act({ do: 'kill', server: 9, lose: 'all' });
  fresh.act({ do: 'configure', server: 1, settings: { heartbeatTimeout: 5000 } });
  assert.equal(notesOf(fresh, 'refused').length, 3);
  fresh.close();
});
