// SPDX-License-Identifier: MIT
// Elements of HTML and SVG. Text is always set as text: nothing here parses markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith('on')) {
      node.addEventListener(name.slice(2), value);
    } else {
      setAttribute(node, name, value);
    }
  }
  node.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null));
  return node;
}

/** An element of HTML. Attributes whose names begin with `on` are listeners. */
export const el = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);

/** An element of SVG. */
export const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

/** Set an attribute if its value is another one. undefined and false remove it. */
export function setAttribute(node, name, value) {
  if (value === undefined || value === false || value === null) {
    node.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : String(value);
  if (node.getAttribute(name) !== text) {
    node.setAttribute(name, text);
  }
}

/** Set an element's text if it is another one. */
export function setText(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

export const byId = (id) => document.getElementById(id);

let counter = 0;
/** An ID that no other element has. */
export const freshId = () => `id-${++counter}`;

/** A button. `press` is called with the event unless the button is switched off. */
export function button(label, press, attributes = {}) {
  return el('button', {
    type: 'button',
    title: attributes['data-title'],
    ...attributes,
    onclick(event) {
      if (event.currentTarget.getAttribute('aria-disabled') !== 'true') {
        press(event);
      }
    },
  }, label);
}

/** Switch a button on or off. It keeps the focus, which `disabled` would take from it. */
export function enable(node, on, why = '') {
  setAttribute(node, 'aria-disabled', on ? undefined : 'true');
  setAttribute(node, 'title', on ? node.dataset.title : why || node.dataset.title);
}

/** A labelled choice. `options` are [value, label]; `change` gets the value. */
export function choice(label, options, value, change, attributes = {}) {
  const id = freshId();
  const select = el('select', { id, ...attributes, onchange: () => change(select.value) },
    options.map(([key, text]) =>
      el('option', { value: key, selected: String(key) === String(value) }, text)));
  return { node: el('label', { class: 'field', for: id }, el('span', {}, label), select), select };
}

/** A labelled field for text or a number. */
export function field(label, attributes) {
  const id = freshId();
  const input = el('input', { id, ...attributes });
  return { node: el('label', { class: 'field', for: id }, el('span', {}, label), input), input };
}

const ICONS = {
  first: 'M4 4h2.4v12H4zM16 4v12L7.5 10z', back: 'M13.5 4v12L5 10z', play: 'M6 3.5v13L16.5 10z',
  pause: 'M5 4h3.6v12H5zM11.4 4H15v12h-3.6z', next: 'M6.5 4v12L15 10z',
  last: 'M13.6 4H16v12h-2.4zM4 4v12l8.5-6z',
};
/** A sign on a button, whose label says what it does. */
export const icon = (name) => svg('svg', { viewBox: '0 0 20 20', width: 18, height: 18,
  class: 'icon', 'aria-hidden': 'true' }, svg('path', { d: ICONS[name] }));

/** Milliseconds as people read them: 1,204 ms. */
export const msecs = (time) =>
  time === Infinity ? 'never' : `${Math.round(time).toLocaleString('en-US')} ms`;

/** The place of `key` in a sorted array: the first element for which `after` holds. */
export function lowerBound(array, after) {
  let low = 0;
  let high = array.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (after(array[middle])) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
