// SPDX-License-Identifier: MIT
// ioredis, plain and for a cluster: node ioredis.js LEADER_PORT FOLLOWER_PORT [failover]
// With `failover` it prints "ready", and ends when a write has failed or was slow, and a later one
// has succeeded: the caller kills the leader meanwhile.
'use strict';
const assert = require('assert');
const path = require('path');
const Redis = require(path.join(process.env.KV_NODE_CLIENTS, 'node_modules', 'ioredis'));
const [leader, follower] = process.argv.slice(2, 4).map(Number);

// Commands that a plain connection and a cluster both offer.
async function commands(r) {
  assert.strictEqual(await r.set('{io}n', 5), 'OK');
  assert.strictEqual(await r.incr('{io}n'), 6);
  assert.strictEqual(await r.incrby('{io}n', 4), 10);
  assert.strictEqual(await r.decr('{io}n'), 9);
  assert.deepStrictEqual(await r.mget('{io}n', '{io}none'), ['9', null]);
  assert.strictEqual(await r.set('{io}n', 'x', 'NX'), null);
  assert.strictEqual(await r.set('{io}n', 'x', 'XX', 'GET'), '9');
  assert.strictEqual(await r.append('{io}n', 'y'), 2);
  assert.strictEqual(await r.strlen('{io}n'), 2);
  assert.strictEqual(await r.type('{io}n'), 'string');
  assert.strictEqual(await r.getdel('{io}n'), 'xy');
  assert.strictEqual(await r.get('{io}n'), null);
  const pipeline = r.pipeline();
  for (let i = 0; i < 100; i++) {
    pipeline.set('{io}' + i, i);
  }
  assert.ok((await pipeline.exec()).every(([error, reply]) => error === null && reply === 'OK'));
  await assert.rejects(r.expire('{io}1', 1), /ERR expiry is not offered/);
  await assert.rejects(r.lpush('{io}l', 1), /ERR lists are not offered/);
}

async function plain() {
  const r = new Redis(leader, '127.0.0.1', {connectionName: 'plain'});
  await commands(r);
  const keys = [];
  for await (const page of r.scanStream({match: '{io}*', count: 7})) {
    keys.push(...page);
  }
  assert.strictEqual(keys.length, 100);
  assert.strictEqual(await r.client('GETNAME'), 'plain');
  r.disconnect();
}

async function cluster(options) {
  const r = new Redis.Cluster([{host: '127.0.0.1', port: follower}], options);
  await commands(r);
  assert.strictEqual(r.nodes('master').length, 1);
  assert.strictEqual(r.nodes('slave').length, 2);
  for (let i = 0; i < 50; i++) { // a read anywhere sees the write before it
    await r.set('{io}k', i);
    assert.strictEqual(await r.get('{io}k'), String(i));
  }
  r.disconnect();
}

async function failover() {
  const r = new Redis.Cluster([{host: '127.0.0.1', port: follower}]);
  r.on('error', () => {});
  await r.set('{io}failover', 'before');
  console.log('ready');
  for (let disturbed = false; !disturbed;) {
    const begin = Date.now();
    await r.set('{io}failover', 'before').catch(() => { disturbed = true; });
    disturbed = disturbed || Date.now() - begin > 500;
  }
  while (await r.set('{io}failover', 'after').catch(() => null) !== 'OK') {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  r.disconnect();
}

(async () => {
  if (process.argv[4] === 'failover') {
    await failover();
  } else {
    await plain();
    await cluster({});
    await cluster({scaleReads: 'slave'});
  }
  console.log('ok');
})().catch((error) => {
  console.log(error);
  process.exit(1);
});
