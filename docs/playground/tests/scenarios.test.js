// SPDX-License-Identifier: MIT
// Each scenario does what its text says, with any seed.
import assert from 'node:assert/strict';
import process from 'node:process';
import test from 'node:test';

import { create, decodeRecording, encodeRecording, replay } from '../engine/index.js';
import { play, scenarios } from '../scenarios/index.js';
import { library, notesOf, serverOf } from './library.js';

const SEEDS = [undefined, ...Array(Number(process.env.SEEDS ?? 8)).keys()]; // undefined: its own

const at = (cluster, chapter) => cluster.frames[cluster.chapters[chapter].frame];
const entry = (server, index) => server.log.find((one) => one.index === index);
const leaderOf = (view) => view.servers.find(({ state }) => state === 'leader');

/** What each scenario claims. `c` is the cluster after it. */
const CLAIMS = {
  election(c) {
    const before = at(c, 0);
    assert.ok(before.view.servers.every(({ term, votedFor }) => term === 1 && votedFor === 0));
    assert.equal(before.view.servers.filter(({ votes }) => votes?.preVote).length, 1);
    const elected = at(c, 2).view;
    const votes = elected.servers.filter(({ term, votedFor }) =>
      term === leaderOf(elected).term && votedFor === leaderOf(elected).id);
    // A majority of the votes is on disk: no write with the index 0 is left.
    assert.ok(votes.filter(({ writes }) => writes.every(({ index }) => index > 0)).length >= 3);
  },
  replication(c) {
    const { view: asked } = at(c, 1);
    const { id } = leaderOf(asked);
    const index = serverOf(asked, id).lastIndex;
    const has = ({ lastStored }) => lastStored >= index;
    assert.ok(c.frames.filter(({ view }) => view.servers.filter(has).length < 2)
      .every(({ view }) => view.committed < index));
    assert.ok(at(c, 2).view.committed < index);
    assert.deepEqual(at(c, 3).view.servers.filter(({ commitIndex }) => commitIndex >= index)
      .map((server) => server.id), [id]);
    assert.ok(c.view.servers.every(({ applied_commands: commands }) => commands[0] === 'x=1'));
  },
  split_vote(c) {
    const split = at(c, 2).view;
    const candidates = split.servers.filter(({ state }) => state === 'candidate');
    assert.equal(candidates.length, 2);
    const [{ term }] = candidates;
    assert.deepEqual(candidates.map((one) => [one.term, one.votes.granted.length]),
      [[term, 2], [term, 2]]);
    assert.ok(c.frames.every(({ view }) => view.servers
      .every(({ state, term: led }) => state !== 'leader' || led !== term)));
    assert.ok(leaderOf(at(c, 3).view).term > term);
  },
  deposed_leader(c) {
    const old = leaderOf(at(c, 0).view).id;
    const [first, second, third] = c.view.requests;
    assert.deepEqual([first.server, second.server], [old, old]);
    assert.deepEqual([first.status, second.status, third.status], ['failed', 'failed', 'done']);
    assert.match(first.answer, /replaced/);
    assert.ok(entry(serverOf(at(c, 3).view, old), first.index).term < leaderOf(c.view).term);
    for (const { applied_commands: commands } of c.view.servers) {
      assert.deepEqual(commands, ['x=new']);
    }
  },
  figure8(c) {
    const { view } = at(c, 2); // (c)
    const index = c.view.requests[0].index;
    const one = serverOf(view, 1);
    assert.equal(one.state, 'leader');
    const holders = view.servers.filter((server) => entry(server, index)?.text === 'x=1');
    assert.deepEqual(holders.map(({ id }) => id), [1, 2, 3]);
    for (const server of holders) {
      assert.ok(entry(server, index).stored && entry(server, index).term < one.term);
    }
    assert.ok(one.peers.some(({ id, match }) => id === 3 && match === index));
    assert.ok(view.committed < index && one.commitIndex < index);
    assert.equal(leaderOf(at(c, 3).view).id, 5);
    for (const server of c.view.servers) {
      assert.notEqual(entry(server, index).text, 'x=1');
      assert.ok(server.commitIndex >= index);
    }
    for (const id of [1, 2, 3]) {
      assert.ok(notesOf(c, 'note').some((text) => text.startsWith(`${id}: drops entr`)));
    }
  },
  pre_vote(c) {
    const before = leaderOf(at(c, 0).view);
    assert.ok(at(c, 1).view.servers.some(({ votes, term }) =>
      votes?.preVote && term === before.term));
    const back = at(c, 2).view;
    assert.ok(back.servers.every(({ term }) => term === before.term));
    const again = at(c, 3).view;
    assert.deepEqual([leaderOf(again).id, leaderOf(again).term], [before.id, before.term]);
    const risen = at(c, 4).view.servers.filter(({ term }) => term > before.term);
    assert.equal(risen.length, 1);
    assert.ok(risen[0].term > before.term + 1);
    assert.ok(at(c, 5).notes.some(({ text }) => text === 'steps down'));
    assert.ok(leaderOf(c.view).term > risen[0].term);
  },
  transfer(c) {
    const [asked, told, done] = [0, 1, 2].map((chapter) => at(c, chapter));
    const { id } = leaderOf(asked.view);
    const { id: next } = leaderOf(done.view);
    assert.notEqual(id, next);
    assert.equal(serverOf(told.view, id).transferee, next);
    const [, most] = c.recording.latency;
    assert.ok(done.at - told.at <= 4 * most + 3 * c.recording.disk); // two round trips
    assert.ok(done.at - told.at < c.recording.settings.electionTimeout / 2);
    assert.ok(c.view.servers.every(({ applied_commands: commands }) => commands[0] === 'x=1'));
  },
  slow_disk(c) {
    const { view } = at(c, 2);
    const leader = leaderOf(view);
    const { index } = view.requests[0];
    assert.equal(leader.commitIndex, index);
    assert.ok(leader.lastStored < index);
    assert.equal(entry(leader, index).stored, false);
    assert.equal(view.servers.filter(({ lastStored }) => lastStored >= index).length, 2);
    assert.equal(view.requests[0].status, 'done');
  },
  lease(c) {
    const byQuorum = c.view.requests.at(-2);
    const byLease = c.view.requests.at(-1);
    assert.deepEqual([byLease.status, byLease.answer], ['done', 'x=1']);
    assert.deepEqual([byQuorum.status, byQuorum.index], ['failed', 0]);
    assert.ok(at(c, 1).view.servers.some(({ applied_commands: list }) => list.includes('x=2')));
  },
  snapshot_chunks(c) {
    const { server } = c.frames.slice(at(c, 2).number)
      .find(({ steps }) => steps.some(({ update }) => update?.snapshot));
    const steps = c.frames.filter((frame) => frame.server === server)
      .flatMap((frame) => frame.steps);
    const chunks = steps.filter(({ update }) => update?.snapshot);
    const kept = steps.filter(({ event }) => event.type === 'persistedSnapshot');
    assert.equal(chunks.length, 4);
    assert.equal(kept.length, 4);
    chunks.slice(1).forEach((chunk, i) => assert.ok(steps.indexOf(chunk) > steps.indexOf(kept[i])));
    const lacked = serverOf(at(c, 1).view, server).lastIndex + 1;
    assert.ok(leaderOf(at(c, 1).view).firstIndex > lacked);
    assert.deepEqual(serverOf(c.view, server).applied_commands,
      leaderOf(c.view).applied_commands);
    assert.equal(serverOf(c.view, server).applied_commands.length, 8);
  },
  joint_change(c) {
    const { view } = at(c, 2);
    const { id, lastIndex, commitIndex, configuration } = leaderOf(view);
    assert.deepEqual(configuration.servers.filter(({ role }) => role === 'voterIncoming')
      .map((server) => server.id), [4, 5]);
    for (const one of [id, 4, 5]) {
      assert.ok(entry(serverOf(view, one), lastIndex).stored);
    }
    assert.ok(commitIndex < lastIndex);
    const joint = at(c, 3).view;
    assert.ok(joint.servers.filter(({ id: one, lastStored }) => one <= 3 &&
      lastStored >= lastIndex).length >= 2);
    assert.deepEqual(leaderOf(c.view).configuration.servers.map((server) => server.id), [id, 4, 5]);
  },
  removed_server(c) {
    const nobody = at(c, 1).view.servers;
    assert.ok(nobody.every(({ state }) => state !== 'leader'));
    const led = leaderOf(at(c, 2).view);
    assert.equal(led.role, undefined);
    const other = nobody.find(({ id }) => id !== led.id);
    assert.ok(other.lastIndex < nobody.find(({ id }) => id === led.id).lastIndex);
    assert.ok(c.frames.slice(0, at(c, 3).number).every(({ view }) =>
      serverOf(view, other.id).state !== 'leader'));
    assert.equal(leaderOf(at(c, 3).view).id, other.id);
    assert.deepEqual(serverOf(c.view, other.id).configuration.servers.map(({ id }) => id),
      [other.id]);
  },
  emptied_disk(c) {
    const { index, status } = at(c, 0).view.requests[0];
    assert.equal(status, 'done');
    const emptied = at(c, 1).view.servers.find(({ lastIndex }) => lastIndex === 0);
    const next = leaderOf(at(c, 2).view);
    assert.equal(serverOf(at(c, 2).view, emptied.id).votedFor, next.id);
    assert.notEqual(entry(next, index)?.text, 'x=1');
    assert.match(notesOf(c, 'violation')[0], /a committed entry is lost/);
    assert.ok(at(c, 2).notes.some(({ kind }) => kind === 'violation'));
    assert.ok(c.view.servers.every((server) => entry(server, index).text !== 'x=1'));
  },
  sleeping(c) {
    const [asleep, , again, failed, , next] = [0, 1, 2, 3, 4, 5].map((n) => at(c, n));
    for (const { view } of [asleep, again]) {
      assert.ok(view.servers.every((server) => server.asleep && server.timeout === Infinity));
      assert.equal(view.messages.length, 0);
    }
    assert.equal(c.frames[asleep.number + 1].at, asleep.at + 10000);
    assert.equal(c.frames[failed.number + 1].at, failed.at + 10000);
    assert.equal(c.view.requests[0].status, 'done');
    assert.ok(leaderOf(next.view).id !== leaderOf(again.view).id);
  },
};

