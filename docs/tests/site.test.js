// SPDX-License-Identifier: MIT
// Open every page of the built site as readers do, and judge it.
//
// usage: node site.test.js SITE          exit 1 if anything is wrong
//        node site.test.js --self-test   show that each kind of fault is reported
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Browser, serve } = require('./browser.js');
const { searches } = require('./searches.js');

const WIDTHS = [[390, 844], [1280, 900]];
const RESIZED = [1100, 1313, 1366, 1400, 1600]; // the theme has other columns at each of these
const APART = /^playground\//; // a program of its own, with tests of its own
const SCENARIOS = fs.readdirSync(path.join(__dirname, '../playground/scenarios'))
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

async function judgePages(page, url, names) {
  const complaints = [];
  const maps = new Map();
  for (const name of names) {
    for (const [width, height] of WIDTHS) {
      await page.resize(width, height);
      let said = await page.open(url + name);
      if (said.some((what) => what.includes('ERR_NETWORK_CHANGED'))) {
        said = await page.open(url + name); // the machine got another network meanwhile
      }
      const wide = await page.run(`(${tooWide})()`);
      complaints.push(...[...said, ...wide].map((what) => `${name} at ${width} pixels: ${what}`));
    }
    for (const width of RESIZED) {
      await page.resize(width, 900);
      const wide = await page.run(`(${tooWide})()`);
      complaints.push(...wide.map((what) => `${name} at ${width} pixels: ${what}`));
    }
    maps.set(name, await page.run(`(${linksAndTargets})()`));
  }
  return { complaints, maps };
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

async function judgeTheme(page, url) {
  const complaints = [];
  const colour = 'getComputedStyle(document.body).backgroundColor';
  const seen = {};
  for (const scheme of ['light', 'dark']) {
    await page.resize(1280, 900, scheme);
    await page.open(url);
    await page.run('localStorage.clear()');
    await page.open(url);
    seen[scheme] = await page.run(colour);
    await page.run(`document.querySelector('.theme-toggle').click()`);
    const other = await page.run(colour);
    await page.open(url);
    if (other === seen[scheme]) {
      complaints.push(`the button for the theme changes nothing where the system is ${scheme}`);
    } else if (await page.run(colour) !== other) {
      complaints.push(`the theme is forgotten where the system is ${scheme}`);
    }
    await page.run('localStorage.clear()');
  }
  if (seen.light === seen.dark) {
    complaints.push('the theme of the system is ignored');
  }
  return complaints;
}

// The mark in the table of contents is at the section that is being read.
async function judgeMark(page, url, name) {
  await page.resize(1280, 900);
  await page.open(url + name);
  const marked = await page.run(`(async () => {
    const links = [...document.querySelectorAll('.toc-tree li li > a')];
    const link = links[Math.floor(links.length / 2)];
    const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    section.scrollIntoView({ behavior: 'instant' });
    const marked = () => link.parentElement.classList.contains('scroll-current');
    for (let tries = 0; tries < 100 && !marked(); tries++) { // a busy machine may be slow
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return marked();
  })()`);
  return marked ? [] : [`${name}: the table of contents does not mark the section being read`];
}

// A reader without JavaScript finds the three ways in.
async function judgeWithoutScripts(page, url) {
  await page.resize(390, 844);
  await page.allowScripts(false);
  await page.open(url);
  const { root } = await page.send('DOM.getDocument', { depth: -1 });
  const { nodeIds } = await page.send('DOM.querySelectorAll',
    { nodeId: root.nodeId, selector: 'article .cards .card a' });
  const boxes = await Promise.all(nodeIds.map((nodeId) =>
    page.send('DOM.getBoxModel', { nodeId }).then(({ model }) => model.width > 0, () => false)));
  await page.allowScripts(true);
  return boxes.filter(Boolean).length >= 3 ? [] :
    ['index.html: without JavaScript, the three ways in are not there'];
}

async function judge(site) {
  const names = htmlFiles(site);
  const server = await serve(site);
  const browser = new Browser();
  try {
    const page = await browser.page();
    const { complaints, maps } = await judgePages(page, server.url, names);
    complaints.push(...judgeLinks(site, server.url, maps), ...judgeSections(server.url, maps));
    if (names.includes('search.html')) { // else it is a site of the self-test
      complaints.push(...await judgeTheme(page, server.url),
        ...await judgeMark(page, server.url, 'guide/driver.html'),
        ...await judgeWithoutScripts(page, server.url),
        ...await searches(page, server.url, names));
    }
    return { names, complaints };
  } finally {
    await browser.close();
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

async function selfTest() {
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
    const { complaints } = await judge(folder);
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

async function main([site]) {
  if (site === '--self-test') {
    return selfTest();
  }
  const { names, complaints } = await judge(site);
  complaints.forEach((complaint) => console.log(complaint));
  console.log(`${names.length} pages, ${complaints.length} complaints`);
  return complaints.length === 0 && names.length > 0;
}

if (process.argv.length !== 3) {
  console.error('usage: node site.test.js SITE | --self-test');
  process.exit(2);
}
main(process.argv.slice(2)).then((fine) => process.exit(fine ? 0 : 1), (error) => {
  console.error(error);
  process.exit(1);
});
