// SPDX-License-Identifier: MIT
// What the page looks like: no violation of the rules for accessible pages, nothing wider than the
// window, nothing that jumps, and a picture whose geometry is that of the engine's view.
import assert from 'node:assert/strict';
import test, { afterEach } from 'node:test';

import { play, scenarios } from '../scenarios/index.js';
import { axeSource, useBrowser } from './browser.js';
import { library } from './library.js';

const browser = useBrowser();
afterEach(() => browser().quiet());

const SIZES = [[390, 844], [1000, 800], [1280, 860]];

async function violations(page) {
  await page.run(await axeSource());
  return page.run(async () => {
    const { violations: found, passes } = await globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return { passed: passes.map(({ id }) => id), found: found.flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 160)}: ` +
        failureSummary.slice(0, 400))) };
  });
}

async function assertAccessible(page) {
  // Colours are judged when they have stopped changing.
  await page.run(() => Promise.allSettled(document.getAnimations()
    .map(({ finished }) => finished)));
  const { passed, found } = await violations(page);
  assert.deepEqual(found, []);
  assert.ok(passed.includes('color-contrast') && passed.includes('aria-allowed-role'), passed);
}

for (const theme of ['light', 'dark']) {
  for (const [width, height] of SIZES) {
    test(`accessible at ${width} pixels, ${theme}`, async () => {
      const page = await browser().open({ width, height, theme, hash: '#scenario=deposed_leader' });
      await page.press('The new leader commits a command');
      await assertAccessible(page);
      await page.key('1');
      await assertAccessible(page);
      if (width === 1000) {
        return; // the windows are the same
      }
      await page.stepUntil('.message');
      await page.page.$eval('.message .press', (node) => node.focus());
      await page.key('Enter');
      await assertAccessible(page);
      for (const name of ['Scenarios', 'New cluster', 'Help']) {
        await page.press(name);
        await assertAccessible(page);
        await page.key('Escape');
      }
      await page.run(() => document.querySelector('.link-hit')
        .dispatchEvent(new MouseEvent('click', { bubbles: true })));
      await page.key('k'); // refused or not: a server is down, and a message is shown
      await assertAccessible(page);
    });
  }
}

test('the check of accessibility finds a text without contrast', async () => {
  const page = await browser().open();
  await page.run(() => {
    document.querySelector('#scenario-body').animate([{ color: '#eee' }], { fill: 'forwards' });
  });
  const { found } = await violations(page);
  assert.match(found.join('\n'), /color-contrast.*scenario-body/);
});

test('a violation of a promise is readable in both themes', async () => {
  for (const theme of ['light', 'dark']) {
    const page = await browser().open({ theme, hash: '#scenario=emptied_disk' });
    await page.press('A committed entry is lost');
    await assertAccessible(page);
  }
});

test('the theme of the system is followed until one is chosen, which is remembered', async () => {
  const page = await browser().open({ theme: 'dark' });
  const ground = () => page.run(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.open({ theme: 'light' });
  const light = await ground();
  assert.notEqual(light, dark);
  await page.press('Dark theme');
  assert.equal(await ground(), dark);
  await page.open({ theme: 'light' });
  assert.equal(await ground(), dark);
  await page.run(() => localStorage.clear());
});

/** Nothing but what scrolls by itself is wider than its place. */
async function assertFits(page, what) {
  const wide = await page.run(() => [document.documentElement, ...document
    .querySelectorAll('.panel, .panel > :not(.scroll), .chapters li, .transport')]
    .filter((node) => node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 1 &&
      getComputedStyle(node).display !== 'inline')
    .map((node) => `${node.id} ${node.className}`));
  assert.deepEqual(wide, [], what);
}

for (const [width, height] of SIZES) {
  test(`nothing is wider than ${width} pixels, and nothing jumps`, async () => {
    const page = await browser().open({ width, height });
    const boxes = () => page.page.$$eval('.cluster, .logs, .inspector, .transport, .timeline',
      (nodes) => nodes.map((node) => {
        const { x, y, width: w, height: h } = node.getBoundingClientRect();
        return `${node.className} ${[x, y + scrollY, w, h].map(Math.round)}`;
      }));
    // On a narrow page the panel of the step is as high as its text, and below the picture.
    const fixed = (all) => width < 760 ? [all[0]] : all;
    const before = fixed(await boxes());
    for (let steps = 0; steps < 60; steps++) {
      await page.key('ArrowRight');
      if (steps % 10 === 0) {
        assert.deepEqual(fixed(await boxes()), before);
      }
    }
    for (const key of ['1', 's', 'k']) {
      await page.key(key);
    }
    assert.deepEqual(fixed(await boxes()), before);
    await assertFits(page);
  });
}

test('on a narrow page the logs come right after the picture', async () => {
  const page = await browser().open({ width: 390, height: 844 });
  const tops = await page.page.$$eval('.panel:not(.time)', (nodes) =>
    nodes.map((node) => node.getBoundingClientRect().top));
  assert.deepEqual(tops, tops.toSorted((a, b) => a - b));
});

test('every scenario fits a narrow window at each of its chapters', async () => {
  for (const { name } of scenarios) {
    const page = await browser().open({ width: 390, height: 844, hash: `#scenario=${name}` });
    await assertFits(page, name);
    for (let chapters = await page.count('.chapter'); chapters > 0; chapters--) {
      await page.key(']');
      await assertFits(page, name);
    }
  }
});

