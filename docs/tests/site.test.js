// SPDX-License-Identifier: MIT
// Open every page of the built site as readers do, and judge it.
//
// usage: node site.test.js SITE          exit 1 if anything is wrong
//        node site.test.js --self-test   show that each kind of fault is reported
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';

import { launch, serve } from './browser.js';
import { searches } from './searches.js';
import { DESKTOP, SIZES, SiteTab, TELEPHONE } from './site_tab.js';

const RESIZED = [1100, 1313, 1366, 1400, 1600]; // the theme has other columns at each of these
const APART = /^playground\//; // a program of its own, with tests of its own
const SCENARIOS = fs.readdirSync(new URL('../playground/scenarios', import.meta.url))
  .map((file) => `scenario=${file.replace('.js', '')}`);
const LONE = /^(index|search|genindex|reference\/functions\/.*)\.html$/;
const SECTION = /^(testing|(.*\/)?index)\.html$/; // says what each of its pages is about

function htmlFiles(folder, below = '') {
  return fs.readdirSync(path.join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(below, entry.name);
    if (entry.isDirectory()) {
      return entry.name === '_static' ? [] : htmlFiles(folder, name);
    }
    return name.endsWith('.html') && !APART.test(name) ? [name] : [];
  }).sort();
}

// Evaluated in a page: what is wider than the screen, and not in a box of its own that scrolls.
function tooWide() {
  const found = [];
  for (const box of [document.scrollingElement, ...document.querySelectorAll('.content')]) {
    if (box.scrollWidth > box.clientWidth + 1) {
      const limit = box.getBoundingClientRect().left + box.clientWidth + 1;
      const scrolls = (element) => element !== box && (scrolls(element.parentElement) ||
        /auto|scroll|hidden/.test(getComputedStyle(element).overflowX));
      const inner = [...box.querySelectorAll('*')].filter((element) =>
        element.getBoundingClientRect().right > limit && !scrolls(element)).pop();
      const name = inner ? inner.outerHTML.slice(0, 80).replace(/\s+/g, ' ') : box.className;
      found.push(`${box.scrollWidth} pixels wide, screen ${box.clientWidth}: ${name}`);
    }
  }
  return found;
}

// Evaluated in a page: addresses of its links, those of the text apart, and what can be linked to.
function linksAndTargets() {
  const hrefs = (selector) => [...document.querySelectorAll(selector)]
    .filter((a) => a.hasAttribute('href')).map((a) => a.href);
  return {
    links: hrefs('a'),
    text: hrefs('article a'),
    targets: [...document.querySelectorAll('[id]')].map((element) => element.id),
  };
}

// Every page at every size: each size has a tab of its own. The wider one is resized, too.
async function judgePages(browser, url, names) {
  const maps = new Map();
  const complaints = await Promise.all(SIZES.map(async (size) => {
    const tab = await SiteTab.of(browser);
    const found = [];
    for (const name of names) {
      const add = (width, faults) => found.push(...faults.map((what) =>
        `${name} at ${width} pixels: ${what}`));
      await tab.prefer(size);
      add(size.width, [...await tab.open(url + name), ...await tab.run(tooWide)]);
      if (size === DESKTOP) {
        for (const width of RESIZED) {
          await tab.page.setViewport({ width, height: size.height });
          add(width, await tab.run(tooWide));
        }
        maps.set(name, await tab.run(linksAndTargets));
      }
    }
    await tab.page.close();
    return found;
  }));
  return { complaints: complaints.flat(), maps };
}

function judgeLinks(site, url, maps) {
  const complaints = [];
  for (const [name, { links }] of maps) {
    for (const link of new Set(links)) {
      if (!link.startsWith(url)) {
        continue;
      }
      const { pathname, hash } = new URL(link);
      const target = decodeURIComponent(pathname.slice(1)) || 'index.html';
      const id = decodeURIComponent(hash.slice(1));
      if (!fs.existsSync(path.join(site, target))) {
        complaints.push(`${name}: a link to a file that is not there: ${target}`);
      } else if (id && maps.has(target) && !maps.get(target).targets.includes(id)) {
        complaints.push(`${name}: a link to a place that is not there: ${target}#${id}`);
      } else if (APART.test(target) && /^scenario=/.test(id) && !SCENARIOS.includes(id)) {
        complaints.push(`${name}: a link to a scenario that is not there: ${id}`);
      }
    }
  }
  return complaints;
}

