// SPDX-License-Identifier: MIT
// A picture as the text of an SVG. Its colours are classes: see static/pictures.css.
import { LINE, widthOf, wrap } from './measure.js';
import { HALF } from './place.js';
import { layoutOf } from './layout.js';
import { colourOf } from './words.js';

const STATES = { follower: 'follower', candidate: 'candidate', leader: 'leader',
  asleep: 'asleep', down: 'not running' };

const escape = (text) => String(text).replace(/[&<>"]/g, (letter) =>
  ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[letter]);
const round = (number) => Number(number.toFixed(1));

function tag(name, attributes, content) {
  const list = Object.entries(attributes).filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? round(value) : escape(value)}"`)
    .join('');
  return content === undefined ? `<${name}${list}/>` : `<${name}${list}>${content}</${name}>`;
}

const text = (x, y, content, kind) => tag('text', { x, y, class: kind }, escape(content));

/** Lines of text within a box, which is also drawn if it is a remark. */
function boxed({ lines, x, y, width, height }, kind, more = {}) {
  const rows = lines.map((line, i) => tag('tspan', { x: x + width / 2, y: y + 12.5 + i * LINE },
    escape(line))).join('');
  const ground = tag('rect', { x, y, width, height, rx: 3, class: 'ground' });
  return tag('g', { class: kind, ...more }, ground + tag('text', {}, rows));
}

function head(lanes, ids, headings = {}) {
  return lanes.map((x, i) => tag('g', { class: 'server' },
    tag('rect', { x: x - 38, y: 3, width: 76, height: 22, rx: 5 }) +
    text(x, 19, `server ${ids[i]}`, 'name') +
    (headings[ids[i]] ? text(x, 40, headings[ids[i]], 'heading') : ''))).join('');
}

function lanesOf({ states }, { x, scale, lanes }, bottom) {
  const last = scale.times.at(-1);
  const drawn = states.map(({ server, state, from, to }, i) => {
    const top = scale.y(from) - (states[i - 1]?.server === server ? 0 : 16);
    const end = scale.y(to) + (to === last ? 10 : 0);
    return tag('rect', { class: `lane is-${state}`, x: x(server) - HALF, y: top, width: 2 * HALF,
      height: Math.max(2, end - top), 'data-server': server });
  });
  return lanes.map((at) => tag('path', { class: 'thread', d: `M${at} 26V${bottom}` })).join('') +
    drawn.join('');
}

const cross = (x, y) => tag('path', { class: 'cross',
  d: `M${round(x - 5)} ${round(y - 5)}l10 10m0 -10l-10 10` });

function arrow(message, { x1, y1, x2, y2 }) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = Math.hypot(dx, dy);
  const [ux, uy] = [dx / length, dy / length];
  const lost = message.fate === 'lost';
  const point = (along, across) =>
    `${round(x2 - ux * along - uy * across)} ${round(y2 - uy * along + ux * across)}`;
  const end = lost ? cross(x2, y2)
    : tag('path', { class: 'tip', d: `M${point(0, 0)}L${point(9, 4)}L${point(9, -4)}Z` });
  return tag('g', { class: `message ${colourOf(message)}${lost ? ' lost' : ''}`,
    'data-message': message.id, 'data-from': message.from, 'data-to': message.to,
    'data-sent': message.sentAt, 'data-ended': message.endAt },
  tag('path', { class: 'line', d: `M${round(x1)} ${round(y1)}L${point(lost ? 0 : 8, 0)}` }) + end);
}

