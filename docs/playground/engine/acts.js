// SPDX-License-Identifier: MIT
// What a person or a scenario can do. Each act says which server takes part, how it reads, and what
// it does; what it returns is why it was refused.
import { addressOf } from './text.js';

const MAX_SERVERS = 12;
const utf8 = new TextEncoder();

/** An act on a running server. */
const on = (text, run) => ({
  server: (act) => act.server,
  text: (act) => `server ${act.server}: ${text(act)}`,
  run: (cluster, act) => {
    const server = cluster.servers.get(act.server);
    return server === undefined ? `there is no server ${act.server}`
      : !server.up ? `server ${act.server} is down` : run(server, act, cluster);
  },
});

/** An act on a server, whether it runs or not. */
const onAny = (text, run) => ({ ...on(text, run),
  run: (cluster, act) => {
    const server = cluster.servers.get(act.server);
    return server === undefined ? `there is no server ${act.server}` : run(server, act, cluster);
  },
});

/** An act on the network. */
const net = (text, run) => ({ server: () => 0, text, run });

/** An act on a message on its way. It makes the frame itself if `frames`. */
const message = (run, text) => ({
  server: () => 0,
  text: (act) => `${text} message ${act.message}`,
  frames: (cluster, act) => text === undefined && cluster.network.find(act.message),
  run: (cluster, act) => cluster.network.find(act.message) ? run(cluster.network, act)
    : `message ${act.message} is not on its way`,
});

const simple = (type, text) => on(() => text, (server) => server.step({ type }));

function setGroup(cluster, group) {
  const ids = [...cluster.servers.keys()];
  for (const from of ids) {
    for (const to of ids) {
      if (group.includes(from) !== group.includes(to)) {
        cluster.network.setLink(from, to, { cut: true });
      }
    }
  }
}

/** Start a new server with an empty disk, if there is none with this ID. */
function ensure(cluster, id) {
  if (!cluster.servers.has(id)) {
    if (cluster.servers.size >= MAX_SERVERS) {
      return `there are ${MAX_SERVERS} servers already`;
    }
    cluster.addServer(id).boot();
  }
  return undefined;
}

function submit(server, { command }, cluster) {
  const error = server.step({ type: 'submit', entries: [{ payload: utf8.encode(command) }] });
  if (error === undefined) {
    cluster.requests.command(server, command);
  }
  return error;
}

function read(server, { lease }, cluster) {
  const id = cluster.requests.read(server, lease);
  const error = server.step({ type: 'read', id, lease });
  if (error !== undefined) {
    cluster.requests.failed(id, error);
  }
  return error;
}

function add(server, { id }, cluster) {
  if (cluster.servers.has(id)) {
    return `there is a server ${id} already: an ID is never used again`;
  }
  return ensure(cluster, id) ?? server.reconfigure((servers) => [...servers,
    { id, address: addressOf(id), role: 'standby' }]);
}

function change(server, { voters }, cluster) {
  const error = voters.map((id) => ensure(cluster, id)).find((text) => text !== undefined);
  return error ?? server.reconfigure((servers) => [
    ...voters.map((id) => ({ id, address: addressOf(id), role: 'voter' })),
    ...servers.filter(({ id, role }) => !voters.includes(id) &&
      (role === 'standby' || role === 'spare')),
  ].sort((a, b) => a.id - b.id));
}

function configure(server, { settings }) {
  if (!server.up) {
    Object.assign(server.settings, settings);
    return undefined;
  }
  for (const [name, value] of Object.entries(settings)) {
    try {
      server.raft.configure({ [name]: value });
    } catch (error) {
      return error.message;
    }
    server.settings[name] = value;
  }
  server.retime(false);
  return undefined;
}

const LOSE = {
  nothing: 'is killed', unwritten: 'is killed; unfinished writes are lost',
  all: 'is killed; its disk is emptied',
};

export const ACTS = {
  submit: on((act) => `a client submits "${act.command}"`, submit),
  read: on((act) => act.lease ? 'a client reads under the lease' : 'a client reads', read),
  kill: on((act) => LOSE[act.lose], (server, { lose }) => server.stop(lose)),
  restart: onAny(() => 'restarts', (server) => server.up ? `server ${server.id} is running`
    : server.boot()),
  cut: net((act) => `the link from ${act.from} to ${act.to} is cut`,
    (cluster, { from, to }) => cluster.network.setLink(from, to, { cut: true })),
  heal: net((act) => `the link from ${act.from} to ${act.to} is healed`,
    (cluster, { from, to }) => cluster.network.setLink(from, to, { cut: false })),
  partition: net((act) => `${act.group.join(' ')} cannot reach the others, nor they them`,
    (cluster, { group }) => setGroup(cluster, group)),
  healAll: net(() => 'all links are healed', (cluster) => {
    for (const { from, to } of cluster.network.links) {
      cluster.network.setLink(from, to, { cut: false });
    }
  }),
  slowLink: net((act) => `the link from ${act.from} to ${act.to} takes ${act.by} ms longer`,
    (cluster, { from, to, by }) => cluster.network.setLink(from, to, { by })),
  slowDisk: onAny((act) => `its disk takes ${act.by} ms longer`, (server, { by }) => {
    server.slowness = by;
  }),
  loss: net((act) => `${Math.round(act.share * 100)} percent of the messages are lost`,
    (cluster, { share }) => { cluster.network.loss = share; }),
  clock: onAny((act) => `its clock has the rate ${act.rate}`, (server, { rate }, cluster) => {
    server.clock.setRate(rate, cluster.now);
    if (server.up) {
      server.retime(true);
    }
  }),
  drop: message((network, act) => network.lose(act.message, 'act')),
  deliver: message((network, act) => network.arrive(act.message, 'act')),
  duplicate: message((network, act) => network.duplicate(act.message), 'a copy is made of'),
  delay: message((network, act) => network.delay(act.message, act.by), 'a delay of'),
  add: on((act) => `add ${act.id} as a standby`, add),
  promote: on((act) => `catch ${act.id} up, to make it a voter`,
    (server, { id }) => server.promote(id)),
  demote: on((act) => `make ${act.id} a standby`, (server, { id }) =>
    server.reconfigure((servers) => servers
      .map((other) => other.id === id ? { ...other, role: 'standby' } : other))),
  remove: on((act) => `remove ${act.id}`, (server, { id }) =>
    server.reconfigure((servers) => servers.filter((other) => other.id !== id))),
  change: on((act) => `make ${act.voters.join(' ')} the voters`, change),
  transfer: on((act) => `transfer leadership to ${act.to}`,
    (server, { to }) => server.step({ type: 'transfer', serverId: to })),
  snapshot: on(() => 'takes a snapshot', (server, { trailing }) => server.takeSnapshot(trailing)),
  campaign: simple('campaign', 'campaigns'),
  wake: simple('wake', 'is woken'),
  timeout: simple('timeout', 'its timer expires'),
  recover: on((act) => `recovers with the voters ${act.voters.join(' ')}`,
    (server, { voters }) => server.step({ type: 'recover',
      configuration: voters.map((id) => ({ id, address: addressOf(id), role: 'voter' })) })),
  configure: onAny((act) => `settings: ${JSON.stringify(act.settings)}`, configure),
};
