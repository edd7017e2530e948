// SPDX-License-Identifier: MIT
// Time across, a lane for each server, and every message as a line from its sender to its receiver.
// What it shows is also in the panels; it is for the eye and the pointer.

import { setAttribute, svg } from './dom.js';
import { colourOf, kindOf } from './shapes.js';
import { termClass } from './logs.js';

const LANE = 22;
const TOP = 22;
const LEFT = 26;
/** Where the present moment is, as a share of the width. */
const HERE = 0.66;

/** Of a lane: the states differ not only by their colour. */
const HEIGHTS = { leader: 12, candidate: 9, asleep: 3, down: 10 };

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];

export class Timeline {
  /** Simulated milliseconds from edge to edge. */
  span = 1000;
  #drawn = '';
  #width = 800;
  #from = 0;
  #open = []; // the lanes that end at the present

  /** `go(time)` is called when somebody points at a time. */
  constructor(parent, history, go) {
    this.history = history;
    this.body = svg('g', {});
    this.lanes = svg('g', {});
    this.cursor = svg('path', { class: 'cursor' });
    this.root = svg('svg', { role: 'img', 'aria-label':
      'Messages between the servers in the course of time' },
    svg('clipPath', { id: 'timeline-clip' }, this.clip = svg('rect', { x: LEFT, y: 0 })),
    svg('g', { 'clip-path': 'url(#timeline-clip)' }, this.body), this.lanes, this.cursor);
    parent.append(this.root);
    const time = (event) => this.#from + (event.clientX -
      this.root.getBoundingClientRect().left - LEFT) / this.#scale();
    this.root.addEventListener('pointerdown', (event) => {
      go(Math.max(0, time(event)));
      this.root.setPointerCapture(event.pointerId);
      const move = (to) => go(Math.max(0, time(to)));
      this.root.addEventListener('pointermove', move);
      const end = () => this.root.removeEventListener('pointermove', move);
      this.root.addEventListener('pointerup', end, { once: true });
      this.root.addEventListener('pointercancel', end, { once: true });
    });
    new ResizeObserver(() => {
      this.#width = Math.max(240, Math.round(parent.clientWidth));
      this.#drawn = '';
      this.draw(this.player);
    }).observe(parent);
  }

  #scale() {
    return (this.#width - LEFT) / this.span;
  }

  draw(player) {
    if (player?.frame === undefined) {
      return;
    }
    this.player = player;
    const { time, frames, view } = player;
    const from = Math.max(0, time - this.span * HERE);
    this.#from = from;
    const chunk = Math.floor(from / this.span);
    const servers = view.servers.map((server) => server.id);
    const drawn = [chunk, this.span, frames.length, servers, this.#width].join(' ');
    const height = TOP + servers.length * LANE + 4;
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      setAttribute(this.root, 'viewBox', `0 0 ${this.#width} ${height}`);
      setAttribute(this.root, 'height', height);
      setAttribute(this.clip, 'width', this.#width - LEFT);
      setAttribute(this.clip, 'height', height);
      this.#drawAll(servers, chunk * this.span, (chunk + 2) * this.span, height);
    }
    const scale = this.#scale();
    const present = Math.max(frames.at(-1).at, time);
    for (const { lane, left, to } of this.#open) {
      setAttribute(lane, 'width', Math.max(0, (Math.min(present, to) - left) * scale).toFixed(1));
    }
    setAttribute(this.body, 'transform',
      `translate(${(LEFT - (from - chunk * this.span) * scale).toFixed(2)} 0)`);
    const x = (LEFT + (time - from) * scale).toFixed(1);
    setAttribute(this.cursor, 'd', `M${x} 14V${height}M${x} 14l-5 -7h10z`);
  }

  #drawAll(servers, from, to, height) {
    const scale = this.#scale();
    const x = (time) => ((time - from) * scale).toFixed(1);
    const y = (id) => TOP + servers.indexOf(id) * LANE + LANE / 2;
    const parts = this.#axis(from, to, x, height);
    this.#open = [];
    for (const id of servers) {
      let term;
      for (const span of this.history.spans.get(id) ?? []) {
        const entered = span.term !== term;
        term = span.term;
        if (span.from < to && span.to > from) {
          const left = Math.max(span.from, from);
          const height = HEIGHTS[span.state] ?? 6;
          const lane = svg('rect', { x: x(left), y: y(id) - height / 2, height, rx: 2,
            width: ((Math.min(span.to, to) - left) * scale).toFixed(1),
            class: `lane is-${span.state}` });
          parts.push(lane);
          if (span.to === Infinity) {
            this.#open.push({ lane, left, to });
          }
          if (entered) {
            parts.push(svg('text', { x: (Number(x(left)) + 4).toFixed(1), y: y(id) - 8,
              class: `lane-term ${termClass(span.term)}` }, `term ${span.term}`));
          }
        }
      }
    }
    for (const { flight, endAt, fate } of this.history.between(from, to)) {
      if (servers.includes(flight.from) && servers.includes(flight.to)) {
        const lost = flight.lost || fate === 'lost';
        const share = lost ? 0.6 : 1;
        const [a, b] = [y(flight.from), y(flight.to)];
        parts.push(svg('path', { class: `line ${colourOf(kindOf(flight.message))}` +
          (lost ? ' lost' : ''), d: `M${x(flight.sentAt)} ${a}L${x(endAt ?? flight.arrivesAt)} ` +
          `${a + (b - a) * share}` }));
      }
    }
    parts.push(...this.#marks(from, to, x, y, servers));
    this.body.replaceChildren(...parts);
    this.lanes.replaceChildren(...servers.map((id) =>
      svg('text', { x: 12, y: y(id) + 4, class: 'lane-id' }, String(id))));
  }

  #axis(from, to, x, height) {
    const step = STEPS.find((size) => size * this.#scale() >= 70) ?? STEPS.at(-1);
    const parts = [];
    for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
      parts.push(svg('path', { class: 'grid', d: `M${x(time)} 16V${height}` }));
      parts.push(svg('text', { x: x(time), y: 11, class: 'grid-text' },
        time.toLocaleString('en-US')));
    }
    return parts;
  }

  #marks(from, to, x, y, servers) {
    const shapes = {
      act: 'M0 -6L6 0L0 6L-6 0Z', timeout: 'M-4 -6H4V6H-4Z', start: 'M-4 -6L6 0L-4 6Z',
      crash: 'M-5 -5L5 5M5 -5L-5 5', commit: 'M-3 0A3 3 0 1 0 3 0A3 3 0 1 0 -3 0',
      violation: 'M0 -8L8 7H-8Z',
    };
    return this.history.marks
      .filter((mark) => mark.at >= from && mark.at <= to && shapes[mark.kind] !== undefined &&
        (mark.server === 0 || servers.includes(mark.server)))
      .map((mark) => svg('path', { d: shapes[mark.kind], class: `time-mark is-${mark.kind}`,
        transform: `translate(${x(mark.at)} ${mark.server === 0 ? TOP - 2 : y(mark.server)})` }));
  }
}
