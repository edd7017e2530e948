// SPDX-License-Identifier: MIT
// What a person does with the pointer: run, act, go back, and act in the past.
import assert from 'node:assert/strict';
import test, { afterEach } from 'node:test';

import { servePage, useBrowser } from './browser.js';

const browser = useBrowser();
afterEach(() => browser().quiet());

test('the page opens from a file and over HTTP, and loads nothing else', async () => {
  const page = await browser().open();
  assert.equal(await page.text('#scenario-title'), 'Five servers');
  assert.equal(await page.count('.server'), 5);
  const server = await servePage();
  try {
    await page.open({ base: server.url });
    assert.equal(await page.count('.server'), 5);
    assert.deepEqual(server.asked, ['/']);
  } finally {
    server.close();
  }
});

test('playing elects a leader; the clock runs, pauses, and runs at another speed', async () => {
  const page = await browser().open();
  await page.choose('Speed', 1);
  await page.press('Play');
  await page.page.waitForSelector('.server.is-leader');
  await page.press('Pause');
  const frame = await page.frame();
  await new Promise((done) => {
    setTimeout(done, 150);
  });
  assert.equal(await page.frame(), frame);
  assert.match(await page.text('.count'), new RegExp(`^frame ${frame} of ${frame}$`));
});

test('a leader that is killed has a successor, and follows it after a restart', async () => {
  const page = await browser().open();
  await page.stepUntil('.server.is-leader');
  const first = await page.leader();
  await page.press('Kill the leader');
  assert.match(await page.what(), new RegExp(`server ${first}: is killed`));
  assert.equal(await page.count('.server.is-leader'), 0);
  await page.stepUntil('.server.is-leader');
  const second = await page.leader();
  assert.notEqual(second, first);
  await page.select(first);
  assert.equal(await page.text('#inspector-title'), `Server ${first}`);
  await page.press('Restart');
  await page.stepUntil(`[data-server="${first}"].is-follower`);
  await page.stepUntil(`.log-table tbody tr:nth-child(${first}) td:nth-of-type(3).committed`);
});

test('a step is shown with the names of raft.h, and with the duties of the update', async () => {
  const page = await browser().open();
  await page.stepUntil('.message');
  const lines = () => page.page.$$eval('#step-body dl > *', (nodes) =>
    nodes.map((node) => node.textContent));
  const first = await lines();
  assert.equal(first[first.indexOf('event.type') + 1], 'RAFT_TIMEOUT');
  assert.match(first[first.indexOf('update.flags') + 1], /RAFT_UPDATE_MESSAGES \| .*STATE/);
  assert.match(first[first.indexOf('update.messages[0]') + 1],
    /^RAFT_REQUEST_VOTE \{ .*last_log_index: 1, .*pre_vote: true.* \}duty 4: send$/);
  await page.stepUntil('.server.is-leader');
  const second = await lines();
  assert.equal(second[second.indexOf('message->type') + 1], 'RAFT_REQUEST_VOTE_RESULT');
  assert.equal(second[second.indexOf('message->vote_granted') + 1], 'true');
  assert.match(second[second.indexOf('update.entries') + 1], /from index 2: .*duty 2: write$/);
});

test('a command is committed, and a read sees it', async () => {
  const page = await browser().open();
  await page.stepUntil('.server.is-leader');
  await page.select(await page.leader());
  await page.page.$eval('aria/Command[role="textbox"]', (node) => {
    node.value = 'y=7';
  });
  await page.press('Submit');
  await page.stepUntil('.request.is-done');
  assert.match(await page.text('.request.is-done'), /command y=7/);
  await page.press('Read');
  await page.stepUntil('.request.is-done ~ .request.is-done');
  assert.match(await page.text('#requests-body'), /read.*y=7/);
});

test('a link is cut in one direction, and messages on it are lost', async () => {
  const page = await browser().open();
  await page.stepUntil('.server.is-leader');
  const leader = await page.leader();
  const other = leader === 1 ? 2 : 1;
  await page.select(leader);
  await page.press(`Cut ${leader} → ${other}`);
  assert.equal(await page.count('.link.cut'), 1);
  assert.match(await page.what(), new RegExp(`link from ${leader} to ${other} is cut`));
  await page.stepUntil('.message.lost');
  assert.match(await page.label('.message.lost .press'),
    new RegExp(`from ${leader} to ${other}:`));
  await page.press(`Cut ${leader} → ${other}`); // pressed: heals it
  assert.equal(await page.count('.link.cut'), 0);
  await page.run(() => document.querySelector('.link-hit')
    .dispatchEvent(new MouseEvent('click', { bubbles: true })));
  assert.match(await page.text('#inspector-title'), /^Link from 1 to 2$/);
  await page.press('Cut both');
  assert.equal(await page.count('.link.cut'), 2);
});

