// SPDX-License-Identifier: MIT
import { leads, links, serverOf, settle, stored, submit } from './helpers.js';

/** A server campaigns until the moment in which it is elected. */
function elect(cluster, id) {
  for (let tries = 0; tries < 5; tries++) {
    cluster.run(1100); // until nobody has heard of a leader for an election timeout
    cluster.act({ do: 'campaign', server: id });
    try {
      cluster.until(leads(id), 300);
      return;
    } catch {
      // Some servers had voted in that term already. They can vote in the next one.
    }
  }
  throw new Error(`server ${id} is not elected`);
}

export default {
  name: 'figure8',
  title: 'Figure 8: an entry of an old term',
  text: 'A leader finds an entry of an earlier term in its log and brings it to a majority, ' +
    'but does not count it as committed, because an entry of its own term is not there ' +
    'yet. Watch that entry being overwritten by another leader, which breaks no promise: ' +
    'no server has ever reported it as committed.',
  // One entry in a message, so that the old one travels alone. Nobody campaigns unasked.
  recording: { servers: 5, seed: 1,
    settings: { preVote: false, electionDelay: 600000, maxMessageEntries: 1 } },
  play(cluster) {
    elect(cluster, 1);
    settle(cluster);
    links(cluster, 'cut', 1, [3, 4, 5]);
    const index = submit(cluster, 1, 'x=1');
    cluster.until((view) => stored(1, index)(view) && stored(2, index)(view));
    cluster.chapter('(a) Server 1 leads; its entry reaches server 2 only');
    cluster.act({ do: 'kill', server: 1, lose: 'unwritten' });
    cluster.act({ do: 'healAll' });
    elect(cluster, 5);
    links(cluster, 'cut', 5, [1, 2, 3, 4]);
    cluster.until(stored(5, index));
    cluster.chapter('(b) Server 5 leads the next term; its entry reaches no other server');
    cluster.act({ do: 'kill', server: 5, lose: 'unwritten' });
    cluster.act({ do: 'restart', server: 1 });
    elect(cluster, 1);
    links(cluster, 'cut', 1, [2, 4, 5]);
    cluster.until(stored(3, index));
    links(cluster, 'cut', 1, [3]);
    cluster.until((view) => serverOf(view, 1).peers.some(({ id, match }) =>
      id === 3 && match === index));
    cluster.chapter('(c) Server 1 leads again; the entry is on a majority');
    cluster.act({ do: 'kill', server: 1, lose: 'unwritten' });
    cluster.act({ do: 'healAll' });
    cluster.act({ do: 'restart', server: 5 });
    elect(cluster, 5);
    cluster.chapter('(d) Server 5 leads: its last entry has a later term');
    settle(cluster);
    cluster.chapter('The entry is overwritten');
    cluster.act({ do: 'restart', server: 1 });
    settle(cluster);
  },
};
