// SPDX-License-Identifier: MIT
// The shortcuts. None is taken from a field, or from a control that uses the key itself.

const uses = (target, key) => {
  const tag = target.tagName;
  if (tag === 'SELECT' || tag === 'TEXTAREA' ||
    tag === 'INPUT' && !['checkbox', 'range'].includes(target.type)) {
    return true;
  }
  if (tag === 'INPUT' && target.type === 'range') {
    return key !== ' ' && (key.startsWith('Arrow') || key === 'Home' || key === 'End');
  }
  if (key === ' ' || key === 'Enter') {
    return tag === 'BUTTON' || tag === 'A' || tag === 'SUMMARY' || tag === 'INPUT' ||
      target.getAttribute('role') === 'button';
  }
  return target.classList.contains('scroll') && (key.startsWith('Arrow') || key === 'Home' ||
    key === 'End');
};

export function listenToKeys(ui) {
  const { player } = ui;
  /** The server that is selected, else the leader. */
  const server = () => ui.selected?.kind === 'server' ? ui.selected.id : player.leader;
  const view = (id) => player.view.servers.find((each) => each.id === id);
  const onServer = (act) => {
    const id = server();
    if (id === 0) {
      ui.error('No server is selected, and there is no leader.');
    } else {
      act(id);
    }
  };
  const always = {
    Escape: () => ui.select(undefined),
  };
  const keys = {
    ' ': () => player.play(),
    ArrowLeft: () => player.back(),
    ArrowRight: () => ui.next(),
    Home: () => player.seek(0),
    End: () => player.seek(player.frames.length - 1),
    '[': () => ui.strip.move(-1),
    ']': () => ui.strip.move(1),
    '-': () => ui.transport.changeSpeed(-1),
    '+': () => ui.transport.changeSpeed(1),
    '=': () => ui.transport.changeSpeed(1),
    k: () => onServer((id) => ui.act(view(id)?.up ? { do: 'kill', server: id, lose: 'nothing' } :
      { do: 'restart', server: id })),
    s: () => onServer((id) => {
      ui.act({ do: 'submit', server: id, command: ui.nextCommand() });
      ui.countCommand();
    }),
    r: () => onServer((id) => ui.act({ do: 'read', server: id, lease: false })),
    t: () => onServer((id) => ui.act({ do: 'timeout', server: id })),
    u: () => player.undo(),
    n: () => ui.scenarios.open(),
    '?': () => ui.help.open(),
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented ||
      document.querySelector('dialog[open]') !== null || uses(event.target, event.key)) {
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    let run = always[key];
    if (ui.keysOn) {
      run ??= keys[key];
      if (/^[1-9]$/.test(key) && view(Number(key)) !== undefined) {
        run = () => ui.select({ kind: 'server', id: Number(key) });
      }
    }
    if (run !== undefined) {
      event.preventDefault();
      run();
    }
  });
}
