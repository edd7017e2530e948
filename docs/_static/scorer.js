// SPDX-License-Identifier: MIT
// How the site's search orders its results: guides and reference come before evidence, and the
// glossary and the decisions of maintainers come last. Sphinx writes this object into
// searchtools.js (html_search_scorer); the names of its members are Sphinx's.
/* eslint-disable-next-line no-unused-vars */
var Scorer = {
  // Points for the kind of page, added to those for the words. The first match counts.
  pages: [
    [/^(learn|guide|tutorial)\/(?!index)/, 40],
    [/^(quickstart|playground)$/, 40],
    [/^reference\/functions\/(?!index)/, 35],
    [/^reference\/(?!index|functions)/, 35],
    [/^(glossary|.*index)$/, -200], // a whole title that is searched for has 100 points
    [/./, -100],
  ],

  named: 80, // points for a page whose file is named after a word that is searched for

  // A result is [page, title, anchor, description, points, file, ...].
  score([page, , , , points]) {
    const kind = Scorer.pages.find(([pattern]) => pattern.test(page));
    const query = new URLSearchParams(window.location.search).get('q') || '';
    const words = query.toLowerCase().split(/\s+/).filter((word) => word.length > 2);
    const names = page.split('/').flatMap((name) => [name, ...name.split('-')]);
    const named = names.some((name) => words.some((word) => name.startsWith(word)));
    return points + kind[1] + (named ? Scorer.named : 0);
  },

  objNameMatch: 60, // the whole name of a function, struct or enumerator
  objPartialMatch: 3,
  objPrio: { 0: 5, 1: 2, 2: -5 },
  objPrioDefault: 0,
  title: 30,
  partialTitle: 12,
  term: 5,
  partialTerm: 2,
};
