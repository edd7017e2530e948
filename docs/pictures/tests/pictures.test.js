// SPDX-License-Identifier: MIT
// Every picture is drawn, is made of what happened in the run and of nothing else, and can be read.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import test from 'node:test';

import { load } from '../../../bindings/javascript/src/node.js';
import { decodeRecording } from '../../playground/engine/index.js';
import { scenarios } from '../../playground/scenarios/index.js';
import { drawPicture, linkOf } from '../make.js';
import { widthOf, wrap } from '../measure.js';
import { pictures } from '../pictures.js';
import { HALF, overlaps } from '../place.js';

const library = await load(process.env.RAFT_WASM ||
  new URL('../../../build/wasm/raft.wasm', import.meta.url));

const WIDEST = 760;
const HIGHEST = 1400;

/** The elements of an SVG that have these attributes, as objects of attributes. */
function elements(svg, attribute) {
  return [...svg.matchAll(/<\w+((?: [\w-]+="[^"]*")*)/g)].map(([, text]) => Object.fromEntries(
    [...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])))
    .filter((one) => attribute in one);
}

/** What became of every message of a run, found independently of the pictures: from the views. */
function fatesOf(frames) {
  const fates = new Map();
  for (const { at, arrived, cause, view } of frames) {
    for (const { id, from, to, sentAt } of view.messages) {
      if (!fates.has(id)) {
        fates.set(id, { from, to, sentAt });
      }
    }
    if (arrived !== undefined) {
      Object.assign(fates.get(arrived), { endedAt: at, lost: cause === 'lost' });
    }
  }
  return fates;
}

function boxesOf({ texts, across }) {
  return [...texts, ...across].map(({ box }) => box);
}

test('names are unique, and links name a scenario of the playground, or a recording', async () => {
  assert.equal(new Set(pictures.map(({ name }) => name)).size, pictures.length);
  for (const picture of pictures) {
    const { cluster, facts } = drawPicture(library, picture);
    const link = await linkOf(picture, cluster);
    const [, name, recording, frame] =
      /^playground\/index\.html#(?:scenario=(\w+)|recording=([\w-]+)&frame=(\d+))$/.exec(link);
    if (name) {
      assert.ok(scenarios.some((scenario) => scenario.name === name), name);
    } else {
      assert.deepEqual(await decodeRecording(recording), cluster.recording);
      assert.equal(cluster.frames[frame], facts.frames.at(-1));
    }
    cluster.close();
  }
});

test('every picture is on a page, and pages have no other ones', () => {
  const docs = new URL('../../', import.meta.url);
  const folders = readdirSync(docs, { withFileTypes: true }).filter((one) => one.isDirectory())
    .map(({ name }) => new URL(`${name}/`, docs));
  const used = [docs, ...folders].flatMap((folder) => readdirSync(folder)
    .filter((name) => name.endsWith('.rst')).flatMap((name) =>
      [...readFileSync(new URL(name, folder), 'utf8').matchAll(/^\.\. picture:: (.*)$/gm)]
        .map((match) => match[1])));
  assert.deepEqual([...new Set(used)].sort(), pictures.map(({ name }) => name).sort());
});

