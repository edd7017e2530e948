// SPDX-License-Identifier: MIT
// Every scenario of the menu, played on the page: what its text claims can be read there.
import assert from 'node:assert/strict';
import test, { afterEach } from 'node:test';

import { scenarios } from '../scenarios/index.js';
import { useBrowser } from './browser.js';

const browser = useBrowser();
afterEach(() => browser().quiet());

const log = (page, id) => page.page.$$eval(`.log-table tbody tr:nth-child(${id}) td`, (cells) =>
  cells.filter((cell) => !cell.classList.contains('none'))
    .map((cell) => cell.textContent.replace(/^.*?t\d+/, '')));
const leaders = (page) => page.page.$$eval('.server.is-leader', (nodes) =>
  nodes.map((node) => Number(node.dataset.server)));
const terms = (page) => page.page.$$eval('.server-term', (nodes) =>
  nodes.map((node) => Number(node.textContent.replace('term ', ''))));
const noted = (page, pattern) => page.notes().then((notes) => assert.match(notes.join('\n'),
  pattern));
/** Of each scenario: the title of a chapter, or 'end', and what the page then shows. */
const CLAIMS = {
  election: [['A timer expires: pre-votes', async (page) => {
    assert.equal(await page.count('.server.is-candidate'), 1);
    assert.ok(await page.count('.message .m-vote.m-hollow') > 0);
    assert.deepEqual(new Set(await terms(page)), new Set([1])); // pre-votes change nothing
  }], ['A majority has voted', async (page) =>
    assert.equal((await leaders(page)).length, 1)]],
  replication: [['The leader knows: committed', async (page) => {
    const [leader] = await leaders(page);
    assert.match((await log(page, leader)).at(-1), /, committed/);
    assert.equal(await page.count('.request.is-done'), 1);
  }], ['end', async (page) => assert.match((await log(page, 2)).at(-1), /, committed/)]],
  split_vote: [['Two votes each', async (page) => {
    assert.deepEqual(await page.page.$$eval('.server.is-candidate .server-remark', (nodes) =>
      nodes.map((node) => node.textContent)), ['votes 2 of 5', 'votes 2 of 5']);
  }], ['A later term has a leader', async (page) =>
    assert.equal((await leaders(page)).length, 1)]],
  deposed_leader: [['It accepts commands', async (page) => {
    const [leader] = await leaders(page);
    assert.match((await log(page, leader)).at(-1), /command .*, not committed/);
  }], ['The new leader commits a command', async (page) => {
    const [leader] = await leaders(page);
    assert.match((await log(page, leader)).at(-1), /command .*, committed/);
    assert.ok(await page.count('.link.cut') > 0);
  }], ['end', async (page) => {
    assert.equal((await leaders(page)).length, 1);
    await noted(page, /drops entries 3 to 4/);
  }]],
  figure8: [['(c) Server 1 leads again; the entry is on a majority', async (page) => {
    for (const id of [1, 2, 3]) {
      assert.match((await log(page, id))[2], /command x=1, term 2, not committed/);
    }
  }], ['end', async (page) => {
    for (const id of [1, 2, 3, 4, 5]) {
      assert.doesNotMatch((await log(page, id)).join(), /x=1/);
    }
    assert.equal(await page.count('.time-mark.is-violation'), 0);
  }]],
  pre_vote: [['A follower is cut off', async (page) =>
    assert.equal(await page.count('.link.cut'), 4)], ['It asks for pre-votes', async (page) => {
    assert.equal(await page.count('.server.is-candidate'), 1);
    assert.equal(new Set(await terms(page)).size, 1);
  }], ['It returns with the same term', async (page) =>
    assert.equal(new Set(await terms(page)).size, 1)],
  ['It returns with a higher term', async (page) =>
    assert.ok(Math.max(...await terms(page)) > Math.min(...await terms(page)))],
  ['The leader steps down', async (page) => {
    assert.deepEqual(await leaders(page), []);
    await noted(page, /steps down/);
  }]],
  transfer: [['TimeoutNow is on its way', async (page) =>
    assert.equal(await page.count('.message .m-now'), 1)], ['The new leader', async (page) =>
    noted(page, /becomes leader of term/)]],
  slow_disk: [['Committed by the followers', async (page) => {
    const [leader] = await leaders(page);
    assert.match((await log(page, leader)).at(-1), /, committed, not yet on disk/);
    assert.equal(await page.count('.committed.unstored'), 1);
  }]],
  lease: [['The old leader answers x=1', async (page) => {
    await noted(page, /stale read/);
    assert.match(await page.text('#requests-body'), /doneread under the lease server 3.*x=1/);
  }], ['The other read was not answered', async (page) =>
    assert.match(await page.text('.request.is-failed'), /read/)]],
  snapshot_chunks: [['The first chunk', async (page) =>
    assert.ok(await page.count('.message .m-snapshot') > 0)], ['end', async (page) => {
    await noted(page, /installs the snapshot at index 10/);
    assert.ok(await page.count('.in-snapshot') > 0);
  }]],
  joint_change: [['On all new voters, and not committed', async (page) => {
    const [leader] = await leaders(page);
    assert.match((await log(page, leader)).at(-1), /members .*, not committed/);
  }], ['end', async (page) => assert.equal(await page.count('.server:not(.no-voter)'), 3)]],
  removed_server: [['Nobody leads', async (page) =>
    assert.deepEqual(await leaders(page), [])], ['The removed server leads', async (page) =>
    assert.deepEqual(await page.page.$$eval('.is-leader .server-remark', (nodes) =>
      nodes.map((node) => node.textContent)), ['no member'])]],
  emptied_disk: [['A committed entry is lost', async (page) => {
    await noted(page, /a committed entry is lost/);
    assert.equal(await page.count('.note.is-violation'), 1);
  }], ['end', async (page) => assert.doesNotMatch((await log(page, 2)).join(), /x=1/)]],
  sleeping: [['All servers sleep', async (page) => {
    assert.equal(await page.count('.server.is-asleep'), 3);
    assert.equal(await page.count('.message'), 0);
  }], ['The leader fails; the others sleep on', async (page) => {
    assert.equal(await page.count('.server.is-asleep'), 2);
    assert.equal(await page.count('.server.is-down'), 1);
  }], ['A new leader', async (page) => assert.equal((await leaders(page)).length, 1)]],
};

test('there is a claim for every scenario', () => {
  assert.deepEqual(Object.keys(CLAIMS).sort(), scenarios.map(({ name }) => name).sort());
});

for (const { name, title, text } of scenarios) {
  test(`scenario: ${title}`, async () => {
    const page = await browser().open();
    await page.press('Scenarios');
    await page.page.click(`[data-scenario="${name}"]`);
    assert.equal(await page.text('#scenario-title'), title);
    assert.equal(await page.text('#scenario-body'), text);
    assert.equal(await page.frame(), 0);
    for (const [chapter, claim] of CLAIMS[name]) {
      if (chapter === 'end') {
        await page.press('Last frame');
      } else {
        await page.press(chapter);
        assert.equal(await page.text('[aria-current="step"]'), chapter);
      }
      await claim(page);
    }
    assert.equal((await page.notes()).join().includes('refused'), false);
    // Played fast, it stops at its end; then it goes on.
    const last = await page.frames();
    await page.seek(last - 3);
    await page.choose('Speed', 4);
    await page.press('Play');
    await page.page.waitForSelector('[aria-label="Play"]');
    assert.equal(await page.frame(), last);
  });
}
