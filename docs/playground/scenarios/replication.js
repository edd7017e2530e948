// SPDX-License-Identifier: MIT
import { begin, committed, stored, submit } from './helpers.js';

export default {
  name: 'replication',
  title: 'Replication of an entry',
  text: 'A client submits a command, and the leader sends it to the others while its own disk ' +
    'is writing. Watch when the entry is committed: as soon as the leader knows that a ' +
    'majority has it on disk; the others learn that with the next message.',
  recording: { seed: 2 },
  play(cluster) {
    const { leader, others } = begin(cluster);
    cluster.chapter('A leader');
    const index = submit(cluster, leader, 'x=1');
    cluster.chapter('A command');
    cluster.until((view) => others.some((id) => stored(id, index)(view)));
    cluster.chapter('A majority has stored it');
    cluster.until(committed(leader, index));
    cluster.chapter('The leader knows: committed');
    cluster.until((view) => others.every((id) => committed(id, index)(view)));
    cluster.chapter('The others know');
  },
};
