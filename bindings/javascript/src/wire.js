// SPDX-License-Identifier: MIT
// Messages as bytes: the encoding that the project's documentation defines ("Messages as bytes").
import { camel, entryTypes, messageTypes, number, roles } from './names.js';
import { getU64, setU64 } from './fields.js';

/** Splitter refuses longer messages. */
export const MAX_LENGTH = 64 * 1024 * 1024;

const FORMAT = 0x52;
const CONFIGURATION_FORMAT = 1;
const HEAD_SIZE = 17;
const EMPTY = new Uint8Array(0);
const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes are not a message. Close the connection. */
export class Malformed extends Error {
  constructor(text) {
    super(text);
    this.name = 'Malformed';
    this.code = 'WIRE_MALFORMED';
  }
}

/** A number is above 2^53 - 1, which a Number cannot hold. */
export class TooLarge extends Malformed {
  constructor(text) {
    super(text);
    this.name = 'TooLarge';
    this.code = 'WIRE_TOO_LARGE';
  }
}

// For each type of message the highest version that is known, and its fields: type, name and the
// first version that has it.
const F = (text) => text.split(', ').map((field) => {
  const [kind, name, since] = field.split(' ');
  return { kind, name: camel(name), since: Number(since) };
});
const LAYOUTS = {
  appendEntries: { versions: 2, fields: F('u64 term 0, u64 prev_log_index 0, ' +
    'u64 prev_log_term 0, u64 leader_commit 0, entries entries 0, u64 round 1, bool sleep 2') },
  appendEntriesResult: { versions: 3, fields: F('u64 term 0, u64 rejected 0, ' +
    'u64 last_log_index 0, u16 features 1, u16 capacity 1, u64 round 3, u64 snapshot_index 3, ' +
    'u64 snapshot_offset 3') },
  requestVote: { versions: 2, fields: F('u64 term 0, u64 candidate_id 0, u64 last_log_index 0, ' +
    'u64 last_log_term 0, bool disrupt_leader 1, bool pre_vote 1') },
  requestVoteResult: { versions: 2, fields: F('u64 term 0, bool vote_granted 0, ' +
    'bool pre_vote 2, u16 features 2, u16 capacity 2') },
  installSnapshot: { versions: 1, fields: F('u64 term 0, u64 last_index 0, u64 last_term 0, ' +
    'configuration configuration 0, u64 configuration_index 0, bytes data 0, u64 offset 1, ' +
    'bool last 1') },
  timeoutNow: { versions: 0, fields: F('u64 term 0, u64 last_log_index 0, u64 last_log_term 0') },
};

/** Collects fields. */
class Writer {
  bytes = new Uint8Array(256);
  dv = new DataView(this.bytes.buffer);
  at = 0;

  reserve(size) {
    const start = this.at;
    this.at += size;
    if (this.at > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.at, 2 * this.bytes.length));
      larger.set(this.bytes.subarray(0, start));
      this.bytes = larger;
      this.dv = new DataView(larger.buffer);
    }
    return start;
  }

  raw(bytes) {
    const at = this.reserve(bytes.length); // may replace this.bytes
    this.bytes.set(bytes, at);
  }

  integer(kind, value, name) {
    const bits = Number(kind.slice(1));
    const highest = Math.min(2 ** bits - 1, Number.MAX_SAFE_INTEGER);
    if (!Number.isInteger(value) || value < 0 || value > highest) {
      throw new RangeError(`${name} must be a whole number from 0 to ${highest}, not ${value}`);
    }
    const at = this.reserve(bits / 8);
    switch (kind) {
      case 'u8': this.dv.setUint8(at, value); break;
      case 'u16': this.dv.setUint16(at, value, true); break;
      case 'u32': this.dv.setUint32(at, value, true); break;
      default: setU64(this.dv, at, value);
    }
  }

  field(kind, value, name) {
    switch (kind) {
      case 'bool': this.integer('u8', value ? 1 : 0, name); break;
      case 'bytes': this.block(value ?? EMPTY); break;
      case 'configuration': this.block(encodeConfiguration(value ?? [])); break;
      case 'entries':
        this.integer('u32', value?.length ?? 0, name);
        for (const entry of value ?? []) {
          this.integer('u64', entry.term ?? 0, 'term');
          this.integer('u8', typeof entry.type === 'number' ? entry.type
            : number(entryTypes, entry.type ?? 'command', 'a type of entry'), 'type');
          this.block(entry.payload ?? EMPTY);
        }
        break;
      default: this.integer(kind, value ?? 0, name);
    }
  }

  block(bytes) {
    this.integer('u32', bytes.length, 'length');
    this.raw(bytes);
  }

  result() { return this.bytes.slice(0, this.at); }
}

