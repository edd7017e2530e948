// SPDX-License-Identifier: MIT
// The strip above the cluster: the title of what is shown, what to watch, and the chapters.

import { button, el, setAttribute, setText } from './dom.js';

export class Strip {
  #chapters = [];

  constructor(ui, title, body, list) {
    Object.assign(this, { ui, title, body, list });
  }

  draw() {
    const { player } = this.ui;
    setText(this.title, player.title);
    setText(this.body, player.text);
    if (player.chapters !== this.shown) {
      this.shown = player.chapters;
      this.#chapters = player.chapters.map((chapter, at) => button(chapter.title, () =>
        this.goTo(at), { class: 'chapter' }));
      this.list.replaceChildren(...this.#chapters.map((node) => el('li', {}, node)));
      this.list.hidden = this.#chapters.length === 0;
    }
    const now = player.chapterNow();
    this.#chapters.forEach((node, at) =>
      setAttribute(node, 'aria-current', at === now ? 'step' : undefined));
  }

  goTo(at) {
    const { player } = this.ui;
    const chapter = player.chapters[at];
    if (chapter !== undefined) {
      player.play(false);
      player.seek(chapter.frame);
      this.ui.announcer.say(`Chapter: ${chapter.title}`);
    }
  }

  /** The next chapter, or the one before. */
  move(by) {
    const { player } = this.ui;
    const now = player.chapterNow();
    const inside = by < 0 && now >= 0 && player.index > player.chapters[now].frame;
    this.goTo(inside ? now : now + by);
  }
}
