// SPDX-License-Identifier: MIT
// Scenarios that only the pictures use: smaller than those of the playground.
import { begin, committed, leads, settle, submit } from '../playground/scenarios/helpers.js';

/** A leader that is cut off keeps a command that is lost later. */
export const partition = {
  name: 'partition', recording: { seed: 25 },
  play(cluster) {
    const { leader, others } = begin(cluster);
    cluster.act({ do: 'partition', group: [leader] });
    submit(cluster, leader, 'x=1');
    cluster.until((view) => others.some((id) => leads(id)(view)));
    const next = cluster.leader();
    const index = submit(cluster, next, 'x=2');
    cluster.until(committed(next, index));
    cluster.act({ do: 'healAll' });
    settle(cluster);
  },
};

/** One read by a round of heartbeats, one under the lease. */
export const reads = {
  name: 'reads', recording: { seed: 7 },
  play(cluster) {
    const { leader } = begin(cluster);
    submit(cluster, leader, 'x=1');
    settle(cluster);
    cluster.act({ do: 'read', server: leader, lease: false });
    cluster.until((view) => view.requests.at(-1).status === 'done');
    cluster.run(40);
    cluster.act({ do: 'read', server: leader, lease: true });
  },
};
