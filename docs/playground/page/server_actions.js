// SPDX-License-Identifier: MIT
// What can be done to a server.

import { button, choice, el, enable, field, msecs, setText } from './dom.js';
import { constant } from './names.js';

export const group = (label, ...nodes) =>
  el('div', { class: 'group', role: 'group', 'aria-label': label },
    el('h3', {}, label), el('div', { class: 'row' }, nodes));

/** Labels of `diskDelay` and of the delay of a link. */
export const DELAYS = [0, 20, 50, 100, 200, 500, 1000].map((by) =>
  [by, by === 0 ? 'none' : `+${by} ms`]);
const RATES = [0.25, 0.5, 0.8, 0.9, 1, 1.1, 1.25, 2, 4].map((rate) => [rate, `×${rate}`]);

/** A fact table: `set(name, text)` writes it. */
function facts(names) {
  const cells = new Map(names.map((name) => [name, el('dd', {})]));
  return {
    node: el('dl', { class: 'facts' }, names.map((name) => el('div', {},
      el('dt', {}, name), cells.get(name)))),
    set: (name, text) => setText(cells.get(name), text),
  };
}

/** A choice that shows `value` when it changes elsewhere. It is not touched while it is used. */
function follow(select, value) {
  if (document.activeElement !== select && select.value !== String(value)) {
    if (![...select.options].some((option) => option.value === String(value))) {
      select.append(el('option', { value }, String(value)));
    }
    select.value = String(value);
  }
}

function links(id, ui) {
  const others = ui.player.view.servers.filter((server) => server.id !== id);
  const rows = others.flatMap(({ id: other }) => [[id, other], [other, id]]);
  const cells = rows.map(([from, to]) => {
    const toggle = button('', () => {
      const cut = toggle.getAttribute('aria-pressed') === 'true';
      ui.act({ do: cut ? 'heal' : 'cut', from, to });
    }, { class: 'small', 'aria-pressed': 'false' });
    toggle.append(`${from} → ${to}`);
    toggle.setAttribute('aria-label', `Cut ${from} → ${to}`);
    return { toggle, from, to };
  });
  return {
    node: group('Cut links', cells.map(({ toggle }) => toggle)),
    update(view) {
      for (const { toggle, from, to } of cells) {
        const link = view.links.find((each) => each.from === from && each.to === to);
        toggle.setAttribute('aria-pressed', String(link?.cut === true));
      }
    },
  };
}

function clients(id, ui) {
  const { node, input } = field('Command', { type: 'text', maxlength: 60, size: 8,
    value: ui.nextCommand(), autocomplete: 'off', spellcheck: 'false' });
  const send = () => {
    ui.act({ do: 'submit', server: id, command: input.value || ui.nextCommand() });
    ui.countCommand();
    input.value = ui.nextCommand();
  };
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') {
      send();
    }
  });
  const nodes = [node, button('Submit', send, { class: 'main' }),
    button('Read', () => ui.act({ do: 'read', server: id, lease: false }),
      { 'data-title': 'The leader confirms with a round of heartbeats that it still leads' }),
    button('Read under lease', () => ui.act({ do: 'read', server: id, lease: true }),
      { 'data-title': 'Answered at once if the leader holds a lease' })];
  return { node: group('Clients', nodes), buttons: nodes.slice(1) };
}

export function serverActions({ id }, ui) {
  const { act } = ui;
  const table = facts(['State', 'Term', 'Voted for', 'Follows', 'Log', 'On disk', 'Committed',
    'Applied', 'Snapshot', 'Timer', 'Lease', 'Role']);
  const state = el('p', { class: 'applied' });
  const { node: client, buttons } = clients(id, ui);

  const running = [
    button('Kill', () => act({ do: 'kill', server: id, lose: 'nothing' }),
      { 'data-title': 'Everything that was written is kept' }),
    button('Kill, lose unwritten', () => act({ do: 'kill', server: id, lose: 'unwritten' }),
      { 'data-title': 'Writes that the disk has not finished are lost' }),
    button('Kill, empty the disk', () => act({ do: 'kill', server: id, lose: 'all' }),
      { class: 'danger', 'data-title': 'Raft does not allow this: see what goes wrong' })];
  const restart = button('Restart', () => act({ do: 'restart', server: id }), { class: 'main' });
  const elections = [
    button('Timer fires now', () => act({ do: 'timeout', server: id })),
    button('Campaign', () => act({ do: 'campaign', server: id })),
    button('Wake', () => act({ do: 'wake', server: id }))];
  const transfer = button('Make it the leader', () =>
    act({ do: 'transfer', server: ui.player.leader, to: id }));
  const snapshot = [
    button('Snapshot', () => act({ do: 'snapshot', server: id, trailing: 0 })),
    button('Snapshot, keep 3 entries', () => act({ do: 'snapshot', server: id, trailing: 3 }))];
  const disk = choice('Slow disk', DELAYS, 0, (by) =>
    act({ do: 'slowDisk', server: id, by: Number(by) }));
  const clock = choice('Clock rate', RATES, 1, (rate) =>
    act({ do: 'clock', server: id, rate: Number(rate) }));
  const member = (verb, label, title) => button(label, () =>
    act({ do: verb, server: ui.player.leader, id }), { 'data-title': title });
  const members = [member('promote', 'Promote', 'Catch it up and make it a voter'),
    member('demote', 'Demote', 'It keeps the log, but has no vote'),
    member('remove', 'Remove', 'It is no member any more')];
  const wires = links(id, ui);

  return {
    title: `Server ${id}`,
    look: [table.node],
    nodes: [group('Run', restart, running), client, group('Elections', elections, transfer),
      group('Disk and clock', snapshot, disk.node, clock.node), group('Members', members),
      wires.node, el('div', { class: 'group' }, el('h3', {}, 'State'), table.node, state)],
    update(view) {
      const server = view.servers.find((each) => each.id === id);
      const { leader } = ui.player;
      table.set('State', server.up ? `${constant(server.state)}${server.asleep ? ', asleep' : ''}` :
        'down');
      table.set('Term', String(server.term));
      table.set('Voted for', server.votedFor === 0 ? 'nobody' : `server ${server.votedFor}`);
      table.set('Follows', server.leader === 0 ? 'nobody' : server.leader === id ? 'itself' :
        `server ${server.leader}`);
      table.set('Log', server.lastIndex < server.firstIndex ? 'empty' :
        `${server.firstIndex} to ${server.lastIndex}`);
      table.set('On disk', `up to ${server.lastStored}`);
      table.set('Committed', `up to ${server.commitIndex}`);
      table.set('Applied', `up to ${server.applied}`);
      table.set('Snapshot', server.snapshotIndex === 0 ? 'none' : `index ${server.snapshotIndex}`);
      table.set('Timer', server.up ? msecs(server.timeout) : 'off');
      table.set('Lease', server.lease === undefined ? '–' : server.lease ? 'held' : 'none');
      table.set('Role', server.role ?? 'no member');
      setText(state, server.applied_commands.length === 0 ? 'Its state machine is empty.' :
        `Its state machine: ${server.applied_commands.join(', ')}`);
      for (const node of [...running, ...elections, ...snapshot, ...buttons]) {
        enable(node, server.up, 'The server is down.');
      }
      enable(restart, !server.up, 'The server runs.');
      enable(transfer, leader !== 0 && leader !== id,
        leader === 0 ? 'There is no leader.' : 'It leads.');
      for (const node of members) {
        enable(node, leader !== 0, 'There is no leader.');
      }
      follow(disk.select, server.diskDelay);
      follow(clock.select, server.clockRate);
      wires.update(view);
    },
  };
}
