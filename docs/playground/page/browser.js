// SPDX-License-Identifier: MIT
// What the browser keeps and knows: the theme, wishes about motion, links, and what is said aloud.

import { byId, setAttribute } from './dom.js';

/** A page that is opened from a file may not be allowed to keep anything. */
export function remembered(key) {
  try {
    return localStorage.getItem(`raft-playground-${key}`);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(`raft-playground-${key}`, value);
  } catch {
    // then it holds for this visit
  }
}

const dark = matchMedia('(prefers-color-scheme: dark)');
const still = matchMedia('(prefers-reduced-motion: reduce)');

export const prefersStill = () => still.matches;

export const theme = () => document.documentElement.dataset.theme;

/** Use the theme that the person chose, else that of the system. `changed` is called at once, and
 * when the theme of the system changes. */
export function followTheme(changed) {
  const set = () => {
    setAttribute(document.documentElement, 'data-theme',
      remembered('theme') ?? (dark.matches ? 'dark' : 'light'));
    changed();
  };
  dark.addEventListener('change', set);
  set();
}

export function toggleTheme() {
  const other = theme() === 'dark' ? 'light' : 'dark';
  setAttribute(document.documentElement, 'data-theme', other);
  remember('theme', other);
}

/** Says what happens to people who do not see it; not more often than they can hear it. */
export class Announcer {
  #last = -Infinity;
  #timer = undefined;
  #text = '';

  constructor(node) {
    this.node = node;
  }

  say(text) {
    this.#text = text;
    if (this.#timer === undefined) {
      const wait = Math.max(0, this.#last + 700 - performance.now());
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#last = performance.now();
        this.node.textContent = this.#text;
      }, wait);
    }
  }
}

/** A short message at the edge of the page. */
export function toast(text, isError = false) {
  const node = byId('message');
  node.textContent = text;
  setAttribute(node, 'class', `toast shown${isError ? ' error' : ''}`);
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => setAttribute(node, 'class', 'toast'), isError ? 10000 : 4000);
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
