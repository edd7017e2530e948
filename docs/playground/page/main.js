// SPDX-License-Identifier: MIT
// The page: starts the library and puts the parts together.

import { instantiate } from '../../../bindings/javascript/src/index.js';
import { create, decodeRecording, encodeRecording, MAX_FRAMES, replay } from '../engine/index.js';
import { framesOfTrace } from '../engine/trace.js';
import { play, scenarios } from '../scenarios/index.js';
import {
  Announcer, copy, followTheme, prefersStill, remember, remembered, theme, toast, toggleTheme,
} from './browser.js';
import { clusterDialog, helpDialog, scenariosDialog } from './dialogs.js';
import { byId, button, el } from './dom.js';
import { History } from './history.js';
import { Inspector } from './inspector.js';
import { listenToKeys } from './keys.js';
import { Logs } from './logs.js';
import { Picture } from './picture.js';
import { Player } from './player.js';
import { legend } from './shapes.js';
import { Requests, StepPanel } from './step.js';
import { Strip } from './strip.js';
import { Timeline } from './timeline.js';
import { Transport } from './transport.js';

const LONGEST_TRACE = 200 * 1024 * 1024;
/** Milliseconds between two frames for people who prefer less motion, at the speed 1/20. */
const STILL_PACE = 900;

const FREE = {
  title: 'Five servers',
  text: 'They start with the same log and no leader. Press play, watch the first election, then ' +
    'select a server to kill it, or a link to cut it.',
};

class Ui {
  selected = undefined;
  #commands = 1;
  keysOn = remembered('keys') !== 'off';

  constructor(library) {
    this.player = new Player({ create, replay, play, framesOfTrace }, library);
    this.history = new History();
    this.announcer = new Announcer(byId('announcer'));
    this.picture = new Picture(byId('picture'), this.select);
    this.logs = new Logs(byId('logs-body'), byId('logs-key'));
    this.stepPanel = new StepPanel(byId('step-body'));
    this.requests = new Requests(byId('requests-body'));
    this.strip = new Strip(this, byId('scenario-title'), byId('scenario-body'),
      byId('chapters'));
    this.inspector = new Inspector(byId('inspector-title'), byId('inspector-back'),
      byId('inspector-body'), this);
    this.timeline = new Timeline(byId('timeline'), this.history, (time) => {
      this.player.play(false);
      this.player.seekTime(time);
    });
    this.transport = new Transport(byId('transport'), byId('settings'), this);
    byId('legend').append(...legend());
    this.#top();
    this.player.listen((what) => this.draw(what));
    listenToKeys(this);
    this.#dropFiles();
  }

  // --- Drawing

  draw(what) {
    const { player } = this;
    if (what === 'recording') {
      this.#commands = 1 + player.view.requests.filter((each) => each.kind === 'command').length;
      document.title = `${player.title} – libraft playground`;
    }
    this.history.update(player.frames);
    this.picture.draw(player.view, player.time, this.selected, prefersStill());
    this.timeline.draw(player);
    if (what === 'time') {
      this.transport.drawTime();
      return;
    }
    this.logs.draw(player.view, player.leader);
    this.stepPanel.draw(player.frame, player.isTrace);
    this.requests.draw(player.view);
    this.strip.draw();
    this.inspector.draw();
    this.transport.draw();
    if (player.frame !== this.announced) {
      this.announced = player.frame;
      this.announcer.say(player.frame.what);
    }
  }

  /** `focus`: the keyboard goes on in the panel. */
  select = (thing, focus = false) => {
    this.selected = thing;
    if (thing?.kind === 'message') {
      this.player.playing = false; // else it arrives before one can act
    }
    this.draw('moment');
    if (focus) {
      byId('inspector-title').focus();
    }
  };

  // --- Acting

  attempt(run) {
    try {
      return run();
    } catch (error) {
      this.error(error.message);
      return undefined;
    }
  }

  act = (act) => {
    this.attempt(() => {
      const branched = this.player.act(act);
      const refused = this.player.frame.notes.find((note) => note.kind === 'refused');
      if (refused !== undefined) {
        this.error(`Refused: ${refused.text}`);
      } else if (branched) {
        toast('What came later is cut off. Undo brings it back.');
      }
    });
  };

  next() {
    if (!this.player.next()) {
      this.say(this.player.isTrace ? 'The run ends here.' : this.player.full ?
        'This history is full. Start a new cluster.' : 'Nothing happens any more.');
    }
  }

  nextCommand() {
    return `x=${this.#commands}`;
  }

  countCommand() {
    this.#commands++;
  }

  say(text) {
    toast(text);
    this.announcer.say(text);
  }

  error(text) {
    toast(text, true);
  }

  // --- The top of the page