function address(text) {
  const raw = utf8.encode(text);
  if (raw.includes(0)) {
    throw new RangeError('a zero byte in an address');
  }
  return raw;
}

/** A configuration as it is in the payload of an entry of the type 'change'. */
export function encodeConfiguration(servers) {
  const writer = new Writer();
  writer.integer('u8', CONFIGURATION_FORMAT, 'format');
  writer.integer('u64', servers.length, 'number of servers');
  for (const server of servers) {
    writer.integer('u64', server.id, 'id');
    writer.raw(address(server.address));
    writer.integer('u8', 0, 'end');
    writer.integer('u8', typeof server.role === 'number' ? server.role
      : number(roles, server.role ?? 'voter', 'a role'), 'role');
  }
  writer.raw(new Uint8Array((8 - writer.at % 8) % 8));
  return writer.result();
}

/** The bytes of a message. `sender` and `from` are the ID and the address of the server that sends
 * it; by default message.serverId and message.serverAddress. */
export function encode(message, sender = message.serverId, from = message.serverAddress) {
  const type = number(messageTypes, message.type, 'a message');
  const layout = LAYOUTS[message.type];
  const version = Math.min(message.version ?? 0, layout.versions);
  const writer = new Writer();
  writer.reserve(4);
  writer.integer('u8', FORMAT, 'format');
  writer.integer('u8', type, 'type');
  writer.integer('u8', version, 'version');
  writer.integer('u64', sender, 'sender');
  const raw = address(from);
  writer.integer('u16', raw.length, 'length of the address');
  writer.raw(raw);
  for (const { kind, name, since } of layout.fields) {
    if (since <= version) {
      writer.field(kind, message[name], name);
    }
  }
  writer.dv.setUint32(0, writer.at, true);
  return writer.result();
}

/** Takes fields from the front of bytes. */
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.dv = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
  }

  get left() { return this.bytes.length - this.at; }

  take(size) {
    if (size > this.left) {
      throw new Malformed('a message is cut off');
    }
    this.at += size;
    return this.at - size;
  }

  integer(kind) {
    switch (kind) {
      case 'u8': return this.dv.getUint8(this.take(1));
      case 'u16': return this.dv.getUint16(this.take(2), true);
      case 'u32': return this.dv.getUint32(this.take(4), true);
      default:
        try {
          return getU64(this.dv, this.take(8));
        } catch (error) {
          throw error instanceof RangeError ? new TooLarge(error.message) : error;
        }
    }
  }

  /** A copy. */
  raw(size) {
    const at = this.take(size);
    return this.bytes.slice(at, at + size);
  }

  text(size) {
    const raw = this.raw(size);
    if (raw.includes(0)) {
      throw new Malformed('a zero byte in an address');
    }
    try {
      return fromUtf8.decode(raw);
    } catch {
      throw new Malformed('an address is not UTF-8');
    }
  }

  field(kind) {
    switch (kind) {
      case 'bool': {
        const value = this.integer('u8');
        if (value > 1) {
          throw new Malformed('a boolean that is neither 0 nor 1');
        }
        return value === 1;
      }
      case 'bytes': return this.raw(this.integer('u32'));
      case 'configuration': return decodeConfiguration(this.raw(this.integer('u32')));
      case 'entries': return this.entries();
      default: return this.integer(kind);
    }
  }

  entries() {
    const list = [];
    for (let n = this.integer('u32'); n > 0; n--) { // ends early if the bytes do not suffice
      const term = this.integer('u64');
      const type = this.integer('u8');
      list.push({ term, type: entryTypes.byNumber[type] ?? type,
        payload: this.raw(this.integer('u32')) });
    }
    return list;
  }
}

