// SPDX-License-Identifier: MIT
import { begin, serverOf, settle, submit } from './helpers.js';

export default {
  name: 'snapshot_chunks',
  title: 'A snapshot in chunks',
  text: 'A server was cut off, and the leader has taken a snapshot and deleted the entries ' +
    'that the server lacks. Watch the snapshot travel in four chunks, one at a time, each ' +
    'written to disk before the next one is sent.',
  recording: { seed: 12 },
  play(cluster) {
    const { leader, others: [behind] } = begin(cluster);
    cluster.act({ do: 'partition', group: [behind] });
    cluster.chapter('A server is cut off');
    for (let i = 1; i <= 8; i++) {
      submit(cluster, leader, `k${i}=${i}`);
      cluster.run(50);
    }
    cluster.run(500);
    cluster.act({ do: 'snapshot', server: leader, trailing: 1 });
    cluster.chapter('The leader takes a snapshot');
    cluster.act({ do: 'healAll' });
    cluster.until((view) => view.messages.some(({ message }) =>
      message.type === 'installSnapshot'));
    cluster.chapter('The first chunk');
    cluster.until((view) => serverOf(view, behind).snapshotIndex > 0);
    cluster.chapter('The last chunk is stored');
    settle(cluster);
  },
};