  #top() {
    if (!/\/playground\/(index\.html)?$/.test(location.pathname)) {
      byId('home').removeAttribute('href'); // this is a copy outside of the documentation
    }
    this.scenarios = scenariosDialog(scenarios, (scenario) => this.openScenario(scenario));
    this.newCluster = clusterDialog((recording) => {
      this.select(undefined);
      this.player.found(recording, `${recording.servers} servers`, FREE.text);
    });
    this.help = helpDialog(this.keysOn, (on) => {
      this.keysOn = on;
      remember('keys', on ? 'on' : 'off');
    });
    const input = el('input', { type: 'file', id: 'trace-file', class: 'hidden', tabindex: -1,
      accept: '.json,.jsonl,.ndjson,.txt,.trace', 'aria-label': 'A trace file of raft-sim',
      onchange: () => {
        if (input.files.length > 0) {
          this.openFile(input.files[0]);
          input.value = '';
        }
      } });
    const shade = button('', () => {
      toggleTheme();
      name();
    }, { class: 'icon' });
    const name = () => {
      shade.textContent = theme() === 'dark' ? '☀' : '☾';
      shade.setAttribute('aria-label', theme() === 'dark' ? 'Light theme' : 'Dark theme');
    };
    followTheme(name);
    byId('top-actions').append(
      button('Scenarios', () => this.scenarios.open(), { class: 'main' }),
      button('New cluster', () => {
        if (!this.player.isTrace) {
          this.newCluster.defaults(this.player.cluster.recording);
        }
        this.newCluster.open();
      }),
      button('Open trace', () => input.click(),
        { 'data-title': 'A file that raft-sim --trace-file wrote' }), input,
      button('Share', () => this.share(), { 'data-title': 'Copy a link to this run' }));
    byId('top-icons').append(shade, button('?', () => this.help.open(),
      { class: 'icon', 'aria-label': 'Help' }));
  }

  openScenario(scenario) {
    this.selected = undefined;
    this.attempt(() => this.player.playScenario(scenario));
  }

  free(recording = { servers: 5, seed: 1 }) {
    this.player.found(recording, FREE.title, FREE.text);
  }

  async share() {
    if (this.player.isTrace) {
      this.error('A recorded run has no link: share its file.');
      return;
    }
    const text = await encodeRecording(this.player.cluster.recording);
    const url = new URL(location.href);
    url.hash = `recording=${text}&frame=${this.player.index}`;
    history.replaceState(null, '', url.hash);
    if (await copy(url.href)) {
      this.say('The link is copied. It replays this run, up to this frame.');
    } else {
      this.say('The address of this page is now the link to this run.');
    }
  }

  /** What the address asks for. A link may come from anybody: what is wrong is said, not run. */
  async openAddress() {
    const asked = new URLSearchParams(location.hash.slice(1));
    if (asked.has('recording')) {
      try {
        const recording = await decodeRecording(asked.get('recording'));
        const frame = Number(asked.get('frame') ?? 0);
        if (!Number.isInteger(frame) || frame < 0 || frame >= MAX_FRAMES) {
          throw new TypeError('its frame is no number of a frame');
        }
        this.selected = undefined;
        this.player.open(recording, frame, 'A shared run',
          'Somebody shared it with you, up to this moment. Go back to see how it came about.');
        return;
      } catch (error) {
        this.free();
        this.error(`This link cannot be opened: ${error.message}.`);
        return;
      }
    }
    const scenario = scenarios.find((each) => each.name === asked.get('scenario'));
    if (scenario !== undefined) {
      this.openScenario(scenario);
      return;
    }
    this.free();
    if (asked.has('scenario')) {
      this.error(`There is no scenario with the name of this link.`);
    }
  }

  async openFile(file) {
    if (file.size > LONGEST_TRACE) {
      this.error(`${file.name} is too large to be opened here.`);
      return;
    }
    try {
      const text = await file.text();
      this.selected = undefined;
      this.player.openTrace(text, file.name);
    } catch (error) {
      this.error(`${file.name} is no trace of raft-sim: ${error.message}.`);
    }
  }

  #dropFiles() {
    document.addEventListener('dragover', (event) => {
      event.preventDefault();
      document.body.classList.add('dropping');
    });
    document.addEventListener('dragleave', (event) => {
      if (event.relatedTarget === null) {
        document.body.classList.remove('dropping');
      }
    });
    document.addEventListener('drop', (event) => {
      event.preventDefault();
      document.body.classList.remove('dropping');
      if (event.dataTransfer.files.length > 0) {
        this.openFile(event.dataTransfer.files[0]);
      }
    });
  }

  // --- Time

  run() {
    let last = performance.now();
    let waited = 0;
    const tick = (now) => {
      const elapsed = Math.min(100, now - last); // after the tab was hidden
      last = now;
      if (this.player.playing) {
        this.attempt(() => {
          if (!prefersStill()) {
            this.player.advance(elapsed);
          } else if ((waited += elapsed * this.player.speed * 20) >= STILL_PACE) {
            waited = 0;
            this.player.stepOn();
          }
        });
      }
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }
}

async function main() {
  const bytes = Uint8Array.from(atob(byId('wasm').textContent.trim()),
    (letter) => letter.charCodeAt(0));
  const ui = new Ui(await instantiate(bytes));
  await ui.openAddress();
  addEventListener('hashchange', () => ui.openAddress());
  byId('main').removeAttribute('aria-busy');
  ui.run();
}

main().catch((error) => {
  byId('scenario-title').textContent = 'The playground could not start';
  byId('scenario-body').textContent = error.message;
  throw error;
});
