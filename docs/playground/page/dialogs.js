// SPDX-License-Identifier: MIT
// The windows: scenarios, a new cluster, help.

import { button, choice, el, field } from './dom.js';

/** A modal window with a title. `open()` shows it; Escape and a click beside it close it. */
export function dialog(title, ...content) {
  const id = `dialog-${title.toLowerCase().replace(/\W+/g, '-')}`;
  const node = el('dialog', { 'aria-labelledby': id },
    el('div', { class: 'dialog-head' }, el('h2', { id }, title),
      button('✕', () => node.close(), { 'aria-label': 'Close', class: 'plain' })),
    el('div', { class: 'dialog-body' }, content));
  node.addEventListener('click', (event) => {
    if (event.target === node) {
      node.close();
    }
  });
  document.body.append(node);
  return { node, open: () => node.showModal(), close: () => node.close() };
}

export function scenariosDialog(scenarios, play) {
  const window_ = dialog('Scenarios', el('ul', { class: 'cards' }, scenarios.map((scenario) =>
    el('li', {}, el('button', { type: 'button', class: 'card', 'data-scenario': scenario.name,
      onclick: () => {
        window_.close();
        play(scenario);
      } }, el('strong', {}, scenario.title), el('span', {}, scenario.text))))));
  return window_;
}

/** `found(recording)` is called with what the form says. */
export function clusterDialog(found) {
  const number = (label, value, min, max) =>
    field(label, { type: 'number', value, min, max, step: 1, required: true });
  const servers = choice('Servers', [3, 4, 5, 6, 7].map((n) => [n, String(n)]), 5, () => {});
  const seed = number('Seed', 1, 1, 4294967295);
  const election = number('Election timeout, ms', 1000, 20, 100000);
  const heartbeat = number('Heartbeats, ms', 100, 1, 50000);
  const least = number('Message time from, ms', 10, 1, 10000);
  const most = number('to, ms', 30, 1, 10000);
  const disk = number('Disk write, ms', 5, 0, 10000);
  const idle = number('Idle timeout, ms (0: never sleeps)', 0, 0, 1000000);
  const preVote = el('input', { type: 'checkbox', id: 'new-pre-vote', checked: true });
  const problem = el('p', { class: 'problem', role: 'alert' });
  const form = el('form', { class: 'form', onsubmit(event) {
    event.preventDefault();
    const value = ({ input }) => Number(input.value);
    if (value(heartbeat) >= value(election)) {
      problem.textContent = 'Heartbeats must come more often than the election timeout.';
      return;
    }
    if (value(least) > value(most)) {
      problem.textContent = 'The longest time of a message is shorter than the shortest.';
      return;
    }
    problem.textContent = '';
    try {
      found({
        servers: Number(servers.select.value), seed: value(seed), disk: value(disk),
        latency: [value(least), value(most)],
        settings: { electionTimeout: value(election), heartbeatTimeout: value(heartbeat),
          preVote: preVote.checked, idleTimeout: value(idle) },
      });
      window_.close();
    } catch (error) {
      problem.textContent = error.message;
    }
  } },
  servers.node, seed.node, election.node, heartbeat.node, least.node, most.node, disk.node,
  idle.node, el('label', { class: 'check', for: 'new-pre-vote' }, preVote, 'Pre-votes'), problem,
  el('button', { type: 'submit', class: 'main' }, 'Start the cluster'));
  const window_ = dialog('New cluster', form);
  return { ...window_, defaults(recording) {
    const set = ({ input }, value) => {
      if (value !== undefined) {
        input.value = String(value);
      }
    };
    set(election, recording.settings.electionTimeout);
    set(heartbeat, recording.settings.heartbeatTimeout);
    set(least, recording.latency[0]);
    set(most, recording.latency[1]);
    set(disk, recording.disk);
    set(idle, recording.settings.idleTimeout);
    servers.select.value = String(recording.servers);
    seed.input.value = String(recording.seed);
    preVote.checked = recording.settings.preVote !== false && recording.settings.preVote !== 0;
  } };
}

const SHORTCUTS = [
  ['Space', 'play or pause'], ['← →', 'one event back or ahead'], ['Home End', 'first, last frame'],
  ['[ ]', 'chapter before, next chapter'], ['− +', 'slower, faster'],
  ['1 … 9', 'select a server'], ['Esc', 'select nothing'], ['K', 'kill or restart the server'],
  ['S', 'submit a command to it, or to the leader'], ['R', 'read at it, or at the leader'],
  ['T', 'its timer fires now'], ['U', 'undo: bring back the future that was cut off'],
  ['N', 'scenarios'], ['?', 'this help'],
];

export function helpDialog(keysOn, setKeys) {
  const box = el('input', { type: 'checkbox', id: 'keys-on', checked: keysOn,
    onchange: () => setKeys(box.checked) });
  return dialog('Help',
    el('p', {}, 'This is a Raft cluster in your browser. Every step is taken by libraft itself, ' +
      'compiled to WebAssembly; only the clock, the disks and the network are simulated.'),
    el('p', {}, 'Press play, or go on event by event. Select a server, a message or a link to ' +
      'kill, lose or cut it. You can go back to any moment. If you act there, what came later ' +
      'is cut off and the cluster goes another way; undo brings it back.'),
    el('p', {}, 'The ring around a server shows how much of its timer is left. A trace that ' +
      'raft-sim --trace-file wrote can be opened, or dropped on this page.'),
    el('h3', {}, 'Keys'),
    el('dl', { class: 'keys' }, SHORTCUTS.map(([keys, what]) => el('div', {},
      el('dt', {}, keys.split(' ').map((key) => el('kbd', {}, key))), el('dd', {}, what)))),
    el('label', { class: 'check', for: 'keys-on' }, box, 'Single keys are shortcuts'));
}
