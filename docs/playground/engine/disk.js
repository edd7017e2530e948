// SPDX-License-Identifier: MIT
// The disk of a server: what is durable, and the writes that have not finished. Writes finish in
// the order in which they began.

export class Disk {
  term = 0;
  votedFor = 0;
  snapshots = []; // { metadata, bytes }, oldest first
  log = []; // entries; the first one has the index log[0].index
  writes = []; // { until, term?, votedFor?, entries?, chunk? }, oldest first
  #partial = undefined; // a snapshot of which chunks are still to come

  get snapshot() { return this.snapshots.at(-1); }

  /** A write begins. It does not finish before the ones that began earlier. */
  begin(write, until) {
    write.until = Math.max(until, this.writes.at(-1)?.until ?? 0);
    this.writes = [...this.writes, write];
    return write;
  }

  /** The oldest write finishes. */
  finish() {
    const [write, ...others] = this.writes;
    this.writes = others;
    if (write.term !== undefined) {
      this.term = write.term;
      this.votedFor = write.votedFor;
    }
    if (write.entries) {
      this.#partial = undefined; // the installation was abandoned
      this.log = replaced(this.log, write.entries.index, write.entries.list);
    }
    if (write.chunk) {
      const { metadata, offset, data, last } = write.chunk;
      const before = offset === 0 ? [] : this.#partial;
      this.#partial = [...before, ...data];
      if (last) {
        this.snapshots = [...this.snapshots, { metadata, bytes: Uint8Array.from(this.#partial) }];
        this.#partial = undefined;
      }
    }
    return write;
  }

  /** The program has stopped. 'nothing': the operating system finishes the writes. */
  stop(lose) {
    while (lose === 'nothing' && this.writes.length > 0) {
      this.finish();
    }
    this.writes = [];
    this.#partial = undefined;
    if (lose === 'all') {
      this.term = this.votedFor = 0;
      this.snapshots = [];
      this.log = [];
    }
  }

  /** Delete what is not needed any more. */
  trim(firstIndex, oldestSnapshot) {
    if (this.log.length > 0 && this.log[0].index < firstIndex) {
      this.log = this.log.filter(({ index }) => index >= firstIndex);
    }
    if (this.snapshots.length > 1) {
      this.snapshots = this.snapshots.filter(({ metadata }) => metadata.index >= oldestSnapshot);
    }
  }

  snapshotAt(index) { return this.snapshots.find(({ metadata }) => metadata.index === index); }

  /** Delete a snapshot. */
  forget(index) {
    this.snapshots = this.snapshots.filter(({ metadata }) => metadata.index !== index);
  }
}

/** A log without the entries from an index on, and with these instead. */
export function replaced(log, index, list) {
  const kept = log.length === 0 ? 0 : Math.max(0, index - log[0].index);
  return [...log.slice(0, kept), ...list];
}
