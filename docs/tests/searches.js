// SPDX-License-Identifier: MIT
// What readers search for, and where the first results must lead. Run by site.test.js.

const USEFUL = /^(quickstart|playground|(learn|guide|tutorial|reference)\/.*)\.html$/;
const FIRST = 5; // so many results come from these pages
const WORDS = { // a word: pages of which the first that exists must be among the first results
  snapshot: ['guide/snapshots.html', 'reference/updates.html'],
  membership: ['guide/membership.html'],
  read: ['guide/reads.html'],
  lease: ['guide/leases.html', 'guide/reads.html'],
  'pre-vote': ['learn/raft.html'],
  'split vote': ['learn/raft.html'],
  ConfChange: ['guide/coming-from/etcd.html'],
  MemoryStorage: ['guide/coming-from/etcd.html'],
  raft_step: ['reference/functions/raft_step.html', 'reference/algorithm.html'],
};
const RARE = ['split vote', 'ConfChange', 'MemoryStorage']; // only the first result is judged

// Evaluated in the page of results: their addresses, once all are there.
async function results() {
  const list = () => [...document.querySelectorAll('#search-results ul.search > li > a')];
  for (let tries = 0, last = -1; tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const summary = document.querySelector('#search-results p.search-summary');
    if (summary && /\d/.test(summary.textContent) && list().length === last) {
      break;
    }
    last = list().length;
  }
  return list().map((a) => new URL(a.href).pathname.slice(1));
}

// `names` are the pages of the site.
export async function searches(tab, url, names) {
  const complaints = [];
  for (const [word, wanted] of Object.entries(WORDS)) {
    await tab.open(`${url}search.html?q=${encodeURIComponent(word)}`);
    const count = RARE.includes(word) ? 1 : FIRST;
    const first = (await tab.run(results)).slice(0, count);
    if (first.length < count) {
      complaints.push(`search for "${word}": ${first.length} results`);
    }
    complaints.push(...first.filter((name) => !USEFUL.test(name)).map((name) =>
      `search for "${word}": one of the first ${FIRST} results is ${name}`));
    const best = wanted.find((name) => names.includes(name));
    if (!first.includes(best)) {
      complaints.push(`search for "${word}": ${best} is not among the first: ${first}`);
    }
  }
  return complaints;
}
