// SPDX-License-Identifier: MIT
// What a browser loads: no API of Node, no native module; the sources that instantiate() takes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import test from 'node:test';

import { instantiate } from '../src/index.js';

const ONLY_NODE = /\b(process|Buffer|require|setImmediate|__dirname|globalThis\.gc)\b|node:|koffi/;

/** The text of a module without comments, and of all that it imports. */
function loaded(url, found = new Map()) {
  if (!found.has(url.href)) {
    const text = readFileSync(url, 'utf8').replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
    found.set(url.href, text);
    for (const [, path] of text.matchAll(/(?:from|import) '([^']+)'/g)) {
      assert.ok(path.startsWith('./'), path);
      loaded(new URL(path, url), found);
    }
  }
  return found;
}

test('the modules behind index.js use no API of Node', () => {
  const found = loaded(new URL('../src/index.js', import.meta.url));
  assert.equal(found.size, 10);
  for (const [href, text] of found) {
    assert.doesNotMatch(text, ONLY_NODE, href);
  }
  assert.match(readFileSync(new URL('../src/native.js', import.meta.url), 'utf8'), ONLY_NODE);
});

test('the module imports nothing', async () => {
  const module = new WebAssembly.Module(await readFile(process.env.RAFT_WASM));
  assert.deepEqual(WebAssembly.Module.imports(module), []);
});

test('instantiate', async () => {
  const bytes = await readFile(process.env.RAFT_WASM);
  const sources = [bytes, new Uint8Array(bytes).buffer, new WebAssembly.Module(bytes),
    new Response(bytes), Promise.resolve(new Response(bytes))];
  for (const source of sources) {
    const { Raft } = await instantiate(source);
    const r = new Raft(1, 'one');
    assert.equal(r.step({ type: 'start' }, 0).flags, 0);
    r.close();
  }
  await assert.rejects(instantiate(new Uint8Array([1, 2, 3])), WebAssembly.CompileError);
});
