// SPDX-License-Identifier: MIT
// Play, pause, one event, back, speed, and a slider over the frames.

import { button, choice, el, enable, icon, msecs, setAttribute, setText } from './dom.js';

const SPEEDS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 4].map((speed) =>
  [speed, speed >= 1 ? `${speed}×` : `1/${Math.round(1 / speed)}`]);
const SPANS = [100, 250, 500, 1000, 2500, 5000, 10000, 30000].map((span) =>
  [span, span >= 1000 ? `${span / 1000} s` : `${span} ms`]);

export class Transport {
  constructor(parent, settings, ui) {
    const { player } = ui;
    this.ui = ui;
    this.toStart = button(icon('first'), () => player.seek(0), { 'aria-label': 'First frame' });
    this.back = button(icon('back'), () => player.back(), { 'aria-label': 'One event back' });
    this.play = button(icon('play'), () => player.play(), { class: 'main play' });
    this.next = button(icon('next'), () => ui.next(), { 'aria-label': 'One event ahead' });
    this.toEnd = button(icon('last'), () => player.seek(player.frames.length - 1),
      { 'aria-label': 'Last frame' });
    this.undo = button('Undo', () => player.undo(),
      { 'data-title': 'Bring back the history that the last act in the past cut off' });
    for (const [node, key] of [[this.toStart, 'Home'], [this.back, 'Left'], [this.play, 'Space'],
      [this.next, 'Right'], [this.toEnd, 'End'], [this.undo, 'U']]) {
      node.dataset.title = `${node.dataset.title ?? node.getAttribute('aria-label') ?? ''} ` +
        `(${key})`.trim();
    }
    this.slider = el('input', { type: 'range', min: 0, max: 1, step: 1, value: 0, class: 'slider',
      'aria-label': 'Frame', oninput: () => {
        const frame = Number(this.slider.value); // the next line draws it anew
        player.play(false);
        player.seek(frame);
      } });
    this.clock = el('output', { class: 'clock' });
    this.count = el('span', { class: 'count' });
    const speed = choice('Speed', SPEEDS, player.speed, (value) => {
      player.speed = Number(value);
    });
    this.speed = speed.select;
    const quiet = el('input', { type: 'checkbox', id: 'skip-quiet', checked: true, onchange: () => {
      player.skipQuiet = quiet.checked;
    } });
    const span = choice('Window', SPANS, ui.timeline.span, (value) => {
      ui.timeline.span = Number(value);
      ui.timeline.draw(player);
    });
    parent.append(el('div', { class: 'buttons' }, this.toStart, this.back, this.play, this.next,
        this.toEnd), this.slider, el('div', { class: 'reading' }, this.clock, this.count));
    settings.append(this.undo, speed.node, span.node,
      el('label', { class: 'check', for: 'skip-quiet' }, quiet, 'Hurry through quiet time'));
  }

  draw() {
    const { player } = this.ui;
    const last = player.frames.length - 1;
    if (this.playing !== player.playing) {
      this.playing = player.playing;
      this.play.replaceChildren(icon(player.playing ? 'pause' : 'play'));
    }
    setAttribute(this.play, 'aria-label', player.playing ? 'Pause' : 'Play');
    setAttribute(this.slider, 'max', last);
    this.slider.value = String(player.index);
    setAttribute(this.slider, 'aria-valuetext', `Frame ${player.index} of ${last}: ` +
      player.frame.what);
    setText(this.count, `frame ${player.index} of ${last}${player.full ? ', full' : ''}`);
    enable(this.back, player.index > 0, 'This is the first frame.');
    enable(this.toStart, player.index > 0, 'This is the first frame.');
    enable(this.toEnd, !player.atEnd, 'This is the last frame.');
    enable(this.next, !(player.isTrace && player.atEnd), 'The run ends here.');
    enable(this.undo, player.canUndo, 'Nothing to undo: no history was cut off.');
    this.drawTime();
  }

  drawTime() {
    setText(this.clock, msecs(this.ui.player.time));
  }

  /** One speed up or down. */
  changeSpeed(by) {
    const options = [...this.speed.options];
    const at = Math.min(options.length - 1, Math.max(0, this.speed.selectedIndex + by));
    this.speed.selectedIndex = at;
    this.ui.player.speed = Number(this.speed.value);
    this.ui.say(`Speed ${options[at].text}`);
  }
}
