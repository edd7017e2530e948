// SPDX-License-Identifier: MIT
// What scenarios have in common. They ask the view for the moment to act, so that they reach their
// end with any seed.

export const serverOf = (view, id) => view.servers.find((server) => server.id === id);

/** Run until a leader has committed the first entry of its term, and everybody knows. Returns the
 * leader and the others. */
export function begin(cluster) {
  settle(cluster);
  const leader = cluster.leader();
  return { leader, others: cluster.view.servers.map(({ id }) => id).filter((id) => id !== leader) };
}

/** Run until every running server has committed what its leader has. */
export function settle(cluster) {
  cluster.until((view) => {
    const leader = serverOf(view, cluster.leader());
    return leader && leader.commitIndex === leader.lastIndex &&
      leader.log.at(-1)?.term === leader.term &&
      view.servers.every((server) => !server.up || server.commitIndex === leader.commitIndex);
  });
}

/** Submit a command; returns its index. */
export function submit(cluster, server, command) {
  cluster.act({ do: 'submit', server, command });
  return serverOf(cluster.view, server).lastIndex;
}

/** Cut or heal the links from one server to others, in that direction only. */
export function links(cluster, what, from, others) {
  for (const to of others) {
    cluster.act({ do: what, from, to });
  }
}

export const leads = (id) => (view) => serverOf(view, id).state === 'leader';
export const stored = (id, index) => (view) => serverOf(view, id).lastStored >= index;
export const committed = (id, index) => (view) => serverOf(view, id).commitIndex >= index;
