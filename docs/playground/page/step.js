// SPDX-License-Identifier: MIT
// The step that made the frame, with the names of raft.h: the event, and what the update says.

import { el, msecs } from './dom.js';
import { eventLines, flagNames, constant, updateLines } from './names.js';

const CAUSES = { act: 'you', message: 'message', timeout: 'timer', disk: 'disk', start: 'start',
  lost: 'network', trace: 'trace' };

/** Long names may be broken after an underscore, not within a word. */
export const breakable = (text) => text.split(/(?<=_)/).flatMap((part, at) =>
  at === 0 ? [part] : [el('wbr'), part]);

function line(name, value, duty = '') {
  return [el('dt', {}, breakable(name)), el('dd', {}, breakable(value), duty === '' ? undefined :
    el('span', { class: 'duty' }, duty))];
}

function drawStep(step, view) {
  const event = el('dl', { class: 'code' },
    eventLines(step.event).map(([name, value]) => line(name, value)));
  const heading = el('h3', {}, 'Event');
  if (step.error !== undefined) {
    return [heading, event, el('h3', {}, 'Result'),
      el('p', { class: 'code refused' }, step.error)];
  }
  if (step.update === undefined) {
    return [heading, event];
  }
  const flags = flagNames(step.update.flags).map((name) => constant(name, 'RAFT_UPDATE_'));
  const lines = updateLines(step.update, view);
  return [heading, event, el('h3', {}, 'Update'), el('dl', { class: 'code' },
    line('update.flags', flags.length === 0 ? '0: nothing to do' : flags.join(' | ')),
    lines.map(({ duty, name, value }) => line(name, value, duty)))];
}

export class StepPanel {
  constructor(parent) {
    this.what = el('p', { class: 'what' });
    this.when = el('p', { class: 'when' });
    this.notes = el('ul', { class: 'notes' });
    this.steps = el('div', {});
    parent.append(this.when, this.what, this.notes, this.steps);
    this.parent = parent;
  }

  draw(frame, isTrace) {
    if (frame === this.frame) {
      return;
    }
    this.frame = frame;
    this.when.textContent = `Frame ${frame.number} · ${msecs(frame.at)} · ` +
      `${CAUSES[frame.cause] ?? frame.cause}`;
    this.what.textContent = frame.what;
    this.notes.replaceChildren(...frame.notes.map((note) =>
      el('li', { class: `note is-${note.kind}` }, el('span', { class: 'tag' }, note.kind),
        note.server === 0 || note.text.startsWith('server') ? note.text :
          `server ${note.server}: ${note.text}`)));
    const view = frame.view.servers.find((server) => server.id === frame.server);
    this.steps.replaceChildren(...frame.steps.flatMap((step) => drawStep(step, view)));
    if (frame.steps.length === 0) {
      this.steps.replaceChildren(el('p', { class: 'quiet' }, isTrace ?
        'A trace has no events and updates.' : 'No server took a step.'));
    }
    this.parent.scrollTop = 0;
  }
}

const WORDS = { waiting: 'waiting', done: 'done', failed: 'failed' };

/** Commands and reads, the newest first. */
export class Requests {
  constructor(parent) {
    this.list = el('ul', { class: 'requests-list' });
    this.none = el('p', { class: 'quiet' }, 'No client has asked for anything yet.');
    parent.append(this.none, this.list);
  }

  draw({ requests }) {
    if (requests === this.shown) {
      return;
    }
    this.shown = requests;
    this.none.hidden = requests.length > 0;
    this.list.replaceChildren(...requests.toReversed().map((request) =>
      el('li', { class: `request is-${request.status}` },
        el('span', { class: 'tag' }, WORDS[request.status]),
        el('span', {}, `${request.kind} ${request.text}`.trim()),
        el('span', { class: 'quiet' }, ` server ${request.server}` +
          (request.index > 0 ? `, index ${request.index}` : '') +
          (request.answer === '' ? '' : `: ${request.answer}`)))));
  }
}
