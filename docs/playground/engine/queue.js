// SPDX-License-Identifier: MIT
// Events in the order of their times. Events of the same time keep the order in which they came.

export class Queue {
  #heap = [];
  #sequence = 0;

  #before(a, b) {
    return a.at !== b.at ? a.at < b.at : a.sequence < b.sequence;
  }

  /** `valid` is asked when the event is due: if it is false, the event is dropped. */
  add(at, valid, run) {
    const heap = this.#heap;
    const event = { at, sequence: this.#sequence++, valid, run };
    let i = heap.length;
    while (i > 0) {
      const up = (i - 1) >> 1;
      if (!this.#before(event, heap[up])) {
        break;
      }
      heap[i] = heap[up];
      i = up;
    }
    heap[i] = event;
  }

  #pop() {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0) {
      return first;
    }
    let i = 0;
    for (;;) {
      let down = 2 * i + 1;
      if (down + 1 < heap.length && this.#before(heap[down + 1], heap[down])) {
        down++;
      }
      if (down >= heap.length || !this.#before(heap[down], last)) {
        break;
      }
      heap[i] = heap[down];
      i = down;
    }
    heap[i] = last;
    return first;
  }

  /** Time of the next valid event; Infinity: there is none. */
  get nextAt() {
    while (this.#heap.length > 0 && !this.#heap[0].valid()) {
      this.#pop();
    }
    return this.#heap.length > 0 ? this.#heap[0].at : Infinity;
  }

  /** The next valid event, or undefined. */
  take() { return this.nextAt === Infinity ? undefined : this.#pop(); }
}
