// SPDX-License-Identifier: MIT
// Pictures of pages of the built site, at the widths of a telephone and of a desktop, in light and
// dark.
//
// usage: node screenshots.js SITE FOLDER [PAGE...]     (for people; default: ten pages)
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';

import { launch, serve } from './browser.js';
import { SIZES, SiteTab } from './site_tab.js';

const PAGES = ['index.html', 'learn/index.html', 'learn/concepts.html', 'learn/raft.html',
  'quickstart.html', 'guide/index.html', 'guide/driver.html', 'reference/events.html',
  'trust/index.html', 'architecture.html'];
const HEIGHT_MAX = 4000; // pixels

async function main([site, folder, ...pages]) {
  const server = await serve(site);
  const browser = await launch();
  fs.mkdirSync(folder, { recursive: true });
  try {
    const tab = await SiteTab.of(browser);
    for (const name of pages.length > 0 ? pages : PAGES) {
      for (const size of SIZES) {
        for (const theme of ['light', 'dark']) {
          await tab.prefer({ ...size, theme });
          await tab.open(server.url + name);
          const height = await tab.run('document.documentElement.scrollHeight');
          const stem = name.replace(/[/.]/g, '-').replace(/-html$/, '');
          await tab.page.screenshot({
            path: path.join(folder, `${stem}-${size.width}-${theme}.png`),
            clip: { x: 0, y: 0, width: size.width, height: Math.min(height, HEIGHT_MAX) },
          });
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
await main(process.argv.slice(2));
