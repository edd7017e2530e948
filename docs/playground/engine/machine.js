// SPDX-License-Identifier: MIT
// The state machine of a server. A command "x=5" sets the value of x; any other command is only
// remembered. A read returns all values.
const LATEST = 20;
const CHUNKS = 4; // of a snapshot, so that they can be seen

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();

export class Machine {
  commands = []; // the latest; replaced, never changed
  #values = new Map();

  apply(command) {
    this.commands = [...this.commands, command].slice(-LATEST);
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(command) ?? [];
    if (key !== undefined) {
      this.#values.set(key.trim(), value.trim());
    }
  }

  read() {
    return [...this.#values].map(([key, value]) => `${key}=${value}`).join(' ');
  }

  save() {
    return utf8.encode(JSON.stringify({ commands: this.commands, values: [...this.#values] }));
  }

  restore(bytes) {
    const { commands, values } = JSON.parse(fromUtf8.decode(bytes));
    this.commands = commands;
    this.#values = new Map(values);
  }
}

/** The bytes of a snapshot that one message carries. */
export function chunkOf(bytes, offset) {
  const size = Math.max(1, Math.ceil(bytes.length / CHUNKS));
  return { data: bytes.slice(offset, offset + size), last: offset + size >= bytes.length };
}
