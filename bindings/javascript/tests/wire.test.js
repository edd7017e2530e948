// SPDX-License-Identifier: MIT
// The module wire against the vectors of the documentation. usage: wire.test.js VECTORS
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import test from 'node:test';

import { wire } from '../src/index.js';
import { camel, entryTypes, messageTypes, roles } from '../src/names.js';

const RENAMED = { conf_index: 'configurationIndex' };
const BOOLEANS = new Set(['disruptLeader', 'preVote', 'voteGranted', 'sleep', 'last']);
const bytesOf = (text) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** A field of a vector in JavaScript. Numbers above 2^53 - 1 make the vector `large`. */
function read(vector, name, value) {
  const { fields } = vector;
  const number = (text) => {
    vector.large ||= BigInt(text) > BigInt(Number.MAX_SAFE_INTEGER);
    return Number(text);
  };
  const parts = value.split(' ');
  if (name === 'entry') {
    (fields.entries ??= []).push({ term: number(parts[0]), type: entryTypes.byNumber[parts[1]],
      payload: bytesOf(parts[2] ?? '') });
  } else if (name === 'server') {
    (fields.configuration ??= []).push({ id: number(parts[0]), role: roles.byNumber[parts[1]],
      address: parts[2] });
  } else if (name === 'server_address') {
    fields.serverAddress = value;
  } else if (name === 'data') {
    fields.data = bytesOf(value);
  } else if (name === 'type') {
    fields.type = messageTypes.byNumber[value] ?? Number(value);
  } else {
    const key = RENAMED[name] ?? camel(name);
    fields[key] = BOOLEANS.has(key) ? value === '1' : number(value);
  }
}

const vectors = readFileSync(process.argv[2], 'utf8').split('\n\n').map((block) => {
  const vector = { bytes: new Uint8Array(0), fields: {}, decodeOnly: false, malformed: false,
    large: false };
  for (const line of block.split('\n').filter((l) => l && !l.startsWith('#'))) {
    const [name] = line.split(' ', 1);
    const value = line.slice(name.length + 1);
    if (name === 'bytes') {
      vector.bytes = new Uint8Array([...vector.bytes, ...bytesOf(value)]);
    } else if (name === 'decode-only') {
      vector.decodeOnly = true;
    } else if (name === 'malformed') {
      vector.malformed = true;
    } else {
      read(vector, name, value);
    }
  }
  return vector;
}).filter((v) => v.bytes.length > 0);
const good = vectors.filter((v) => !v.malformed && !v.large);

test('there are enough vectors', () => {
  assert.ok(good.length > 15);
  assert.ok(vectors.filter((v) => v.malformed).length > 10);
  assert.equal(vectors.filter((v) => v.large).length, 1);
});

test('decode', () => {
  for (const { bytes, fields } of good) {
    const message = wire.decode(bytes);
    for (const [name, value] of Object.entries(fields)) {
      assert.deepEqual(message[name], value, name);
    }
  }
});

test('malformed bytes, and numbers that a Number cannot hold', () => {
  for (const { bytes, malformed, large } of vectors) {
    if (malformed || large) {
      assert.throws(() => wire.decode(bytes), large ? wire.TooLarge : wire.Malformed);
    }
  }
});

test('encode', () => {
  for (const { bytes, fields, decodeOnly } of good) {
    if (!decodeOnly) {
      const message = wire.decode(bytes);
      assert.deepEqual(wire.encode(message), bytes);
      const moved = { ...message, serverId: 77, serverAddress: 'elsewhere' };
      assert.deepEqual(wire.encode(moved, fields.serverId, fields.serverAddress), bytes);
    }
  }
});

test('wrong values are refused', () => {
  const message = wire.decode(good[0].bytes);
  for (const wrong of [{ term: -1 }, { term: 2 ** 53 }, { term: 1.5 }, { term: 1n },
    { serverAddress: 'a\0b' }]) {
    assert.throws(() => wire.encode({ ...message, ...wrong }), RangeError, Object.keys(wrong)[0]);
  }
  assert.throws(() => wire.encode({ ...message, type: 'no such type' }), TypeError);
});

test('splitter', () => {
  const whole = good.filter((v) => !v.decodeOnly).map((v) => v.bytes);
  const stream = new Uint8Array(Buffer.concat(whole));
  for (const size of [1, 7, stream.length]) {
    const splitter = new wire.Splitter();
    const found = [];
    for (let at = 0; at < stream.length; at += size) {
      found.push(...splitter.feed(stream.subarray(at, at + size)));
    }
    assert.deepEqual(found.map((m) => wire.encode(m)), whole);
  }
  // A long message in many pieces takes no time that grows with the square of the length.
  const long = wire.encode({ type: 'installSnapshot', serverId: 1, serverAddress: 'one',
    version: 1, data: new Uint8Array(32e6).fill(7) });
  const splitter = new wire.Splitter();
  const begin = process.cpuUsage().user;
  let found = [];
  for (let at = 0; at < long.length; at += 4096) {
    found = [...splitter.feed(long.subarray(at, at + 4096))];
  }
  assert.ok(process.cpuUsage().user - begin < 20e6);
  assert.equal(found[0].data.length, 32e6);
  assert.throws(() => [...new wire.Splitter(1000).feed(long.subarray(0, 4))], wire.Malformed);
  for (const head of [[16, 0, 0, 0], [1, 0, 0, 4]]) {
    assert.throws(() => [...new wire.Splitter().feed(new Uint8Array(head))], wire.Malformed);
  }
});

test('hostile bytes', () => {
  let state = 1;
  const random = (n) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
  let refused = 0;
  for (let i = 0; i < 20000; i++) {
    const bytes = vectors[random(vectors.length)].bytes.slice();
    for (let k = 0; k <= random(3); k++) {
      bytes[4 + random(bytes.length - 4)] = [0, 1, 255, 82][random(4)];
    }
    try {
      wire.decode(bytes);
    } catch (error) {
      assert.ok(error instanceof wire.Malformed, error);
      refused++;
    }
  }
  assert.ok(refused > 1000);
});
