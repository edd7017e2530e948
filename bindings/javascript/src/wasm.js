// SPDX-License-Identifier: MIT
// The back end for WebAssembly. It needs nothing but the module, which imports nothing.
import { functions } from './layout.js';
import { makeLibrary } from './raft.js';

const utf8 = new TextEncoder();
const decoder = new TextDecoder();

// A module with one function, which calls an imported function of JavaScript: only functions of
// WebAssembly can be in the table through which C calls.
//   (import "e" "f" (func (param i32 i32 i32))) (export "f" (func 0))
const TRAMPOLINE = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 7, 1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0,
  2, 7, 1, 1, 0x65, 1, 0x66, 0, 0, 7, 5, 1, 1, 0x66, 0, 0]);

/** What the library needs of a back end. */
export class Memory {
  name = 'wasm';
  model = 'wasm32';
  call = {};
  #exports;
  #buffer;
  #dv;
  #u8;
  #freeSlots = [];

  constructor(instance) {
    this.#exports = instance.exports;
    for (const [name, [, parameters]] of Object.entries(functions)) {
      const f = instance.exports[name];
      this.call[name] = !parameters.includes('u64') ? f
        : (...values) => f(...values.map((v, i) => parameters[i] === 'u64' ? BigInt(v) : v));
    }
  }

  // The buffer is another one after the memory has grown.
  #refresh() {
    const { buffer } = this.#exports.memory;
    if (buffer !== this.#buffer) {
      this.#buffer = buffer;
      this.#dv = new DataView(buffer);
      this.#u8 = new Uint8Array(buffer);
    }
  }

  /** A zeroed block. */
  alloc(size) {
    const address = this.#exports.malloc(size) >>> 0;
    if (address === 0) {
      throw new RangeError('out of memory');
    }
    this.#refresh();
    this.#u8.fill(0, address, address + size);
    return { address, size };
  }

  free(block) { this.#exports.free(block.address); }

  string(text) {
    const raw = utf8.encode(text + '\0');
    const block = this.alloc(raw.length);
    this.#u8.set(raw, block.address);
    return block;
  }

  open(block) {
    this.#refresh();
    return { dv: this.#dv, u8: this.#u8, base: block.address };
  }

  foreign(address, _size) {
    this.#refresh();
    return { dv: this.#dv, base: address };
  }

  copy(address, size) {
    this.#refresh();
    return this.#u8.slice(address, address + size);
  }

  text(address) {
    this.#refresh();
    return decoder.decode(this.#u8.subarray(address, this.#u8.indexOf(0, address)));
  }

  getPointer(dv, at) { return dv.getUint32(at, true); }
  setPointer(dv, at, value) { dv.setUint32(at, value, true); }
  getSize(dv, at) { return dv.getUint32(at, true); }
  setSize(dv, at, value) { dv.setUint32(at, value, true); }

  /** A function that C can call: f(type, info). */
  callback(f) {
    const module = new WebAssembly.Module(TRAMPOLINE);
    const instance = new WebAssembly.Instance(module,
      { e: { f: (_tracer, type, info) => f(type, info >>> 0) } });
    const table = this.#exports.__indirect_function_table;
    const slot = this.#freeSlots.pop() ?? table.grow(1);
    table.set(slot, instance.exports.f);
    return { address: slot, release: () => {
      table.set(slot, null);
      this.#freeSlots.push(slot);
    } };
  }
}

/** The library from raft.wasm: its bytes, a WebAssembly.Module, or a Response or a promise of one,
 * such as fetch('raft.wasm'). Returns a promise of { Raft }. */
export async function instantiate(source) {
  let module = await source;
  if (typeof Response !== 'undefined' && module instanceof Response) {
    module = await module.arrayBuffer();
  }
  if (!(module instanceof WebAssembly.Module)) {
    module = await WebAssembly.compile(module);
  }
  const instance = await WebAssembly.instantiate(module, {});
  return { Raft: makeLibrary(new Memory(instance)) };
}
