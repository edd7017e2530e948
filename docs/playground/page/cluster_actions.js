// SPDX-License-Identifier: MIT
// What can be done to the cluster as a whole, while nothing is selected.

import { button, choice, el, enable, freshId } from './dom.js';
import { group } from './server_actions.js';

const LOSSES = [0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1].map((share) =>
  [share, share === 0 ? 'none' : `${share * 100} %`]);
const MOST_SERVERS = 9;

/** A check box for each server: `chosen()` gives the IDs. */
function boxes(label, servers, checked) {
  const inputs = servers.map((id) => el('input', { type: 'checkbox', id: freshId(), value: id,
    checked: checked(id) }));
  return {
    node: el('fieldset', { class: 'boxes' }, el('legend', {}, label),
      inputs.map((input) => el('label', { for: input.id }, input, input.value))),
    chosen: () => inputs.filter((input) => input.checked).map((input) => Number(input.value)),
    inputs,
  };
}

export function clusterActions(_thing, ui) {
  const { act, player, select } = ui;
  const ids = player.view.servers.map((server) => server.id);
  const hint = el('p', { class: 'quiet' },
    'Select a server, a link or a message in the picture to act on it.');
  const goTo = ids.map((id) => button(`Server ${id}`, () => select({ kind: 'server', id }, true)));
  const submit = button('Submit to the leader', () => {
    act({ do: 'submit', server: player.leader, command: ui.nextCommand() });
    ui.countCommand();
  }, { class: 'main' });
  const kill = button('Kill the leader', () =>
    act({ do: 'kill', server: player.leader, lose: 'nothing' }));
  const restart = button('Restart all', () => {
    for (const server of player.view.servers.filter((each) => !each.up)) {
      act({ do: 'restart', server: server.id });
    }
  });

  const half = ids.length >> 1;
  const group_ = boxes('One side', ids, (id) => ids.indexOf(id) < half);
  const partition = button('Partition', () => act({ do: 'partition', group: group_.chosen() }));
  const heal = button('Heal all links', () => act({ do: 'healAll' }));
  const loss = choice('Messages lost', LOSSES, player.view.loss, (share) =>
    act({ do: 'loss', share: Number(share) }));

  const preVote = (on) => button(`Pre-votes ${on ? 'on' : 'off'}`, () => {
    for (const id of ids) {
      act({ do: 'configure', server: id, settings: { preVote: on } });
    }
  }, { 'data-title': 'On all servers' });

  const add = button('Add a server', () => {
    const id = Math.max(...ids) + 1;
    act({ do: 'add', server: player.leader, id });
  }, { 'data-title': 'A new server that gets the log, without a vote' });
  const voters = boxes('Voters', ids, () => false);
  const change = button('Change to these', () =>
    act({ do: 'change', server: player.leader, voters: voters.chosen() }),
  { 'data-title': 'In one joint change' });
  const recover = el('details', {}, el('summary', {}, 'Unsafe recovery'),
    el('p', { class: 'quiet' }, 'After a majority is lost for good, one server can be told to ' +
      'continue with itself as the only voter. Committed entries may be lost.'),
    el('div', { class: 'row' }, ids.map((id) => button(`Recover on ${id}`, () =>
      act({ do: 'recover', server: id, voters: [id] }), { class: 'danger small' }))));
  let known = '';

  return {
    title: 'Act',
    look: [group('Select', goTo)],
    nodes: [hint, group('Leader', submit, kill, restart), group('Network', group_.node, partition,
      heal, loss.node), group('Members', add, voters.node, change),
    group('Settings', preVote(true), preVote(false)), recover, group('Select', goTo)],
    update(view) {
      const { leader } = player;
      for (const node of [submit, kill, add, change]) {
        enable(node, leader !== 0, 'There is no leader.');
      }
      enable(restart, view.servers.some((server) => !server.up), 'No server is down.');
      enable(add, leader !== 0 && ids.length < MOST_SERVERS, 'There is no leader, or no room.');
      if (document.activeElement !== loss.select) {
        loss.select.value = String(view.loss);
      }
      // The boxes follow the members until somebody ticks one.
      const members = (view.servers.find((server) => server.id === leader) ?? view.servers[0])
        .configuration.servers.filter((server) => server.role === 'voter').map((each) => each.id);
      if (String(members) !== known && !voters.node.contains(document.activeElement)) {
        known = String(members);
        for (const input of voters.inputs) {
          input.checked = members.includes(Number(input.value));
        }
      }
    },
  };
}
