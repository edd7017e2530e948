// SPDX-License-Identifier: MIT
// Random numbers from a seed: the same seed gives the same numbers everywhere.

/** A generator with 32 bits of state. */
export function makeRandom(seed) {
  let state = seed >>> 0;
  function next() {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (x ^ (x >>> 14)) >>> 0;
  }
  return {
    /** A whole number from least to most. */
    between(least, most) { return least + next() % (most - least + 1); },
    /** True in that share of the calls. */
    chance(share) { return next() < share * 2 ** 32; },
  };
}
