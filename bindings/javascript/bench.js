// SPDX-License-Identifier: MIT
// The time of a step in JavaScript: ../digest/README.md describes the two figures.
import process from 'node:process';

const NOW = 5000;

const nanoseconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

export function bench(Raft, steps) {
  const r = new Raft(1, '1');
  r.step({ type: 'start' }, 0);
  r.step({ type: 'bootstrap', configuration: [{ id: 1, address: '1' }] }, 0);
  while (r.state !== 'leader' || r.commitIndex !== r.lastIndex) {
    if (r.lastStored !== r.lastIndex) {
      r.step({ type: 'persistedEntries', index: r.lastIndex }, 0);
    } else {
      r.step({ type: 'timeout' }, r.timeout);
    }
  }
  let sum = 0;
  let begin = nanoseconds();
  for (let i = 0; i < steps; i++) {
    sum += r.step({ type: 'unreachable', serverId: 99 }, NOW).flags;
  }
  console.log(`null ${((nanoseconds() - begin) / steps).toFixed(1)}`);
  begin = nanoseconds();
  for (let i = 0; i < steps / 2; i++) {
    const payload = new Uint8Array(16).fill(120);
    const { entries } = r.step({ type: 'submit', entries: [{ payload }] }, NOW);
    sum += entries.entries[0].payload.length;
    r.step({ type: 'stored', index: entries.index, write: entries.write }, NOW);
    sum += r.commitIndex;
  }
  console.log(`submit ${((nanoseconds() - begin) / steps).toFixed(1)}`);
  if (sum === 0) {
    throw new Error('nothing happened');
  }
  r.close();
}
