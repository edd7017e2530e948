// SPDX-License-Identifier: MIT
// Each promise of Raft is reported when it is broken, and not before.
import assert from 'node:assert/strict';
import test from 'node:test';

import { Check } from '../engine/check.js';

/** A check, and what it reports. */
function checked() {
  const told = [];
  return { told, check: new Check((server, kind, text) => told.push(`${kind} ${server} ${text}`)) };
}

/** A server with a log of [term, text], from `first` on. */
function server(id, state, term, log, commitIndex = 0, first = 1) {
  return { id, up: true,
    log: log.map(([of, text], i) => ({ index: first + i, term: of, type: 'command', text })),
    raft: { state, currentTerm: term, commitIndex, lastIndex: first + log.length - 1,
      snapshotIndex: first - 1 } };
}

test('election safety', () => {
  const { check, told } = checked();
  check.server(server(1, 'leader', 2, []));
  check.server(server(2, 'leader', 3, []));
  check.server(server(1, 'follower', 3, []));
  check.server(server(1, 'leader', 4, []));
  assert.deepEqual(told, []);
  check.server(server(3, 'leader', 4, []));
  assert.match(told[0], /^violation 3 election safety: servers 1 and 3 both lead term 4/);
});

test('log matching', () => {
  const { check, told } = checked();
  check.server(server(1, 'follower', 2, [[1, 'a'], [2, 'b']]));
  check.server(server(2, 'follower', 2, [[1, 'a'], [1, 'c']]));
  check.server(server(3, 'follower', 2, [[2, 'b'], [2, 'd']], 0, 2));
  assert.deepEqual(told, []);
  check.server(server(4, 'follower', 2, [[2, 'z']], 0, 2));
  assert.match(told[0], /log matching: entry 2 of term 2 differs on server 4/);
  check.server(server(5, 'follower', 3, [[1, 'a'], [1, 'c'], [2, 'd']]));
  assert.match(told[1], /log matching: entry 3 of term 2 differs on server 5/);
});

test('a leader has every committed entry', () => {
  const { check, told } = checked();
  check.server(server(1, 'leader', 2, [[1, 'a'], [2, 'b']], 2));
  assert.equal(check.committed, 2);
  check.server(server(2, 'follower', 2, [[1, 'a']], 1));
  check.server(server(3, 'leader', 3, [[2, 'b']], 2, 2)); // the first is in its snapshot
  assert.deepEqual(told, []);
  check.server(server(2, 'leader', 4, [[1, 'a']], 1));
  assert.match(told[0], /committed entry is lost: server 2 leads term 4 without entry 2 of term 2/);
});

test('a committed entry stays, and all servers apply the same', () => {
  const { check, told } = checked();
  check.server(server(1, 'leader', 2, [[2, 'a']], 1));
  check.applied(1, { index: 1, term: 2, type: 'command', text: 'a' });
  check.applied(2, { index: 1, term: 2, type: 'command', text: 'a' });
  assert.deepEqual(told, []);
  check.server(server(3, 'follower', 3, [[3, 'b']], 1));
  assert.match(told[0], /entry 1 of term 2 was committed, and server 3 commits that of term 3/);
  check.applied(3, { index: 1, term: 3, type: 'command', text: 'b' });
  assert.match(told[1], /state machine safety: server 3 applies "b" at index 1, where "a" was/);
  check.applied(4, { index: 1, term: 3, type: 'command', text: 'b' });
  assert.equal(told.length, 2);
});

test('a read is not stale', () => {
  const { check, told } = checked();
  check.answered(1, { id: 1, index: 5 }, 5);
  assert.deepEqual(told, []);
  check.answered(1, { id: 2, index: 4 }, 5);
  assert.match(told[0], /stale read: read 2 was answered at index 4, but entry 5/);
});
