// SPDX-License-Identifier: MIT
// The keyboard alone, what a screen reader is told, and less motion.
import assert from 'node:assert/strict';
import test, { afterEach } from 'node:test';

import { useBrowser } from './browser.js';

const browser = useBrowser();
afterEach(() => browser().quiet());

const focused = (page) => page.run(() => {
  const node = document.activeElement;
  return node.getAttribute('aria-label') ?? node.textContent.trim();
});
const heard = (page, pattern) => page.page.waitForFunction((text) =>
  new RegExp(text).test(document.querySelector('#announcer').textContent), {}, pattern);

/** Tab to a control by its name. */
async function tabTo(page, name, most = 80) {
  for (let tabs = 0; tabs < most; tabs++) {
    await page.key('Tab');
    if (name.test(await focused(page))) {
      assert.ok(await page.run(() => document.activeElement.matches(':focus-visible')));
      return;
    }
  }
  assert.fail(`${most} tabs, and no ${name}`);
}

test('a scenario, an election, a kill and a rewind without a pointer', async () => {
  const page = await browser().open();
  await tabTo(page, /^Scenarios$/);
  await page.key('Enter');
  await tabTo(page, /^Replication of an entry/);
  await page.key('Enter');
  assert.equal(await page.text('#scenario-title'), 'Replication of an entry');
  await page.key(']');
  await heard(page, '^Chapter: A leader');
  const leader = await page.leader();
  await tabTo(page, new RegExp(`^Server ${leader}, leader, term 2`));
  await page.key('Space');
  assert.equal(await focused(page), `Server ${leader}`); // in the panel
  await tabTo(page, /^Kill$/);
  await page.key('Enter');
  assert.equal(await page.count('.server.is-down'), 1);
  await heard(page, 'is killed');
  assert.equal(await focused(page), 'Kill'); // the focus stays where it was
  await page.run(() => document.activeElement.blur());
  await page.stepUntil('.server.is-leader');
  await page.key('u'); // the future that the kill has cut off
  assert.equal(await page.leader(), leader);
});

test('the focus goes with a message to its receiver', async () => {
  const page = await browser().open();
  await page.stepUntil('.message');
  await tabTo(page, /^Message \d+ from \d to \d: RequestVote/);
  const to = /to (\d)/.exec(await focused(page))[1];
  for (let steps = 0; steps < 40 && /^Message/.test(await focused(page)); steps++) {
    await page.key('ArrowRight');
  }
  assert.match(await focused(page), new RegExp(`^Server ${to},`));
});

test('shortcuts act on the server that is selected, and can be switched off', async () => {
  const page = await browser().open();
  await page.key('2');
  assert.equal(await page.text('#inspector-title'), 'Server 2');
  await page.key('t'); // too early: the library says so
  await page.key('k');
  assert.equal(await page.count('[data-server="2"].is-down'), 1);
  await page.key('k', 'Escape');
  assert.equal(await page.count('.server.is-down'), 0);
  assert.equal(await page.text('#inspector-title'), 'Act');
  const frame = await page.frame();
  await page.key('Home');
  assert.equal(await page.frame(), 0);
  await page.key('End');
  assert.equal(await page.frame(), frame);
  await page.stepUntil('.server.is-leader');
  await page.key('s', 'r');
  assert.equal(await page.count('.request.is-waiting'), 2);
  await page.key('Space');
  assert.ok(await page.page.$('[aria-label="Pause"]'));
  await page.key('Space', '?');
  await tabTo(page, /^$/); // the check box
  await page.key('Space', 'Escape');
  const before = await page.frame();
  await page.key('k', 'ArrowRight');
  assert.equal(await page.frame(), before);
  await page.key('?'); // off, too
  assert.equal(await page.count('dialog[open]'), 0);
  await page.press('Help');
  await page.page.click('#keys-on');
  await page.key('Escape', 'ArrowRight');
  assert.equal(await page.frame(), before + 1);
});

test('the slider moves by its own keys and says the frame', async () => {
  const page = await browser().open();
  await page.stepUntil('.server.is-leader');
  const last = await page.frame();
  await page.run(() => document.querySelector('.slider').focus());
  await page.key('ArrowLeft', 'ArrowLeft');
  assert.equal(await page.frame(), last - 2);
  assert.match(await page.run(() =>
    document.querySelector('.slider').getAttribute('aria-valuetext')),
  new RegExp(`^Frame ${last - 2} of ${last}: .`));
  await page.key('Home');
  assert.equal(await page.frame(), 0);
});

test('playing for people who prefer less motion goes from frame to frame', async () => {
  const page = await browser().open({ still: true });
  await page.stepUntil('.message');
  const places = () => page.page.$$eval('.message', (nodes) => nodes.map((node) =>
    [node.dataset.message, node.getAttribute('transform')].join(' ')));
  const before = new Set(await places());
  const frame = await page.frame();
  await page.choose('Speed', 0.01);
  await page.press('Play');
  await new Promise((done) => {
    setTimeout(done, 300);
  });
  assert.equal(await page.frame(), frame);
  assert.deepEqual(new Set(await places()), before); // nothing moves between frames
  await page.choose('Speed', 1);
  await page.page.waitForFunction((from) =>
    Number(document.querySelector('.slider').value) > from + 2, {}, frame);
  await page.press('Pause');
});
