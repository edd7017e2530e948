// SPDX-License-Identifier: MIT
// Where everything of a picture is: lanes, arrows, texts. See Picture in pictures.js for `picture`.
import { LINE, widthOf } from './measure.js';
import { gapsOf, HALF, Places } from './place.js';
import { Scale } from './scale.js';
import { actOf, labelOf, remarkOf } from './words.js';

const TIMES = 56; // from the outer lane to the edge at which the times are
const HEAD = 66; // above the first moment
const BANNER = 26;
const PER_MS = 1.7;

/** By the number of lanes: their distance, and the room beside the outer one. */
const SPACE = { 2: [200, 124], 3: [110, 104], 4: [110, 104], 5: [106, 104] };

/** What is said on the lanes, and across all of them. */
function remarksOf(facts, picture) {
  const remarks = [];
  const banners = [];
  for (const frame of facts.frames) {
    const banner = picture.banner?.(frame);
    if (banner !== undefined) {
      banners.push({ text: banner, at: frame.at });
    }
    for (const id of facts.ids) {
      const texts = [frame.server === id ? picture.act?.(frame) ?? actOf(frame) : '',
        ...frame.notes.filter(({ server }) => server === id)
          .map((note) => picture.remark?.(note, frame) ?? remarkOf(note)),
        frame.server === id ? picture.also?.(frame) : ''].filter(Boolean);
      if (texts.length > 0) {
        remarks.push({ server: id, text: texts.join('; '), at: frame.at });
      }
    }
  }
  return { remarks, banners };
}

function linesOf(messages, x, y) {
  return messages.map((message) => {
    const [from, to] = [x(message.from), x(message.to)];
    const side = Math.sign(to - from);
    const [y1, y2] = [y(message.sentAt), y(message.endAt)];
    const line = { x1: from + side * (HALF + 1), y1, x2: to - side * (HALF + 1), y2 };
    if (message.fate === 'lost') { // it ends before the lane of the receiver
      const share = 1 - 30 / Math.abs(to - from);
      line.x2 = line.x1 + (line.x2 - line.x1) * share;
      line.y2 = y1 + (y2 - y1) * share;
    }
    return line;
  });
}

const crossBox = ({ x2, y2 }) => ({ x: x2 - 7, y: y2 - 7, width: 14, height: 14 });

function later(msecs) {
  return msecs < 1000 ? `${msecs} ms later` : `${(msecs / 1000).toFixed(1)} s later`;
}

/** Banners and cuts, with their boxes. */
function bannersOf(banners, scale, middle) {
  const seen = new Map();
  const box = (text, y) => ({ lines: [text], x: middle - widthOf(text) / 2 - 4,
    width: widthOf(text) + 8, y: Math.round(y), height: LINE + 3 });
  return [
    ...banners.map(({ text, at }) => {
      const row = seen.get(at) ?? banners.filter((other) => other.at === at).length;
      seen.set(at, row - 1);
      return { text, at, box: box(text, scale.y(at) - row * BANNER + 3), kind: 'banner' };
    }),
    ...scale.cuts.map(({ from, to, y }) => ({ text: later(to - from), at: from, kind: 'cut',
      box: box(later(to - from), y - LINE / 2) })),
  ];
}

/** Times at the edge: of as many moments as there is room for. */
function ticksOf(scale, from) {
  const ticks = [];
  for (const time of scale.times) {
    const y = scale.y(time);
    if (ticks.length === 0 || y - ticks.at(-1).y >= 2 * LINE) {
      ticks.push({ y, text: ticks.length === 0 ? '0 ms' : (time - from).toLocaleString('en-US') });
    }
  }
  return ticks;
}

/** What may be tried until all texts have a place: pixels for a millisecond, and how much of the
 * arrows a text may cover. */
const TRIES = [8, 14, 28, 44].flatMap((limit) => [1, 1.2, 1.4]
  .map((stretch) => ({ stretch, limit }))).concat({ stretch: 2, limit: 90 });

export function layoutOf(facts, picture) {
  const { ids } = facts;
  const [distance, right] = SPACE[ids.length];
  const { remarks, banners } = remarksOf(facts, picture);
  // Of the two outer lanes, the one of which more is said has room beside it; the times are at the
  // other one.
  const [first, last] = [ids[0], ids.at(-1)].map((id) => remarks
    .filter(({ server }) => server === id).length);
  const mirrored = first > last;
  const lanes = ids.map((id, i) => (mirrored ? right : TIMES) + i * distance);
  const width = lanes.at(-1) + (mirrored ? TIMES : right);
  const gaps = mirrored ? gapsOf(lanes, 0, lanes.at(-1)) : gapsOf(lanes, lanes[0], width);
  const x = (id) => lanes[ids.indexOf(id)];
  const messages = facts.messages.filter((one) => one.fate !== 'flying' &&
    (picture.shows?.(one, facts) ?? true));
  const { writes } = facts;
  const times = [facts.from, facts.to, ...remarks.map(({ at }) => at),
    ...banners.map(({ at }) => at), ...messages.flatMap(({ sentAt, endAt }) => [sentAt, endAt]),
    ...writes.flatMap(({ from, to }) => [from, to]), ...facts.states.map(({ from }) => from)];
  const room = (time) => BANNER * banners.filter(({ at }) => at === time).length;
  let failed;
  for (const { stretch, limit } of TRIES) {
    const scale = new Scale(times, PER_MS * stretch, HEAD, room);
    const lines = linesOf(messages, x, (time) => scale.y(time));
    const across = bannersOf(banners, scale, (lanes[0] + lanes.at(-1)) / 2);
    const places = new Places(lines, [{ x: 0, y: 0, width, height: HEAD - 18 },
      ...across.map(({ box }) => box),
      ...lines.filter((_, i) => messages[i].fate === 'lost').map(crossBox)]);
    const { texts, unplaced } = placeAll(places,
      { remarks, messages, lines, gaps, ids, scale, picture }, limit);
    failed = unplaced;
    if (unplaced === undefined) {
      return { width, mirrored, lanes, x, scale, messages, lines, across, remarks, texts, writes,
        ticks: ticksOf(scale, facts.from) };
    }
  }
  throw new Error(`${picture.name}: no room for the text "${failed}"`);
}

/** Texts with their boxes, or the text for which there is no room. */
function placeAll(places, { remarks, messages, lines, gaps, ids, scale, picture }, limit) {
  const texts = [];
  const lowest = new Map(); // what is said at one moment is read from top to bottom
  for (const remark of remarks) {
    const key = `${remark.server} ${remark.at}`;
    const box = places.remark(remark.text, ids.indexOf(remark.server), gaps, scale.y(remark.at),
      limit, lowest.get(key) ?? 0);
    if (!box) {
      return { unplaced: remark.text };
    }
    lowest.set(key, box.y + box.height);
    texts.push({ box, kind: 'remark', of: remark });
  }
  const named = new Set(); // one label is enough for messages that leave together
  for (const [i, message] of messages.entries()) {
    const label = picture.label?.(message) ?? labelOf(message);
    const key = `${message.from} ${message.sentAt} ${label}`;
    const box = label === '' ? undefined : places.label(label, lines[i], gaps, limit);
    if (box) {
      texts.push({ box, kind: 'label', of: message });
      named.add(key);
    } else if (label !== '' && !named.has(key)) {
      return { unplaced: label };
    }
  }
  return { texts };
}
