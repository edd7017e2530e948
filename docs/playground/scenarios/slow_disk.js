// SPDX-License-Identifier: MIT
import { begin, committed, stored, submit } from './helpers.js';

export default {
  name: 'slow_disk',
  title: 'A leader with a slow disk',
  text: 'The disk of the leader needs half a second for a write, but the leader sends its ' +
    'entries at once. Watch an entry become committed when two followers have stored it, ' +
    'before the leader itself has.',
  recording: { seed: 6 },
  play(cluster) {
    const { leader } = begin(cluster);
    cluster.act({ do: 'slowDisk', server: leader, by: 500 });
    cluster.chapter('The disk of the leader is slow');
    const index = submit(cluster, leader, 'x=1');
    cluster.chapter('A command');
    cluster.until(committed(leader, index));
    cluster.chapter('Committed by the followers');
    cluster.until(stored(leader, index));
    cluster.chapter('The leader has stored it, too');
  },
};
