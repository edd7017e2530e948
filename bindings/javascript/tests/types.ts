// SPDX-License-Identifier: MIT
// Compiled, not run: the declarations as a user meets them, and what they must refuse.
import { Feature, NotLeader, RaftError, UpdateFlag, instantiate, wire } from 'libraft-core';
import type { AppendEntries, Entry, Event, Library, Message, Update } from 'libraft-core';
import { load as loadWasm } from 'libraft-core/node';
import { load } from 'libraft-core/native';

const native: Library = load('/usr/lib/libraft-core.so.1');
const fetched: Library = await instantiate(fetch('raft.wasm'));
const file: Library = await loadWasm(new URL('file:///raft.wasm'));
const backEnds: ('native' | 'wasm')[] = [native, fetched, file].map((l) => l.Raft.backEnd);

const raft = new native.Raft(1, 'one', { seed: 1, preVote: true, idleTimeout: 5000,
  features: Feature.rounds | Feature.sleep, tracer: (record) => record.text.length });

function carryOut(update: Update, log: Entry[]): Uint8Array[] {
  if (update.flags & UpdateFlag.currentTerm && update.mustSave) {
    raft.currentTerm.toFixed();
  }
  if (update.entries) {
    log.length = update.entries.index - 1;
    log.push(...update.entries.entries);
  }
  return update.messages.map((message: Message) => {
    if (message.type === 'appendEntries') {
      const at = message.prevLogIndex;
      message.entries = log.slice(at, at + (message.nEntries ?? 0));
    } else if (message.type === 'installSnapshot') {
      message.data = new Uint8Array(0);
    }
    return wire.encode(message, 1, 'one');
  });
}

const events: Event[] = [
  { type: 'start', term: 1, votedFor: 0, startIndex: 1, entries: [],
    snapshot: { index: 1, term: 1, configuration: [{ id: 1, address: 'one' }] } },
  { type: 'bootstrap', configuration: [{ id: 1, address: 'one', role: 'voter' }] },
  { type: 'submit', entries: [{ payload: new Uint8Array(3), context: { any: 'thing' } }] },
  { type: 'transfer' }, { type: 'timeout' }, { type: 'wake' },
  { type: 'receive', message: wire.decode(new Uint8Array(17)) },
];
for (const event of events) {
  try {
    carryOut(raft.step(event, 0, 100), []);
  } catch (error) {
    if (error instanceof NotLeader || error instanceof RaftError) {
      const code: string = error.code;
      const where: string | undefined = raft.leader?.address;
      throw new Error(code + where);
    }
  }
}
const mode: 'none' | 'probe' | 'pipeline' | 'snapshot' = raft.progress(2).mode;
const votes: boolean = raft.role === 'voter' &&
  raft.configurationAt(1).servers[0]?.role === 'voter';

// @ts-expect-error: no such event
raft.step({ type: 'elect' }, 0);
// @ts-expect-error: no time
raft.step({ type: 'timeout' });
// @ts-expect-error: a field of another event
raft.step({ type: 'timeout', index: 3 }, 0);
// @ts-expect-error: a payload is bytes
raft.step({ type: 'submit', entries: [{ payload: 'text' }] }, 0);
// @ts-expect-error: numbers are of type number
raft.step({ type: 'unreachable', serverId: 2n }, 0);
// @ts-expect-error: no such role
raft.step({ type: 'bootstrap', configuration: [{ id: 1, address: 'one', role: 'boss' }] }, 0);
// @ts-expect-error: no such setting
raft.configure({ electionTime: 5 });
// @ts-expect-error: only getters
raft.commitIndex = 5;
// @ts-expect-error: there may be no leader
raft.leader.id;
// @ts-expect-error: a message needs its fields
const message: AppendEntries = { type: 'appendEntries', serverId: 1, serverAddress: 'one' };
