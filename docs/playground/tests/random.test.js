// SPDX-License-Identifier: MIT
// Acts at random: the engine never throws, no promise of Raft is broken unless an act breaks it,
// and the recording gives the same frames again.
import assert from 'node:assert/strict';
import process from 'node:process';
import test from 'node:test';

import { create, replay } from '../engine/index.js';
import { makeRandom } from '../engine/random.js';
import { library, notesOf } from './library.js';

const SEEDS = Number(process.env.SEEDS ?? 10);
const ACTS = 200;

/** A generator of acts. `unsafe`: also those that may break a promise. */
function makeActs(seed, unsafe) {
  const random = makeRandom(seed);
  const pick = (...list) => list[random.between(0, list.length - 1)];
  const id = () => random.between(1, 5);
  const someIds = () => [1, 2, 3, 4, 5, 6].filter(() => random.chance(0.5));
  return (cluster) => {
    const server = random.chance(0.7) ? cluster.leader() || id() : id();
    const message = pick(...cluster.view.messages, { id: 1 }).id;
    const kinds = [
      ...Array(6).fill({ do: 'submit', server, command: `k${id()}=${cluster.now}` }),
      ...Array(2).fill({ do: 'read', server, lease: random.chance(0.5) }),
      { do: 'kill', server: id(), lose: pick('nothing', 'unwritten') },
      ...Array(4).fill({ do: 'restart', server: random.between(1, 6) }),
      { do: pick('cut', 'heal'), from: id(), to: id() },
      { do: 'partition', group: someIds() },
      ...Array(3).fill({ do: 'healAll' }),
      { do: 'slowLink', from: id(), to: id(), by: pick(0, 100, 700) },
      { do: 'slowDisk', server: id(), by: pick(0, 0, 50, 1500) },
      { do: 'loss', share: pick(0, 0, 0, 0.1, 0.3) },
      { do: pick('drop', 'deliver', 'duplicate'), message },
      { do: 'delay', message, by: pick(0, 50, 3000) },
      { do: pick('add', 'promote', 'demote', 'remove'), server, id: random.between(1, 8) },
      { do: 'change', server, voters: [id(), 6] },
      { do: 'transfer', server, to: id() },
      { do: 'snapshot', server: id(), trailing: pick(0, 3) },
      { do: pick('campaign', 'wake', 'timeout'), server: id() },
      { do: 'configure', server: id(), settings: pick({ preVote: false }, { preVote: true },
        { idleTimeout: 3000 }, { maxMessageEntries: 1 }, { electionDelay: 500 }) },
      ...(unsafe ? [{ do: 'kill', server: id(), lose: 'all' },
        { do: 'clock', server: id(), rate: pick(0, 0.1, 1, 3) },
        { do: 'recover', server: id(), voters: [id(), 6] }] : []),
    ];
    return pick(...kinds);
  };
}

function playAtRandom(seed, unsafe) {
  const cluster = create(library, { servers: 1 + seed % 5, seed, disk: seed % 3 * 15,
    latency: [5, 5 + seed % 4 * 40] });
  const next = makeActs(seed, unsafe);
  const random = makeRandom(seed + 1000);
  for (let i = 0; i < ACTS; i++) {
    cluster.run(random.chance(0.2) ? 2500 : random.between(0, 300));
    cluster.act(next(cluster));
  }
  return cluster;
}

for (const unsafe of [false, true]) {
  test(unsafe ? 'with acts that may break promises' : 'with safe acts', () => {
    let violated = 0;
    let done = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const cluster = playAtRandom(seed, unsafe);
      const violations = notesOf(cluster, 'violation');
      assert.ok(unsafe || violations.length === 0, `seed ${seed}: ${violations.join('; ')}`);
      violated += violations.length > 0;
      done += cluster.view.requests.filter(({ status }) => status === 'done').length;
      const again = replay(library, cluster.recording);
      assert.deepEqual(again.frames, cluster.frames, `seed ${seed}`);
      cluster.close();
      again.close();
    }
    assert.equal(violated > 0, unsafe);
    assert.ok(done > SEEDS);
  });
}
