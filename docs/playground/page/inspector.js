// SPDX-License-Identifier: MIT
// The panel with the actions: on the cluster, or on the server, link or message that is selected.
// It is built anew only when the selection changes. Afterwards only texts and switches change, so
// that the focused control stays.

import { button, el, setText } from './dom.js';
import { clusterActions } from './cluster_actions.js';
import { linkActions, messageActions } from './network_actions.js';
import { serverActions } from './server_actions.js';

const BUILDERS = { server: serverActions, link: linkActions, message: messageActions,
  cluster: clusterActions };

export class Inspector {
  #key = '';

  constructor(title, backParent, parent, ui) {
    Object.assign(this, { title, parent, ui });
    this.back = button('Back to the cluster', () => ui.select(undefined, true),
      { class: 'plain small' });
    this.back.hidden = true;
    backParent.append(this.back);
  }

  draw() {
    const { ui } = this;
    const thing = ui.selected ?? { kind: 'cluster' };
    const trace = ui.player.isTrace;
    const servers = ui.player.view.servers.map((server) => server.id);
    const key = `${JSON.stringify(thing)} ${trace} ${servers}`;
    if (key !== this.#key) {
      const kept = this.parent.scrollTop;
      this.#key = key;
      this.built = BUILDERS[thing.kind](thing, ui);
      setText(this.title, this.built.title);
      this.parent.replaceChildren(...trace ? [el('p', { class: 'quiet' },
        'This is a recorded run: you can look, but not act.'), ...this.built.look] :
        this.built.nodes);
      this.back.hidden = thing.kind === 'cluster';
      this.parent.scrollTop = kept;
    }
    this.built.update?.(ui.player.view);
  }
}
