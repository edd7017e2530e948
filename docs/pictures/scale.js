// SPDX-License-Identifier: MIT
// Time runs down, to scale. Only a long time in which nothing happens is cut short, and the picture
// says so; and a remark across all lanes takes some room. So a place is a monotone function of the
// time.

const MOST = 110; // pixels between two neighbouring moments
const SHORT = 44; // pixels of a time that was cut

export class Scale {
  #places;

  /** `perMs`: pixels for a millisecond. `room(time)`: additional pixels before a moment. */
  constructor(times, perMs, top, room) {
    this.times = [...new Set(times)].sort((a, b) => a - b);
    this.cuts = [];
    let y = top + room(this.times[0]);
    this.#places = new Map([[this.times[0], y]]);
    this.times.slice(1).forEach((time, i) => {
      const from = this.times[i];
      const wanted = (time - from) * perMs;
      const size = wanted > MOST ? SHORT : wanted;
      if (wanted > MOST) {
        this.cuts.push({ from, to: time, y: y + size / 2 });
      }
      y += size + room(time);
      this.#places.set(time, y);
    });
  }

  y(time) { return this.#places.get(time); }

  get bottom() { return this.y(this.times.at(-1)); }
}
