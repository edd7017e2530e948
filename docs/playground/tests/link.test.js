// SPDX-License-Identifier: MIT
// Recordings in links, which anybody may have written.
import assert from 'node:assert/strict';
import test from 'node:test';
import { deflateSync } from 'node:zlib';

import { create, decodeRecording, encodeRecording, MAX_FRAMES, replay } from '../engine/index.js';
import { library } from './library.js';

const RECORDING = create(library, {}).recording;
const link = (json) => deflateSync(Buffer.from(json)).toString('base64url');
const linkOf = (recording) => link(JSON.stringify(recording));

test('a recording and back', async () => {
  const recording = { ...RECORDING, seed: 7, settings: { preVote: false, electionTimeout: 500 },
    acts: [[1, { do: 'submit', server: 1, command: 'x=ä€😀"\\' }, 300], [1, { do: 'healAll' }],
      [9, { do: 'configure', server: 2, settings: { eagerCommit: 1 } }]] };
  const text = await encodeRecording(recording);
  assert.match(text, /^[\w-]+$/);
  assert.deepEqual(await decodeRecording(text), recording);
  assert.deepEqual(await decodeRecording(linkOf(recording)), recording);
});

test('what is not a recording is refused', async () => {
  const text = await encodeRecording(RECORDING);
  const texts = ['', '?', 'AAAA', text.slice(0, -20), text.slice(4), 'A'.repeat(200001),
    link('{'), link('null'), link('[]'), link('"x"'), link(Buffer.from([0xff, 0xfe])),
    linkOf('x'.repeat(2000000)), link('['.repeat(500000))];
  for (const wrong of [undefined, 5, {}, ...texts]) {
    await assert.rejects(decodeRecording(wrong), TypeError, String(wrong).slice(0, 50));
  }
  await assert.rejects(decodeRecording(linkOf('x'.repeat(2000000))), /too long/);
});

test('every field is checked', async () => {
  const act = (one, frame = 1) => ({ acts: [[frame, one]] });
  const changes = [
    { version: 2 }, { seed: -1 }, { seed: 1.5 }, { seed: '1' }, { servers: 0 }, { servers: 8 },
    { settings: { nothing: 1 } }, { settings: { seed: 1 } }, { settings: { electionTimeout: -1 } },
    { settings: [] }, { settings: null }, { latency: [5, 1] }, { latency: [1] },
    { latency: [1, 1e9] }, { disk: null }, { more: 1 }, { acts: {} }, { acts: [[1]] },
    { acts: [1] },
    { acts: [[1, { do: 'healAll' }, -1]] }, { acts: [[1, { do: 'healAll' }, 1, 1]] },
    { acts: [[2, { do: 'healAll' }], [1, { do: 'healAll' }]] },
    { acts: Array(4001).fill([1, { do: 'healAll' }]) },
    act({ do: 'healAll' }, 0), act({ do: 'healAll' }, MAX_FRAMES + 1), act({ do: 'constructor' }),
    act({ do: 'kill', server: 1, lose: 'toString' }), act({ do: 'kill', server: '1', lose: 'all' }),
    act({ do: 'partition', group: [1, 1] }), act({ do: 'partition', group: ['<b>'] }),
    act({ do: 'submit', server: 1, command: {} }), act({ do: 'add', server: 1, id: 100 }),
    act({ do: 'clock', server: 1, rate: -1 }), act({ do: 'clock', server: 1, rate: null }),
    act({ do: 'loss', share: 1.1 }), act({ do: 'recover', server: 1, voters: [] }),
  ];
  for (const change of changes) {
    const recording = { ...RECORDING, ...change };
    const what = JSON.stringify(change).slice(0, 80);
    await assert.rejects(decodeRecording(linkOf(recording)), TypeError, what);
    await assert.rejects(encodeRecording(recording), TypeError);
    assert.throws(() => replay(library, recording), TypeError);
  }
  for (const key of Object.keys(RECORDING)) {
    const { [key]: _, ...recording } = RECORDING;
    await assert.rejects(decodeRecording(linkOf(recording)), TypeError, key);
  }
  const polluted = JSON.stringify(RECORDING).replace('{', '{"__proto__":{},');
  await assert.rejects(decodeRecording(link(polluted)), TypeError);
});

test('a recording that is legal and senseless ends', () => {
  const kinds = ['deliver', 'drop', 'duplicate'];
  const acts = Array.from({ length: 4000 }, (_, i) =>
    [1 + 3 * i, { do: kinds[i % 3], message: 1 + i % 40 }, 2 ** 40]);
  const begun = performance.now();
  const settings = { electionTimeout: 2, heartbeatTimeout: 1 };
  const recording = { ...RECORDING, servers: 7, disk: 0, latency: [0, 0], settings, acts };
  const cluster = replay(library, recording);
  assert.ok(cluster.frames.length <= MAX_FRAMES);
  assert.ok(performance.now() - begun < 30000);
  cluster.close();
});