/** What the signs mean, as far as they occur; in rows. */
function legend(facts, layout, top, omitted) {
  const items = Object.keys(STATES).filter((state) =>
    facts.states.some((one) => one.state === state))
    .map((state) => [`lane is-${state}`, STATES[state], 2 * HALF]);
  if (layout.writes.length > 0) {
    items.push(['write', 'writes to its disk', 4]);
  }
  if (layout.messages.some(({ fate }) => fate === 'lost')) {
    items.push(['cross', 'lost message', 0]);
  }
  let [x, y] = [6, top];
  const drawn = items.map(([kind, label, width]) => {
    const needs = 20 + widthOf(label) + 14;
    if (x + needs > layout.width) {
      [x, y] = [6, y + LINE + 8];
    }
    const sign = kind === 'cross'
      ? cross(x + 6, y)
      : tag('rect', { class: kind, x: x + (12 - width) / 2, y: y - 8, width, height: 16 });
    const item = sign + text(x + 18, y + 4.5, label, 'key');
    x += needs;
    return item;
  });
  const rows = omitted ? wrap(`Not drawn: ${omitted}`, layout.width - 12) : [];
  drawn.push(...rows.map((row) => text(6, (y += LINE + 3) + 4.5, row, 'key')));
  return { svg: tag('g', { class: 'legend' }, drawn.join('')), bottom: y + LINE };
}

/** For screen readers: what happens, in the order of time. */
function description(facts, { remarks, across }) {
  const items = [...across.filter(({ kind }) => kind === 'banner'), ...remarks]
    .sort((a, b) => a.at - b.at);
  return `Time runs down, from 0 to ${facts.to - facts.from} milliseconds. ` +
    items.map(({ at, server, text: what }) => `After ${at - facts.from} ms: ` +
      `${server ? `server ${server}: ` : ''}${what}.`).join(' ');
}

/** Returns { svg, width, height, layout }. */
export function draw(facts, picture) {
  const layout = layoutOf(facts, picture);
  const { width, mirrored, lanes, scale, messages, lines, across, texts, writes, ticks, x } =
    layout;
  const bottom = Math.max(scale.bottom + 16,
    ...texts.map(({ box }) => box.y + box.height + 6));
  const key = legend(facts, layout, bottom + 22, picture.omitted);
  const height = key.bottom;
  const id = `picture-${picture.name.replaceAll('_', '-')}`;
  const parts = [
    tag('title', { id: `${id}-title` }, escape(picture.title)),
    tag('desc', { id: `${id}-desc` }, escape(description(facts, layout))),
    ...ticks.map(({ y, text: time }) => mirrored
      ? tag('path', { class: 'tick', d: `M0 ${round(y)}H${width - 46}` }) +
        text(width - 42, y + 4.5, time, 'time')
      : tag('path', { class: 'tick', d: `M46 ${round(y)}H${width}` }) +
        text(42, y + 4.5, time, 'time end')),
    lanesOf(facts, layout, bottom),
    ...scale.cuts.map(({ y }) => tag('rect', { class: 'gap', x: lanes[0] - 8, y: y - 7, height: 14,
      width: lanes.at(-1) - lanes[0] + 16 })),
    ...writes.map(({ server, from, to }) => tag('rect', { class: 'write', x: x(server) - HALF - 6,
      y: scale.y(from), width: 4, height: Math.max(2, scale.y(to) - scale.y(from)) })),
    ...messages.map((message, i) => arrow(message, lines[i])),
    ...layout.remarks.map(({ server, at }) => tag('circle', { class: 'dot', cx: x(server),
      cy: scale.y(at), r: 3.5 })),
    head(lanes, facts.ids, picture.headings?.(facts)),
    ...across.map(({ box, kind }) => boxed(box, kind)),
    ...texts.map(({ box, kind, of }) => kind === 'remark'
      ? boxed(box, 'remark', { 'data-server': of.server })
      : boxed(box, `label ${colourOf(of)}`, { 'data-of': of.id })),
    key.svg,
  ];
  const svg = tag('svg', { xmlns: 'http://www.w3.org/2000/svg', class: 'run', role: 'img',
    viewBox: `0 0 ${width} ${Math.ceil(height)}`, width, height: Math.ceil(height),
    'aria-labelledby': `${id}-title ${id}-desc` }, `\n${parts.join('\n')}\n`);
  return { svg: `${svg}\n`, width, height: Math.ceil(height), layout };
}
