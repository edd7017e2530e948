// SPDX-License-Identifier: MIT
// Links to recordings, honest and hostile, and files with traces.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test, { afterEach } from 'node:test';
import { deflateSync } from 'node:zlib';

import { useBrowser } from './browser.js';

const browser = useBrowser();
afterEach(() => browser().quiet());

const link = (page) => page.run(() => location.hash);
const error = (page) => page.page.waitForSelector('.toast.error')
  .then((node) => node.evaluate((each) => each.textContent));
const state = (page) => page.run(() => [document.querySelector('#step-body').innerText,
  document.querySelector('.log-table').innerText,
  ...[...document.querySelectorAll('.server .press')].map((node) => node.ariaLabel)]);

test('a link replays the recording up to the frame that was shown', async () => {
  const page = await browser().open();
  await page.stepUntil('.server.is-leader');
  const leader = await page.leader();
  await page.press('Submit to the leader');
  await page.stepUntil('.request.is-done');
  await page.select(leader === 1 ? 2 : 1);
  await page.press('Kill, lose unwritten');
  for (let steps = 0; steps < 20; steps++) {
    await page.key('ArrowRight');
  }
  await page.press('Share');
  await page.page.waitForFunction(() => location.hash.startsWith('#recording='));
  const hash = await link(page);
  const [frame, shown] = [await page.frame(), await state(page)];
  await page.open({ hash });
  assert.equal(await page.text('#scenario-title'), 'A shared run');
  assert.equal(await page.frame(), frame);
  assert.deepEqual(await state(page), shown);
  // The same in a tab that is open: the address changes.
  await page.open();
  await page.run((to) => {
    location.hash = to;
  }, hash);
  await page.page.waitForFunction(() =>
    document.querySelector('#scenario-title').textContent === 'A shared run');
  assert.deepEqual(await state(page), shown);
});

test('a link to a scenario opens it', async () => {
  const page = await browser().open({ hash: '#scenario=figure8' });
  assert.match(await page.text('#scenario-title'), /^Figure 8/);
});

const recording = (text) => `#recording=${deflateSync(text).toString('base64url')}`;
const good = { version: 1, seed: 1, servers: 3, settings: {}, latency: [1, 2], disk: 1, acts: [] };

for (const [what, hash] of Object.entries({
  'that is no text of a recording': '#recording=%00<script>alert(1)</script>',
  'that is cut off': `${recording(JSON.stringify(good)).slice(0, 40)}`,
  'that unpacks to far too much': recording('x'.repeat(30000000)),
  'that is no JSON': recording('{'),
  'of another version': recording(JSON.stringify({ ...good, version: 2 })),
  'with a million servers': recording(JSON.stringify({ ...good, servers: 1e6 })),
  'with markup as an act': recording(JSON.stringify({ ...good, acts: [[1, { do: '<b>' }]] })),
  'to a frame that is no number': `${recording(JSON.stringify(good))}&frame=<b>`,
  'to a frame far away': `${recording(JSON.stringify(good))}&frame=99999999`,
  'with settings that the library refuses':
    recording(JSON.stringify({ ...good, settings: { electionTimeout: 0 } })),
})) {
  test(`a link ${what} gets a message, and the page works`, async () => {
    const page = await browser().open({ hash });
    assert.match(await error(page), /^This link cannot be opened: /);
    assert.equal(await page.text('#scenario-title'), 'Five servers');
    await page.stepUntil('.server.is-leader');
  });
}

test('markup in a command stays text', async () => {
  const text = '<img src=x onerror="document.title=1">';
  const acts = [[1, { do: 'submit', server: 1, command: text }]];
  const page = await browser().open({ hash: recording(JSON.stringify({ ...good, acts })) });
  await page.press('Last frame');
  assert.ok((await page.what()).includes(text), await page.what());
  assert.equal(await page.count('main img'), 0);
});

test('a link to no scenario says so', async () => {
  const page = await browser().open({ hash: '#scenario=nothing' });
  assert.match(await error(page), /no scenario/);
});

