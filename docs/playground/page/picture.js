// SPDX-License-Identifier: MIT
// The cluster: servers on a circle, the links between them, and the messages on their way.

import { setAttribute, setText, svg } from './dom.js';
import { MESSAGES } from './names.js';
import { kindOf, shape } from './shapes.js';

/** So many messages are drawn at most: the newest. */
const MOST_MESSAGES = 200;
/** If there are more servers, they are drawn smaller and with fewer words. */
const CROWDED = 6;
const SIDE = 8; // from the middle of a link to the way of each direction

const stateOf = (server) =>
  !server.up ? 'down' : server.asleep ? 'asleep' : server.state;

const ROLES = {
  standby: 'standby', spare: 'spare', voterIncoming: 'incoming voter',
  voterOutgoing: 'outgoing voter', voterToStandby: 'voter, then standby',
  voterToSpare: 'voter, then spare',
};

/** What a screen reader says about a server. */
function describe(server) {
  const parts = [`Server ${server.id}`, stateOf(server), `term ${server.term}`];
  if (server.up && server.role !== undefined && server.role !== 'voter') {
    parts.push(ROLES[server.role] ?? server.role);
  }
  if (server.votes) {
    parts.push(`${server.votes.granted.length} votes`);
  }
  parts.push(`log up to ${server.lastIndex}`, `committed ${server.commitIndex}`);
  return parts.join(', ');
}

/** The second line under a server: what is unusual about it. */
function remark(server, voters, isCrowded) {
  const { votes } = server;
  if (!server.up) {
    return '';
  }
  if (votes && server.state === 'candidate') {
    return `${votes.preVote ? 'pre-votes' : 'votes'} ${votes.granted.length} of ${voters}`;
  }
  const parts = [];
  if (server.role === undefined) {
    parts.push('no member');
  } else if (server.role !== 'voter') {
    parts.push(ROLES[server.role] ?? server.role);
  }
  if (server.diskDelay > 0) {
    parts.push(`disk +${server.diskDelay} ms`);
  }
  if (server.clockRate !== 1) {
    parts.push(`clock ×${server.clockRate}`);
  }
  if (parts.length === 0 && server.votedFor !== 0 && server.state === 'follower' &&
    !isCrowded) {
    parts.push(`voted for ${server.votedFor}`);
  }
  return parts.slice(0, 2).join(', ');
}

export class Picture {
  #servers = new Map();
  #messages = new Map();
  #links = new Map();
  #places = new Map();
  #size = { width: 480, height: 400, r: 32 };

  /** `select(thing)` is called with { kind: 'server', id } and the like. */
  constructor(parent, select) {
    this.select = select;
    this.links = svg('g', {});
    this.servers = svg('g', {});
    this.messages = svg('g', {});
    this.root = svg('svg', { role: 'group', 'aria-label': 'Servers and messages' },
      this.links, this.servers, this.messages);
    parent.append(this.root);
    new ResizeObserver(() => this.#resize(parent)).observe(parent);
    this.#resize(parent);
  }

  #resize(parent) {
    const width = Math.max(280, parent.clientWidth);
    const height = Math.max(280, parent.clientHeight);
    if (width !== this.#size.width || height !== this.#size.height) {
      this.#size = { width, height, r: 32 };
      this.#places.clear();
      if (this.view !== undefined) {
        this.draw(this.view, this.time, this.selected, this.still);
      }
    }
    setAttribute(this.root, 'viewBox', `0 0 ${width} ${height}`);
    setAttribute(this.root, 'width', width);
    setAttribute(this.root, 'height', height);
  }

