// SPDX-License-Identifier: MIT
// Updates of C as objects. Everything is copied, except the payloads that came with the event:
// these are the event's own.
import { getU64, offsets, plain, readPlain } from './fields.js';
import { EMPTY } from './encode.js';
import { camel, entryTypes, messageTypes, roles, UpdateFlag as F } from './names.js';

/** The decoder for a back end. */
export function makeDecoder(memory) {
  const { model } = memory;
  const struct = (name) => offsets(model, name);
  const U = struct('raft_update');
  const ENTRIES = struct('raft_update_entries');
  const SNAPSHOT = struct('raft_update_snapshot');
  const MESSAGES = struct('raft_update_messages');
  const READS = struct('raft_update_reads');
  const READ = struct('raft_read');
  const ENTRY = struct('raft_entry');
  const BUFFER = struct('raft_buffer');
  const CONF = struct('raft_configuration');
  const SERVER = struct('raft_server');
  const META = struct('raft_snapshot_metadata');
  const M = struct('raft_message');
  const INSTALL = struct('raft_install_snapshot');
  const META_FIELDS = plain(model, 'raft_snapshot_metadata');
  const READ_FIELDS = plain(model, 'raft_read', ['reserved0']);
  const PEER_FIELDS = plain(model, 'raft_peer');
  const TRACE_FIELDS = plain(model, 'raft_tracer_info', ['version']);
  const TRACE = struct('raft_tracer_info');
  const MESSAGE = [];
  for (const [name, value] of Object.entries(messageTypes.byName)) {
    const member = Object.keys(M).find((m) => camel(m) === name);
    MESSAGE[value] = { name, at: M[member],
      fields: plain(model, `raft_${member}`, name === 'installSnapshot' ? ['last'] : []) };
  }

  function configuration(dv, at) {
    const n = dv.getUint32(at + CONF.n, true);
    if (n === 0) {
      return [];
    }
    const array = memory.foreign(memory.getPointer(dv, at + CONF.servers), n * SERVER.size);
    return Array.from({ length: n }, (_, i) => {
      const o = array.base + i * SERVER.size;
      return {
        id: getU64(array.dv, o + SERVER.id),
        address: memory.text(memory.getPointer(array.dv, o + SERVER.address)),
        role: roles.byNumber[array.dv.getInt32(o + SERVER.role, true)],
      };
    });
  }

  const metadata = (dv, at) => {
    const result = readPlain(META_FIELDS, dv, at, {});
    result.configuration = configuration(dv, at + META.configuration);
    return result;
  };

  function entries(dv, at, given) {
    const n = dv.getUint32(at + ENTRIES.n, true);
    const index = getU64(dv, at + ENTRIES.index);
    const write = getU64(dv, at + ENTRIES.write);
    const list = [];
    if (n > 0) {
      const array = memory.foreign(memory.getPointer(dv, at + ENTRIES.batch), n * ENTRY.size);
      for (let i = 0; i < n; i++) {
        const o = array.base + i * ENTRY.size;
        const term = getU64(array.dv, o + ENTRY.term);
        const cookie = memory.getSize(array.dv, o + ENTRY.cookie);
        if (cookie > 0) {
          const source = given[cookie - 1];
          list.push({ payload: source.payload ?? EMPTY, type: source.type ?? 'command', term,
            context: source.context, cookie });
        } else {
          const len = memory.getSize(array.dv, o + ENTRY.buf + BUFFER.len);
          const base = memory.getPointer(array.dv, o + ENTRY.buf + BUFFER.base);
          list.push({ payload: memory.copy(base, len),
            type: entryTypes.byNumber[array.dv.getInt32(o + ENTRY.type, true)], term,
            context: undefined, cookie });
        }
      }
    }
    return { index, entries: list, write };
  }

  function message(dv, at) {
    const { name, at: member, fields } = MESSAGE[dv.getInt32(at + M.type, true)];
    const result = { type: name, serverId: getU64(dv, at + M.server_id),
      serverAddress: memory.text(memory.getPointer(dv, at + M.server_address)) };
    readPlain(fields, dv, at + member, result);
    if (name === 'appendEntries') {
      result.entries = [];
    } else if (name === 'installSnapshot') {
      result.configuration = configuration(dv, at + member + INSTALL.conf);
      result.data = EMPTY;
      result.last = false;
    }
    return result;
  }

  const array = (dv, at, layout, size, read) => {
    const n = dv.getUint32(at + layout.n, true);
    const list = memory.foreign(memory.getPointer(dv, at + layout.batch), n * size);
    return Array.from({ length: n }, (_, i) => read(list.dv, list.base + i * size));
  };

  /** Decode an update, which the event has caused. */
  function decode({ dv, base }, event) {
    const flags = dv.getUint32(base + U.flags, true);
    const update = {
      flags,
      mustSave: (flags & (F.currentTerm | F.votedFor)) !== 0,
      entries: undefined,
      snapshot: undefined,
      messages: [],
      reads: [],
      commitIndexChanged: (flags & F.commitIndex) !== 0,
      timeoutChanged: (flags & F.timeout) !== 0,
      stateChanged: (flags & F.state) !== 0,
      leaderChanged: (flags & F.leader) !== 0,
      configurationChanged: (flags & F.configuration) !== 0,
      catchUpChanged: (flags & F.catchUp) !== 0,
      transferChanged: (flags & F.transfer) !== 0,
    };
    if (flags & F.entries) {
      update.entries = entries(dv, base + U.entries, event.entries ?? event.message?.entries);
    }
    if (flags & F.snapshot) {
      const at = base + U.snapshot;
      update.snapshot = {
        metadata: metadata(dv, at + SNAPSHOT.metadata),
        offset: getU64(dv, at + SNAPSHOT.offset),
        chunk: event.message.data ?? EMPTY,
        last: dv.getUint8(at + SNAPSHOT.last) !== 0,
      };
    }
    if (flags & F.messages) {
      update.messages = array(dv, base + U.messages, MESSAGES, M.size, message);
    }
    if (flags & F.reads) {
      update.reads = array(dv, base + U.reads, READS, READ.size,
        (view, at) => readPlain(READ_FIELDS, view, at, {}));
    }
    return update;
  }

  const peer = ({ dv, base }, at) => readPlain(PEER_FIELDS, dv, base + at, {});
  const trace = ({ dv, base }) => {
    const result = readPlain(TRACE_FIELDS, dv, base, {});
    result.text = memory.text(memory.getPointer(dv, base + TRACE.text));
    return result;
  };
  return { decode, configuration, peer, trace, traceSize: TRACE.size };
}