/** Open a trace file with this text. */
async function openTrace(page, name, text) {
  const folder = await mkdtemp(join(tmpdir(), 'raft-trace-'));
  try {
    await writeFile(join(folder, name), text);
    const input = await page.page.$('#trace-file');
    await input.uploadFile(join(folder, name));
    await page.page.waitForFunction((title) => document.querySelector('.toast.error') !== null ||
      document.querySelector('#scenario-title').textContent === title, {}, name);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a file that is no trace gets a message', async () => {
  const page = await browser().open();
  await openTrace(page, 'x.json', 'nonsense');
  assert.match(await error(page), /x\.json is no trace of raft-sim/);
  await page.stepUntil('.server.is-leader');
});

const server = (id, at, fields) => ({ kind: 'server', at, server: id, state: 'follower', term: 2,
  votedFor: 0, leader: 0, commitIndex: 1, firstIndex: 1, lastIndex: 3, lastStored: 2,
  snapshotIndex: 0, asleep: false, configuration: { index: 1, servers: [1, 2].map((member) =>
    ({ id: member, address: `s${member}`, role: 'voter' })) }, ...fields });
const TRACE = [
  { kind: 'raft-sim', version: 1, seed: 42, servers: 2 },
  { kind: 'boot', at: 0, server: 1, text: 'boots' }, server(1, 0, {}),
  { kind: 'boot', at: 0, server: 2, text: 'boots' }, server(2, 0, {}),
  { kind: 'message', sent: 1000, at: 9000, from: 2, to: 1, type: 'requestVote', text: 'asks' },
  server(2, 9000, { state: 'leader', leader: 2 }),
  { kind: 'crash', at: 20000, server: 1, text: 'crashes' },
  { kind: 'violation', at: 30000, server: 2, text: 'two <b>leaders' },
].map((line) => JSON.stringify(line)).join('\n');

test('a trace opens at its violation; one can look, but not act', async () => {
  const page = await browser().open();
  await openTrace(page, 'seed.jsonl', TRACE);
  assert.match((await page.notes()).join(), /violation.*two <b>leaders/);
  assert.deepEqual(await page.page.$$eval('.chapter', (nodes) => nodes.map((node) =>
    node.textContent)), ['two <b>leaders']);
  assert.equal(await page.count('.server.is-leader'), 1);
  assert.equal(await page.count('.server.is-down'), 1);
  assert.equal(await page.count('.t-unknown.committed'), 2);
  assert.equal(await page.count('.t-unknown.unstored'), 2);
  const last = await page.frames();
  await page.key('ArrowRight'); // there is no more
  assert.equal(await page.frames(), last);
  await page.key('k');
  assert.match(await error(page), /cannot be changed/);
  await page.select(2);
  assert.match(await page.text('#inspector-body'), /recorded run.*RAFT_LEADER/);
  assert.equal(await page.count('#inspector-body button'), 0);
  await page.press('First frame');
  await page.stepUntil('.message');
  await page.press('Share');
  assert.match(await error(page), /share its file/);
});

test('a trace that is dropped on the page opens, and a new cluster replaces it', async () => {
  const page = await browser().open();
  await page.run((text) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([text], 'dropped.jsonl'));
    document.body.dispatchEvent(new DragEvent('drop',
      { dataTransfer, bubbles: true, cancelable: true }));
  }, TRACE);
  await page.page.waitForFunction(() =>
    document.querySelector('#scenario-title').textContent === 'dropped.jsonl');
  await page.press('New cluster');
  await page.press('Start the cluster');
  await page.stepUntil('.server.is-leader');
  await page.press('Kill the leader');
  assert.equal(await page.count('.server.is-down'), 1);
});

const sim = process.env.RAFT_SIM;
test('the trace of a seed of raft-sim opens', { skip: sim === undefined && 'no RAFT_SIM' },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'raft-trace-'));
    try {
      const path = join(folder, 'seed');
      assert.equal(spawnSync(sim, ['--seed', '7', '--quiet', '--trace-file', path]).status, 0);
      const page = await browser().open();
      await openTrace(page, 'seed.jsonl', await readFile(path, 'utf8'));
      assert.ok(await page.frames() > 1000);
      await page.press('Last frame');
      assert.equal(await page.what(), 'all agree');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
