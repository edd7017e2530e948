// SPDX-License-Identifier: MIT
// Pictures of pages of the built site, at the widths of a telephone and of a desktop, in light and
// dark.
//
// usage: node screenshots.js SITE FOLDER [PAGE...]     (for people; default: ten pages)
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { Browser, serve } = require('./browser.js');

const PAGES = ['index.html', 'learn/index.html', 'learn/concepts.html', 'learn/raft.html',
  'quickstart.html', 'guide/index.html', 'guide/driver.html', 'reference/events.html',
  'trust/index.html', 'architecture.html'];

async function main([site, folder, ...pages]) {
  const server = await serve(site);
  const browser = new Browser();
  fs.mkdirSync(folder, { recursive: true });
  try {
    const page = await browser.page();
    for (const name of pages.length > 0 ? pages : PAGES) {
      for (const [width, height] of [[390, 844], [1280, 900]]) {
        for (const scheme of ['light', 'dark']) {
          await page.resize(width, height, scheme);
          await page.open(server.url + name);
          const stem = name.replace(/[/.]/g, '-').replace(/-html$/, '');
          await page.screenshot(path.join(folder, `${stem}-${width}-${scheme}.png`));
        }
      }
    }
  } finally {
    await browser.close();
    server.close();
  }
}

if (process.argv.length < 4) {
  console.error('usage: node screenshots.js SITE FOLDER [PAGE...]');
  process.exit(2);
}
main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
