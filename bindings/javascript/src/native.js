// SPDX-License-Identifier: MIT
// The back end for the shared library, by koffi. For Node, on machines with 64 bits.
import koffi from 'koffi';
import process from 'node:process';

import { functions } from './layout.js';
import { getU64, setU64 } from './fields.js';
import { makeLibrary } from './raft.js';

const utf8 = new TextEncoder();
const decoder = new TextDecoder();
// Pointers are passed as integers, which are Numbers here.
const TYPES = { ptr: 'uintptr_t', u64: 'uint64_t', u32: 'uint32_t', u16: 'uint16_t',
  i32: 'int32_t', void: 'void' };
const FILES = { win32: 'raft-core-1.dll', darwin: 'libraft-core.1.dylib' };
const C_LIBRARY = process.platform === 'win32' ? 'msvcrt.dll' : null;

const libc = koffi.load(C_LIBRARY);
const memcpy = libc.func('memcpy', 'void', ['void *', 'uintptr_t', 'size_t']);
const strlen = libc.func('strlen', 'size_t', ['uintptr_t']);
const emitType = koffi.pointer(koffi.proto('void', ['uintptr_t', 'int', 'uintptr_t']));

/** What the library needs of a back end. */
export class Memory {
  name = 'native';
  model = 'lp64';
  call = {};

  constructor(path) {
    let library;
    try {
      library = koffi.load(path);
    } catch (cause) {
      throw new Error(`${path} cannot be loaded; set RAFT_LIBRARY to the path of libraft-core`,
        { cause });
    }
    for (const [name, [result, parameters]] of Object.entries(functions)) {
      this.call[name] = library.func(name, TYPES[result], parameters.map((kind) => TYPES[kind]));
    }
  }

  /** A zeroed block. */
  alloc(size) {
    const pointer = koffi.alloc('uint8_t', size);
    const buffer = koffi.view(pointer, size);
    const u8 = new Uint8Array(buffer);
    u8.fill(0);
    return { address: Number(koffi.address(pointer)), size, pointer, u8, dv: new DataView(buffer) };
  }

  free(block) {
    block.u8 = block.dv = undefined;
    koffi.free(block.pointer);
  }

  string(text) {
    const raw = utf8.encode(text + '\0');
    const block = this.alloc(raw.length);
    block.u8.set(raw);
    return block;
  }

  open(block) { return { dv: block.dv, u8: block.u8, base: 0 }; }

  copy(address, size) {
    const bytes = new Uint8Array(size);
    if (size > 0) {
      memcpy(bytes, address, size);
    }
    return bytes;
  }

  foreign(address, size) {
    const bytes = this.copy(address, size);
    return { dv: new DataView(bytes.buffer), base: 0 };
  }

  text(address) { return decoder.decode(this.copy(address, Number(strlen(address)))); }

  getPointer(dv, at) { return getU64(dv, at); }
  setPointer(dv, at, value) { setU64(dv, at, value); }
  getSize(dv, at) { return getU64(dv, at); }
  setSize(dv, at, value) { setU64(dv, at, value); }

  /** A function that C can call: f(type, info). */
  callback(f) {
    const pointer = koffi.register((_tracer, type, info) => f(type, Number(info)), emitType);
    return { address: Number(koffi.address(pointer)), release: () => koffi.unregister(pointer) };
  }
}

/** The library from a shared library: by default RAFT_LIBRARY, or else the installed one. */
export function load(path) {
  const bits = koffi.sizeof('void *') * 8;
  if (bits !== 64 || new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) {
    throw new Error('this back end needs a little-endian machine with 64 bits');
  }
  return { Raft: makeLibrary(new Memory(path ?? process.env.RAFT_LIBRARY ??
    FILES[process.platform] ?? 'libraft-core.so.1')) };
}
