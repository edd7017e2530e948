// SPDX-License-Identifier: MIT
// The built page in a headless Chromium. tools/playground sets PLAYGROUND, the page's file.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import process from 'node:process';
import { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';

import { Tab, launch, modules, serve } from '../../tests/browser.js';

export const file = pathToFileURL(process.env.PLAYGROUND).href;

/** The page as somebody uses it. */
export class Playground extends Tab {
  /** Load the page anew: `hash` is the part of the address after the name of the file. */
  async open({ hash = '', width = 1280, height = 860, theme = 'light', still = false,
    base = file } = {}) {
    await this.page.goto('about:blank');
    await this.prefer({ width, height, theme, still });
    await this.page.goto(base + hash);
    await this.page.waitForSelector('main:not([aria-busy])');
    return this;
  }

  /** Nothing went wrong since the page was loaded. */
  quiet() {
    assert.deepEqual(this.complaints.splice(0), []);
  }

  text(selector) {
    return this.page.$eval(selector, (node) => node.textContent);
  }

  label(selector) {
    return this.page.$eval(selector, (node) => node.getAttribute('aria-label'));
  }

  count(selector) {
    return this.page.$$eval(selector, (nodes) => nodes.length);
  }

  /** Click a button by its name, as a person finds it. */
  async press(name, role = 'button') {
    const node = await this.page.$(`aria/${name}[role="${role}"]`);
    assert.ok(node, `no ${role} "${name}"`);
    assert.notEqual(await node.evaluate((each) => each.getAttribute('aria-disabled')), 'true',
      `the button "${name}" is switched off`);
    await node.evaluate((each) => each.scrollIntoView({ block: 'center' }));
    await node.click();
    await node.dispose();
  }

  async choose(label, value) {
    const node = await this.page.$(`aria/${label}[role="combobox"]`);
    assert.ok(node, `no choice "${label}"`);
    await node.select(String(value));
  }

  async key(...keys) {
    for (const key of keys) {
      await this.page.keyboard.press(key);
    }
  }

  /** Event after event until something is on the page. */
  async stepUntil(selector, most = 400) {
    await this.page.evaluate(() => document.activeElement?.blur());
    for (let steps = 0; steps < most; steps++) {
      if (await this.page.$(selector) !== null) {
        return;
      }
      await this.key('ArrowRight');
    }
    assert.fail(`${most} events, and no ${selector}`);
  }

  frame() {
    return this.page.$eval('.slider', (node) => Number(node.value));
  }

  frames() {
    return this.page.$eval('.slider', (node) => Number(node.max));
  }

  async seek(frame) {
    await this.page.$eval('.slider', (node, value) => {
      node.value = value;
      node.dispatchEvent(new Event('input', { bubbles: true }));
    }, frame);
  }

  what() {
    return this.text('#step-body .what');
  }

  notes() {
    return this.page.$$eval('.note', (nodes) => nodes.map((node) => node.textContent));
  }

  leader() {
    return this.page.$eval('.server.is-leader', (node) => Number(node.dataset.server));
  }

  select(id) {
    return this.page.click(`[data-server="${id}"] .body`);
  }
}

/** A browser for the tests of a file: `playground()` gives its page. */
export function useBrowser() {
  let browser;
  let playground;
  before(async () => {
    browser = await launch();
    playground = new Playground(await browser.newPage());
  });
  after(() => browser?.close());
  return () => playground;
}

/** The page over HTTP. */
export const servePage = () => serve(dirname(process.env.PLAYGROUND));

export const axeSource = () => readFile(modules.resolve('axe-core/axe.min.js'), 'utf8');