// --- The picture. Fonts differ between machines, so no pixels are compared: what is drawn must lie
// where the view of the same frame says.

const near = (a, b, what) => assert.ok(Math.abs(a - b) < 0.6, `${what}: ${a} instead of ${b}`);

async function drawn(page) {
  return page.run(() => {
    const place = (node) => node.getAttribute('transform').match(/-?[\d.]+/g).map(Number);
    const all = (selector) => [...document.querySelectorAll(selector)];
    return {
      servers: all('.server').map((node) => ({ id: Number(node.dataset.server),
        at: place(node), r: Number(node.querySelector('.body').getAttribute('r')),
        ring: node.querySelector('.ring').getAttribute('stroke-dasharray').split(' ').map(Number),
        state: node.getAttribute('class') })),
      messages: all('.message').map((node) => ({ id: Number(node.dataset.message),
        at: place(node), shape: node.querySelector('.shape').getAttribute('class') })),
    };
  });
}

function compare({ servers, messages }, view, time) {
  assert.deepEqual(servers.map(({ id }) => id), view.servers.map(({ id }) => id));
  const middle = [0, 1].map((axis) =>
    (Math.max(...servers.map(({ at }) => at[axis])) + Math.min(...servers.map(({ at }) =>
      at[axis]))) / 2);
  assert.ok(servers.every(({ at }) => Math.hypot(at[0] - middle[0], at[1] - middle[1]) > 60));
  const placeOf = new Map(servers.map((server) => [server.id, server]));
  for (const server of view.servers) {
    const { state, ring: [rest, whole] } = placeOf.get(server.id);
    assert.match(state, new RegExp(`is-${server.up ? server.state : 'down'}( |$)`));
    const share = Math.min(1, Math.max(0,
      (server.timeout - time) / (server.timeout - server.timeoutSet)));
    near(rest / whole * 100, server.up ? share * 100 : 0, `timer of ${server.id}`);
  }
  assert.deepEqual(messages.map(({ id }) => id).sort((a, b) => a - b),
    view.messages.map(({ id }) => id));
  const colours = { requestVote: 'm-vote', requestVoteResult: 'm-vote', timeoutNow: 'm-now',
    appendEntries: 'm-append', appendEntriesResult: 'm-append', installSnapshot: 'm-snapshot' };
  for (const flight of view.messages) {
    const { at, shape } = messages.find(({ id }) => id === flight.id);
    assert.ok(shape.includes(colours[flight.message.type]), shape);
    const { at: a, r } = placeOf.get(flight.from);
    const { at: b } = placeOf.get(flight.to);
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    const [dx, dy] = [(b[0] - a[0]) / length, (b[1] - a[1]) / length];
    // Along the link from rim to rim, and to its right.
    const along = (at[0] - a[0]) * dx + (at[1] - a[1]) * dy;
    const beside = (at[1] - a[1]) * dx - (at[0] - a[0]) * dy;
    const share = (time - flight.sentAt) / (flight.arrivesAt - flight.sentAt) *
      (flight.lost ? 0.6 : 1);
    near(along, r + 8 + share * (length - 2 * (r + 8)), `way of message ${flight.id}`);
    near(beside, 8, `side of message ${flight.id}`);
  }
}