// A reader finds every page in the text of the front page or of a section's first page.
function judgeSections(url, maps) {
  const linked = new Set([...maps.keys()].filter((name) => SECTION.test(name)).flatMap((name) =>
    maps.get(name).text.map((link) => link.replace(/#.*/, '').replace(url, ''))));
  return [...maps.keys()].filter((name) => !LONE.test(name) && !linked.has(name)).map((name) =>
    `${name}: no first page of a section says what it is about`);
}

async function judgeTheme(tab, url) {
  const complaints = [];
  const colour = 'getComputedStyle(document.body).backgroundColor';
  const seen = {};
  for (const theme of ['light', 'dark']) {
    await tab.prefer({ ...DESKTOP, theme });
    await tab.open(url);
    await tab.run('localStorage.clear()');
    await tab.open(url);
    seen[theme] = await tab.run(colour);
    await tab.run(`document.querySelector('.theme-toggle').click()`);
    const other = await tab.run(colour);
    await tab.open(url);
    if (other === seen[theme]) {
      complaints.push(`the button for the theme changes nothing where the system is ${theme}`);
    } else if (await tab.run(colour) !== other) {
      complaints.push(`the theme is forgotten where the system is ${theme}`);
    }
    await tab.run('localStorage.clear()');
  }
  if (seen.light === seen.dark) {
    complaints.push('the theme of the system is ignored');
  }
  return complaints;
}

// The mark in the table of contents is at the section that is being read.
async function judgeMark(tab, url, name) {
  await tab.prefer(DESKTOP);
  await tab.open(url + name);
  const marked = await tab.run(async () => {
    const links = [...document.querySelectorAll('.toc-tree li li > a')];
    const link = links[Math.floor(links.length / 2)];
    const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    section.scrollIntoView({ behavior: 'instant' });
    const marked = () => link.parentElement.classList.contains('scroll-current');
    for (let tries = 0; tries < 100 && !marked(); tries++) { // a busy machine may be slow
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return marked();
  });
  return marked ? [] : [`${name}: the table of contents does not mark the section being read`];
}

// A reader without JavaScript finds the three ways in.
async function judgeWithoutScripts(tab, url) {
  await tab.prefer(TELEPHONE);
  await tab.page.setJavaScriptEnabled(false);
  await tab.open(url);
  const boxes = await Promise.all((await tab.page.$$('article .cards .card a')).map((link) =>
    link.boxModel()));
  await tab.page.setJavaScriptEnabled(true);
  return boxes.filter((box) => box?.width > 0).length >= 3 ? [] :
    ['index.html: without JavaScript, the three ways in are not there'];
}

async function judge(browser, site) {
  const names = htmlFiles(site);
  const server = await serve(site);
  try {
    const { complaints, maps } = await judgePages(browser, server.url, names);
    complaints.push(...judgeLinks(site, server.url, maps), ...judgeSections(server.url, maps));
    if (names.includes('search.html')) { // else it is a site of the self-test
      const tab = await SiteTab.of(browser);
      complaints.push(...await judgeTheme(tab, server.url),
        ...await judgeMark(tab, server.url, 'guide/driver.html'),
        ...await judgeWithoutScripts(tab, server.url),
        ...await searches(tab, server.url, names));
    }
    return { names, complaints };
  } finally {
    server.close();
  }
}

const HEAD = '<!doctype html><meta name="viewport" content="width=device-width"><article>';
const FAULTS = { // what is wrong: (a page, a part of each complaint)
  'an error in a script': ['<script>missing()</script>', 'missing is not defined'],
  'an error in the console': ['<script>console.error("bad")</script>', 'console: bad'],
  'a missing script': ['<script src="none.js"></script>', 'none.js'],
  'a missing picture': ['<img src="none.png" alt="">', 'none.png'],
  'a wide page': ['<div style="width: 500px">wide</div>', '390 pixels: 5'],
  'a wide text': ['<div class="content" style="overflow: auto"><div style="width: 500px">wide',
    '390 pixels: 5'],
  'a broken link': ['<a href="none.html">link</a>', 'a file that is not there'],
  'a scenario that is not there': ['<a href="playground/index.html#scenario=none">link</a>',
    'a scenario that is not there'],
  'a broken anchor': ['<a href="index.html#none">link</a>', 'a place that is not there'],
};
const FINE = '<a href="index.html#here" id="here">link</a>' +
  '<a href="playground/index.html#scenario=lease">link</a>' +
  '<div style="overflow: auto"><div style="width: 500px">scrolls</div></div>';

async function selfTest(browser) {
  let failed = 0;
  const cases = [...Object.entries(FAULTS), ['nothing', [FINE, null]],
    ['a page that no section names', [null, 'says what it is about']]];
  for (const [what, [body, part]] of cases) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'raft-site-test-'));
    fs.writeFileSync(path.join(folder, 'index.html'), HEAD + (body ?? FINE));
    fs.mkdirSync(path.join(folder, 'playground'));
    fs.writeFileSync(path.join(folder, 'playground/index.html'), HEAD);
    if (body === null) {
      fs.writeFileSync(path.join(folder, 'lost.html'), HEAD + FINE);
    }
    const { complaints } = await judge(browser, folder);
    fs.rmSync(folder, { recursive: true });
    const right = part === null ? complaints.length === 0 :
      complaints.length > 0 && complaints.some((complaint) => complaint.includes(part));
    if (!right) {
      failed++;
      console.log(`FAILED: ${what}: ${JSON.stringify(complaints)}`);
    }
  }
  console.log(`${cases.length} cases, ${failed} failed`);
  return failed === 0;
}

async function main(site) {
  const browser = await launch();
  try {
    if (site === '--self-test') {
      return await selfTest(browser);
    }
    const { names, complaints } = await judge(browser, site);
    complaints.forEach((complaint) => console.log(complaint));
    console.log(`${names.length} pages, ${complaints.length} complaints`);
    return complaints.length === 0 && names.length > 0;
  } finally {
    await browser.close();
  }
}

if (process.argv.length !== 3) {
  console.error('usage: node site.test.js SITE | --self-test');
  process.exit(2);
}
process.exit(await main(process.argv[2]) ? 0 : 1);