test('a message is lost, delayed, doubled and delivered', async () => {
  const page = await browser().open();
  await page.stepUntil('.message');
  const ids = () => page.page.$$eval('.message', (nodes) => nodes.map((n) => n.dataset.message));
  const [first, second, third] = await ids();
  const select = async (id) => {
    await page.page.$eval(`[data-message="${id}"] .press`, (node) => node.focus());
    await page.key('Enter');
    assert.equal(await page.text('#inspector-title'), `Message ${id}`);
  };
  await select(first);
  await page.press('Lose');
  assert.ok(!(await ids()).includes(first));
  assert.match(await page.text('#inspector-body'), /It was lost/);
  await select(second);
  await page.press('Deliver now');
  assert.ok(!(await ids()).includes(second));
  assert.match(await page.text('#inspector-body'), /It arrived/);
  await select(third);
  const before = await ids();
  await page.press('Duplicate');
  assert.equal((await ids()).length, before.length + 1);
  const time = () => page.text('#inspector-body').then((text) =>
    Number(/arrives at ([\d,]+) ms/.exec(text)[1].replace(',', '')));
  const arrives = await time();
  await page.press('Delay by 100 ms');
  assert.equal(await time(), arrives + 100);
});

test('an act in the past cuts the future off, and undo brings it back', async () => {
  const page = await browser().open();
  await page.stepUntil('.server.is-leader');
  const leader = await page.leader();
  for (let steps = 0; steps < 15; steps++) {
    await page.key('ArrowRight');
  }
  const last = await page.frames();
  const end = await page.what();
  await page.seek(2);
  assert.equal(await page.frame(), 2);
  const past = await page.what();
  await page.select(leader);
  await page.press('Kill');
  assert.equal(await page.frame(), 3);
  assert.equal(await page.frames(), 3);
  await page.key('ArrowLeft');
  assert.equal(await page.what(), past);
  await page.stepUntil('.server.is-leader');
  assert.notEqual(await page.leader(), leader);
  await page.press('Undo');
  assert.equal(await page.frames(), last);
  assert.equal(await page.frame(), 2);
  await page.press('Last frame');
  assert.equal(await page.what(), end);
  assert.equal(await page.leader(), leader);
});

test('a partition, loss, a new server and a joint change', async () => {
  const page = await browser().open();
  await page.press('Partition');
  assert.equal(await page.count('.link.cut'), 12);
  await page.press('Heal all links');
  assert.equal(await page.count('.link.cut'), 0);
  await page.choose('Messages lost', 0.2);
  assert.match(await page.what(), /20 percent/);
  await page.choose('Messages lost', 0);
  await page.stepUntil('.server.is-leader');
  for (let steps = 0; steps < 60; steps++) {
    await page.key('ArrowRight');
  }
  await page.press('Add a server');
  assert.equal(await page.count('.server'), 6);
  await page.stepUntil('[data-server="6"].no-voter .server-remark:not(:empty)');
  await page.stepUntil('.note.is-membership');
  for (let steps = 0; steps < 60; steps++) {
    await page.key('ArrowRight');
  }
  await page.run(() => {
    for (const box of document.querySelectorAll('.boxes')[1].querySelectorAll('input')) {
      box.checked = ['1', '2', '6'].includes(box.value) ||
        box.value === document.querySelector('.is-leader').dataset.server;
    }
  });
  await page.press('Change to these');
  assert.deepEqual((await page.notes()).filter((note) => note.startsWith('refused')), []);
  await page.stepUntil('[data-server="6"]:not(.no-voter)');
});

test('a new cluster has what its form says', async () => {
  const page = await browser().open();
  await page.press('New cluster');
  await page.choose('Servers', 3);
  await page.run(() => {
    for (const label of document.querySelectorAll('dialog[open] .field')) {
      const input = label.querySelector('input');
      if (label.textContent.startsWith('Election timeout')) {
        input.value = '300';
      } else if (label.textContent.startsWith('Heartbeats')) {
        input.value = '300';
      }
    }
  });
  await page.press('Start the cluster');
  assert.match(await page.text('dialog[open] .problem'), /Heartbeats must come more often/);
  await page.run(() => {
    const label = [...document.querySelectorAll('dialog[open] .field')]
      .find((each) => each.textContent.startsWith('Heartbeats'));
    label.querySelector('input').value = '50';
  });
  await page.press('Start the cluster');
  assert.equal(await page.count('.server'), 3);
  assert.equal(await page.count('dialog[open]'), 0);
  await page.stepUntil('.server.is-candidate');
  const time = Number((await page.text('.clock')).replace(/\D/g, ''));
  assert.ok(time >= 300 && time <= 600, `the first election came after ${time} ms`);
});
