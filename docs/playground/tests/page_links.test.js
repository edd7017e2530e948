// SPDX-License-Identifier: MIT
// Links to stories, honest and hostile, and files with traces.
import assert from 'node:assert/strict';
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('a link replays the story up to the frame that was shown', async () => {
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
  await page.page.waitForFunction(() => location.hash.startsWith('#story='));
  const hash = await link(page);
  const [frame, shown] = [await page.frame(), await state(page)];
  await page.open({ hash });
  assert.equal(await page.text('#scenario-title'), 'A shared story');
  assert.equal(await page.frame(), frame);
  assert.deepEqual(await state(page), shown);
  // The same in a tab that is open: the address changes.
  await page.open();
  await page.run((to) => {
    location.hash = to;
  }, hash);
  await page.page.waitForFunction(() =>
    document.querySelector('#scenario-title').textContent === 'A shared story');
  assert.deepEqual(await state(page), shown);
});

test('a link to a scenario opens it', async () => {
  const page = await browser().open({ hash: '#scenario=figure8' });
  assert.match(await page.text('#scenario-title'), /^Figure 8/);
});

const story = (text) => `#story=${deflateSync(text).toString('base64url')}`;
const good = { version: 1, seed: 1, servers: 3, settings: {}, latency: [1, 2], disk: 1, acts: [] };

for (const [what, hash] of Object.entries({
  'that is no text of a story': '#story=%00<script>alert(1)</script>',
  'that is cut off': `${story(JSON.stringify(good)).slice(0, 40)}`,
  'that unpacks to far too much': story('x'.repeat(30000000)),
  'that is no JSON': story('{'),
  'of another version': story(JSON.stringify({ ...good, version: 2 })),
  'with a million servers': story(JSON.stringify({ ...good, servers: 1e6 })),
  'with markup as an act': story(JSON.stringify({ ...good, acts: [[1, { do: '<b>' }]] })),
  'to a frame that is no number': `${story(JSON.stringify(good))}&frame=<b>`,
  'to a frame far away': `${story(JSON.stringify(good))}&frame=99999999`,
  'with settings that the library refuses':
    story(JSON.stringify({ ...good, settings: { electionTimeout: 0 } })),
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
  const page = await browser().open({ hash: story(JSON.stringify({ ...good, acts })) });
  await page.press('Last frame');
  assert.ok((await page.what()).includes(text), await page.what());
  assert.equal(await page.count('main img'), 0);
});

test('a link to no scenario says so', async () => {
  const page = await browser().open({ hash: '#scenario=nothing' });
  assert.match(await error(page), /no scenario/);
});

test('a file that is no trace gets a message', async () => {
  const page = await browser().open();
  const folder = await mkdtemp(join(tmpdir(), 'raft-trace-'));
  try {
    await writeFile(join(folder, 'x.json'), 'nonsense');
    const input = await page.page.$('#trace-file');
    await input.uploadFile(join(folder, 'x.json'));
    assert.match(await error(page), /x\.json is no trace of raft-sim/);
    await page.stepUntil('.server.is-leader');
  } finally {
    await rm(folder, { recursive: true });
  }
});
