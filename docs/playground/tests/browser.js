// SPDX-License-Identifier: MIT
// The built page in a headless Chromium. tools/playground sets PLAYGROUND, the page's file, and
// PLAYGROUND_MODULES, the folder with puppeteer-core and axe-core.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const require = createRequire(`${process.env.PLAYGROUND_MODULES}/`);

export const file = pathToFileURL(process.env.PLAYGROUND).href;

/** The page as somebody uses it. */
export class Playground {
  errors = [];

  constructor(page) {
    this.page = page;
    page.setDefaultTimeout(20000);
    page.on('pageerror', (error) => this.errors.push(error.stack));
    page.on('console', (message) => {
      if (['error', 'warn'].includes(message.type())) {
        this.errors.push(`console: ${message.text()}`);
      }
    });
    page.on('requestfailed', (request) => this.errors.push(`not loaded: ${request.url()}`));
  }

  /** Load the page anew: `hash` is the part of the address after the name of the file. */
  async open({ hash = '', width = 1280, height = 860, theme = 'light', still = false,
    base = file } = {}) {
    await this.page.goto('about:blank');
    await this.page.setViewport({ width, height });
    await this.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme },
      { name: 'prefers-reduced-motion', value: still ? 'reduce' : 'no-preference' }]);
    await this.page.goto(base + hash);
    await this.page.waitForSelector('main:not([aria-busy])');
    return this;
  }

  /** Nothing went wrong since the page was loaded. */
  quiet() {
    assert.deepEqual(this.errors.splice(0), []);
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

  run(program, ...values) {
    return this.page.evaluate(program, ...values);
  }
}

/** A browser for the tests of a file: `playground()` gives its page. */
export function useBrowser() {
  let browser;
  let profile;
  let playground;
  before(async () => {
    profile = await mkdtemp(join(tmpdir(), 'raft-playground-'));
    browser = await require('puppeteer-core').launch({
      executablePath: process.env.CHROMIUM || '/usr/bin/chromium', userDataDir: profile,
      args: FLAGS, protocolTimeout: 60000,
    });
    playground = new Playground(await browser.newPage());
  });
  after(async () => {
    await browser?.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  return () => playground;
}

/** The page over HTTP. */
export async function serve() {
  const page = await readFile(process.env.PLAYGROUND);
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(request.url === '/playground/index.html' ? 200 : 404,
      { 'content-type': 'text/html; charset=utf-8' });
    response.end(page);
  });
  await new Promise((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  return { url: `http://127.0.0.1:${server.address().port}/playground/index.html`, asked,
    close: () => server.close() };
}

export const axeSource = () => readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
