// SPDX-License-Identifier: MIT
import { begin, committed, serverOf, settle, submit } from './helpers.js';

export default {
  name: 'lease',
  title: 'A lease and a slow clock',
  text: 'The clock of the leader runs ten times too slowly, and the leader is cut off: when ' +
    'the others have elected a new leader, its lease is still valid by its own clock. ' +
    'Watch its two reads: the one under the lease returns an old value, the one that asks ' +
    'a majority gets no answer.',
  recording: { seed: 7 },
  play(cluster) {
    const { leader, others } = begin(cluster);
    submit(cluster, leader, 'x=1');
    settle(cluster);
    cluster.act({ do: 'clock', server: leader, rate: 0.1 });
    cluster.until((view) => serverOf(view, leader).peers.length === 2 &&
      view.messages.some(({ to }) => to === leader));
    cluster.act({ do: 'partition', group: [leader] });
    cluster.chapter('A slow clock, and a partition');
    cluster.until((view) => others.some((id) => serverOf(view, id).state === 'leader'));
    const next = others.find((id) => serverOf(cluster.view, id).state === 'leader');
    const index = submit(cluster, next, 'x=2');
    cluster.until(committed(next, index));
    cluster.chapter('The new leader commits x=2');
    cluster.act({ do: 'read', server: leader, lease: false });
    cluster.act({ do: 'read', server: leader, lease: true });
    cluster.chapter('The old leader answers x=1');
    cluster.act({ do: 'healAll' });
    settle(cluster);
    cluster.chapter('The other read was not answered');
  },
};
