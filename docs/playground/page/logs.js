// SPDX-License-Identifier: MIT
// The logs as a table: a row for each server, a column for each index.

import { el, setAttribute, setText } from './dom.js';

/** Columns at most: older entries are left out. */
const MOST = 60;
const COLOURS = 8;

export const termClass = (term) => `t${term % COLOURS}`;

/** A trace says how long a log is, not what is in it. */
const unknown = (server, index) =>
  server.partial && index >= server.firstIndex && index <= server.lastIndex ?
    { index, type: 'unknown', text: '', stored: index <= server.lastStored } : undefined;

const shorten = (text, most) => text.length <= most ? text : `${text.slice(0, most - 1)}…`;

function label(entry) {
  switch (entry.type) {
    case 'barrier': return '–';
    case 'unknown': return '';
    case 'change': return 'conf';
    default: return shorten(entry.text, 6);
  }
}

/** What a screen reader and a pointer are told about an entry. */
function explain(entry, committed) {
  const what = entry.type === 'unknown' ? 'entry' :
    `${entry.type === 'command' ? `command ${entry.text}` : entry.type === 'change' ?
      `members ${entry.text}` : 'barrier'}, term ${entry.term}`;
  return `${what}, ` +
    `${committed ? 'committed' : 'not committed'}${entry.stored ? '' : ', not yet on disk'}`;
}

/** Entries that all servers have at the ends: [first column, last column]. */
function columns(servers) {
  let first = Infinity;
  let last = 0;
  for (const server of servers) {
    first = Math.min(first, server.snapshotIndex > 0 && server.firstIndex > server.lastIndex ?
      server.snapshotIndex : server.firstIndex);
    last = Math.max(last, server.lastIndex, server.snapshotIndex);
  }
  first = Math.max(1, Math.min(first, last), last - MOST + 1);
  return [first, Math.max(last, first + 4)];
}

/** What a leader knows: [index matched, next index] of a server, or undefined. */
function known(leader, id) {
  return leader?.peers.find((peer) => peer.id === id);
}

/** All that a cell shows, as text: it is drawn anew when this changes. */
function keyOf(server, index, peer) {
  const entry = server.log[index - server.firstIndex] ?? unknown(server, index);
  return [entry?.term, entry?.type, entry?.text, entry?.stored, Math.sign(index -
    server.commitIndex), peer?.match === index, peer?.next === index,
  entry === undefined && index <= server.snapshotIndex && server.snapshotIndex].join();
}

function cell(server, index, peer) {
  const entry = server.log[index - server.firstIndex] ?? unknown(server, index);
  const marks = [];
  const says = [];
  if (index === server.commitIndex) {
    marks.push(el('i', { class: 'mark-commit', 'aria-hidden': 'true' }));
  }
  if (peer !== undefined && peer.match === index) {
    marks.push(el('i', { class: 'mark-match', 'aria-hidden': 'true' }));
    says.push('the leader knows that it is stored');
  }
  if (peer !== undefined && peer.next === index) {
    marks.push(el('i', { class: 'mark-next', 'aria-hidden': 'true' }));
    says.push('the leader sends this next');
  }
  const hidden = (text) => el('span', { class: 'hidden' }, [text, ...says].join(', '));
  if (entry === undefined) {
    if (index <= server.snapshotIndex) {
      return el('td', { class: 'entry in-snapshot', title: `in the snapshot up to index ` +
        `${server.snapshotIndex}` }, hidden('in the snapshot'), marks);
    }
    return el('td', { class: 'entry none' }, says.length > 0 ? hidden('no entry') : undefined,
      marks);
  }
  const committed = index <= server.commitIndex;
  const text = explain(entry, committed);
  return el('td', { class: `entry ${entry.term === undefined ? 't-unknown' :
    termClass(entry.term)} ${committed ? 'committed' : 'open'}` +
    (entry.stored ? '' : ' unstored'), title: `index ${index}: ${text}` },
  el('span', { class: 'box', 'aria-hidden': 'true' }, el('span', { class: 'entry-text' },
    label(entry)), entry.term === undefined ? '' :
    el('span', { class: 'entry-term' }, `t${entry.term}`)), hidden(text), marks);
}

export class Logs {
  #rows = new Map();
  #shown = '';
  #follows = true;

  constructor(parent, key) {
    this.parent = parent;
    this.head = el('tr', {});
    this.body = el('tbody', {});
    parent.append(el('table', { class: 'log-table' },
      el('caption', { class: 'hidden' }, 'The log of each server'),
      el('thead', {}, this.head), this.body));
    parent.addEventListener('scroll', () => {
      this.#follows = parent.scrollLeft + parent.clientWidth >= parent.scrollWidth - 8;
    });
    const sample = (classes, text) => el('span', { class: 'legend-item' },
      el('span', { class: `sample ${classes}` }), text);
    const mark = (name, text) => el('span', { class: 'legend-item' },
      el('span', { class: 'mark-sample' }, el('i', { class: name })), text);
    key.append(sample('t2 committed', 'committed'), sample('t2 open', 'stored'),
      sample('t2 open unstored', 'not on disk'), mark('mark-commit', 'commit index'),
      mark('mark-match', 'match'), mark('mark-next', 'next'));
  }

  draw(view, leaderId) {
    const { servers } = view;
    const leader = servers.find((server) => server.id === leaderId);
    const [first, last] = columns(servers);
    const shown = `${first}-${last}-${servers.map((server) => server.id)}`;
    const again = shown !== this.#shown;
    if (again) {
      this.#shown = shown;
      this.#rows.clear();
      this.body.replaceChildren();
      this.head.replaceChildren(el('th', { scope: 'col', class: 'corner' },
        el('span', { class: 'hidden' }, 'Server')));
      for (let index = first; index <= last; index++) {
        this.head.append(el('th', { scope: 'col' }, String(index)));
      }
    }
    for (const server of servers) {
      this.#drawRow(server, leader, first, last);
    }
    if (again && this.#follows) {
      this.parent.scrollLeft = this.parent.scrollWidth;
    }
  }

  #drawRow(server, leader, first, last) {
    let row = this.#rows.get(server.id);
    const peer = known(leader, server.id);
    if (row?.server === server && row.peer === peer) {
      return;
    }
    if (row === undefined) {
      const says = el('span', { class: 'hidden' });
      row = { says, cells: [], node: el('tr', {}, el('th', { scope: 'row' },
        el('span', { class: 'row-id' }, String(server.id)), says)) };
      this.body.append(row.node);
      this.#rows.set(server.id, row);
    }
    Object.assign(row, { server, peer });
    setText(row.says, ` committed ${server.commitIndex}`);
    for (let index = first; index <= last; index++) {
      const key = keyOf(server, index, peer);
      const old = row.cells[index - first];
      if (old?.key !== key) {
        const node = cell(server, index, peer);
        if (old === undefined) {
          row.node.append(node);
        } else {
          old.node.replaceWith(node);
        }
        row.cells[index - first] = { key, node };
      }
    }
    setAttribute(row.node, 'class', server.up ? undefined : 'row-down');
  }
}
