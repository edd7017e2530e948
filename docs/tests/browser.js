// SPDX-License-Identifier: MIT
// A headless Chromium, driven over a pipe by its own protocol, so that nothing but Debian's
// chromium and nodejs is needed.
'use strict';
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--disable-dev-shm-usage', '--hide-scrollbars', '--remote-debugging-pipe'];
const PATIENCE = 30000; // milliseconds for one command or one page

class Browser {
  constructor(program = process.env.CHROMIUM || 'chromium') {
    this.profile = fs.mkdtempSync(path.join(os.tmpdir(), 'raft-site-'));
    this.waiting = new Map();
    this.listeners = new Set();
    this.number = 0;
    this.process = spawn(program, [...FLAGS, `--user-data-dir=${this.profile}`, 'about:blank'],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.process.on('error', (error) => this.fail(error));
    this.process.on('exit', () => this.fail(new Error(`${program} ended`)));
    let rest = '';
    this.process.stdio[4].setEncoding('utf8').on('data', (text) => {
      const parts = (rest + text).split('\0');
      rest = parts.pop();
      parts.forEach((part) => this.received(JSON.parse(part)));
    });
    this.process.stdio[3].on('error', () => {}); // reported by `exit`
  }

  fail(error) {
    this.failed = error;
    this.waiting.forEach(({ reject }) => reject(error));
    this.waiting.clear();
  }

  received(message) {
    const waiting = this.waiting.get(message.id);
    if (waiting) {
      this.waiting.delete(message.id);
      if (message.error) {
        waiting.reject(new Error(message.error.message));
      } else {
        waiting.resolve(message.result);
      }
    } else {
      this.listeners.forEach((listener) => listener(message));
    }
  }

  send(method, params = {}, sessionId = undefined) {
    if (this.failed) {
      return Promise.reject(this.failed);
    }
    const id = ++this.number;
    this.process.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + '\0');
    return within(new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
    }), method);
  }

  async page() {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, sessionId);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) {
      await page.send(domain + '.enable');
    }
    return page;
  }

  async close() {
    const ended = new Promise((resolve) => {
      this.process.once('exit', resolve);
    });
    this.send('Browser.close').catch(() => {});
    await ended;
    fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Page {
  constructor(browser, sessionId) {
    this.browser = browser;
    this.sessionId = sessionId;
    this.complaints = [];
    this.scripts = true;
    browser.listeners.add((message) => {
      if (message.sessionId === sessionId) {
        this.received(message.method, message.params);
      }
    });
  }

  send(method, params) {
    return this.browser.send(method, params, this.sessionId);
  }

  // Keep what a reader's console would show, and every file that could not be had.
  received(method, params) {
    if (method === 'Runtime.exceptionThrown') {
      const details = params.exceptionDetails;
      this.complaints.push(details.exception?.description || details.text);
    } else if (method === 'Runtime.consoleAPICalled') {
      if (['error', 'warning', 'assert'].includes(params.type)) {
        this.complaints.push(`console: ${params.args.map((a) => a.value).join(' ')}`);
      }
    } else if (method === 'Log.entryAdded') {
      if (params.entry.level === 'error') {
        this.complaints.push(`${params.entry.text} ${params.entry.url || ''}`.trim());
      }
    } else if (method === 'Network.loadingFailed') {
      if (!params.canceled) {
        this.complaints.push(`not loaded: ${params.errorText}`);
      }
    } else if (method === 'Page.loadEventFired' && this.loaded) {
      this.loaded();
    }
  }

  async resize(width, height, scheme = 'light') {
    await this.send('Emulation.setDeviceMetricsOverride',
      { width, height, deviceScaleFactor: 1, mobile: false });
    await this.send('Emulation.setEmulatedMedia',
      { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  }

  async allowScripts(scripts) {
    this.scripts = scripts;
    await this.send('Emulation.setScriptExecutionDisabled', { value: !scripts });
  }

  // Open an address. Returns what the console said meanwhile.
  async open(url) {
    this.complaints = [];
    const loaded = new Promise((resolve) => {
      this.loaded = resolve;
    });
    const { errorText } = await this.send('Page.navigate', { url });
    if (errorText) {
      throw new Error(`${url}: ${errorText}`);
    }
    await within(loaded, url);
    if (this.scripts) { // until it has been drawn
      await this.run('new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))');
    }
    return this.complaints;
  }

  // The value of a JavaScript expression in the page; a promise is waited for.
  async run(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate',
      { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) {
      throw new Error(exceptionDetails.exception?.description || exceptionDetails.text);
    }
    return result.value;
  }

  // A picture of the whole page, or of its first `most` pixels.
  async screenshot(file, most = 4000) {
    const { cssContentSize: { width, height } } = await this.send('Page.getLayoutMetrics');
    const clip = { x: 0, y: 0, width, height: Math.min(height, most), scale: 1 };
    const { data } = await this.send('Page.captureScreenshot',
      { format: 'png', captureBeyondViewport: true, clip });
    fs.writeFileSync(file, Buffer.from(data, 'base64'));
  }
}

async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer: ${what}`)), PATIENCE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.png': 'image/png' };

// Serve a folder on a free port of this machine. Resolves to { url, close }.
function serve(folder) {
  const root = path.resolve(folder);
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const file = path.join(root, decodeURIComponent(pathname).replace(/\/$/, '/index.html'));
    fs.readFile(file, (error, data) => {
      if (error && pathname === '/favicon.ico') {
        response.writeHead(204).end(); // asked for by the browser, not by a page
      } else if (error) {
        response.writeHead(404).end();
      } else {
        response.writeHead(200, { 'content-type': TYPES[path.extname(file)] || 'text/plain' });
        response.end(data);
      }
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({
      url: `http://127.0.0.1:${server.address().port}/`,
      close: () => server.close(),
    }));
  });
}

module.exports = { Browser, serve };
