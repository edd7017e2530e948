// SPDX-License-Identifier: MIT
// Run the short programs of the pages: each block `js`, in the folder of its page.
// usage: node readme.test.js PAGE...
// They load raft.wasm from a path or an address of a user's; here both lead to RAFT_WASM.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const wasm = process.env.RAFT_WASM;
const koffi = fileURLToPath(new URL('../node_modules/koffi', import.meta.url));
const before = `import { readFileSync as read } from 'node:fs';
globalThis.fetch = async () => new Response(read(${JSON.stringify(wasm)}),
  { headers: { 'content-type': 'application/wasm' } });
`;
const after = `
if (typeof Raft !== 'undefined') { new Raft(1, 'one').close(); }
`;

for (const page of process.argv.slice(2)) {
  const blocks = [...readFileSync(page, 'utf8').matchAll(/^```js\n(.*?)^```$/gms)];
  test(`${page} has programs`, () => assert.notEqual(blocks.length, 0));
  for (const [, block] of blocks) {
    test(block.split('\n')[0], (t) => {
      if (block.includes('/native') && !existsSync(koffi) && !process.env.RAFT_INSIST) {
        t.skip('koffi is not installed');
        return;
      }
      // A name that does not exist: `const { Rafft } = ...` leaves it undefined.
      const names = [...block.matchAll(/const \{ (\w+) \}/g)].map(([, name]) =>
        `if (${name} === undefined) { throw new Error('there is no ${name}'); }\n`);
      const input = before + block.replace("'build/wasm/raft.wasm'", JSON.stringify(wasm)) +
        names.join('') + after;
      const done = spawnSync(process.execPath, ['--input-type=module', '-'],
        { input, encoding: 'utf8', cwd: path.dirname(path.resolve(page)) });
      assert.equal(done.status, 0, done.stderr);
    });
  }
}