/** The opposite of encodeConfiguration(). A role without a name is a number. */
export function decodeConfiguration(bytes) {
  const reader = new Reader(bytes);
  if (bytes.length % 8 !== 0 || reader.integer('u8') !== CONFIGURATION_FORMAT) {
    throw new Malformed('not a configuration');
  }
  const servers = [];
  for (let n = reader.integer('u64'); n > 0; n--) { // ends early if the bytes do not suffice
    const id = reader.integer('u64');
    const end = bytes.indexOf(0, reader.at);
    if (end < 0) {
      throw new Malformed('a server is cut off');
    }
    const where = reader.text(end - reader.at);
    reader.take(1);
    const role = reader.integer('u8');
    servers.push({ id, address: where, role: roles.byNumber[role] ?? role });
  }
  if (reader.left > 7 || reader.raw(reader.left).some((byte) => byte !== 0)) {
    throw new Malformed('wrong padding of a configuration');
  }
  return servers;
}

/** One whole message, whose serverId and serverAddress are the sender's. Throws Malformed. An
 * unknown type is a number: the library ignores it. */
export function decode(bytes) {
  const reader = new Reader(bytes);
  if (bytes.length < HEAD_SIZE || reader.integer('u32') !== bytes.length ||
      reader.integer('u8') !== FORMAT) {
    throw new Malformed('not a message, or another length');
  }
  const kind = reader.integer('u8');
  const version = reader.integer('u8');
  const serverId = reader.integer('u64');
  const serverAddress = reader.text(reader.integer('u16'));
  const type = messageTypes.byNumber[kind];
  if (type === undefined) {
    return { type: kind, serverId, serverAddress };
  }
  const layout = LAYOUTS[type];
  const message = { type, serverId, serverAddress, version: Math.min(version, layout.versions) };
  for (const field of layout.fields) {
    if (field.since <= version) {
      message[field.name] = reader.field(field.kind);
    }
  }
  if (reader.left > 0 && version <= layout.versions) {
    throw new Malformed('bytes behind the fields');
  }
  if (type === 'appendEntries') {
    message.nEntries = message.entries.length;
  } else if (type === 'installSnapshot' && version === 0) {
    message.last = true;
  }
  return message;
}

/** Splits a stream, such as that of a TCP connection, into messages. */
export class Splitter {
  #buffer = new Uint8Array(4096); // its bytes from #start to #end are not decoded yet
  #start = 0;
  #end = 0;
  #longest;

  constructor(longest = MAX_LENGTH) { this.#longest = longest; }

  #add(data) {
    const left = this.#end - this.#start;
    if (this.#end + data.length > this.#buffer.length) {
      const size = left + data.length;
      const target = size * 2 > this.#buffer.length ? new Uint8Array(size * 2) : this.#buffer;
      target.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = target;
      this.#start = 0;
      this.#end = left;
    }
    this.#buffer.set(data, this.#end);
    this.#end += data.length;
  }

  /** Add received bytes; yields the messages that are complete. */
  * feed(data) {
    this.#add(data);
    while (this.#end - this.#start >= 4) {
      const length = new DataView(this.#buffer.buffer).getUint32(this.#start, true);
      if (length < HEAD_SIZE || length > this.#longest) {
        throw new Malformed(`a message of ${length} bytes`);
      }
      if (this.#end - this.#start < length) {
        return;
      }
      const bytes = this.#buffer.subarray(this.#start, this.#start + length);
      this.#start += length;
      yield decode(bytes); // copies
    }
  }
}