for (const name of ['split_vote', 'deposed_leader', 'snapshot_chunks']) {
  test(`the picture of ${name} is that of the engine's view`, async () => {
    const cluster = play(library, scenarios.find((each) => each.name === name));
    const page = await browser().open({ hash: `#scenario=${name}` });
    assert.equal(await page.frames(), cluster.frames.length - 1);
    let messages = 0;
    for (let number = 0; number < cluster.frames.length; number += 7) {
      await page.seek(number);
      const picture = await drawn(page);
      compare(picture, cluster.frames[number].view, cluster.frames[number].at);
      messages += picture.messages.length;
    }
    assert.ok(messages > 5);
    cluster.close();
  });
}

test('the time line shows every message, and goes to the time that is clicked', async () => {
  const cluster = play(library, scenarios.find(({ name }) => name === 'split_vote'));
  const { frames } = cluster;
  const page = await browser().open({ hash: '#scenario=split_vote' });
  await page.press('Two votes each');
  const { at: time } = frames[await page.frame()];
  const from = time - 660; // the window is one second, and the present is at two thirds
  const chunk = 1000 * Math.floor(from / 1000);
  const travelled = new Map();
  for (const { at, view } of frames) {
    for (const { id, sentAt } of view.messages) {
      travelled.set(id, { sentAt, last: at });
    }
  }
  const lines = [...travelled.values()].filter(({ sentAt, last }) =>
    sentAt <= chunk + 2000 && last >= chunk).length;
  const drawnLines = await page.count('.timeline .line');
  assert.ok(Math.abs(drawnLines - lines) <= 2 && lines > 10, `${drawnLines} of ${lines}`);
  const box = await page.page.$eval('.timeline svg', (node) => {
    const { left, top, width } = node.getBoundingClientRect();
    return { left, top, width };
  });
  const cursor = await page.page.$eval('.cursor', (node) =>
    Number(/^M([\d.]+)/.exec(node.getAttribute('d'))[1]));
  near(cursor, 26 + 0.66 * (box.width - 26), 'the present');
  await page.page.mouse.click(box.left + 26 + 0.25 * (box.width - 26), box.top + 40);
  assert.equal(await page.frame(), frames.findLastIndex(({ at }) => at <= from + 250));
  cluster.close();
});

test('the same size again, the same picture; another size, another', async () => {
  const page = await browser().open({ hash: '#scenario=split_vote' });
  await page.press('Two candidates');
  const first = await drawn(page);
  await page.page.setViewport({ width: 390, height: 844 });
  await page.page.waitForFunction((x) => !document.querySelector('.server')
    .getAttribute('transform').includes(`(${x.toFixed(1)} `), {}, first.servers[0].at[0]);
  const narrow = await drawn(page);
  assert.ok(narrow.servers.every(({ at }) => at[0] > 30 && at[0] < 360));
  assert.equal(narrow.messages.length, first.messages.length);
  await page.page.setViewport({ width: 1280, height: 860 });
  await page.page.waitForFunction((x) => document.querySelector('.server')
    .getAttribute('transform').includes(`(${x.toFixed(1)} `), {}, first.servers[0].at[0]);
  assert.deepEqual(await drawn(page), first);
});
