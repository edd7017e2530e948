// SPDX-License-Identifier: MIT
// usage: node wasm.mjs MODULE PROGRAM
// The module must need nothing from its embedder, and make a raft. The program is run with WASI.
import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const imports = WebAssembly.Module.imports(module);
if (imports.length > 0) {
    throw new Error('the module imports ' + imports.map((i) => i.name));
}
const { exports: raft } = new WebAssembly.Instance(module, {});
const handle = raft.malloc(64);
const address = raft.malloc(2);
new Uint8Array(raft.memory.buffer).set([0x31, 0], address);
if (raft.raft_init(handle, 1n, address) !== 0 || raft.raft_current_term(handle) !== 0n) {
    throw new Error('raft_init() failed');
}
raft.raft_close(handle);

const wasi = new WASI({ version: 'preview1' });
const program = new WebAssembly.Module(readFileSync(process.argv[3]));
wasi.start(new WebAssembly.Instance(program, wasi.getImportObject()));
