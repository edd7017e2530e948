// SPDX-License-Identifier: MIT
// A headless Chromium for the tests of pages, and a server for the pages. tools/lib.sh sets
// BROWSER_MODULES, the folder with the packages of ../package.json.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import process from 'node:process';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-component-update'];
const PATIENCE = 30000; // milliseconds for one page
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.png': 'image/png' };

export const modules = createRequire(`${process.env.BROWSER_MODULES}/`);

export function launch() {
  return modules('puppeteer-core').launch({ args: FLAGS, pipe: true, protocolTimeout: 60000,
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium' });
}

/** A page of the browser, and what went wrong on it. */
export class Tab {
  complaints = [];

  constructor(page) {
    this.page = page;
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', (error) => this.complaints.push(error.stack));
    page.on('console', (message) => {
      if (['error', 'warn', 'assert'].includes(message.type())) {
        const { url = '' } = message.location();
        this.complaints.push(`console: ${message.text()} ${url}`.trim());
      }
    });
    page.on('requestfailed', (request) => {
      if (request.failure().errorText !== 'net::ERR_ABORTED') { // the page was left
        this.complaints.push(`not loaded: ${request.url()}: ${request.failure().errorText}`);
      }
    });
  }

  /** The size of the window, and what the system prefers. */
  async prefer({ width, height, theme = 'light', still = false }) {
    await this.page.setViewport({ width, height });
    await this.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme },
      { name: 'prefers-reduced-motion', value: still ? 'reduce' : 'no-preference' }]);
  }

  /** The value of a function, or of an expression, in the page; a promise is waited for. */
  run(program, ...values) {
    return this.page.evaluate(program, ...values);
  }
}

/** Serve a folder on a free port. Resolves to { url, asked, close }: `asked` are the paths. */
export async function serve(folder) {
  const asked = [];
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    asked.push(pathname);
    const file = join(folder, decodeURIComponent(pathname).replace(/\/$/, '/index.html'));
    try {
      const data = await readFile(file);
      response.writeHead(200, { 'content-type': TYPES[extname(file)] || 'text/plain' }).end(data);
    } catch {
      // A browser asks for an icon by itself.
      response.writeHead(pathname === '/favicon.ico' ? 204 : 404).end();
    }
  });
  await new Promise((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  return { url: `http://127.0.0.1:${server.address().port}/`, asked, close: () => server.close() };
}