  #arrange(servers) {
    const ids = servers.map((server) => server.id);
    if (ids.length === this.#places.size && ids.every((id) => this.#places.has(id))) {
      return;
    }
    const { width, height } = this.#size;
    const r = ids.length > CROWDED ? 25 : 32;
    this.#size.r = r;
    this.#places = new Map(ids.map((id, at) => {
      const angle = (-90 + at * 360 / ids.length) * Math.PI / 180;
      return [id, {
        x: width / 2 + Math.min(width / 2 - r - 22, 210) * Math.cos(angle),
        y: (height - 28) / 2 + Math.min(height / 2 - r - 30, 210) * Math.sin(angle),
      }];
    }));
    for (const group of [this.#servers, this.#messages, this.#links]) {
      for (const { node } of group.values()) {
        node.remove();
      }
      group.clear();
    }
  }

  /** A point on the way from one server to another; `share` is 0 at the first one's rim. */
  #point(from, to, share) {
    const a = this.#places.get(from);
    const b = this.#places.get(to);
    if (a === undefined || b === undefined) {
      return undefined;
    }
    const length = Math.hypot(b.x - a.x, b.y - a.y);
    const [dx, dy] = [(b.x - a.x) / length, (b.y - a.y) / length];
    const rim = this.#size.r + 8;
    const way = rim + share * (length - 2 * rim);
    return { x: a.x + dx * way - dy * SIDE, y: a.y + dy * way + dx * SIDE };
  }

  /** Draw a moment. `still`: people who prefer less motion see messages half way. */
  draw(view, time, selected, still = false) {
    Object.assign(this, { view, time, selected, still });
    this.#arrange(view.servers);
    this.#drawLinks(view);
    const voters = this.#voters(view);
    for (const server of view.servers) {
      this.#drawServer(server, time, voters);
    }
    this.#drawMessages(view, time, still);
  }

  #voters(view) {
    const largest = view.servers.reduce((a, b) =>
      b.configuration.index >= a.configuration.index ? b : a);
    return largest.configuration.servers.filter((server) => /^voter/.test(server.role)).length;
  }

  // --- Links

  #drawLinks(view) {
    const state = new Map(view.links.map((link) => [`${link.from}-${link.to}`, link]));
    for (const { id: from } of view.servers) {
      for (const { id: to } of view.servers) {
        if (from !== to) {
          const key = `${from}-${to}`;
          const link = this.#links.get(key) ?? this.#newLink(key, from, to);
          const { cut, by } = state.get(key) ?? { cut: false, by: 0 };
          const chosen = this.selected?.kind === 'link' && this.selected.from === from &&
            this.selected.to === to;
          setAttribute(link.node, 'class', `link${cut ? ' cut' : by > 0 ? ' slow' : ''}` +
            (chosen ? ' chosen' : ''));
          setText(link.text, cut ? '✕' : by > 0 ? `+${by}` : '');
        }
      }
    }
  }

  #newLink(key, from, to) {
    const a = this.#point(from, to, 0);
    const b = this.#point(from, to, 1);
    const middle = this.#point(from, to, 0.34);
    const d = `M${a.x.toFixed(1)} ${a.y.toFixed(1)}L${b.x.toFixed(1)} ${b.y.toFixed(1)}`;
    const text = svg('text', { x: middle.x.toFixed(1), y: (middle.y + 5).toFixed(1) });
    // The same can be done with the keyboard in the panel of a server.
    const node = svg('g', { 'aria-hidden': 'true', onclick: () =>
      this.select({ kind: 'link', from, to }) }, svg('path', { d, class: 'link-line' }),
    svg('path', { d, class: 'link-hit' }), text);
    this.links.append(node);
    const link = { node, text };
    this.#links.set(key, link);
    return link;
  }

  // --- Servers

  /** What is clicked. Texts are drawn beside it: its label says more than they do. */
  #button(thing, ...shapes) {
    return svg('g', { class: 'press', role: 'button', tabindex: 0,
      onclick: () => this.select(thing),
      onkeydown: (event) => {
        if (event.key === 'Enter' || event.key === ' ') {
          event.preventDefault();
          event.stopPropagation();
          this.select(thing, true);
        }
      } }, shapes);
  }

  #newServer(id) {
    const { x, y } = this.#places.get(id);
    const { r } = this.#size;
    const ring = 2 * Math.PI * (r + 5);
    const parts = {
      arc: svg('circle', { r: r + 5, class: 'ring', transform: 'rotate(-90)',
        'stroke-dasharray': `0 ${ring}` }),
      term: svg('text', { y: r > 28 ? 16 : 14, class: 'server-term' }),
      state: svg('text', { y: r + 24, class: 'server-state' }),
      remark: svg('text', { y: r + 39, class: 'server-remark' }),
    };
    const press = this.#button({ kind: 'server', id },
      svg('circle', { r: r + 10, class: 'focus-ring' }),
      svg('circle', { r: r + 5, class: 'track' }), parts.arc, svg('circle', { r, class: 'body' }),
      svg('path', { class: 'crown', transform: `translate(0 ${-r - 3})`,
        d: 'M-11 3L-13 -9L-5 -3L0 -12L5 -3L13 -9L11 3Z' }));
    const node = svg('g', { transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
      'data-server': id }, press, svg('g', { 'aria-hidden': 'true' },
      svg('text', { y: -1, class: 'server-id' }, String(id)), parts.term, parts.state,
      parts.remark));
    this.servers.append(node);
    const server = { node, press, ring, ...parts };
    this.#servers.set(id, server);
    return server;
  }

  #drawServer(view, time, voters) {
    const server = this.#servers.get(view.id) ?? this.#newServer(view.id);
    if (server.view !== view || server.selected !== this.selected) {
      const chosen = this.selected?.kind === 'server' && this.selected.id === view.id;
      setAttribute(server.node, 'class', `server is-${stateOf(view)}${chosen ? ' chosen' : ''}` +
        (view.role === 'voter' || view.role === undefined && !view.up ? '' : ' no-voter'));
      setAttribute(server.press, 'aria-label', describe(view));
      setAttribute(server.press, 'aria-pressed', String(chosen));
      setText(server.term, view.term < 10000 ? `term ${view.term}` : String(view.term));
      setText(server.state, stateOf(view));
      setText(server.remark, remark(view, voters, this.#places.size > CROWDED));
      Object.assign(server, { view, selected: this.selected });
    }
    const whole = view.timeout - view.timeoutSet;
    const rest = view.up && Number.isFinite(view.timeout) && whole > 0 ?
      Math.min(1, Math.max(0, (view.timeout - time) / whole)) : 0;
    setAttribute(server.arc, 'stroke-dasharray',
      `${(rest * server.ring).toFixed(1)} ${server.ring.toFixed(1)}`);
  }

  // --- Messages

  #newMessage(flight) {
    const kind = kindOf(flight.message);
    const press = this.#button({ kind: 'message', id: flight.id },
      svg('circle', { r: 13, class: 'message-hit' }));
    setAttribute(press, 'aria-label', `Message ${flight.id} from ${flight.from} to ` +
      `${flight.to}: ${MESSAGES[flight.message.type] ?? 'unknown'}. ${flight.text}`);
    const node = svg('g', { class: 'message', 'data-message': flight.id },
      shape(kind, flight.message), svg('path', { class: 'cross', d: 'M-7 -7L7 7M7 -7L-7 7' }),
      press);
    this.messages.append(node);
    const message = { node, press };
    this.#messages.set(flight.id, message);
    return message;
  }

  #drawMessages(view, time, still) {
    const present = new Set();
    for (const flight of view.messages.slice(-MOST_MESSAGES)) {
      const whole = flight.arrivesAt - flight.sentAt;
      let share = whole > 0 ? Math.min(1, Math.max(0, (time - flight.sentAt) / whole)) : 1;
      if (still) {
        share = 0.15 + 0.7 * share;
      }
      share = flight.lost ? share * 0.6 : share;
      const point = this.#point(flight.from, flight.to, share);
      if (point === undefined) {
        continue;
      }
      present.add(flight.id);
      const message = this.#messages.get(flight.id) ?? this.#newMessage(flight);
      setAttribute(message.node, 'transform',
        `translate(${point.x.toFixed(1)} ${point.y.toFixed(1)})`);
      const chosen = this.selected?.kind === 'message' && this.selected.id === flight.id;
      setAttribute(message.node, 'class',
        `message${flight.lost ? ' lost' : ''}${chosen ? ' chosen' : ''}`);
      setAttribute(message.press, 'aria-pressed', String(chosen));
      message.to = flight.to;
    }
    for (const [id, { node, press, to }] of this.#messages) {
      if (!present.has(id)) {
        if (press === document.activeElement) {
          this.#servers.get(to)?.press.focus(); // the focus arrives with the message
        }
        node.remove();
        this.#messages.delete(id);
      }
    }
  }

}