for (const picture of pictures) {
  test(picture.name, () => {
    const { svg, width, height, facts, layout, cluster } = drawPicture(library, picture);
    const lanes = new Map(facts.ids.map((id, i) => [id, layout.lanes[i]]));

    // Two sentences, no numbers of servers or entries that another run could change.
    assert.match(picture.caption, /^[A-Z][^.!?]+\. [A-Z][^.!?]+\.$/);
    assert.doesNotMatch(picture.caption, /server \d|entry \d|term \d/);
    assert.ok(width <= WIDEST && height <= HIGHEST, `${width} x ${height}`);
    assert.match(svg, /<title id="picture-[\w-]+-title">[^<]+<\/title>\n<desc id="[\w-]+">[^<]+</);

    // Arrows are messages: the same servers and times, at the places of these times.
    const fates = fatesOf(cluster.frames);
    const arrows = elements(svg, 'data-message');
    assert.ok(arrows.length >= 4);
    const lines = [...svg.matchAll(/<path class="line" d="M([\d.]+) ([\d.]+)L/g)];
    const tips = [...svg.matchAll(/<path class="(tip|cross)" d="M([\d.]+) ([\d.]+)/g)];
    arrows.forEach((arrow, i) => {
      const fate = fates.get(Number(arrow['data-message']));
      assert.deepEqual([arrow['data-from'], arrow['data-to'], arrow['data-sent'],
        arrow['data-ended'], / lost$/.test(arrow.class)].map(String),
      [fate.from, fate.to, fate.sentAt, fate.endedAt, fate.lost].map(String));
      const [x, y] = lines[i].slice(1).map(Number);
      const [sender, receiver] = [lanes.get(fate.from), lanes.get(fate.to)];
      assert.ok(Math.abs(Math.abs(x - sender) - HALF - 1) < 0.1, 'begins at its sender');
      assert.ok(Math.abs(y - layout.scale.y(fate.sentAt)) < 0.1, 'begins when it is sent');
      const [kind, tipX, tipY] = tips[i].slice(1);
      assert.equal(kind, fate.lost ? 'cross' : 'tip');
      if (!fate.lost) {
        assert.ok(Math.abs(Math.abs(tipX - receiver) - HALF - 1) < 0.1, 'ends at its receiver');
        assert.ok(Math.abs(tipY - layout.scale.y(fate.endedAt)) < 0.1, 'ends when it arrives');
      }
    });

    // All messages of the span are drawn, unless the picture says which are not.
    const ended = facts.messages.filter(({ fate }) => fate !== 'flying');
    assert.equal(arrows.length < ended.length || facts.ids.length < cluster.view.servers.length,
      picture.omitted !== undefined);
    assert.equal(/Not drawn: /.test(svg), picture.omitted !== undefined);

    // Between two moments, each lane shows the state that its server has after the first of them.
    const { times } = layout.scale;
    const rects = elements(svg, 'data-server').filter((one) => one.class.startsWith('lane '));
    times.slice(1).forEach((time, i) => {
      const { view } = facts.frames.findLast(({ at }) => at <= times[i]);
      const middle = (layout.scale.y(times[i]) + layout.scale.y(time)) / 2;
      for (const id of facts.ids) {
        const { up, asleep, state } = view.servers.find((server) => server.id === id);
        assert.deepEqual(rects.filter((one) => one['data-server'] === String(id) &&
          Number(one.y) < middle && Number(one.y) + Number(one.height) > middle)
          .map((one) => one.class), [`lane is-${up ? asleep ? 'asleep' : state : 'down'}`]);
      }
    });

    // Writes to disk: as many as the servers began, and one sign more in the legend.
    const began = facts.frames.filter(({ server, steps }) => facts.ids.includes(server) &&
      steps.some(({ update }) => update?.mustSave || update?.entries || update?.snapshot)).length;
    assert.equal([...svg.matchAll(/<rect class="write" x="[^"]+" y="[^"]+" width="4"/g)].length,
      began > 0 ? began + 1 : 0);
    assert.doesNotMatch(svg, /NaN|undefined|null/);

    // Texts: none on another one, none outside, none on a lane, none wider than its box.
    const boxes = boxesOf(layout);
    boxes.forEach((box, i) => {
      assert.ok(box.x >= 0 && box.x + box.width <= width && box.y >= 44 &&
        box.y + box.height <= height, `${box.lines} is within the picture`);
      box.lines.forEach((line) => assert.ok(widthOf(line) <= box.width));
      boxes.slice(i + 1).forEach((other) =>
        assert.ok(!overlaps(box, other), `"${box.lines}" and "${other.lines}"`));
    });
    for (const { box } of layout.texts) {
      for (const x of layout.lanes) {
        assert.ok(box.x + box.width <= x - HALF || box.x >= x + HALF, `${box.lines} on a lane`);
      }
    }
    cluster.close();
  });
}

test('runs with other times have pictures, too', () => {
  for (const picture of pictures) {
    for (const seed of [3, 8, 15]) {
      const { svg, layout, cluster } = drawPicture(library,
        { ...picture, recording: { ...picture.recording, seed } });
      const boxes = boxesOf(layout);
      assert.ok(boxes.every((box, i) => boxes.slice(i + 1).every((other) =>
        !overlaps(box, other))), `${picture.name} ${seed}`);
      assert.doesNotMatch(svg, /NaN|undefined/);
      cluster.close();
    }
  }
});

test('time runs down', () => {
  const { layout, cluster } = drawPicture(library, pictures[0]);
  const places = layout.scale.times.map((time) => layout.scale.y(time));
  places.slice(1).forEach((y, i) => assert.ok(y > places[i]));
  cluster.close();
});

test('the same run gives the same picture, another behaviour another one', () => {
  const picture = pictures.find(({ name }) => name === 'replication');
  const draw = (settings) => {
    const { svg, cluster } = drawPicture(library, { ...picture, recording: { settings } });
    cluster.close();
    return svg;
  };
  const usual = draw({});
  assert.equal(draw({}), usual);
  assert.notEqual(draw({ heartbeatTimeout: 200 }), usual);
  assert.notEqual(draw({ preVote: false, electionTimeout: 900 }), usual);
});

test('a picture whose end does not occur is refused', () => {
  const [picture] = pictures;
  assert.throws(() => drawPicture(library, { ...picture, to: () => false }), /its end/);
  assert.throws(() => drawPicture(library, { ...picture, from: () => false }), /its beginning/);
});

test('texts are broken at spaces, and measured', () => {
  assert.deepEqual(wrap('leader, term\u00a02', widthOf('term 22')), ['leader,', 'term\u00a02']);
  assert.deepEqual(wrap('a b', 1000), ['a b']);
  assert.ok(widthOf('mm') > widthOf('ii'));
});
