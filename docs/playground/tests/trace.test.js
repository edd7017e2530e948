// SPDX-License-Identifier: MIT
// A trace file of raft-sim as frames: what they show agrees with the text of --trace.
// RAFT_SIM, or the argument, is the path of raft-sim.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'node:test';

import { framesOfTrace } from '../engine/trace.js';

const SIM = process.argv[2] ?? process.env.RAFT_SIM;
const skip = SIM === undefined && process.env.RAFT_INSIST === undefined ? 'no RAFT_SIM' : false;

/** Run a seed; returns the text and the trace file. */
function simulate(...args) {
  const folder = mkdtempSync(join(tmpdir(), 'trace-'));
  const path = join(folder, 'trace.jsonl');
  try {
    const done = spawnSync(SIM, ['--quiet', '--trace', '--trace-file', path, ...args],
      { encoding: 'utf8', maxBuffer: 2 ** 28 });
    return { status: done.status, text: done.stdout, file: readFileSync(path, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the text of --trace says of each server in the end. */
function endOf(text) {
  const servers = new Map();
  for (const [, name, what] of text.matchAll(/^ *[\d.]+ ms  s(\d) +(.*)$/gm)) {
    const server = servers.get(name) ?? {};
    const role = /^is (\w+) of term (\d+)/.exec(what);
    const boot = /^boots: term (\d+)/.exec(what);
    const members = /^configuration (.*) of (\d+)/.exec(what);
    const change = role ? { state: role[1], term: Number(role[2]) }
      : boot ? { state: 'follower', term: Number(boot[1]), up: true }
        : members ? { members: members[1], index: Number(members[2]) }
          : what.startsWith('crashes') ? { state: 'unavailable', up: false } : {};
    servers.set(name, { ...server, ...change });
  }
  return servers;
}

const LETTERS = { voter: '', standby: 's', spare: 'p', voterOutgoing: 'o', voterIncoming: 'i',
  voterToStandby: 't', voterToSpare: 'u' };

function agrees(view, text) {
  const end = endOf(text);
  assert.equal(end.size, view.servers.length);
  for (const [id, { state, term, up, members, index }] of end) {
    const server = view.servers[Number(id) - 1];
    assert.deepEqual([server.state, server.up], [state, up], `s${id}`);
    assert.ok(!up || server.term >= term);
    assert.ok(!up || state === 'follower' || server.term === term);
    if (members !== undefined && up) {
      assert.equal(server.configuration.index, index);
      assert.equal(server.configuration.servers.map((one) => `${one.id}${LETTERS[one.role]}`)
        .join(' '), members.replaceAll(/@\S+/g, ''));
    }
  }
}

test('the last frame is the end of the run', { skip }, () => {
  for (const seed of ['3', '8']) {
    const { status, text, file } = simulate('--seed', seed);
    assert.equal(status, 0, text.slice(-500));
    const frames = framesOfTrace(file);
    const { view } = frames.at(-1);
    agrees(view, text);
    const lead = view.servers.filter(({ state }) => state === 'leader')
      .reduce((a, b) => a.term > b.term ? a : b);
    assert.equal(lead.commitIndex, view.committed);
    const received = text.match(/^ *[\d.]+ ms  s\d +receives /gm).length;
    const lost = text.match(/^ *[\d.]+ ms  s\d +message \d+ to s\d lost/gm)?.length ?? 0;
    const facts = file.split('\n').map((line) => /"kind":"(\w+)"/.exec(line)?.[1]);
    assert.equal(facts.filter((kind) => kind === 'message').length, received);
    assert.equal(facts.filter((kind) => kind === 'lost').length, lost);
    frames.forEach((frame, i) => {
      assert.equal(frame.number, i);
      const known = i > 0 && frames[i - 1].view.messages.some(({ id }) => id === frame.arrived);
      assert.ok(i === 0 || known === (frame.arrived !== undefined), frame.what);
      assert.ok(i === 0 || frame.at >= frames[i - 1].at);
    });
    const notes = frames.flatMap((frame) => frame.notes);
    assert.ok(notes.some(({ kind }) => kind === 'commit'));
    assert.ok(!notes.some(({ kind }) => kind === 'violation'));
  }
});

test('a run that fails ends with its violation', { skip }, () => {
  for (const [name, ...more] of [['forged-term', '--seed', '5'], ['early-ack', '--seed', '1'],
    ['early-commit', '--seed', '1']]) {
    const { status, text, file } = simulate('--break', name, ...more);
    assert.equal(status, 1, name);
    const violation = / violates (.*)/.exec(text)[1];
    const last = framesOfTrace(file).at(-1);
    assert.ok(last.notes.some((note) => note.kind === 'violation' && note.text === violation));
    agrees(last.view, text);
  }
});

test('what is not a trace is refused', () => {
  const head = '{"kind":"raft-sim","version":1,"seed":1,"servers":1}\n';
  const server = { kind: 'server', at: 1, server: 1, state: 'leader', term: 2, votedFor: 1,
    leader: 1, commitIndex: 1, firstIndex: 1, lastIndex: 1, lastStored: 1, snapshotIndex: 0,
    asleep: false };
  const message = { kind: 'message', at: 2, sent: 1, from: 1, to: 1, type: 'timeoutNow',
    text: 'x' };
  const file = (...facts) => head + facts.map((fact) => JSON.stringify(fact)).join('\n');
  assert.equal(framesOfTrace(file(server, message)).length, 3);
  for (const wrong of ['', '{', 'null', '{}', head.replace('1', '2'), `${head}{`, `${head}null`,
    file({ ...server, kind: 'toString' }), file({ ...server, at: -1 }),
    file({ ...server, server: 10 }), file({ ...server, state: 'x' }),
    file({ ...server, term: '2' }),
    file({ ...server, configuration: [] }), file({ ...message, sent: 3 }),
    file({ ...message, type: 'constructor' }), file({ kind: 'note', at: 1, server: 1 })]) {
    assert.throws(() => framesOfTrace(wrong), TypeError, wrong.slice(0, 200));
  }
});