const VIOLATIONS = { emptied_disk: /committed entry is lost|state machine safety/, lease: /stale/ };

for (const scenario of scenarios) {
  test(scenario.name, async () => {
    assert.match(scenario.text, /^[A-Z][^.!?]+\. [A-Z][^.!?]+\.$/, 'two sentences');
    for (const seed of SEEDS) {
      const cluster = play(library, scenario, seed);
      CLAIMS[scenario.name](cluster);
      assert.ok(cluster.chapters.length >= 3);
      assert.deepEqual(notesOf(cluster, 'refused'), []);
      const violations = notesOf(cluster, 'violation');
      const expected = VIOLATIONS[scenario.name];
      assert.equal(violations.length > 0, expected !== undefined);
      violations.forEach((text) => assert.match(text, expected));
      if (seed === undefined) {
        const recording = await decodeRecording(await encodeRecording(cluster.recording));
        const again = replay(library, recording, cluster.frames.length - 1);
        assert.deepEqual(again.frames, cluster.frames);
        again.close();
      }
      cluster.close();
    }
  });
}

test('with a right clock, no read is stale', () => {
  const lease = scenarios.find(({ name }) => name === 'lease');
  for (let seed = 1; seed <= 5; seed++) {
    const cluster = create(library, { ...lease.recording, seed });
    const { act } = cluster;
    cluster.act = (one) => act.call(cluster, one.do === 'clock' ? { ...one, rate: 1 } : one);
    lease.play(cluster);
    assert.deepEqual(notesOf(cluster, 'violation'), []);
    assert.notEqual(cluster.view.requests.at(-1)?.answer, 'x=1');
    cluster.close();
  }
});
