// SPDX-License-Identifier: MIT
// Finds places for texts beside the lanes, so that no two of them overlap, and few of them lie on
// an arrow.
import { LINE, widthOf, wrap } from './measure.js';

export const HALF = 6; // of the width of a lane
const DISK = 12; // on the left of a lane: what a write to disk needs
const PAD = 3;
const TOO_NARROW = 90;
const SHORTER = 32; // by which an arrow may be shorter than a gap: one that is lost

export const overlaps = (a, b) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** Does a line cross a box? */
function crosses({ x1, y1, x2, y2 }, box) {
  const left = Math.max(Math.min(x1, x2), box.x);
  const right = Math.min(Math.max(x1, x2), box.x + box.width);
  if (left >= right) {
    return false;
  }
  const at = (x) => y1 + (y2 - y1) * (x - x1) / (x2 - x1);
  const [a, b] = [at(left), at(right)];
  return Math.max(a, b) > box.y && Math.min(a, b) < box.y + box.height;
}

/** Where the head of an arrow is. */
const tipOf = ({ x1, x2, y2 }) => ({ x: x2 - (x2 > x1 ? 10 : 0), y: y2 - 5, width: 10, height: 8 });

/** The room beside the lanes: gap number i is on the left of lane i. At one of the ends is the room
 * for the times, which is no gap. */
export function gapsOf(lanes, from, to) {
  const ends = [from - HALF - 4, ...lanes, to + DISK + 2];
  return ends.slice(1).map((x, i) => x - ends[i] < TOO_NARROW ? undefined
    : { left: ends[i] + HALF + 4, right: x - DISK - 2 });
}

/** A text of some lines in a gap; `align` 0: at the left, 1: at the right. */
function boxOf(text, gap, align, y) {
  const lines = wrap(text, gap.right - gap.left - 2 * PAD);
  const width = Math.max(...lines.map(widthOf)) + 2 * PAD;
  return { lines, x: gap.left + (gap.right - gap.left - width) * align, y, width,
    height: lines.length * LINE + 2 };
}

export class Places {
  boxes = []; // what is taken
  /** `lines`: arrows, as { x1, y1, x2, y2 }. */
  constructor(lines, taken) {
    this.lines = lines;
    this.taken = taken;
  }

  #free(box) {
    return this.taken.every((other) => !overlaps(box, other)) &&
      this.boxes.every((other) => !overlaps(box, other));
  }

  #best(candidates, limit) {
    let best;
    for (const { box, cost, own } of candidates) {
      const lines = this.lines.filter((line) => line !== own && crosses(line, box));
      const tips = this.lines.filter((line) => overlaps(tipOf(line), box));
      const whole = cost + 12 * lines.length + 10 * tips.length;
      if (whole <= limit && (!best || whole < best.cost) && this.#free(box)) {
        best = { box, cost: whole };
      }
    }
    if (best) {
      this.boxes.push(best.box);
    }
    return best?.box;
  }

  /** A remark beside a lane at a height `y`, below `above`; undefined: there is no room. */
  remark(text, lane, gaps, y, limit, above) {
    const candidates = [];
    for (const [side, gap, align] of [[0, gaps[lane + 1], 0], [1, gaps[lane], 1]]) {
      if (gap) {
        for (let by = -80; by <= 80; by += 2) {
          const box = boxOf(text, gap, align, y + by);
          box.y = Math.round(box.y - box.height / 2);
          if (box.y >= above) {
            candidates.push({ box, cost: Math.abs(by) * 0.4 + side * 2 });
          }
        }
      }
    }
    return this.#best(candidates, limit);
  }

  /** A label on an arrow. */
  label(text, line, gaps, limit) {
    const [first, last] = [Math.min(line.x1, line.x2), Math.max(line.x1, line.x2)];
    const slope = (line.y2 - line.y1) / (line.x2 - line.x1);
    const candidates = [];
    for (const gap of gaps.filter((one) => one && one.left >= first - SHORTER &&
        one.right <= last + SHORTER)) {
      for (const align of [0.5, 0.2, 0.8, 0, 1]) {
        const box = boxOf(text, gap, align, 0);
        const x = box.x + box.width / 2;
        const y = line.y1 + slope * (x - line.x1);
        const away = Math.abs(slope) * box.width / 2 + box.height / 2;
        for (const [by, cost] of [[-away + 1, 0], [away + 1, 4]]) {
          const placed = { ...box, y: Math.round(y + by - box.height / 2) };
          candidates.push({ box: placed, own: line, cost: cost + Math.abs(align - 0.5) * 3 });
        }
      }
    }
    return this.#best(candidates, limit);
  }
}
