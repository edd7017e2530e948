// SPDX-License-Identifier: MIT
// Events as structs of C, in a block of memory that belongs to one raft.
import { checked, offsets, plain, setU64, writePlain } from './fields.js';
import { entryTypes, eventTypes, messageTypes, number, roles } from './names.js';

const utf8 = new TextEncoder();
const ALIGNMENT = 8;

const payloadOf = (bytes) => {
  if (bytes === undefined || bytes === null) {
    return EMPTY;
  }
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError('payloads and data must be of type Uint8Array');
  }
  return bytes;
};
export const EMPTY = new Uint8Array(0);

const sizeOfEntries = (entries, size) =>
  (entries ?? []).reduce((sum, e) => sum + payloadOf(e.payload).length, 0) +
  (entries?.length ?? 0) * size;
const sizeOfServers = (servers, size) => (servers ?? []).reduce(
  (sum, s) => sum + size + 3 * String(s.address).length + 1, 0);

/** The encoder for a back end. */
export function makeEncoder(memory) {
  const { model } = memory;
  const struct = (name) => offsets(model, name);
  const E = struct('raft_event');
  const M = struct('raft_message');
  const ENTRY = struct('raft_entry');
  const BUFFER = struct('raft_buffer');
  const SERVER = struct('raft_server');
  const CONF = struct('raft_configuration');
  const META = struct('raft_snapshot_metadata');
  const START = struct('raft_event_start');
  const SUBMIT = struct('raft_event_submit');
  const APPEND = struct('raft_append_entries');
  const INSTALL = struct('raft_install_snapshot');
  const START_FIELDS = plain(model, 'raft_event_start', ['n_entries']);
  const META_FIELDS = plain(model, 'raft_snapshot_metadata');

  // Events and messages that have plain fields only, beside what is handled below.
  const EVENT_FIELDS = {};
  for (const [name, value] of Object.entries(eventTypes.byName)) {
    const member = Object.keys(E).find((m) => eventTypes.byName[camelOf(m)] === value);
    EVENT_FIELDS[name] = member === undefined ? [0, []]
      : [E[member], plain(model, `raft_event_${member}`, ['n', 'n_entries'])];
  }
  const MESSAGE_FIELDS = {};
  for (const name of Object.keys(messageTypes.byName)) {
    const member = Object.keys(M).find((m) => camelOf(m) === name);
    MESSAGE_FIELDS[name] = [M[member], plain(model, `raft_${member}`, ['n_entries'])];
  }

  const SLACK = E.size + M.size + META.size + 8 * ALIGNMENT;

  /** Bytes that an event needs, at most. */
  function sizeOf(event) {
    const m = event.message;
    return SLACK + sizeOfEntries(event.entries, ENTRY.size) +
      sizeOfServers(event.configuration, SERVER.size) +
      sizeOfServers(event.snapshot?.configuration, SERVER.size) +
      (m === undefined ? 0
        : sizeOfEntries(m.entries, ENTRY.size) + sizeOfServers(m.configuration, SERVER.size) +
          (m.data?.length ?? 0) + 3 * String(m.serverAddress).length + 1);
  }

  // The block that is being filled, and its first free byte.
  let block, dv, u8, base, free;

  function reserve(size) {
    const at = free;
    free = Math.ceil((at + size) / ALIGNMENT) * ALIGNMENT;
    u8.fill(0, base + at, base + at + size);
    return at;
  }

  const pointTo = (at, target) => memory.setPointer(dv, base + at, block.address + target);

  function bytes(at, source) {
    if (source.length > 0) {
      const target = free;
      free += source.length;
      u8.set(source, base + target);
      pointTo(at + BUFFER.base, target);
      memory.setSize(dv, base + at + BUFFER.len, source.length);
    }
  }

  function text(at, string) {
    if (typeof string !== 'string') {
      throw new TypeError(`an address must be a string, not ${String(string)}`);
    }
    const raw = utf8.encode(string);
    if (raw.includes(0)) {
      throw new RangeError('a zero byte in an address');
    }
    const target = free;
    free += raw.length + 1;
    u8.set(raw, base + target);
    u8[base + target + raw.length] = 0;
    pointTo(at, target);
  }

  function configuration(at, servers) {
    const array = reserve(servers.length * SERVER.size);
    pointTo(at + CONF.servers, array);
    dv.setUint32(base + at + CONF.n, servers.length, true);
    servers.forEach((server, i) => {
      const o = array + i * SERVER.size;
      setU64(dv, base + o + SERVER.id, checked(server.id, 'id'));
      dv.setInt32(base + o + SERVER.role,
        typeof server.role === 'number' ? server.role // unknown: the library refuses it
          : number(roles, server.role ?? 'voter', 'a role'), true);
      text(o + SERVER.address, server.address);
    });
    free = Math.ceil(free / ALIGNMENT) * ALIGNMENT;
  }

  /** Cookies are positions, from 1. */
  function entries(at, atCount, list) {
    const array = reserve(list.length * ENTRY.size);
    if (list.length > 0) {
      pointTo(at, array);
      dv.setUint32(base + atCount, list.length, true);
    }
    for (let i = 0; i < list.length; i++) {
      const entry = list[i];
      const o = array + i * ENTRY.size;
      setU64(dv, base + o + ENTRY.term, checked(entry.term ?? 0, 'term'));
      dv.setInt32(base + o + ENTRY.type,
        typeof entry.type === 'number' ? entry.type // unknown: the library refuses it
          : number(entryTypes, entry.type ?? 'command', 'a type of entry'), true);
      memory.setSize(dv, base + o + ENTRY.cookie, i + 1);
      bytes(o + ENTRY.buf, payloadOf(entry.payload));
    }
    free = Math.ceil(free / ALIGNMENT) * ALIGNMENT;
  }

  function metadata(at, snapshot) {
    writePlain(META_FIELDS, dv, base + at, snapshot);
    configuration(at + META.configuration, snapshot.configuration ?? []);
  }

  function message(m) {
    const at = reserve(M.size);
    setU64(dv, base + at + M.server_id, checked(m.serverId, 'serverId'));
    text(at + M.server_address, m.serverAddress);
    free = Math.ceil(free / ALIGNMENT) * ALIGNMENT;
    if (typeof m.type === 'number') { // unknown: the library ignores it
      dv.setInt32(base + at + M.type, checked(m.type, 'type'), true);
      return at;
    }
    dv.setInt32(base + at + M.type, number(messageTypes, m.type, 'a message'), true);
    const [member, fields] = MESSAGE_FIELDS[m.type];
    writePlain(fields, dv, base + at + member, m);
    if (m.type === 'appendEntries') {
      entries(at + member + APPEND.entries, at + member + APPEND.n_entries, m.entries ?? []);
    } else if (m.type === 'installSnapshot') {
      configuration(at + member + INSTALL.conf, m.configuration ?? []);
      bytes(at + member + INSTALL.data, payloadOf(m.data));
    }
    return at;
  }

  function fill(event) {
    const [member, fields] = EVENT_FIELDS[event.type];
    switch (event.type) {
      case 'start':
        writePlain(START_FIELDS, dv, base + member, event);
        entries(member + START.entries, member + START.n_entries, event.entries ?? []);
        if (event.snapshot) {
          const at = reserve(META.size);
          pointTo(member + START.metadata, at);
          metadata(at, event.snapshot);
        }
        break;
      case 'receive': pointTo(member, message(event.message)); break;
      case 'submit': entries(member + SUBMIT.entries, member + SUBMIT.n, event.entries); break;
      case 'bootstrap': case 'recover': case 'reconfigure':
        configuration(member, event.configuration); // the first field of each
        writePlain(fields, dv, base + member, event);
        break;
      case 'snapshot': case 'persistedSnapshot':
        writePlain(META_FIELDS, dv, base + member, event); // metadata is the first field
        writePlain(fields, dv, base + member, event);
        break;
      default: writePlain(fields, dv, base + member, event);
    }
  }

  /** Write the event at the beginning of the block, which has at least sizeOf() bytes. */
  function encode(target, event, time, capacity) {
    block = target;
    free = 0;
    ({ dv, u8, base } = memory.open(block));
    reserve(E.size);
    dv.setInt32(base + E.type, number(eventTypes, event.type, 'an event'), true);
    setU64(dv, base + E.time, checked(time, 'time'));
    if (!(capacity >= 0 && capacity <= 0xffff)) {
      throw new RangeError('capacity must be from 0 to 65535');
    }
    dv.setUint16(base + E.capacity, capacity, true);
    fill(event);
    if (free > block.size) {
      throw new Error('libraft: the size of an event was computed wrongly');
    }
  }
  return { encode, sizeOf };
}

const camelOf = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
