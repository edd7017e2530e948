// SPDX-License-Identifier: MIT
// The clock of a server: it may run faster or slower than the simulated time. It never goes back.

export class Clock {
  rate = 1;
  #since = 0; // simulated time at which the rate was set
  #then = 0; // what the clock showed then

  /** What the clock shows. */
  at(now) { return this.#then + Math.floor((now - this.#since) * this.rate); }

  setRate(rate, now) {
    this.#then = this.at(now);
    this.#since = now;
    this.rate = rate;
  }

  /** The simulated time at which the clock shows `time`. */
  when(time) {
    if (time === Infinity || (this.rate === 0 && time > this.#then)) {
      return Infinity;
    }
    if (time <= this.#then) {
      return this.#since;
    }
    let now = this.#since + Math.floor((time - this.#then) / this.rate);
    while (this.at(now) < time) {
      now++;
    }
    return now;
  }
}
