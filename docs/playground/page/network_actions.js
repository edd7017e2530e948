// SPDX-License-Identifier: MIT
// What can be done to a link and to a message on its way.

import { button, choice, el, enable, msecs, setText } from './dom.js';
import { DELAYS, group } from './server_actions.js';
import { messageLines, messageType } from './names.js';
import { breakable } from './step.js';

export function linkActions({ from, to }, { act, select }) {
  const status = el('p', {});
  const direction = (a, b) => [
    button('Cut', () => act({ do: 'cut', from: a, to: b })),
    button('Heal', () => act({ do: 'heal', from: a, to: b }))];
  const here = direction(from, to);
  const there = direction(to, from);
  const both = [
    button('Cut both', () => {
      act({ do: 'cut', from, to });
      act({ do: 'cut', from: to, to: from });
    }),
    button('Heal both', () => {
      act({ do: 'heal', from, to });
      act({ do: 'heal', from: to, to: from });
    })];
  const delay = choice('Slower by', DELAYS, 0, (by) =>
    act({ do: 'slowLink', from, to, by: Number(by) }));
  const find = (view, a, b) => view.links.find((link) => link.from === a && link.to === b);
  return {
    title: `Link from ${from} to ${to}`,
    look: [],
    nodes: [status, group(`${from} → ${to}`, here, delay.node), group(`${to} → ${from}`, there),
      group('Both directions', both),
      group('Go to', [from, to].map((id) => button(`Server ${id}`, () =>
        select({ kind: 'server', id }, true))))],
    update(view) {
      const cut = find(view, from, to)?.cut === true;
      const back = find(view, to, from)?.cut === true;
      const by = find(view, from, to)?.by ?? 0;
      setText(status, cut ? 'Cut: every message is lost.' :
        by > 0 ? `Messages take ${by} ms longer.` : 'It works.');
      enable(here[0], !cut, 'It is cut.');
      enable(here[1], cut, 'It works.');
      enable(there[0], !back, 'It is cut.');
      enable(there[1], back, 'It works.');
      if (document.activeElement !== delay.select) {
        delay.select.value = String(by);
      }
    },
  };
}

export function messageActions({ id }, { act, history }) {
  const record = history.flights.get(id);
  if (record === undefined) {
    return { title: `Message ${id}`, look: [],
      nodes: [el('p', {}, 'It is not part of this history.')] };
  }
  const { message, from, to } = record.flight;
  const status = el('p', {});
  const actions = [
    button('Deliver now', () => act({ do: 'deliver', message: id }), { class: 'main' }),
    button('Lose', () => act({ do: 'drop', message: id })),
    button('Delay by 100 ms', () => act({ do: 'delay', message: id, by: 100 })),
    button('Duplicate', () => act({ do: 'duplicate', message: id }))];
  const head = el('p', { class: 'what' }, `${from} → ${to}: ${record.flight.text}`);
  return {
    title: `Message ${id}`,
    look: [head, status],
    nodes: [head, status, group('In flight', actions),
      el('dl', { class: 'code' }, [['type', messageType(message)], ...messageLines(message)]
        .flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, breakable(value))]))],
    update(view) {
      const flight = view.messages.find((each) => each.id === id);
      setText(status, flight === undefined ?
        view.at < record.flight.sentAt ? 'It is not sent yet.' :
          record.fate === 'arrived' ? 'It arrived.' : 'It was lost.' :
        flight.lost ? `Sent at ${msecs(flight.sentAt)}; it will be lost.` :
          `Sent at ${msecs(flight.sentAt)}; it arrives at ${msecs(flight.arrivesAt)}.`);
      for (const node of actions) {
        enable(node, flight !== undefined, 'It is not in flight.');
      }
    },
  };
}
