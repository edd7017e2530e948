// SPDX-License-Identifier: MIT
// The parts of which a cluster is made, one by one.
import assert from 'node:assert/strict';
import test from 'node:test';

import { Clock } from '../engine/clock.js';
import { Disk } from '../engine/disk.js';
import { create } from '../engine/index.js';
import { Queue } from '../engine/queue.js';
import { makeRandom } from '../engine/random.js';
import { Votes } from '../engine/votes.js';
import { library, serverOf } from './library.js';

test('a clock: the first time at which it shows a deadline', () => {
  const random = makeRandom(5);
  for (let i = 0; i < 300; i++) {
    const clock = new Clock();
    let now = 0;
    for (let change = 0; change < 3; change++) {
      now += random.between(0, 5000);
      const shown = clock.at(now);
      clock.setRate(random.between(1, 3000) / 1000, now);
      assert.equal(clock.at(now), shown);
    }
    const deadline = clock.at(now) + random.between(1, 5000);
    const when = clock.when(deadline);
    assert.ok(clock.at(when) >= deadline);
    assert.ok(clock.at(when - 1) < deadline, `${clock.rate} ${deadline} ${when}`);
  }
});

test('a queue: by time, then by order; without what is not valid any more', () => {
  const random = makeRandom(6);
  const queue = new Queue();
  const expected = [];
  for (let i = 0; i < 500; i++) {
    const at = random.between(0, 40);
    const valid = random.chance(0.8);
    queue.add(at, () => valid, () => [at, i]);
    if (valid) {
      expected.push([at, i]);
    }
  }
  expected.sort(([a, i], [b, j]) => a - b || i - j);
  const got = [];
  while (queue.nextAt < Infinity) {
    got.push(queue.take().run());
  }
  assert.deepEqual(got, expected);
  assert.equal(queue.take(), undefined);
});

test('a disk: writes finish in their order, and replace what follows', () => {
  const disk = new Disk();
  const entry = (index, term) => ({ index, term });
  disk.begin({ entries: { index: 1, list: [entry(1, 1), entry(2, 1), entry(3, 1)] } }, 50);
  disk.begin({ term: 2, votedFor: 3, entries: { index: 2, list: [entry(2, 2)] } }, 20);
  assert.deepEqual(disk.writes.map(({ until }) => until), [50, 50]);
  disk.finish();
  assert.deepEqual([disk.term, disk.log.length], [0, 3]);
  disk.finish();
  assert.deepEqual([disk.term, disk.votedFor], [2, 3]);
  assert.deepEqual(disk.log, [entry(1, 1), entry(2, 2)]);
});

test('a link keeps the order of its messages', () => {
  const cluster = create(library, { latency: [5, 300] });
  const latest = new Map();
  let arrived = 0;
  for (let i = 0; i < 2000; i++) {
    cluster.step();
    const frame = cluster.frames.at(-1);
    if (frame.arrived !== undefined) {
      const flight = cluster.frames.at(-2).view.messages.find(({ id }) => id === frame.arrived);
      const link = `${flight.from} ${flight.to}`;
      assert.ok(flight.id > (latest.get(link) ?? 0));
      latest.set(link, flight.id);
      arrived++;
    }
  }
  assert.ok(arrived > 500);
  cluster.close();
});

test('what became of a command that a snapshot covers is unknown', () => {
  const cluster = create(library, { seed: 4 });
  cluster.until((view) => view.committed > 1);
  const old = cluster.leader();
  cluster.act({ do: 'partition', group: [old] });
  cluster.act({ do: 'submit', server: old, command: 'x=old' });
  cluster.until(() => cluster.leader() !== old && cluster.leader() !== 0);
  const next = cluster.leader();
  for (let i = 0; i < 5; i++) {
    cluster.act({ do: 'submit', server: next, command: `x=${i}` });
    cluster.run(200);
  }
  cluster.act({ do: 'snapshot', server: next, trailing: 0 });
  cluster.act({ do: 'healAll' });
  cluster.until((view) => serverOf(view, old).snapshotIndex > 0);
  const [request] = cluster.view.requests;
  assert.deepEqual([request.text, request.status], ['x=old', 'failed']);
  assert.match(request.answer, /unknown: a snapshot/);
  cluster.close();
});

test('votes of an earlier round do not count', () => {
  const votes = new Votes();
  const server = { id: 1, raft: { state: 'candidate' } };
  const ask = (term, preVote) => votes.see({ type: 'timeout' },
    { messages: [{ type: 'requestVote', term, preVote }] }, server);
  const answer = (serverId, term, preVote, voteGranted) => votes.see({ type: 'receive',
    message: { type: 'requestVoteResult', serverId, term, preVote, voteGranted } },
  { messages: [] }, server);
  ask(3, true);
  answer(2, 3, true, true);
  answer(2, 3, true, true);
  assert.deepEqual(votes.view, { granted: [1, 2], refused: [], preVote: true });
  ask(3, false);
  answer(3, 3, true, true);
  answer(4, 3, false, false);
  assert.deepEqual(votes.view, { granted: [1], refused: [4], preVote: false });
  ask(4, false);
  answer(2, 3, false, true);
  answer(5, 4, false, true);
  assert.deepEqual(votes.view, { granted: [1, 5], refused: [], preVote: false });
  server.raft.state = 'follower';
  answer(3, 4, false, true);
  assert.equal(votes.view, undefined);
});
